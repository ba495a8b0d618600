/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http.h"

struct exposition;
struct history;
struct page;

struct web;
struct gzip;

/* Responses that can be on their way at a time, but for those made at the same moment, and short ones.
 * Half of them for one host, whose clients may be slow to read.
 */
#define ROUTES_SNAPSHOTS 6

/* Answers of the telemetry path, as promhttp counts them */
struct routes_counts {
	uint64_t ok, error, unavailable;
};

/* What was to be shown at one moment, until the last of those who asked for it then has read it */
struct routes_snapshot {
	char *buffer; /* the text is at its end, and what is compressed of it at its begin */
	struct gzip *gzip;
	const char *content_type;
	bool compressed;
	bool whole;	  /* nothing is left to be compressed */
	const char *sent; /* in the buffer */
	size_t bytes;	  /* of it, by now */
	unsigned readers; /* 0: free */
	uint64_t made_ns; /* as http_run() was told */
	uint64_t source;  /* of credentials_source(): whose it is */
	struct http *http;
};

struct routes {
	const char *telemetry_path;
	/* Fills in what is shown at this moment */
	void (*observe)(void *context, struct exposition *ret_exposition);
	bool (*ready)(void *context);
	void *context;
	struct web *web;
	const struct page *page; /* NULL: -web.disable-page */
	const struct history *history;
	struct routes_snapshot snapshot[ROUTES_SNAPSHOTS];
	size_t text_bytes; /* of a buffer, for the text */
	size_t ahead;	   /* of it, so that compressed bytes never meet it */
	struct routes_counts counts;
};

/**
 * routes_open() - Take the memory for responses
 * @routes:	The fields before the snapshots are set
 * @text_bytes:	Of the longest response, before compression
 *
 * Return: 0, -ENOMEM
 */
int routes_open(struct routes *routes, size_t text_bytes);

void routes_close(struct routes *routes);

/**
 * routes_answer() - http_answer for struct routes
 *
 * GET and HEAD of the telemetry path, of / and of the health paths; 405 for other methods, 404 for
 * other paths. 503 for want of a snapshot, and whenever the request is_busy, but for the health
 * paths: a program is not to be ended because it is scraped.
 */
http_answer routes_answer;
