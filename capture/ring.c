/* SPDX-License-Identifier: MIT */
/* The packet socket and its TPACKET_V3 ring (Documentation/networking/packet_mmap.rst) */
#include "capture/ring.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/filter.h"
#include "capture/packet.h"

#define SYS_MSEAL 462	/* Linux 6.10, on every architecture */
#define FRAME	  2048u /* the kernel wants one and does not use it in TPACKET_V3 */

#define SET(level, option, value) setsockopt(ring->fd, level, option, &(value), sizeof(value))

int ring_open(const struct config *config, struct ring *ret_ring)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct tpacket_req3 request = { .tp_block_size = config->block_bytes,
					.tp_block_nr = config->blocks,
					.tp_frame_size = FRAME,
					.tp_frame_nr = config->block_bytes / FRAME * config->blocks,
					.tp_retire_blk_tov = config->latency_ms };
	struct sock_fprog filter = filter_program(config->port);
	struct ring *ring = ret_ring;
	int on = 1, version = TPACKET_V3;
	size_t bytes;

	/* Protocol 0 receives nothing; an ETH_P_IP socket would never see what this host sends */
	ring->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ring->fd < 0)
		return FAILURE_SOCKET;
	if (SET(SOL_SOCKET, SO_ATTACH_FILTER, filter) < 0 ||
	    SET(SOL_SOCKET, SO_LOCK_FILTER, on) < 0 || SET(SOL_PACKET, PACKET_VERSION, version) < 0)
		return FAILURE_FILTER;
	if (SET(SOL_PACKET, PACKET_RX_RING, request) < 0)
		return FAILURE_RING;
	ring->blocks = config->blocks;
	ring->block_bytes = config->block_bytes;
	bytes = (size_t)ring->blocks * ring->block_bytes;
	ring->map =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, 0);
	if (ring->map == MAP_FAILED)
		return FAILURE_RING;
	ring->sealed = syscall(SYS_MSEAL, ring->map, bytes, 0) == 0;
	return bind(ring->fd, (struct sockaddr *)&all, sizeof(all)) < 0 ? FAILURE_BIND : 0;
}

bool ring_next(struct ring *ring, struct sight *ret_sight)
{
	const struct tpacket3_hdr *packet;
	const struct sockaddr_ll *from;
	struct tpacket_hdr_v1 *block;
	uint8_t *base;

	for (;;) {
		base = ring->map + (size_t)ring->block * ring->block_bytes;
		block = &((struct tpacket_block_desc *)base)->hdr.bh1;
		if (ring->open && ring->left > 0)
			break;
		if (ring->open) {
			__atomic_store_n(&block->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
			ring->block = (ring->block + 1) % ring->blocks;
			ring->open = false;
		} else if (__atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE) &
			   TP_STATUS_USER) {
			ring->left = block->num_pkts;
			ring->packet = block->offset_to_first_pkt;
			ring->open = true;
		} else {
			return false;
		}
	}
	packet = (const struct tpacket3_hdr *)(base + ring->packet);
	from = (const struct sockaddr_ll *)((const char *)packet +
					    TPACKET_ALIGN((int)sizeof(*packet)));
	*ret_sight = (struct sight){ .bytes = (const uint8_t *)packet + packet->tp_net,
				     .captured = packet->tp_snaplen,
				     .length = packet->tp_len,
				     .interface = (uint32_t)from->sll_ifindex,
				     .time_ms = packet->tp_sec * 1000 + packet->tp_nsec / 1000000,
				     .outgoing = from->sll_pkttype == PACKET_OUTGOING };
	ring->packet += packet->tp_next_offset;
	ring->left--;
	for (size_t line = 0; line < 5; line++) /* another core wrote the next one */
		__builtin_prefetch(base + ring->packet + 64 * line);
	return true;
}

void ring_count(struct ring *ring)
{
	struct tpacket_stats_v3 stats;
	socklen_t bytes = sizeof(stats);

	/* The kernel counts from zero after each read; its packets include the dropped ones */
	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) < 0)
		return;
	ring->packets += stats.tp_packets - stats.tp_drops;
	ring->drops += stats.tp_drops;
}
