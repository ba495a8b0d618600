/* SPDX-License-Identifier: MIT */
/* dnstt_capture: start order, and the one loop from ring to socketpair
 *
 * Started by dnstt_exporter as an unprivileged user with CAP_NET_RAW, an empty environment, and
 * descriptor 3: one end of a SOCK_SEQPACKET socketpair that holds the configuration.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "confine.h"
#include "decode.h"
#include "record.h"
#include "ring.h"
#include "sandbox.h"

static struct config config;
static struct ring ring;
static struct batch batch = { .header = { .magic = BATCH_MAGIC, .version = BATCH_VERSION } };

/* Wait a second for packets, or for room in the socketpair; end when the exporter has ended.
 * System calls: ppoll, exit_group. Return: false after a quiet second
 */
static bool await(short packets, short room)
{
	struct pollfd fds[] = { { .fd = packets ? ring.fd : -1, .events = packets },
				{ .fd = SANDBOX_IPC, .events = room } };
	int ready = ppoll(fds, 2, &(struct timespec){ .tv_sec = 1 }, NULL);

	if (ready > 0 && (fds[0].revents & ~POLLIN || fds[1].revents & ~POLLOUT))
		_exit(fds[1].revents ? 0 : 1);
	return ready != 0;
}

/* Send the batch. While the exporter is behind, wait for it: the ring has room for seconds of packets,
 * and the kernel counts what no longer fits. System calls: getsockopt, sendto, ppoll, exit_group.
 */
static void send_batch(enum batch_type type, size_t body)
{
	struct batch_header *header = &batch.header;

	ring_count(&ring);
	header->type = (uint8_t)type;
	header->packets = ring.packets;
	header->ring_drops = ring.drops;
	while (sendto(SANDBOX_IPC, &batch, sizeof(*header) + body, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0) {
		if (errno == EAGAIN) {
			header->stalls++;
			await(0, POLLOUT);
		} else if (errno == ENOBUFS || errno == ENOMEM) {
			header->records_lost += header->count;
			header->count = 0;
			return;
		} else if (errno != EINTR) {
			_exit(0);
		}
	}
	header->sequence++;
	header->count = 0;
}

static void send_records(void)
{
	send_batch(BATCH_TRAFFIC, batch.header.count * sizeof(struct record));
}

static _Noreturn void fail(int stage, int error)
{
	batch.failure = (struct failure){ (uint32_t)stage, (uint32_t)error };
	send_batch(BATCH_FAILURE, sizeof(batch.failure));
	_exit(1);
}

/* Should: run first. The exporter runs as the same user and must not reach into this process; signals
 * are for the exporter, whose end ends capture too.
 */
static void receive_config(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	socklen_t bytes = sizeof(int);
	int type = 0;

	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	if (getsockopt(SANDBOX_IPC, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0 || type != SOCK_SEQPACKET) {
		dprintf(STDERR_FILENO, "dnstt_capture: dnstt_exporter starts this program\n");
		_exit(2);
	}
	if (close_range(SANDBOX_IPC + 1, ~0u, 0) < 0 ||
	    recv(SANDBOX_IPC, &config, sizeof(config), MSG_TRUNC) != sizeof(config) || config_fault(&config))
		fail(FAILURE_CONFIG, EINVAL);
	config_index(&config);
}

int main(void)
{
	uint32_t mdwe;
	int failure;

	receive_config();
	failure = ring_open(&config, &ring);
	if (failure)
		fail(failure, errno);
	if (confine_drop_capabilities() < 0)
		fail(FAILURE_PRIVILEGES, EPERM);
	batch.hello.ring_bytes = ring.blocks * ring.block_bytes;
	failure = sandbox_enter(ring.fd, &batch.hello.landlock_abi, &mdwe);
	if (failure)
		fail(FAILURE_CONFINE, -failure);
	batch.hello.sandbox = mdwe | (ring.sealed ? HELLO_SEALED : 0);
	send_batch(BATCH_HELLO, sizeof(batch.hello));

	for (;;) {
		struct sight sight;

		while (ring_next(&ring, &sight)) {
			decode(&sight, &config, &batch.records[batch.header.count++]);
			if (batch.header.count == BATCH_RECORDS || ring.left == 0)
				send_records();
		}
		if (!await(POLLIN, 0))
			send_records();
	}
}
