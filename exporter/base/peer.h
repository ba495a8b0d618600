/* SPDX-License-Identifier: MIT */
/* Who counts as one client of the HTTP server */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

/**
 * peer_key() - The same number for all addresses of one client
 *
 * An IPv4 address, also one that is mapped into IPv6, or an IPv6 /48: that is what one site may be
 * assigned (RFC 6177, 2) and what tunnel brokers give to anyone who asks, so whoever owns one
 * address of it may own them all. Limits that are kept by this key must therefore leave room for
 * a site. All peers without an address (Unix sockets) are one.
 *
 * Return: never 0
 */
uint64_t peer_key(const struct sockaddr *address);
