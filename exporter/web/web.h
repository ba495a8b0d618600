/* SPDX-License-Identifier: MIT */
/* -web.config.file in use: TLS, users, headers and rate limit, loaded again when they change */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "web/config/webconfig.h"
#include "web/webwatch.h"

struct credentials;
struct tls;

#define WEB_POLL_NS (UINT64_C(60) * 1000000000)

struct web {
	const char *path; /* NULL: none is given, and all of this is off */
	struct web_config config;
	struct credentials *credentials;
	struct tls *tls; /* NULL: plain HTTP, for as long as the program runs */
	struct webwatch watch;
	uint64_t next_poll_ns;
	struct bucket limit; /* of requests, for all clients together */
	uint64_t reloads, reload_failures;
};

/**
 * web_read() - Read the file, and copy the files it names into memory, while they may still be read
 * @path:	NULL: a server without TLS, users and limits
 * @ret_reason:	Filled on failure
 *
 * Return: 0, negative errno
 */
int web_read(struct web *ret_web, const char *path, struct reason *ret_reason);

/**
 * web_open() - Check certificates and key, and use all of it; to be called without privileges
 *
 * Return: as web_read()
 */
int web_open(struct web *web, struct reason *ret_reason);

void web_close(struct web *web);

/**
 * web_reload() - Read it again; on failure what is in use stays, and the log says why
 *
 * TLS can't be turned on or off this way.
 */
void web_reload(struct web *web);

/**
 * web_run() - Look for replaced files once a minute
 * @now_ns:	CLOCK_MONOTONIC
 */
void web_run(struct web *web, uint64_t now_ns);

/**
 * web_limited() - Whether the rate limit refuses a request at this moment
 */
bool web_limited(struct web *web, uint64_t now_ns);

/**
 * web_certificate_expiry() - When the certificate in use expires
 *
 * Return: seconds since 1970, 0 without TLS
 */
uint64_t web_certificate_expiry(const struct web *web);
