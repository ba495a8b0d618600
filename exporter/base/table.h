/* SPDX-License-Identifier: MIT */
/* Memory of a table: bounded at the start, touched when it is used
 *
 * The kernel gives a page when it is first written to, so a table costs what is in it. What it may
 * come to is known from the start: RLIMIT_DATA counts all of it, so that a table for which there is
 * no memory is refused (system/memory.h).
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From the heap, which a sanitizer watches */
#ifdef __has_feature
#define TABLE_IS_WATCHED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define TABLE_IS_WATCHED 1
#else
#define TABLE_IS_WATCHED 0
#endif

/**
 * table_make() - Rows of zeros, from the beginning of a page on
 * @bytes:	Of a row
 *
 * System calls: mmap.
 *
 * Return: for table_free(); NULL if there is no memory for that many
 */
static inline void *table_make(size_t rows, size_t bytes)
{
	void *table;

	if (__builtin_mul_overflow(rows, bytes, &bytes))
		return NULL;
#if TABLE_IS_WATCHED
	if (posix_memalign(&table, 4096, bytes) != 0)
		return NULL;
	return memset(table, 0, bytes);
#else
	table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return table == MAP_FAILED ? NULL : table;
#endif
}

/**
 * table_free() - NULL is fine
 * @rows:	As in table_make(), and so is @bytes
 */
static inline void table_free(void *table, size_t rows, size_t bytes)
{
#if TABLE_IS_WATCHED
	(void)rows, (void)bytes;
	free(table);
#else
	if (table)
		munmap(table, rows * bytes);
#endif
}
