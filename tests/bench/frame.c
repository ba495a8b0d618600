/* SPDX-License-Identifier: MIT */
/* Frames with valid DNSTT queries and responses, made once and given a client per send */
#include "frame.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

#include "craft.h"

#define DNS_HEADER   12
#define ID_CHARS     13 /* of the ClientID, with the top bit of the byte after it, which is 1 */
#define SERIAL_CHARS 8	/* bytes 25 to 29: sn, and the lowest byte of una */
#define KCP_HEADER   24

static const char base32[32] = "abcdefghijklmnopqrstuvwxyz234567";
static const uint8_t server4[4] = { 192, 0, 2, 53 };
static const uint8_t server6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x53 };

uint64_t frame_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return frame_mix(*state);
}

/* The finalizer of splitmix64: a bijection */
uint64_t frame_mix(uint64_t number)
{
	number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
	number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
	return number ^ (number >> 31);
}

size_t frame_domain(const char *base, unsigned index, uint8_t ret_name[256])
{
	struct craft name = { .size = 0 };
	char text[256];

	assert(index < FRAME_DOMAINS);
	if (index == 0)
		snprintf(text, sizeof(text), "%s", base);
	else
		snprintf(text, sizeof(text), "t%u.example.com", index);
	craft_name(&name, text);
	assert(name.size <= 255);
	memcpy(ret_name, name.at, name.size);
	return name.size;
}

static void fill(uint8_t *bytes, size_t count, uint64_t *random)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)frame_random(random);
}

uint32_t frame_sum(const uint8_t *bytes, size_t count)
{
	uint32_t total = 0;

	for (; count > 1; bytes += 2, count -= 2) {
		uint16_t word;

		memcpy(&word, bytes, 2);
		total += word;
	}
	if (count) {
		uint16_t word = 0;

		memcpy(&word, bytes, 1);
		total += word;
	}
	return total;
}

static void put_checksum(uint8_t *bytes, uint32_t total)
{
	uint16_t folded;

	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	folded = (uint16_t)~total;
	if (folded == 0) /* in UDP that would say that there is none (RFC 768); it is as much */
		folded = 0xffff;
	memcpy(bytes, &folded, 2);
}

/* One KCP packet of one segment (kcp-go kcp.go, little-endian) */
static void put_kcp(uint8_t *bytes, unsigned count, bool ack, uint64_t *random)
{
	static const uint8_t conv[4] = { 0x78, 0x56, 0x34, 0x12 };
	unsigned data = count - KCP_HEADER;

	assert(count >= KCP_HEADER);
	fill(bytes, count, random);
	memcpy(bytes, conv, 4);
	bytes[4] = ack ? 82 : 81; /* ACK, PUSH */
	bytes[5] = 0;
	memset(bytes + 16, 0, 4); /* una: nothing has come from the server so far */
	bytes[20] = (uint8_t)data;
	bytes[21] = (uint8_t)(data >> 8);
	bytes[22] = bytes[23] = 0;
}

static void put_serial(uint8_t *characters, uint32_t serial)
{
	uint64_t bits = (uint64_t)ntohl(serial) << 8;

	for (unsigned i = 0; i < SERIAL_CHARS; i++)
		characters[i] = (uint8_t)base32[bits >> (35 - 5 * i) & 31];
}

static void put_id(uint8_t *characters, uint64_t id)
{
	for (unsigned i = 0; i < ID_CHARS - 1; i++)
		characters[i] = (uint8_t)base32[id >> (59 - 5 * i) & 31];
	characters[ID_CHARS - 1] = (uint8_t)base32[(id & 15) << 1 | 1];
}

