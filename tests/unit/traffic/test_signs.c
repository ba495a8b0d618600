/* SPDX-License-Identifier: MIT */
/* What speaks against zeros that look well, and what does not */
#include "traffic/signs.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/record_check.h"
#include "record_craft.h"
#include "traffic/history.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"

#define SECOND UINT64_C(1000000000)
#define START  (1000 * SECOND)

static struct interfaces interfaces;
static struct traffic traffic;
static struct history history;
static struct batch_state capture;
static struct signs signs;
static uint64_t now_ns;

static int set_up(void **state)
{
	const struct traffic_options options = { .domains = 2,
						 .max_sessions = 64,
						 .max_series = 10,
						 .interfaces = &interfaces,
						 .key = { 1, 2 } };

	(void)state;
	now_ns = START;
	history_open(&history);
	capture = (struct batch_state){ .packets = 1 };
	return traffic_open(&traffic, &options);
}

static int tear_down(void **state)
{
	(void)state;
	traffic_close(&traffic);
	return 0;
}

static void see(struct record record)
{
	record.dns_id = (uint16_t)(now_ns / 1000);
	now_ns += 1000;
	traffic_records(&traffic, &record, 1, (struct moment){ now_ns, 0 });
}

static void look(void)
{
	sessions_advance(&traffic.sessions, now_ns);
	history_advance(&history, &traffic, &capture, now_ns);
	signs_find(&history, &traffic, &capture, now_ns, &signs);
}

/* Time passes, and something happens each second */
static void seconds(unsigned count, const struct record *each)
{
	for (unsigned i = 0; i < count; i++) {
		now_ns += SECOND;
		if (each)
			see(*each);
		else
			traffic_records(&traffic, NULL, 0, (struct moment){ now_ns, 0 });
		look();
	}
}

static void assert_sign(unsigned domain, enum sign wanted)
{
	look();
	assert_int_equal(signs.domain[domain].sign, wanted);
	assert_int_equal(signs.domain[1 - domain].sign, SIGN_NONE);
	assert_int_equal(signs.count, wanted != SIGN_NONE);
}

static struct record query(void)
{
	return record_query("alice", 1);
}

static struct record response(void)
{
	const struct record asked = query();

	return record_response(&asked);
}

static void test_healthy_tunnel_has_none(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		now_ns += SECOND / 2;
		see(query());
		see(response());
		if (i % 20 == 0)
			sessions_took_data(&traffic.sessions, &traffic.sessions.session[0]);
		look();
		assert_int_equal(signs.count, 0);
		assert_int_equal(signs.foreign, 0);
		assert_false(signs.is_quiet);
	}
}

static void test_queries_without_answers_are_told_after_half_a_minute(void **state)
{
	const struct record asked = query();

	(void)state;
	see(response());
	seconds(30, &asked);
	assert_sign(0, SIGN_NONE);
	seconds(1, &asked);
	assert_sign(0, SIGN_SILENT);
	assert_int_equal(signs.domain[0].seconds, 30);
	see(response());
	assert_sign(0, SIGN_NONE);
	/* Nobody waits for an answer when the queries cease */
	see(query());
	seconds(61, NULL);
	assert_sign(0, SIGN_NONE);
}

static void test_clients_of_whom_none_works_are_told_after_45_seconds(void **state)
{
	(void)state;
	traffic.domain[0].kcp.segments[KCP_IN] = 1;
	see(query());
	sessions_took_data(&traffic.sessions, &traffic.sessions.session[0]);
	for (unsigned i = 0; i < 76; i++) {
		assert_int_equal(signs.count, 0);
		now_ns += SECOND;
		see(query());
		see(response());
		look();
	}
	assert_sign(0, SIGN_NOT_WORKING); /* half a minute after it worked last, and 45 s */
	sessions_took_data(&traffic.sessions, &traffic.sessions.session[0]);
	assert_sign(0, SIGN_NONE);
}

/* Error correction moves the headers to where capture does not look for them */
static void test_nobody_knows_who_works_where_no_segment_can_be_read(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		now_ns += SECOND;
		see(query());
		see(response());
		assert_sign(0, SIGN_NONE);
	}
}

static void test_answers_alone_say_why(void **state)
{
	static const struct {
		enum verdict refused;
		enum sign sign;
	} cases[] = {
		{ VERDICT_EDNS_SIZE, SIGN_EDNS }, { VERDICT_FRAMING, SIGN_WIRE },
		{ VERDICT_ENCODING, SIGN_WIRE },  { VERDICT_SHORT, SIGN_WIRE },
		{ VERDICT_QTYPE, SIGN_WIRE },	  { VERDICTS, SIGN_ELSEWHERE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct record answer = response();

		tear_down(state);
		set_up(state);
		for (unsigned j = 0; j < 10; j++) {
			assert_sign(0, SIGN_NONE);
			if (cases[i].refused != VERDICTS)
				see(record_refused(cases[i].refused, j));
			see(answer);
		}
		for (unsigned j = 0; j < 90; j++)
			see(answer);
		assert_sign(0, cases[i].sign);
		seconds(59, NULL);
		assert_sign(0, cases[i].sign);
		seconds(2, NULL); /* what was a minute ago may be over */
		assert_sign(0, SIGN_NONE);
		seconds(10, &answer);
		see(query());
		assert_sign(0, SIGN_NONE);
	}
}

/* A resolver's probe that the server answers, every now and then */
static void test_few_answers_are_no_sign(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		now_ns += 10 * SECOND;
		see(response());
		assert_sign(0, SIGN_NONE);
	}
	/* Nor is a refusal an answer */
	for (unsigned i = 0; i < 100; i++) {
		struct record refusal = response();

		refusal.flags = 3;
		see(refusal);
		assert_sign(0, SIGN_NONE);
	}
}

