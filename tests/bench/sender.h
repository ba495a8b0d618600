/* SPDX-License-Identifier: MIT */
/* Sends frames from a packet socket, many per system call */
#pragma once

#include "frame.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SENDER_BATCH 64

struct sender {
	int fd;
	unsigned waiting;
	struct mmsghdr messages[SENDER_BATCH];
	struct iovec vectors[SENDER_BATCH];
	const struct frame *frames[SENDER_BATCH];
	uint64_t sent, bytes; /* frames, and the DNS messages in them */
};

/**
 * sender_open() - Packet socket that sends on an interface; exits on failure
 * @bypass:		Without the queueing discipline. Such a send is not shown to other packet
 *			sockets of its side: right for the far end, wrong for the host's own responses.
 * @ret_address:	Ethernet address of the interface
 */
void sender_open(struct sender *ret_sender, const char *interface, bool bypass,
		 uint8_t ret_address[6]);

/**
 * sender_add() - Send a frame with the next flush, which comes by itself with SENDER_BATCH of them
 * @frame:	Stamped; must stay as it is until then
 */
void sender_add(struct sender *sender, const struct frame *frame);

/**
 * sender_count() - A frame was sent, by whatever means
 */
void sender_count(struct sender *sender, const struct frame *frame);

/**
 * sender_flush() - Send what was added
 *
 * Frames that the kernel has no room for are sent again; those for a link that is down are not
 * counted.
 */
void sender_flush(struct sender *sender);
