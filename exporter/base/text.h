/* SPDX-License-Identifier: MIT */
/* Text that grows in a buffer of fixed size */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *start, *at, *end;
	bool full; /* something did not fit; what is there is no longer of use */
};

/* Where @count bytes may be written; NULL if they do not fit */
static inline char *text_room(struct text *text, size_t count)
{
	if (count > (size_t)(text->end - text->at)) {
		text->full = true;
		return NULL;
	}
	return text->at;
}

static inline void text_bytes(struct text *text, const char *bytes, size_t count)
{
	char *at = text_room(text, count);

	if (!at)
		return;
	memcpy(at, bytes, count);
	text->at += count;
}

static inline void text_string(struct text *text, const char *string)
{
	text_bytes(text, string, strlen(string));
}

static inline void text_number(struct text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	text_bytes(text, digits + at, sizeof(digits) - at);
}

/* Thousandths, with their point */
static inline void text_thousandths(struct text *text, uint64_t thousandths)
{
	char fraction[5] = { '.', (char)('0' + thousandths / 100 % 10),
			     (char)('0' + thousandths / 10 % 10), (char)('0' + thousandths % 10),
			     0 };

	text_number(text, thousandths / 1000);
	text_string(text, fraction);
}

/* Seconds with milliseconds, as Prometheus shows times */
static inline void text_seconds(struct text *text, uint64_t nanoseconds)
{
	text_thousandths(text, nanoseconds / 1000000);
}
