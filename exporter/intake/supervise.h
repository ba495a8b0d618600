/* SPDX-License-Identifier: MIT */
/* Capture while it runs: what it sends, how it ended, and its end with this process */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "intake/ingest.h"
#include "intake/spawn.h"

struct supervise {
	struct capture_process process; /* of spawn_capture() */
	struct ingest ingest;
	uint64_t hello_due_ns;
	uint64_t sent_ns; /* when it last sent something */
	bool is_silent;	  /* for longer than it should be, and the log says so */
	bool is_over;	  /* capture is gone, and the log says why */
};

/**
 * supervise_begin() - From now on capture is expected to say hello, and then to send every second
 * @supervise:	Zeroed, except for the process
 * @domains:	As many as capture was given
 * @traffic:	Kept; gets what capture sends
 * @now_ns:	CLOCK_MONOTONIC, as in the rest of this file
 */
void supervise_begin(struct supervise *supervise, unsigned domains, struct traffic *traffic,
		     uint64_t now_ns);

/**
 * supervise_read() - Take in what it sent; where that ends the conversation, log why and end capture
 *
 * Waits up to two seconds for a capture that closed the socketpair. System calls: recvmsg, poll,
 * waitid, kill.
 */
void supervise_read(struct supervise *supervise, struct moment now);

/**
 * supervise_check() - End a capture that has not said hello in time; log when one falls silent
 *
 * System calls: poll, kill, waitid.
 */
void supervise_check(struct supervise *supervise, uint64_t now_ns);

/**
 * supervise_is_live() - Whether it runs and sent something not long ago
 */
bool supervise_is_live(const struct supervise *supervise, uint64_t now_ns);

/**
 * supervise_end() - End capture, if it has not ended already
 */
void supervise_end(const struct supervise *supervise);
