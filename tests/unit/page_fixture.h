/* SPDX-License-Identifier: MIT */
/* A page for tests: what it shows is set up field by field, and what it says is searched */
#pragma once

#include "common/record_check.h"
#include "geoip/databases.h"
#include "page/page.h"
#include "traffic/history.h"
#include "traffic/traffic.h"

#define SECOND	    UINT64_C(1000000000)
#define DAY	    86400
#define NOW	    (100000 * SECOND)
#define NOW_1970    UINT64_C(1795455301) /* 2026-11-23T17:35:01Z */
#define PAGE_SERIES 4096

struct page_host {
	struct traffic traffic;
	struct history history;
	struct batch_state capture;
	struct databases databases; /* built 12 days ago */
	struct page_facts facts;    /* of all that is here, at NOW */
	const char *names[CONFIG_DOMAINS];
	char domains[CONFIG_DOMAINS][256];
	struct page page;
	char text[PAGE_BYTES + 1];
	size_t bytes;
};

extern struct page_host page_host;

/* For cmocka: a host before page_host_domains(), and its end */
int page_host_setup(void **state);
int page_host_teardown(void **state);

/* Opens the tables, for t0.example.com and on */
void page_host_domains(uint32_t domains);

/* A label set that has clients now; queries and sessions follow from their number */
struct series *page_host_series(uint8_t domain, const char *country, uint32_t asn,
				uint32_t clients);

/* What there is to show of a database, to be changed */
struct geoip_status *page_host_database(unsigned kind);

/* Looks at the traffic at this many seconds before NOW */
void page_host_look(uint64_t seconds_ago);

/* Renders the page of NOW; the test fails if that is not well formed */
void page_host_render(void);

void assert_shown(const char *text);
void assert_not_shown(const char *text);
