/* SPDX-License-Identifier: MIT */
/* The last hour: when samples are taken, what is in them, and what is not made up */
#include "common/record_check.h"
#include "traffic/history.h"
#include "traffic/traffic.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define START  (1000 * SECOND)

/* Traffic as it is after a number of records; only what the history looks at */
static struct {
	struct history history;
	struct traffic traffic;
	struct batch_state capture;
	struct series series[4];
} host;

static int setup(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	host.history.count = 1;
	history_open(&host.history);
	host.traffic.series.series = host.series;
	host.traffic.series.count = 4;
	host.traffic.domains = 2;
	for (unsigned i = 0; i < 4; i++)
		host.series[i].domain = i % 2;
	return 0;
}

/* Active clients that sent one query, and those that sent more */
static void clients(uint32_t new, uint32_t known)
{
	host.traffic.sessions.list[SESSIONS_NEW].count = new;
	host.traffic.sessions.list[SESSIONS_KNOWN].count = known;
}

static void look(uint64_t seconds)
{
	history_advance(&host.history, &host.traffic, &host.capture, START + seconds * SECOND);
}

/* Seconds since the start of a sample, counted from the end */
static uint64_t sample_at(uint32_t back)
{
	return (history_sample(&host.history, host.history.count - 1 - back)->at_ns - START) /
	       SECOND;
}

static void test_the_first_look_takes_a_sample(void **state)
{
	(void)state;
	assert_null(history_before(&host.history, START));
	look(0);
	assert_int_equal(host.history.count, 1);
	assert_int_equal(sample_at(0), 0);
}

