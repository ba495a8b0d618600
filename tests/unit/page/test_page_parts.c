/* SPDX-License-Identifier: MIT */
/* The parts of the page: numbers and times, what is wrong, the lines, the bars */
#include "page/parts.h"

#include <stdlib.h>

#include "page_fixture.h"
#include "unit.h"

#define host   page_host
#define MINUTE 60
#define HOUR   3600

static char written[512];

static struct text text_of(void)
{
	return (struct text){ .start = written,
			      .at = written,
			      .end = written + sizeof(written) - 1 };
}

#define assert_writes(expected, function, ...)              \
	do {                                                \
		struct text text_ = text_of();              \
		function(&text_, __VA_ARGS__);              \
		*text_.at = '\0';                           \
		assert_string_equal(text_.start, expected); \
	} while (0)

static void test_numbers_have_separators_and_units(void **state)
{
	(void)state;
	assert_writes("0", page_count, 0);
	assert_writes("999", page_count, 999);
	assert_writes("1,000", page_count, 1000);
	assert_writes("18,446,744,073,709,551,615", page_count, UINT64_MAX);
	assert_writes("0 clients", page_plural, 0, "client");
	assert_writes("1 client", page_plural, 1, "client");
	assert_writes("1,001 clients", page_plural, 1001, "client");
	assert_writes("0", page_decimal, 0.04);
	assert_writes("0.1", page_decimal, 0.05);
	assert_writes("9.9", page_decimal, 9.94);
	assert_writes("10", page_decimal, 9.96);
	assert_writes("3", page_decimal, 3.0);
	assert_writes("1,235", page_decimal, 1234.5);
	assert_writes("0 B", page_bytes, 0);
	assert_writes("999 B", page_bytes, 999);
	assert_writes("1 KiB", page_bytes, 1000);
	assert_writes("1.5 KiB", page_bytes, 1536);
	assert_writes("999 KiB", page_bytes, 999 * 1024.0);
	assert_writes("1 MiB", page_bytes, 999.7 * 1024.0);
	assert_writes("16 EiB", page_bytes, (double)UINT64_MAX);
	assert_writes("2.5/s", page_value, PAGE_QUERIES, 2.5);
	assert_writes("4 KiB/s", page_value, PAGE_TRAFFIC, 4096);
	assert_writes("7", page_value, PAGE_CLIENTS, 7);
}

static void test_spans_have_the_unit_that_says_most(void **state)
{
	(void)state;
	assert_writes("0 seconds", page_span, 0);
	assert_writes("1 second", page_span, 1);
	assert_writes("119 seconds", page_span, 119);
	assert_writes("2 minutes", page_span, 120);
	assert_writes("119 minutes", page_span, 2 * HOUR - 1);
	assert_writes("2 hours", page_span, 2 * HOUR);
	assert_writes("47 hours", page_span, 2 * DAY - 1);
	assert_writes("2 days", page_span, 2 * DAY);
	assert_writes("729 days", page_span, 730 * DAY - 1);
	assert_writes("2 years", page_span, 730 * DAY);
}

#define AT_NOW "<time datetime=\"2026-11-23T17:35:01Z\" title=\"2026-11-23T17:35:01Z\">"

static void test_times_are_relative_with_the_date_in_a_title(void **state)
{
	const struct page_view view = { .facts = &host.facts };

	(void)state;
	assert_writes("1970-01-01T00:00:00Z", page_date, 0);
	assert_writes("9999-12-31T23:59:59Z", page_date, 253402300799);
	assert_writes("", page_date, 253402300800);
	assert_writes("at no date", page_ago, &view, UINT64_MAX);
	assert_writes("never", page_ago_ns, &view, 0);
	assert_writes(AT_NOW "just now</time>", page_ago, &view, NOW_1970);
	host.facts.now_realtime_ns += 59 * SECOND;
	assert_writes(AT_NOW "59 seconds ago</time>", page_ago, &view, NOW_1970);
	host.facts.now_ns += 59 * SECOND;
	assert_writes(AT_NOW "59 seconds ago</time>", page_ago_ns, &view, NOW);
	host.facts.now_realtime_ns -= 3600 * SECOND;
	assert_writes(AT_NOW "in the future</time>", page_ago, &view, NOW_1970);
}

