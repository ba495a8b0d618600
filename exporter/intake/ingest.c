/* SPDX-License-Identifier: MIT */
/* Reading what capture sends, and distrusting it */
#include "intake/ingest.h"

#include <errno.h>
#include <sys/socket.h>

#include "traffic/traffic.h"

#define MESSAGES_AT_ONCE 32 /* then scrapes get their turn */

static const char *const stages[FAILURE_STAGES] = {
	[FAILURE_CONFIG] = "receiving its configuration (recv)",
	[FAILURE_SOCKET] = "opening the packet socket",
	[FAILURE_FILTER] = "attaching the packet filter (setsockopt)",
	[FAILURE_VERSION] = "choosing TPACKET_V3 (setsockopt), which this kernel may not have",
	[FAILURE_RING] = "making the packet ring (setsockopt, mmap)",
	[FAILURE_BIND] = "binding the packet socket",
	[FAILURE_PRIVILEGES] = "giving up its capabilities",
	[FAILURE_CONFINE] = "confining itself (Landlock, limits, seccomp)",
	[FAILURE_WAIT] = "waiting for packets (ppoll)",
};

static const char *stage_text(const struct failure *failure)
{
	if (failure->error == ENOMEM && failure->stage == FAILURE_RING)
		return "making the packet ring; lower -capture.ring-size";
	return stages[failure->stage];
}

enum ingest_end ingest_read(struct ingest *ingest, struct moment now, const char **ret_reason,
			    int *ret_error)
{
	struct batch *batch = &ingest->batch;

	for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
		struct iovec iov = { .iov_base = batch, .iov_len = sizeof(*batch) };
		struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t bytes = recvmsg(ingest->fd, &message, MSG_DONTWAIT);

		/* Comes before what capture said last, if it ended without reading its configuration */
		if (bytes < 0 && errno == ECONNRESET)
			continue;
		if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
			return INGEST_OPEN;
		if (bytes <= 0)
			return INGEST_CLOSED;
		/* There is no room for control data, so the kernel has closed what came with it */
		if (message.msg_flags & MSG_CTRUNC)
			*ret_reason = "message has a descriptor attached";
		else if (message.msg_flags & MSG_TRUNC)
			*ret_reason = "message is longer than any may be";
		else
			*ret_reason = record_check_batch(batch, (size_t)bytes, ingest->domains,
							 &ingest->state);
		if (*ret_reason)
			return INGEST_FAULT;

		switch ((enum batch_type)batch->header.type) {
		case BATCH_FAILURE:
			*ret_reason = stage_text(&batch->failure);
			*ret_error = (int)batch->failure.error;
			return INGEST_FAILED;
		case BATCH_HELLO:
			ingest->hello = batch->hello;
			ingest->ready = true;
			break;
		case BATCH_TRAFFIC:
			traffic_records(ingest->traffic, batch->records, batch->header.count, now);
			break;
		case BATCH_TYPES: break;
		}
	}
	return INGEST_OPEN;
}
