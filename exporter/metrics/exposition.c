/* SPDX-License-Identifier: MIT */
/* The metrics as text */
#include "metrics/exposition.h"

#include "cli/options.h"
#include "common/record.h"
#include "metrics/families.h"
#include "traffic/traffic.h"

static size_t count_families(void)
{
	size_t count = 0;

	while (families[count].name)
		count++;
	return count;
}

size_t exposition_bound(const struct options *options)
{
	size_t line, longest = 0;
	size_t domains = options->capture.tunnel_count;

	for (size_t i = 0; i < domains; i++)
		if (strlen(options->domains[i]) > longest)
			longest = strlen(options->domains[i]);
	line = 96 + longest;
	return count_families() * 256 +
	       line * (8 * (options->max_series + domains) +
		       (VERDICTS + TRAFFIC_RCODES + 8) * (domains + 1)) +
	       4096;
}

size_t exposition_render(const struct exposition *exposition, enum negotiate_format format,
			 char *buffer, size_t bytes)
{
	struct text text = { .start = buffer, .at = buffer, .end = buffer + bytes };

	for (const struct family *family = families; family->name; family++) {
		/* OpenMetrics names a counter's family without _total */
		const char *suffix =
			family->type == COUNTER && format == TEXT_0_0_4 ? "_total " : " ";
		char *before = text.at, *samples;

		text_string(&text, "# HELP ");
		text_string(&text, family->name);
		text_string(&text, suffix);
		text_string(&text, family->help);
		text_string(&text, "\n# TYPE ");
		text_string(&text, family->name);
		text_string(&text, suffix);
		text_string(&text, family->type == COUNTER ? "counter\n" : "gauge\n");
		samples = text.at;
		family->samples(&text, family, exposition);
		if (text.at == samples)
			text.at = before; /* a database that was not given */
	}
	if (format == OPENMETRICS_1_0_0)
		text_string(&text, "# EOF\n");
	return text.full ? 0 : (size_t)(text.at - text.start);
}
