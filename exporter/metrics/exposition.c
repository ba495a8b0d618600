/* SPDX-License-Identifier: MIT */
/* The metrics as text */
#include "metrics/exposition.h"

#include <string.h>

#include "base/text.h"
#include "metrics/sample.h"

#define NUMBER_BYTES 24 /* of the largest value, with its blank and its line feed */
#define SUFFIX_BYTES 7	/* _bucket */
#define HEADER_BYTES 40 /* of the two lines before the samples, without names and help */
#define END_BYTES    8	/* # EOF */

static void write_number(struct text *text, const struct family *family, const void *source)
{
	sample_field(text, family, source);
}

static void write_seconds(struct text *text, const struct family *family, const void *source)
{
	sample_seconds(text, family, source);
}

const struct family_shape exposition_number = { write_number, NULL };
const struct family_shape exposition_seconds = { write_seconds, NULL };

static size_t family_bound(const struct family *family, const struct collector *collector)
{
	size_t name = strlen(family->name) + SUFFIX_BYTES;
	size_t samples = family->shape->most ? family->shape->most(collector->source) : 1;

	return HEADER_BYTES + 2 * name + strlen(family->help) +
	       samples * (name + collector->label_bytes + NUMBER_BYTES);
}

size_t exposition_bound(const struct collector *collectors, size_t count)
{
	size_t bytes = END_BYTES;

	for (size_t i = 0; i < count; i++)
		for (const struct family *family = collectors[i].families; family->name; family++)
			bytes += family_bound(family, &collectors[i]);
	return bytes;
}

static const char *const types[FAMILY_TYPES] = {
	[COUNTER] = "counter\n",
	[GAUGE] = "gauge\n",
	[HISTOGRAM] = "histogram\n",
	[SUMMARY] = "summary\n",
};

static void render_family(struct text *text, const struct family *family, const void *source,
			  enum exposition_format format)
{
	/* OpenMetrics names a counter's family without _total */
	const char *suffix = family->type == COUNTER && format == TEXT_0_0_4 ? "_total " : " ";
	char *before = text->at, *samples;

	text_string(text, "# HELP ");
	text_string(text, family->name);
	text_string(text, suffix);
	text_string(text, family->help);
	text_string(text, "\n# TYPE ");
	text_string(text, family->name);
	text_string(text, suffix);
	text_string(text, types[family->type]);
	samples = text->at;
	family->shape->write(text, family, source);
	if (text->at == samples)
		text->at = before; /* a database that was not given */
}

size_t exposition_render(const struct collector *collectors, size_t count,
			 enum exposition_format format, char *buffer, size_t bytes)
{
	struct text text = { .start = buffer, .at = buffer, .end = buffer + bytes };

	for (size_t i = 0; i < count; i++)
		for (const struct family *family = collectors[i].families; family->name; family++)
			render_family(&text, family, collectors[i].source, format);
	if (format == OPENMETRICS_1_0_0)
		text_string(&text, "# EOF\n");
	return text.full ? 0 : (size_t)(text.at - text.start);
}
