/* SPDX-License-Identifier: MIT */
/* Sessions as dnstt-server has them */
#include "traffic/sessions.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/table.h"
#include "traffic/series.h"

#define MS_NS 1000000

static const struct histogram_scale duration_scale = {
	.bound = { 10000, 30000, 60000, 300000, 900000, 1800000, 3600000, 7200000, 21600000,
		   86400000 },
	.le = { "10.0", "30.0", "60.0", "300.0", "900.0", "1800.0", "3600.0", "7200.0", "21600.0",
		"86400.0" },
	.buckets = 10,
	.per_unit = 1000,
};

static const struct histogram_scale bytes_scale = {
	.bound = { 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000 },
	.le = { "10000.0", "100000.0", "1e+06", "1e+07", "1e+08", "1e+09", "1e+10" },
	.buckets = 7,
	.per_unit = 1,
};

int sessions_open(struct sessions *ret_sessions, struct series_table *series, uint32_t max,
		  const struct hash_key *key)
{
	struct sessions sessions = { .series = series, .max = max, .key = *key, .mask = 63 };

	while (sessions.mask < max)
		sessions.mask = sessions.mask * 2 + 1;
	sessions.session = table_make(max, sizeof(*sessions.session));
	sessions.kcp = table_make(max, sizeof(*sessions.kcp));
	sessions.buckets = table_make((size_t)sessions.mask + 1, sizeof(*sessions.buckets));
	if (!sessions.session || !sessions.kcp || !sessions.buckets) {
		sessions_close(&sessions);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < CONFIG_DOMAINS; i++) {
		sessions.ended[i].duration.scale = &duration_scale;
		sessions.ended[i].bytes.scale = &bytes_scale;
	}
	*ret_sessions = sessions;
	return 0;
}

void sessions_close(struct sessions *sessions)
{
	table_free(sessions->session, sessions->max, sizeof(*sessions->session));
	table_free(sessions->kcp, sessions->max, sizeof(*sessions->kcp));
	table_free(sessions->buckets, (size_t)sessions->mask + 1, sizeof(*sessions->buckets));
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

static void stop_working(struct sessions *sessions, struct session *session)
{
	uint32_t *older_newer, *newer_older;

	if (!session->working)
		return;
	older_newer = session->older_working
			      ? &sessions->session[session->older_working - 1].newer_working
			      : &sessions->oldest_working;
	newer_older = session->newer_working
			      ? &sessions->session[session->newer_working - 1].older_working
			      : &sessions->newest_working;
	*older_newer = session->newer_working;
	*newer_older = session->older_working;
	sessions->series->series[session->series].working--;
	sessions->of_domain[session->domain].working--;
	sessions->working--;
	session->working = false;
}

void sessions_took_data(struct sessions *sessions, struct session *session)
{
	uint32_t index = (uint32_t)(session - sessions->session) + 1;

	stop_working(sessions, session);
	session->older_working = sessions->newest_working;
	session->newer_working = 0;
	if (session->older_working)
		sessions->session[session->older_working - 1].newer_working = index;
	else
		sessions->oldest_working = index;
	sessions->newest_working = index;
	session->working_ms = (uint32_t)(sessions->now_ns / MS_NS);
	session->working = true;
	sessions->series->series[session->series].working++;
	sessions->of_domain[session->domain].working++;
	sessions->working++;
}

static void deactivate(struct sessions *sessions, struct session *session)
{
	if (!session->active)
		return;
	sessions->series->series[session->series].active--;
	sessions->of_domain[session->domain].active--;
	session->active = false;
}

static void observe_end(struct sessions *sessions, const struct session *session)
{
	struct sessions_ended *ended = &sessions->ended[session->domain];

	if (!sessions_kcp(sessions, session)->is_established)
		return;
	histogram_observe(&ended->duration, (session->last_ns - session->first_ns) / MS_NS);
	histogram_observe(&ended->bytes, session->bytes);
}

static void forget(struct sessions *sessions, struct session *session)
{
	uint64_t hash = sessions_hash(sessions, session->domain, session->client_id);
	uint32_t *link = &sessions->buckets[hash & sessions->mask];
	uint32_t index = (uint32_t)(session - sessions->session) + 1;

	while (*link != index)
		link = &sessions->session[*link - 1].next;
	*link = session->next;
	observe_end(sessions, session);
	stop_working(sessions, session);
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
	while (sessions->oldest_working) {
		session = &sessions->session[sessions->oldest_working - 1];
		if ((uint32_t)(now_ns / MS_NS) - session->working_ms <= SESSIONS_WORKING_NS / MS_NS)
			break;
		stop_working(sessions, session);
	}
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
		stop_working(sessions, first); /* which is told to the millisecond only */
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
			       const uint8_t client_id[8], uint64_t *ret_silent_ns)
{
	struct session *session = sessions_find(sessions, hash, domain, client_id);
	uint32_t *bucket = &sessions->buckets[hash & sessions->mask];

	*ret_silent_ns = session ? sessions->now_ns - session->last_ns : SESSIONS_BEGUN;
	if (session) {
		bool is_known = sessions->now_ns - session->first_ns >= SESSIONS_KNOWN_NS;

		list_remove(sessions, session);
		list_append(sessions, session, is_known ? SESSIONS_KNOWN : SESSIONS_YOUNG);
	} else {
		session = room_for_one(sessions);
		*session = (struct session){ .domain = domain,
					     .first_ns = sessions->now_ns,
					     .next = *bucket };
		*sessions_kcp(sessions, session) = (struct kcp){ .has_conv = false };
		memcpy(session->client_id, client_id, sizeof(session->client_id));
		*bucket = (uint32_t)(session - sessions->session) + 1;
		list_append(sessions, session, SESSIONS_NEW);
	}
	session->last_ns = sessions->now_ns;
	return session;
}

/* Peaks rise here and nowhere else: with the query that raises them */
void sessions_place(struct sessions *sessions, struct session *session, uint32_t series)
{
	struct series *of = &sessions->series->series[series];

	if (session->active && session->series == series)
		return;
	deactivate(sessions, session);
	if (session->working) {
		sessions->series->series[session->series].working--;
		of->working++;
	}
	session->series = series;
	session->active = true;
	sessions->of_domain[session->domain].active++;
	if (++of->active > of->peak)
		of->peak = of->active;
}
