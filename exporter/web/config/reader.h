/* SPDX-License-Identifier: MIT */
/* The web configuration while it is read: where the reader is, what it fills, and by which rules */
#pragma once

#include "web/config/webconfig.h"

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* A YAML scalar as it stands in the file */
struct reader_scalar {
	const char *text; /* ends in NUL and holds no other */
	size_t bytes;
	unsigned line;
	bool plain; /* not quoted, not a block */
};

/* Keys are never deeper than three. */
struct reader {
	struct web_config *config;
	yaml_parser_t *parser;
	const char *path;
	const char *keys[3]; /* the key being read, from the outside in */
	unsigned depth;	     /* of them in use */
	struct reason *reason;
};

enum reader_kind {
	READER_SCALAR,	/* null: as if the key were not there */
	READER_TEXT,	/* a scalar of which null is the empty string */
	READER_LIST,	/* of scalars */
	READER_MAPPING, /* with the keys of @child */
	READER_ENTRIES, /* mapping with any key */
};

struct reader_rule {
	const char *key;
	enum reader_kind kind;
	size_t offset; /* in struct web_config: what take() fills; of READER_MAPPING, an unsigned
			* for the line of its last key, which tells that it has one
			*/
	/* A scalar, an item of a list, or the value of an entry, whose name is then in @entry.
	 * Called with no value where a list starts. A null comes only where it means something.
	 * Returns 0, or what reader_fault() gave.
	 */
	int (*take)(struct reader *reader, const struct reader_rule *rule,
		    const struct reader_scalar *entry, const struct reader_scalar *value);
	const struct reader_rule *child; /* ends with a NULL key */
};

#define READER_SHOWN 60 /* bytes of a wrong value that a message repeats; never of a secret */

/**
 * reader_field() - What a rule's take() fills
 */
static inline void *reader_field(const struct reader *reader, const struct reader_rule *rule)
{
	return (char *)reader->config + rule->offset;
}

/**
 * reader_is_null() - Whether a scalar is YAML's null
 */
bool reader_is_null(const struct reader_scalar *scalar);

/**
 * reader_store() - Copy a string into the configuration's pool
 *
 * Return: the copy, NULL when the pool is full
 */
char *reader_store(struct web_config *config, const char *text, size_t bytes);

/**
 * reader_fault() - Say what is wrong with the key being read
 *
 * Return: -EINVAL, always
 */
__attribute__((format(printf, 3, 4))) int reader_fault(struct reader *reader, unsigned line,
						       const char *format, ...);
