/* SPDX-License-Identifier: MIT */
/* What the exporter does with what capture tells it: distrust it, then read it */
#pragma once

#include "common/record.h"

/* What the receiver remembers from one message to the next; zero at start. */
struct batch_state {
	uint64_t sequence; /* of the next message; 0 until the hello came */
	uint64_t packets;
	uint64_t ring_drops;
	uint64_t stalls;
};

/**
 * record_check_batch() - What is wrong with a message, if anything
 * @batch:	The message
 * @bytes:	Its length as received
 * @domains:	Configured domains: no record may name another
 * @state:	Brought up to date when the message is right
 *
 * Return: NULL if every rule holds, else a short description that names no content
 */
const char *record_check_batch(const struct batch *batch, size_t bytes, unsigned domains,
			       struct batch_state *state);

/* Its segments, from 0 on */
static inline const struct segment *record_segment(const struct record *message, unsigned index)
{
	return &message[1 + index / RECORD_SEGMENTS].segment[index % RECORD_SEGMENTS];
}
