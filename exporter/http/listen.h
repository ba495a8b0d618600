/* SPDX-License-Identifier: MIT */
/* The sockets of -web.listen-address */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/reason.h"

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
