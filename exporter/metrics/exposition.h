/* SPDX-License-Identifier: MIT */
/* The metrics, as text 0.0.4 and OpenMetrics 1.0.0: every family stands in one table */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/negotiate.h"

struct batch_state;
struct geoip_database;
struct http_counts;
struct options;
struct process;
struct routes_counts;
struct traffic;
struct web;

/* Everything that is shown, at one moment */
struct exposition {
	const struct options *options;
	const struct traffic *traffic;
	const struct batch_state *capture;
	const struct process *process;
	const struct http_counts *http;
	const struct routes_counts *scrapes;
	const struct geoip_database *country, *asn; /* NULL: there is no such label */
	const struct web *web;			    /* NULL: there is no -web.config.file */
	uint64_t certificate_ends;		    /* seconds since 1970, 0 without TLS */
	uint64_t now_ns;			    /* CLOCK_MONOTONIC, as the traffic has it */
	uint64_t now_realtime_ns;		    /* since 1970 */
};

/**
 * exposition_bound() - Bytes that are enough for any moment
 */
size_t exposition_bound(const struct options *options);

/**
 * exposition_render() - All families
 * @buffer:	Of exposition_bound() bytes
 *
 * Return: bytes written; 0 if they were not enough
 */
size_t exposition_render(const struct exposition *exposition, enum negotiate_format format,
			 char *buffer, size_t bytes);
