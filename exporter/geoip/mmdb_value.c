/* SPDX-License-Identifier: MIT */
/* Values of a MaxMind DB section, taken for hostile */
#include "geoip/mmdb_value.h"

#include <stddef.h>

static const char fault_outside[] = "a value reaches past the end of its section";

/* Bytes of the values that have a fixed number of them at most, as libmaxminddb's decode_one() */
static const struct {
	uint8_t least;
	uint8_t most;
} widths[MMDB_TYPES] = {
	[MMDB_DOUBLE] = { 8, 8 }, [MMDB_UINT16] = { 0, 2 }, [MMDB_UINT32] = { 0, 4 },
	[MMDB_INT32] = { 0, 4 },  [MMDB_UINT64] = { 0, 8 }, [MMDB_UINT128] = { 0, 16 },
	[MMDB_FLOAT] = { 4, 4 },
};

static uint32_t big_endian(const uint8_t *bytes, uint32_t count)
{
	uint32_t number = 0;

	while (count-- > 0)
		number = number << 8 | *bytes++;
	return number;
}

static const char *read_pointer(const struct mmdb_walk *walk, uint8_t control, uint32_t offset,
				struct mmdb_value *ret_value)
{
	static const uint32_t base[] = { 0, 2048, 2048 + 524288, 0 };
	uint32_t width = (control >> 3 & 3u) + 1;
	uint32_t high = width == 4 ? 0 : (uint32_t)(control & 7) << 8 * width;

	if (walk->size - offset < width)
		return fault_outside;
	*ret_value = (struct mmdb_value){
		.type = MMDB_POINTER,
		.size = width,
		.body = base[width - 1] + (high | big_endian(walk->bytes + offset, width)),
		.next = offset + width,
	};
	return NULL;
}

/* Where a value's bytes or entries end, from what its type allows */
static const char *measure(const struct mmdb_walk *walk, struct mmdb_value *value)
{
	uint32_t room = walk->size - value->body;

	value->next = value->body;
	switch (value->type) {
	case MMDB_MAP:
	case MMDB_ARRAY:
		/* An entry is a byte at least, with its key two */
		if (value->size > (value->type == MMDB_MAP ? room / 2 : room))
			return "a map or an array has more entries than there are bytes left";
		return NULL;
	case MMDB_BOOLEAN: return value->size > 1 ? "a boolean is neither true nor false" : NULL;
	case MMDB_STRING:
	case MMDB_OCTETS: break;
	case MMDB_DOUBLE:
	case MMDB_UINT16:
	case MMDB_UINT32:
	case MMDB_INT32:
	case MMDB_UINT64:
	case MMDB_UINT128:
	case MMDB_FLOAT:
		if (value->size < widths[value->type].least ||
		    value->size > widths[value->type].most)
			return "a number has a size that its type cannot have";
		break;
	default: return "a value is of no known type";
	}
	if (value->size > room)
		return fault_outside;
	value->next += value->size;
	return NULL;
}

const char *mmdb_value_read(const struct mmdb_walk *walk, uint32_t offset,
			    struct mmdb_value *ret_value)
{
	static const uint32_t base[] = { 0, 29, 285, 65821 };
	struct mmdb_value value;
	const char *fault;
	uint8_t control;
	uint32_t extra;

	if (offset >= walk->size)
		return fault_outside;
	control = walk->bytes[offset++];
	value.type = control >> 5;
	if (value.type == MMDB_POINTER)
		return read_pointer(walk, control, offset, ret_value);
	if (!value.type) {
		if (offset >= walk->size)
			return fault_outside;
		value.type = 7u + walk->bytes[offset++];
	}

	/* Up to 28 the size stands in the control byte, else in one to three bytes after it */
	value.size = control & 31;
	extra = value.size > 28 ? value.size - 28 : 0;
	if (walk->size - offset < extra)
		return fault_outside;
	if (extra)
		value.size = base[extra] + big_endian(walk->bytes + offset, extra);
	value.body = offset + extra;
	fault = measure(walk, &value);
	if (!fault)
		*ret_value = value;
	return fault;
}

