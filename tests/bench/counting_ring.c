/* SPDX-License-Identifier: MIT */
/* The floor: a packet ring of the geometry that capture has, whose packets are only counted
 *
 * With a third argument, the floor of two processes: for each packet a record that says nothing of it
 * goes to another one over a socketpair, in batches as capture's, and is only counted there.
 */
#include "tap.h"

#include <errno.h>
#include <error.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/record.h"

#define BLOCK_BYTES (512u << 10)
#define BLOCKS	    64u
#define FRAME_BYTES 2048u
#define TIMEOUT_MS  50u

static uint64_t packets, bytes;
static struct batch batch;
static int other = -1; /* the socket to the other process */

static int64_t microseconds(unsigned sec, unsigned nsec)
{
	return (int64_t)sec * 1000000 + nsec / 1000;
}

static void send_batch(void)
{
	const size_t length = sizeof(batch.header) + batch.header.count * sizeof(struct record);

	if (send(other, &batch, length, 0) < 0)
		error(1, errno, "the other process is gone");
	batch.header.count = 0;
}

/* The other process; it ends with this one */
static void start_other(void)
{
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		error(1, errno, "no socketpair");
	child = fork();
	if (child < 0)
		error(1, errno, "no process");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		while (recv(pair[1], &batch, sizeof(batch), 0) > 0)
			packets += batch.header.count;
		_exit(0);
	}
	close(pair[1]);
	other = pair[0];
}

/* Every header is touched: that a packet's first byte comes from another core's cache is most of
 * what any reader of a ring pays.
 */
static void read_block(const struct tpacket_block_desc *block)
{
	const struct tpacket_hdr_v1 *header = &block->hdr.bh1;
	const uint8_t *at = (const uint8_t *)block + header->offset_to_first_pkt;
	int64_t first = microseconds(header->ts_first_pkt.ts_sec, header->ts_first_pkt.ts_nsec);
	int64_t last = 0, now;
	struct timespec clock;

	for (uint32_t i = 0; i < header->num_pkts; i++) {
		const struct tpacket3_hdr *packet = (const struct tpacket3_hdr *)(const void *)at;

		packets++;
		bytes += packet->tp_len;
		if (other >= 0) {
			batch.records[batch.header.count++] = (struct record){
				.message_bytes = (uint16_t)packet->tp_len,
			};
			if (batch.header.count == BATCH_RECORDS || i + 1 == header->num_pkts)
				send_batch();
		}
		at += packet->tp_next_offset;
		if (i + 1 == header->num_pkts)
			last = microseconds(packet->tp_sec, packet->tp_nsec);
	}
	/* as if they came evenly: one sample in eight points, not a clock per packet */
	clock_gettime(CLOCK_REALTIME, &clock);
	now = microseconds((unsigned)clock.tv_sec, (unsigned)clock.tv_nsec);
	if (header->num_pkts < 8) {
		tap_latency(now - first, header->num_pkts);
		return;
	}
	for (int i = 0; i < 8; i++)
		tap_latency(now - first - (last - first) * i / 7, header->num_pkts / 8);
}

int main(int argc, char **argv)
{
	struct tpacket_req3 request = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = BLOCK_BYTES / FRAME_BYTES * BLOCKS,
		.tp_retire_blk_tov = TIMEOUT_MS,
	};
	int fd, version = TPACKET_V3;
	struct pollfd event = { .events = POLLIN };
	uint8_t *ring;

	if (argc < 3 || argc > 4)
		error(2, 0, "usage: counting_ring INTERFACE PORT [two]");
	if (argc == 4)
		start_other();
	fd = event.fd = tap_open((uint16_t)atoi(argv[2]));
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		error(1, errno, "no ring");
	ring = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, 0);
	if (ring == MAP_FAILED)
		error(1, errno, "no mapping of the ring");
	tap_bind(fd, argv[1]);
	for (unsigned next = 0; !tap_stopped;) {
		struct tpacket_block_desc *block = (void *)(ring + (size_t)next * BLOCK_BYTES);

		if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		      TP_STATUS_USER)) {
			poll(&event, 1, 1000); /* a signal may come just before */
			continue;
		}
		read_block(block);
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		next = (next + 1) % BLOCKS;
	}
	tap_report(fd, packets, bytes);
	return 0;
}
