/* SPDX-License-Identifier: MIT */
/* Sessions as dnstt-server has them */
#include "traffic/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "traffic/series.h"

int sessions_open(struct sessions *ret_sessions, struct series_table *series, uint32_t max,
		  const struct hash_key *key)
{
	struct sessions sessions = { .series = series, .max = max, .key = *key, .mask = 63 };
	size_t bytes;

	while (sessions.mask < max)
		sessions.mask = sessions.mask * 2 + 1;
	bytes = ((size_t)max * sizeof(*sessions.session) + 63) / 64 * 64;
	sessions.session = aligned_alloc(64, bytes);
	sessions.buckets = malloc(((size_t)sessions.mask + 1) * sizeof(*sessions.buckets));
	if (!sessions.session || !sessions.buckets) {
		sessions_close(&sessions);
		return -ENOMEM;
	}
	/* Written, so that the memory is there from the start and never grows */
	memset(sessions.session, 0, bytes);
	memset(sessions.buckets, 0, ((size_t)sessions.mask + 1) * sizeof(*sessions.buckets));
	*ret_sessions = sessions;
	return 0;
}

void sessions_close(struct sessions *sessions)
{
	free(sessions->session);
	free(sessions->buckets);
	*sessions = (struct sessions){ 0 };
}

uint64_t sessions_hash(const struct sessions *sessions, uint8_t domain, const uint8_t client_id[8])
{
	uint64_t id;

	memcpy(&id, client_id, sizeof(id));
	return hash_words(&sessions->key, id, domain);
}

void sessions_prefetch(const struct sessions *sessions, uint64_t hash)
{
	__builtin_prefetch(&sessions->buckets[hash & sessions->mask]);
}

static void list_remove(struct sessions *sessions, struct session *session)
{
	uint32_t *older_newer, *newer_older;

	older_newer = session->older ? &sessions->session[session->older - 1].newer
				     : &sessions->list[session->list].oldest;
	newer_older = session->newer ? &sessions->session[session->newer - 1].older
				     : &sessions->list[session->list].newest;
	*older_newer = session->newer;
	*newer_older = session->older;
	sessions->list[session->list].count--;
}

static void list_append(struct sessions *sessions, struct session *session, uint8_t list)
{
	uint32_t index = (uint32_t)(session - sessions->session) + 1;

	session->list = list;
	session->older = sessions->list[list].newest;
	session->newer = 0;
	if (session->older)
		sessions->session[session->older - 1].newer = index;
	else
		sessions->list[list].oldest = index;
	sessions->list[list].newest = index;
	sessions->list[list].count++;
}

static void deactivate(struct sessions *sessions, struct session *session)
{
	if (session->active)
		sessions->series->series[session->series].active--;
	session->active = false;
}

/* Peaks rise here and nowhere else: with the query that raises them */
static void activate(struct sessions *sessions, struct session *session, uint32_t series)
{
	struct series *of = &sessions->series->series[series];

	if (session->active && session->series == series)
		return;
	deactivate(sessions, session);
	session->series = series;
	session->active = true;
	if (++of->active > of->peak)
		of->peak = of->active;
}

static void forget(struct sessions *sessions, struct session *session)
{
	uint64_t hash = sessions_hash(sessions, session->domain, session->client_id);
	uint32_t *link = &sessions->buckets[hash & sessions->mask];
	uint32_t index = (uint32_t)(session - sessions->session) + 1;

	while (*link != index)
		link = &sessions->session[*link - 1].next;
	*link = session->next;
	deactivate(sessions, session);
	list_remove(sessions, session);
	session->next = sessions->free;
	sessions->free = index;
}

static struct session *oldest(const struct sessions *sessions, enum session_list list)
{
	uint32_t index = sessions->list[list].oldest;

	return index ? &sessions->session[index - 1] : NULL;
}

void sessions_advance(struct sessions *sessions, uint64_t now_ns)
{
	static const enum session_list awake[] = { SESSIONS_NEW, SESSIONS_YOUNG, SESSIONS_KNOWN };
	struct session *session;

	if (now_ns <= sessions->now_ns)
		return;
	sessions->now_ns = now_ns;
	while ((session = oldest(sessions, SESSIONS_IDLE)) &&
	       now_ns - session->last_ns > SESSIONS_REMEMBERED_NS)
		forget(sessions, session);
	/* The list of the silent must stay in the order of the latest query: take the older one first */
	for (;;) {
		struct session *first = NULL;

		for (unsigned i = 0; i < ARRAY_LENGTH(awake); i++) {
			session = oldest(sessions, awake[i]);
			if (session && (!first || session->last_ns < first->last_ns))
				first = session;
		}
		if (!first || now_ns - first->last_ns <= SESSIONS_ACTIVE_NS)
			return;
		deactivate(sessions, first);
		list_remove(sessions, first);
		if (now_ns - first->last_ns > SESSIONS_REMEMBERED_NS) {
			list_append(sessions, first, SESSIONS_IDLE);
			forget(sessions, first);
		} else {
			list_append(sessions, first, SESSIONS_IDLE);
		}
	}
}

struct session *sessions_find(const struct sessions *sessions, uint64_t hash, uint8_t domain,
			      const uint8_t client_id[8])
{
	for (uint32_t i = sessions->buckets[hash & sessions->mask]; i != 0;) {
		struct session *session = &sessions->session[i - 1];

		if (memcmp(session->client_id, client_id, 8) == 0 && session->domain == domain)
			return session;
		i = session->next;
	}
	return NULL;
}

static struct session *room_for_one(struct sessions *sessions)
{
	struct session *session = NULL;

	if (sessions->used < sessions->max)
		return &sessions->session[sessions->used++];
	if (!sessions->free) {
		for (enum session_list list = SESSIONS_NEW; !session; list++)
			session = oldest(sessions, list);
		forget(sessions, session);
		sessions->evictions++;
	}
	session = &sessions->session[sessions->free - 1];
	sessions->free = session->next;
	return session;
}

struct session *sessions_query(struct sessions *sessions, uint64_t hash, uint8_t domain,
			       const uint8_t client_id[8], uint32_t series, bool *ret_new)
{
	struct session *session = sessions_find(sessions, hash, domain, client_id);
	uint32_t *bucket = &sessions->buckets[hash & sessions->mask];

	*ret_new = !session;
	if (session) {
		bool is_known = sessions->now_ns - session->first_ns >= SESSIONS_KNOWN_NS;

		list_remove(sessions, session);
		list_append(sessions, session, is_known ? SESSIONS_KNOWN : SESSIONS_YOUNG);
	} else {
		session = room_for_one(sessions);
		*session = (struct session){ .domain = domain,
					     .first_ns = sessions->now_ns,
					     .next = *bucket };
		memcpy(session->client_id, client_id, sizeof(session->client_id));
		*bucket = (uint32_t)(session - sessions->session) + 1;
		list_append(sessions, session, SESSIONS_NEW);
	}
	session->last_ns = sessions->now_ns;
	activate(sessions, session, series);
	return session;
}
