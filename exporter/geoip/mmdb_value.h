/* SPDX-License-Identifier: MIT */
/* Values of a MaxMind DB section, taken for hostile */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMDB_VALUES_MAX 65536 /* in one record */
#define MMDB_NEST_MAX	16    /* maps and arrays in each other; databases in use have five */

enum mmdb_type {
	MMDB_POINTER = 1,
	MMDB_STRING = 2,
	MMDB_DOUBLE = 3,
	MMDB_OCTETS = 4,
	MMDB_UINT16 = 5,
	MMDB_UINT32 = 6,
	MMDB_MAP = 7,
	MMDB_INT32 = 8,
	MMDB_UINT64 = 9,
	MMDB_UINT128 = 10,
	MMDB_ARRAY = 11,
	MMDB_BOOLEAN = 14,
	MMDB_FLOAT = 15,
	MMDB_TYPES,
};

/* One value, without what it contains or points to. Offsets are from the start of the section. */
struct mmdb_value {
	uint32_t type; /* enum mmdb_type */
	uint32_t size; /* bytes of it; entries of a map or an array; the bit of a boolean */
	uint32_t body; /* where its bytes are; what a pointer points to */
	uint32_t next; /* where the value after it is; the first entry of a map or an array */
};

/* A section and what was seen of it */
struct mmdb_walk {
	const uint8_t *bytes;
	uint8_t *seen;	 /* a bit for each offset at which a sound value starts, or NULL */
	uint64_t budget; /* values that may still be looked at, over all */
	uint32_t size;
	uint32_t record; /* values that may still be looked at in one mmdb_value_walk() */
};

/**
 * mmdb_value_read() - The value at an offset
 * @ret_value:	Filled on success; a pointer's body may lie anywhere, all else is inside
 *
 * Return: NULL, or what is wrong with it
 */
const char *mmdb_value_read(const struct mmdb_walk *walk, uint32_t offset,
			    struct mmdb_value *ret_value);

/**
 * mmdb_value_resolve() - The value at an offset, or the one it points to
 * @ret_value:	Filled on success; never a pointer
 * @ret_next:	Filled on success: where the value after the one at @offset is
 *
 * Return: NULL, or what is wrong with it
 */
const char *mmdb_value_resolve(const struct mmdb_walk *walk, uint32_t offset,
			       struct mmdb_value *ret_value, uint32_t *ret_next);

/**
 * mmdb_value_number() - Number of an unsigned value of up to four bytes
 */
uint32_t mmdb_value_number(const struct mmdb_walk *walk, const struct mmdb_value *value);

/**
 * mmdb_value_walk() - Look at a value, at all that it contains and at all that it points to
 * @ret_next:	Filled on success: where the value after it is
 *
 * What was found sound before is not looked at again, where the walk can remember it. Recurses,
 * MMDB_NEST_MAX deep at most.
 *
 * Return: NULL, or what is wrong with it
 */
const char *mmdb_value_walk(struct mmdb_walk *walk, uint32_t offset, uint32_t *ret_next);

/**
 * mmdb_value_walk_seen() - Whether a value at this offset was found sound before
 */
bool mmdb_value_walk_seen(const struct mmdb_walk *walk, uint32_t offset);
