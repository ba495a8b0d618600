/* SPDX-License-Identifier: MIT */
/* The kernel filter, run by an interpreter: which packets capture ever sees */
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf.h"
#include "capture/decode.h"
#include "capture/filter.h"
#include "capture/ring.h"
#include "common/config.h"
#include "common/record.h"
#include "packet_craft.h"
#include "unit.h"

#define IPV4	 0x0800
#define IPV6	 0x86dd
#define SNAP	 66048 /* what is kept: all that IP can hold behind headers of up to 512 */
#define ETHERNET 14

static uint32_t kept(const struct craft *packet, unsigned protocol, unsigned type, unsigned port)
{
	struct sock_fprog program = filter_program((uint16_t)port);
	struct craft frame = *packet;
	struct bpf_packet seen = { .type = (uint8_t)type }, bare;
	uint32_t bytes;

	craft_front(&frame,
		    (uint8_t[ETHERNET]){ [12] = (uint8_t)(protocol >> 8), (uint8_t)protocol },
		    ETHERNET);
	seen = (struct bpf_packet){ .bytes = frame.at,
				    .size = frame.size,
				    .link = ETHERNET,
				    .linear = ETHERNET, /* some drivers leave no more there */
				    .link_type = ARPHRD_ETHER,
				    .type = (uint8_t)type };
	bytes = bpf_filter(&program, &seen);
	seen.link_type = ARPHRD_LOOPBACK;
	assert_int_equal(bpf_filter(&program, &seen), bytes);
	/* The same on links with another header, and without one */
	bare = (struct bpf_packet){ .bytes = frame.at + 10,
				    .size = frame.size - 10,
				    .link = 4,
				    .linear = frame.size - 10,
				    .link_type = ARPHRD_INFINIBAND,
				    .protocol = (uint16_t)protocol,
				    .type = (uint8_t)type };
	assert_int_equal(bpf_filter(&program, &bare), bytes);
	bare.bytes = packet->at;
	bare.size = bare.linear = packet->size;
	bare.link = 0;
	bare.link_type = ARPHRD_NONE;
	assert_int_equal(bpf_filter(&program, &bare), bytes);
	return bytes;
}

static bool passes(const struct craft *packet, unsigned protocol)
{
	uint32_t bytes = kept(packet, protocol, PACKET_HOST, 53);

	assert_true(bytes == 0 || bytes == SNAP);
	return bytes != 0;
}

