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

#define DNS_HEADER   12
#define ID_CHARS     13 /* of the ClientID, with the top bit of the byte after it, which is 1 */
#define SERIAL_CHARS 8	/* bytes 25 to 29: sn, and the lowest byte of una */
#define LABEL_MAX    63
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
	char text[256];
	size_t out = 0;

	assert(index < FRAME_DOMAINS);
	if (index == 0)
		snprintf(text, sizeof(text), "%s", base);
	else
		snprintf(text, sizeof(text), "t%u.example.com", index);
	for (const char *label = text; *label;) {
		size_t length = strcspn(label, ".");

		assert(length > 0 && length <= LABEL_MAX && out + 1 + length < 255);
		ret_name[out++] = (uint8_t)length;
		memcpy(ret_name + out, label, length);
		out += length;
		label += length + (label[length] == '.');
	}
	ret_name[out++] = 0;
	return out;
}

static void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
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

/* Ethernet, IP and UDP headers around a message that is in place, and the sums */
static void wrap(struct frame *frame, const struct link *link, unsigned message, bool response)
{
	struct ether_header *ethernet = (struct ether_header *)(void *)frame->bytes;
	uint8_t *ip = frame->bytes + sizeof(*ethernet), *udp = frame->bytes + frame->udp;
	const unsigned udp_bytes = message + (unsigned)sizeof(struct udphdr);
	const unsigned id_end = FRAME_ID_AT + FRAME_ID_BYTES;
	const unsigned serial = frame->poll ? FRAME_POLL_AT : FRAME_SERIAL_AT;
	const unsigned serial_end = serial + FRAME_SERIAL_BYTES;

	frame->length = (uint16_t)(frame->udp + udp_bytes);
	memcpy(ethernet->ether_dhost, response ? link->sender : link->host, 6);
	memcpy(ethernet->ether_shost, response ? link->host : link->sender, 6);
	ethernet->ether_type = htons(frame->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	memset(ip, 0, (size_t)(udp - ip) + sizeof(struct udphdr));
	if (frame->ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, udp_bytes);
		ip[6] = IPPROTO_UDP;
		ip[7] = 64;
		memcpy(ip + (response ? 8 : 24), server6, 16);
		frame->address = (uint16_t)(sizeof(*ethernet) + (response ? 24 : 8));
		frame->udp_sum = frame_sum(server6, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, udp_bytes + 20);
		ip[6] = 0x40; /* DF */
		ip[8] = 64;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + (response ? 12 : 16), server4, 4);
		frame->address = (uint16_t)(sizeof(*ethernet) + (response ? 16 : 12));
		frame->ip_sum = frame_sum(ip, 20);
		frame->udp_sum = frame_sum(server4, 4);
	}
	put16(udp + (response ? 0 : 2), link->port);
	frame->port = (uint16_t)(frame->udp + (response ? 2 : 0));
	put16(udp + 4, udp_bytes);
	frame->udp_sum += htons(IPPROTO_UDP) + htons((uint16_t)udp_bytes);
	frame->udp_sum += frame_sum(udp, FRAME_ID_AT);
	frame->udp_sum += frame_sum(udp + id_end, serial - id_end);
	frame->udp_sum += frame_sum(udp + serial_end, udp_bytes - serial_end);
}

/* Base32 in labels of 63, and the domain; returns the end */
static uint8_t *put_name(uint8_t *out, const uint8_t *decoded, size_t count, const uint8_t *domain,
			 size_t domain_bytes)
{
	size_t characters = (count * 8 + 4) / 5;

	for (size_t i = 0; i < characters; i++) {
		size_t bit = i * 5, left = characters - i;
		unsigned pair = (unsigned)decoded[bit / 8] << 8;

		if (bit / 8 + 1 < count)
			pair |= decoded[bit / 8 + 1];
		if (i % LABEL_MAX == 0)
			*out++ = (uint8_t)(left < LABEL_MAX ? left : LABEL_MAX);
		*out++ = (uint8_t)base32[pair >> (11 - bit % 8) & 31];
	}
	memcpy(out, domain, domain_bytes);
	return out + domain_bytes;
}

static uint8_t *put_opt(uint8_t *out, unsigned size)
{
	memset(out, 0, 11);
	out[2] = 41;
	put16(out + 3, size);
	return out + 11;
}

void frame_query(struct frame *frame, const struct link *link, bool ipv6, const uint8_t *domain,
		 size_t domain_bytes, unsigned payload, uint64_t *random)
{
	static const uint8_t header[DNS_HEADER] = { [2] = 0x01, [5] = 1, [11] = 1 };
	unsigned room = (unsigned)((255 - domain_bytes) * 63 / 64 * 5 / 8), padding;
	uint8_t decoded[160], *message, *out;

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
	message = frame->bytes + frame->udp + sizeof(struct udphdr);
	memcpy(message, header, sizeof(header));
	out = put_name(message + DNS_HEADER, decoded, 9 + padding + (payload ? 1 + payload : 0),
		       domain, domain_bytes);
	memcpy(out, "\x00\x10\x00\x01", 4); /* TXT IN */
	out = put_opt(out + 4, frame_random(random) % 2 ? 4096 : 1232);
	wrap(frame, link, (unsigned)(out - message), false);
}

/* One TXT record: strings of up to 255 bytes which hold a length and a packet */
static uint8_t *put_answer(uint8_t *out, unsigned rdata, uint64_t *random)
{
	static const uint8_t head[] = { 0xc0, DNS_HEADER, 0, 16, 0, 1, 0, 0, 0, 60 };
	unsigned strings = (rdata + 255) / 256, decoded = rdata - strings, at = 0;
	uint8_t stream[1232];

	put16(stream, decoded - 2);
	put_kcp(stream + 2, decoded - 2, false, random);
	memcpy(out, head, sizeof(head));
	out += sizeof(head);
	put16(out, rdata);
	out += 2;
	while (at < decoded) {
		unsigned length = decoded - at < 255 ? decoded - at : 255;

		*out++ = (uint8_t)length;
		memcpy(out, stream + at, length);
		out += length;
		at += length;
	}
	return out;
}

void frame_response(struct frame *frame, const struct link *link, const struct frame *query,
		    unsigned message, uint64_t *random)
{
	const unsigned question = query->length - query->udp - (unsigned)sizeof(struct udphdr) - 11;
	unsigned rdata;
	uint8_t *start, *out;

	frame->ipv6 = query->ipv6;
	frame->poll = query->poll;
	frame->udp = query->udp;
	start = frame->bytes + frame->udp + sizeof(struct udphdr);
	memcpy(start, query->bytes + query->udp + sizeof(struct udphdr), question);
	memset(start, 0, 2);
	start[2] = 0x84; /* QR, AA */
	start[3] = 0;
	start[7] = 1; /* ANCOUNT */
	/* the record has 12 bytes in front of its RDATA, the OPT has 11 in all */
	rdata = message - question - 12 - 11;
	if (rdata % 256 == 1) /* a string with no byte in it */
		rdata--;
	out = put_answer(start + question, rdata, random);
	out = put_opt(out, 4096);
	wrap(frame, link, (unsigned)(out - start), true);
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
