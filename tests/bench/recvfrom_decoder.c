/* SPDX-License-Identifier: MIT */
/* What most would write: one recvfrom() for each packet, and capture's decoder */
#include "tap.h"

#include <errno.h>
#include <error.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "bench_config.h"
#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"

#define BUFFER_BYTES	(64 << 20)
#define LATENCY_SAMPLES 1024 /* one packet in so many: the question costs a system call */

static struct config config;
static struct domains domains;
static uint64_t packets, bytes, refused;

static void sample_latency(int fd)
{
	struct timespec stamp, now;

	if (ioctl(fd, SIOCGSTAMPNS, &stamp) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	tap_latency((now.tv_sec - stamp.tv_sec) * 1000000 + (now.tv_nsec - stamp.tv_nsec) / 1000,
		    1);
}

static bool read_packet(int fd)
{
	static uint8_t buffer[65536];
	struct sockaddr_ll from;
	socklen_t from_bytes = sizeof(from);
	static struct record records[RECORD_MESSAGE_MAX];
	ssize_t length = recvfrom(fd, buffer, sizeof(buffer), MSG_DONTWAIT,
				  (struct sockaddr *)&from, &from_bytes);
	struct sight sight = { .bytes = buffer };

	if (length < 0)
		return false;
	sight.captured = sight.length = (uint32_t)length;
	sight.interface = (uint32_t)from.sll_ifindex;
	sight.outgoing = from.sll_pkttype == PACKET_OUTGOING;
	decode(&sight, &domains, records);
	packets++;
	bytes += sight.length;
	refused += records[0].verdict != VERDICT_ACCEPTED;
	if (packets % LATENCY_SAMPLES == 1)
		sample_latency(fd);
	return true;
}

int main(int argc, char **argv)
{
	int fd, space = BUFFER_BYTES;

	if (argc != 3)
		error(2, 0, "usage: recvfrom_decoder INTERFACE PORT");
	bench_config(&config, 1);
	domains_index(&config, &domains);
	fd = tap_open((uint16_t)atoi(argv[2]));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof(space)) < 0)
		error(1, errno, "no receive buffer");
	tap_bind(fd, argv[1]);
	while (!tap_stopped) {
		if (!read_packet(fd))
			poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000);
	}
	if (refused)
		error(0, 0, "%lu packets were not accepted", refused);
	tap_report(fd, packets, bytes);
	return 0;
}
