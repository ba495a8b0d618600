/* SPDX-License-Identifier: MIT */
/* Accepted queries that wait for their answer */
#include "traffic/pending.h"

#include <errno.h>

#include "base/table.h"

#define WAYS \
	16 /* places of one hash: one cache line; half of them are free when the ring is full */
#define SETS (2 * PENDING_QUERIES / WAYS)
#define USED (UINT32_C(1) << 31)

#define STRANGERS (PENDING_QUERIES / 2) /* in 5 s there may be so many before one is not taken */

int pending_open(struct pending *ret_pending, const struct hash_key *key)
{
	struct pending pending = { .key = *key };

	pending.queries = table_make(PENDING_QUERIES, sizeof(*pending.queries));
	pending.places = table_make(SETS, WAYS * sizeof(*pending.places));
	if (!pending.queries || !pending.places) {
		pending_close(&pending);
		return -ENOMEM;
	}
	*ret_pending = pending;
	return 0;
}

void pending_close(struct pending *pending)
{
	table_free(pending->queries, PENDING_QUERIES, sizeof(*pending->queries));
	table_free(pending->places, SETS, WAYS * sizeof(*pending->places));
	*pending = (struct pending){ 0 };
}

uint64_t pending_hash(const struct pending *pending, const struct record *record,
		      uint64_t session_hash)
{
	uint64_t message = (uint64_t)record->port << 16 | record->dns_id;

	return hash_mix(session_hash ^ message, pending->key.k0);
}

static uint32_t *set_of(const struct pending *pending, uint64_t hash)
{
	return &pending->places[(hash & (SETS - 1)) * WAYS];
}

/* A place holds the upper bits of the hash and where in the ring the query is */
static uint32_t place_of(uint64_t hash, uint64_t number)
{
	return USED | (uint32_t)(hash >> 49) << 16 | (uint32_t)(number % PENDING_QUERIES);
}

static struct pending_query *query_of(const struct pending *pending, uint64_t number)
{
	return &pending->queries[number % PENDING_QUERIES];
}

static void free_place(struct pending *pending, uint64_t number)
{
	const struct pending_query *query = query_of(pending, number);

	set_of(pending, query->hash)[query->way] = 0;
}

/* Forgets the oldest query */
static void drop(struct pending *pending)
{
	const struct pending_query *query = query_of(pending, pending->oldest);

	pending->overflow += query->state == PENDING_WAITING;
	if (query->state != PENDING_ANSWERED)
		free_place(pending, pending->oldest);
	pending->oldest++;
	if (pending->due < pending->oldest)
		pending->due = pending->oldest;
}

void pending_add(struct pending *pending, uint64_t hash, uint64_t sent_ms, uint32_t series,
		 bool is_stranger)
{
	uint32_t *set = set_of(pending, hash);
	unsigned at = 0;

	if (is_stranger && pending->added - pending->due >= STRANGERS) {
		pending->overflow++;
		return;
	}
	if (pending->added - pending->oldest == PENDING_QUERIES)
		drop(pending);
	while (at < WAYS && set[at] != 0)
		at++;
	/* Nobody without the key can fill a set; by chance it happens in one of some thousands */
	if (at == WAYS) {
		pending->overflow++;
		return;
	}
	set[at] = place_of(hash, pending->added);
	*query_of(pending, pending->added++) = (struct pending_query){
		.hash = hash, .sent_ms = sent_ms, .series = series, .way = (uint8_t)at
	};
}

bool pending_answer(struct pending *pending, uint64_t hash, uint64_t answered_ms,
		    uint64_t *ret_delay_ms)
{
	const uint32_t tag = place_of(hash, 0) >> 16;
	uint32_t *set = set_of(pending, hash), *place = NULL;
	struct pending_query *query = NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		struct pending_query *other;

		if (set[i] >> 16 != tag)
			continue;
		other = query_of(pending, set[i] & (PENDING_QUERIES - 1));
		if (other->hash != hash || (query && other->sent_ms >= query->sent_ms))
			continue;
		place = &set[i];
		query = other;
	}
	if (!query)
		return false;
	*place = 0;
	query->state = PENDING_ANSWERED;
	*ret_delay_ms = answered_ms > query->sent_ms ? answered_ms - query->sent_ms : 0;
	return true;
}

const struct pending_query *pending_late(struct pending *pending, uint64_t now_ms)
{
	while (pending->oldest < pending->due &&
	       query_of(pending, pending->oldest)->sent_ms + PENDING_KEPT_MS <= now_ms)
		drop(pending);
	while (pending->due < pending->added) {
		struct pending_query *query = query_of(pending, pending->due);

		if (query->sent_ms + PENDING_TIMEOUT_MS > now_ms)
			break;
		pending->due++;
		if (query->state == PENDING_WAITING) {
			query->state = PENDING_LATE;
			return query;
		}
	}
	return NULL;
}
