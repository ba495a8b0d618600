/* SPDX-License-Identifier: MIT */
/* Super-packets: datagrams that UDP offload has joined, each of which is a message of its own */
#include <stdlib.h>

#include "capture/decode.h"
#include "common/config.h"
#include "packet_craft.h"
#include "unit.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define MOST	    65536 /* datagrams: of one byte each */

static struct record seen[MOST];

/* A record for each datagram of a packet that lies in memory of exactly its size
 * @missing: bytes of its end that were not captured
 */
static unsigned cut(const struct craft *packet, bool outgoing, unsigned segment, size_t missing)
{
	const size_t captured = packet->size - missing;
	uint8_t *bytes = malloc(captured + 1);
	struct sight sight = { .bytes = bytes + 1,
			       .captured = (uint32_t)captured,
			       .length = (uint32_t)packet->size,
			       .segment = (uint16_t)segment,
			       .outgoing = outgoing };
	struct record records[RECORD_MESSAGE_MAX];
	struct domains domains;
	unsigned count = 0, filled;

	assert_non_null(bytes);
	memcpy(bytes + 1, packet->at, captured);
	domains_index(craft_dnstt(), &domains);
	do {
		memset(records, 0xa5, sizeof(records));
		filled = decode(&sight, &domains, records);
		if (filled == 0)
			break;
		assert_int_equal(filled, record_of_message(&records[0]));
		assert_in_range(count, 0, MOST - 1);
		seen[count++] = records[0];
		sight.start += sight.segment;
	} while (sight.segment > 0);
	free(bytes);
	return count;
}

/* A UDP payload of @count polls, each with its place as ID, and the start of another of @more bytes */
static struct craft polls(unsigned count, size_t more, size_t *ret_segment)
{
	struct craft poll = { .size = 0 }, all = { .size = 0 };

	craft_poll(&poll);
	for (unsigned i = 0; i < count; i++) {
		poll.at[1] = (uint8_t)i;
		craft_bytes(&all, poll.at, poll.size);
	}
	craft_bytes(&all, poll.at, more);
	*ret_segment = poll.size;
	return all;
}

static void in_packet(struct craft *craft, bool is_v4)
{
	craft_udp(craft, 4000, 53);
	if (is_v4)
		craft_ipv4(craft, 1, 2);
	else
		craft_ipv6(craft, 1, 2);
}

static void assert_polls(unsigned count, size_t bytes)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(seen[i].verdict, VERDICT_ACCEPTED);
		assert_int_equal(seen[i].message_bytes, bytes);
		assert_int_equal(seen[i].dns_id & 0xff, i);
		assert_int_equal(seen[i].port, 4000);
		assert_int_equal(seen[i].resolver[15], 1);
	}
}

static void test_each_datagram_is_a_message(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= 64; count++) {
		for (unsigned is_v4 = 0; is_v4 < 2; is_v4++) {
			size_t bytes;
			struct craft all = polls(count, 0, &bytes);

			in_packet(&all, is_v4);
			assert_int_equal(cut(&all, false, (unsigned)bytes, 0), count);
			assert_polls(count, bytes);
		}
	}
}

static void test_last_datagram_may_be_shorter(void **state)
{
	size_t bytes = 2;

	(void)state;
	for (size_t last = 1; last < bytes; last++) {
		struct craft all = polls(3, last, &bytes);

		in_packet(&all, last % 2);
		assert_int_equal(cut(&all, false, (unsigned)bytes, 0), 4);
		assert_polls(3, bytes);
		assert_int_equal(seen[3].verdict, VERDICT_MALFORMED);
		assert_int_equal(seen[3].message_bytes, last);
	}
}

static void test_responses_are_cut_too(void **state)
{
	struct craft one = { .size = 0 }, all = { .size = 0 };
	char name[CRAFT_NAME];

	(void)state;
	craft_response(&one,
		       craft_client_name(name, CRAFT_ID, 8, CRAFT_POLL, CRAFT_POLL_BYTES,
					 CRAFT_DOMAIN, false),
		       "\0\5hello", 7);
	for (unsigned i = 0; i < 5; i++)
		craft_bytes(&all, one.at, one.size);
	craft_udp(&all, 53, 4000);
	craft_ipv6(&all, 2, 1);
	assert_int_equal(cut(&all, true, (unsigned)one.size, 0), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(seen[i].verdict, VERDICT_ACCEPTED);
		assert_int_equal(seen[i].kind, RECORD_RESPONSE);
		assert_int_equal(seen[i].message_bytes, one.size);
		assert_int_equal(seen[i].payload_bytes, 5);
	}
}

