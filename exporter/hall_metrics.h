/* SPDX-License-Identifier: MIT */
/* The metrics of the program and of what it answers */
#pragma once

#include <stdint.h>

#include "metrics/family.h"

#define HALL_METRICS_LABEL_BYTES 192 /* version, revision and compiler */

/* Answers of the telemetry path, as promhttp counts them */
struct hall_scrapes {
	uint64_t ok, error, unavailable;
	uint64_t in_flight; /* requests of any kind */
};

extern const struct family hall_metrics_build[];   /* source: none */
extern const struct family hall_metrics_scrapes[]; /* source: struct hall_scrapes */
