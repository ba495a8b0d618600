/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http.h"

struct exposition;

struct routes {
	const char *telemetry_path;
	/* Fills in what is shown at this moment */
	void (*observe)(void *context, struct exposition *ret_exposition);
	bool (*ready)(void *context);
	void *context;
	char *buffer; /* where metrics are rendered */
	size_t buffer_bytes;
};

/**
 * routes_answer() - http_answer for struct routes
 *
 * GET and HEAD of the telemetry path, of / and of the health paths; 405 for other methods, 404 for
 * other paths.
 */
http_answer routes_answer;
