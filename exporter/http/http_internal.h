/* SPDX-License-Identifier: MIT */
/* What http.c, http_accept.c and http_connection.c share: a server and its connections */
#pragma once

#include "http/head.h"
#include "http/http.h"
#include "web/tls/tls.h"

#define HTTP_LISTENERS 16
#define HTTP_PAUSE_MS  100 /* after there were no descriptors left */

/* What an event is of */
enum { OF_DAEMON, OF_LISTENERS, OF_CONNECTIONS = OF_LISTENERS + HTTP_LISTENERS };

struct connection {
	int fd; /* -1: free */
	uint64_t deadline_ns;
	bool is_given;	  /* to libmicrohttpd, which gets it with the first byte and closes it */
	bool has_begun;	  /* something of a request is there */
	bool in_request;  /* its request line is there, its response not yet delivered */
	bool answered;	  /* the response is on its way: a request in flight */
	struct head head; /* of the request; its first line is there */
	struct tls_session tls; /* zeroed in plain HTTP */
	uint64_t peer;		/* peer_key() of the client */
};

struct http {
	struct http_options options;
	struct MHD_Daemon *daemon;
	int epoll;
	int listeners[HTTP_LISTENERS];
	unsigned listener_count;
	struct connection connection[HTTP_CONNECTIONS];
	struct http_counts counts;
	uint64_t now_ns, complaints, next_complaint_ns;
	uint64_t paused_until_ns; /* 0: connections are accepted */
	uint64_t slice_end_ns;
	bool is_lenient;    /* this libmicrohttpd takes heads that are not HTTP, see head.h */
	unsigned idle_runs; /* in a row, without progress */
	bool has_progress;  /* libmicrohttpd called one of the functions here */
};

/* Watch a descriptor for http_run(). @operation: EPOLL_CTL_... */
void http_event(const struct http *http, int operation, int fd, uint32_t events, uint32_t of);

/* Have a connection watched once for what comes next, which is the first byte of a request.
 * libmicrohttpd reports a request only when its whole first line is there.
 */
void http_watch(const struct http *http, const struct connection *connection);

/* The deadline of a request, from its first byte on */
void http_begin(const struct http *http, struct connection *connection);

/* Look at what is there of a request: of the first one, before libmicrohttpd gets the connection. What that
 * would close without a word is answered here.
 */
void http_first_bytes(struct http *http, struct connection *connection);

/* The same for a connection that was just accepted */
void http_take(struct http *http, struct connection *connection);

/* End a connection; one that libmicrohttpd has is closed when that runs */
void http_end(struct connection *connection);

/* Accept what waits at a listening socket, as far as there is room */
void http_accept(struct http *http, int listener);

/* Accept again, after a pause for lack of descriptors */
void http_resume(struct http *http);
