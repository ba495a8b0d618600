/* SPDX-License-Identifier: MIT */
/* Messages seen a moment ago */
#include "traffic/duplicates.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SETS 16384 /* of a cache line each: 1 MiB; 65536 messages */
#define WAYS 4

int duplicates_open(struct duplicates *ret_sights, const struct hash_key *key)
{
	const size_t bytes = sizeof(struct sighting) * SETS * WAYS;

	ret_sights->key = *key;
	ret_sights->sighting = aligned_alloc(64, bytes);
	if (!ret_sights->sighting)
		return -ENOMEM;
	memset(ret_sights->sighting, 0, bytes);
	return 0;
}

void duplicates_close(struct duplicates *sights)
{
	free(sights->sighting);
	*sights = (struct duplicates){ 0 };
}

static uint64_t word(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Everything that the sender chose, but not what it says: two packets with the same are one */
static uint64_t packet_hash(const struct duplicates *sights, const struct record *record,
			    uint64_t session)
{
	uint64_t header = (uint64_t)record->port << 48 | (uint64_t)record->dns_id << 32 |
			  (uint64_t)record->message_bytes << 16 | (uint64_t)record->flags << 8 |
			  (uint64_t)record->kind << 4 | record->verdict;
	uint64_t hash = hash_mix(session ^ word(record->resolver),
				 sights->key.k0 ^ word(record->resolver + 8));

	return hash_mix(hash ^ header, sights->key.k1);
}

static uint64_t message_hash(const struct duplicates *sights, const struct record *record,
			     uint64_t session)
{
	uint64_t rest = (uint64_t)record->payload_bytes << 32 | (uint64_t)record->nonce[0] << 8 |
			record->nonce[1];
	uint64_t hash =
		hash_mix(session ^ word(record->head), sights->key.k0 ^ word(record->head + 8));

	return hash_mix(hash ^ word(record->head + 14), sights->key.k1 ^ rest);
}

struct sight_hash duplicates_hash(const struct duplicates *sights, const struct record *record,
				  uint64_t session)
{
	struct sight_hash hash = { .packet = packet_hash(sights, record, session) };
	bool repeats = record->kind == RECORD_QUERY && record->verdict == VERDICT_ACCEPTED;

	hash.message = repeats ? message_hash(sights, record, session) : hash.packet;
	return hash;
}

static struct sighting *set_of(const struct duplicates *sights, const struct sight_hash *hash)
{
	return &sights->sighting[(hash->message & (SETS - 1)) * WAYS];
}

void duplicates_prefetch(const struct duplicates *sights, const struct sight_hash *hash)
{
	__builtin_prefetch(set_of(sights, hash), 1);
}

enum sight_verdict duplicates_see(struct duplicates *sights, const struct sight_hash *hash,
				  uint32_t interface, uint64_t now_ns)
{
	struct sighting *set = set_of(sights, hash), *place = set;
	const struct sighting now = { .message = (uint32_t)(hash->message >> 32) | 1,
				      .packet = (uint32_t)hash->packet,
				      .interface = interface,
				      .seen_ms = (uint32_t)(now_ns / 1000000) };
	enum sight_verdict verdict = SIGHT_FIRST;

	/* The oldest makes room; an empty one is as old as the clock */
	for (unsigned i = 1; i < WAYS; i++)
		if (now.seen_ms - set[i].seen_ms > now.seen_ms - place->seen_ms)
			place = &set[i];
	for (unsigned i = 0; i < WAYS; i++) {
		uint32_t age_ms = now.seen_ms - set[i].seen_ms;

		if (set[i].message != now.message)
			continue;
		if (age_ms <= DUPLICATES_RETRANSMITTED_MS)
			verdict = SIGHT_RETRANSMITTED;
		if (set[i].packet != now.packet)
			continue;
		if (age_ms <= DUPLICATES_MS && set[i].interface != interface)
			return SIGHT_DUPLICATE;
		place = &set[i];
	}
	*place = now;
	return verdict;
}
