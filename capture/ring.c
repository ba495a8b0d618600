/* SPDX-License-Identifier: MIT */
/* The packet socket and its TPACKET_V3 ring (Documentation/networking/packet_mmap.rst) */
#include "capture/ring.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/filter.h"
#include "capture/packet.h"

#define SYS_MSEAL 462 /* Linux 6.10, on every architecture */

/* A header that says of a super-packet where it is to be cut; wants SOCK_RAW. By this option, of Linux 6.4,
 * and not by PACKET_VNET_HDR: kernels before 6.2 drop super-packets of UDP rather than tell.
 */
#define PACKET_VNET_HDR_SZ_ 24
#define GSO_UDP_L4	    5 /* VIRTIO_NET_HDR_GSO_UDP_L4 */

#define SET(level, option, value) setsockopt(ring->fd, level, option, &(value), sizeof(value))

int ring_open(const struct config *config, struct ring *ret_ring)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	/* Its frames are of no use in TPACKET_V3, but must be asked for */
	struct tpacket_req3 request = { .tp_block_size = config->block_bytes,
					.tp_block_nr = config->blocks,
					.tp_frame_size = config->block_bytes,
					.tp_frame_nr = config->blocks,
					.tp_retire_blk_tov = config->latency_ms };
	struct sock_fprog filter = filter_program(config->port);
	const size_t bytes = (size_t)config->blocks * config->block_bytes;
	struct ring *ring = ret_ring;
	int on = 1, version = TPACKET_V3, offload = sizeof(struct virtio_net_hdr);

	*ring = (struct ring){ .blocks = config->blocks, .block_bytes = config->block_bytes };
	/* Protocol 0 receives nothing; an ETH_P_IP socket would never see what this host sends */
	ring->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (ring->fd < 0)
		return FAILURE_SOCKET;
	if (SET(SOL_SOCKET, SO_ATTACH_FILTER, filter) < 0 ||
	    SET(SOL_SOCKET, SO_LOCK_FILTER, on) < 0)
		return FAILURE_FILTER;
	if (SET(SOL_PACKET, PACKET_VERSION, version) < 0)
		return FAILURE_VERSION;
	ring->cuts = SET(SOL_PACKET, PACKET_VNET_HDR_SZ_, offload) == 0;
	if (SET(SOL_PACKET, PACKET_RX_RING, request) < 0)
		return FAILURE_RING;
	ring->map =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, 0);
	if (ring->map == MAP_FAILED)
		return FAILURE_RING;
	ring->sealed = syscall(SYS_MSEAL, ring->map, bytes, 0) == 0;
	return bind(ring->fd, (struct sockaddr *)&all, sizeof(all)) < 0 ? FAILURE_BIND : 0;
}

bool ring_next(struct ring *ring, struct sight *ret_sight)
{
	struct virtio_net_hdr offload = { .gso_type = 0 };
	const struct tpacket3_hdr *packet;
	const struct sockaddr_ll *from;
	struct tpacket_hdr_v1 *block;
	uint32_t link;
	uint8_t *base;

	/* To the next block that has any: what is open is closed, and what is closed opened */
	for (;; ring->open = !ring->open) {
		base = ring->map + (size_t)ring->block * ring->block_bytes;
		block = &((struct tpacket_block_desc *)base)->hdr.bh1;
		if (ring->open && ring->left > 0)
			break;
		if (ring->open) {
			__atomic_store_n(&block->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
			ring->block = (ring->block + 1) % ring->blocks;
		} else if (__atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE) &
			   TP_STATUS_USER) {
			ring->left = block->num_pkts;
			ring->packet = block->offset_to_first_pkt;
		} else {
			return false;
		}
	}
	packet = (const struct tpacket3_hdr *)(base + ring->packet);
	from = (const struct sockaddr_ll *)(packet + 1);  /* 48 bytes, so it is aligned */
	link = (uint32_t)packet->tp_net - packet->tp_mac; /* bytes of its header */
	if (ring->cuts)
		memcpy(&offload, (const uint8_t *)packet + packet->tp_mac - sizeof(offload),
		       sizeof(offload));
	*ret_sight =
		(struct sight){ .bytes = (const uint8_t *)packet + packet->tp_net,
				.captured = packet->tp_snaplen - MIN(link, packet->tp_snaplen),
				.length = packet->tp_len - MIN(link, packet->tp_len),
				.segment = offload.gso_type == GSO_UDP_L4 ? offload.gso_size : 0,
				.interface = (uint32_t)from->sll_ifindex,
				.time_ms = packet->tp_sec * 1000 + packet->tp_nsec / 1000000,
				.outgoing = from->sll_pkttype == PACKET_OUTGOING };
	ring->packet += packet->tp_next_offset;
	ring->left--;
	for (size_t line = 0; line < 5; line++) /* another core wrote the next one */
		__builtin_prefetch(base + ring->packet + 64 * line);
	return true;
}

void ring_count(const struct ring *ring, struct batch_header *header)
{
	struct tpacket_stats_v3 stats;
	socklen_t bytes = sizeof(stats);

	/* The kernel counts from zero after each read; its packets include the dropped ones */
	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) < 0)
		return;
	header->packets += stats.tp_packets - stats.tp_drops;
	header->ring_drops += stats.tp_drops;
}
