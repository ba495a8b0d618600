/* SPDX-License-Identifier: MIT */
/* New HTTP connections: who gets a place, and who has to give it up */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/peer.h"
#include "http/http_internal.h"

#define ACCEPTS 64 /* in one run */

int http_listen(struct http *http, int fd)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u32 = OF_LISTENERS + http->listener_count };

	if (http->listener_count == HTTP_LISTENERS)
		return -ENOSPC;
	if (epoll_ctl(http->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	http->listeners[http->listener_count++] = fd;
	return 0;
}

/* Whether one is to give up its place rather than another: who has sent no request before who has sent a
 * part of one, and of these who is nearer to its deadline. Who has sent all of it stays.
 */
static bool goes_before(const struct connection *one, const struct connection *other)
{
	if (one->answered)
		return false;
	if (!other || one->in_request != other->in_request)
		return !other || !one->in_request;
	return one->deadline_ns < other->deadline_ns;
}

/* A place for a new connection: a free one, or that of another */
static struct connection *place_for(struct http *http, uint64_t peer)
{
	struct connection *place = NULL, *victim = NULL;
	unsigned from_there = 0;

	for (unsigned i = 0; i < HTTP_CONNECTIONS; i++) {
		struct connection *connection = &http->connection[i];

		if (connection->fd < 0) {
			place = connection;
			continue;
		}
		from_there += connection->peer == peer;
		if (goes_before(connection, victim))
			victim = connection;
	}
	if (from_there >= HTTP_PER_ADDRESS)
		return NULL;
	if (!place && victim) {
		http_end(victim);
		MHD_run(http->daemon);
		place = victim->fd < 0 ? victim : NULL;
	}
	return place;
}

static void listen_for(const struct http *http, uint32_t events)
{
	for (unsigned i = 0; i < http->listener_count; i++)
		http_event(http, EPOLL_CTL_MOD, http->listeners[i], events, OF_LISTENERS + i);
}

/* Out of descriptors or memory, or refused the call, the same connection would be reported again and
 * again
 */
static void pause_listening(struct http *http)
{
	listen_for(http, 0);
	http->paused_until_ns = http->now_ns + HTTP_PAUSE_MS * UINT64_C(1000000);
}

void http_resume(struct http *http)
{
	listen_for(http, EPOLLIN);
	http->paused_until_ns = 0;
}

void http_accept(struct http *http, int listener)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage client = { 0 };
		socklen_t bytes = sizeof(client);
		struct connection *place;
		uint64_t peer;
		int fd = accept4(listener, (struct sockaddr *)&client, &bytes,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				pause_listening(http);
			return;
		}
		peer = peer_key((const struct sockaddr *)&client);
		place = place_for(http, peer);
		if (!place) {
			http->counts.refused++;
			close(fd);
			continue;
		}
		*place = (struct connection){ .fd = fd,
					      .deadline_ns = http->now_ns + HTTP_REQUEST_NS,
					      .peer = peer };
		http_take(http, place);
	}
}