static void test_every_problem_is_told_and_counted(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_look(59 * MINUTE);
	host.capture.ring_drops = 1234;
	host.traffic.sessions.evictions = 1;
	host.traffic.series.overflow = 1;
	host.facts.is_ready = false;
	page_host_database(GEOIP_COUNTRY)->build_epoch = NOW_1970 - 61 * DAY;
	page_host_render();
	assert_shown("<title>5 problems - dnstt_exporter</title>");
	assert_shown("<span class=\"state bad\">5 problems</span>");
	assert_shown("Capture is not running.");
	assert_shown("1,234 packets dropped in the last hour.");
	assert_shown("<dt>Dropped</dt><dd class=\"bad\">1,234<");
	assert_shown("1 session forgotten early");
	assert_shown("There are many label sets.");
	assert_shown("The country database is old.");
	assert_shown("61 days ago");
	assert_not_shown("The network database is old.");
	assert_not_shown("The server does not answer.");
}

static void test_a_certificate_that_ends_within_14_days_is_a_problem(void **state)
{
	(void)state;
	page_host_domains(1);
	host.facts.certificate_expiry = NOW_1970 + 14 * DAY;
	page_host_render();
	assert_not_shown("The certificate");
	host.facts.certificate_expiry = NOW_1970 + 14 * DAY - 1;
	page_host_render();
	assert_shown(">1 problem<");
	assert_shown(
		"<strong>The certificate expires soon.</strong> It is valid for another 13 days.");
	host.facts.certificate_expiry = NOW_1970 - 3 * DAY;
	page_host_render();
	assert_shown("<strong>The certificate has expired.</strong> It expired ");
	assert_shown("3 days ago");
}

static void test_what_was_more_than_an_hour_ago_is_no_problem(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_look(90 * MINUTE);
	host.capture.ring_drops = 1234;
	host.traffic.sessions.evictions = 1;
	for (uint64_t ago = 89 * MINUTE; ago > 0; ago -= 15)
		page_host_look(ago);
	page_host_database(GEOIP_ASN)->build_epoch = NOW_1970 - 60 * DAY;
	page_host_render();
	assert_shown("No problems");
	assert_shown("<dt>Dropped</dt><dd>0<");
	assert_shown("1,234 since start");
}

static void test_after_a_gap_an_hour_is_an_hour(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_look(90 * MINUTE);
	host.capture.ring_drops = 1234;
	page_host_look(60 * MINUTE);
	page_host_render();
	assert_shown("No problems");
	assert_shown("<dt>Dropped</dt><dd>0<");
}

static void test_drops_from_before_a_long_gap_are_not_hidden_by_it(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_look(90 * MINUTE);
	host.capture.ring_drops = 5;
	page_host_render();
	assert_shown("5 packets dropped in the last hour.");
}

/* Queries came from the first of these times to the last, in seconds ago, and the latest answer */
static void ask(uint64_t first, uint64_t last, uint64_t answered)
{
	host.traffic.domain[1].last_response_ns = NOW - answered * SECOND;
	for (uint64_t ago = first; ago + 1 > last; ago--) {
		host.traffic.domain[1].last_query_ns = NOW - ago * SECOND;
		page_host_look(ago);
	}
}

static void test_a_server_that_does_not_answer_for_half_a_minute_is_shown(void **state)
{
	(void)state;
	page_host_domains(2);
	ask(31, 1, 3000);
	page_host_render();
	assert_shown("Queries for t1.example.com arrive, and no answer has left this host for 31 "
		     "seconds");
	assert_shown(">1 problem<");
	assert_not_shown("Queries for t0.example.com");
}