/* What one datagram holds is one message, as it is for the server */
static void test_messages_that_a_sender_glued_are_one_that_is_malformed(void **state)
{
	size_t bytes;
	struct craft all = polls(6, 0, &bytes), glued;

	(void)state;
	in_packet(&all, true);
	assert_int_equal(cut(&all, false, (unsigned)bytes * 2, 0), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(seen[i].verdict, VERDICT_MALFORMED);
	glued = polls(2, 0, &bytes);
	in_packet(&glued, true);
	assert_int_equal(cut(&glued, false, 0, 0), 1);
	assert_int_equal(seen[0].verdict, VERDICT_MALFORMED);
	assert_int_equal(seen[0].message_bytes, 2 * bytes);
}

static void test_any_size_cuts_all_that_is_there_into_pieces(void **state)
{
	size_t bytes;
	struct craft all = polls(3, 7, &bytes);
	const size_t whole = all.size;

	(void)state;
	in_packet(&all, true);
	for (unsigned segment = 1; segment < 65536; segment += segment < 600 ? 1 : 1237) {
		const unsigned count = cut(&all, false, segment, 0);
		size_t total = 0;

		assert_int_equal(count, (whole + segment - 1) / segment);
		for (unsigned i = 0; i < count; i++) {
			total += seen[i].message_bytes;
			if (i + 1 < count)
				assert_int_equal(seen[i].message_bytes, segment);
		}
		assert_int_equal(total, whole);
	}
}

static void test_a_datagram_of_nothing_is_one(void **state)
{
	struct craft craft = { .size = 0 };

	(void)state;
	in_packet(&craft, true);
	assert_int_equal(cut(&craft, false, 100, 0), 1);
	assert_int_equal(seen[0].verdict, VERDICT_MALFORMED);
	assert_int_equal(seen[0].message_bytes, 0);
}

static void test_what_was_not_captured_is_a_part(void **state)
{
	size_t bytes;
	struct craft all = polls(4, 0, &bytes);

	(void)state;
	in_packet(&all, false);
	for (size_t missing = 1; missing < 3 * bytes; missing++) {
		const unsigned whole = (unsigned)((4 * bytes - missing) / bytes);

		assert_int_equal(cut(&all, false, (unsigned)bytes, missing), 4);
		assert_polls(whole, bytes);
		for (unsigned i = whole; i < 4; i++) {
			assert_int_equal(seen[i].verdict, VERDICT_FRAGMENT);
			assert_int_equal(seen[i].message_bytes, bytes);
		}
	}
}

/* Linux would throw it away: its UDP length exceeds the IP packet. One packet, not thousands */
static void test_lengths_that_lie_are_one_fault(void **state)
{
	size_t bytes;
	struct craft all = polls(4, 0, &bytes), broken;

	(void)state;
	in_packet(&all, true);
	broken = all;
	broken.at[IPV4_HEADER + 4] = broken.at[IPV4_HEADER + 5] = 0xff;
	assert_int_equal(cut(&broken, false, 1, 0), 1);
	assert_int_equal(seen[0].verdict, VERDICT_PACKET);
	broken = all;
	broken.at[IPV4_HEADER + 4] = broken.at[IPV4_HEADER + 5] = 0;
	assert_int_equal(cut(&broken, false, (unsigned)bytes, 0), 1);
	assert_int_equal(seen[0].verdict, VERDICT_PACKET);
	broken.at[0] = 0x30;
	assert_int_equal(cut(&broken, false, (unsigned)bytes, 0), 1);
	assert_int_equal(seen[0].verdict, VERDICT_PACKET);
}

static void test_zero_of_ipv6_stands_for_all_there_is(void **state)
{
	size_t bytes;
	struct craft all = polls(4, 0, &bytes), one = polls(1, 0, &bytes);

	(void)state;
	in_packet(&all, false);
	in_packet(&one, false);
	all.at[IPV6_HEADER + 4] = all.at[IPV6_HEADER + 5] = 0;
	one.at[IPV6_HEADER + 4] = one.at[IPV6_HEADER + 5] = 0;
	assert_int_equal(cut(&all, false, (unsigned)bytes, 0), 4);
	assert_polls(4, bytes);
	assert_int_equal(cut(&one, false, 0, 0), 1);
	assert_polls(1, bytes);
}

static void test_tags_and_extension_headers_are_in_front_of_all(void **state)
{
	size_t bytes;
	struct craft all = polls(4, 0, &bytes);

	(void)state;
	craft_udp(&all, 4000, 53);
	craft_extension(&all, 17, 0, 0, 0, 0);
	craft_ipv6(&all, 1, 2);
	all.at[6] = 60;
	craft_tag(&all, 0x86dd);
	assert_int_equal(cut(&all, false, (unsigned)bytes, 0), 4);
	assert_polls(4, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_datagram_is_a_message),
		cmocka_unit_test(test_last_datagram_may_be_shorter),
		cmocka_unit_test(test_responses_are_cut_too),
		cmocka_unit_test(test_messages_that_a_sender_glued_are_one_that_is_malformed),
		cmocka_unit_test(test_any_size_cuts_all_that_is_there_into_pieces),
		cmocka_unit_test(test_a_datagram_of_nothing_is_one),
		cmocka_unit_test(test_what_was_not_captured_is_a_part),
		cmocka_unit_test(test_lengths_that_lie_are_one_fault),
		cmocka_unit_test(test_zero_of_ipv6_stands_for_all_there_is),
		cmocka_unit_test(test_tags_and_extension_headers_are_in_front_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
