/* SPDX-License-Identifier: MIT */
/* dnstt_capture: start order, and the one loop from the ring to the socketpair
 *
 * dnstt_exporter starts it with CAP_NET_RAW alone, no environment, and a SOCK_SEQPACKET socket as
 * descriptor 3 that already holds the configuration.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/decode.h"
#include "capture/ring.h"
#include "capture/sandbox.h"
#include "common/config.h"
#include "common/confine.h"
#include "common/record.h"

static struct config config;
static struct domains domains;
static struct ring ring;
static struct batch batch = { .header = { .magic = BATCH_MAGIC, .version = BATCH_VERSION } };

static _Noreturn void fail(int stage, int error);

/* Wait a second at most for packets, or for room in the socketpair; end if the exporter has.
 * System calls: ppoll, exit_group. Return: false after a quiet second
 */
static bool await(short packets, short room)
{
	struct pollfd fds[] = { { .fd = packets ? ring.fd : -1, .events = packets },
				{ .fd = SANDBOX_IPC, .events = room } };
	int ready = ppoll(fds, 2, &(struct timespec){ .tv_sec = 1 }, NULL);

	if (ready < 0)
		fail(FAILURE_WAIT, errno);
	if (ready > 0 && (fds[0].revents & ~POLLIN || fds[1].revents & ~POLLOUT))
		_exit(fds[1].revents ? 0 : 1);
	return ready > 0;
}

/* Send the batch: its records, or a @body in their place. While the exporter is behind, wait: the ring
 * holds seconds of packets, and the kernel counts what no longer fits. System calls: getsockopt, sendto,
 * ppoll, exit_group.
 */
static void send_batch(enum batch_type type, size_t body)
{
	ring_count(&ring, &batch.header);
	batch.header.type = (uint8_t)type;
	body += sizeof(batch.header) + batch.header.count * sizeof(struct record);
	for (; sendto(SANDBOX_IPC, &batch, body, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0;
	     batch.header.stalls++) {
		if (type == BATCH_FAILURE || (errno != EAGAIN && errno != ENOBUFS))
			_exit(FAILURE_UNSENT + errno);
		await(0, errno == EAGAIN ? POLLOUT : 0);
	}
	batch.header.sequence++;
	batch.header.count = 0;
}

/* The records of a packet, which may hold many datagrams */
static void add_packet(struct sight *sight)
{
	uint16_t *count = &batch.header.count;
	unsigned records;

	do {
		records = decode(sight, &domains, &batch.records[*count]);
		*count = (uint16_t)(*count + records);
		if (*count > BATCH_RECORDS - RECORD_MESSAGE_MAX)
			send_batch(BATCH_TRAFFIC, 0);
		sight->start += sight->segment;
	} while (sight->segment > 0 && records > 0);
}

static _Noreturn void fail(int stage, int error)
{
	batch.header.count = 0;
	batch.failure = (struct failure){ (uint32_t)stage, (uint32_t)error };
	send_batch(BATCH_FAILURE, sizeof(batch.failure));
	_exit(1);
}

int main(void)
{
	int received, failure;

	/* First of all: others of this user, the exporter too, can no longer reach into this */
	prctl(PR_SET_DUMPABLE, 0);
	received = (int)recv(SANDBOX_IPC, &config, sizeof(config), MSG_TRUNC);
	if (received < 0 && errno != EBADF && errno != ENOTSOCK)
		fail(FAILURE_CONFIG, errno);
	if (received != (int)sizeof(config) || config_fault(&config)) {
		dprintf(STDERR_FILENO, "dnstt_capture: dnstt_exporter starts this program\n");
		return 2;
	}
	domains_index(&config, &domains);
	failure = ring_open(&config, &ring);
	if (failure)
		fail(failure, errno);
	failure = confine_drop_capabilities();
	if (failure)
		fail(FAILURE_PRIVILEGES, -failure);
	batch.hello = (struct hello){ ring.blocks * ring.block_bytes, 0, ring.sealed, ring.cuts };
	failure = sandbox_enter(ring.fd, &batch.hello.landlock_abi);
	if (failure)
		fail(FAILURE_CONFINE, -failure);
	send_batch(BATCH_HELLO, sizeof(batch.hello));

	for (;;) {
		struct sight sight;

		while (ring_next(&ring, &sight)) {
			add_packet(&sight);
			if (ring.left == 0)
				send_batch(BATCH_TRAFFIC, 0);
		}
		if (!await(POLLIN, 0))
			send_batch(BATCH_TRAFFIC, 0); /* a sign of life */
	}
}
