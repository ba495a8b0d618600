/* SPDX-License-Identifier: MIT */
/* Metric families, and who collects them
 *
 * Each room has a table of its own families (ROOM_metrics.c), which says by their shape how many
 * samples they have and how these are written. This room knows nothing of what is counted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text;

enum family_type { COUNTER, GAUGE, HISTOGRAM, SUMMARY, FAMILY_TYPES };

struct family;

/* How the samples of a family are arranged */
struct family_shape {
	/* All samples, one line each; none: the family is left out */
	void (*write)(struct text *text, const struct family *family, const void *source);
	/* How many there can ever be while the program runs; NULL: one */
	size_t (*most)(const void *source);
};

struct family {
	const char *name; /* of a counter: without _total */
	enum family_type type;
	const char *help;
	const struct family_shape *shape;
	size_t field; /* offset in what the shape reads */
};

/* The families of a room, and what their shapes read at this moment */
struct collector {
	const struct family *families; /* the last has no name */
	const void *source;
	size_t label_bytes; /* of a sample at most, braces and quotation marks included */
};
