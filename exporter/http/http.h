/* SPDX-License-Identifier: MIT */
/* HTTP connections: libmicrohttpd behind our own accept(), limits and deadlines
 *
 * libmicrohttpd knows only a limit on inactivity, so a client that sends a byte now and then would
 * hold a connection for ever; and at its limit it stops to accept, so that a few of them would keep
 * Prometheus out.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/reason.h"

#define HTTP_CONNECTIONS 256
#define HTTP_PER_ADDRESS 64 /* one peer_key() */
#define HTTP_REQUEST_NS \
	(UINT64_C(10) * 1000000000) /* from the first byte to the last of a response */
#define HTTP_IDLE_NS	   (UINT64_C(120) * 1000000000) /* twice a long scrape interval */
#define HTTP_REQUEST_BYTES 16384			/* of headers, with what is kept of them */

struct http;

struct http_request {
	struct http *http;
	struct MHD_Connection *connection;
	uint64_t now_ns; /* as given to http_run() */
	uint64_t peer;	 /* peer_key() of the client */
	const char *method, *path;
	unsigned status; /* 0; or what is to be answered, since the request is malformed */
	bool has_body;	 /* it will not be read, and the connection closes */
	bool is_busy;	 /* max_requests are being served, or half of them for this host */
};

/**
 * typedef http_answer - Make the response to a request
 * @ret_status:	HTTP status
 *
 * Return: a response that the caller owns; NULL closes the connection
 */
typedef struct MHD_Response *http_answer(void *context, const struct http_request *request,
					 unsigned *ret_status);

struct tls;

struct http_options {
	struct tls *tls; /* NULL: plain HTTP */
	http_answer *answer;
	void *context;
	uint32_t max_requests; /* at a time, see http_request; 0: no limit */
};

struct http_counts {
	uint64_t in_flight;
	uint64_t refused; /* connections closed at once, because there were too many */
	uint64_t expired; /* closed at their deadline, with a request begun */
};

/**
 * http_open() - A server without sockets
 * @ret_reason:	Filled on failure: what failed, and why
 *
 * Return: 0, negative errno
 */
int http_open(const struct http_options *options, struct http **ret_http,
	      struct reason *ret_reason);

void http_close(struct http *http);

/**
 * http_listen() - Serve what a listening socket accepts
 * @fd:		Nonblocking; http_close() closes it
 */
int http_listen(struct http *http, int fd);

/**
 * http_fd() - Descriptor that is readable when http_run() has something to do
 */
int http_fd(const struct http *http);

/**
 * http_run() - Do what there is to do
 * @now_ns:	CLOCK_MONOTONIC
 *
 * Return: milliseconds after which it wants to be called at the latest
 */
int http_run(struct http *http, uint64_t now_ns);

/**
 * http_has_time() - For content readers: whether they may do more in this turn of the loop
 *
 * One that may not returns 0, and is called again in the next turn.
 */
bool http_has_time(struct http *http);

struct http_counts http_counts(const struct http *http);
