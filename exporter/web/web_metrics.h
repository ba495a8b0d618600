/* SPDX-License-Identifier: MIT */
/* The metrics of -web.config.file; left out where there is none */
#pragma once

#include <stdint.h>

#include "metrics/family.h"

#define WEB_METRICS_LABEL_BYTES 20

/* What web_metrics_families show */
struct web_metrics {
	uint64_t reloads, reload_failures;
	uint64_t certificate_expiry; /* seconds since 1970; 0: no TLS */
};

extern const struct family web_metrics_families[];
