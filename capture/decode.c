/* SPDX-License-Identifier: MIT */
/* One packet in, one record out: IP, UDP, then the verdict. No system calls. */
#include "capture/decode.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/param.h>

#include "capture/dns.h"
#include "capture/tunnel.h"
#include "common/config.h"
#include "common/record.h"

#define SERVER_BUFFER  4096 /* dnstt-server reads no more of a message (main.go recvLoop()) */
#define EXTENSIONS_MAX 4    /* filter.c passes no more */
#define OPTION_ECS     8    /* RFC 7871, 6 */

static const uint8_t v4_mapped[16] = { [10] = 0xff, 0xff }; /* RFC 4291, 2.5.5.2 */

/* An IP payload: what its header says, and as far as it was captured */
struct datagram {
	struct cursor cursor;
	const uint8_t *resolver; /* its address in the header */
	size_t bytes;		 /* by the IP header */
	uint8_t protocol;
	bool is_v4;
};

static bool read_ipv4(struct datagram *ip, bool outgoing)
{
	const uint8_t *header = cursor_take(&ip->cursor, 20);
	uint32_t length, total;

	if (!header || header[0] >> 4 != 4 || be16(header + 6) & 0x1fff)
		return false;
	length = (header[0] & 0xfu) * 4;
	total = be16(header + 2);
	if (length < 20 || total < length || !cursor_take(&ip->cursor, length - 20))
		return false;
	ip->bytes = total - length;
	ip->protocol = header[9];
	ip->resolver = header + (outgoing ? 16 : 12);
	return true;
}

