/* SPDX-License-Identifier: MIT */
/* From a packet to the UDP datagram in it: VLAN tags, IP, extension headers, UDP */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "capture/cursor.h"

/* A packet as the ring shows it, from its network header on; it may be anything */
struct sight {
	const uint8_t *bytes;
	uint32_t captured;  /* bytes that may be read */
	uint32_t length;    /* bytes that were on the wire */
	uint32_t interface; /* index */
	uint32_t time_ms;   /* since 1970, modulo 2^32 */
	/* UDP offload joins datagrams to a super-packet: of so many bytes each, but the last. 0: it has not */
	uint16_t segment;
	uint32_t start; /* bytes of it before the datagram that is to be read */
	bool outgoing;	/* leaves this host: a response; else it arrives: a query */
};

struct packet_datagram {
	struct cursor message;	 /* as far as it was captured, and never beyond its end */
	const uint8_t *resolver; /* source of what arrives, destination of what leaves */
	bool is_v4;		 /* of 4 bytes, else 16 */
	uint16_t port;		 /* the resolver's */
	uint16_t bytes;		 /* of the message, by the UDP header */
};

/* An address of 16 bytes as it is, one of 4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2) */
static inline void packet_address(const uint8_t *address, bool is_v4, uint8_t ret_address[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, 0xff };

	if (is_v4)
		memcpy(ret_address, prefix, sizeof(prefix));
	memcpy(ret_address + (is_v4 ? 12 : 0), address, is_v4 ? 4 : 16);
}

/* The datagram of a packet, or its first fragment, with @port at this host's end; of a super-packet, the
 * one at @sight->start. No system calls.
 * Return: false if IP or UDP are broken or inconsistent, or none is left; then @ret_datagram is of no use
 */
bool packet_read(const struct sight *sight, uint16_t port, struct packet_datagram *ret_datagram);
