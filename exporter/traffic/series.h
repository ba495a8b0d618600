/* SPDX-License-Identifier: MIT */
/* Label sets and what is counted for each: a fixed table, with one place a domain for all the rest
 *
 * What was shown once can't be taken back: Prometheus would take a counter that vanishes and comes
 * back, or that falls, for one that was reset. So a label set is never removed, and what was counted
 * as "other" stays there. Anybody can send a query with any source, and the sources of the world are
 * in more networks than there may be label sets. So the fuller the table, the more a client must
 * have shown before its place gets a label set: see enum series_claim.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

#define SERIES_COUNTRY_BYTES 3
#define SERIES_LABEL_BYTES   40

/* Where a resolver is. Unmapped: "ZZ" and 0. */
struct place {
	char country[SERIES_COUNTRY_BYTES];
	uint32_t asn;
};

struct series {
	uint8_t domain;
	bool other; /* country and asn are "other": what has no label set of its own */
	uint8_t country_bytes, label_bytes; /* of labels: the first one, and both */
	uint32_t next;			    /* of the same hash bucket, 1 + index */
	uint64_t queries, sessions;
	uint64_t bytes_in, bytes_out;	  /* DNS messages */
	uint64_t payload_in, payload_out; /* tunnel packets in them */
	uint64_t established;		  /* handshakes completed */
	uint64_t session_us;		  /* that sessions were there */
	uint64_t unanswered;		  /* queries */
	struct series_sum {
		uint64_t count, ms;
	} rtt; /* round trips */
	uint32_t active, peak, working;
	struct place place;
	/* The place as labels, ,country="DE",asn="64496", as each scrape needs them many times */
	char labels[SERIES_LABEL_BYTES];
};

/* What speaks for a label set that is not there yet */
enum series_claim {
	SERIES_QUERY,  /* nothing but a query: good for half of the table */
	SERIES_STAYED, /* of a session that was there for 5 s: for three quarters */
	SERIES_PROVEN, /* whose client has shown that it got the server's handshake: for all */
	SERIES_CLAIMS,
};

struct series_table {
	struct series *series; /* [0, count): in the order in which they came */
	uint32_t *buckets;     /* 1 + index of the first */
	uint32_t *other;       /* by domain: 1 + index, 0 as long as there is none */
	struct hash_key key;
	uint32_t count, domains, mask;
	uint32_t others;	      /* of count: "other", of which each domain may have one */
	uint32_t room[SERIES_CLAIMS]; /* label sets that may be there for a claim to add one */
	uint64_t overflow;	      /* addresses whose label set found no place */
};

/**
 * series_open() - A table with one series for each domain: unmapped, all zero
 * @domains:	Number of domains
 * @max:	Label sets at most, @domains or more; beyond it there is one more a domain, "other"
 *
 * Return: 0, -ENOMEM
 */
int series_open(struct series_table *ret_table, uint32_t domains, uint32_t max,
		const struct hash_key *key);

void series_close(struct series_table *table);

/**
 * series_of() - Index of a label set's series, made if it is new and @claim is good for it; O(1)
 *
 * The series of an index never moves and is never removed.
 *
 * Return: index of that series, or of the domain's "other"
 */
uint32_t series_of(struct series_table *table, uint8_t domain, const struct place *place,
		   enum series_claim claim);
