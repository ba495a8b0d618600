/* SPDX-License-Identifier: MIT */
/* Histograms with fixed buckets, as Prometheus calls the classic ones */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS 12 /* of a scale at most */

/* Where the buckets of a family end; shared by all its histograms */
struct histogram_scale {
	uint64_t bound[HISTOGRAM_BUCKETS]; /* upper, inclusive, in the unit of what is observed */
	const char *le[HISTOGRAM_BUCKETS]; /* the same as it is shown, in the unit of the family */
	uint32_t buckets;		   /* without +Inf */
	uint32_t per_unit; /* observed units in one unit of the family: 1000 for ms */
};

struct histogram {
	const struct histogram_scale *scale;
	uint64_t bucket[HISTOGRAM_BUCKETS +
			1]; /* each by itself, not cumulative; the last is +Inf */
	uint64_t sum;	    /* of what was observed */
};

static inline void histogram_observe(struct histogram *histogram, uint64_t value)
{
	const struct histogram_scale *scale = histogram->scale;
	uint32_t at = 0;

	while (at < scale->buckets && value > scale->bound[at])
		at++;
	histogram->bucket[at < scale->buckets ? at : HISTOGRAM_BUCKETS]++;
	histogram->sum += value;
}

/* How many were observed */
static inline uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
		count += histogram->bucket[i];
	return count;
}
