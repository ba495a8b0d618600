/* SPDX-License-Identifier: MIT */
/* The way from a packet to its message: VLAN tags, IPv4, IPv6, UDP */
#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"
#include "packet_craft.h"
#include "unit.h"

#define IPV4 0x0800
#define IPV6 0x86dd

static struct record judge(const struct craft *packet)
{
	return craft_decode(packet, false, craft_dnstt());
}

/* A packet that nobody counts tells nothing of itself */
static void assert_packet_fault(const struct craft *packet)
{
	const struct record wanted = { .interface = 7,
				       .domain = RECORD_NO_DOMAIN,
				       .kind = RECORD_QUERY,
				       .verdict = VERDICT_PACKET };
	struct record record = judge(packet);

	assert_memory_equal(&record, &wanted, sizeof(record));
}

static void test_resolver_is_where_a_query_comes_from(void **state)
{
	static const uint8_t v4[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 1, 1, 1 };
	static const uint8_t v6[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6();
	struct record record = judge(&four);

	(void)state;
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_memory_equal(record.resolver, v4, 16);
	assert_int_equal(record.port, 4000);
	record = judge(&six);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_memory_equal(record.resolver, v6, 16);
	assert_int_equal(record.port, 4000);
}

static void test_resolver_is_where_a_response_goes_to(void **state)
{
	(void)state;
	for (unsigned protocol = IPV4; protocol <= IPV6; protocol += IPV6 - IPV4) {
		struct craft craft = { .size = 0 };
		struct record record;

		craft_response(&craft, "a.t.example.com", "", 0);
		craft_udp(&craft, 53, 4000);
		if (protocol == IPV4)
			craft_ipv4(&craft, 1, 2);
		else
			craft_ipv6(&craft, 1, 2);
		record = craft_decode(&craft, true, craft_dnstt());
		assert_int_equal(record.verdict, VERDICT_SHORT);
		assert_int_equal(record.port, 4000);
		assert_int_equal(record.resolver[12], 2);
		assert_int_equal(record.resolver[0], protocol == IPV4 ? 0 : 2);
		/* The other way round it has nothing to do with the server */
		record = craft_decode(&craft, false, craft_dnstt());
		assert_int_equal(record.verdict, VERDICT_PACKET);
	}
}

static void test_interface_is_shown_in_full(void **state)
{
	struct craft craft = craft_poll_ipv4();
	struct sight sight = { .bytes = craft.at,
			       .captured = (uint32_t)craft.size,
			       .length = (uint32_t)craft.size,
			       .interface = 0x12345678 };
	struct record record;

	(void)state;
	record = craft_see(&sight, craft_dnstt());
	assert_int_equal(record.interface, 0x12345678);
}

static void test_port_is_the_servers(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 8; byte++) {
		struct craft craft = craft_poll_ipv4();

		craft.at[20 + byte] ^= 1;
		if (byte == 2 || byte == 3)
			assert_packet_fault(&craft);
		else if (byte < 4 || byte > 5)
			assert_int_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
	}
}

static void test_ipv4_header_has_options(void **state)
{
	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		struct craft craft = craft_datagram();

		if (words > 5)
			craft_front(&craft, (const uint8_t[40]){ 0 }, (words - 5) * 4u);
		craft_ipv4(&craft, 1, 2);
		craft.at[0] = (uint8_t)(0x40 | words);
		if (words < 5)
			assert_packet_fault(&craft);
		else
			assert_int_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
	}
}

static void test_link_padding_is_no_part_of_a_message(void **state)
{
	struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6(), inside = craft_datagram();

	(void)state;
	craft_bytes(&four, "padding", 7);
	assert_int_equal(judge(&four).verdict, VERDICT_ACCEPTED);
	craft_bytes(&six, "padding", 7);
	assert_int_equal(judge(&six).verdict, VERDICT_ACCEPTED);
	/* In the IP packet behind the datagram: RFC 768 has a length of its own */
	craft_bytes(&inside, "padding", 7);
	craft_ipv4(&inside, 1, 2);
	assert_int_equal(judge(&inside).verdict, VERDICT_ACCEPTED);
}

