/* SPDX-License-Identifier: MIT */
/* The packet socket, its kernel filter and its ring */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "record.h"

struct sight;
struct sock_fprog;

struct ring {
	int fd;
	uint8_t *map;
	uint32_t blocks, block_bytes;
	uint32_t block;		 /* the one being read, or the next */
	bool open;		 /* it is ours, not the kernel's */
	uint32_t left;		 /* packets in it not yet read */
	uint32_t packet;	 /* offset of the next one */
	uint64_t packets, drops; /* since start: put into the ring; not, for want of room */
	bool sealed;		 /* mseal(2): the mapping can't be changed any more */
};

/* The kernel filter for a DNSTT server on @port; in static memory */
struct sock_fprog filter_program(uint16_t port);

/**
 * ring_open() - Open the socket and receive what the filter passes
 *
 * System calls: socket, setsockopt, mmap, mseal, bind. Nothing is received before bind(), so nothing
 * comes in unfiltered. The ring is halved until the kernel has memory for it.
 *
 * Return: 0, or what failed, with errno set
 */
int ring_open(const struct config *config, struct ring *ret_ring);

/**
 * ring_next() - The next packet
 * @ret_sight:	Valid until the next call; ring->left is 0 after the last of a block
 *
 * No system calls. Return: false if the kernel has not filled another block
 */
bool ring_next(struct ring *ring, struct sight *ret_sight);

/* Bring packets and drops up to date. System calls: getsockopt. */
void ring_count(struct ring *ring);
