/* SPDX-License-Identifier: MIT */
/* DNS messages and packets put together piece by piece, right or wrong as a test needs them */
#include "packet_craft.h"

#include <stdlib.h>

#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"
#include "unit.h"

#define PEER	  192
#define PEER_PORT 4000

void craft_bytes(struct craft *craft, const void *bytes, size_t count)
{
	assert_true(count <= CRAFT_BYTES - craft->size);
	memcpy(craft->at + craft->size, bytes, count);
	craft->size += count;
}

void craft_zeros(struct craft *craft, size_t count)
{
	static const uint8_t zeros[CRAFT_BYTES];

	craft_bytes(craft, zeros, count);
}

void craft_8(struct craft *craft, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	craft_bytes(craft, &byte, 1);
}

void craft_16(struct craft *craft, unsigned value)
{
	craft_8(craft, value >> 8);
	craft_8(craft, value);
}

void craft_32(struct craft *craft, uint32_t value)
{
	craft_16(craft, value >> 16);
	craft_16(craft, value);
}

void craft_header(struct craft *craft, unsigned flags, unsigned qdcount, unsigned ancount,
		  unsigned nscount, unsigned arcount)
{
	craft_16(craft, 0x1234);
	craft_16(craft, flags);
	craft_16(craft, qdcount);
	craft_16(craft, ancount);
	craft_16(craft, nscount);
	craft_16(craft, arcount);
}

void craft_name(struct craft *craft, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, ".");

		assert_in_range(length, 1, 63);
		craft_8(craft, (unsigned)length);
		craft_bytes(craft, text, length);
		text += length + (text[length] == '.');
	}
	craft_8(craft, 0);
}

void craft_question(struct craft *craft, const char *name, unsigned qtype)
{
	craft_name(craft, name);
	craft_16(craft, qtype);
	craft_16(craft, 1);
}

void craft_rr(struct craft *craft, unsigned type, unsigned class, uint32_t ttl, const void *rdata,
	      size_t bytes)
{
	craft_8(craft, 0);
	craft_16(craft, type);
	craft_16(craft, class);
	craft_32(craft, ttl);
	craft_16(craft, (unsigned)bytes);
	craft_bytes(craft, rdata, bytes);
}

void craft_opt(struct craft *craft, unsigned size)
{
	craft_rr(craft, 41, size, 0, "", 0);
}

const char *craft_client_name(char name[CRAFT_NAME], const void *id, size_t id_bytes,
			      const void *body, size_t bytes, const char *domain, bool hex)
{
	const char *digits =
		hex ? "0123456789abcdefghijklmnopqrstuv" : "abcdefghijklmnopqrstuvwxyz234567";
	struct craft written = { .size = 0 };
	unsigned label = 0;
	size_t out = 0;

	craft_bytes(&written, id, id_bytes);
	craft_bytes(&written, body, bytes);
	for (size_t bit = 0; bit < written.size * 8; bit += 5) {
		unsigned value = 0;

		for (size_t i = bit; i < bit + 5; i++)
			value = value << 1 | ((unsigned)written.at[i / 8] >> (7 - i % 8) & 1);
		if (label == 63) {
			name[out++] = '.';
			label = 0;
		}
		name[out++] = digits[value];
		label++;
	}
	assert_true(out + strlen(domain) + 2 < CRAFT_NAME);
	if (out > 0)
		name[out++] = '.';
	strcpy(name + out, domain);
	return name;
}

void craft_query(struct craft *craft, const char *name)
{
	craft_header(craft, 0x0100, 1, 0, 0, 1);
	craft_question(craft, name, 16);
	craft_opt(craft, 1232);
}

void craft_poll(struct craft *craft)
{
	char name[CRAFT_NAME];

	craft_query(craft, craft_client_name(name, CRAFT_ID, 8, CRAFT_POLL, CRAFT_POLL_BYTES,
					     CRAFT_DOMAIN, false));
}

void craft_response(struct craft *craft, const char *name, const void *text, size_t bytes)
{
	struct craft rdata = { .size = 0 };

	for (size_t i = 0; i < bytes; i += 255) {
		size_t string = bytes - i < 255 ? bytes - i : 255;

		craft_8(&rdata, (unsigned)string);
		craft_bytes(&rdata, (const uint8_t *)text + i, string);
	}
	if (bytes == 0)
		craft_8(&rdata, 0);
	craft_header(craft, 0x8400, 1, 1, 0, 1);
	craft_question(craft, name, 16);
	craft_rr(craft, 16, 1, 60, rdata.at, rdata.size);
	craft_opt(craft, 4096);
}

void craft_front(struct craft *craft, const void *bytes, size_t count)
{
	assert_true(count <= CRAFT_BYTES - craft->size);
	memmove(craft->at + count, craft->at, craft->size);
	memcpy(craft->at, bytes, count);
	craft->size += count;
}

