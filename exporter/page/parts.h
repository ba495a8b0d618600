/* SPDX-License-Identifier: MIT */
/* What the parts of the page share: see page.h */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "page/page.h"
#include "traffic/history.h"
#include "traffic/signs.h"

#define PAGE_SECOND_NS	UINT64_C(1000000000)
#define PAGE_REFRESH_S	15 /* a new sample each time */
#define PAGE_DOMAINS	20 /* shown at most; the rest is summed up */
#define PAGE_TOP	10 /* countries, networks */
#define PAGE_OTHER	UINT64_MAX
#define PAGE_BASE_BYTES 45 /* SHA-256 in base64 */

struct geoip_status;
struct histogram;

/* Series added up by country or by network */
struct page_row {
	uint64_t key; /* what they have in common, or PAGE_OTHER */
	uint64_t sessions, queries;
	uint64_t rtt_count, rtt_ms; /* round trips, and their sum */
	uint32_t clients;
};

struct page_view {
	const struct page_facts *facts;
	const struct history *history;
	const struct page *page;
	struct history_sample now;
};

/* text.c */

/**
 * page_escape() - Text without markup, wherever it comes from and wherever it goes
 *
 * Right as content and within quotation marks. What is not printable ASCII shows as U+FFFD.
 */
void page_escape(struct text *text, const char *string);

void page_count(struct text *text, uint64_t number);			/* 12,345 */
void page_plural(struct text *text, uint64_t number, const char *noun); /* 1 client, 2 clients */
void page_decimal(struct text *text, double number);			/* 12,345 or 1.5 */
void page_bytes(struct text *text, double bytes);			/* 1.5 MiB */
void page_span(struct text *text, uint64_t seconds);			/* 3 minutes */
void page_milliseconds(struct text *text, double ms);			/* 60 ms, 1.5 s */

/* Of what was observed in ms, as far as the buckets tell; a dash if nothing was */
void page_median(struct text *text, const struct histogram *histogram);

/**
 * page_date() - A time as 2026-11-23T16:55:05Z
 * @seconds:	Since 1970
 *
 * Return: false, and nothing is written, beyond the year 9999
 */
bool page_date(struct text *text, uint64_t seconds);

/**
 * page_ago() - "3 minutes ago", with the time itself in a title
 * @seconds:	Since 1970
 */
void page_ago(struct text *text, const struct page_view *view, uint64_t seconds);

/* The same for CLOCK_MONOTONIC; 0 is never */
void page_ago_ns(struct text *text, const struct page_view *view, uint64_t at_ns);

/* chart.c */

struct page_point {
	double value;
	uint16_t x;  /* seconds since an hour ago */
	bool joined; /* to the point before */
};

struct page_line {
	struct page_point point[HISTORY_SAMPLES + 1];
	unsigned count;
	double least, most;
};

/* @offset: of a counter in struct history_sample */
void page_line_rate(const struct page_view *view, size_t offset, struct page_line *ret_line);
void page_line_clients(const struct page_view *view, struct page_line *ret_line);
void page_line_domain(const struct page_view *view, uint32_t domain, struct page_line *ret_line);

enum page_unit {
	PAGE_CLIENTS,
	PAGE_QUERIES, /* each second */
	PAGE_TRAFFIC, /* bytes each second */
};

void page_value(struct text *text, enum page_unit unit, double value);

struct page_chart {
	const char *id; /* unlike any other of the page */
	const char *title;
	const char *names[2]; /* of the lines; NULL where there is but one */
	enum page_unit unit;
	const struct page_line *lines[2]; /* the second one is dashed, or NULL */
};

/**
 * page_chart() - Lines with a scale beside them and the hour below
 */
void page_chart(struct text *text, const struct page_chart *chart);

/**
 * page_sparkline() - A small line of clients, to its own scale
 */
void page_sparkline(struct text *text, const struct page_line *line);

/* problems.c */

struct page_problems {
	uint64_t drops, evictions; /* in the last hour */
	struct signs signs; /* of what is wrong with tunnels: the first PAGE_DOMAINS are shown */
	unsigned old_databases;		       /* bit by enum geoip_kind */
	bool not_ready, overflow, certificate; /* it ends soon, or has ended */
	unsigned count;
};

void page_problems_find(const struct page_view *view, struct page_problems *ret_problems);
void page_problems(struct text *text, const struct page_view *view,
		   const struct page_problems *problems);

/* @kind: enum geoip_kind. Return: NULL without such a database */
const struct geoip_status *page_database(const struct page_view *view, unsigned kind);

/* Whether it is known of some domain's clients whether they work */
bool page_knows_work(const struct page_view *view);

/* figures.c, domains.c, places.c */

void page_figures(struct text *text, const struct page_view *view,
		  const struct page_problems *problems);
void page_domains(struct text *text, const struct page_view *view);
void page_places(struct text *text, const struct page_view *view);

/* style.c */

/* Return: 0, -EIO */
int page_style_open(void);
