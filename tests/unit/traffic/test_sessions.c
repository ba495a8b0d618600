/* SPDX-License-Identifier: MIT */
/* Sessions as dnstt-server has them, with a clock that the test sets */
#include "traffic/sessions.h"

#include <stdio.h>

#include "traffic/series.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define START  (1000 * SECOND)

static const struct hash_key key = { 3, 4 };

/* Two domains; series 0 and 1 are theirs, 2 and 3 those of two countries in the first */
struct world {
	struct series_table series;
	struct sessions sessions;
	bool is_new; /* what the latest query was */
	uint64_t silent_ns;
};

static struct world world;

static void open_world(uint32_t max)
{
	const struct place germany = { "DE", 1 }, france = { "FR", 2 };

	assert_int_equal(series_open(&world.series, 2, 10, &key), 0);
	assert_int_equal(series_of(&world.series, 0, &germany, SERIES_PROVEN), 2);
	assert_int_equal(series_of(&world.series, 0, &france, SERIES_PROVEN), 3);
	assert_int_equal(sessions_open(&world.sessions, &world.series, max, &key), 0);
	sessions_advance(&world.sessions, START);
}

static int set_up(void **state)
{
	(void)state;
	open_world(100);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sessions_close(&world.sessions);
	series_close(&world.series);
	return 0;
}

static void advance(double seconds)
{
	sessions_advance(&world.sessions, START + (uint64_t)(seconds * 1000) * 1000000);
}

static struct session *query(const char *id, unsigned domain, uint32_t series)
{
	uint8_t client_id[8] = { 0 };
	struct session *session;
	uint64_t hash;

	memcpy(client_id, id, strlen(id));
	hash = sessions_hash(&world.sessions, (uint8_t)domain, client_id);
	session =
		sessions_query(&world.sessions, hash, (uint8_t)domain, client_id, &world.silent_ns);
	sessions_place(&world.sessions, session, series);
	world.is_new = world.silent_ns == SESSIONS_BEGUN;
	return session;
}

static bool known(const char *id, unsigned domain)
{
	uint8_t client_id[8] = { 0 };

	memcpy(client_id, id, strlen(id));
	return sessions_find(&world.sessions,
			     sessions_hash(&world.sessions, (uint8_t)domain, client_id),
			     (uint8_t)domain, client_id) != NULL;
}

static uint32_t active(uint32_t series)
{
	return world.series.series[series].active;
}

static uint32_t peak(uint32_t series)
{
	return world.series.series[series].peak;
}

static void test_session_is_active_for_thirty_seconds(void **state)
{
	(void)state;
	query("alice", 0, 0);
	assert_true(world.is_new);
	assert_int_equal(active(0), 1);
	advance(29.9);
	assert_int_equal(active(0), 1);
	advance(30);
	assert_int_equal(active(0), 1);
	advance(30.1);
	assert_int_equal(active(0), 0);
	assert_int_equal(peak(0), 1);
}

static void test_every_query_begins_the_thirty_seconds_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		advance(i * 29.9);
		query("alice", 0, 0);
		assert_int_equal(world.is_new, i == 0);
		assert_int_equal(active(0), 1);
	}
	advance(9 * 29.9 + 30.1);
	assert_int_equal(active(0), 0);
}

static void test_session_that_was_silent_for_a_minute_is_the_same(void **state)
{
	(void)state;
	query("alice", 0, 0);
	advance(60);
	assert_int_equal(active(0), 0);
	query("alice", 0, 0);
	assert_false(world.is_new);
	assert_int_equal(active(0), 1);
}

static void test_session_is_remembered_for_four_minutes(void **state)
{
	(void)state;
	query("alice", 0, 0);
	query("bob", 0, 0);
	query("bob", 0, 0);
	advance(240);
	assert_true(known("alice", 0));
	assert_true(known("bob", 0));
	advance(240.1);
	assert_false(known("alice", 0));
	assert_false(known("bob", 0));
	query("alice", 0, 0);
	assert_true(world.is_new);
	assert_int_equal(world.sessions.evictions, 0);
}

static void test_session_is_new_after_five_minutes_without_a_scrape(void **state)
{
	(void)state;
	query("alice", 0, 0);
	query("bob", 0, 0);
	query("bob", 0, 0);
	advance(300);
	assert_int_equal(active(0), 0);
	query("alice", 0, 0);
	assert_true(world.is_new);
	query("bob", 0, 0);
	assert_true(world.is_new);
	assert_int_equal(active(0), 2);
	assert_int_equal(peak(0), 2);
}

static void test_one_client_id_in_two_domains_is_two_sessions(void **state)
{
	(void)state;
	query("alice", 0, 0);
	query("alice", 1, 1);
	assert_true(world.is_new);
	assert_int_equal(active(0), 1);
	assert_int_equal(active(1), 1);
	advance(20);
	query("alice", 1, 1);
	assert_false(world.is_new);
	advance(40);
	assert_int_equal(active(0), 0);
	assert_int_equal(active(1), 1);
}

