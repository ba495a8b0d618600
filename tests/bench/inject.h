/* SPDX-License-Identifier: MIT */
/* Puts frames into the kernel's receive path without a system call per packet
 *
 * A kernel whose packet socket sends 600,000 packets per second on one core can't be asked to offer a
 * million with it. The kernel runs an XDP program over frames it makes itself and passes them up the
 * stack as if they had arrived on an interface (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18): packet
 * sockets see them as they see any other packet. The program copies in what it is given, a frame of
 * its own for each packet, so the traffic is the same as a packet socket would send.
 */
#pragma once

#include "frame.h"

#include <stdint.h>

#define INJECT_BATCH 256 /* frames of one call; their memory is made anew in each */

/* One frame to be sent */
struct inject_entry {
	uint32_t offset; /* in the area */
	uint32_t length;
	int32_t cut; /* to that length from what the kernel makes; never above 0 */
	uint32_t unused;
};

/* What the program reads; a map of one entry, mapped into this process */
struct inject_area {
	uint64_t next; /* of the entries; the program moves it on */
	struct inject_entry entries[INJECT_BATCH];
	uint8_t frames[];
};

struct inject {
	struct inject_area *area;
	int program;
};

/**
 * inject_open() - Load the program
 * @bytes:	Memory for frames, in area->frames
 *
 * The loopback interface of the network namespace gets the program as well: no traffic may pass there.
 * System calls: bpf, mmap. Exits on failure.
 */
void inject_open(struct inject *ret_inject, size_t bytes);

/**
 * inject_redirect() - Send all that arrives on one interface out on another (TCX, Linux 6.6)
 *
 * Makes packets that leave of packets that arrive, until this process ends. Exits on failure.
 */
void inject_redirect(unsigned from, unsigned to);

/**
 * inject_drop() - Let nothing that arrives on an interface go further up than packet sockets
 *
 * As cheap as it gets, until this process ends. Exits on failure.
 */
void inject_drop(unsigned interface);

/**
 * inject_send() - Let frames arrive
 * @interface:	Where, in the caller's network namespace
 * @frames:	Stamped; their bytes are in area->frames
 * @count:	Up to INJECT_BATCH
 */
void inject_send(const struct inject *inject, unsigned interface, const struct frame *const *frames,
		 unsigned count);