static void test_a_sample_is_taken_every_15_seconds_and_not_at_every_look(void **state)
{
	(void)state;
	for (uint64_t second = 0; second <= 60; second++)
		look(second);
	for (unsigned i = 0; i < 1000; i++)
		look(60);
	assert_int_equal(host.history.count, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(sample_at(i), 60 - 15 * i);
}

static void test_an_hour_is_kept_and_nothing_older(void **state)
{
	(void)state;
	for (uint64_t second = 0; second <= 9000; second++)
		look(second);
	assert_int_equal(host.history.count, HISTORY_SAMPLES);
	assert_int_equal(sample_at(0), 9000);
	assert_int_equal(sample_at(HISTORY_SAMPLES - 1), 9000 - 3600);
}

static void test_samples_stay_on_their_grid_when_looks_come_late(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		look(i * 15 + (i % 2 == 0 ? 0 : 2));
	assert_int_equal(host.history.count, HISTORY_SAMPLES);
	assert_in_range(sample_at(0) - sample_at(HISTORY_SAMPLES - 1), 3598, 3602);
	for (uint32_t i = 1; i < HISTORY_SAMPLES; i++)
		assert_true(history_joined(history_sample(&host.history, i - 1),
					   history_sample(&host.history, i)));
}

static void test_what_nobody_looked_at_is_a_gap(void **state)
{
	(void)state;
	for (uint64_t second = 0; second <= 30; second++)
		look(second);
	look(300);
	assert_int_equal(host.history.count, 4);
	assert_int_equal(sample_at(1), 30);
	assert_int_equal(sample_at(0), 300);
	assert_true(
		history_joined(history_sample(&host.history, 1), history_sample(&host.history, 2)));
	assert_false(
		history_joined(history_sample(&host.history, 2), history_sample(&host.history, 3)));
	/* And then as before */
	for (uint64_t second = 301; second <= 315; second++)
		look(second);
	assert_int_equal(sample_at(0), 315);
}

static void test_a_sample_has_the_most_clients_since_the_one_before(void **state)
{
	(void)state;
	look(0);
	clients(2, 5);
	look(4);
	clients(0, 3);
	look(15);
	clients(0, 2);
	look(30);
	assert_int_equal(history_sample(&host.history, 1)->clients, 7);
	assert_int_equal(history_sample(&host.history, 1)->clients_ns, START + 4 * SECOND);
	/* The three of the moment in which the interval began */
	assert_int_equal(history_sample(&host.history, 2)->clients, 3);
	assert_int_equal(host.history.most, 2);
}

static void test_the_most_clients_are_dated_when_they_came(void **state)
{
	(void)state;
	look(0);
	clients(0, 5);
	for (uint64_t second = 3; second <= 30; second++)
		look(second);
	assert_int_equal(history_sample(&host.history, 1)->clients, 5);
	assert_int_equal(history_sample(&host.history, 1)->clients_ns, START + 3 * SECOND);
	assert_int_equal(host.history.peak_ns, START + 3 * SECOND);
}

static void test_clients_from_before_a_gap_are_not_in_the_sample_after_it(void **state)
{
	(void)state;
	look(0);
	clients(0, 9);
	look(1);
	clients(0, 1);
	look(600);
	assert_int_equal(history_sample(&host.history, 1)->clients, 1);
	assert_int_equal(history_sample(&host.history, 1)->clients_ns, START + 600 * SECOND);
}

static void test_the_peak_and_its_time_are_remembered(void **state)
{
	(void)state;
	clients(0, 1);
	look(0);
	clients(1, 8);
	look(7);
	clients(2, 7);
	look(8);
	clients(0, 0);
	for (uint64_t second = 9; second < 8000; second++)
		look(second);
	assert_int_equal(host.history.peak, 9);
	assert_int_equal(host.history.peak_ns, START + 7 * SECOND);
}

static void test_a_sample_adds_up_all_series(void **state)
{
	const struct history_sample *sample;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		host.series[i] = (struct series){ .domain = i % 2,
						  .queries = 1u << i,
						  .bytes_in = 100u << i,
						  .bytes_out = 1000u << i,
						  .active = 1 + i };
	host.capture.ring_drops = 77;
	host.traffic.sessions.evictions = 3;
	look(0);
	sample = history_sample(&host.history, 0);
	assert_int_equal(sample->queries, 15);
	assert_int_equal(sample->bytes_in, 1500);
	assert_int_equal(sample->bytes_out, 15000);
	assert_int_equal(sample->drops, 77);
	assert_int_equal(sample->evictions, 3);
	assert_int_equal(sample->domain_clients[0], 1 + 3);
	assert_int_equal(sample->domain_clients[1], 2 + 4);
	assert_int_equal(sample->domain_clients[2], 0);
}

static void test_the_sample_before_a_time_is_found(void **state)
{
	(void)state;
	for (uint64_t second = 0; second <= 9000; second += 15)
		look(second);
	assert_int_equal(history_before(&host.history, START + 8000 * SECOND)->at_ns,
			 START + 7995 * SECOND);
	assert_int_equal(history_before(&host.history, START + 8010 * SECOND)->at_ns,
			 START + 8010 * SECOND);
	assert_int_equal(history_before(&host.history, UINT64_MAX)->at_ns, START + 9000 * SECOND);
	/* There is nothing older than the oldest one */
	assert_int_equal(history_before(&host.history, START)->at_ns, START + 5400 * SECOND);
}

static void asked(uint32_t domain, uint64_t second)
{
	host.traffic.domain[domain].last_query_ns = START + second * SECOND;
}

static void answered(uint32_t domain, uint64_t second)
{
	host.traffic.domain[domain].last_response_ns = START + second * SECOND;
}

static void test_a_domain_is_unanswered_since_its_first_query_without_answer(void **state)
{
	(void)state;
	look(0);
	assert_int_equal(history_unanswered(&host.history, 0), 0);
	for (uint64_t second = 10; second < 90; second++) {
		asked(0, second);
		look(second);
	}
	assert_int_equal(history_unanswered(&host.history, 0), START + 10 * SECOND);
	assert_int_equal(history_unanswered(&host.history, 1), 0);
	answered(0, 90);
	look(90);
	assert_int_equal(history_unanswered(&host.history, 0), 0);
}

static void test_a_query_on_its_way_is_nothing_that_lasts(void **state)
{
	(void)state;
	/* There is always one newer than the latest answer, and never one for long */
	for (uint64_t second = 10; second < 900; second++) {
		asked(0, second);
		answered(0, second - 1);
		look(second);
		assert_in_range(history_unanswered(&host.history, 0), START + (second - 1) * SECOND,
				START + second * SECOND);
	}
}

static void test_a_query_after_a_silent_hour_is_unanswered_from_then_on(void **state)
{
	(void)state;
	asked(0, 10);
	answered(0, 10);
	look(11);
	look(4000);
	assert_int_equal(history_unanswered(&host.history, 0), 0);
	asked(0, 4001);
	look(4002);
	assert_int_equal(history_unanswered(&host.history, 0), START + 4001 * SECOND);
}

#define ON_HOST(test_) cmocka_unit_test_setup(test_, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(test_the_first_look_takes_a_sample),
		ON_HOST(test_a_sample_is_taken_every_15_seconds_and_not_at_every_look),
		ON_HOST(test_an_hour_is_kept_and_nothing_older),
		ON_HOST(test_samples_stay_on_their_grid_when_looks_come_late),
		ON_HOST(test_what_nobody_looked_at_is_a_gap),
		ON_HOST(test_a_sample_has_the_most_clients_since_the_one_before),
		ON_HOST(test_the_most_clients_are_dated_when_they_came),
		ON_HOST(test_clients_from_before_a_gap_are_not_in_the_sample_after_it),
		ON_HOST(test_the_peak_and_its_time_are_remembered),
		ON_HOST(test_a_sample_adds_up_all_series),
		ON_HOST(test_the_sample_before_a_time_is_found),
		ON_HOST(test_a_domain_is_unanswered_since_its_first_query_without_answer),
		ON_HOST(test_a_query_on_its_way_is_nothing_that_lasts),
		ON_HOST(test_a_query_after_a_silent_hour_is_unanswered_from_then_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
