/* SPDX-License-Identifier: MIT */
/* The one loop: what waits for a descriptor, and what is due by the clock */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "geoip/databases.h"
#include "http/http.h"
#include "intake/supervise.h"
#include "page/page.h"
#include "routes.h"
#include "system/process.h"
#include "system/systemd.h"
#include "traffic/history.h"
#include "traffic/interfaces.h"
#include "traffic/signs.h"
#include "traffic/traffic.h"
#include "web/web.h"

/* Everything the program has. main.c opens and closes it, run.c lets it work. */
struct exporter {
	struct options options;
	const char *names[CONFIG_DOMAINS]; /* of its domains */
	struct process process;
	struct interfaces interfaces;
	struct databases databases;
	struct supervise capture;
	struct traffic traffic;
	struct history history;
	struct signs_logged signs;
	uint64_t signs_due_ns; /* when they are looked for next */
	struct page page;
	struct routes routes;
	struct http *http;
	struct web web;
	struct systemd systemd;
	int signals; /* signalfd of SIGHUP, and of those that end the program */
	int epoll;
	uint64_t http_due_ns;
	bool is_told_to_end;
};

/**
 * run_watch() - Watch the descriptors; to be called before the sandbox
 * @exporter:	Kept; with signals, capture, listening sockets and interfaces opened
 *
 * @ret_reason:	Filled on failure: the call, and why
 *
 * System calls: epoll_create1, epoll_ctl.
 *
 * Return: 0, negative errno
 */
int run_watch(struct exporter *exporter, struct reason *ret_reason);

/**
 * run_until_end() - Serve until a signal or the end of capture
 *
 * Return: the program's exit status
 */
int run_until_end(struct exporter *exporter);

/**
 * run_metrics_bound() - Bytes that are enough for run_metrics() at any moment
 * @exporter:	With options, names and databases; the rest may not be open yet
 */
size_t run_metrics_bound(const struct exporter *exporter);

/* For struct routes, with struct exporter as the context */
size_t run_metrics(void *context, enum exposition_format format, char *buffer, size_t bytes);
void run_observe(void *context, struct page_facts *ret_facts);
bool run_is_ready(void *context);
