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

/* Of a HISTOGRAM or a SUMMARY, name_part{key="label"; without a part it is "" */
static inline void sample_part(struct text *text, const struct family *family, const char *part,
			       const char *key, const char *label)
{
	text_string(text, family->name);
	text_string(text, part);
	text_string(text, "{");
	text_string(text, key);
	text_string(text, "=\"");
	text_string(text, label);
	text_string(text, "\"");
}

/* name{key="label" */
static inline void sample_label(struct text *text, const struct family *family, const char *key,
				const char *label)
{
	sample_part(text, family, family->type == COUNTER ? "_total" : "", key, label);
}

/* The braces close, the value follows in thousandths */
static inline void sample_end_thousandths(struct text *text, uint64_t thousandths)
{
	if (thousandths == 0) {
		text_string(text, "} 0.000\n");
		return;
	}
	text_string(text, "} ");
	text_thousandths(text, thousandths);
	text_string(text, "\n");
}

/* The braces close, the value follows. Of thousands of label sets most have a zero here. */
static inline void sample_end(struct text *text, uint64_t number)
{
	if (number == 0) {
		text_string(text, "} 0\n");
		return;
	}
	text_string(text, "} ");
	text_number(text, number);
	text_string(text, "\n");
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