static void test_inconsistent_headers_are_a_packet_fault(void **state)
{
	static const struct {
		unsigned at, value;
	} four[] = {
		{ 0, 0x55 }, { 0, 0x65 }, { 2, 0xff }, { 3, 19 }, { 6, 0x01 }, { 7, 0x01 }, { 6, 0x21 },
		{ 7, 0xff }, { 9, 6 },	  { 9, 0 },    { 25, 7 },
	}, six[] = {
		{ 0, 0x40 }, { 0, 0x70 }, { 4, 1 },   { 5, 7 },
		{ 6, 6 },    { 6, 59 },	  { 45, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(four); i++) {
		struct craft craft = craft_poll_ipv4();

		craft.at[four[i].at] = (uint8_t)four[i].value;
		if (four[i].at == 3)
			craft.at[2] = 0;
		if (four[i].at == 25)
			craft.at[24] = 0;
		assert_packet_fault(&craft);
	}
	for (size_t i = 0; i < COUNT(six); i++) {
		struct craft craft = craft_poll_ipv6();

		craft.at[six[i].at] = (uint8_t)six[i].value;
		if (six[i].at == 45)
			craft.at[44] = 0;
		assert_packet_fault(&craft);
	}
}

static void test_dont_fragment_and_reserved_bits_do_not_matter(void **state)
{
	struct craft craft = craft_poll_ipv4();

	(void)state;
	craft.at[6] = 0xc0;
	assert_int_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
}

static void test_packet_that_ends_in_a_header_is_a_packet_fault(void **state)
{
	struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6();

	(void)state;
	/* On the wire it was whole: what is missing was not captured */
	for (unsigned version = 0; version < 2; version++) {
		struct craft *craft = version ? &six : &four;
		size_t headers = version ? 48 : 28, whole = craft->size;
		struct sight sight = { .bytes = craft->at, .length = (uint32_t)whole };
		struct record record;

		for (size_t captured = 0; captured < whole; captured++) {
			sight.captured = (uint32_t)captured;
			record = craft_see(&sight, craft_dnstt());
			assert_int_equal(record.verdict,
					 captured < headers ? VERDICT_PACKET : VERDICT_FRAGMENT);
			/* and here it ended on its way */
			craft->size = captured;
			assert_packet_fault(craft);
		}
	}
}

/* Behind a tag the ethertype is there to be read, and has to be that of what follows */
static void test_ethertype_behind_a_tag_says_what_the_packet_is(void **state)
{
	struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6();

	(void)state;
	craft_tag(&four, IPV6);
	craft_tag(&six, IPV4);
	assert_packet_fault(&four);
	assert_packet_fault(&six);
}

static void test_up_to_two_vlan_tags_are_seen_through(void **state)
{
	static const unsigned tags[] = { 0x8100, 0x88a8 };

	(void)state;
	for (unsigned i = 0; i < COUNT(tags); i++) {
		struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6();

		craft_tag(&four, IPV4);
		craft_tag(&six, IPV6);
		assert_int_equal(judge(&four).verdict, VERDICT_ACCEPTED);
		assert_int_equal(judge(&six).verdict, VERDICT_ACCEPTED);
		craft_tag(&four, tags[i]);
		craft_tag(&six, tags[i]);
		assert_int_equal(judge(&four).verdict, VERDICT_ACCEPTED);
		assert_int_equal(judge(&six).verdict, VERDICT_ACCEPTED);
		craft_tag(&four, 0x8100);
		assert_packet_fault(&four);
		for (four.size = 0; four.size < 8; four.size++)
			assert_packet_fault(&four);
	}
}

static void test_up_to_four_extension_headers_are_seen_through(void **state)
{
	static const unsigned kinds[] = { 0, 43, 60, 44 };

	(void)state;
	for (unsigned kind = 0; kind < COUNT(kinds); kind++) {
		struct craft craft = craft_datagram();

		for (unsigned count = 1; count <= 5; count++) {
			struct craft packet;

			craft_extension(&craft, count == 1 ? 17 : kinds[kind], 0, 0, 0, 0);
			packet = craft;
			craft_ipv6(&packet, 1, 2);
			packet.at[6] = (uint8_t)kinds[kind];
			if (count <= 4)
				assert_int_equal(judge(&packet).verdict, VERDICT_ACCEPTED);
			else
				assert_packet_fault(&packet);
		}
	}
}

static void test_extension_header_has_a_length(void **state)
{
	(void)state;
	for (unsigned length = 0; length < 256; length++) {
		struct craft craft = craft_datagram();
		size_t there = craft.size;

		craft_extension(&craft, 17, length, 0, 0, 16);
		craft_ipv6(&craft, 1, 2);
		craft.at[6] = 60;
		if (length == 2)
			assert_int_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
		else if (8 + length * 8 > 24 + there)
			assert_packet_fault(&craft);
		else
			assert_int_not_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
	}
}

static void test_payload_of_ipv6_holds_its_extension_headers(void **state)
{
	struct craft craft = craft_datagram();
	size_t whole;

	(void)state;
	craft_extension(&craft, 17, 1, 0, 0, 8);
	whole = craft.size;
	craft_ipv6(&craft, 1, 2);
	craft.at[6] = 60;
	for (size_t length = 0; length <= whole; length++) {
		craft.at[4] = (uint8_t)(length >> 8);
		craft.at[5] = (uint8_t)length;
		if (length < 16 + 8)
			assert_packet_fault(&craft);
		else
			assert_int_equal(judge(&craft).verdict,
					 length < whole ? VERDICT_FRAGMENT : VERDICT_ACCEPTED);
	}
}

static void test_unknown_extension_header_is_a_packet_fault(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		struct craft craft = craft_datagram();

		craft_extension(&craft, 17, 0, 0, 0, 0);
		craft_ipv6(&craft, 1, 2);
		craft.at[6] = (uint8_t)kind;
		if (kind == 0 || kind == 43 || kind == 44 || kind == 60)
			assert_int_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
		else
			assert_int_not_equal(judge(&craft).verdict, VERDICT_ACCEPTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolver_is_where_a_query_comes_from),
		cmocka_unit_test(test_resolver_is_where_a_response_goes_to),
		cmocka_unit_test(test_interface_is_shown_in_full),
		cmocka_unit_test(test_port_is_the_servers),
		cmocka_unit_test(test_ipv4_header_has_options),
		cmocka_unit_test(test_link_padding_is_no_part_of_a_message),
		cmocka_unit_test(test_inconsistent_headers_are_a_packet_fault),
		cmocka_unit_test(test_dont_fragment_and_reserved_bits_do_not_matter),
		cmocka_unit_test(test_packet_that_ends_in_a_header_is_a_packet_fault),
		cmocka_unit_test(test_ethertype_behind_a_tag_says_what_the_packet_is),
		cmocka_unit_test(test_up_to_two_vlan_tags_are_seen_through),
		cmocka_unit_test(test_up_to_four_extension_headers_are_seen_through),
		cmocka_unit_test(test_extension_header_has_a_length),
		cmocka_unit_test(test_payload_of_ipv6_holds_its_extension_headers),
		cmocka_unit_test(test_unknown_extension_header_is_a_packet_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
