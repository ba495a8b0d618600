/* SPDX-License-Identifier: MIT */
/* Messages seen a moment ago: one packet on two interfaces, and one query sent again
 *
 * Where a packet passes a bridge port and its bridge, a bond and its slave, or a VLAN and its parent,
 * capture sees it once on each. The second sight is the same in every field but the interface.
 * A resolver that got no answer in time asks again, by the same name under a new DNS ID or port: that
 * is a query of its own, which dnstt-server answers too. What a client wrote never repeats, because
 * each query has random padding or a KCP header with a time in it (dnstt-client/lib/dns.go send()).
 */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "common/record.h"

#define DUPLICATES_MS		    150	  /* the two sights may be in two batches */
#define DUPLICATES_RETRANSMITTED_MS 10000 /* resolvers give up after a few seconds */

enum sight_verdict {
	SIGHT_FIRST,
	SIGHT_STALE, /* the same message, later than resolvers ask again */
	SIGHT_RETRANSMITTED,
	SIGHT_DUPLICATE,
};

/* Four of them are one cache line */
struct sighting {
	uint32_t message;   /* hash of what the client wrote and who it is; 0: empty */
	uint32_t packet;    /* hash of the packet */
	uint32_t interface; /* that saw it */
	uint32_t seen_ms;   /* goes round in 49 days */
};

struct duplicates {
	struct sighting *sighting;
	struct hash_key key;
};

/**
 * duplicates_open() - An empty table, with all its memory
 *
 * Of fixed size: a sight that is pushed out by others is a first one again. Nobody without the key
 * can choose which ones meet. Of queries that a resolver repeats after a time, these shares are known
 * again beside so many other accepted queries per second, each with its answer:
 *
 *		0.8 s	2 s	5 s
 *	10,000	99 %	95 %	52 %
 *	50,000	67 %	6 %	0
 *	100,000	17 %	0	0
 *
 * What is not is counted as a first one: too few retransmitted queries, and the KCP segments in it as
 * sent again by the client. A second sight comes within a millisecond, and is always known.
 *
 * Return: 0, -ENOMEM
 */
int duplicates_open(struct duplicates *ret_duplicates, const struct hash_key *key);

void duplicates_close(struct duplicates *duplicates);

/* What a record is known by again */
struct sight_hash {
	uint64_t
		message; /* accepted query: who the client is and what it wrote, the same for a query and
			   * for its retransmission; anything else: the packet */
	uint64_t packet;
};

/**
 * duplicates_hash() - For duplicates_prefetch() and duplicates_see()
 * @session:	Keyed hash of the record's domain and ClientID (sessions_hash())
 */
struct sight_hash duplicates_hash(const struct duplicates *duplicates, const struct record *record,
				  uint64_t session);

void duplicates_prefetch(const struct duplicates *duplicates, const struct sight_hash *hash);

/**
 * duplicates_see() - What a record is, in the light of those before it
 * @interface:	That saw it
 */
enum sight_verdict duplicates_see(struct duplicates *duplicates, const struct sight_hash *hash,
				  uint32_t interface, uint64_t now_ns);
