/* SPDX-License-Identifier: MIT */
/* One packet in, one record out: the datagram, the message, the verdict. No system calls. */
#include "capture/decode.h"

#include <sys/param.h>

#include "capture/base32.h"
#include "capture/dns.h"
#include "capture/tunnel.h"
#include "common/record.h"

#define SERVER_BUFFER 4096 /* dnstt-server reads no more of a message (main.go recvLoop()) */
#define OPTION_ECS    8	   /* RFC 7871, 6 */

/* EDNS Client Subnet of a query's OPT (RFC 7871, 6): the first one, if it is well formed */
static bool client_subnet(const struct dns_message *message, uint8_t ret_resolver[16])
{
	uint8_t address[16] = { 0 };
	struct cursor options = message->opt;
	const uint8_t *option, *ecs;
	unsigned bits, used;

	do {
		option = cursor_take(&options, 4);
		ecs = option ? cursor_take(&options, cursor_be16(option + 2)) : NULL;
	} while (ecs && cursor_be16(option) != OPTION_ECS);
	if (!ecs || cursor_be16(option + 2) < 5 || ecs[0] != 0 || ecs[1] < 1 || ecs[1] > 2)
		return false;
	bits = ecs[2];
	used = (bits + 7) / 8;
	if (bits == 0 || bits > (ecs[1] == 1 ? 32 : 128) || cursor_be16(option + 2) != 4 + used)
		return false;
	memcpy(address, ecs + 4, used);
	address[used - 1] &= (uint8_t)(0xff00 >> ((bits - 1) % 8 + 1));
	if (ecs[1] == 1)
		packet_map_ipv4(address, ret_resolver);
	else
		memcpy(ret_resolver, address, sizeof(address));
	return true;
}

static bool has_qtype(const struct tunnel *tunnel, uint16_t qtype)
{
	for (unsigned i = 0; i < tunnel->qtype_count; i++)
		if (tunnel->qtypes[i] == qtype)
			return true;
	return false;
}

static void show_packets(const struct tunnel_packets *packets, const struct tunnel *tunnel,
			 struct record *record)
{
	record->payload_bytes = packets->bytes;
	memcpy(record->head, packets->first, MIN(packets->first_bytes, RECORD_HEAD_BYTES));
	if (packets->first_bytes >= TUNNEL_HEAD_BYTES && tunnel->framing != FRAMING_DNSTTEX)
		record->flags |= RECORD_FLAG_KCP; /* dnsttEx has a KCP of its own */
}

/* Rules 6 to 13 of dnstt-server; of a response, what its question was */
static uint8_t judge(const struct dns_message *message, const struct domains *domains,
		     struct record *record)
{
	const bool is_query = record->kind == RECORD_QUERY;
	static uint8_t decoded[BASE32_DECODED_BYTES]; /* static: not zeroed each time */
	struct tunnel_packets packets = { .bytes = 0 };
	const struct tunnel *tunnel;
	const uint8_t *rest;
	unsigned prefix;
	int index, bytes;

	if (message->qdcount != 1)
		return VERDICT_QDCOUNT;
	index = domains_match(domains, &message->qname, &prefix);
	if (index < 0)
		return VERDICT_DOMAIN;
	record->domain = (uint8_t)index;
	tunnel = &domains->config->tunnels[index];
	if (message->flags & DNS_OPCODE)
		return VERDICT_OPCODE;
	if (!has_qtype(tunnel, message->qtype))
		return VERDICT_QTYPE;
	bytes = base32_decode(&message->qname, prefix, tunnel->alphabet, decoded);
	if (bytes < 0)
		return VERDICT_ENCODING;
	if (is_query && message->edns_size < tunnel->edns_min)
		return VERDICT_EDNS_SIZE;
	bytes -= tunnel->id_bytes;
	if (bytes < 0)
		return VERDICT_SHORT;
	rest = decoded + tunnel->id_bytes;
	if (!tunnel_upstream[tunnel->framing](rest, (size_t)bytes, &packets))
		return VERDICT_FRAMING;
	memcpy(record->client_id, decoded, tunnel->id_bytes);
	if (!is_query)
		return VERDICT_ACCEPTED; /* what the question held is not the response's */
	if (packets.bytes > 0)
		show_packets(&packets, tunnel, record);
	else
		memcpy(record->head, rest, (size_t)MIN(bytes, RECORD_HEAD_BYTES));
	if (bytes >= 4)
		memcpy(record->nonce, rest + 2, sizeof(record->nonce));
	return VERDICT_ACCEPTED;
}

static uint8_t read_message(struct cursor *cursor, const struct domains *domains,
			    struct record *record)
{
	const bool is_query = record->kind == RECORD_QUERY;
	static struct dns_message message; /* static: its labels are not zeroed each time */
	const bool is_read = dns_read(cursor, is_query, &message);
	struct tunnel_packets packets;
	uint8_t verdict;

	record->dns_id = message.id;
	if (!is_query)
		record->flags = (message.flags & RECORD_FLAG_RCODE) |
				(message.flags & DNS_TC ? RECORD_FLAG_TC : 0);
	if (!is_read)
		return VERDICT_MALFORMED;
	if (is_query == !!(message.flags & DNS_QR))
		return VERDICT_NOT_QUERY;
	verdict = message.opt_fault ? message.opt_fault : judge(&message, domains, record);
	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	if (is_query && domains->config->use_ecs && client_subnet(&message, record->resolver))
		record->flags |= RECORD_FLAG_ECS;
	if (!is_query && !(message.flags & RECORD_FLAG_RCODE)) {
		tunnel_downstream(message.txt, &packets);
		if (packets.bytes > 0)
			show_packets(&packets, &domains->config->tunnels[record->domain], record);
	}
	return VERDICT_ACCEPTED;
}

void decode(const struct sight *sight, const struct domains *domains, struct record *ret_record)
{
	struct record *record = ret_record;
	struct packet_datagram datagram;
	size_t wanted;

	*record = (struct record){ .interface = sight->interface,
				   .domain = RECORD_NO_DOMAIN,
				   .kind = sight->outgoing ? RECORD_RESPONSE : RECORD_QUERY,
				   .verdict = VERDICT_PACKET };
	if (!packet_read(sight, domains->config->port, &datagram))
		return;
	if (datagram.is_v4)
		packet_map_ipv4(datagram.resolver, record->resolver);
	else
		memcpy(record->resolver, datagram.resolver, sizeof(record->resolver));
	record->port = datagram.port;
	record->message_bytes = datagram.bytes;
	record->verdict = VERDICT_FRAGMENT;
	if (!sight->outgoing) {
		wanted = MIN(datagram.bytes, SERVER_BUFFER);
		if (cursor_left(&datagram.message) < wanted)
			return;
		datagram.message.end = datagram.message.at + wanted;
	}
	record->verdict = read_message(&datagram.message, domains, record);
}
