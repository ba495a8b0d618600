/* SPDX-License-Identifier: MIT */
/* From a packet to the UDP datagram in it. No system calls. */
#include "capture/packet.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/param.h>

#define EXTENSIONS_MAX 4 /* filter.c passes no more, nor more than two tags */
#define TAG_BYTES      4

/* UDP in IPv4, @ret_bytes of it; no later fragment */
static bool read_ipv4(struct packet_datagram *datagram, bool outgoing, uint32_t *ret_bytes)
{
	const uint8_t *header = cursor_take(&datagram->message, 20);
	uint32_t length, total;

	if (!header || header[0] >> 4 != 4 || cursor_be16(header + 6) & 0x1fff)
		return false;
	length = (header[0] & 0xfu) * 4;
	total = cursor_be16(header + 2);
	if (length < 20 || total < length || !cursor_take(&datagram->message, length - 20))
		return false;
	*ret_bytes = total - length;
	datagram->resolver = header + (outgoing ? 16 : 12);
	return header[9] == IPPROTO_UDP;
}

static bool read_ipv6(struct packet_datagram *datagram, bool outgoing, uint32_t *ret_bytes)
{
	const uint8_t *header = cursor_take(&datagram->message, 40);
	uint8_t protocol;
	uint32_t bytes;

	if (!header || header[0] >> 4 != 6)
		return false;
	bytes = cursor_be16(header + 4);
	protocol = header[6];
	datagram->resolver = header + (outgoing ? 24 : 8);
	for (unsigned i = 0; i < EXTENSIONS_MAX && protocol != IPPROTO_UDP; i++) {
		const uint8_t *extension = cursor_take(&datagram->message, 8);
		uint32_t more = 0;

		if (!extension)
			return false;
		if (protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
		    protocol == IPPROTO_DSTOPTS)
			more = extension[1] * 8u;
		else if (protocol != IPPROTO_FRAGMENT || cursor_be16(extension + 2) & 0xfff8)
			return false;
		if (!cursor_take(&datagram->message, more) || bytes < 8 + more)
			return false;
		bytes -= 8 + more;
		protocol = extension[0];
	}
	*ret_bytes = bytes;
	return protocol == IPPROTO_UDP;
}

/* IP behind the VLAN tags that are still there. Which protocol the kernel names, before or behind
 * them, depends on its version and the direction (net/packet/af_packet.c), so the bytes decide.
 */
static bool read_ip(const struct sight *sight, struct packet_datagram *datagram,
		    uint32_t *ret_bytes)
{
	for (uint32_t at = 0; at <= 2 * TAG_BYTES && at < sight->captured; at += TAG_BYTES) {
		const uint8_t *start = sight->bytes + at;
		struct cursor *message = &datagram->message;

		datagram->is_v4 = *start >> 4 == 4;
		if (at > 0 &&
		    cursor_be16(start - 2) != (datagram->is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6))
			continue;
		*message = (struct cursor){ start, sight->bytes + sight->captured };
		if (!(datagram->is_v4 ? read_ipv4(datagram, sight->outgoing, ret_bytes)
				      : read_ipv6(datagram, sight->outgoing, ret_bytes)) ||
		    sight->length < (size_t)(message->at - sight->bytes) + *ret_bytes)
			continue;
		/* What follows the IP packet is padding of the link */
		message->end = message->at + MIN(*ret_bytes, cursor_left(message));
		return true;
	}
	return false;
}

/* Of a super-packet's @bytes, the piece that is to be read; false if there is none */
static bool cut(const struct sight *sight, struct cursor *message, uint32_t *bytes)
{
	if (sight->start > 0 && sight->start >= *bytes)
		return false;
	cursor_skip(message, MIN(sight->start, cursor_left(message)));
	*bytes = MIN(*bytes - sight->start, sight->segment);
	return true;
}

bool packet_read(const struct sight *sight, uint16_t port, struct packet_datagram *ret_datagram)
{
	struct cursor *message = &ret_datagram->message;
	uint32_t there, bytes;
	const uint8_t *udp;

	if (!read_ip(sight, ret_datagram, &there) || !(udp = cursor_take(message, 8)) ||
	    cursor_be16(udp + (sight->outgoing ? 0 : 2)) != port)
		return false;
	bytes = cursor_be16(udp + 4);
	if (bytes == 0 && !ret_datagram->is_v4)
		bytes = there; /* net/ipv6/udp.c __udp6_lib_rcv() */
	if (bytes < 8 || (sight->segment && bytes > there))
		return false;
	bytes -= 8;
	if (sight->segment && !cut(sight, message, &bytes))
		return false;
	ret_datagram->bytes = (uint16_t)bytes;
	ret_datagram->port = cursor_be16(udp + (sight->outgoing ? 2 : 0));
	message->end = message->at + MIN(bytes, cursor_left(message));
	return true;
}