const char *mmdb_value_resolve(const struct mmdb_walk *walk, uint32_t offset,
			       struct mmdb_value *ret_value, uint32_t *ret_next)
{
	struct mmdb_value value;
	const char *fault = mmdb_value_read(walk, offset, &value);
	uint32_t next;

	if (fault)
		return fault;
	next = value.next;
	if (value.type == MMDB_POINTER) {
		fault = mmdb_value_read(walk, value.body, &value);
		if (fault)
			return fault;
		if (value.type == MMDB_POINTER)
			return "a pointer leads to another pointer";
	}
	*ret_value = value;
	*ret_next = next;
	return NULL;
}

uint32_t mmdb_value_number(const struct mmdb_walk *walk, const struct mmdb_value *value)
{
	return big_endian(walk->bytes + value->body, value->size);
}

bool mmdb_value_walk_seen(const struct mmdb_walk *walk, uint32_t offset)
{
	return walk->seen && offset < walk->size && walk->seen[offset / 8] & 1u << offset % 8;
}

static void mark_seen(struct mmdb_walk *walk, uint32_t offset)
{
	if (walk->seen)
		walk->seen[offset / 8] |= (uint8_t)(1u << offset % 8);
}

static const char *walk_key(const struct mmdb_walk *walk, uint32_t offset, uint32_t *ret_next)
{
	struct mmdb_value key;
	const char *fault = mmdb_value_resolve(walk, offset, &key, ret_next);

	if (!fault && key.type != MMDB_STRING)
		fault = "a key is not a string";
	return fault;
}

static const char *walk_value(struct mmdb_walk *walk, uint32_t offset, unsigned depth,
			      uint32_t *ret_next);

static const char *walk_entries(struct mmdb_walk *walk, const struct mmdb_value *value,
				unsigned depth, uint32_t *ret_next)
{
	const char *fault = NULL;
	uint32_t entry = value->next;

	if (value->type != MMDB_MAP && value->type != MMDB_ARRAY) {
		*ret_next = entry;
		return NULL;
	}
	if (depth == MMDB_NEST_MAX)
		return "values are nested too deep, or in a circle";
	for (uint32_t i = 0; i < value->size; i++) {
		if (value->type == MMDB_MAP)
			fault = walk_key(walk, entry, &entry);
		if (!fault)
			fault = walk_value(walk, entry, depth + 1, &entry);
		if (fault)
			return fault;
	}
	*ret_next = entry;
	return NULL;
}

static const char *walk_value(struct mmdb_walk *walk, uint32_t offset, unsigned depth,
			      uint32_t *ret_next)
{
	struct mmdb_value value;
	const char *fault;
	uint32_t end;

	if (!walk->budget)
		return "values overlap";
	if (!walk->record)
		return "a record has more than 65536 values";
	walk->budget--;
	walk->record--;

	fault = mmdb_value_read(walk, offset, &value);
	if (fault)
		return fault;
	if (value.type != MMDB_POINTER)
		return walk_entries(walk, &value, depth, ret_next);

	/* What was sound once is sound again. It can't be what this pointer is itself a part of:
	 * that is not marked yet, so that a circle ends at the depth.
	 */
	*ret_next = value.next;
	offset = value.body;
	fault = mmdb_value_read(walk, offset, &value);
	if (!fault && value.type == MMDB_POINTER) /* even if it is a record, and sound as that */
		fault = "a pointer leads to another pointer";
	if (fault || mmdb_value_walk_seen(walk, offset))
		return fault;
	fault = walk_entries(walk, &value, depth, &end);
	if (!fault)
		mark_seen(walk, offset);
	return fault;
}

const char *mmdb_value_walk(struct mmdb_walk *walk, uint32_t offset, uint32_t *ret_next)
{
	const char *fault;
	uint32_t next;

	walk->record = MMDB_VALUES_MAX;
	fault = walk_value(walk, offset, 0, &next);
	if (fault)
		return fault;
	mark_seen(walk, offset);
	*ret_next = next;
	return NULL;
}
