/* SPDX-License-Identifier: MIT */
/* Responses too long to be copied: written once, read by libmicrohttpd as its clients read
 *
 * All their memory is reserved at start, and what was written stays as it was until the last reader is
 * done, so that each response is of one moment.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many can be on their way at a time, except those made at the same moment. Half of them for one
 * host, whose clients may be slow to read.
 */
#define SNAPSHOTS 6

struct gzip;
struct http;

struct snapshot {
	char *buffer; /* the text is at its end, and what is compressed of it at its begin */
	struct gzip *gzip;
	const char *content_type;
	bool compressed;
	bool whole;	  /* nothing is left to be compressed */
	const char *sent; /* in the buffer; NULL: its text is yet to be written */
	size_t bytes;	  /* of it, by now */
	unsigned readers; /* 0: free */
	uint64_t made_ns; /* as given to http_run() */
	uint64_t source;  /* peer_key() of whose it is */
	struct http *http;
};

struct snapshots {
	struct snapshot snapshot[SNAPSHOTS];
	size_t text_bytes; /* of a buffer, for the text */
	size_t ahead;	   /* of it, so that compressed bytes never meet it */
};

/**
 * snapshots_open() - Reserve the memory for all
 * @text_bytes:	Of the longest text
 *
 * Return: 0, -ENOMEM
 */
int snapshots_open(struct snapshots *ret_snapshots, size_t text_bytes);

void snapshots_close(struct snapshots *snapshots);

/**
 * snapshots_take() - One for a request: the same as for another one of this host at this moment
 * @wanted:	Content type, compression, moment, source and server
 *
 * Hosts share none, since who reads it to the end keeps it.
 *
 * Return: for snapshots_respond() or snapshots_release(), NULL if there is none
 */
struct snapshot *snapshots_take(struct snapshots *snapshots, const struct snapshot *wanted);

void snapshots_release(struct snapshot *snapshot);

/**
 * snapshots_text() - Where its text is to be written, if nothing was sent of it
 */
char *snapshots_text(const struct snapshots *snapshots, const struct snapshot *snapshot);

/**
 * snapshots_respond() - The response, which releases the snapshot
 * @text_bytes:	Of the text, if it was written now
 *
 * Return: NULL without memory
 */
struct MHD_Response *snapshots_respond(struct snapshots *snapshots, struct snapshot *snapshot,
				       size_t text_bytes);
