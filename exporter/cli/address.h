/* SPDX-License-Identifier: MIT */
/* HOST:PORT or unix:PATH as -web.listen-address takes it */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* An address to listen on, and how the user wrote it */
struct address {
	const char *text;
	struct sockaddr_storage socket;
	socklen_t bytes;
	bool any_family; /* the host was left out, or 0.0.0.0 or [::]: IPv6 and IPv4, and @socket is [::] */
};

/* Whether only processes of this host can reach it */
bool address_is_local(const struct address *address);

static inline bool address_is_unix(const struct address *address)
{
	return address->socket.ss_family == AF_UNIX;
}

/**
 * address_parse() - HOST:PORT with a numeric host or "localhost", so that no resolver is asked; or
 *		     unix:PATH, with an absolute path
 * @text:	Kept
 *
 * Return: 0, -EINVAL
 */
int address_parse(const char *text, struct address *ret_address);

/**
 * address_covers() - Whether who listens on @one gets all that comes to @other
 *
 * The kernel would refuse to listen on both.
 */
bool address_covers(const struct address *one, const struct address *other);