static void test_kernel_takes_the_program(void **state)
{
	struct sock_fprog program = filter_program(53);
	int sockets[2], on = 1;

	(void)state;
	bpf_check(&program);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
	assert_int_equal(
		setsockopt(sockets[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	assert_int_equal(setsockopt(sockets[0], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)), 0);
	close(sockets[0]);
	close(sockets[1]);
}

/* A query counts where it arrives, a response where it leaves, so that each is counted once */
static void test_direction_decides_which_port_is_looked_at(void **state)
{
	static const unsigned ports[][2] = {
		{ 4000, 53 }, { 53, 4000 }, { 53, 53 }, { 4000, 4001 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ports); i++) {
		struct craft four = { .size = 0 }, six = { .size = 0 };

		craft_poll(&four);
		craft_udp(&four, ports[i][0], ports[i][1]);
		six = four;
		craft_ipv4(&four, 1, 2);
		craft_ipv6(&six, 1, 2);
		for (unsigned type = 0; type < 256; type++) {
			bool wanted = (type == PACKET_HOST && ports[i][1] == 53) ||
				      (type == PACKET_OUTGOING && ports[i][0] == 53);

			assert_int_equal(kept(&four, IPV4, type, 53), wanted ? SNAP : 0);
			assert_int_equal(kept(&six, IPV6, type, 53), wanted ? SNAP : 0);
		}
	}
}

static void test_port_is_compared_in_all_its_bits(void **state)
{
	struct craft four = craft_poll_ipv4();

	(void)state;
	for (unsigned port = 1; port < 65536; port++)
		assert_int_equal(kept(&four, IPV4, PACKET_HOST, port), port == 53 ? SNAP : 0);
	for (unsigned port = 0; port < 65536; port++) {
		four.at[22] = (uint8_t)(port >> 8);
		four.at[23] = (uint8_t)port;
		assert_int_equal(kept(&four, IPV4, PACKET_HOST, 5300), port == 5300 ? SNAP : 0);
	}
}

static void test_only_udp_passes(void **state)
{
	(void)state;
	for (unsigned protocol = 0; protocol < 256; protocol++) {
		struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6();

		four.at[9] = six.at[6] = (uint8_t)protocol;
		assert_int_equal(passes(&four, IPV4), protocol == 17);
		assert_int_equal(passes(&six, IPV6), protocol == 17);
	}
}

static void test_only_ip_passes(void **state)
{
	struct craft four = craft_poll_ipv4(), six = craft_poll_ipv6();

	(void)state;
	for (unsigned protocol = 0; protocol < 65536; protocol++) {
		assert_int_equal(passes(&four, protocol), protocol == IPV4);
		assert_int_equal(passes(&six, protocol), protocol == IPV6);
	}
}

static void test_udp_is_found_behind_ipv4_options(void **state)
{
	(void)state;
	for (unsigned words = 5; words < 16; words++) {
		struct craft craft = craft_datagram(), options = { .size = 0 };

		craft_zeros(&options, (words - 5) * 4u);
		craft_front(&craft, options.at, options.size);
		craft_ipv4(&craft, 1, 2);
		for (unsigned says = 5; says < 16; says++) {
			craft.at[0] = (uint8_t)(0x40 | says);
			assert_int_equal(passes(&craft, IPV4), says == words);
		}
	}
}

static void test_later_fragments_are_dropped(void **state)
{
	(void)state;
	for (unsigned field = 0; field < 65536; field++) {
		struct craft craft = craft_poll_ipv4();

		craft.at[6] = (uint8_t)(field >> 8);
		craft.at[7] = (uint8_t)field;
		assert_int_equal(passes(&craft, IPV4), (field & 0x1fff) == 0);
	}
	for (unsigned field = 0; field < 65536; field++) {
		struct craft craft = craft_datagram();

		craft_extension(&craft, 17, 0, field >> 8, field & 0xff, 0);
		craft_ipv6(&craft, 1, 2);
		craft.at[6] = 44;
		assert_int_equal(passes(&craft, IPV6), (field & 0xfff8) == 0);
	}
}

/* Headers of one kind after the other, each of another length */
static struct craft chain(unsigned first, unsigned count)
{
	static const unsigned kinds[] = { 0, 43, 44, 60 };
	struct craft craft = craft_datagram();
	unsigned next = 17;

	for (unsigned i = 0; i < count; i++) {
		unsigned kind = kinds[(first + i) % COUNT(kinds)];
		/* In a fragment header that byte is reserved, and its length is 8 */
		craft_extension(&craft, next, 1 + i % 3, 0, 0, kind == 44 ? 0 : 8 + i % 3 * 8);
		next = kind;
	}
	craft_ipv6(&craft, 1, 2);
	craft.at[6] = (uint8_t)next;
	return craft;
}

static void test_up_to_four_extension_headers_are_seen_through(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 4; first++) {
		for (unsigned count = 0; count <= 6; count++) {
			struct craft craft = chain(first, count);

			assert_int_equal(passes(&craft, IPV6), count <= 4);
		}
	}
}

static void test_unknown_extension_header_is_dropped_wherever_it_is(void **state)
{
	(void)state;
	for (unsigned depth = 0; depth <= 3; depth++) {
		for (unsigned kind = 0; kind < 256; kind++) {
			struct craft craft = craft_datagram();

			craft_extension(&craft, 17, 0, 0, 0, 0);
			for (unsigned i = 0; i < depth; i++)
				craft_extension(&craft, i == 0 ? kind : 60, 0, 0, 0, 0);
			craft_ipv6(&craft, 1, 2);
			craft.at[6] = depth == 0 ? (uint8_t)kind : 60;
			/* 17 would be a UDP header in which another header's bytes are ports */
			assert_int_equal(passes(&craft, IPV6),
					 kind == 0 || kind == 43 || kind == 44 || kind == 60);
		}
	}
}

static void test_longest_extension_header_does_not_lead_astray(void **state)
{
	(void)state;
	for (unsigned length = 0; length < 256; length++) {
		struct craft craft = craft_datagram();

		craft_extension(&craft, 17, length, 0, 0, length * 8u);
		craft_ipv6(&craft, 1, 2);
		craft.at[6] = 0;
		assert_true(passes(&craft, IPV6));
	}
}

static void test_up_to_two_vlan_tags_are_seen_through(void **state)
{
	static const unsigned tags[] = { 0x8100, 0x88a8 };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		unsigned first = tags[i & 1], second = tags[i >> 1 & 1], third = tags[i >> 2 & 1];
		struct craft four = craft_poll_ipv4(), six = chain(0, 4);

		craft_tag(&four, IPV4);
		craft_tag(&six, IPV6);
		assert_true(passes(&four, first));
		assert_true(passes(&six, first));
		craft_tag(&four, first);
		craft_tag(&six, first);
		assert_true(passes(&four, second));
		assert_true(passes(&six, second));
		craft_tag(&four, second);
		craft_tag(&six, second);
		assert_false(passes(&four, third));
		assert_false(passes(&six, third));
	}
}