static bool read_ipv6(struct datagram *ip, bool outgoing)
{
	const uint8_t *header = cursor_take(&ip->cursor, 40);

	if (!header || header[0] >> 4 != 6)
		return false;
	ip->bytes = be16(header + 4);
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
		else if (ip->protocol != IPPROTO_FRAGMENT || be16(extension + 2) & 0xfff8)
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
static bool read_packet(const struct sight *sight, struct datagram *ip)
{
	for (uint32_t at = 0; at <= 8 && at < sight->captured; at += 4) {
		const uint8_t *start = sight->bytes + at;

		ip->is_v4 = *start >> 4 == 4;
		if (at > 0 && be16(start - 2) != (ip->is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6))
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

/* EDNS Client Subnet of a query's OPT (RFC 7871, 6): the first one, if it is well formed */
static bool client_subnet(const struct dns_message *message, uint8_t resolver[16])
{
	struct cursor options = message->opt;
	const uint8_t *option, *ecs;
	unsigned bits, used;

	do {
		option = cursor_take(&options, 4);
		ecs = option ? cursor_take(&options, be16(option + 2)) : NULL;
	} while (ecs && be16(option) != OPTION_ECS);
	if (!ecs || be16(option + 2) < 5 || ecs[0] != 0 || ecs[1] < 1 || ecs[1] > 2)
		return false;
	bits = ecs[2];
	used = (bits + 7) / 8;
	if (bits == 0 || bits > (ecs[1] == 1 ? 32 : 128) || be16(option + 2) != 4 + used)
		return false;
	memcpy(resolver, ecs[1] == 1 ? v4_mapped : (const uint8_t[16]){ 0 }, 16);
	resolver += ecs[1] == 1 ? 12 : 0;
	memcpy(resolver, ecs + 4, used);
	resolver[used - 1] &= (uint8_t)(0xff00 >> ((bits - 1) % 8 + 1));
	return true;
}

/* Rules 6 to 13 of dnstt-server; of a response, what its question was */
static uint8_t judge(const struct dns_message *message, const struct config *config,
		     struct record *record)
{
	bool query = record->kind == RECORD_QUERY, framed;
	static uint8_t decoded[TUNNEL_DECODED_BYTES], *rest;
	const struct tunnel *tunnel;
	unsigned prefix, type = 0;
	int index, bytes;

	if (message->qdcount != 1)
		return VERDICT_QDCOUNT;
	index = tunnel_match(config, &message->qname, &prefix);
	if (index < 0)
		return VERDICT_DOMAIN;
	record->domain = (uint8_t)index;
	tunnel = &config->tunnels[index];
	if (message->flags >> 11 & 0xf)
		return VERDICT_OPCODE;
	while (tunnel->qtypes[type] != message->qtype)
		if (++type == tunnel->qtype_count)
			return VERDICT_QTYPE;
	bytes = tunnel_decode(&message->qname, prefix, tunnel->alphabet, decoded);
	if (bytes < 0)
		return VERDICT_ENCODING;
	if (query && message->edns_size < tunnel->edns_min)
		return VERDICT_EDNS_SIZE;
	bytes -= tunnel->id_bytes;
	if (bytes < 0)
		return VERDICT_SHORT;
	rest = decoded + tunnel->id_bytes;
	framed = tunnel_upstream(rest, (size_t)bytes, tunnel->framing, record);
	if (!framed || !query) { /* what it found is none of the record's */
		memset(record->head, 0, sizeof(record->head));
		record->payload_bytes = 0;
		record->flags &= (uint8_t)~RECORD_FLAG_KCP;
	}
	if (!framed)
		return VERDICT_FRAMING;
	memcpy(record->client_id, decoded, tunnel->id_bytes);
	if (query && record->payload_bytes == 0)
		memcpy(record->head, rest, (size_t)MIN(bytes, RECORD_HEAD_BYTES));
	if (query && bytes >= 4)
		memcpy(record->nonce, rest + 2, sizeof(record->nonce));
	return VERDICT_ACCEPTED;
}

static uint8_t read_message(struct cursor *cursor, const struct config *config,
			    struct record *record)
{
	bool query = record->kind == RECORD_QUERY;
	static struct dns_message message;
	bool read = dns_read(cursor, query, &message);
	uint8_t verdict;

	record->dns_id = message.id;
	if (!query)
		record->flags = (message.flags & RECORD_FLAG_RCODE) |
				(message.flags & DNS_TC ? RECORD_FLAG_TC : 0);
	if (!read)
		return VERDICT_MALFORMED;
	if (query == !!(message.flags & DNS_QR))
		return VERDICT_NOT_QUERY;
	verdict = message.opt_fault ? message.opt_fault : judge(&message, config, record);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (query && config->use_ecs && client_subnet(&message, record->resolver))
		record->flags |= RECORD_FLAG_ECS;
	if (!query && !(message.flags & RECORD_FLAG_RCODE))
		tunnel_downstream(message.txt, record);
	if (config->tunnels[record->domain].framing == FRAMING_DNSTTEX)
		record->flags &= (uint8_t)~RECORD_FLAG_KCP; /* its KCP is another */
	return VERDICT_ACCEPTED;
}

void decode(const struct sight *sight, const struct config *config, struct record *ret_record)
{
	struct datagram ip;
	struct cursor *cursor = &ip.cursor;
	struct record *record = ret_record;
	const uint8_t *udp;
	size_t bytes;

	*record = (struct record){ .interface = sight->interface,
				   .domain = RECORD_NO_DOMAIN,
				   .kind = sight->outgoing ? RECORD_RESPONSE : RECORD_QUERY,
				   .verdict = VERDICT_PACKET };
	if (!read_packet(sight, &ip) || !(udp = cursor_take(cursor, 8)) ||
	    be16(udp + (sight->outgoing ? 0 : 2)) != config->port || be16(udp + 4) < 8)
		return;
	memcpy(record->resolver, ip.is_v4 ? v4_mapped : ip.resolver, 16);
	if (ip.is_v4)
		memcpy(record->resolver + 12, ip.resolver, 4);
	record->port = be16(udp + (sight->outgoing ? 2 : 0));
	record->message_bytes = (uint16_t)(be16(udp + 4) - 8);

	/* The message alone: nothing is read behind its end */
	bytes = sight->outgoing ? record->message_bytes : MIN(record->message_bytes, SERVER_BUFFER);
	cursor->end = cursor->at + MIN(bytes, cursor_left(cursor));
	record->verdict = VERDICT_FRAGMENT;
	if (sight->outgoing || bytes == cursor_left(cursor))
		record->verdict = read_message(cursor, config, record);
}
