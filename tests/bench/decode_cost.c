/* SPDX-License-Identifier: MIT */
/* Decodes the generator's traffic and counts the records, for a tool that counts instructions
 *
 * Run it under callgrind with --toggle-collect=measured_decode or measured_records, or alone for
 * nanoseconds: instructions do not depend on what else the machine does, times do.
 */
#include <error.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "bench_config.h"
#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"
#include "crowd.h"
#include "geoip/geoip.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"

#define PACKETS	       BATCH_RECORDS /* of a batch */
#define COLLIDING      512
#define COLLIDING_MAX  4096 /* sessions, so that as many IDs of one bucket are soon found */
#define COLLIDING_MASK 8191 /* of the buckets that sessions_open() then makes */

/* Whose ClientIDs */
enum ids {
	IDS_CROWD,
	IDS_COLLIDING, /* all in one bucket, for who holds that the key is zero */
	IDS_KEY_KNOWN, /* these, and the key is zero */
};

struct cost_options {
	struct generator_options crowd;
	uint64_t batches, before;
	enum ids ids;
	uint32_t sessions;
	const char *asn, *packet;
};

static struct config config;
static struct domains domains;
static struct crowd crowd;
static struct traffic traffic;
static struct record records[PACKETS * RECORD_MESSAGE_MAX];
static uint32_t count; /* of them */
static uint8_t packets[PACKETS][FRAME_RESPONSE_MAX];
static struct sight sights[PACKETS];
static uint64_t colliding[COLLIDING];

static void decode_all(void)
{
	count = 0;
	for (unsigned i = 0; i < PACKETS; i++)
		count += decode(&sights[i], &domains, &records[count]);
}

static void count_all(uint64_t now_ns)
{
	traffic_records(&traffic, records, count, (struct moment){ now_ns, now_ns });
}

/* Called once what comes again and again is known: the tool counts only what is below these */
__attribute__((noinline, used)) static void measured_decode(void)
{
	decode_all();
	__asm__ volatile("" ::: "memory"); /* not a jump, which the tool would not see the end of */
}

__attribute__((noinline, used)) static void measured_records(uint64_t now_ns)
{
	count_all(now_ns);
	__asm__ volatile("" ::: "memory");
}

static void make_packets(bool mixed)
{
	for (unsigned i = 0; i < PACKETS; i++) {
		static struct exchange exchange;
		const bool response = mixed && i % 2;
		const struct frame *frame;

		if (!response)
			crowd_next(&crowd, &exchange);
		frame = response ? exchange.response : exchange.query;
		memcpy(packets[i], frame->bytes + 14, frame->length - 14u);
		sights[i] = (struct sight){
			.bytes = packets[i],
			.captured = frame->length - 14u,
			.length = frame->length - 14u,
			.interface = 2,
			.outgoing = response,
		};
	}
}

/* All of a batch are the IP packet in a file */
static void read_packet(const char *path)
{
	static uint8_t packet[65536];
	FILE *file = fopen(path, "r");
	size_t bytes = file ? fread(packet, 1, sizeof(packet), file) : 0;

	if (bytes == 0 || fclose(file) != 0)
		error(1, 0, "cannot read %s", path);
	for (unsigned i = 0; i < PACKETS; i++)
		sights[i] = (struct sight){ .bytes = packet,
					    .captured = (uint32_t)bytes,
					    .length = (uint32_t)bytes,
					    .interface = 2 };
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void find_colliding(void)
{
	static const struct hash_key none;
	unsigned found = 0;

	for (uint64_t id = 1; found < COLLIDING; id++) {
		if ((hash_words(&none, id, 0) & COLLIDING_MASK) == 0)
			colliding[found++] = id;
	}
}

static void replace_ids(uint64_t batch)
{
	for (unsigned i = 0; i < count; i += record_of_message(&records[i]))
		memcpy(records[i].client_id, &colliding[(batch * PACKETS + i) % COLLIDING], 8);
}

static const struct option names[] = {
	{ "batches", required_argument, NULL, 'b' }, { "before", required_argument, NULL, 'w' },
	{ "mixed", no_argument, NULL, 'm' },	     { "clients", required_argument, NULL, 'c' },
	{ "domains", required_argument, NULL, 'd' }, { "resolvers", required_argument, NULL, 'r' },
	{ "asn", required_argument, NULL, 'a' },     { "sessions", required_argument, NULL, 's' },
	{ "packet", required_argument, NULL, 'p' },  { "colliding", no_argument, NULL, 'k' },
	{ "key-known", no_argument, NULL, 'z' },     { 0 },
};

static void parse(struct cost_options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'b': options->batches = strtoull(optarg, NULL, 10); break;
		case 'w': options->before = strtoull(optarg, NULL, 10); break;
		case 'm': options->crowd.mixed = true; break;
		case 'c': options->crowd.clients = strtoull(optarg, NULL, 10); break;
		case 'd': options->crowd.domains = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': options->crowd.resolvers = strtoull(optarg, NULL, 10); break;
		case 'a': options->asn = optarg; break;
		case 's': options->sessions = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'p': options->packet = optarg; break;
		case 'k': options->ids = IDS_COLLIDING; break;
		case 'z': options->ids = IDS_KEY_KNOWN; break;
		default: exit(2);
		}
	}
}

