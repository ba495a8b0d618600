/* SPDX-License-Identifier: MIT */
/* Whether a MaxMind DB file is sound, before libmaxminddb reads it */
#include "geoip/mmdb_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "geoip/mmdb_value.h"

#define METADATA_BYTES_MAX (128u << 10) /* the marker is looked for in the last 128 KiB */
#define SEPARATOR_BYTES	   16u		/* zeros between the tree and the data */
#define HEIGHT_OPEN	   0xff		/* of a node on the path from the root to here */

static const char marker[] = "\xab\xcd\xef"
			     "MaxMind.com";
#define MARKER_BYTES (sizeof(marker) - 1)

/* Entries of the metadata that the layout depends on, or that the library takes apart. It takes
 * the first of a name.
 */
enum entry { NODE_COUNT, RECORD_SIZE, IP_VERSION, LANGUAGES, DESCRIPTION, ENTRIES };

static const struct {
	const char *key;
	enum mmdb_type type;
} entries[ENTRIES] = {
	[NODE_COUNT] = { "node_count", MMDB_UINT32 },
	[RECORD_SIZE] = { "record_size", MMDB_UINT16 },
	[IP_VERSION] = { "ip_version", MMDB_UINT16 },
	[LANGUAGES] = { "languages", MMDB_ARRAY },
	[DESCRIPTION] = { "description", MMDB_MAP },
};

struct metadata {
	bool known[ENTRIES];
	uint32_t numbers[ENTRIES];
};

/* A node on the path from the root to where the check is */
struct step {
	uint32_t node;
	uint8_t records; /* of its two, looked at */
	uint8_t below;	 /* the greater height of those */
};

struct mmdb_check {
	const uint8_t *tree;
	struct mmdb_layout layout;
	struct mmdb_walk walk;
	mmdb_record_fn *on_record;
	void *context;
	uint8_t *heights; /* of each node: bits to an end, the longest way; 0: was not there yet */
	uint32_t depth;
	struct step path[128];
};

static bool find_metadata(const uint8_t *bytes, size_t size, struct mmdb_walk *ret_walk)
{
	const uint8_t *end = bytes + size;
	const uint8_t *from = size > METADATA_BYTES_MAX ? end - METADATA_BYTES_MAX : bytes;
	const uint8_t *metadata = NULL;
	const uint8_t *hit;

	/* The last marker counts: data may hold its bytes by chance */
	while ((hit = memmem(from, (size_t)(end - from), marker, MARKER_BYTES)))
		metadata = from = hit + MARKER_BYTES;
	if (!metadata)
		return false;
	*ret_walk = (struct mmdb_walk){ .bytes = metadata,
					.size = (uint32_t)(end - metadata),
					.budget = (uint64_t)(end - metadata) };
	return true;
}

/* The library's populate_languages_metadata() leaks where it meets anything but a string */
static const char *only_strings(const struct mmdb_walk *walk, const struct mmdb_value *list)
{
	struct mmdb_value value;
	const char *fault = NULL;
	uint32_t next = list->next;

	for (uint32_t i = 0; i < list->size && !fault; i++) {
		if (list->type == MMDB_MAP)
			fault = mmdb_value_resolve(walk, next, &value, &next);
		if (!fault)
			fault = mmdb_value_resolve(walk, next, &value, &next);
		if (!fault && value.type != MMDB_STRING)
			fault = "languages or description in the metadata are not strings";
	}
	return fault;
}

static const char *note_entry(const struct mmdb_walk *walk, const struct mmdb_value *key,
			      const struct mmdb_value *value, struct metadata *metadata)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (strlen(entries[i].key) != key->size ||
		    memcmp(entries[i].key, walk->bytes + key->body, key->size) != 0)
			continue;
		if (value->type != entries[i].type)
			return "an entry of the metadata has a type that it cannot have";
		if (i == LANGUAGES || i == DESCRIPTION) {
			const char *fault = only_strings(walk, value);

			if (fault)
				return fault;
		} else if (!metadata->known[i]) {
			metadata->numbers[i] = mmdb_value_number(walk, value);
		}
		metadata->known[i] = true;
	}
	return NULL;
}

static const char *read_metadata(struct mmdb_walk *walk, struct metadata *metadata)
{
	struct mmdb_value map;
	struct mmdb_value key;
	struct mmdb_value value;
	const char *fault;
	uint32_t next;

	fault = mmdb_value_read(walk, 0, &map);
	if (!fault && map.type != MMDB_MAP)
		fault = "the metadata is not a map";
	if (fault)
		return fault;

	next = map.next;
	for (uint32_t i = 0; i < map.size; i++) {
		uint32_t at;
		uint32_t after;

		fault = mmdb_value_resolve(walk, next, &key, &at);
		if (!fault && key.type != MMDB_STRING)
			fault = "a key is not a string";
		if (!fault)
			fault = mmdb_value_resolve(walk, at, &value, &after);
		if (!fault)
			fault = note_entry(walk, &key, &value, metadata);
		if (!fault)
			fault = mmdb_value_walk(walk, at, &next);
		if (fault)
			return fault;
	}
	for (size_t i = 0; i < ENTRIES; i++)
		if (!metadata->known[i])
			return "the metadata lacks an entry that a reader needs";
	return NULL;
}

