/* SPDX-License-Identifier: MIT */
/* First fragments, which stand for a whole message, and later ones, which do not */
#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"
#include "packet_craft.h"
#include "unit.h"

static struct record judge(const struct craft *packet)
{
	return craft_decode(packet, false, craft_dnstt());
}

/* Bits of the fragment field of IPv4, or an IPv6 fragment header, and the header in front of it */
static void in_ipv4(struct craft *craft, unsigned offset, unsigned more)
{
	craft_ipv4(craft, 1, 2);
	craft->at[6] = (uint8_t)(more << 5 | offset >> 8);
	craft->at[7] = (uint8_t)offset;
}

static void in_ipv6(struct craft *craft, unsigned offset, unsigned more)
{
	craft_extension(craft, 17, 0, offset >> 5, (offset << 3 & 0xf8) | more, 0);
	craft_ipv6(craft, 1, 2);
	craft->at[6] = 44;
}

static void test_query_in_one_fragment_is_a_query(void **state)
{
	struct craft four = craft_datagram(), six = craft_datagram();

	(void)state;
	in_ipv4(&four, 0, 1);
	in_ipv6(&six, 0, 1);
	assert_int_equal(judge(&four).verdict, VERDICT_ACCEPTED);
	assert_int_equal(judge(&six).verdict, VERDICT_ACCEPTED);
}

static void test_first_fragment_of_a_query_is_counted_as_one(void **state)
{
	(void)state;
	for (unsigned cut = 1; cut < 32; cut++) {
		struct craft four = craft_datagram(), six = craft_datagram();
		uint16_t whole = (uint16_t)(four.size - 8);
		struct record record;

		four.size = six.size -= cut;
		in_ipv4(&four, 0, 1);
		in_ipv6(&six, 0, 1);
		craft_bytes(&four, "link padding is none of it, whatever", 36);
		record = judge(&four);
		assert_int_equal(record.verdict, VERDICT_FRAGMENT);
		assert_int_equal(record.message_bytes, whole);
		assert_int_equal(record.dns_id, 0);
		assert_int_equal(record.domain, RECORD_NO_DOMAIN);
		assert_int_equal(record.resolver[12], 1);
		assert_int_equal(record.port, 4000);
		assert_int_equal(judge(&six).verdict, VERDICT_FRAGMENT);
	}
}

static void test_query_that_is_shorter_than_it_says_is_a_fragment(void **state)
{
	struct craft four = craft_datagram(), six = craft_datagram();

	(void)state;
	four.size = six.size -= 1;
	craft_ipv4(&four, 1, 2);
	craft_ipv6(&six, 1, 2);
	assert_int_equal(judge(&four).verdict, VERDICT_FRAGMENT);
	assert_int_equal(judge(&six).verdict, VERDICT_FRAGMENT);
}

static void test_later_fragment_is_a_packet_fault(void **state)
{
	(void)state;
	for (unsigned offset = 1; offset < 0x2000; offset++) {
		struct craft four = craft_datagram(), six = craft_datagram();

		in_ipv4(&four, offset, offset % 2);
		in_ipv6(&six, offset, offset % 2);
		assert_int_equal(judge(&four).verdict, VERDICT_PACKET);
		assert_int_equal(judge(&six).verdict, VERDICT_PACKET);
	}
}

static void test_first_fragment_that_holds_all_the_server_reads_is_a_query(void **state)
{
	static const uint8_t filler[4096];

	(void)state;
	for (size_t missing = 0; missing <= 8; missing += 8) {
		struct craft craft = { .size = 0 };

		craft_poll(&craft);
		craft.at[11] = 2;
		craft_rr(&craft, 250, 255, 0, filler, 4096 - craft.size - 11);
		craft_bytes(&craft, "never seen", 10);
		craft_udp(&craft, 4000, 53);
		craft.size -= 10 + missing;
		in_ipv4(&craft, 0, 1);
		assert_int_equal(judge(&craft).verdict,
				 missing ? VERDICT_FRAGMENT : VERDICT_ACCEPTED);
		assert_int_equal(judge(&craft).message_bytes, 4106);
	}
}

static void test_first_fragment_of_a_response_counts_for_the_whole(void **state)
{
	static uint8_t text[1200] = { 0, 50, [52] = 4 };
	struct craft craft = { .size = 0 };
	char name[CRAFT_NAME];
	struct record record;
	size_t whole;

	(void)state;
	craft_response(&craft,
		       craft_client_name(name, CRAFT_ID, 8, CRAFT_POLL, CRAFT_POLL_BYTES,
					 CRAFT_DOMAIN, false),
		       text, sizeof(text));
	whole = craft.size;
	craft_udp(&craft, 53, 4000);
	craft.size = 488;
	in_ipv4(&craft, 0, 1);
	record = craft_decode(&craft, true, craft_dnstt());
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.message_bytes, whole);
	assert_int_equal(record.payload_bytes, 50); /* the second packet is not all there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_in_one_fragment_is_a_query),
		cmocka_unit_test(test_first_fragment_of_a_query_is_counted_as_one),
		cmocka_unit_test(test_query_that_is_shorter_than_it_says_is_a_fragment),
		cmocka_unit_test(test_later_fragment_is_a_packet_fault),
		cmocka_unit_test(test_first_fragment_that_holds_all_the_server_reads_is_a_query),
		cmocka_unit_test(test_first_fragment_of_a_response_counts_for_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
