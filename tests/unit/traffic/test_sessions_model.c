/* SPDX-License-Identifier: MIT */
/* The session table against a list that is searched from end to end: 100000 queries at random */
#include "traffic/series.h"
#include "traffic/sessions.h"
#include "unit.h"

#define SECOND	   UINT64_C(1000000000)
#define MAX	   64
#define SERIES	   4
#define DOMAINS	   2
#define OPERATIONS 100000

static const struct hash_key key = { 5, 6 };

/* A session as the header describes it */
struct entry {
	uint8_t domain;
	uint32_t client;
	uint32_t series;
	uint64_t first_ns, last_ns;
	uint64_t order; /* of its latest query among all */
	bool single;	/* had no second query */
};

struct model {
	struct entry entry[MAX];
	unsigned count;
	uint64_t now_ns, order, evictions;
	uint32_t peak[SERIES];
};

static struct model model;

static bool is_active(const struct entry *entry)
{
	return model.now_ns - entry->last_ns <= SESSIONS_ACTIVE_NS;
}

static void model_forget(unsigned index)
{
	model.entry[index] = model.entry[--model.count];
}

static void model_advance(uint64_t now_ns)
{
	if (now_ns > model.now_ns)
		model.now_ns = now_ns;
	for (unsigned i = model.count; i-- > 0;)
		if (model.now_ns - model.entry[i].last_ns > SESSIONS_REMEMBERED_NS)
			model_forget(i);
}

static uint32_t model_active(uint32_t series)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < model.count; i++)
		count += model.entry[i].series == series && is_active(&model.entry[i]);
	return count;
}

/* 0: a single query, 2: all of them within 5 s, 3: was there for longer */
static unsigned rank_awake(const struct entry *entry)
{
	if (entry->single)
		return 0;
	return entry->last_ns - entry->first_ns < SESSIONS_KNOWN_NS ? 2 : 3;
}

/* Who has to go first: single queries, then the silent, then the young, then the rest; of each the
 * oldest. Those that fell silent at one moment stay in the order of their ranks before.
 */
static bool goes_before(const struct entry *a, const struct entry *b)
{
	unsigned rank_a = is_active(a) ? rank_awake(a) : 1;
	unsigned rank_b = is_active(b) ? rank_awake(b) : 1;

	if (rank_a != rank_b)
		return rank_a < rank_b;
	if (a->last_ns != b->last_ns)
		return a->last_ns < b->last_ns;
	if (rank_awake(a) != rank_awake(b))
		return rank_awake(a) < rank_awake(b);
	return a->order < b->order;
}

static void model_evict(void)
{
	unsigned victim = 0;

	for (unsigned i = 1; i < model.count; i++)
		if (goes_before(&model.entry[i], &model.entry[victim]))
			victim = i;
	model_forget(victim);
	model.evictions++;
}

static struct entry *model_find(uint8_t domain, uint32_t client)
{
	for (unsigned i = 0; i < model.count; i++)
		if (model.entry[i].domain == domain && model.entry[i].client == client)
			return &model.entry[i];
	return NULL;
}

/* True if the session is a new one */
static bool model_query(uint8_t domain, uint32_t client, uint32_t series)
{
	struct entry *entry = model_find(domain, client);
	bool is_new = !entry;

	if (is_new) {
		if (model.count == MAX)
			model_evict();
		entry = &model.entry[model.count++];
		*entry = (struct entry){ .domain = domain,
					 .client = client,
					 .first_ns = model.now_ns };
	}
	entry->single = is_new;
	entry->series = series;
	entry->last_ns = model.now_ns;
	entry->order = ++model.order;
	if (model_active(series) > model.peak[series])
		model.peak[series] = model_active(series);
	return is_new;
}