static void test_a_server_has_half_a_minute_to_answer(void **state)
{
	(void)state;
	page_host_domains(2);
	ask(29, 1, 3000);
	page_host_render();
	assert_shown("No problems");
}

/* After a restart of the server its clients poll on */
static void test_clients_of_whom_none_works_are_a_problem(void **state)
{
	(void)state;
	page_host_domains(2);
	host.traffic.domain[1].kcp.segments[KCP_IN] = 1;
	host.traffic.sessions.of_domain[1].active = 3;
	page_host_look(46);
	page_host_render();
	assert_shown("Of 3 clients of t1.example.com, none has received data for 46 seconds");
	assert_shown(">1 problem<");
	/* One that works is enough, */
	host.traffic.sessions.of_domain[1].working = 1;
	page_host_render();
	assert_shown("No problems");
	host.traffic.sessions.of_domain[1].working = 0;
	page_host_render();
	assert_shown("No problems"); /* and half a minute begins again */
	/* Of another KCP nobody knows whether it works */
	page_host_look(46);
	host.traffic.without_answers = 2;
	page_host_render();
	assert_shown("No problems");
}

static void test_answers_without_queries_are_a_problem(void **state)
{
	struct traffic_domain *domain = &host.traffic.domain[1];

	(void)state;
	page_host_domains(2);
	domain->first_alone_ns = NOW - 20 * SECOND;
	domain->latest_alone_ns = NOW - SECOND;
	domain->answers_alone = 10;
	page_host_render();
	assert_shown("The queries for t1.example.com do not arrive on this host");
	assert_shown(">1 problem<");
	domain->rejected[VERDICT_EDNS_SIZE] = 1;
	page_host_render();
	assert_shown("Correct <code>min-edns=</code>");
	domain->rejected[VERDICT_FRAMING] = 2;
	page_host_render();
	assert_shown("Correct <code>wire=</code>");
	domain->answers_alone = 0;
	page_host_render();
	assert_shown("No problems");
}

static void test_zeros_that_look_well_are_a_problem(void **state)
{
	(void)state;
	page_host_domains(2);
	host.traffic.domain[2].rejected[VERDICT_DOMAIN] = 1234;
	page_host_render();
	assert_shown(
		"<strong>No query is for a configured domain.</strong> 1,234 came under others");
	assert_shown(">1 problem<");
	host.traffic.domain[0].last_query_ns = NOW - 200 * SECOND;
	page_host_render();
	assert_shown("No problems");
	host.capture.packets = 0;
	host.traffic.start_ns = NOW - 61 * SECOND;
	page_host_render();
	assert_shown("Not a packet has come since the start");
	assert_shown(">1 problem<");
}

static void test_median_lies_in_its_bucket(void **state)
{
	struct histogram *rtt = &host.traffic.domain[0].kcp.rtt;

	(void)state;
	page_host_domains(1);
	page_host_render();
	assert_shown("<dt>Round trip</dt><dd>&#8211;</dd>");
	rtt->bucket[2] = 2; /* 25 to 50 ms */
	page_host_render();
	assert_shown("<dt>Round trip</dt><dd>38 ms</dd>");
	rtt->bucket[7] = 20; /* 1 to 2.5 s */
	page_host_render();
	assert_shown("<dt>Round trip</dt><dd>1.7 s</dd>");
	rtt->bucket[HISTOGRAM_BUCKETS] = 100;
	page_host_render();
	assert_shown("<dt>Round trip</dt><dd>over 10 s</dd>");
}

static void test_work_is_shown_where_it_is_known(void **state)
{
	struct series *series;

	(void)state;
	page_host_domains(1);
	series = page_host_series(0, "DE", 1, 3);
	series->established = 7;
	series->rtt = (struct series_sum){ 4, 400 };
	host.traffic.sessions.working = 2;
	page_host_render();
	assert_shown("<dt>Working now</dt><dd>2</dd>");
	assert_shown("<dt>Handshakes</dt><dd>7</dd>");
	assert_shown("</td><td>100 ms</td></tr>");
	host.traffic.without_answers = 1;
	page_host_render();
	assert_not_shown("Working now");
	assert_not_shown("Handshakes");
}