const char *mmdb_check_metadata(const uint8_t *bytes, size_t size, struct mmdb_layout *ret_layout)
{
	static const uint8_t separator[SEPARATOR_BYTES];
	struct metadata metadata = { 0 };
	struct mmdb_layout layout;
	struct mmdb_walk walk;
	const char *fault;
	uint64_t data_offset;
	uint64_t data_end;

	if (size > MMDB_BYTES_MAX)
		return "it is too large";
	if (!find_metadata(bytes, size, &walk))
		return "it does not end in the metadata of a MaxMind DB";
	fault = read_metadata(&walk, &metadata);
	if (fault)
		return fault;
	if (metadata.numbers[RECORD_SIZE] != 24 && metadata.numbers[RECORD_SIZE] != 28 &&
	    metadata.numbers[RECORD_SIZE] != 32)
		return "records of its search tree are not of 24, 28 or 32 bits";
	if (metadata.numbers[IP_VERSION] != 4 && metadata.numbers[IP_VERSION] != 6)
		return "it is neither for IPv4 nor for IPv6";

	layout.node_count = metadata.numbers[NODE_COUNT];
	layout.node_bytes = metadata.numbers[RECORD_SIZE] / 4;
	layout.address_bits = metadata.numbers[IP_VERSION] == 4 ? 32 : 128;
	data_offset = (uint64_t)layout.node_count * layout.node_bytes + SEPARATOR_BYTES;
	data_end = (uint64_t)(walk.bytes - bytes) - MARKER_BYTES;
	if (!layout.node_count || data_offset > data_end)
		return "its search tree does not fit into it";
	if (memcmp(bytes + data_offset - SEPARATOR_BYTES, separator, SEPARATOR_BYTES) != 0)
		return "its search tree does not end where the metadata says";
	layout.data_offset = (uint32_t)data_offset;
	layout.data_bytes = (uint32_t)(data_end - data_offset);
	*ret_layout = layout;
	return NULL;
}

int mmdb_check_new(const uint8_t *bytes, const struct mmdb_layout *layout,
		   mmdb_record_fn *on_record, void *context, struct mmdb_check **ret_check)
{
	struct mmdb_check *check = calloc(1, sizeof(*check));

	if (!check)
		return -ENOMEM;
	check->tree = bytes;
	check->layout = *layout;
	check->on_record = on_record;
	check->context = context;
	/* A value is a byte at least, so that values side by side are as many as bytes at most. A
	 * list that one record has in place and another points to is looked at twice.
	 */
	check->walk = (struct mmdb_walk){ .bytes = bytes + layout->data_offset,
					  .size = layout->data_bytes,
					  .budget = 2ull * layout->data_bytes };
	check->heights = calloc(layout->node_count, 1);
	check->walk.seen = calloc(layout->data_bytes / 8 + 1, 1);
	if (!check->heights || !check->walk.seen) {
		mmdb_check_free(check);
		return -ENOMEM;
	}
	check->heights[0] = HEIGHT_OPEN;
	check->depth = 1;
	*ret_check = check;
	return 0;
}

static uint32_t read_record(const struct mmdb_check *check, uint32_t node, unsigned right)
{
	const uint8_t *at = check->tree + (size_t)node * check->layout.node_bytes;

	switch (check->layout.node_bytes) {
	case 6: at += right ? 3 : 0; return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
	case 7:
		/* The byte in the middle has the highest four bits of both */
		if (right)
			return (at[3] & 0x0fu) << 24 | (uint32_t)at[4] << 16 |
			       (uint32_t)at[5] << 8 | at[6];
		return (at[3] & 0xf0u) << 20 | (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
	default:
		at += right ? 4 : 0;
		return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
}

static const char *check_record(struct mmdb_check *check, uint32_t offset)
{
	const char *fault;
	uint32_t next;

	if (!offset) /* no data for these addresses */
		return NULL;
	if (offset < SEPARATOR_BYTES || offset - SEPARATOR_BYTES >= check->layout.data_bytes)
		return "its search tree leads to no place in its data";
	offset -= SEPARATOR_BYTES;
	if (mmdb_value_walk_seen(&check->walk, offset))
		return NULL;
	fault = mmdb_value_walk(&check->walk, offset, &next);
	if (!fault)
		check->on_record(check->context, offset);
	return fault;
}

/* Trees share branches (that of IPv4 is at ::/96, ::ffff:0:0/96 and 2002::/16), so a node's height
 * is kept for the next path that comes to it.
 */
static const char *check_node(struct mmdb_check *check, uint32_t node)
{
	struct step *above = &check->path[check->depth - 1];
	uint8_t height = check->heights[node];

	if (height == HEIGHT_OPEN)
		return "its search tree runs in a circle";
	if (check->depth + (height ? height : 1u) > check->layout.address_bits)
		return "its search tree is deeper than an address is long";
	if (height > above->below)
		above->below = height;
	if (!height) {
		check->heights[node] = HEIGHT_OPEN;
		check->path[check->depth++] = (struct step){ .node = node };
	}
	return NULL;
}

static void close_node(struct mmdb_check *check)
{
	const struct step *step = &check->path[--check->depth];
	uint8_t height = (uint8_t)(step->below + 1);

	check->heights[step->node] = height;
	if (check->depth && height > step[-1].below)
		check->path[check->depth - 1].below = height;
}

int mmdb_check_step(struct mmdb_check *check, uint32_t steps, const char **ret_fault)
{
	uint64_t floor = check->walk.budget > steps ? check->walk.budget - steps : 0;

	while (check->depth) {
		struct step *step = &check->path[check->depth - 1];
		const char *fault;
		uint32_t record;

		if (step->records == 2) {
			close_node(check);
			continue;
		}
		if (!steps-- || check->walk.budget < floor)
			return 1;
		record = read_record(check, step->node, step->records++);
		fault = record < check->layout.node_count
				? check_node(check, record)
				: check_record(check, record - check->layout.node_count);
		if (fault) {
			*ret_fault = fault;
			return -EBADMSG;
		}
	}
	return 0;
}

void mmdb_check_free(struct mmdb_check *check)
{
	if (!check)
		return;
	free(check->heights);
	free(check->walk.seen);
	free(check);
}
