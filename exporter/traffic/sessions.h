/* SPDX-License-Identifier: MIT */
/* Sessions as dnstt-server has them: a fixed table, O(1) for each query
 *
 * A session is a domain and a ClientID. It is active while its latest query is at most 30 s old and
 * remembered for 4 minutes of silence, as dnstt-server does (turbotunnel/remotemap.go with
 * main.go idleTimeout*2), so that the same one coming back is not a new one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "common/config.h"
#include "metrics/histogram.h"
#include "traffic/kcp.h"

struct series_table;

#define SESSIONS_ACTIVE_NS     (UINT64_C(30) * 1000000000)
#define SESSIONS_REMEMBERED_NS (UINT64_C(240) * 1000000000)
#define SESSIONS_WORKING_NS    SESSIONS_ACTIVE_NS
#define SESSIONS_KNOWN_NS      (UINT64_C(5) * 1000000000) /* an idle client polls each 10 s */

#define SESSIONS_BEGUN UINT64_MAX

/* Sessions are in one of four lists, each in the order of the latest query. Who has to go first when
 * the table is full is in the first list that is not empty.
 */
enum session_list {
	SESSIONS_NEW,	/* one query so far: a flood of random ClientIDs ends here */
	SESSIONS_IDLE,	/* silent for more than 30 s */
	SESSIONS_YOUNG, /* more, but within 5 s: one that sends each ClientID several times */
	SESSIONS_KNOWN, /* was there 5 s after its first query, and the latest is within 30 s */
	SESSION_LISTS,
};

struct session {
	uint8_t client_id[8];
	uint64_t first_ns, last_ns; /* queries */
	uint64_t bytes;		    /* DNS messages, both directions */
	uint32_t next;		    /* in the hash bucket, 1 + index; or in the list of free ones */
	uint32_t older, newer;	    /* in the list, 1 + index */
	uint32_t series;	    /* of the resolver of the latest query */
	uint32_t older_working, newer_working; /* in the order of working_ms, if it is there */
	uint32_t working_ms; /* when the client last took new data; goes round in 49 days */
	uint8_t domain;
	uint8_t list;
	bool active : 1, working : 1;
	bool has_added : 1; /* a label set, by what it had shown */
};

/* Of a domain: its sessions that had completed their handshake, when they were forgotten */
struct sessions_ended {
	struct histogram duration; /* ms from the first query to the latest */
	struct histogram bytes;
};

struct sessions {
	struct session *session;
	struct kcp *kcp; /* of each session, by its index */
	uint32_t *buckets;
	struct series_table *series;
	struct hash_key key;
	uint32_t max, mask, used, free;
	struct {
		uint32_t oldest, newest, count;
	} list[SESSION_LISTS];
	uint32_t oldest_working, newest_working;
	uint32_t working;
	struct {
		uint32_t active, working;
	} of_domain[CONFIG_DOMAINS];
	uint64_t evictions; /* forgotten early, because the table was full */
	uint64_t now_ns;
	struct sessions_ended ended[CONFIG_DOMAINS];
};

/**
 * sessions_open() - An empty table for @max sessions, with all its memory
 * @series:	Counts active sessions and their peak
 *
 * Return: 0, -ENOMEM
 */
int sessions_open(struct sessions *ret_sessions, struct series_table *series, uint32_t max,
		  const struct hash_key *key);

void sessions_close(struct sessions *sessions);

/**
 * sessions_advance() - Let time pass: sessions fall silent and are forgotten
 * @now_ns:	Of a clock that never runs backwards; an earlier time than before is ignored
 *
 * To be called before the queries of that time, and before anything is shown.
 */
void sessions_advance(struct sessions *sessions, uint64_t now_ns);

/* Where the bucket and the session of a ClientID are, as a hint to the processor */
uint64_t sessions_hash(const struct sessions *sessions, uint8_t domain, const uint8_t client_id[8]);
void sessions_prefetch(const struct sessions *sessions, uint64_t hash);

/**
 * sessions_query() - An accepted query; sessions_place() has to follow
 * @hash:	Of sessions_hash()
 * @ret_silent_ns:	Since its query before; SESSIONS_BEGUN if dnstt-server begins it with this one
 *
 * A full table forgets one, in the order of enum session_list, and of a list the oldest.
 *
 * Return: the session, for the fields that are not the table's own
 */
struct session *sessions_query(struct sessions *sessions, uint64_t hash, uint8_t domain,
			       const uint8_t client_id[8], uint64_t *ret_silent_ns);

/**
 * sessions_place() - Where the query came from
 * @series:	Of its resolver; the session is counted there from now on
 */
void sessions_place(struct sessions *sessions, struct session *session, uint32_t series);

/**
 * sessions_find() - A remembered session, or NULL
 */
struct session *sessions_find(const struct sessions *sessions, uint64_t hash, uint8_t domain,
			      const uint8_t client_id[8]);

/**
 * sessions_took_data() - The client has received something new: its tunnel works now
 */
void sessions_took_data(struct sessions *sessions, struct session *session);

static inline struct kcp *sessions_kcp(const struct sessions *sessions,
				       const struct session *session)
{
	return &sessions->kcp[session - sessions->session];
}

/**
 * sessions_active() - How many sent a query in the last 30 s
 */
static inline uint32_t sessions_active(const struct sessions *sessions)
{
	return sessions->list[SESSIONS_NEW].count + sessions->list[SESSIONS_YOUNG].count +
	       sessions->list[SESSIONS_KNOWN].count;
}
