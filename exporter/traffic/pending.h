/* SPDX-License-Identifier: MIT */
/* Accepted queries that wait for their answer: a fixed table
 *
 * A response belongs to the query of the same session with the same port and DNS ID. A query
 * that had no NOERROR answer after 5 s counts as unanswered, for good; an answer that comes later
 * still shows how long it took. When the table is full the oldest query makes room: had it not been
 * answered and was not 5 s old, nobody will know, and that is counted. Strangers get half of the
 * table: with 13,000 queries per second anybody could else hide that clients get no answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "common/record.h"

#define PENDING_QUERIES	   65536 /* no more than fit the 16 bits of a place */
#define PENDING_TIMEOUT_MS 5000
#define PENDING_KEPT_MS	   60000 /* of what is answered or unanswered by then nothing is known */

enum pending_state {
	PENDING_WAITING,
	PENDING_LATE, /* counted as unanswered */
	PENDING_ANSWERED,
};

struct pending_query {
	uint64_t hash;
	uint64_t sent_ms;
	uint32_t series; /* that it is counted in */
	uint8_t state;	 /* enum pending_state */
	uint8_t way;	 /* its place among those of its hash */
};

struct pending {
	struct pending_query *queries; /* a ring, in the order in which they came */
	uint32_t *places;	       /* sets of PENDING_WAYS: where the queries of a hash are */
	struct hash_key key;
	uint64_t added; /* since start: the next one goes to added % PENDING_QUERIES */
	uint64_t due;	/* all before it are answered or late */
	uint64_t oldest;
	uint64_t overflow; /* forgotten before their time was up, or not taken */
};

/**
 * pending_open() - An empty table, with all its memory
 *
 * Return: 0, -ENOMEM
 */
int pending_open(struct pending *ret_pending, const struct hash_key *key);

void pending_close(struct pending *pending);

/**
 * pending_hash() - What a query and its response have in common
 * @session_hash:	Of sessions_hash(). Not the resolver's address, in whose place the record of
 *			a query may have its EDNS Client Subnet
 */
uint64_t pending_hash(const struct pending *pending, const struct record *record,
		      uint64_t session_hash);

/**
 * pending_add() - An accepted query
 * @sent_ms:	When it arrived, monotonic
 * @is_stranger:	Of a session that was not there for long
 */
void pending_add(struct pending *pending, uint64_t hash, uint64_t sent_ms, uint32_t series,
		 bool is_stranger);

/**
 * pending_answer() - A NOERROR response
 * @answered_ms:	When it left, monotonic
 * @ret_delay_ms:	How long the query waited: of several with the same hash, the oldest
 *
 * Return: false if no such query waits
 */
bool pending_answer(struct pending *pending, uint64_t hash, uint64_t answered_ms,
		    uint64_t *ret_delay_ms);

/**
 * pending_late() - The next query whose time is up, each once
 * @now_ms:	Up to which all responses have been seen
 *
 * Return: valid until the next call; NULL if there is none
 */
const struct pending_query *pending_late(struct pending *pending, uint64_t now_ms);
