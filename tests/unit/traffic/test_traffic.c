/* SPDX-License-Identifier: MIT */
/* What records add up to: every kind of them, in one row of counters and no other */
#include "traffic/traffic.h"

#include "geoip_fixture.h"
#include "record_craft.h"
#include "traffic/interfaces.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)
#define START  (1000 * SECOND)

static struct interfaces interfaces;
static struct traffic traffic;
static uint64_t now_ns;

static void open_traffic(struct geoip_database *country, bool use_ecs)
{
	const struct traffic_options options = { .domains = 2,
						 .max_sessions = 64,
						 .max_series = 10,
						 .use_ecs = use_ecs,
						 .interfaces = &interfaces,
						 .country = country,
						 .key = { 1, 2 } };

	interfaces = (struct interfaces){ .fd = -1 };
	now_ns = START;
	assert_int_equal(traffic_open(&traffic, &options), 0);
}

static int set_up(void **state)
{
	(void)state;
	open_traffic(NULL, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	traffic_close(&traffic);
	return 0;
}

static void count(struct record record)
{
	traffic_records(&traffic, &record, 1, (struct moment){ now_ns, 0 });
}

static const struct series *series(unsigned index)
{
	return &traffic.series.series[index];
}

static const struct traffic_domain *domain(unsigned index)
{
	return &traffic.domain[index];
}

static void test_query_counts_its_bytes_and_its_session(void **state)
{
	(void)state;
	count(record_query("alice", 1));
	assert_int_equal(series(0)->queries, 1);
	assert_int_equal(series(0)->bytes_in, 150);
	assert_int_equal(series(0)->payload_in, 30);
	assert_int_equal(series(0)->sessions, 1);
	assert_int_equal(series(0)->active, 1);
	assert_int_equal(series(0)->peak, 1);
	assert_int_equal(series(0)->bytes_out, 0);
	assert_int_equal(domain(0)->kcp.conversations, 1);
	assert_int_equal(domain(0)->last_query_ns, START);
	assert_int_equal(domain(0)->last_response_ns, 0);
	assert_int_equal(series(1)->queries, 0);
	count(record_query("alice", 2));
	count(record_query("bob", 3));
	assert_int_equal(series(0)->queries, 3);
	assert_int_equal(series(0)->sessions, 2);
	assert_int_equal(series(0)->active, 2);
}

static void test_response_counts_its_bytes(void **state)
{
	struct record query = record_query("alice", 1), response = record_response(&query);

	(void)state;
	count(query);
	now_ns += SECOND;
	count(response);
	assert_int_equal(series(0)->bytes_out, 300);
	assert_int_equal(series(0)->payload_out, 100);
	assert_int_equal(series(0)->queries, 1);
	assert_int_equal(series(0)->sessions, 1);
	assert_int_equal(domain(0)->responses[0], 1);
	assert_int_equal(domain(0)->truncated, 0);
	assert_int_equal(domain(0)->last_response_ns, START + SECOND);
	assert_int_equal(domain(0)->last_query_ns, START);
}

static void test_refusal_is_a_response_without_bytes(void **state)
{
	struct record query = record_query("alice", 1), response = record_response(&query);

	(void)state;
	for (unsigned rcode = 0; rcode < 16; rcode++) {
		response.dns_id = (uint16_t)rcode;
		response.flags = (uint8_t)(rcode | RECORD_FLAG_TC);
		count(response);
		assert_int_equal(domain(0)->responses[rcode], 1);
		assert_int_equal(domain(0)->truncated, rcode + 1);
		assert_int_equal(series(0)->bytes_out, 300);
	}
	assert_int_equal(domain(1)->responses[0], 0);
}

static void test_response_to_a_refused_question_counts_by_its_rcode_alone(void **state)
{
	struct record response = record_refused(VERDICT_QTYPE, 1);

	(void)state;
	response.kind = RECORD_RESPONSE;
	response.flags = 3;
	count(response);
	assert_int_equal(domain(0)->responses[3], 1);
	assert_int_equal(domain(0)->rejected[VERDICT_QTYPE], 0);
	response.flags = 0;
	count(response);
	assert_int_equal(domain(0)->responses[0], 1);
	assert_int_equal(series(0)->bytes_out, 0);
	assert_int_equal(domain(0)->last_response_ns, 0);
	assert_int_equal(traffic.unmatched, 0);
}

static void test_response_under_no_domain_is_not_this_tunnel_s(void **state)
{
	(void)state;
	for (unsigned verdict = VERDICT_PACKET; verdict <= VERDICT_DOMAIN; verdict++) {
		struct record response = record_refused(verdict, verdict);

		response.kind = RECORD_RESPONSE;
		count(response);
		assert_int_equal(traffic.unmatched, verdict);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(domain(i)->responses[0], 0);
	for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
		assert_int_equal(domain(2)->rejected[verdict], 0);
}

static void test_refused_query_counts_by_its_reason_alone(void **state)
{
	(void)state;
	for (unsigned verdict = 1; verdict < VERDICTS; verdict++) {
		struct record record = record_refused(verdict, verdict);
		unsigned row = verdict > VERDICT_DOMAIN ? 1 : 2;

		if (row == 1)
			record.domain = 1;
		count(record);
		count(record);
		assert_int_equal(domain(row)->rejected[verdict], 2);
		assert_int_equal(domain(0)->rejected[verdict], 0);
	}
	assert_int_equal(series(1)->queries, 0);
	assert_int_equal(series(1)->bytes_in, 0);
	assert_int_equal(series(1)->sessions, 0);
	assert_int_equal(domain(1)->last_query_ns, 0);
	assert_int_equal(domain(1)->retransmitted, 0);
}

static void test_packet_on_two_interfaces_counts_once(void **state)
{
	struct record query = record_query("alice", 1), response = record_response(&query);
	struct record refused = record_refused(VERDICT_QTYPE, 9);

	(void)state;
	for (unsigned interface = 1; interface <= 2; interface++) {
		query.interface = response.interface = refused.interface = interface;
		count(query);
		count(response);
		count(refused);
	}
	assert_int_equal(series(0)->queries, 1);
	assert_int_equal(domain(0)->responses[0], 1);
	assert_int_equal(domain(0)->rejected[VERDICT_QTYPE], 1);
	assert_int_equal(traffic.duplicates, 3);
	assert_int_equal(domain(0)->retransmitted, 0);
}

static void test_retransmitted_query_counts_as_one_and_as_such(void **state)
{
	struct record query = record_query("alice", 1);

	(void)state;
	count(query);
	query.dns_id++;
	now_ns += SECOND;
	count(query);
	assert_int_equal(series(0)->queries, 2);
	assert_int_equal(domain(0)->retransmitted, 1);
	assert_int_equal(series(0)->sessions, 1);
	assert_int_equal(domain(0)->kcp.conversations, 1);
	assert_int_equal(traffic.duplicates, 0);
}

/* As dnstt-server's log line "begin session" comes (kcp-go Listener.packetInput()) */
static void test_kcp_session_begins_as_the_server_logs_it(void **state)
{
	struct record query = record_query("alice", 0), short_packet = query;

	(void)state;
	short_packet.flags = 0;
	count(short_packet);
	assert_int_equal(domain(0)->kcp.conversations, 0); /* a poll begins none */
	count(query);
	assert_int_equal(domain(0)->kcp.conversations, 1);
	count(record_query("alice", 1));
	assert_int_equal(domain(0)->kcp.conversations, 1);
	/* Another conversation in the middle of which the server would not join */
	query = record_query("alice", 5);
	query.conv = 99;
	count(query);
	assert_int_equal(domain(0)->kcp.conversations, 1);
	/* and one from its first segment on */
	query = record_query("alice", 0);
	query.conv = 99;
	count(query);
	assert_int_equal(domain(0)->kcp.conversations, 2);
	query.content[3] = 1;
	count(query);
	assert_int_equal(domain(0)->kcp.conversations, 2);
	/* A server that has forgotten the ClientID begins anew, with any segment */
	now_ns += 300 * SECOND;
	count(record_query("alice", 77));
	assert_int_equal(domain(0)->kcp.conversations, 3);
	count(record_query("bob", 78));
	assert_int_equal(domain(0)->kcp.conversations, 4);
}

/* A query with as many segments as fit two records; the records before and behind it are counted */
static void test_segments_are_not_taken_for_messages(void **state)
{
	struct record records[30] = { 0 };
	unsigned total = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		records[total] = record_query("alice", i);
		records[total].segments = 6;
		for (unsigned j = 0; j < 6; j++) {
			struct record *more = &records[total + 1 + j / RECORD_SEGMENTS];

			more->kind = RECORD_MORE;
			more->segment[j % RECORD_SEGMENTS] = (struct segment){
				.sn = i * 6 + j, .bytes = 1, .command = RECORD_KCP_PUSH
			};
		}
		total += 3;
	}
	traffic_records(&traffic, records, total, (struct moment){ now_ns, 0 });
	assert_int_equal(series(0)->queries, 10);
	assert_int_equal(domain(0)->kcp.segments[KCP_IN], 60);
	assert_int_equal(domain(0)->kcp.goodput[KCP_IN], 60);
	assert_int_equal(traffic.ignored, 0);
	interfaces.count = 1; /* of no number: there is none of that name */
	traffic_records(&traffic, records, total, (struct moment){ now_ns, 0 });
	assert_int_equal(traffic.ignored, 10);
}

static void test_polls_and_empty_answers_are_those_without_a_packet(void **state)
{
	struct record query = record_query("alice", 1), response = record_response(&query);

	(void)state;
	count(query);
	count(response);
	assert_int_equal(domain(0)->polls, 0);
	assert_int_equal(domain(0)->empty_responses, 0);
	query.payload_bytes = response.payload_bytes = 0;
	query.flags = response.flags = 0;
	query.dns_id = response.dns_id = 9;
	count(query);
	count(response);
	assert_int_equal(domain(0)->polls, 1);
	assert_int_equal(domain(0)->empty_responses, 1);
	response.flags = 3;
	count(response);
	assert_int_equal(domain(0)->empty_responses, 1);
	assert_int_equal(histogram_count(&domain(0)->query_name), 2);
	assert_int_equal(domain(0)->query_name.bucket[3], 2); /* 100 bytes: up to 128 */
	assert_int_equal(domain(0)->query_edns.bucket[2], 2); /* 1232 */
}

static void quiet(unsigned seconds)
{
	while (seconds-- > 0) {
		now_ns += SECOND;
		traffic_records(&traffic, NULL, 0, (struct moment){ now_ns, 0 });
	}
}

static void test_query_without_an_answer_in_five_seconds_is_unanswered(void **state)
{
	struct record query = record_query("alice", 1), other = record_query("bob", 2);
	struct record response = record_response(&query);

	(void)state;
	count(query);
	count(other);
	count(response);
	quiet(5);
	assert_int_equal(series(0)->unanswered, 0); /* capture may be a second behind */
	quiet(1);
	assert_int_equal(series(0)->unanswered, 1);
	/* Late, it is answered; what was counted stays */
	response = record_response(&other);
	count(response);
	assert_int_equal(series(0)->unanswered, 1);
	assert_int_equal(domain(0)->response_delay.bucket[0], 1);
	assert_int_equal(domain(0)->response_delay.sum, 6000);
	/* A refusal is not an answer */
	query = record_query("alice", 3);
	response = record_response(&query);
	response.flags = 3;
	count(query);
	count(response);
	quiet(6);
	assert_int_equal(series(0)->unanswered, 2);
}

/* Queries of one session each, as many as are forgotten in 3 s */
static void strangers(unsigned *number)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct record query = record_query("", ++*number);

		memcpy(query.client_id, number, sizeof(*number));
		query.port = (uint16_t)(*number >> 16);
		count(query);
	}
	now_ns += SECOND / 10;
}

