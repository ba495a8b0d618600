/* SPDX-License-Identifier: MIT */
/* The GeoIP databases of the command line: opened in two steps, replaced while they are in use */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "geoip/geoip.h"

#define DATABASES_POLL_NS (UINT64_C(60) * 1000000000)

struct databases {
	struct geoip_database *database[GEOIP_KINDS]; /* NULL: not given */
	bool wanted[GEOIP_KINDS];		      /* to be loaded, after what is being loaded */
	bool loading[GEOIP_KINDS];
	uint64_t next_poll_ns;
};

/**
 * databases_read() - Copy what was given into memory, while it may still be read
 * @paths:	By enum geoip_kind; NULL: not given
 * @ret_reason:	Filled on failure
 */
int databases_read(struct databases *ret_databases, const char *const paths[GEOIP_KINDS],
		   struct reason *ret_reason);

/**
 * databases_open() - Check and use them; to be called without privileges
 */
int databases_open(struct databases *databases, struct reason *ret_reason);

void databases_close(struct databases *databases);

/**
 * databases_reload() - Load all of them again, bit by bit in databases_run()
 *
 * What is being loaded at that moment is loaded once more afterwards, so that the file that is now
 * there is the one that counts.
 */
void databases_reload(struct databases *databases);

/**
 * databases_run() - A few milliseconds of loading, if there is something to load
 * @now_ns:	CLOCK_MONOTONIC
 * @ret_replaced: True if a database took the place of another
 *
 * Looks for replaced files once a minute. What comes of it is logged.
 *
 * Return: true if there is more to do at once
 */
bool databases_run(struct databases *databases, uint64_t now_ns, bool *ret_replaced);