static void assert_same(const struct sessions *sessions)
{
	uint32_t listed = 0;

	for (uint32_t i = 0; i < SERIES; i++) {
		assert_int_equal(sessions->series->series[i].active, model_active(i));
		assert_int_equal(sessions->series->series[i].peak, model.peak[i]);
	}
	assert_int_equal(sessions->evictions, model.evictions);
	for (unsigned list = 0; list < SESSION_LISTS; list++)
		listed += sessions->list[list].count;
	assert_int_equal(listed, model.count);
}

static void random_queries(struct sessions *sessions, uint32_t clients, unsigned times,
			   uint64_t *seed)
{
	/* Most queries are of a few clients, as in life; the rest of strangers */
	uint32_t client = unit_random(seed) % (unit_random(seed) % 3 ? clients / 4 : clients);
	uint8_t domain = unit_random(seed) % DOMAINS, id[8] = { 0 };
	uint32_t series = domain + unit_random(seed) % 8 / 7 * DOMAINS;
	struct session *session;
	uint64_t hash, silent_ns;
	bool wanted;

	memcpy(id, &client, sizeof(client));
	hash = sessions_hash(sessions, domain, id);
	for (unsigned i = 0; i < times; i++) {
		wanted = model_query(domain, client, series);
		session = sessions_query(sessions, hash, domain, id, &silent_ns);
		sessions_place(sessions, session, series);
		assert_int_equal(silent_ns == SESSIONS_BEGUN, wanted);
		assert_memory_equal(session->client_id, id, 8);
		assert_ptr_equal(sessions_find(sessions, hash, domain, id), session);
	}
}

static uint64_t random_pause(uint64_t *seed)
{
	switch (unit_random(seed) % 100) {
	case 0: return unit_random(seed) % 300 * SECOND;
	case 1: return SESSIONS_ACTIVE_NS - 1 + unit_random(seed) % 3;
	case 2: return SESSIONS_REMEMBERED_NS - 1 + unit_random(seed) % 3;
	default: return unit_random(seed) % 4 * (SECOND / 2);
	}
}

/* @clients: fewer than there is room for, or more; @times: that each sends in a row */
static void run(uint32_t clients, unsigned times, uint64_t seed)
{
	const struct place places[] = { { "DE", 1 }, { "FR", 2 } };
	struct series_table series;
	struct sessions sessions;

	memset(&model, 0, sizeof(model));
	assert_int_equal(series_open(&series, DOMAINS, SERIES, &key), 0);
	for (uint8_t domain = 0; domain < DOMAINS; domain++)
		assert_int_equal(series_of(&series, domain, &places[domain], SERIES_PROVEN),
				 DOMAINS + domain);
	assert_int_equal(sessions_open(&sessions, &series, MAX, &key), 0);
	model_advance(SECOND);
	sessions_advance(&sessions, SECOND);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		uint8_t id[8] = { 0 };
		uint32_t client = unit_random(&seed) % clients;

		if (unit_random(&seed) % 2) {
			uint64_t now_ns = model.now_ns + random_pause(&seed);

			model_advance(now_ns);
			sessions_advance(&sessions, now_ns);
		}
		random_queries(&sessions, clients, times, &seed);
		assert_same(&sessions);
		memcpy(id, &client, sizeof(client));
		assert_int_equal(sessions_find(&sessions, sessions_hash(&sessions, 0, id), 0, id) !=
					 NULL,
				 model_find(0, client) != NULL);
	}
	sessions_close(&sessions);
	series_close(&series);
}

static void test_table_with_room_for_all_is_as_the_model(void **state)
{
	(void)state;
	run(MAX / 2, 1, 1);
	assert_int_equal(model.evictions, 0);
}

static void test_table_that_is_too_small_is_as_the_model(void **state)
{
	(void)state;
	run(MAX, 1, 2);
	assert_true(model.evictions > 100);
	run(MAX * 20, 1, 3);
	assert_true(model.evictions > 1000);
	run(MAX * 20, 2, 4);
	assert_true(model.evictions > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_with_room_for_all_is_as_the_model),
		cmocka_unit_test(test_table_that_is_too_small_is_as_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
