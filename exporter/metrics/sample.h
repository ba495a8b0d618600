/* SPDX-License-Identifier: MIT */
/* One line of the metrics: name, labels, value */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "metrics/family.h"

static inline void sample_name(struct text *text, const struct family *family)
{
	text_string(text, family->name);
	if (family->type == COUNTER)
		text_string(text, "_total");
}

static inline void sample_value(struct text *text, uint64_t number)
{
	text_string(text, " ");
	text_number(text, number);
	text_string(text, "\n");
}

static inline void sample_next_label(struct text *text, const char *key, const char *label)
{
	text_string(text, ",");
	text_string(text, key);
	text_string(text, "=\"");
	text_string(text, label);
	text_string(text, "\"");
}

/* name{key="label" */
static inline void sample_label(struct text *text, const struct family *family, const char *key,
				const char *label)
{
	sample_name(text, family);
	text_string(text, "{");
	text_string(text, key);
	text_string(text, "=\"");
	text_string(text, label);
	text_string(text, "\"");
}

/* The braces close, the value follows */
static inline void sample_end(struct text *text, uint64_t number)
{
	text_string(text, "}");
	sample_value(text, number);
}

/* What the family's field is in a structure */
static inline uint64_t sample_number(const void *structure, const struct family *family)
{
	uint64_t number;

	memcpy(&number, (const char *)structure + family->field, sizeof(number));
	return number;
}

/* The whole line of that, without labels */
static inline void sample_field(struct text *text, const struct family *family,
				const void *structure)
{
	sample_name(text, family);
	sample_value(text, sample_number(structure, family));
}

/* The same in seconds, of nanoseconds */
static inline void sample_seconds(struct text *text, const struct family *family,
				  const void *structure)
{
	sample_name(text, family);
	text_string(text, " ");
	text_seconds(text, sample_number(structure, family));
	text_string(text, "\n");
}
