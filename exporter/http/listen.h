/* SPDX-License-Identifier: MIT */
/* -web.listen-address: what it may be, and its sockets */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* An address to listen on, and how the user wrote it */
struct listen_address {
	const char *text;
	struct sockaddr_storage address;
	socklen_t bytes;
	bool any_family;
};

/**
 * listen_parse() - HOST:PORT with a numeric host or "localhost", so that no resolver is asked
 * @text:	Kept
 *
 * Return: 0, -EINVAL
 */
int listen_parse(const char *text, struct listen_address *ret_address);

/**
 * listen_open() - A nonblocking listening TCP socket
 * @ret_reason:	Filled on failure: the address and what is wrong
 *
 * ":9713" is an IPv6 socket that takes IPv4 too, or an IPv4 socket where the kernel has no IPv6.
 * To be called before privileges are dropped, for the sake of ports below 1024.
 *
 * Return: descriptor, negative errno
 */
int listen_open(const struct listen_address *address, char *ret_reason, size_t reason_bytes);
