/* SPDX-License-Identifier: MIT */
/* A connection before libmicrohttpd has it, and the first bytes of each request */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http/http_internal.h"

/* As long as a request line may be */
static char seen[HTTP_REQUEST_BYTES];

void http_event(const struct http *http, int operation, int fd, uint32_t events, uint32_t of)
{
	struct epoll_event event = { .events = events, .data.u32 = of };

	epoll_ctl(http->epoll, operation, fd, &event);
}

static uint32_t number_of(const struct http *http, const struct connection *connection)
{
	return OF_CONNECTIONS + (uint32_t)(connection - http->connection);
}

void http_watch(const struct http *http, const struct connection *connection)
{
	http_event(http, EPOLL_CTL_MOD, connection->fd, EPOLLIN | EPOLLONESHOT,
		   number_of(http, connection));
}

void http_begin(const struct http *http, struct connection *connection)
{
	uint64_t due_ns = http->now_ns + HTTP_REQUEST_NS;

	connection->has_begun = true;
	/* One that has its deadline already doesn't get a later one */
	if (due_ns < connection->deadline_ns)
		connection->deadline_ns = due_ns;
}

void http_end(struct connection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
	if (connection->is_given)
		return;
	close(connection->fd);
	connection->fd = -1;
}

/* Answer without libmicrohttpd, and end the connection. @words: NULL: the name of the status */
static void refuse(struct connection *connection, unsigned status, const char *words)
{
	const char *name = MHD_get_reason_phrase_for(status);
	char answer[512];
	int bytes;

	if (!words)
		words = name;
	bytes = snprintf(answer, sizeof(answer),
			 "HTTP/1.1 %u %s\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "X-Content-Type-Options: nosniff\r\n"
			 "Connection: close\r\n"
			 "Content-Length: %zu\r\n"
			 "\r\n"
			 "%s\n",
			 status, name, strlen(words) + 1, words);
	/* What is not read before the end has the kernel send a reset, which can overtake the answer */
	(void)recv(connection->fd, seen, sizeof(seen), MSG_DONTWAIT);
	(void)send(connection->fd, answer, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	http_end(connection);
}

/* No record of TLS begins with a letter, and every request in plain HTTP does */
static bool is_plain(char first)
{
	return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

/* From here on it is libmicrohttpd's. Nobody asks that for addresses, so it gets none. */
static void give(struct http *http, struct connection *connection)
{
	static const struct sockaddr no_address = { .sa_family = AF_UNSPEC };

	connection->is_given = true;
	if (MHD_add_connection(http->daemon, connection->fd, &no_address, sizeof(no_address)) !=
	    MHD_YES)
		connection->fd = -1; /* it has closed the socket */
}

/* Returns false if the connection is over. */
static bool look(const struct http *http, struct connection *connection, size_t bytes)
{
	unsigned status = 0;

	if (!http->options.tls) {
		status = head_begins(seen, bytes, bytes == sizeof(seen));
		if (status != 0)
			refuse(connection, status, NULL);
	} else if (is_plain(seen[0])) {
		status = MHD_HTTP_BAD_REQUEST;
		refuse(connection, status, "Client sent an HTTP request to an HTTPS server.");
	}
	return status == 0;
}

void http_first_bytes(struct http *http, struct connection *connection)
{
	ssize_t bytes;

	if (connection->fd < 0)
		return; /* by an event before this one */
	/* libmicrohttpd may have read some of a later request, so that what is there is its middle */
	if (connection->is_given) {
		http_begin(http, connection);
		return;
	}
	bytes = recv(connection->fd, seen, sizeof(seen), MSG_PEEK | MSG_DONTWAIT);
	if (bytes < 0 && errno == EAGAIN) {
		http_watch(http, connection);
		return;
	}
	if (bytes <= 0) {
		http_end(connection);
		return;
	}
	/* The first bytes of TLS are not yet a request */
	if (!http->options.tls)
		http_begin(http, connection);
	if (look(http, connection, (size_t)bytes))
		give(http, connection);
}

void http_take(struct http *http, struct connection *connection)
{
	/* For http_watch(); the kernel forgets it when the socket closes */
	http_event(http, EPOLL_CTL_ADD, connection->fd, EPOLLONESHOT, number_of(http, connection));
	http_first_bytes(http, connection);
}
