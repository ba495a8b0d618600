/* SPDX-License-Identifier: MIT */
/* What the receivers that we compare with share: a filtered packet socket, and an end */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define LATENCY_STEP	100 /* microseconds */
#define LATENCY_BUCKETS 20000

volatile sig_atomic_t tap_stopped;

static uint64_t latencies[LATENCY_BUCKETS];

static void stop(int signal_number)
{
	(void)signal_number;
	tap_stopped = 1;
}

/* UDP over IPv4 or IPv6 without extension headers, not a later fragment; to the port if it arrives,
 * from the port if it leaves
 */
int tap_open(uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 16),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 14, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_JUMP(BPF_JMP | BPF_JA, 4, 0, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 11),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 9),
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 40),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT16_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		error(1, errno, "no packet socket");
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		error(1, errno, "no filter");
	return fd;
}

void tap_bind(int fd, const char *interface)
{
	struct sockaddr_ll from = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (from.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		error(1, errno, "can't bind to %s", interface);
	puts("ready");
	fflush(stdout);
}

void tap_latency(int64_t microseconds, uint64_t count)
{
	int64_t bucket = microseconds < 0 ? 0 : microseconds / LATENCY_STEP;

	latencies[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1] += count;
}

/* Upper end of the bucket, in milliseconds */
static double percentile(unsigned percent)
{
	uint64_t total = 0, seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		total += latencies[i];
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += latencies[i];
		if (seen > 0 && seen * 100 >= total * percent)
			return (i + 1) * LATENCY_STEP / 1e3;
	}
	return 0;
}

void tap_report(int fd, uint64_t packets, uint64_t bytes)
{
	/* the first two members are struct tpacket_stats, all there is without a ring */
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t length = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) < 0)
		error(1, errno, "no statistics");
	printf("{\"packets\": %lu, \"bytes\": %lu, \"drops\": %u, \"latency_p50_ms\": %.1f,"
	       " \"latency_p99_ms\": %.1f}\n",
	       packets, bytes, stats.tp_drops, percentile(50), percentile(99));
}
