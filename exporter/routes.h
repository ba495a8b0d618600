/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"
#include "http/snapshots.h"

struct exposition;
struct history;
struct page;
struct web;

/* Answers of the telemetry path, as promhttp counts them */
struct routes_counts {
	uint64_t ok, error, unavailable;
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
	struct snapshots snapshots; /* of snapshots_open() */
	struct routes_counts counts;
};

/**
 * routes_answer() - http_answer for struct routes
 *
 * GET and HEAD of the telemetry path, of / and of the health paths; 405 for other methods, 404 for
 * other paths. 503 for want of a snapshot, and whenever the request is_busy, but for the health
 * paths: a program is not to be ended because it is scraped.
 */
http_answer routes_answer;
