/* SPDX-License-Identifier: MIT */
/* What the records add up to: sessions, series and counters */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/record.h"
#include "traffic/duplicates.h"
#include "traffic/resolvers.h"
#include "traffic/series.h"
#include "traffic/sessions.h"

#define TRAFFIC_RCODES 16

/* Counters that need no country: by domain, the last row for what is under none */
struct traffic_domain {
	uint64_t rejected[VERDICTS];
	uint64_t responses[TRAFFIC_RCODES];
	uint64_t truncated;
	uint64_t retransmitted;
	uint64_t kcp_sessions;
	uint64_t last_query_ns, last_response_ns; /* accepted, answered with data; 0: never */
};

struct interfaces;

struct traffic {
	struct series_table series;
	struct sessions sessions;
	struct resolvers resolvers;
	struct duplicates recent; /* messages */
	struct traffic_domain domain[CONFIG_DOMAINS + 1];
	const struct interfaces *interfaces;
	uint32_t domains;
	bool use_ecs;
	uint64_t duplicates;
	uint64_t ignored;   /* on interfaces that were not asked for */
	uint64_t unmatched; /* responses under no domain, or of which none could be read */
};

struct traffic_options {
	uint32_t domains;
	uint32_t max_sessions, max_series;
	bool use_ecs;
	const struct interfaces *interfaces;
	struct geoip_database *country, *asn; /* opened; NULL: there is no such label */
	struct hash_key key;
};

/**
 * traffic_open() - Everything empty, with all the memory it will ever need
 *
 * Return: 0, -ENOMEM
 */
int traffic_open(struct traffic *ret_traffic, const struct traffic_options *options);

void traffic_close(struct traffic *traffic);

/**
 * traffic_records() - Count records, which record_batch_fault() found right
 * @now_ns:	CLOCK_MONOTONIC
 */
void traffic_records(struct traffic *traffic, const struct record *records, uint32_t count,
		     uint64_t now_ns);
