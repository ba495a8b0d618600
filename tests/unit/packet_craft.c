/* SPDX-License-Identifier: MIT */
/* Packets as a client and a server make them, and what capture sees in them */
#include "packet_craft.h"

#include <stdlib.h>

#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"
#include "unit.h"

#define PEER	  192
#define PEER_PORT 4000

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

struct dns_name craft_qname(const char *name, bool is_last)
{
	static struct craft craft;
	struct cursor cursor = { .at = craft.at };
	struct dns_message message;

	craft.size = 0;
	craft_header(&craft, 0, 1, 0, 0, is_last ? 0 : 1);
	craft_question(&craft, name, 16);
	if (!is_last)
		craft_opt(&craft, 0x8f8f);
	cursor.end = craft.at + craft.size;
	assert_true(dns_read(&cursor, true, &message));
	return message.qname;
}

void craft_response(struct craft *craft, const char *name, const void *text, size_t bytes)
{
	struct craft rdata = { .size = 0 };

	craft_strings(&rdata, text, bytes);
	craft_header(craft, 0x8400, 1, 1, 0, 1);
	craft_question(craft, name, 16);
	craft_rr(craft, 16, 1, 60, rdata.at, rdata.size);
	craft_opt(craft, 4096);
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
				       .block_bytes = CONFIG_BLOCK_MIN,
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

struct record craft_seen[RECORD_MESSAGE_MAX];

struct record craft_see(const struct sight *sight, const struct config *config)
{
	struct domains domains;
	unsigned records;

	domains_index(config, &domains);
	memset(craft_seen, 0xa5, sizeof(craft_seen)); /* decode() has to fill it in whole */
	records = decode(sight, &domains, craft_seen);
	assert_int_equal(records, record_of_message(&craft_seen[0]));
	return craft_seen[0];
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
