/* SPDX-License-Identifier: MIT */
/* Puts queries into the kernel's receive path without a system call per packet
 *
 * A kernel whose packet socket sends 600,000 packets per second on one core can't be asked to offer a
 * million with it. The kernel runs an XDP program over frames it makes itself and passes them up the
 * stack as if they had arrived on an interface (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18): packet
 * sockets see them as they see any other packet.
 */
#pragma once

#include "frame.h"

#include <stdint.h>

#define INJECT_IPV6 1 /* parts of a shape */
#define INJECT_POLL 2

/* What the program reads and writes; a map of one entry, mapped into this process */
struct inject_state {
	uint64_t number;  /* of the next query of the frame in use */
	uint64_t clients; /* of this frame */
	uint64_t first;	  /* index of its first client */
	uint64_t stride;  /* from one of its clients to the next */
	uint64_t key;	  /* of the ClientIDs: frame_mix(index ^ key) */
	uint64_t udp_sum; /* of all that the program does not write */
	uint64_t shape;	  /* of the frame */
};

struct inject {
	struct inject_state *state;
	int program;
};

/**
 * inject_open() - Load the program
 *
 * The loopback interface of the network namespace gets the program as well: no traffic may pass there.
 * System calls: bpf, mmap. Exits on failure.
 */
void inject_open(struct inject *ret_inject);

/**
 * inject_redirect() - Send all that arrives on one interface out on another (TCX, Linux 6.6)
 *
 * Makes packets that leave of packets that arrive. Exits on failure.
 */
void inject_redirect(unsigned from, unsigned to);

/**
 * inject_send() - Send one frame several times, each time from the next of its clients
 * @inject:	Its state describes the clients; number is moved on
 * @interface:	Where the frames shall arrive, in the caller's network namespace
 * @frame:	Stamped: address and port stay, ClientID, DNS ID and serial number change
 * @count:	How often
 */
void inject_send(const struct inject *inject, unsigned interface, const struct frame *frame,
		 unsigned count);
