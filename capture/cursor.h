/* SPDX-License-Identifier: MIT */
/* The checked cursor: the only door to packet bytes */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/sixteen.h"

#define CURSOR_WIDE 64 /* what cursor_copy() may write */

struct cursor {
	const uint8_t *at, *end;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* Leave out the next @count bytes; false and nothing changes if there are fewer */
static inline bool cursor_skip(struct cursor *cursor, size_t count)
{
	if (count > cursor_left(cursor))
		return false;
	cursor->at += count;
	return true;
}

/* The next @count bytes, or NULL and nothing changes */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t count)
{
	return cursor_skip(cursor, count) ? cursor->at - count : NULL;
}

/* Copy the next @count bytes, which are there and at most CURSOR_WIDE; nothing is taken. Where there
 * are more, as many as CURSOR_WIDE are copied: a copy of fixed size is faster.
 */
static inline void cursor_copy(const struct cursor *cursor, uint8_t *to, size_t count)
{
	if (cursor_left(cursor) < CURSOR_WIDE)
		memcpy(to, cursor->at, count);
	else
		for (size_t at = 0; at < CURSOR_WIDE; at += 16)
			sixteen_store(to + at, sixteen_load(cursor->at + at));
}

/* A number of 16 bits in network byte order */
static inline uint16_t cursor_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}