/* The network header of what leaves is behind the tags, that of what arrives before them; of an
 * Ethernet frame nothing but its bytes is looked at
 */
static void test_packet_that_leaves_by_a_vlan_is_read_from_its_tags_on(void **state)
{
	static const unsigned tags[] = { 0x8100, 0x88a8 };

	(void)state;
	for (unsigned i = 0; i < COUNT(tags); i++) {
		struct craft four = { .size = 0 }, six;

		craft_poll(&four);
		craft_udp(&four, 53, 4000);
		six = four;
		craft_ipv4(&four, 1, 2);
		craft_ipv6(&six, 1, 2);
		assert_int_equal(kept(&four, 0x0806, PACKET_OUTGOING, 53), 0);
		for (unsigned depth = 1; depth <= 3; depth++) {
			craft_tag(&four, depth == 1 ? IPV4 : tags[i]);
			craft_tag(&six, depth == 1 ? IPV6 : tags[i]);
			assert_int_equal(kept(&four, tags[i], PACKET_OUTGOING, 53),
					 depth <= 2 ? SNAP : 0);
			assert_int_equal(kept(&six, tags[i], PACKET_OUTGOING, 53),
					 depth <= 2 ? SNAP : 0);
			assert_int_equal(kept(&four, tags[i], PACKET_OUTGOING, 54), 0);
			assert_int_equal(kept(&six, tags[i], PACKET_HOST, 53), 0);
		}
	}
}

static void test_packet_that_ends_before_its_ports_is_dropped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct craft craft = i == 0 ? craft_poll_ipv4() : chain(0, 4);
		size_t ports = craft.size - craft_datagram().size + 4;

		for (craft.size = 0; craft.size < ports; craft.size++)
			assert_false(passes(&craft, i == 0 ? IPV4 : IPV6));
		assert_true(passes(&craft, i == 0 ? IPV4 : IPV6));
	}
}

/* Whatever decode() can make a message of must get past the filter: packets with changed bytes, among
 * which are all kinds of them.
 */
static void test_filter_drops_nothing_that_would_count(void **state)
{
	unsigned counted = 0, dropped = 0;
	uint64_t seed = 20260501;
	struct config config;

	(void)state;
	craft_config(&config, CRAFT_DOMAIN);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned kind = unit_random(&seed) % 4;
		struct craft craft =
			kind == 0 ? craft_poll_ipv4() : chain(unit_random(&seed), kind);
		unsigned protocol = kind == 0 ? IPV4 : IPV6;
		struct record record;
		bool passed;

		if (unit_random(&seed) % 4 == 0) {
			craft_tag(&craft, protocol);
			protocol = 0x8100;
		}
		for (unsigned changes = unit_random(&seed) % 3; changes > 0; changes--)
			craft.at[unit_random(&seed) % 96] =
				(uint8_t)unit_random(&seed) & (unit_random(&seed) % 3 ? 63 : 255);
		record = craft_decode(&craft, false, &config);
		passed = passes(&craft, protocol);
		if (record.verdict != VERDICT_PACKET)
			assert_true(passed);
		counted += record.verdict != VERDICT_PACKET;
		dropped += !passed;
	}
	assert_true(counted > 10000 && dropped > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_takes_the_program),
		cmocka_unit_test(test_direction_decides_which_port_is_looked_at),
		cmocka_unit_test(test_port_is_compared_in_all_its_bits),
		cmocka_unit_test(test_only_udp_passes),
		cmocka_unit_test(test_only_ip_passes),
		cmocka_unit_test(test_udp_is_found_behind_ipv4_options),
		cmocka_unit_test(test_later_fragments_are_dropped),
		cmocka_unit_test(test_up_to_four_extension_headers_are_seen_through),
		cmocka_unit_test(test_unknown_extension_header_is_dropped_wherever_it_is),
		cmocka_unit_test(test_longest_extension_header_does_not_lead_astray),
		cmocka_unit_test(test_up_to_two_vlan_tags_are_seen_through),
		cmocka_unit_test(test_packet_that_leaves_by_a_vlan_is_read_from_its_tags_on),
		cmocka_unit_test(test_packet_that_ends_before_its_ports_is_dropped),
		cmocka_unit_test(test_filter_drops_nothing_that_would_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
