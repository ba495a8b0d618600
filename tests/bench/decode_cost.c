/* SPDX-License-Identifier: MIT */
/* Decodes the generator's traffic and counts the records, for a tool that counts instructions
 *
 * Run it under callgrind with --toggle-collect=measured_decode or measured_records, or alone for
 * nanoseconds: instructions do not depend on what else the machine does, times do.
 */
#include <error.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_config.h"
#include "config.h"
#include "crowd.h"
#include "decode.h"
#include "interfaces.h"
#include "record.h"
#include "traffic.h"

#define PACKETS BATCH_RECORDS /* of a batch */

static struct config config;
static struct crowd crowd;
static struct traffic traffic;
static struct record records[PACKETS];
static uint8_t packets[PACKETS][FRAME_RESPONSE_MAX];
static struct sight sights[PACKETS];

__attribute__((noinline, used)) static void measured_decode(void)
{
	for (unsigned i = 0; i < PACKETS; i++)
		decode(&sights[i], &config, &records[i]);
}

__attribute__((noinline, used)) static void measured_records(uint64_t now_ns)
{
	traffic_records(&traffic, records, PACKETS, now_ns);
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

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
	static const struct interfaces interfaces;
	struct generator_options options = { .domain = "t.example.com",
					     .seed = 1,
					     .resolvers = 256,
					     .response_bytes = 1024,
					     .port = 53 };
	struct traffic_options traffic_options = { .max_sessions = 131072,
						   .max_series = 4096,
						   .interfaces = &interfaces,
						   .key = { 1, 2 } };
	struct link link = { .port = 53 };
	uint64_t batches, accepted = 0, decoding = 0, counting = 0, start;

	if (argc != 5)
		error(2, 0, "usage: decode_cost BATCHES queries|mixed CLIENTS DOMAINS");
	batches = strtoull(argv[1], NULL, 10);
	options.mixed = strcmp(argv[2], "mixed") == 0;
	options.clients = strtoull(argv[3], NULL, 10);
	traffic_options.domains = options.domains = (unsigned)strtoull(argv[4], NULL, 10);
	bench_config(&config, options.domains);
	if (traffic_open(&traffic, &traffic_options) < 0)
		error(1, 0, "no memory");
	crowd_make(&crowd, &options, &link);
	for (uint64_t i = 0; i < batches; i++) {
		make_packets(options.mixed);
		start = now_ns();
		measured_decode();
		decoding += now_ns() - start;
		for (unsigned j = 0; j < PACKETS; j++)
			accepted += records[j].verdict == VERDICT_ACCEPTED;
		start = now_ns();
		/* 200,000 packets per second */
		measured_records(i * PACKETS * 5000);
		counting += now_ns() - start;
	}
	traffic_close(&traffic);
	printf("{\"packets\": %lu, \"accepted\": %lu, \"decode_ns\": %.1f, \"record_ns\": %.1f}\n",
	       batches * PACKETS, accepted, (double)decoding / (double)(batches * PACKETS),
	       (double)counting / (double)(batches * PACKETS));
	return 0;
}