static void test_session_counts_where_its_latest_resolver_is(void **state)
{
	(void)state;
	query("alice", 0, 2);
	query("bob", 0, 2);
	assert_int_equal(active(2), 2);
	query("alice", 0, 3);
	assert_false(world.is_new);
	assert_int_equal(active(2), 1);
	assert_int_equal(active(3), 1);
	assert_int_equal(active(0) + active(2) + active(3), 2);
	query("alice", 0, 2);
	assert_int_equal(active(2), 2);
	assert_int_equal(active(3), 0);
	assert_int_equal(peak(3), 1);
	/* Silent in one place, back in another */
	advance(60);
	query("bob", 0, 3);
	assert_int_equal(active(2), 0);
	assert_int_equal(active(3), 1);
	advance(100);
	assert_int_equal(active(0) + active(2) + active(3), 0);
}

static void test_peak_rises_with_the_query_and_never_falls(void **state)
{
	(void)state;
	query("alice", 0, 0);
	query("bob", 0, 0);
	assert_int_equal(peak(0), 2);
	query("bob", 0, 0);
	assert_int_equal(peak(0), 2);
	advance(31);
	query("carol", 0, 0);
	assert_int_equal(active(0), 1);
	assert_int_equal(peak(0), 2);
	query("alice", 0, 0);
	query("bob", 0, 0);
	assert_int_equal(peak(0), 3);
}

static void test_clock_that_runs_backwards_changes_nothing(void **state)
{
	(void)state;
	advance(100);
	query("alice", 0, 0);
	advance(10);
	query("bob", 0, 0);
	advance(129);
	assert_int_equal(active(0), 2);
	advance(131);
	assert_int_equal(active(0), 0);
}

static void test_a_flood_of_single_queries_does_not_push_clients_out(void **state)
{
	char id[9];

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(id, sizeof(id), "real%u", i);
		query(id, 0, 0);
		query(id, 0, 0);
	}
	for (unsigned i = 0; i < 100000; i++) {
		(void)snprintf(id, sizeof(id), "x%u", i);
		query(id, 0, 0);
		assert_true(world.is_new);
	}
	assert_int_equal(world.sessions.evictions, 100000 - 50);
	assert_int_equal(active(0), 100);
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(id, sizeof(id), "real%u", i);
		assert_true(known(id, 0));
		/* Of the flood, the latest fifty are left */
		(void)snprintf(id, sizeof(id), "x%u", 99999 - i);
		assert_true(known(id, 0));
		(void)snprintf(id, sizeof(id), "x%u", 99949 - i);
		assert_false(known(id, 0));
	}
	advance(31);
	assert_int_equal(active(0), 0);
}

static void test_a_flood_of_repeated_queries_does_not_push_clients_out(void **state)
{
	char id[9];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "real%u", i % 50);
		advance(i < 50 ? 0 : 5);
		query(id, 0, 0);
	}
	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(id, sizeof(id), "x%u", i);
		query(id, 0, 0);
		assert_true(world.is_new);
		query(id, 0, 0);
		query(id, 0, 0);
		assert_false(world.is_new);
	}
	assert_int_equal(world.sessions.evictions, 10000 - 50);
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(id, sizeof(id), "real%u", i);
		assert_true(known(id, 0));
	}
}

static void test_full_table_forgets_the_silent_before_the_awake(void **state)
{
	char id[9];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "real%u", i);
		advance(i * 0.5);
		query(id, 0, 0);
		query(id, 0, 0);
	}
	/* real0 to real38 have been silent for more than 30 s */
	assert_int_equal(active(0), 61);
	query("one", 0, 0);
	query("one", 0, 0);
	assert_false(known("real0", 0));
	assert_true(known("real1", 0));
	assert_int_equal(active(0), 62);
	assert_int_equal(world.sessions.evictions, 1);
	/* Once no one is silent, the one that has been quiet for longest */
	for (unsigned i = 0; i < 38; i++) {
		(void)snprintf(id, sizeof(id), "more%u", i);
		query(id, 0, 0);
		query(id, 0, 0);
	}
	assert_int_equal(active(0), 100);
	assert_false(known("real38", 0));
	assert_true(known("real39", 0));
	query("last", 0, 0);
	assert_false(known("real39", 0));
	assert_true(known("real40", 0));
	assert_int_equal(active(0), 100);
	assert_int_equal(world.sessions.evictions, 40);
}

static unsigned working(uint32_t series)
{
	return world.series.series[series].working;
}

