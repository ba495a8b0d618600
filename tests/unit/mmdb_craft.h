/* SPDX-License-Identifier: MIT */
/* MaxMind DB files put together byte by byte, right or wrong as a test needs them */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "geoip/geoip.h"

#define CRAFT __attribute__((cleanup(craft_endp))) struct craft

struct craft {
	uint8_t *bytes;
	size_t size;
	size_t room;
	uint32_t nodes;
	uint32_t record_bits;
	size_t data; /* where the data section starts */
};

enum craft_type {
	CRAFT_STRING = 2,
	CRAFT_DOUBLE = 3,
	CRAFT_UINT16 = 5,
	CRAFT_UINT32 = 6,
	CRAFT_MAP = 7,
	CRAFT_UINT64 = 9,
	CRAFT_ARRAY = 11,
	CRAFT_CONTAINER = 12,
	CRAFT_BOOLEAN = 14
};

#define CRAFT_DATA(craft, offset) ((craft)->nodes + 16 + (uint32_t)(offset)) /* a tree's record */
#define CRAFT_EMPTY(craft)	  ((craft)->nodes)

/* Starts a file with one node, both records of which lead to the start of the data */
void craft_begin_one_record(struct craft *craft);

/* Starts a file with a tree of so many nodes, every record of which is empty */
void craft_begin(struct craft *craft, uint32_t nodes);
void craft_end(struct craft *craft);
static inline void craft_endp(struct craft *craft)
{
	craft_end(craft);
}

/* The same with records of 24, 28 or 32 bits; 24 is usual */
void craft_begin_wide(struct craft *craft, uint32_t nodes, uint32_t record_bits);

/* Sets the two records of a node */
void craft_node(struct craft *craft, uint32_t node, uint32_t left, uint32_t right);

/* Adds a control byte with its size; what follows is the caller's */
void craft_control(struct craft *craft, enum craft_type type, uint32_t size);
void craft_bytes(struct craft *craft, const void *bytes, size_t size);
void craft_fill(struct craft *craft, uint8_t byte, uint32_t count);
void craft_string(struct craft *craft, const char *text);
void craft_number(struct craft *craft, enum craft_type type, uint64_t number, uint32_t width);
void craft_pointer(struct craft *craft, uint32_t target);

/* Offset in the data section of what is added next */
uint32_t craft_here(const struct craft *craft);

/* Adds {"country": {"iso_code": "DE"}}, or the part of it from the value of "country" on */
void craft_record(struct craft *craft);

/* What the metadata has; all but what is named comes from CRAFT_METADATA */
struct craft_metadata {
	uint64_t node_count;
	uint64_t record_size;
	uint64_t ip_version;
	uint64_t major;
	const char *without;	 /* name of an entry that is left out */
	const char *as_text;	 /* name of an entry whose value is a string instead */
	uint32_t language_depth; /* arrays around the only language */
	uint32_t extra_depth;	 /* arrays in an entry that nobody asks for */
};

#define CRAFT_METADATA(craft)                                                               \
	.node_count = (craft)->nodes, .record_size = (craft)->record_bits, .ip_version = 4, \
	.major = 2

void craft_add_metadata(struct craft *craft, const struct craft_metadata *metadata);

/* Adds the metadata that the file should have */
void craft_finish(struct craft *craft);

/* Opens the file as a database of countries and looks up addresses everywhere; fails the test if
 * it is refused
 */
void craft_assert_taken(const struct craft *craft);

/* Fails the test unless it is refused, for a reason with these words */
void craft_assert_refused(const struct craft *craft, const char *why);

/* Opens any bytes and looks up addresses everywhere. Return: as geoip_open() */
int craft_try(enum geoip_kind kind, const uint8_t *bytes, size_t size, struct reason *ret_reason);

/* Look up addresses of both families all over a database, so that what is unsafe shows */
void craft_look_around(enum geoip_kind kind, struct geoip_database *database);

/* Whole content of a file; to be freed */
uint8_t *craft_load(const char *path, size_t *ret_size);
