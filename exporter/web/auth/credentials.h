/* SPDX-License-Identifier: MIT */
/* Basic authentication against bcrypt hashes, in a loop that must not stand still
 *
 * A bcrypt takes 60 ms at cost 10 and a second at cost 14, and all else waits for it. So:
 *
 * - No pair of name and password is computed twice: the good one of every user is remembered, and
 *   the latest 100 bad ones. What is remembered is an HMAC-SHA-256, under a random key, of name,
 *   hash and password with their lengths before them. Bad ones can't push out good ones.
 * - An unknown name costs what a known one does: a bcrypt that can't match, at the cost of one of
 *   the users, always the same one for the same name.
 * - Over time, bcrypt gets a quarter of the loop's time at most (and after a pause up to a quarter
 *   of a second, or one computation, in a row). A source address gets 4 in a row and then one in
 *   30 seconds. What is over either budget is CREDENTIALS_BUSY at once. Remembered pairs need no
 *   budget, so a scraper that has logged in once is never refused for what others do.
 *
 * That leaves a flood before a scraper's first login since the start. One source, of which an
 * IPv6 /48 is one, can use its own budget only. To use up everybody's, at cost 10, takes about
 * 120 sources, of which each goes on all the time; then a first login is a matter of luck. Behind
 * a reverse proxy all clients are one source, so the proxy should ask for passwords there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct credentials;
struct web_config;

#define CREDENTIALS_CACHE   100 /* bad pairs remembered */
#define CREDENTIALS_RETRY_S 30	/* for Retry-After beside CREDENTIALS_BUSY */

enum credentials_verdict {
	CREDENTIALS_ACCEPTED, /* also whenever there are no users */
	CREDENTIALS_REFUSED,  /* 401 with WWW-Authenticate: Basic */
	CREDENTIALS_BUSY,     /* 429 with Retry-After: not looked at */
};

/* Everything that happened since the start */
struct credentials_counts {
	uint64_t accepted;
	uint64_t refused;
	uint64_t busy;
	uint64_t computed; /* bcrypts */
	uint64_t computed_ns;
};

/**
 * credentials_load() - Take over the users of a configuration
 * @config:	Not needed afterwards
 * @ret:	For credentials_free(); 160 KiB, and nothing is allocated later
 *
 * Computes one bcrypt of the highest cost, to see that it works and how long it takes. System
 * calls: getrandom, and what malloc() makes.
 *
 * Return: 0, -ENOMEM, what getrandom() says when there is no randomness, -ENOTSUP when libcrypt has no bcrypt
 */
int credentials_load(const struct web_config *config, struct credentials **ret);

/**
 * credentials_reload() - Take over the users of another configuration
 *
 * Pairs of users that are the same in it are still remembered. Nothing is allocated, nothing
 * computed, and nothing can fail.
 */
void credentials_reload(struct credentials *credentials, const struct web_config *config);

/**
 * credentials_free() - Wipe and release; NULL is fine
 */
void credentials_free(struct credentials *credentials);

/**
 * credentials_check() - Whether a request may be served
 * @authorization:	Value of its Authorization header, NULL if it has none
 * @source:		Of peer_key()
 * @now_ns:		Monotonic
 *
 * No system calls but, where the vDSO has no clock, clock_gettime. No allocation. The password
 * is wiped before it returns.
 */
enum credentials_verdict credentials_check(struct credentials *credentials,
					   const char *authorization, uint64_t source,
					   uint64_t now_ns);

/**
 * credentials_counts() - Copy of the counters
 */
struct credentials_counts credentials_counts(const struct credentials *credentials);