static void test_flood_of_strangers_does_not_hide_that_clients_get_no_answer(void **state)
{
	unsigned number = 1000;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned client = 0; client < 20; client++) {
			struct record query =
				record_query((char[]){ 'c', (char)('a' + client), '\0' }, round);

			query.domain = 1;
			count(query);
			if (round < 2)
				count(record_response(&query));
		}
		now_ns += round < 2 ? 5 * SECOND : 0;
	}
	for (unsigned tenth = 0; tenth < 60; tenth++)
		strangers(&number);
	assert_int_equal(series(1)->queries, 60);
	assert_int_equal(series(1)->unanswered, 20);
	assert_int_equal(series(0)->queries, 120000);
	/* Of the strangers, some are known to have no answer, and the rest not to be known */
	now_ns += 6 * SECOND;
	traffic_records(&traffic, NULL, 0, (struct moment){ now_ns, 0 });
	assert_int_equal(series(0)->unanswered + traffic.pending.overflow, 120000);
	assert_true(series(0)->unanswered >= PENDING_QUERIES / 2);
}

static void test_delay_is_by_the_times_of_the_packets(void **state)
{
	struct record query = record_query("alice", 1), response;

	(void)state;
	query.time_ms = 5000;
	response = record_response(&query);
	response.time_ms = 5042;
	traffic_records(&traffic, &query, 1, (struct moment){ now_ns, 5050 * MS });
	traffic_records(&traffic, &response, 1, (struct moment){ now_ns, 5050 * MS });
	assert_int_equal(domain(0)->response_delay.sum, 42);
}