static struct record elsewhere(void)
{
	struct record answer = record_refused(VERDICT_DOMAIN, 1);

	answer.kind = RECORD_RESPONSE;
	return answer;
}

static void test_answers_under_another_domain_speak_against_the_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(signs.count, 0);
		see(elsewhere());
	}
	look();
	assert_int_equal(signs.domain[0].sign, SIGN_NAME);
	assert_int_equal(signs.domain[1].sign, SIGN_NAME);
	see(query());
	assert_sign(1, SIGN_NAME); /* that of the other is right */
}

static void test_queries_under_no_domain_matter_where_there_are_no_others(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		look();
		assert_int_equal(signs.foreign, 0);
		see(record_refused(VERDICT_DOMAIN, i));
	}
	look();
	assert_int_equal(signs.foreign, 20);
	assert_int_equal(signs.count, 0);
	see(query());
	look();
	assert_int_equal(signs.foreign, 0);
}

static void test_no_packet_in_the_first_minute_is_a_sign(void **state)
{
	(void)state;
	capture.packets = 0;
	seconds(60, NULL);
	assert_false(signs.is_quiet);
	seconds(1, NULL);
	assert_true(signs.is_quiet);
	capture.packets = 1;
	seconds(1, NULL);
	assert_false(signs.is_quiet);
}

/* Lines that signs_log() wrote of these signs at this time */
static unsigned logged_lines(struct signs_logged *logged, const struct signs *found, uint64_t at_ns)
{
	static const char *const names[] = { "a.test", "b.test" };
	int before = dup(STDERR_FILENO), file = memfd_create("log", MFD_CLOEXEC);
	char text[4096];
	unsigned lines = 0;
	ssize_t bytes;

	assert_true(before >= 0 && file >= 0);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	signs_log(logged, found, names, 2, 53, at_ns);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	bytes = pread(file, text, sizeof(text), 0);
	for (ssize_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	close(before);
	close(file);
	return lines;
}

static void test_each_sign_is_logged_once_and_after_six_hours(void **state)
{
	struct signs_logged logged = { .quiet_ns = 0 };
	struct signs found = { .is_quiet = true, .domain[1].sign = SIGN_SILENT };

	(void)state;
	assert_int_equal(logged_lines(&logged, &found, START), 2);
	assert_int_equal(logged_lines(&logged, &found, START + SECOND), 0);
	found.domain[0].sign = SIGN_SILENT; /* of another domain */
	assert_int_equal(logged_lines(&logged, &found, START + 2 * SECOND), 1);
	found.domain[0].sign = SIGN_EDNS; /* or another one */
	assert_int_equal(logged_lines(&logged, &found, START + 3 * SECOND), 1);
	assert_int_equal(logged_lines(&logged, &found, START + SIGNS_AGAIN_NS - 1), 0);
	assert_int_equal(logged_lines(&logged, &found, START + SIGNS_AGAIN_NS + 3 * SECOND), 3);
}

/* When its answers are a minute ago, queries alone show the same fault */
static void test_a_misspelt_domain_is_logged_once(void **state)
{
	struct signs_logged logged = { .quiet_ns = 0 };
	const struct signs name = { .domain[0].sign = SIGN_NAME }, foreign = { .foreign = 20 };

	(void)state;
	assert_int_equal(logged_lines(&logged, &name, START), 1);
	assert_int_equal(logged_lines(&logged, &foreign, START + 61 * SECOND), 0);
	logged = (struct signs_logged){ .quiet_ns = 0 };
	assert_int_equal(logged_lines(&logged, &foreign, START), 1);
}

#define WITH_TRAFFIC(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRAFFIC(test_healthy_tunnel_has_none),
		WITH_TRAFFIC(test_queries_without_answers_are_told_after_half_a_minute),
		WITH_TRAFFIC(test_clients_of_whom_none_works_are_told_after_45_seconds),
		WITH_TRAFFIC(test_nobody_knows_who_works_where_no_segment_can_be_read),
		WITH_TRAFFIC(test_answers_alone_say_why),
		WITH_TRAFFIC(test_few_answers_are_no_sign),
		WITH_TRAFFIC(test_answers_under_another_domain_speak_against_the_name),
		WITH_TRAFFIC(test_queries_under_no_domain_matter_where_there_are_no_others),
		WITH_TRAFFIC(test_no_packet_in_the_first_minute_is_a_sign),
		cmocka_unit_test(test_each_sign_is_logged_once_and_after_six_hours),
		cmocka_unit_test(test_a_misspelt_domain_is_logged_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
