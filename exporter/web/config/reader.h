/* SPDX-License-Identifier: MIT */
/* Inside the web configuration reader: webconfig_yaml.c walks, webconfig_keys.c knows the keys */
#pragma once

#include "web/config/webconfig.h"

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* A YAML scalar as it stands in the file */
struct web_scalar {
	const char *text; /* ends in NUL and holds no other */
	size_t bytes;
	unsigned line;
	bool plain; /* not quoted, not a block */
};

/* Where the reader is. Keys are never deeper than three. */
struct web_reader {
	struct web_config *config;
	yaml_parser_t *parser;
	const char *path;
	const char *keys[3]; /* the key being read, from the outside in */
	unsigned depth;	     /* of them in use */
	char *reason;
	size_t reason_bytes;
};

enum web_rule_kind {
	WEB_SCALAR,  /* null: as if the key were not there */
	WEB_TEXT,    /* a scalar of which null is the empty string */
	WEB_LIST,    /* of scalars */
	WEB_MAPPING, /* with the keys of @child */
	WEB_ENTRIES, /* mapping with any key */
};

struct web_rule {
	const char *key;
	enum web_rule_kind kind;
	size_t offset; /* in struct web_config: what take() fills; of WEB_MAPPING, an unsigned for
			* the line of its last key, which tells that it has one
			*/
	/* A scalar, an item of a list, or the value of an entry, whose name is then in @entry.
	 * Called with no value where a list starts. A null comes only where it means something.
	 * Returns 0, or what web_fault() gave.
	 */
	int (*take)(struct web_reader *reader, const struct web_rule *rule,
		    const struct web_scalar *entry, const struct web_scalar *value);
	const struct web_rule *child; /* ends with a NULL key */
};

extern const struct web_rule web_rules[];     /* of the file as a whole; ends with a NULL key */
extern const struct web_rule web_tls_rules[]; /* of tls_server_config; the same */

#define WEB_SHOWN 60 /* bytes of a wrong value that a message repeats; never of a secret */

/**
 * web_field() - What a rule's take() fills
 */
static inline void *web_field(const struct web_reader *reader, const struct web_rule *rule)
{
	return (char *)reader->config + rule->offset;
}

/**
 * web_read_yaml() - Walk the whole file along web_rules
 *
 * Return: 0, -EINVAL with the reason filled, -ENOMEM without
 */
int web_read_yaml(struct web_reader *reader);

/**
 * web_null() - Whether a scalar is YAML's null
 */
bool web_null(const struct web_scalar *scalar);

/**
 * web_store() - Copy a string into the configuration's pool
 *
 * Return: the copy, NULL when the pool is full
 */
char *web_store(struct web_config *config, const char *text, size_t bytes);

/**
 * web_fault() - Say what is wrong with the key being read
 *
 * Return: -EINVAL, always
 */
__attribute__((format(printf, 3, 4))) int web_fault(struct web_reader *reader, unsigned line,
						    const char *format, ...);

/**
 * web_check() - Rules that need more than one key
 * @reader:	The whole file is read
 */
int web_check(struct web_reader *reader);

int web_check_tls(struct web_reader *reader);

/**
 * web_no_room() - web_fault() for a pool that is full
 */
int web_no_room(struct web_reader *reader, unsigned line);

/**
 * web_too_many() - web_fault() for a list that is full
 */
int web_too_many(struct web_reader *reader, unsigned line, unsigned most);

/* take() of a struct web_value: any text, and a path; of a bool */
int web_take_text(struct web_reader *reader, const struct web_rule *rule,
		  const struct web_scalar *entry, const struct web_scalar *value);
int web_take_path(struct web_reader *reader, const struct web_rule *rule,
		  const struct web_scalar *entry, const struct web_scalar *value);
int web_take_bool(struct web_reader *reader, const struct web_rule *rule,
		  const struct web_scalar *entry, const struct web_scalar *value);

/**
 * web_duration() - A duration as Go's time.ParseDuration() reads it, like 1h30m or 1.5s
 * @ret_ns:	At most INT64_MAX
 *
 * Return: 0, -EINVAL for a negative one and for one that is none
 */
int web_duration(const char *text, uint64_t *ret_ns);
