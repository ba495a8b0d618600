/* SPDX-License-Identifier: MIT */
/* The metrics of the traffic: by label set, by domain, and in all */
#pragma once

#include <stdbool.h>

#include "metrics/family.h"

struct traffic;

/* What traffic_metrics_families show */
struct traffic_metrics {
	const struct traffic *traffic;
	const char *const *names; /* of the domains, as the label shows them */
	uint32_t domains, max_series;
	bool has_country, has_asn; /* labels, beside the domain */
	uint64_t now_ns;	   /* monotonic, as the traffic has it */
	uint64_t now_realtime_ns;  /* the same moment, since 1970 */
};

extern const struct family traffic_metrics_families[];

/**
 * traffic_metrics_label_bytes() - For struct collector
 */
size_t traffic_metrics_label_bytes(const struct traffic_metrics *metrics);
