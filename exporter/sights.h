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

#include "hash.h"
#include "record.h"

#define SIGHTS_DUPLICATE_MS	150   /* the two sights may be in two batches */
#define SIGHTS_RETRANSMITTED_MS 10000 /* resolvers give up after a few seconds */

enum sight_verdict {
	SIGHT_FIRST,
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

struct sights {
	struct sighting *sighting;
	struct hash_key key;
};

/**
 * sights_open() - An empty table, with all its memory
 *
 * Of fixed size: a sight that is pushed out by others is a first one again.
 *
 * Return: 0, -ENOMEM
 */
int sights_open(struct sights *ret_sights, const struct hash_key *key);

void sights_close(struct sights *sights);

/* What a record is known by again */
struct sight_hash {
	uint64_t
		message; /* accepted query: who the client is and what it wrote, the same for a query and
			   * for its retransmission; anything else: the packet */
	uint64_t packet;
};

/**
 * sights_hash() - For sights_prefetch() and sights_see()
 * @session:	Keyed hash of the record's domain and ClientID (sessions_hash())
 */
struct sight_hash sights_hash(const struct sights *sights, const struct record *record,
			      uint64_t session);

void sights_prefetch(const struct sights *sights, const struct sight_hash *hash);

/**
 * sights_see() - What a record is, in the light of those before it
 * @interface:	That saw it
 */
enum sight_verdict sights_see(struct sights *sights, const struct sight_hash *hash,
			      uint32_t interface, uint64_t now_ns);
