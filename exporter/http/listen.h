/* SPDX-License-Identifier: MIT */
/* The sockets of -web.listen-address */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/reason.h"

/**
 * listen_unix() - A nonblocking listening Unix socket of mode 0660
 * @address:	With its path
 * @group:	Whose it is; (gid_t)-1: that of this process
 * @ret_reason:	Filled on failure: one line
 *
 * A socket that nobody listens on any more is replaced: a process that was killed leaves one. Nothing
 * else is, and a live one is an error.
 *
 * Return: descriptor, negative errno
 */
int listen_unix(const struct sockaddr *address, gid_t group, struct reason *ret_reason);

/**
 * listen_open() - A nonblocking listening TCP socket
 * @any_family:	@address is [::] and stands for every address of this host: an IPv6 socket that
 *		takes IPv4 too, or an IPv4 socket where the kernel has no IPv6
 * @ret_reason:	Filled on failure: the call, and why
 *
 * To be called before privileges are dropped, for the sake of ports below 1024.
 *
 * Return: descriptor, negative errno
 */
int listen_open(const struct sockaddr *address, socklen_t bytes, bool any_family,
		struct reason *ret_reason);