/* Mean clients over any time: what alice and bob were there together */
static void test_session_seconds_are_between_queries_up_to_thirty_seconds_apart(void **state)
{
	(void)state;
	count(record_query("alice", 1));
	now_ns += 10 * SECOND;
	count(record_query("alice", 2));
	count(record_query("bob", 3));
	now_ns += 30 * SECOND;
	count(record_query("bob", 4));
	assert_int_equal(series(0)->session_us, 40000000);
	now_ns += SECOND / 2;
	count(record_query("alice", 5)); /* it was away */
	count(record_query("bob", 6));
	assert_int_equal(series(0)->session_us, 40500000);
}

static struct record under_way(const char *id, unsigned sn)
{
	struct record query = record_query(id, sn);

	query.una = 50;
	return query;
}

static void test_sessions_from_before_the_start_are_not_begun(void **state)
{
	(void)state;
	count(under_way("alice", 40));
	assert_int_equal(series(0)->sessions, 0);
	assert_int_equal(series(0)->active, 1);
	assert_int_equal(series(0)->queries, 1);
	assert_int_equal(domain(0)->kcp.conversations, 0);
	count(record_query("bob", 0));
	assert_int_equal(series(0)->sessions, 1);
	assert_int_equal(domain(0)->kcp.conversations, 1);
	now_ns += 240 * SECOND;
	count(under_way("carol", 40));
	assert_int_equal(series(0)->sessions, 1);
	/* By now the server has forgotten who was not heard of */
	now_ns += SECOND;
	count(under_way("dave", 40));
	assert_int_equal(series(0)->sessions, 2);
	assert_int_equal(domain(0)->kcp.conversations, 2);
}

