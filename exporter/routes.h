/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hall_metrics.h"
#include "http/http.h"
#include "http/snapshots.h"
#include "metrics/exposition.h"

struct page;
struct page_facts;
struct web;

struct routes {
	const char *telemetry_path;
	/* The metrics of this moment: bytes written, 0 if there was not enough room */
	size_t (*metrics)(void *context, enum exposition_format format, char *buffer, size_t bytes);
	/* Fills in what the page shows at this moment */
	void (*observe)(void *context, struct page_facts *ret_facts);
	bool (*ready)(void *context);
	void *context;
	struct web *web;
	const struct page *page;     /* NULL: -web.disable-page */
	struct snapshots snapshots;  /* of snapshots_open() */
	struct hall_scrapes scrapes; /* but what is in flight */
};

/**
 * routes_answer() - http_answer for struct routes
 *
 * GET and HEAD of the telemetry path, of / and of the health paths; 405 for other methods, 404 for
 * other paths. 503 when all snapshots are in use, and whenever the request is_busy, but for the health
 * paths: a program is not to be ended because it is scraped.
 */
http_answer routes_answer;
