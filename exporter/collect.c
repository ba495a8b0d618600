/* SPDX-License-Identifier: MIT */
/* Who collects metrics, in the order in which they are shown */
#include "collect.h"

#include "geoip/geoip_metrics.h"
#include "http/http_metrics.h"
#include "intake/intake_metrics.h"
#include "system/process_metrics.h"

#define COLLECTORS 8

/* What is switched off is left out. Return: how many there are. */
static size_t collectors_of(const struct collect *collect,
			    struct collector ret_collectors[COLLECTORS])
{
	const struct {
		struct collector collector;
		bool is_out;
	} all[COLLECTORS] = {
		{ { traffic_metrics_families, &collect->traffic,
		    traffic_metrics_label_bytes(&collect->traffic) },
		  false },
		{ { intake_metrics_families, collect->capture, INTAKE_METRICS_LABEL_BYTES },
		  false },
		{ { geoip_metrics_families, collect->databases, GEOIP_METRICS_LABEL_BYTES },
		  false },
		{ { hall_metrics_build, NULL, HALL_METRICS_LABEL_BYTES }, false },
		{ { http_metrics_families, &collect->http, 0 }, false },
		{ { web_metrics_families, &collect->web, WEB_METRICS_LABEL_BYTES },
		  !collect->has_web },
		{ { hall_metrics_scrapes, &collect->scrapes, HALL_METRICS_LABEL_BYTES },
		  collect->is_without_itself },
		{ { process_metrics_families, &collect->process, 0 }, collect->is_without_itself },
	};
	size_t count = 0;

	for (size_t i = 0; i < COLLECTORS; i++)
		if (!all[i].is_out)
			ret_collectors[count++] = all[i].collector;
	return count;
}

size_t collect_bound(const struct collect *collect)
{
	struct collector collectors[COLLECTORS];

	return exposition_bound(collectors, collectors_of(collect, collectors));
}

size_t collect_render(const struct collect *collect, enum exposition_format format, char *buffer,
		      size_t bytes)
{
	struct collector collectors[COLLECTORS];

	return exposition_render(collectors, collectors_of(collect, collectors), format, buffer,
				 bytes);
}
