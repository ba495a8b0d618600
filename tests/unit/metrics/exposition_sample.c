/* SPDX-License-Identifier: MIT */
/* Prints the metrics of a small exporter, so that Prometheus' own parsers can judge them */
#include <stdio.h>
#include <stdlib.h>

#include "exposition_craft.h"
#include "unit.h"

int main(int argc, char **argv)
{
	static struct exposition_craft craft;
	char *text;

	if (argc != 2) {
		fprintf(stderr, "usage: exposition_sample text|openmetrics\n");
		return 2;
	}
	exposition_craft_open(&craft, (const char *const[]){ NULL });
	exposition_craft_traffic(&craft);
	text = exposition_craft_render(&craft, strcmp(argv[1], "text") == 0 ? TEXT_0_0_4
									    : OPENMETRICS_1_0_0);
	fputs(text, stdout);
	free(text);
	exposition_craft_close(&craft);
	return 0;
}
