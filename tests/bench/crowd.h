/* SPDX-License-Identifier: MIT */
/* Who the queries come from, and the frames they are sent in */
#pragma once

#include "generator_options.h"
#include "frame.h"

#include <stddef.h>
#include <stdint.h>

/* Frames of one domain and address family */
struct sort {
	struct frame *queries, *responses;
	unsigned next;
};

struct crowd {
	const struct generator_options *options;
	struct sort sorts[FRAME_DOMAINS][2];
	unsigned frames; /* of each sort */
	uint64_t random, number, stranger;
};

/* A query and, if they are wanted, its response, to be sent before 64 others are asked for */
struct exchange {
	struct frame *query, *response;
	struct client client;
};

/**
 * crowd_bytes() - Memory for all frames
 */
size_t crowd_bytes(const struct generator_options *options);

/**
 * crowd_make() - Make all frames
 * @crowd:	Zero
 * @memory:	crowd_bytes() of it, which the frames are put in
 */
void crowd_make(struct crowd *crowd, const struct generator_options *options,
		const struct link *link, uint8_t *memory);

/**
 * crowd_client() - The client of an index, always the same: its ClientID and resolver
 * @ret_client:	serial, port and dns_id stay as they are
 *
 * Return: whether the resolver has an IPv6 address; 30 of 100 have
 */
bool crowd_client(const struct crowd *crowd, uint64_t index, struct client *ret_client);

/**
 * crowd_next() - The next client's query, stamped
 */
void crowd_next(struct crowd *crowd, struct exchange *ret_exchange);
