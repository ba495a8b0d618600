/* SPDX-License-Identifier: MIT */
/* Who collects metrics, in the order in which they are shown */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hall_metrics.h"
#include "http/http.h"
#include "metrics/exposition.h"
#include "system/process.h"
#include "traffic/traffic_metrics.h"
#include "web/web_metrics.h"

struct batch_state;
struct databases;

/* Everything that is counted, at one moment */
struct collect {
	struct traffic_metrics traffic;
	const struct batch_state *capture;
	const struct databases *databases;
	struct http_counts http;
	struct web_metrics web;
	struct hall_scrapes scrapes;
	struct process_usage process;
	bool has_web;		/* there is a -web.config.file */
	bool is_without_itself; /* -web.disable-exporter-metrics */
};

/**
 * collect_bound() - Bytes that are enough for collect_render() at any moment
 * @collect:	Of the traffic: names, domains, maximum and labels; the switches
 */
size_t collect_bound(const struct collect *collect);

/**
 * collect_render() - All metrics as text
 *
 * Return: bytes written; 0 if there was not enough room
 */
size_t collect_render(const struct collect *collect, enum exposition_format format, char *buffer,
		      size_t bytes);