/* A step of the clock makes times useless, but neither counts */
static void test_a_record_of_another_time_gives_no_sample(void **state)
{
	static const int64_t off_ms[] = { -1001, 60001, 86400000, -86400000 };

	(void)state;
	for (size_t i = 0; i < COUNT(off_ms); i++) {
		struct record query = record_query("alice", (unsigned)i);
		struct record records[2] = { record_response(&query),
					     { .kind = RECORD_MORE,
					       .segment[0] = { .command = RECORD_KCP_PUSH } } };

		records[0].segments = 1;
		records[0].time_ms = (uint32_t)(0 - off_ms[i]);
		count(query);
		traffic_records(&traffic, records, 2, (struct moment){ now_ns, 0 });
		now_ns += SECOND;
	}
	assert_int_equal(series(0)->queries, COUNT(off_ms));
	assert_int_equal(domain(0)->kcp.segments[KCP_OUT], COUNT(off_ms));
	assert_int_equal(histogram_count(&domain(0)->kcp.wait), 0);
}

static void test_only_wanted_interfaces_count(void **state)
{
	struct record record = record_query("alice", 1);

	(void)state;
	interfaces.count = 1;
	interfaces.interface[0].index = 0x10002;
	count(record);
	record.interface = 2;
	count(record);
	assert_int_equal(series(0)->queries, 0);
	assert_int_equal(traffic.ignored, 2);
	record.interface = 0x10002;
	count(record);
	assert_int_equal(series(0)->queries, 1);
	assert_int_equal(traffic.ignored, 2);
	assert_int_equal(traffic.duplicates, 0);
}

static void test_batch_counts_as_its_records_do_one_by_one(void **state)
{
	(void)state;
	for (uint32_t total = 0; total <= 40; total++) {
		struct record records[40];

		for (uint32_t i = 0; i < total; i++)
			records[i] = record_query(i % 3 ? "alice" : "bob", total * 100 + i);
		traffic_records(&traffic, records, total, (struct moment){ now_ns, 0 });
		assert_int_equal(series(0)->queries, total * (total + 1) / 2);
	}
	assert_int_equal(series(0)->sessions, 2);
	assert_int_equal(domain(0)->retransmitted, 0);
}

