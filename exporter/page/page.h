/* SPDX-License-Identifier: MIT */
/* The page at /: what an operator looks at, as HTML with neither script nor anything to load
 *
 *	page.c			the page from top to bottom
 *	problems.c		what is wrong, at the top
 *	figures.c		the numbers of now
 *	chart.c		the last hour as lines
 *	domains.c		domain by domain, where there are several
 *	places.c		countries and networks as bars
 *	style.c		the style sheet, and the policy that allows it
 *	text.c		numbers, times, and whatever has to be escaped
 *
 * Shows neither addresses nor ClientIDs. What comes from the command line or from a file passes
 * through page_escape().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES (128u << 10) /* enough for any page, see test_page.c */

struct batch_state;
struct databases;
struct history;
struct page_row;
struct traffic;

/* Memory for adding up the series by country and by network */
struct page {
	struct page_row *rows; /* a hash table */
	uint32_t mask;
};

/* Everything that is shown, at one moment */
struct page_facts {
	const struct traffic *traffic;
	const struct history *history; /* advanced to the same moment */
	const struct batch_state *capture;
	const struct databases *databases;
	const char *const *names; /* of the domains */
	const char *telemetry_path;
	const char *version, *revision;
	uint64_t now_ns;	     /* monotonic, as the traffic has it */
	uint64_t now_realtime_ns;    /* the same moment, since 1970 */
	uint64_t start_ns;	     /* of the program, since 1970 */
	uint64_t certificate_expiry; /* seconds since 1970, 0 without TLS */
	bool is_ready;		     /* capture is running */
};

/**
 * page_open() - All the memory that page_render() needs
 * @series:	Label sets at most, as -metrics.max-series has it
 * @domains:	Each may have one more, see series.h
 *
 * Return: 0, -ENOMEM, -EIO if page_csp() can't be made
 */
int page_open(struct page *ret_page, uint32_t series, uint32_t domains);

void page_close(struct page *page);

/**
 * page_render() - The whole page, to be sent with page_csp()
 * @buffer:	PAGE_BYTES are enough
 *
 * Makes no system calls and takes no memory.
 *
 * Return: bytes written; 0 if there was no room
 */
size_t page_render(const struct page *page, const struct page_facts *facts, char *buffer,
		   size_t bytes);

/**
 * page_csp() - Value of the header Content-Security-Policy
 *
 * Allows the page's own style, known by its hash, and nothing else. The page loads itself again by
 * a refresh in its head, which no directive speaks of.
 *
 * Return: valid after page_open(), for as long as the program runs
 */
const char *page_csp(void);
