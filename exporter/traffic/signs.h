/* SPDX-License-Identifier: MIT */
/* What speaks against zeros that look well: whether something is wrong with a tunnel, or with the
 * exporter's flags for it
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"

struct batch_state;
struct history;
struct traffic;

#define SIGNS_SILENT_NS	     (UINT64_C(30) * 1000000000) /* a healthy server takes 1.5 s at most */
#define SIGNS_NOT_WORKING_NS (UINT64_C(45) * 1000000000) /* a probe is active for 30 s */
#define SIGNS_QUIET_NS	     (UINT64_C(60) * 1000000000)
#define SIGNS_AGAIN_NS	     (UINT64_C(21600) * 1000000000) /* until it is logged again: 6 hours */
#define SIGNS_ALONE	     10 /* answers a minute: more than scanners' probes, and than is under way */
#define SIGNS_FOREIGN	     20 /* queries */

/* Of a domain, the first that is true */
enum sign {
	SIGN_NONE,
	SIGN_SILENT,	  /* queries arrive and are not answered */
	SIGN_EDNS,	  /* answers leave to queries that were refused by their EDNS size */
	SIGN_WIRE,	  /* answers leave to queries that were refused by their format */
	SIGN_ELSEWHERE,	  /* answers leave to queries that never arrived here */
	SIGN_NAME,	  /* no query has come so far, and answers leave under another domain */
	SIGN_NOT_WORKING, /* clients are active and none works */
	SIGNS,
};

struct signs {
	struct {
		enum sign sign;
		uint64_t seconds; /* for which SIGN_SILENT or SIGN_NOT_WORKING has been true */
	} domain[CONFIG_DOMAINS];
	unsigned count;	  /* domains that have one */
	uint64_t foreign; /* queries under no domain, where none was ever accepted; 0: no matter */
	bool is_quiet;	  /* a minute after the start there was not a packet on the port */
};

/**
 * signs_find() - What there is at this moment
 * @history:	Advanced to it
 * @now_ns:	CLOCK_MONOTONIC
 */
void signs_find(const struct history *history, const struct traffic *traffic,
		const struct batch_state *capture, uint64_t now_ns, struct signs *ret_signs);

/* What was logged, and when; zero at start */
struct signs_logged {
	struct signs_log {
		uint64_t at_ns[SIGNS]; /* 0: never */
	} domain[CONFIG_DOMAINS];
	uint64_t foreign_ns, quiet_ns;
};

/**
 * signs_log() - A line for each sign that is new, or was last logged six hours ago
 * @names:	Of the domains
 * @port:	That is watched
 */
void signs_log(struct signs_logged *logged, const struct signs *signs, const char *const *names,
	       uint32_t domains, uint16_t port, uint64_t now_ns);
