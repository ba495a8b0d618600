/* SPDX-License-Identifier: MIT */
/* What the segments of a session tell, and what nobody can make them tell */
#include "traffic/kcp.h"

#include "record_craft.h"

#define NOW 1000000

static struct kcp kcp;
static struct kcp_domain domain;
static uint64_t now_ms;

static int set_up(void **state)
{
	(void)state;
	kcp = (struct kcp){ .has_conv = false };
	kcp_open(&domain);
	now_ms = NOW;
	return 0;
}

static struct record *message(struct record first, uint32_t una, const struct segment *segments,
			      unsigned count)
{
	static struct record records[RECORD_MESSAGE_MAX];

	memset(records, 0, sizeof(records));
	records[0] = first;
	records[0].una = una;
	records[0].segments = (uint8_t)count;
	if (count > 0 && segments[0].sn == 0)
		records[0].flags |= RECORD_FLAG_SN_0;
	for (unsigned i = 0; i < count; i++) {
		records[1 + i / RECORD_SEGMENTS].kind = RECORD_MORE;
		records[1 + i / RECORD_SEGMENTS].segment[i % RECORD_SEGMENTS] = segments[i];
	}
	return records;
}

#define PUSH(number, clock)                                                            \
	(struct segment)                                                               \
	{                                                                              \
		.sn = (number), .ts = (clock), .bytes = 10, .command = RECORD_KCP_PUSH \
	}
#define ACK(number, clock)                                               \
	(struct segment)                                                 \
	{                                                                \
		.sn = (number), .ts = (clock), .command = RECORD_KCP_ACK \
	}

static struct kcp_news query_of(uint32_t una, struct segment segment, bool is_copy)
{
	const struct kcp_time at = { now_ms, true };

	return kcp_query(&kcp, &domain, message(record_query("alice", 1), una, &segment, 1), at,
			 is_copy);
}

static struct kcp_news query(uint32_t una, struct segment segment)
{
	return query_of(una, segment, false);
}

static void response(uint32_t una, struct segment segment)
{
	const struct record asked = record_query("alice", 1);

	kcp_response(&kcp, &domain, message(record_response(&asked), una, &segment, 1),
		     (struct kcp_time){ now_ms, true });
}

/* As Noise NK does it: two segments each way */
static void shake_hands(void)
{
	query(0, PUSH(0, 10));
	query(0, PUSH(1, 10));
	response(2, PUSH(0, 5000));
	response(2, PUSH(1, 5000));
}

static void test_handshake_is_complete_with_the_clients_acknowledgement(void **state)
{
	struct kcp_news news;

	(void)state;
	shake_hands();
	assert_int_equal(domain.conversations, 1);
	news = query(1, PUSH(2, 20));
	assert_true(news.took_data);
	assert_false(news.is_established);
	news = query(2, PUSH(3, 20));
	assert_true(news.took_data);
	assert_true(news.is_established);
	/* Once */
	response(4, PUSH(2, 5100));
	news = query(3, PUSH(4, 30));
	assert_true(news.took_data);
	assert_false(news.is_established);
	/* What it has had already is not new */
	news = query(3, PUSH(5, 40));
	assert_false(news.took_data);
	news = query(2, PUSH(6, 40));
	assert_false(news.took_data);
	assert_int_equal(domain.implausible, 0);
}

/* Anybody can send a query */
static void test_what_the_server_never_sent_cannot_be_acknowledged(void **state)
{
	struct kcp_news news;

	(void)state;
	news = query(50, PUSH(0, 10));
	assert_false(news.took_data);
	assert_false(news.is_established);
	assert_int_equal(domain.implausible, 1);
	news = query(0, ACK(0, 10));
	assert_int_equal(news.rtt_count, 0);
	assert_int_equal(domain.implausible, 2);
	shake_hands();
	news = query(3, PUSH(2, 20));
	assert_false(news.took_data);
	assert_false(query(0x80000001, PUSH(3, 20)).took_data);
	assert_false(query(UINT32_MAX, PUSH(3, 20)).took_data);
	assert_true(query(2, PUSH(3, 20)).is_established);
	assert_int_equal(query(2, ACK(2, 5000)).rtt_count, 0);
	assert_int_equal(query(2, ACK(1, 5000)).rtt_count, 1);
}

static void test_a_server_that_forgot_begins_again(void **state)
{
	(void)state;
	shake_hands();
	assert_int_equal(domain.conversations, 1);
	response(40, PUSH(2, 6000));
	response(40, PUSH(3, 6000));
	assert_int_equal(domain.conversations, 1);
	response(0, PUSH(0, 7));
	assert_int_equal(domain.conversations, 2);
	response(0, PUSH(1, 7));
	assert_int_equal(domain.conversations, 2);
}

