/* SPDX-License-Identifier: MIT */
/* Which exposition format and which coding a client gets (RFC 9110, 12.5) */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "metrics/exposition.h"

/* Value of Content-Type for each. Prometheus 3 refuses a scrape whose type it can't read. */
extern const char *const negotiate_content_type[EXPOSITION_FORMATS];

/* Value of Vary for a response that was negotiated */
#define NEGOTIATE_VARY "Accept, Accept-Encoding"

/**
 * negotiate_format() - Format for a request
 * @accept:	Values of its Accept headers, in their order
 * @count:	Of them; 0 if there is none
 *
 * A format counts as wanted as much as the most specific range that fits it says: version, type,
 * subtype wildcard, wildcard. Of two that are wanted alike, the one that was named first; by
 * wildcards only, text 0.0.4. OpenMetrics 0.0.1 is not answered with 1.0.0: whoever sent it
 * alone (Prometheus 2.5 to 2.22) takes text 0.0.4 as well. The same for text 1.0.0.
 * Parameters other than version and q say nothing about what is served and are passed over.
 *
 * Takes time linear in what was sent; makes no system calls and allocates nothing.
 *
 * Return: text 0.0.4 also when nothing fits: a scrape with a wrong Accept is better served
 */
enum exposition_format negotiate_format(const char *const *accept, size_t count);

/**
 * negotiate_gzip() - Whether a response may be compressed
 * @accept_encoding:	Values of the request's Accept-Encoding headers
 *
 * Return: gzip (or x-gzip, or *) is allowed, and identity is not named as better
 */
bool negotiate_gzip(const char *const *accept_encoding, size_t count);