static void test_nobody_waits_for_an_answer_when_queries_ceased(void **state)
{
	(void)state;
	page_host_domains(2);
	ask(200, 61, 3000);
	page_host_render();
	assert_shown("No problems");
}

/* What the line of clients looks like, the first one of the page */
static const char *line(void)
{
	return strstr(strstr(host.text, "<path class=\"line\""), " d=\"") + 4;
}

static void assert_line(const char *expected)
{
	assert_memory_equal(line(), expected, strlen(expected));
}

static void test_a_gap_is_a_gap_in_the_line(void **state)
{
	(void)state;
	page_host_domains(1);
	(void)page_host_series(0, "DE", 64496, 4);
	for (uint64_t ago = 50 * MINUTE; ago > 0; ago -= 15)
		if (ago > 40 * MINUTE || ago < 30 * MINUTE)
			page_host_look(ago);
	page_host_render();
	/* From 50 minutes ago to 40:15, then from 29:45 to now; level, at the top of a scale to 4 */
	assert_line("M600 0l585 0M1815 0l1785 0\"");
}

static void test_a_sample_alone_is_a_dot(void **state)
{
	(void)state;
	page_host_domains(1);
	(void)page_host_series(0, "DE", 64496, 2);
	page_host_look(20 * MINUTE);
	page_host_render();
	assert_line("M2400 0h0M3600 0l0 0\"");
}

static void test_lines_go_down_to_the_values(void **state)
{
	(void)state;
	page_host_domains(2);
	page_host_look(30);
	(void)page_host_series(1, "DE", 64496, 8);
	page_host_look(15);
	(void)page_host_series(1, "DE", 64496, 4);
	host.traffic.sessions.list[SESSIONS_KNOWN].count = 4;
	page_host_look(0);
	page_host_render();
	assert_line("M3570 400l15-400l15 0l0 200\"");
	assert_shown("<span>8</span><span>4</span><span>0</span>");
	assert_shown("From 0 to 8, at the end 4.");
	assert_shown("<h3>t0.example.com</h3>\n<p><strong>0</strong> now, 0 working, at most 0 ");
	assert_shown("<h3>t1.example.com</h3>\n<p><strong>4</strong> now, 0 working, at most 8 ");
}

/* Name, clients and sessions of the rows of a table, "name clients sessions;" each */
static void assert_rows(const char *id, const char *expected)
{
	const char *at = strstr(host.text, id), *end = strstr(at, "</section>");
	struct text rows = text_of();

	while ((at = strstr(at, "<th scope=\"row\">")) && at < end) {
		at += 16;
		text_bytes(&rows, at, strcspn(at, "<"));
		for (unsigned i = 0; i < 2; i++) {
			at = strstr(at, "</td><td>") + 9;
			text_string(&rows, " ");
			text_bytes(&rows, at, strcspn(at, "<"));
		}
		text_string(&rows, ";");
	}
	*rows.at = '\0';
	assert_string_equal(rows.start, expected);
}

static void test_series_are_added_up_by_country_and_by_network(void **state)
{
	(void)state;
	page_host_domains(2);
	(void)page_host_series(0, "DE", 64496, 3);
	(void)page_host_series(1, "DE", 64497, 2);
	(void)page_host_series(0, "FR", 4294967295, 4);
	(void)page_host_series(1, "ZZ", 64496, 2);
	(void)page_host_series(1, "SE", 0, 0);
	page_host_series(0, "XX", 7, 1)->other = true;
	page_host_render();
	assert_rows("id=\"countries\"", "DE 5 12;FR 4 9;unmapped 2 5;other 1 3;SE 0 1;");
	assert_rows("id=\"networks\"",
		    "AS64496 5 12;AS4294967295 4 9;AS64497 2 5;other 1 3;unmapped 0 1;");
	assert_shown("<rect height=\"10\" width=\"800\"/>");
}

