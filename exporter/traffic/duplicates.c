/* SPDX-License-Identifier: MIT */
/* Messages seen a moment ago */
#include "traffic/duplicates.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/table.h"

#define SETS 16384 /* of a cache line each: 1 MiB; 65536 messages */
#define WAYS 4

/* Bits of a sighting's message */
#define USED	UINT32_C(1)
#define REPEATS UINT32_C(2) /* a resolver may send it again */

int duplicates_open(struct duplicates *ret_duplicates, const struct hash_key *key)
{
	ret_duplicates->key = *key;
	ret_duplicates->sighting = table_make(SETS, WAYS * sizeof(*ret_duplicates->sighting));
	return ret_duplicates->sighting ? 0 : -ENOMEM;
}

void duplicates_close(struct duplicates *duplicates)
{
	table_free(duplicates->sighting, SETS, WAYS * sizeof(*duplicates->sighting));
	*duplicates = (struct duplicates){ 0 };
}

static uint64_t word(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Everything that the sender chose, but not what it says: two packets with the same are one */
static uint64_t packet_hash(const struct duplicates *duplicates, const struct record *record,
			    uint64_t session)
{
	uint64_t header = (uint64_t)record->port << 48 | (uint64_t)record->dns_id << 32 |
			  (uint64_t)record->message_bytes << 16 | (uint64_t)record->flags << 8 |
			  (uint64_t)record->kind << 4 | record->verdict;
	uint64_t hash = hash_mix(session ^ word(record->resolver),
				 duplicates->key.k0 ^ word(record->resolver + 8));

	return hash_mix(hash ^ header, duplicates->key.k1);
}

struct sight_hash duplicates_hash(const struct duplicates *duplicates, const struct record *record,
				  uint64_t session)
{
	struct sight_hash hash = { .packet = packet_hash(duplicates, record, session) };
	bool repeats = record->kind == RECORD_QUERY && record->verdict == VERDICT_ACCEPTED;

	hash.message = repeats ? hash_mix(session ^ word(record->content), duplicates->key.k1)
			       : hash.packet;
	return hash;
}

static struct sighting *set_of(const struct duplicates *duplicates, const struct sight_hash *hash)
{
	return &duplicates->sighting[(hash->message & (SETS - 1)) * WAYS];
}

void duplicates_prefetch(const struct duplicates *duplicates, const struct sight_hash *hash)
{
	__builtin_prefetch(set_of(duplicates, hash), 1);
}

/* How much of the time is over in which a sight is of use, in ms of an accepted query: anything else
 * is forgotten sooner, so that answers and refused queries push out few that may come again
 */
static uint64_t age(const struct sighting *sighting, uint32_t now_ms)
{
	const uint64_t age_ms = now_ms - sighting->seen_ms;

	if (sighting->message & REPEATS)
		return age_ms;
	return age_ms * DUPLICATES_RETRANSMITTED_MS / DUPLICATES_MS;
}

enum sight_verdict duplicates_see(struct duplicates *duplicates, const struct sight_hash *hash,
				  uint32_t interface, uint64_t now_ns)
{
	struct sighting *set = set_of(duplicates, hash), *place = set;
	const uint32_t repeats = hash->message != hash->packet ? REPEATS : 0;
	const struct sighting now = { .message = ((uint32_t)(hash->message >> 32) & ~REPEATS) |
						 repeats | USED,
				      .packet = (uint32_t)hash->packet,
				      .interface = interface,
				      .seen_ms = (uint32_t)(now_ns / 1000000) };
	enum sight_verdict verdict = SIGHT_FIRST;

	/* The oldest makes room; an empty one is as old as the clock */
	for (unsigned i = 1; i < WAYS; i++)
		if (age(&set[i], now.seen_ms) > age(place, now.seen_ms))
			place = &set[i];
	for (unsigned i = 0; i < WAYS; i++) {
		uint32_t age_ms = now.seen_ms - set[i].seen_ms;

		if (set[i].message != now.message)
			continue;
		if (age_ms <= DUPLICATES_RETRANSMITTED_MS)
			verdict = SIGHT_RETRANSMITTED;
		else if (verdict == SIGHT_FIRST)
			verdict = SIGHT_STALE;
		if (set[i].packet != now.packet)
			continue;
		if (age_ms <= DUPLICATES_MS && set[i].interface != interface)
			return SIGHT_DUPLICATE;
		place = &set[i];
	}
	*place = now;
	return verdict;
}
