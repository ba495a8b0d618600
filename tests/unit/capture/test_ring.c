/* SPDX-License-Identifier: MIT */
/* The walk through the packet ring, over blocks that are filled in as the kernel fills them */
#include "capture/ring.h"

#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "capture/decode.h"
#include "unit.h"

#define BLOCKS	    3
#define BLOCK_BYTES 8192
/* TPACKET_ALIGN() without its change of sign */
#define ALIGNED(bytes) \
	((unsigned)((bytes) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)
#define FROM	ALIGNED(sizeof(struct tpacket3_hdr))
#define NETWORK (ALIGNED(FROM + sizeof(struct sockaddr_ll)) + 32)
#define LINK	14 /* bytes of a link header, as a test needs them */

static struct ring ring;

static int set_up(void **state)
{
	(void)state;
	ring = (struct ring){ .blocks = BLOCKS, .block_bytes = BLOCK_BYTES, .fd = -1 };
	ring.map = aligned_alloc(BLOCK_BYTES, (size_t)BLOCKS * BLOCK_BYTES);
	if (!ring.map)
		return -1;
	memset(ring.map, 0, (size_t)BLOCKS * BLOCK_BYTES); /* every block is the kernel's */
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(ring.map);
	return 0;
}

static struct tpacket_hdr_v1 *block(unsigned index)
{
	return &((struct tpacket_block_desc *)(ring.map + (size_t)index * BLOCK_BYTES))->hdr.bh1;
}

static void assert_block(unsigned index, unsigned owner)
{
	assert_int_equal(block(index)->block_status, owner);
}

/* Fill a block with packets: of packet i, 60 + i bytes were captured of 100 + i, and all of them are
 * @first + i; it passed interface @first + i, and left if that is odd. The last one's next offset
 * is 0 and those of the others vary, as the kernel leaves them.
 */
static void fill(unsigned index, unsigned packets, unsigned first)
{
	uint8_t *base = ring.map + (size_t)index * BLOCK_BYTES;
	unsigned at = 48 + 16 * index;

	block(index)->num_pkts = packets;
	block(index)->offset_to_first_pkt = at;
	for (unsigned i = 0; i < packets; i++) {
		struct tpacket3_hdr *packet = (struct tpacket3_hdr *)(void *)(base + at);
		struct sockaddr_ll *from = (void *)((uint8_t *)packet + FROM);
		unsigned next = ALIGNED(NETWORK + 60 + i) + 16 * (i % 3);

		assert_true(at + NETWORK + 60 + i <= BLOCK_BYTES);
		packet->tp_next_offset = i + 1 < packets ? next : 0;
		packet->tp_net = (uint16_t)NETWORK;
		packet->tp_mac = (uint16_t)(NETWORK - LINK);
		packet->tp_snaplen = LINK + 60 + i;
		packet->tp_len = LINK + 100 + i;
		from->sll_ifindex = (int)(first + i);
		from->sll_pkttype = (first + i) % 2 ? PACKET_OUTGOING : PACKET_HOST;
		memset((uint8_t *)packet + NETWORK, (int)(first + i), 60 + i);
		at += next;
	}
	block(index)->block_status = TP_STATUS_USER;
}

static void assert_packet(unsigned i, unsigned first)
{
	struct sight sight;

	assert_true(ring_next(&ring, &sight));
	assert_int_equal(sight.captured, 60 + i);
	assert_int_equal(sight.length, 100 + i);
	assert_int_equal(sight.interface, first + i);
	assert_int_equal(sight.outgoing, (first + i) % 2);
	for (unsigned at = 0; at < sight.captured; at++)
		assert_int_equal(sight.bytes[at], first + i);
}

static void assert_nothing(void)
{
	struct sight untouched, sight;

	memset(&untouched, 0xa5, sizeof(untouched));
	sight = untouched;
	assert_false(ring_next(&ring, &sight));
	assert_memory_equal(&sight, &untouched, sizeof(sight));
}

static void test_ring_that_the_kernel_has_holds_nothing(void **state)
{
	(void)state;
	assert_nothing();
	assert_nothing();
	/* What is in a block that is still the kernel's is not looked at */
	fill(0, 2, 10);
	block(0)->block_status = TP_STATUS_KERNEL;
	assert_nothing();
	block(0)->block_status = TP_STATUS_USER | TP_STATUS_BLK_TMO;
	assert_packet(0, 10);
}

static void test_packets_of_a_block_come_in_order_and_then_it_goes_back(void **state)
{
	(void)state;
	fill(0, 4, 10);
	for (unsigned i = 0; i < 4; i++) {
		assert_packet(i, 10);
		assert_int_equal(ring.left, 3 - i);
		assert_block(0, TP_STATUS_USER); /* the packet is still being read */
	}
	assert_nothing();
	assert_block(0, TP_STATUS_KERNEL);
	assert_nothing();
}

static void test_a_block_goes_back_before_the_next_one_is_read(void **state)
{
	(void)state;
	fill(0, 1, 10);
	fill(1, 2, 20);
	assert_packet(0, 10);
	assert_packet(0, 20);
	assert_block(0, TP_STATUS_KERNEL);
	assert_block(1, TP_STATUS_USER);
	assert_packet(1, 20);
	assert_nothing();
	assert_block(1, TP_STATUS_KERNEL);
}

static void test_blocks_are_taken_in_turn(void **state)
{
	(void)state;
	/* The kernel never fills a later one first, and if it did, the earlier one is waited for */
	fill(1, 1, 20);
	assert_nothing();
	fill(0, 1, 10);
	assert_packet(0, 10);
	assert_packet(0, 20);
	assert_nothing();
}

static void test_ring_goes_round(void **state)
{
	(void)state;
	for (unsigned turn = 0; turn < 4 * BLOCKS + 1; turn++) {
		fill(turn % BLOCKS, 1 + turn % 5, turn);
		for (unsigned i = 0; i < 1 + turn % 5; i++)
			assert_packet(i, turn);
		assert_nothing();
		assert_block(turn % BLOCKS, TP_STATUS_KERNEL);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		fill((4 * BLOCKS + 1 + i) % BLOCKS, 2, 30 + 10 * i);
	for (unsigned i = 0; i < BLOCKS; i++) {
		assert_packet(0, 30 + 10 * i);
		assert_packet(1, 30 + 10 * i);
	}
	assert_nothing();
}

static void test_empty_block_goes_back_unread(void **state)
{
	(void)state;
	fill(0, 0, 10);
	fill(1, 0, 20);
	fill(2, 2, 30);
	assert_packet(0, 30);
	assert_block(0, TP_STATUS_KERNEL);
	assert_block(1, TP_STATUS_KERNEL);
	assert_packet(1, 30);
	fill(0, 0, 40);
	assert_nothing();
	for (unsigned i = 0; i < BLOCKS; i++)
		assert_block(i, TP_STATUS_KERNEL);
	assert_int_equal(ring.block, 1);
}

static void test_a_packet_may_fill_its_block(void **state)
{
	struct tpacket3_hdr *packet;
	struct sight sight;

	(void)state;
	fill(2, 1, 1);
	ring.block = 2;
	packet = (struct tpacket3_hdr *)(void *)(ring.map + (size_t)2 * BLOCK_BYTES +
						 block(2)->offset_to_first_pkt);
	packet->tp_snaplen = LINK + BLOCK_BYTES - block(2)->offset_to_first_pkt - NETWORK;
	assert_true(ring_next(&ring, &sight));
	assert_ptr_equal(sight.bytes + sight.captured, ring.map + (size_t)BLOCKS * BLOCK_BYTES);
	assert_nothing();
	assert_int_equal(ring.block, 0);
}

static struct tpacket3_hdr *first_packet(void)
{
	return (void *)(ring.map + block(0)->offset_to_first_pkt);
}

static void test_a_link_header_that_does_not_fit_leaves_nothing(void **state)
{
	static const int links[] = { 61, 1000, -1 };
	struct sight sight;

	(void)state;
	for (size_t i = 0; i < COUNT(links); i++) {
		fill(0, 1, 10);
		first_packet()->tp_mac = (uint16_t)((int)NETWORK - links[i]);
		first_packet()->tp_snaplen = 60;
		first_packet()->tp_len = 60;
		ring.block = 0;
		ring.open = false;
		assert_true(ring_next(&ring, &sight));
		assert_int_equal(sight.captured, 0);
		assert_int_equal(sight.length, 0);
	}
}

/* Only for UDP does the header in front of a packet say where it is to be cut; it may say anything */
static void test_datagrams_of_a_super_packet_have_the_size_that_its_header_says(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned size = 0; size < 65536; size += 257) {
			struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
							 .gso_type = (uint8_t)type,
							 .hdr_len = 0xffff,
							 .gso_size = (uint16_t)size,
							 .csum_start = 0xffff };
			struct sight sight;

			ring.cuts = size % 2;
			ring.block = 0;
			ring.open = false;
			fill(0, 1, 10);
			memcpy((uint8_t *)first_packet() + NETWORK - LINK - sizeof(header), &header,
			       sizeof(header));
			assert_true(ring_next(&ring, &sight));
			assert_int_equal(sight.segment, type == 5 && ring.cuts ? size : 0);
			assert_int_equal(sight.start, 0);
			assert_int_equal(sight.captured, 60);
		}
	}
}

static void test_counters_stay_where_there_is_no_socket(void **state)
{
	struct batch_header header = { .packets = 5, .ring_drops = 2 };

	(void)state;
	ring_count(&ring, &header);
	assert_int_equal(header.packets, 5);
	assert_int_equal(header.ring_drops, 2);
}

#define WITH_RING(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RING(test_ring_that_the_kernel_has_holds_nothing),
		WITH_RING(test_packets_of_a_block_come_in_order_and_then_it_goes_back),
		WITH_RING(test_a_block_goes_back_before_the_next_one_is_read),
		WITH_RING(test_blocks_are_taken_in_turn),
		WITH_RING(test_ring_goes_round),
		WITH_RING(test_empty_block_goes_back_unread),
		WITH_RING(test_a_packet_may_fill_its_block),
		WITH_RING(test_a_link_header_that_does_not_fit_leaves_nothing),
		WITH_RING(test_datagrams_of_a_super_packet_have_the_size_that_its_header_says),
		WITH_RING(test_counters_stay_where_there_is_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
