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

/* Answers of the telemetry path, as promhttp counts them */
struct routes_counts {
	uint64_t ok, error;
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
	char *buffer; /* where metrics are rendered */
	size_t buffer_bytes;
	struct gzip *gzip;
	uint8_t *compressed; /* gzip_bound() of it */
	size_t compressed_bytes;
	struct routes_counts counts;
};

/**
 * routes_open() - Take the memory for responses
 * @routes:	The fields up to web are set
 * @buffer_bytes: Of the longest response, before compression
 *
 * Return: 0, -ENOMEM
 */
int routes_open(struct routes *routes, size_t buffer_bytes);

void routes_close(struct routes *routes);

/**
 * routes_answer() - http_answer for struct routes
 *
 * GET and HEAD of the telemetry path, of / and of the health paths; 405 for other methods, 404 for
 * other paths.
 */
http_answer routes_answer;