static int descending(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return *left < *right ? 1 : *left > *right ? -1 : 0;
}

static void assert_counts(const char *at, uint64_t expected)
{
	struct text number = text_of();

	page_count(&number, expected);
	text_string(&number, "<");
	assert_memory_equal(at, written, (size_t)(number.at - number.start));
}

static void test_the_first_ten_of_thousands_are_the_right_ones(void **state)
{
	static uint32_t clients[PAGE_SERIES];
	uint32_t networks = PAGE_SERIES - 2, sum = 0;
	const char *at;

	(void)state;
	page_host_domains(2);
	for (uint32_t i = 0; i < networks; i++) {
		clients[i] = (uint32_t)rand() % 1000000;
		(void)page_host_series((uint8_t)(i % 2), "DE", 1 + i * 977, clients[i]);
		sum += clients[i];
	}
	assert_int_equal(host.traffic.series.overflow, 0);
	page_host_render();
	qsort(clients, networks, sizeof(clients[0]), descending);
	at = strstr(host.text, "id=\"networks\"");
	for (unsigned i = 0; i < PAGE_TOP; i++) {
		at = strstr(at, "</svg></td><td>") + 15;
		assert_counts(at, clients[i]);
		sum -= clients[i];
	}
	at = strstr(at, "4,084 more</th>");
	assert_non_null(at);
	assert_counts(strstr(at, "</td><td>") + 9, sum);
}

static void test_the_first_domains_are_shown_in_the_order_given(void **state)
{
	(void)state;
	page_host_domains(30);
	for (uint8_t i = 0; i < 30; i++)
		(void)page_host_series(i, "DE", 64496, i < 5 || i >= 15 ? 30u + i : 1);
	page_host_render();
	assert_shown("<h3>t4.example.com</h3>");
	assert_not_shown("<h3>t5.example.com</h3>");
	assert_not_shown("<h3>t14.example.com</h3>");
	assert_true(strstr(host.text, "<h3>t4.") < strstr(host.text, "<h3>t15."));
	assert_true(strstr(host.text, "<h3>t15.") < strstr(host.text, "<h3>t29."));
	assert_shown("10 more domains with 10 clients now.");
}

#define ON_HOST(test_) cmocka_unit_test_setup_teardown(test_, page_host_setup, page_host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_have_separators_and_units),
		cmocka_unit_test(test_spans_have_the_unit_that_says_most),
		ON_HOST(test_times_are_relative_with_the_date_in_a_title),
		ON_HOST(test_every_problem_is_told_and_counted),
		ON_HOST(test_a_certificate_that_ends_within_14_days_is_a_problem),
		ON_HOST(test_what_was_more_than_an_hour_ago_is_no_problem),
		ON_HOST(test_after_a_gap_an_hour_is_an_hour),
		ON_HOST(test_drops_from_before_a_long_gap_are_not_hidden_by_it),
		ON_HOST(test_a_server_that_does_not_answer_for_half_a_minute_is_shown),
		ON_HOST(test_a_server_has_half_a_minute_to_answer),
		ON_HOST(test_clients_of_whom_none_works_are_a_problem),
		ON_HOST(test_answers_without_queries_are_a_problem),
		ON_HOST(test_zeros_that_look_well_are_a_problem),
		ON_HOST(test_median_lies_in_its_bucket),
		ON_HOST(test_work_is_shown_where_it_is_known),
		ON_HOST(test_nobody_waits_for_an_answer_when_queries_ceased),
		ON_HOST(test_a_gap_is_a_gap_in_the_line),
		ON_HOST(test_a_sample_alone_is_a_dot),
		ON_HOST(test_lines_go_down_to_the_values),
		ON_HOST(test_series_are_added_up_by_country_and_by_network),
		ON_HOST(test_the_first_ten_of_thousands_are_the_right_ones),
		ON_HOST(test_the_first_domains_are_shown_in_the_order_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