static void open_traffic(const struct cost_options *options)
{
	static const struct interfaces interfaces;
	struct traffic_options traffic_options = { .domains = options->crowd.domains,
						   .max_sessions = options->sessions,
						   .max_series = 8192,
						   .interfaces = &interfaces,
						   .key = { 1, 2 } };
	struct reason reason;

	if (options->ids == IDS_KEY_KNOWN)
		traffic_options.key = (struct hash_key){ 0 };
	if (options->asn &&
	    (geoip_read(GEOIP_ASN, options->asn, &traffic_options.asn, &reason) < 0 ||
	     geoip_open(traffic_options.asn, &reason) < 0))
		error(1, 0, "%s", reason.text);
	if (traffic_open(&traffic, &traffic_options) < 0)
		error(1, 0, "no memory");
}

int main(int argc, char **argv)
{
	struct cost_options options = {
		.crowd = { .domain = "t.example.com",
			   .seed = 1,
			   .clients = 10000,
			   .resolvers = 256,
			   .domains = 1,
			   .each = 1,
			   .response_bytes = 1024,
			   .port = 53 },
		.batches = 200,
		.before = 300,
		.sessions = 131072,
	};
	struct link link = { .port = 53 };
	uint64_t accepted = 0, decoding = 0, counting = 0, start;
	uint8_t *memory;

	parse(&options, argc, argv);
	if (options.ids != IDS_CROWD) {
		options.sessions = COLLIDING_MAX;
		find_colliding();
	}
	bench_config(&config, options.crowd.domains);
	domains_index(&config, &domains);
	open_traffic(&options);
	memory = calloc(1, crowd_bytes(&options.crowd));
	if (!memory)
		error(1, 0, "no memory");
	if (!options.packet)
		crowd_make(&crowd, &options.crowd, &link, memory);
	for (uint64_t i = 0; i < options.before + options.batches; i++) {
		const bool measured = i >= options.before;
		const uint64_t at = i * PACKETS * 5000; /* 200,000 packets per second */

		if (options.packet)
			read_packet(options.packet);
		else
			make_packets(options.crowd.mixed);
		start = now_ns();
		(measured ? measured_decode : decode_all)();
		decoding += measured ? now_ns() - start : 0;
		for (unsigned j = 0; j < count; j += record_of_message(&records[j]))
			accepted += records[j].verdict == VERDICT_ACCEPTED;
		if (options.ids != IDS_CROWD)
			replace_ids(i);
		start = now_ns();
		(measured ? measured_records : count_all)(at);
		counting += measured ? now_ns() - start : 0;
	}
	printf("{\"packets\": %lu, \"accepted\": %lu, \"series\": %u, \"decode_ns\": %.1f,"
	       " \"record_ns\": %.1f}\n",
	       options.batches * PACKETS, accepted, traffic.series.count,
	       (double)decoding / (double)(options.batches * PACKETS),
	       (double)counting / (double)(options.batches * PACKETS));
	traffic_close(&traffic);
	free(memory);
	return 0;
}