/* Ethernet, IP and UDP headers in front of a message, and the sums */
static void wrap(struct frame *frame, const struct link *link, const struct craft *message,
		 bool response)
{
	const unsigned ip = sizeof(struct ether_header), id_end = FRAME_ID_AT + FRAME_ID_BYTES;
	const unsigned serial = frame->poll ? FRAME_POLL_AT : FRAME_SERIAL_AT;
	const unsigned serial_end = serial + FRAME_SERIAL_BYTES;
	const unsigned udp_bytes = (unsigned)(message->size + sizeof(struct udphdr));
	struct craft packet = *message, ethernet = { .size = 0 };
	uint8_t *bytes = frame->bytes, *udp;

	craft_udp(&packet, response ? link->port : 0, response ? 0 : link->port);
	(frame->ipv6 ? craft_ipv6 : craft_ipv4)(&packet, 0, 0);
	craft_bytes(&ethernet, response ? link->sender : link->host, 6);
	craft_bytes(&ethernet, response ? link->host : link->sender, 6);
	craft_16(&ethernet, frame->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	craft_front(&packet, ethernet.at, ethernet.size);
	frame->length = (uint16_t)packet.size;
	memcpy(bytes, packet.at, packet.size);
	if (frame->ipv6) {
		memcpy(bytes + ip + (response ? 8 : 24), server6, 16);
		frame->address = (uint16_t)(ip + (response ? 24 : 8));
		frame->udp_sum = frame_sum(server6, 16);
	} else {
		bytes[ip + 6] = 0x40; /* DF */
		memcpy(bytes + ip + (response ? 12 : 16), server4, 4);
		frame->address = (uint16_t)(ip + (response ? 16 : 12));
		frame->ip_sum = frame_sum(bytes + ip, 20);
		frame->udp_sum = frame_sum(server4, 4);
	}
	udp = bytes + frame->udp;
	frame->port = (uint16_t)(frame->udp + (response ? 2 : 0));
	frame->udp_sum += htons(IPPROTO_UDP) + htons((uint16_t)udp_bytes);
	frame->udp_sum += frame_sum(udp, FRAME_ID_AT);
	frame->udp_sum += frame_sum(udp + id_end, serial - id_end);
	frame->udp_sum += frame_sum(udp + serial_end, udp_bytes - serial_end);
}

/* The DNS ID is stamped: it is 0 in what stays */
static void craft_unnumbered(struct craft *message, unsigned flags, unsigned answers)
{
	craft_header(message, flags, 1, answers, 0, 1);
	memset(message->at, 0, 2);
}

void frame_query(struct frame *frame, const struct link *link, bool ipv6, const uint8_t *domain,
		 size_t domain_bytes, unsigned payload, uint64_t *random)
{
	unsigned room = (unsigned)((255 - domain_bytes) * 63 / 64 * 5 / 8), padding;
	struct craft message = { .size = 0 }, text = { .size = 0 };
	uint8_t decoded[160];

	frame->ipv6 = ipv6;
	frame->poll = payload == 0;
	padding = frame->poll ? 8 : 3;
	frame->udp = (uint16_t)(sizeof(struct ether_header) + (ipv6 ? 40 : 20));
	fill(decoded, sizeof(decoded), random);
	decoded[8] = (uint8_t)(0xe0 + padding);
	if (payload > room - 13)
		payload = room - 13;
	if (payload) {
		decoded[12] = (uint8_t)payload;
		put_kcp(decoded + 13, payload, payload == KCP_HEADER, random);
	}
	craft_base32(&text, decoded, 9 + padding + (payload ? 1 + payload : 0), false);
	craft_unnumbered(&message, 0x0100, 0);
	craft_labels(&message, &text);
	craft_bytes(&message, domain, domain_bytes);
	craft_32(&message, 0x00100001); /* TXT IN */
	craft_opt(&message, frame_random(random) % 2 ? 4096 : 1232);
	wrap(frame, link, &message, false);
}

/* One TXT record: strings of up to 255 bytes which hold a length and a packet */
static void craft_answer(struct craft *message, unsigned rdata, uint64_t *random)
{
	static const uint8_t head[] = { 0xc0, DNS_HEADER, 0, 16, 0, 1, 0, 0, 0, 60 };
	unsigned strings = (rdata + 255) / 256, decoded = rdata - strings;
	uint8_t stream[1232] = { (uint8_t)((decoded - 2) >> 8), (uint8_t)(decoded - 2) };

	put_kcp(stream + 2, decoded - 2, false, random);
	craft_bytes(message, head, sizeof(head));
	craft_16(message, rdata);
	craft_strings(message, stream, decoded);
}

void frame_response(struct frame *frame, const struct link *link, const struct frame *query,
		    unsigned message_bytes, uint64_t *random)
{
	const unsigned start = query->udp + (unsigned)sizeof(struct udphdr) + DNS_HEADER;
	const unsigned question = query->length - start - 11;
	struct craft message = { .size = 0 };
	unsigned rdata;

	frame->ipv6 = query->ipv6;
	frame->poll = query->poll;
	frame->udp = query->udp;
	craft_unnumbered(&message, 0x8400, 1); /* QR, AA */
	craft_bytes(&message, query->bytes + start, question);
	/* the record has 12 bytes in front of its RDATA, the OPT has 11 in all */
	rdata = message_bytes - DNS_HEADER - question - 12 - 11;
	if (rdata % 256 == 1) /* a string with no byte in it */
		rdata--;
	craft_answer(&message, rdata, random);
	craft_opt(&message, 4096);
	wrap(frame, link, &message, true);
}

void frame_stamp(struct frame *frame, const struct client *client)
{
	const size_t address_bytes = frame->ipv6 ? 16 : 4;
	uint8_t *bytes = frame->bytes, *udp = bytes + frame->udp;
	uint8_t *serial = udp + (frame->poll ? FRAME_POLL_AT : FRAME_SERIAL_AT);
	uint32_t address, total = frame->udp_sum + client->port + client->dns_id;

	memcpy(bytes + frame->address, client->address, address_bytes);
	memcpy(bytes + frame->port, &client->port, 2);
	memcpy(udp + sizeof(struct udphdr), &client->dns_id, 2);
	put_id(udp + FRAME_ID_AT + 1, client->id);
	address = frame_sum(client->address, address_bytes);
	put_serial(serial + 1, client->serial);
	total += address + frame_sum(udp + FRAME_ID_AT, FRAME_ID_BYTES);
	total += frame_sum(serial, FRAME_SERIAL_BYTES);
	put_checksum(udp + 6, total);
	if (!frame->ipv6)
		put_checksum(bytes + sizeof(struct ether_header) + 10, frame->ip_sum + address);
}
