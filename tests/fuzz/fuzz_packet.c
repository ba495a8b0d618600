/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as a packet, decoded; the exporter must find nothing wrong with its records
 *
 * The first byte of the input chooses the direction, EDNS Client Subnet and whether all of the packet
 * was captured, and whether two bytes follow that say how long the datagrams of a super-packet are; the
 * rest is the packet.
 */
#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"
#include "common/config.h"
#include "common/record_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define OUTGOING 0x01
#define USE_ECS	 0x02
#define SNAPPED	 0x04 /* the packet was longer on the wire */
#define OFFLOAD	 0x08 /* UDP offload has joined datagrams */

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Every alphabet, framing and length of ClientID; the recordings' domain is the first */
static const struct config *make_config(bool use_ecs)
{
	static const char *const names[] = { "\1t\7example\3com",    "\1s\7example\3com",
					     "\1v\7example\3com",    "\1x\7example\3com",
					     "\1k\1t\7example\3com", "\1i" };
	static struct config configs[2];
	struct config *config = &configs[use_ecs];

	if (config->magic)
		return config;
	*config = (struct config){ .magic = CONFIG_MAGIC,
				   .version = CONFIG_VERSION,
				   .port = 53,
				   .block_bytes = CONFIG_BLOCK_MIN,
				   .blocks = 1,
				   .latency_ms = 1,
				   .tunnel_count = sizeof(names) / sizeof(names[0]),
				   .use_ecs = use_ecs };
	for (uint8_t i = 0; i < config->tunnel_count; i++) {
		struct tunnel *tunnel = &config->tunnels[i];

		tunnel->name_bytes = (uint8_t)(strlen(names[i]) + 1);
		memcpy(tunnel->name, names[i], tunnel->name_bytes);
		for (unsigned at = 0; names[i][at]; at += 1u + (unsigned)names[i][at])
			tunnel->labels++;
		tunnel->id_bytes = i == 0 ? 8 : (uint8_t)(i + 1);
		tunnel->edns_min = i % 2 ? 512 : 1232;
		tunnel->alphabet = i / 2 % ALPHABETS;
		tunnel->framing = i % FRAMINGS;
		tunnel->qtypes[0] = 16;
		tunnel->qtypes[1] = 28;
		tunnel->qtype_count = (uint8_t)(1 + i % 2);
	}
	must(!config_fault(config));
	return config;
}

/* In segments, with their headers; each byte of a message is in one of them at most */
static size_t carried_bytes(const struct record *message)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < message->segments; i++)
		bytes += RECORD_KCP_BYTES + record_segment(message, i)->bytes;
	return bytes;
}

/* Return: whether there is a datagram there */
static bool check_datagram(const struct sight *sight, const struct domains *domains)
{
	static struct batch batch;
	struct batch_state state = { .sequence = 1 };
	const struct config *config = domains->config;
	struct record *record = &batch.records[0], again[RECORD_MESSAGE_MAX];
	unsigned count;

	memset(record, 0xa5, sizeof(again));
	count = decode(sight, domains, record);
	must(count <= RECORD_MESSAGE_MAX && (count > 0 || sight->start > 0));
	memset(again, 0x5a, sizeof(again));
	must(decode(sight, domains, again) == count);
	must(memcmp(record, again, count * sizeof(*record)) == 0);
	if (count == 0)
		return false;
	must(sight->segment == 0 || record->message_bytes <= sight->segment);

	batch.header = (struct batch_header){ .magic = BATCH_MAGIC,
					      .version = BATCH_VERSION,
					      .type = BATCH_TRAFFIC,
					      .count = (uint16_t)count,
					      .sequence = 1 };
	must(!record_check_batch(&batch, sizeof(batch.header) + count * sizeof(*record),
				 config->tunnel_count, &state));
	must(count == record_of_message(record));
	must(carried_bytes(record) <= record->payload_bytes);
	must(record->kind == (sight->outgoing ? RECORD_RESPONSE : RECORD_QUERY));
	must(config->use_ecs || !(record->flags & RECORD_FLAG_ECS));
	must(record->payload_bytes >= RECORD_KCP_BYTES || !(record->flags & RECORD_FLAG_KCP));
	if (record->verdict == VERDICT_ACCEPTED)
		for (unsigned i = config->tunnels[record->domain].id_bytes; i < RECORD_ID_BYTES;
		     i++)
			must(record->client_id[i] == 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct config *config;
	struct domains domains;
	struct sight sight;
	unsigned datagrams = 0;
	size_t head = 1;

	if (size < 1 || (bytes[0] & OFFLOAD && size < 3))
		return -1;
	config = make_config(bytes[0] & USE_ECS);
	domains_index(config, &domains);
	head += bytes[0] & OFFLOAD ? sizeof(sight.segment) : 0;
	sight = (struct sight){ .bytes = bytes + head,
				.captured = (uint32_t)(size - head),
				.length = (uint32_t)(size - head) + (bytes[0] & SNAPPED ? 4000 : 0),
				.interface = bytes[0],
				.time_ms = (uint32_t)size,
				.outgoing = bytes[0] & OUTGOING };
	if (bytes[0] & OFFLOAD)
		memcpy(&sight.segment, bytes + 1, sizeof(sight.segment));
	while (check_datagram(&sight, &domains) && sight.segment > 0) {
		sight.start += sight.segment;
		datagrams++;
	}
	must(datagrams <= 65535);
	return 0;
}