static void test_session_works_for_thirty_seconds_after_new_data(void **state)
{
	(void)state;
	sessions_took_data(&world.sessions, query("alice", 0, 0));
	sessions_took_data(&world.sessions, query("bob", 0, 0));
	assert_int_equal(working(0), 2);
	advance(10);
	sessions_took_data(&world.sessions, query("alice", 0, 0));
	assert_int_equal(working(0), 2);
	/* Queries alone do not make it work */
	advance(29);
	query("bob", 0, 0);
	advance(30);
	assert_int_equal(working(0), 2);
	advance(30.001);
	assert_int_equal(working(0), 1);
	assert_int_equal(active(0), 2);
	advance(39);
	query("alice", 0, 0);
	advance(40.001);
	assert_int_equal(working(0), 0);
	assert_int_equal(world.sessions.working, 0);
	assert_int_equal(active(0), 2);
	sessions_took_data(&world.sessions, query("bob", 0, 0));
	assert_int_equal(working(0), 1);
}

static void test_session_works_where_its_latest_resolver_is(void **state)
{
	(void)state;
	sessions_took_data(&world.sessions, query("alice", 0, 2));
	assert_int_equal(working(2), 1);
	query("alice", 0, 3);
	assert_int_equal(working(2), 0);
	assert_int_equal(working(3), 1);
	advance(31);
	assert_int_equal(working(3), 0);
}

static void test_forgotten_session_works_no_more(void **state)
{
	char id[9];

	(void)state;
	sessions_took_data(&world.sessions, query("first", 0, 0));
	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "%u", i);
		sessions_took_data(&world.sessions, query(id, 0, 0));
	}
	assert_int_equal(world.sessions.evictions, 1);
	assert_int_equal(working(0), 100);
	assert_int_equal(world.sessions.working, 100);
}

/* Of one that never completed its handshake nobody knows whether it was a tunnel */
static void test_established_sessions_show_how_long_they_were(void **state)
{
	struct session *session = query("alice", 0, 0);

	(void)state;
	sessions_kcp(&world.sessions, session)->is_established = true;
	query("bob", 0, 0);
	advance(61.5);
	query("alice", 0, 0)->bytes = 123456;
	query("bob", 0, 0)->bytes = 7;
	advance(61.5 + 240);
	assert_int_equal(histogram_count(&world.sessions.ended[0].duration), 0);
	advance(61.5 + 240.001);
	assert_int_equal(histogram_count(&world.sessions.ended[0].duration), 1);
	assert_int_equal(world.sessions.ended[0].duration.sum, 61500);
	assert_int_equal(world.sessions.ended[0].duration.bucket[3], 1); /* up to 300 s */
	assert_int_equal(world.sessions.ended[0].bytes.sum, 123456);
	assert_int_equal(world.sessions.ended[0].bytes.bucket[2], 1); /* up to 1 MB */
	assert_int_equal(histogram_count(&world.sessions.ended[1].duration), 0);
}

static void test_what_was_noted_of_a_session_goes_with_it(void **state)
{
	struct session *session = query("alice", 0, 0);
	struct kcp *kcp = sessions_kcp(&world.sessions, session);

	(void)state;
	assert_false(kcp->has_conv);
	kcp->has_conv = true;
	session->bytes = 7;
	assert_ptr_equal(query("alice", 0, 0), session);
	assert_true(kcp->has_conv);
	advance(300);
	session = query("alice", 0, 0);
	assert_false(sessions_kcp(&world.sessions, session)->has_conv);
	assert_int_equal(session->bytes, 0);
}

static void test_table_of_one_session_works(void **state)
{
	(void)state;
	tear_down(NULL);
	open_world(1);
	query("alice", 0, 0);
	query("alice", 0, 0);
	query("bob", 0, 2);
	assert_false(known("alice", 0));
	assert_int_equal(active(0), 0);
	assert_int_equal(active(2), 1);
	assert_int_equal(world.sessions.evictions, 1);
}

#define IN_A_WORLD(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_WORLD(test_session_is_active_for_thirty_seconds),
		IN_A_WORLD(test_session_works_for_thirty_seconds_after_new_data),
		IN_A_WORLD(test_session_works_where_its_latest_resolver_is),
		IN_A_WORLD(test_forgotten_session_works_no_more),
		IN_A_WORLD(test_established_sessions_show_how_long_they_were),
		IN_A_WORLD(test_every_query_begins_the_thirty_seconds_anew),
		IN_A_WORLD(test_session_that_was_silent_for_a_minute_is_the_same),
		IN_A_WORLD(test_session_is_remembered_for_four_minutes),
		IN_A_WORLD(test_session_is_new_after_five_minutes_without_a_scrape),
		IN_A_WORLD(test_one_client_id_in_two_domains_is_two_sessions),
		IN_A_WORLD(test_session_counts_where_its_latest_resolver_is),
		IN_A_WORLD(test_peak_rises_with_the_query_and_never_falls),
		IN_A_WORLD(test_clock_that_runs_backwards_changes_nothing),
		IN_A_WORLD(test_a_flood_of_single_queries_does_not_push_clients_out),
		IN_A_WORLD(test_a_flood_of_repeated_queries_does_not_push_clients_out),
		IN_A_WORLD(test_full_table_forgets_the_silent_before_the_awake),
		IN_A_WORLD(test_what_was_noted_of_a_session_goes_with_it),
		IN_A_WORLD(test_table_of_one_session_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