static void test_a_client_begins_another_conversation_with_its_first_segment(void **state)
{
	struct record *other;

	(void)state;
	shake_hands();
	other = message(record_query("alice", 1), 0, &PUSH(5, 1), 1);
	other->conv = 99;
	kcp_query(&kcp, &domain, other, (struct kcp_time){ now_ms, true }, false);
	assert_int_equal(domain.conversations, 1);
	assert_int_equal(kcp.in.next, 2); /* its numbers are another's */
	other = message(record_query("alice", 1), 0, &PUSH(0, 1), 1);
	other->conv = 99;
	kcp_query(&kcp, &domain, other, (struct kcp_time){ now_ms, true }, false);
	assert_int_equal(domain.conversations, 2);
	assert_int_equal(kcp.in.next, 1);
	assert_int_equal(domain.segments[KCP_IN], 4);
}

static void test_segments_are_new_repeated_or_fill_a_gap(void **state)
{
	(void)state;
	query(0, PUSH(0, 10));
	query(0, PUSH(1, 10));
	query(0, PUSH(3, 20)); /* 2 is on its way, or lost */
	assert_int_equal(domain.goodput[KCP_IN], 30);
	query(0, PUSH(2, 20)); /* reordered */
	assert_int_equal(domain.refilled, 0);
	query(0, PUSH(5, 30));
	query(0, PUSH(4, 200)); /* sent again */
	assert_int_equal(domain.refilled, 1);
	assert_int_equal(domain.goodput[KCP_IN], 60);
	assert_int_equal(domain.retransmitted[KCP_IN], 0);
	query(0, PUSH(4, 300));
	query_of(0, PUSH(4, 300), true); /* by a resolver */
	assert_int_equal(domain.retransmitted[KCP_IN], 1);
	assert_int_equal(domain.goodput[KCP_IN], 60);
	/* Far ahead, and so far behind that nobody can tell */
	query(0, PUSH(1000, 400));
	query(0, PUSH(1000 - 64, 400));
	query(0, PUSH(1000 - 63, 400));
	assert_int_equal(domain.retransmitted[KCP_IN], 2);
	assert_int_equal(domain.segments[KCP_IN], 11);
}

static void test_numbers_go_round(void **state)
{
	(void)state;
	kcp.has_conv = true;
	kcp.conv = record_query("alice", 1).conv;
	kcp.out.next = kcp.una_in = UINT32_MAX;
	kcp.in.next = UINT32_MAX;
	kcp.is_established = true;
	query(UINT32_MAX, PUSH(UINT32_MAX, 10));
	query(UINT32_MAX, PUSH(0, 10));
	query(UINT32_MAX, PUSH(1, 10));
	assert_int_equal(domain.goodput[KCP_IN], 30);
	assert_int_equal(domain.retransmitted[KCP_IN], 0);
	response(2, PUSH(UINT32_MAX, 1));
	response(2, PUSH(0, 1));
	assert_true(query(1, PUSH(2, 11)).took_data);
	assert_int_equal(domain.implausible, 0);
}

static void test_round_trip_is_from_a_segment_to_its_acknowledgement(void **state)
{
	struct kcp_news news;

	(void)state;
	shake_hands();
	now_ms += 80;
	news = query(2, ACK(1, 5000));
	assert_int_equal(news.rtt_count, 1);
	assert_int_equal(news.rtt_sum_ms, 80);
	assert_int_equal(histogram_count(&domain.rtt), 1);
	assert_int_equal(domain.rtt.sum, 80);
	/* One that waited for a query */
	now_ms += 20;
	response(3, PUSH(2, 5060));
	assert_int_equal(domain.wait.sum, 40);
	/* The clock is learnt from the segment that waited least */
	now_ms += 100;
	response(3, PUSH(3, 5250));
	assert_int_equal(histogram_count(&domain.wait), 4);
	assert_int_equal(domain.wait.sum, 40);
	now_ms += 10;
	assert_int_equal(query(4, ACK(3, 5250)).rtt_sum_ms, 10);
}

static void test_stamps_that_cannot_be_true_are_counted_and_left_out(void **state)
{
	static const uint32_t stamps[] = { 5000 + 200, (uint32_t)(5000 - KCP_PLAUSIBLE_MS - 81),
					   0x80000000, 7 };
	struct kcp_news news;

	(void)state;
	shake_hands();
	now_ms += 80;
	for (size_t i = 0; i < COUNT(stamps); i++) {
		news = query(2, ACK(1, stamps[i]));
		if (stamps[i] == 7) /* a second after the server began: five seconds ago */
			assert_int_equal(news.rtt_sum_ms, 5073);
		else
			assert_int_equal(news.rtt_count, 0);
	}
	assert_int_equal(domain.implausible, 3);
	/* A little early it may be: the offset is the least that was seen */
	assert_int_equal(query(2, ACK(1, 5080 + KCP_EARLY_MS)).rtt_count, 1);
	/* Without a time there is no sample, and nothing is wrong */
	news = kcp_query(&kcp, &domain, message(record_query("alice", 1), 2, &ACK(1, 5000), 1),
			 (struct kcp_time){ now_ms, false }, false);
	assert_int_equal(news.rtt_count, 0);
	assert_int_equal(domain.implausible, 3);
}