static void test_domains_are_kept_apart(void **state)
{
	struct record query = record_query("alice", 1), response;

	(void)state;
	query.domain = 1;
	response = record_response(&query);
	count(query);
	count(response);
	assert_int_equal(series(1)->queries, 1);
	assert_int_equal(series(1)->bytes_out, 300);
	assert_int_equal(domain(1)->responses[0], 1);
	assert_int_equal(domain(1)->kcp.conversations, 1);
	assert_int_equal(series(0)->queries, 0);
	assert_int_equal(domain(0)->responses[0], 0);
}

static void test_resolver_in_another_country_takes_the_session_along(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	struct record query = record_query("alice", 1), other;

	(void)state;
	open_traffic(country, false);
	count(query); /* GB */
	assert_string_equal(series(2)->place.country, "GB");
	assert_int_equal(series(2)->active, 1);
	other = record_query("alice", 2);
	record_from(&other, "89.160.20.112");
	count(other);
	assert_string_equal(series(3)->place.country, "SE");
	assert_int_equal(series(2)->active, 0);
	assert_int_equal(series(3)->active, 1);
	assert_int_equal(series(2)->peak, 1);
	/* It began where it began, and each query and response counts where its resolver is */
	assert_int_equal(series(2)->sessions, 1);
	assert_int_equal(series(3)->sessions, 0);
	count(record_response(&query));
	assert_int_equal(series(2)->bytes_out, 300);
	assert_int_equal(series(3)->bytes_out, 0);
	assert_int_equal(series(0)->queries, 0);
	traffic_close(&traffic);
}

static void test_response_counts_where_client_subnet_has_put_the_session(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	struct record query = record_query("alice", 1), response, stranger;

	(void)state;
	open_traffic(country, true);
	response = record_response(&query);
	record_from(&query, "89.160.20.112");
	query.flags |= RECORD_FLAG_ECS;
	count(query);
	count(response);
	assert_string_equal(series(2)->place.country, "SE");
	assert_int_equal(series(2)->queries, 1);
	assert_int_equal(series(2)->bytes_out, 300);
	/* Without a session, where its resolver is */
	stranger = record_query("bob", 3);
	count(record_response(&stranger));
	assert_string_equal(series(3)->place.country, "GB");
	assert_int_equal(series(3)->bytes_out, 300);
	traffic_close(&traffic);
}

#define WITH_TRAFFIC(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TRAFFIC(test_query_counts_its_bytes_and_its_session),
		WITH_TRAFFIC(test_response_counts_its_bytes),
		WITH_TRAFFIC(test_refusal_is_a_response_without_bytes),
		WITH_TRAFFIC(test_response_to_a_refused_question_counts_by_its_rcode_alone),
		WITH_TRAFFIC(test_response_under_no_domain_is_not_this_tunnel_s),
		WITH_TRAFFIC(test_refused_query_counts_by_its_reason_alone),
		WITH_TRAFFIC(test_packet_on_two_interfaces_counts_once),
		WITH_TRAFFIC(test_retransmitted_query_counts_as_one_and_as_such),
		WITH_TRAFFIC(test_kcp_session_begins_as_the_server_logs_it),
		WITH_TRAFFIC(test_segments_are_not_taken_for_messages),
		WITH_TRAFFIC(test_polls_and_empty_answers_are_those_without_a_packet),
		WITH_TRAFFIC(test_query_without_an_answer_in_five_seconds_is_unanswered),
		WITH_TRAFFIC(test_flood_of_strangers_does_not_hide_that_clients_get_no_answer),
		WITH_TRAFFIC(test_delay_is_by_the_times_of_the_packets),
		WITH_TRAFFIC(test_session_seconds_are_between_queries_up_to_thirty_seconds_apart),
		WITH_TRAFFIC(test_sessions_from_before_the_start_are_not_begun),
		WITH_TRAFFIC(test_a_record_of_another_time_gives_no_sample),
		WITH_TRAFFIC(test_only_wanted_interfaces_count),
		WITH_TRAFFIC(test_batch_counts_as_its_records_do_one_by_one),
		WITH_TRAFFIC(test_domains_are_kept_apart),
		cmocka_unit_test(test_resolver_in_another_country_takes_the_session_along),
		cmocka_unit_test(test_response_counts_where_client_subnet_has_put_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
