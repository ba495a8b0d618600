/* SPDX-License-Identifier: MIT */
/* Sockets for -web.listen-address */
#pragma once

#include <stddef.h>

struct listen_address;

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
