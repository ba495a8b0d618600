/* SPDX-License-Identifier: MIT */
/* From a packet to the UDP datagram in it. No system calls. */
#include "capture/packet.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/param.h>

#define EXTENSIONS_MAX 4 /* filter.c passes no more, nor more than two tags */
#define TAG_BYTES      4

/* What an IP header says of its payload */
struct payload {
	size_t bytes;
	uint8_t protocol;
};

static bool read_ipv4(struct packet_datagram *datagram, bool outgoing, struct payload *ret_payload)
{
	const uint8_t *header = cursor_take(&datagram->message, 20);
	uint32_t length, total;

	if (!header || header[0] >> 4 != 4 || cursor_be16(header + 6) & 0x1fff)
		return false;
	length = (header[0] & 0xfu) * 4;
	total = cursor_be16(header + 2);
	if (length < 20 || total < length || !cursor_take(&datagram->message, length - 20))
		return false;
	ret_payload->bytes = total - length;
	ret_payload->protocol = header[9];
	datagram->resolver = header + (outgoing ? 16 : 12);
	return true;
}

static bool read_ipv6(struct packet_datagram *datagram, bool outgoing, struct payload *ret_payload)
{
	const uint8_t *header = cursor_take(&datagram->message, 40);

	if (!header || header[0] >> 4 != 6)
		return false;
	ret_payload->bytes = cursor_be16(header + 4);
	ret_payload->protocol = header[6];
	datagram->resolver = header + (outgoing ? 24 : 8);
	for (unsigned i = 0; i < EXTENSIONS_MAX && ret_payload->protocol != IPPROTO_UDP; i++) {
		const uint8_t *extension = cursor_take(&datagram->message, 8);
		uint32_t more = 0;

		if (!extension)
			return false;
		if (ret_payload->protocol == IPPROTO_HOPOPTS ||
		    ret_payload->protocol == IPPROTO_ROUTING ||
		    ret_payload->protocol == IPPROTO_DSTOPTS)
			more = extension[1] * 8u;
		else if (ret_payload->protocol != IPPROTO_FRAGMENT ||
			 cursor_be16(extension + 2) & 0xfff8)
			return false;
		if (!cursor_take(&datagram->message, more) || ret_payload->bytes < 8 + more)
			return false;
		ret_payload->bytes -= 8 + more;
		ret_payload->protocol = extension[0];
	}
	return true;
}

/* IP behind the VLAN tags that are still there. Which protocol the kernel names, before or behind
 * them, depends on its version and the direction (net/packet/af_packet.c), so the bytes decide.
 */
static bool read_ip(const struct sight *sight, struct packet_datagram *datagram)
{
	for (uint32_t at = 0; at <= 2 * TAG_BYTES && at < sight->captured; at += TAG_BYTES) {
		const uint8_t *start = sight->bytes + at;
		struct cursor *message = &datagram->message;
		struct payload payload;

		datagram->is_v4 = *start >> 4 == 4;
		if (at > 0 &&
		    cursor_be16(start - 2) != (datagram->is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6))
			continue;
		*message = (struct cursor){ start, sight->bytes + sight->captured };
		if (!(datagram->is_v4 ? read_ipv4(datagram, sight->outgoing, &payload)
				      : read_ipv6(datagram, sight->outgoing, &payload)) ||
		    payload.protocol != IPPROTO_UDP ||
		    sight->length < (size_t)(message->at - sight->bytes) + payload.bytes)
			continue;
		/* What follows the IP packet is padding of the link */
		message->end = message->at + MIN(payload.bytes, cursor_left(message));
		return true;
	}
	return false;
}

bool packet_read(const struct sight *sight, uint16_t port, struct packet_datagram *ret_datagram)
{
	struct cursor *message = &ret_datagram->message;
	const uint8_t *udp;

	if (!read_ip(sight, ret_datagram) || !(udp = cursor_take(message, 8)) ||
	    cursor_be16(udp + (sight->outgoing ? 0 : 2)) != port || cursor_be16(udp + 4) < 8)
		return false;
	ret_datagram->bytes = (uint16_t)(cursor_be16(udp + 4) - 8);
	ret_datagram->port = cursor_be16(udp + (sight->outgoing ? 2 : 0));
	message->end = message->at + MIN(ret_datagram->bytes, cursor_left(message));
	return true;
}
