/* SPDX-License-Identifier: MIT */
/* Prints the metrics of a small exporter, so that Prometheus' own parsers can judge them; or as
 * exposition.txt has them: without what is different in each build and each run
 */
#include <stdio.h>
#include <stdlib.h>

#include "exposition_craft.h"
#include "unit.h"

int main(int argc, char **argv)
{
	static struct exposition_craft craft;
	const char *const all[] = { NULL };
	const char *const steady[] = { "-web.disable-exporter-metrics", NULL };
	bool is_golden = argc == 2 && strcmp(argv[1], "golden") == 0;
	char *text, *line, *rest;

	if (argc != 2) {
		fprintf(stderr, "usage: exposition_sample text|openmetrics|golden\n");
		return 2;
	}
	exposition_craft_open(&craft, is_golden ? steady : all);
	exposition_craft_traffic(&craft);
	text = rest = exposition_craft_render(
		&craft, strcmp(argv[1], "openmetrics") == 0 ? OPENMETRICS_1_0_0 : TEXT_0_0_4);
	while ((line = strsep(&rest, "\n")) && rest)
		if (!is_golden || strncmp(line, "dnstt_exporter_build_info{", 26) != 0)
			puts(line);
	free(text);
	exposition_craft_close(&craft);
	return 0;
}
