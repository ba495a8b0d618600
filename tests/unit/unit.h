/* SPDX-License-Identifier: MIT */
/* cmocka, with the headers that it wants to come before it */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The same numbers in each run, on every machine (splitmix64) */
static inline unsigned unit_random(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return (unsigned)(mixed >> 33);
}

/* Pages of this process that are in memory */
static inline long unit_resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %ld", &pages), 1);
	assert_int_equal(fclose(file), 0);
	return pages;
}