void craft_udp(struct craft *craft, unsigned source, unsigned destination)
{
	struct craft header = { .size = 0 };

	craft_16(&header, source);
	craft_16(&header, destination);
	craft_16(&header, (unsigned)(8 + craft->size));
	craft_16(&header, 0);
	craft_front(craft, header.at, header.size);
}

struct craft craft_datagram(void)
{
	struct craft craft = { .size = 0 };

	craft_poll(&craft);
	craft_udp(&craft, PEER_PORT, 53);
	return craft;
}

struct craft craft_poll_ipv4(void)
{
	struct craft craft = craft_datagram();

	craft_ipv4(&craft, 1, 2);
	return craft;
}

struct craft craft_poll_ipv6(void)
{
	struct craft craft = craft_datagram();

	craft_ipv6(&craft, 1, 2);
	return craft;
}

void craft_extension(struct craft *craft, unsigned next, unsigned length, unsigned third,
		     unsigned fourth, size_t more)
{
	struct craft header = { .size = 0 };

	craft_8(&header, next);
	craft_8(&header, length);
	craft_8(&header, third);
	craft_8(&header, fourth);
	craft_zeros(&header, 4 + more);
	craft_front(craft, header.at, header.size);
}

void craft_tag(struct craft *craft, unsigned protocol)
{
	struct craft header = { .size = 0 };

	craft_16(&header, 5);
	craft_16(&header, protocol);
	craft_front(craft, header.at, header.size);
}

static void address(struct craft *header, unsigned byte, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		craft_8(header, byte);
}

void craft_ipv4(struct craft *craft, unsigned source, unsigned destination)
{
	struct craft header = { .size = 0 };

	craft_16(&header, 0x4500);
	craft_16(&header, (unsigned)(20 + craft->size));
	craft_32(&header, 0);
	craft_32(&header, 0x40110000); /* TTL 64, UDP */
	address(&header, source, 4);
	address(&header, destination, 4);
	craft_front(craft, header.at, header.size);
}

void craft_ipv6(struct craft *craft, unsigned source, unsigned destination)
{
	struct craft header = { .size = 0 };

	craft_32(&header, 0x60000000);
	craft_16(&header, (unsigned)craft->size);
	craft_16(&header, 0x1140); /* UDP, hop limit 64 */
	address(&header, source, 16);
	address(&header, destination, 16);
	craft_front(craft, header.at, header.size);
}

struct tunnel *craft_config_add(struct config *config, const char *domain)
{
	struct tunnel *tunnel = &config->tunnels[config->tunnel_count++];
	struct craft name = { .size = 0 };

	craft_name(&name, domain);
	memcpy(tunnel->name, name.at, name.size);
	tunnel->name_bytes = (uint8_t)name.size;
	for (size_t at = 0; name.at[at] != 0; at += 1u + name.at[at])
		tunnel->labels++;
	tunnel->id_bytes = 8;
	tunnel->edns_min = 1232;
	tunnel->qtypes[0] = 16;
	tunnel->qtype_count = 1;
	return tunnel;
}

void craft_config(struct config *ret_config, const char *domain)
{
	*ret_config = (struct config){ .magic = CONFIG_MAGIC,
				       .version = CONFIG_VERSION,
				       .port = 53,
				       .block_bytes = 65536,
				       .blocks = 64,
				       .latency_ms = 50 };
	craft_config_add(ret_config, domain);
}

const struct config *craft_dnstt(void)
{
	static struct config config;

	craft_config(&config, CRAFT_DOMAIN);
	return &config;
}

struct record craft_see(const struct sight *sight, const struct config *config)
{
	struct domains domains;
	struct record record;

	domains_index(config, &domains);
	memset(&record, 0xa5, sizeof(record)); /* decode() has to fill it in whole */
	decode(sight, &domains, &record);
	return record;
}

struct record craft_decode(const struct craft *packet, bool outgoing, const struct config *config)
{
	uint8_t *bytes = malloc(packet->size + 1);
	struct sight sight = { .captured = (uint32_t)packet->size,
			       .length = (uint32_t)packet->size,
			       .interface = 7,
			       .outgoing = outgoing };
	struct record record;

	assert_non_null(bytes);
	/* At the end of the allocation, so that a sanitizer sees a read past it */
	sight.bytes = memcpy(bytes + 1, packet->at, packet->size);
	record = craft_see(&sight, config);
	free(bytes);
	return record;
}

struct record craft_judge(const struct craft *message, bool outgoing, const struct config *config)
{
	struct craft packet = *message;

	craft_udp(&packet, outgoing ? config->port : PEER_PORT,
		  outgoing ? PEER_PORT : config->port);
	craft_ipv4(&packet, outgoing ? 10 : PEER, outgoing ? PEER : 10);
	return craft_decode(&packet, outgoing, config);
}