/* A client can repeat itself without end */
static void test_round_trips_are_as_many_as_the_server_gave_occasion_for(void **state)
{
	(void)state;
	shake_hands();
	for (unsigned i = 0; i < 1000; i++)
		query(2, ACK(1, 5000));
	assert_int_equal(histogram_count(&domain.rtt), 2 * KCP_SAMPLES);
	assert_int_equal(domain.implausible, 1000 - 2 * KCP_SAMPLES);
}

static void test_a_restarted_server_has_another_clock(void **state)
{
	(void)state;
	shake_hands();
	now_ms += 60000;
	/* Told by una, for a session that it has forgotten */
	response(40, PUSH(2, 65000));
	response(0, PUSH(0, 100));
	assert_int_equal(domain.wait.sum, 0);
	/* and by its half of a handshake, for a new one */
	now_ms += 60000;
	kcp = (struct kcp){ .has_conv = false };
	query(0, PUSH(0, 10));
	response(1, PUSH(0, 50));
	assert_int_equal(domain.wait.sum, 0);
	assert_int_equal(domain.implausible, 0);
}

/* Two clocks drift apart: what was least an hour ago is not for ever */
static void test_offset_follows_clocks_that_drift(void **state)
{
	uint32_t clock = 5000;

	(void)state;
	shake_hands();
	for (unsigned minute = 0; minute < 60; minute++) {
		now_ms += 60000;
		clock += 60000 - 6; /* 100 ppm slow */
		response(40, PUSH(2 + minute, clock));
	}
	/* 6 ms each minute, over 20 minutes at most */
	now_ms += 10;
	clock += 10;
	assert_in_range(query(2, ACK(61, clock)).rtt_sum_ms, 0, 20 * 6);
	assert_int_equal(domain.implausible, 0);
}

/* A night without clients: the first segment of the morning has not waited since then */
static void test_offset_is_learnt_again_after_a_long_silence(void **state)
{
	(void)state;
	shake_hands();
	now_ms += 10 * 3600000;
	response(3, PUSH(2, 5000 + 10 * 3600000 - 3600)); /* 100 ppm slow */
	assert_int_equal(domain.wait.sum, 0);
	assert_int_equal(histogram_count(&domain.wait), 3);
	/* Records need not be in the order of time to the millisecond */
	now_ms -= 2;
	response(3, PUSH(3, 5000 + 10 * 3600000 - 3600 - 2));
	now_ms += 50;
	assert_int_equal(query(4, ACK(3, 5000 + 10 * 3600000 - 3600 - 2)).rtt_sum_ms, 50);
}

static void test_joined_conversation_is_not_begun(void **state)
{
	struct record *first = message(record_query("alice", 1), 30, &PUSH(40, 10), 1);

	(void)state;
	assert_true(kcp_is_under_way(first));
	kcp_join(&kcp, first);
	assert_false(query(30, PUSH(40, 10)).took_data);
	assert_int_equal(domain.conversations, 0);
	assert_int_equal(query(30, ACK(31, 8000)).rtt_count, 0);
	response(41, PUSH(30, 9000));
	assert_true(query(31, PUSH(41, 20)).took_data);
	assert_false(query(31, PUSH(42, 20)).is_established);
	assert_int_equal(domain.implausible, 0);
	/* The first segments of a client leave together, and may be reordered */
	assert_false(kcp_is_under_way(message(record_query("alice", 1), 0, &PUSH(2, 1), 1)));
	assert_false(kcp_is_under_way(message(record_query("alice", 1), 1, &PUSH(2, 1), 1)));
}

static void test_response_of_an_unknown_session_is_seen_all_the_same(void **state)
{
	const struct record asked = record_query("alice", 1);

	(void)state;
	kcp_response(NULL, &domain, message(record_response(&asked), 5, &PUSH(9, 1), 1),
		     (struct kcp_time){ now_ms, true });
	assert_int_equal(domain.segments[KCP_OUT], 1);
	assert_int_equal(domain.goodput[KCP_OUT], 0);
	assert_int_equal(histogram_count(&domain.wait), 1);
}

#define FROM_NOTHING(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FROM_NOTHING(test_handshake_is_complete_with_the_clients_acknowledgement),
		FROM_NOTHING(test_what_the_server_never_sent_cannot_be_acknowledged),
		FROM_NOTHING(test_a_server_that_forgot_begins_again),
		FROM_NOTHING(test_a_client_begins_another_conversation_with_its_first_segment),
		FROM_NOTHING(test_segments_are_new_repeated_or_fill_a_gap),
		FROM_NOTHING(test_numbers_go_round),
		FROM_NOTHING(test_round_trip_is_from_a_segment_to_its_acknowledgement),
		FROM_NOTHING(test_stamps_that_cannot_be_true_are_counted_and_left_out),
		FROM_NOTHING(test_round_trips_are_as_many_as_the_server_gave_occasion_for),
		FROM_NOTHING(test_a_restarted_server_has_another_clock),
		FROM_NOTHING(test_offset_follows_clocks_that_drift),
		FROM_NOTHING(test_offset_is_learnt_again_after_a_long_silence),
		FROM_NOTHING(test_joined_conversation_is_not_begun),
		FROM_NOTHING(test_response_of_an_unknown_session_is_seen_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
