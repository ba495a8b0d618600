/* SPDX-License-Identifier: MIT */
/* From a packet to the UDP datagram in it. No system calls. */
#include "capture/packet.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/param.h>

#define EXTENSIONS_MAX 4 /* filter.c passes no more */
#define TAG_BYTES      4
#define TAGS_MAX       2 /* the same */

/* An IP payload: what its header says, and as far as it was captured */
struct ip {
	struct cursor cursor;
	const uint8_t *resolver; /* its address in the header */
	size_t bytes;		 /* by the IP header */
	uint8_t protocol;
	bool is_v4;
};

void packet_map_ipv4(const uint8_t *address, uint8_t ret_mapped[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, 0xff };

	memcpy(ret_mapped, prefix, sizeof(prefix));
	memcpy(ret_mapped + sizeof(prefix), address, 4);
}

static bool read_ipv4(struct ip *ip, bool outgoing)
{
	const uint8_t *header = cursor_take(&ip->cursor, 20);
	uint32_t length, total;

	if (!header || header[0] >> 4 != 4 || cursor_be16(header + 6) & 0x1fff)
		return false;
	length = (header[0] & 0xfu) * 4;
	total = cursor_be16(header + 2);
	if (length < 20 || total < length || !cursor_take(&ip->cursor, length - 20))
		return false;
	ip->bytes = total - length;
	ip->protocol = header[9];
	ip->resolver = header + (outgoing ? 16 : 12);
	return true;
}

static bool read_ipv6(struct ip *ip, bool outgoing)
{
	const uint8_t *header = cursor_take(&ip->cursor, 40);

	if (!header || header[0] >> 4 != 6)
		return false;
	ip->bytes = cursor_be16(header + 4);
	ip->protocol = header[6];
	ip->resolver = header + (outgoing ? 24 : 8);
	for (unsigned i = 0; i < EXTENSIONS_MAX && ip->protocol != IPPROTO_UDP; i++) {
		const uint8_t *extension = cursor_take(&ip->cursor, 8);
		uint32_t more = 0;

		if (!extension)
			return false;
		if (ip->protocol == IPPROTO_HOPOPTS || ip->protocol == IPPROTO_ROUTING ||
		    ip->protocol == IPPROTO_DSTOPTS)
			more = extension[1] * 8u;
		else if (ip->protocol != IPPROTO_FRAGMENT || cursor_be16(extension + 2) & 0xfff8)
			return false;
		if (!cursor_take(&ip->cursor, more) || ip->bytes < 8 + more)
			return false;
		ip->bytes -= 8 + more;
		ip->protocol = extension[0];
	}
	return true;
}

/* IP behind the VLAN tags that are still there. Which protocol the kernel names, before or behind
 * them, depends on its version and the direction (net/packet/af_packet.c), so the bytes decide.
 */
static bool read_ip(const struct sight *sight, struct ip *ip)
{
	for (uint32_t at = 0; at <= TAGS_MAX * TAG_BYTES && at < sight->captured; at += TAG_BYTES) {
		const uint8_t *start = sight->bytes + at;

		ip->is_v4 = *start >> 4 == 4;
		if (at > 0 && cursor_be16(start - 2) != (ip->is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6))
			continue;
		ip->cursor = (struct cursor){ start, sight->bytes + sight->captured };
		if (!(ip->is_v4 ? read_ipv4(ip, sight->outgoing)
				: read_ipv6(ip, sight->outgoing)) ||
		    ip->protocol != IPPROTO_UDP ||
		    sight->length < (size_t)(ip->cursor.at - sight->bytes) + ip->bytes)
			continue;
		/* What follows the IP packet is padding of the link */
		ip->cursor.end = ip->cursor.at + MIN(ip->bytes, cursor_left(&ip->cursor));
		return true;
	}
	return false;
}

bool packet_read(const struct sight *sight, uint16_t port, struct packet_datagram *ret_datagram,
		 uint8_t ret_resolver[16])
{
	const uint8_t *udp;
	struct ip ip;

	if (!read_ip(sight, &ip) || !(udp = cursor_take(&ip.cursor, 8)) ||
	    cursor_be16(udp + (sight->outgoing ? 0 : 2)) != port || cursor_be16(udp + 4) < 8)
		return false;
	ret_datagram->bytes = (uint16_t)(cursor_be16(udp + 4) - 8);
	ret_datagram->port = cursor_be16(udp + (sight->outgoing ? 2 : 0));
	ret_datagram->message.at = ip.cursor.at;
	ret_datagram->message.end =
		ip.cursor.at + MIN(ret_datagram->bytes, cursor_left(&ip.cursor));
	if (ip.is_v4)
		packet_map_ipv4(ip.resolver, ret_resolver);
	else
		memcpy(ret_resolver, ip.resolver, 16);
	return true;
}
