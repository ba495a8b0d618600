/* SPDX-License-Identifier: MIT */
/* One packet in, its record out: the datagram, the message, the verdict. No system calls. */
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
	packet_address(address, ecs[1] == 1, ret_resolver);
	return true;
}

static bool has_qtype(const struct tunnel *tunnel, uint16_t qtype)
{
	for (unsigned i = 0; i < tunnel->qtype_count; i++)
		if (tunnel->qtypes[i] == qtype)
			return true;
	return false;
}

/* What tells it from others of the client, as it begins with random padding, or a KCP header with a
 * clock in it. Without a key: who makes two that are taken for one could have sent one twice.
 */
static void fingerprint(const uint8_t *written, size_t bytes, uint8_t ret_content[8])
{
	uint64_t words[4] = { 0 }, print = bytes;

	memcpy(words, written, MIN(bytes, sizeof(words)));
	for (unsigned i = 0; i < 4; i++) {
		print = (print ^ words[i]) * 0x9e3779b97f4a7c15;
		print ^= print >> 32;
	}
	memcpy(ret_content, &print, sizeof(print));
}

static void show_packets(const struct tunnel_packets *packets, struct record *message)
{
	message->payload_bytes = packets->bytes;
	message->segments = packets->segments;
	message->conv = packets->conv;
	message->una = packets->una;
	message->flags |= packets->flags;
}

/* Rules 6 to 13 of dnstt-server; of a response, what its question was */
static uint8_t judge(const struct dns_message *message, const struct domains *domains,
		     struct record *record)
{
	const bool is_query = record->kind == RECORD_QUERY;
	static uint8_t decoded[BASE32_DECODED_BYTES]; /* static: not zeroed each time */
	struct tunnel_packets packets = { .last_command = RECORD_KCP_ACK };
	const struct tunnel *tunnel;
	struct cursor rest;
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
	rest = (struct cursor){ decoded + tunnel->id_bytes, decoded + tunnel->id_bytes + bytes };
	if (is_query && tunnel->framing != FRAMING_DNSTTEX) /* which has a KCP of its own */
		packets.more = record + 1;
	if (!tunnel_upstream[tunnel->framing](rest, &packets))
		return VERDICT_FRAMING;
	memcpy(record->client_id, decoded, tunnel->id_bytes);
	if (!is_query)
		return VERDICT_ACCEPTED; /* what the question held is not the response's */
	record->edns_size = message->edns_size;
	record->qname_bytes = message->qname.bytes;
	fingerprint(rest.at, (size_t)bytes, record->content);
	show_packets(&packets, record);
	return VERDICT_ACCEPTED;
}

static uint8_t read_message(struct cursor *cursor, const struct domains *domains,
			    struct record *record)
{
	const bool is_query = record->kind == RECORD_QUERY;
	static struct dns_message message; /* static: its labels are not zeroed each time */
	const bool is_read = dns_read(cursor, is_query, &message);
	struct tunnel_packets packets = { .last_command = RECORD_KCP_PUSH };
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
		if (domains->config->tunnels[record->domain].framing != FRAMING_DNSTTEX)
			packets.more = record + 1;
		tunnel_downstream(message.txt, &packets);
		show_packets(&packets, record);
	}
	return VERDICT_ACCEPTED;
}

unsigned decode(const struct sight *sight, const struct domains *domains,
		struct record *ret_records)
{
	struct record *record = ret_records;
	struct packet_datagram datagram;

	*record = (struct record){ .interface = sight->interface,
				   .time_ms = sight->time_ms,
				   .domain = RECORD_NO_DOMAIN,
				   .kind = sight->outgoing ? RECORD_RESPONSE : RECORD_QUERY,
				   .verdict = VERDICT_PACKET };
	if (!packet_read(sight, domains->config->port, &datagram))
		return sight->start == 0;
	packet_address(datagram.resolver, datagram.is_v4, record->resolver);
	record->port = datagram.port;
	record->message_bytes = datagram.bytes;
	record->verdict = VERDICT_FRAGMENT;
	if (!sight->outgoing) {
		const size_t wanted = MIN(datagram.bytes, SERVER_BUFFER);

		if (cursor_left(&datagram.message) < wanted)
			return 1;
		datagram.message.end = datagram.message.at + wanted;
	}
	record->verdict = read_message(&datagram.message, domains, record);
	return record_of_message(record);
}
