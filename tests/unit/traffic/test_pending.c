/* SPDX-License-Identifier: MIT */
/* Queries that wait for their answer */
#include "traffic/pending.h"

#include "record_craft.h"

#define START 1000000

static const struct hash_key key = { 0x1b873593cc9e2d51, 0x85ebca6bc2b2ae35 };
static struct pending pending;

static int set_up(void **state)
{
	(void)state;
	return pending_open(&pending, &key);
}

static int tear_down(void **state)
{
	(void)state;
	pending_close(&pending);
	return 0;
}

/* A query of a session, which chose port and DNS ID */
static uint64_t hash_of(uint64_t session, uint16_t port, uint16_t dns_id)
{
	const struct record record = { .port = port, .dns_id = dns_id };

	return pending_hash(&pending, &record, hash_words(&key, session, 0));
}

static void add(uint64_t hash, uint64_t ms)
{
	pending_add(&pending, hash, START + ms, 7, false);
}

/* How long it waited, or -1 if there is none */
static long answer(uint64_t hash, uint64_t ms)
{
	uint64_t delay_ms;

	return pending_answer(&pending, hash, START + ms, &delay_ms) ? (long)delay_ms : -1;
}

static unsigned late(uint64_t ms)
{
	const struct pending_query *query;
	unsigned count = 0;

	for (; (query = pending_late(&pending, START + ms)); count++)
		assert_int_equal(query->series, 7);
	return count;
}

static void test_answer_belongs_to_port_and_id_of_its_session(void **state)
{
	(void)state;
	add(hash_of(1, 4000, 99), 0);
	assert_int_equal(answer(hash_of(1, 4000, 98), 10), -1);
	assert_int_equal(answer(hash_of(1, 4001, 99), 10), -1);
	assert_int_equal(answer(hash_of(2, 4000, 99), 10), -1);
	assert_int_equal(answer(hash_of(1, 4000, 99), 10), 10);
	assert_int_equal(answer(hash_of(1, 4000, 99), 11), -1); /* one answer to one query */
	assert_int_equal(late(100000), 0);
}

static void test_query_is_late_once_and_for_good(void **state)
{
	(void)state;
	add(hash_of(1, 1, 1), 0);
	add(hash_of(1, 1, 2), 1);
	assert_int_equal(late(4999), 0);
	assert_int_equal(late(5000), 1);
	assert_int_equal(late(5000), 0);
	assert_int_equal(answer(hash_of(1, 1, 1), 5100), 5100); /* still shows how long it took */
	assert_int_equal(answer(hash_of(1, 1, 2), 5000), 4999);
	assert_int_equal(late(100000), 0);
	assert_int_equal(pending.overflow, 0);
}

static void test_of_two_alike_the_older_is_answered_first(void **state)
{
	const uint64_t hash = hash_of(1, 1, 1);

	(void)state;
	add(hash, 0);
	add(hash, 100);
	assert_int_equal(answer(hash, 150), 150);
	assert_int_equal(answer(hash, 160), 60);
	assert_int_equal(answer(hash, 170), -1);
}

static void test_what_is_long_over_is_forgotten(void **state)
{
	(void)state;
	add(hash_of(1, 1, 1), 0);
	assert_int_equal(late(5000), 1);
	assert_int_equal(late(PENDING_KEPT_MS), 0);
	assert_int_equal(answer(hash_of(1, 1, 1), PENDING_KEPT_MS), -1);
	assert_int_equal(pending.overflow, 0);
	assert_int_equal(pending.oldest, 1);
}

/* An answer that seems to come before its query has waited for nothing */
static void test_clock_that_goes_back_gives_no_huge_delay(void **state)
{
	(void)state;
	add(hash_of(1, 1, 1), 50);
	assert_int_equal(answer(hash_of(1, 1, 1), 40), 0);
}

static void test_full_table_counts_only_what_nobody_will_know(void **state)
{
	(void)state;
	/* Answered in time: no matter how many */
	for (uint32_t i = 0; i < 5 * PENDING_QUERIES; i++) {
		const uint64_t hash = hash_of(i, (uint16_t)i, (uint16_t)(i >> 16));

		add(hash, i / 1000);
		assert_int_equal(answer(hash, i / 1000 + 1), 1);
	}
	assert_int_equal(pending.overflow, 0);
	assert_int_equal(late(1000000), 0);
	/* Never answered: the oldest make room */
	for (uint32_t i = 0; i < 2 * PENDING_QUERIES; i++)
		add(hash_of(i, 5, 5), 1000000);
	assert_in_range(pending.overflow, PENDING_QUERIES, PENDING_QUERIES + 1000);
	assert_int_equal(late(1005000) + pending.overflow, 2 * PENDING_QUERIES);
}

/* Whatever comes in whatever order: each query is answered, late, waiting, or counted as lost */
static void test_every_query_ends_somewhere(void **state)
{
	uint64_t seed = 1, added = 0, answered = 0, unanswered = 0, ms = 0;

	(void)state;
	for (unsigned i = 0; i < 400000; i++) {
		const uint64_t hash = hash_of(unit_random(&seed) % 5000, 1, 1);

		ms += unit_random(&seed) % 100 == 0;
		if (unit_random(&seed) % 2) {
			add(hash, ms);
			added++;
		} else {
			answered += answer(hash, ms) >= 0;
		}
		unanswered += late(ms);
	}
	assert_true(answered > 1000);
	unanswered += late(ms + PENDING_TIMEOUT_MS);
	/* Late ones may have been answered later */
	assert_in_range(added, answered, answered + unanswered + pending.overflow);
	assert_int_equal(late(ms + 2 * PENDING_KEPT_MS), 0);
	assert_int_equal(pending.oldest, pending.added);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(answer(hash_of(i, 1, 1), ms), -1);
}

#define IN_A_TABLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_TABLE(test_answer_belongs_to_port_and_id_of_its_session),
		IN_A_TABLE(test_query_is_late_once_and_for_good),
		IN_A_TABLE(test_of_two_alike_the_older_is_answered_first),
		IN_A_TABLE(test_what_is_long_over_is_forgotten),
		IN_A_TABLE(test_clock_that_goes_back_gives_no_huge_delay),
		IN_A_TABLE(test_full_table_counts_only_what_nobody_will_know),
		IN_A_TABLE(test_every_query_ends_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
