/* SPDX-License-Identifier: MIT */
/* Sixteen bytes at a time, wherever they lie; the compiler makes of it what the processor has */
#pragma once

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t v16u8 __attribute__((vector_size(16)));
typedef uint16_t v8u16 __attribute__((vector_size(16)));
typedef uint32_t v4u32 __attribute__((vector_size(16)));
typedef uint64_t v2u64 __attribute__((vector_size(16)));
typedef v16u8 sixteen __attribute__((aligned(1), may_alias)); /* in memory */

static_assert(BYTE_ORDER == LITTLE_ENDIAN, "the first of two neighbours is in the lower bits");

/* clang-format off */
#define SIXTEEN(b) { b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b }
/* clang-format on */

static inline v16u8 sixteen_load(const uint8_t *from)
{
	return *(const sixteen *)from;
}

static inline void sixteen_store(uint8_t *to, v16u8 bytes)
{
	*(sixteen *)to = bytes;
}

/* All bits of the first @count bytes; of all, if they are more than sixteen */
static inline v16u8 sixteen_first(size_t count)
{
	static const v16u8 ones[2] = { SIXTEEN(0xff) };

	return sixteen_load((const uint8_t *)ones + 16 - (count < 16 ? count : 16));
}

/* Whether every bit is zero */
static inline bool sixteen_is_zero(v16u8 bytes)
{
	return (((v2u64)bytes)[0] | ((v2u64)bytes)[1]) == 0;
}

/* @bytes may be read to the end of the last sixteen */
static inline bool sixteen_is_ascii(const uint8_t *bytes, size_t count)
{
	v16u8 high = { 0 };

	for (size_t at = 0; at < count; at += 16)
		high |= sixteen_load(bytes + at) & sixteen_first(count - at) & 0x80;
	return sixteen_is_zero(high);
}
