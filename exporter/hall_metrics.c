/* SPDX-License-Identifier: MIT */
/* The metrics of the program and of what it answers */
#include "hall_metrics.h"

#include "base/array.h"
#include "build.h"
#include "metrics/exposition.h"
#include "metrics/sample.h"

static void write_build(struct text *text, const struct family *family, const void *source)
{
	(void)source;
	sample_label(text, family, "version", BUILD_VERSION);
	sample_next_label(text, "revision", BUILD_REVISION);
	sample_next_label(text, "compiler", BUILD_COMPILER);
	sample_end(text, 1);
}

static const struct family_shape build = { write_build, NULL };

const struct family hall_metrics_build[] = {
	{ "dnstt_exporter_build_info", GAUGE, "Version of dnstt_exporter; always 1.", &build, 0 },
	{ 0 },
};

static const struct {
	const char *code;
	size_t field;
} codes[] = {
	{ "200", offsetof(struct hall_scrapes, ok) },
	{ "500", offsetof(struct hall_scrapes, error) },
	{ "503", offsetof(struct hall_scrapes, unavailable) },
};

static void write_codes(struct text *text, const struct family *family, const void *source)
{
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
		const struct family of_code = { .field = codes[i].field };

		sample_label(text, family, "code", codes[i].code);
		sample_end(text, sample_number(source, &of_code));
	}
}

static size_t most_codes(const void *source)
{
	(void)source;
	return ARRAY_LENGTH(codes);
}

static const struct family_shape by_code = { write_codes, most_codes };

const struct family hall_metrics_scrapes[] = {
	{ "promhttp_metric_handler_requests", COUNTER,
	  "Total number of scrapes by HTTP status code.", &by_code, 0 },
	{ "promhttp_metric_handler_requests_in_flight", GAUGE,
	  "Current number of scrapes being served.", &exposition_number,
	  offsetof(struct hall_scrapes, in_flight) },
	{ 0 },
};
