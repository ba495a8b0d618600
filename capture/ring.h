/* SPDX-License-Identifier: MIT */
/* The packet socket, its kernel filter and its ring */
#pragma once

#include <stdbool.h>

#include "common/config.h"
#include "common/record.h"

struct sight;

struct ring {
	uint8_t *map;
	uint32_t blocks, block_bytes;
	uint32_t block;	       /* the one being read, or the next */
	uint32_t left, packet; /* packets in it not yet read; offset of the next one */
	int fd;
	bool open, sealed; /* the block is ours, not the kernel's; mseal(2) of the map */
	bool cuts; /* a virtio-net header in front of each packet says where it is to be cut */
};

/* Open the socket and receive what the filter passes: nothing before bind(), so nothing unfiltered.
 * System calls: socket, setsockopt, mmap, mseal, bind.
 * Return: 0, or the enum failure_stage that failed, with errno set
 */
int ring_open(const struct config *config, struct ring *ret_ring);

/* The next packet, valid until the next call, if there is one. left is 0 after a block's last. */
bool ring_next(struct ring *ring, struct sight *ret_sight);

/* Bring packets and ring_drops up to date. System calls: getsockopt. */
void ring_count(const struct ring *ring, struct batch_header *header);
