/* SPDX-License-Identifier: MIT */
/* What the records add up to: sessions, series and counters */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "common/config.h"
#include "common/record_check.h"
#include "metrics/histogram.h"
#include "traffic/duplicates.h"
#include "traffic/kcp.h"
#include "traffic/pending.h"
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
	uint64_t polls;		  /* accepted queries without a tunnel packet */
	uint64_t empty_responses; /* NOERROR, without a tunnel packet */
	struct kcp_domain kcp;
	struct histogram response_delay, query_name, query_edns;
	/* NOERROR responses since the latest accepted query; the last row's, under no domain */
	uint64_t answers_alone;
	uint64_t first_alone_ns, latest_alone_ns;
	uint64_t last_query_ns, last_response_ns; /* accepted, answered with data; 0: never */
};

struct interfaces;

struct traffic {
	struct series_table series;
	struct sessions sessions;
	struct resolvers resolvers;
	struct duplicates recent; /* messages */
	struct pending pending;	  /* queries */
	struct traffic_domain domain[CONFIG_DOMAINS + 1];
	const struct interfaces *interfaces;
	uint32_t domains;
	uint64_t without_kcp;	  /* bit i: clients of domain i have another KCP than kcp-go's */
	uint64_t without_answers; /* bit i: of their answers no KCP can be read */
	uint64_t start_ns;	  /* of the first records; 0: there were none */
	uint64_t now_ms;	  /* of the latest; both monotonic */
	uint32_t realtime_ms;	  /* the same moment since 1970, modulo 2^32 */
	bool use_ecs;
	uint64_t duplicates;
	uint64_t ignored;   /* on interfaces that were not asked for */
	uint64_t unmatched; /* responses under no domain, or of which none could be read */
};

struct traffic_options {
	uint32_t domains;
	uint64_t without_kcp, without_answers; /* as in struct traffic */
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
 * traffic_records() - Count records, which record_check_batch() found right
 * @count:	0: capture saw no packet in the last second
 */
void traffic_records(struct traffic *traffic, const struct record *records, uint32_t count,
		     struct moment now);
