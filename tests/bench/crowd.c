/* SPDX-License-Identifier: MIT */
/* Who the queries come from, and the frames they are sent in */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In all, if the domains are few: what a second-level cache holds */
#define FRAMES	     2048u
#define FRAMES_MIXED 512u
#define FRAMES_MIN   128 /* of a sort: none is stamped again while it waits to be sent */

/* Of one sort */
static unsigned frames_of(const struct generator_options *options)
{
	const unsigned frames = (options->mixed ? FRAMES_MIXED : FRAMES) / 2 / options->domains;

	return frames < FRAMES_MIN ? FRAMES_MIN : frames;
}

static size_t sort_bytes(const struct generator_options *options)
{
	return frames_of(options) *
	       (size_t)(FRAME_QUERY_MAX + (options->mixed ? FRAME_RESPONSE_MAX : 0));
}

static struct frame *allocate(unsigned count)
{
	struct frame *frames = calloc(count, sizeof(*frames));

	if (!frames)
		error(1, ENOMEM, "frames");
	return frames;
}

/* 30 % polls, 20 % acknowledgements, the rest data: 210 bytes per frame on average */
static unsigned payload(const struct generator_options *options, uint64_t *random)
{
	uint64_t share = frame_random(random) % 10;

	if (options->polls_only || share < 3)
		return 0;
	if (share < 5)
		return 24;
	return 80 + (unsigned)(frame_random(random) % 55);
}

static void make_sort(struct crowd *crowd, unsigned domain_index, bool ipv6,
		      const struct link *link, uint8_t *memory, uint64_t *random)
{
	const struct generator_options *options = crowd->options;
	struct sort *sort = &crowd->sorts[domain_index][ipv6];
	uint8_t domain[256];
	size_t domain_bytes = frame_domain(options->domain, domain_index, domain);
	uint8_t *responses = memory + (size_t)crowd->frames * FRAME_QUERY_MAX;

	sort->queries = allocate(crowd->frames);
	if (options->mixed)
		sort->responses = allocate(crowd->frames);
	for (unsigned i = 0; i < crowd->frames; i++) {
		struct frame *query = &sort->queries[i];

		query->bytes = memory + (size_t)i * FRAME_QUERY_MAX;
		frame_query(query, link, ipv6, domain, domain_bytes, payload(options, random),
			    random);
		if (!options->mixed)
			continue;
		sort->responses[i].bytes = responses + (size_t)i * FRAME_RESPONSE_MAX;
		frame_response(&sort->responses[i], link, query, options->response_bytes, random);
	}
}

size_t crowd_bytes(const struct generator_options *options)
{
	return sort_bytes(options) * options->domains * 2;
}

void crowd_make(struct crowd *crowd, const struct generator_options *options,
		const struct link *link, uint8_t *memory)
{
	uint64_t random = options->seed;

	crowd->options = options;
	crowd->random = options->seed + (uint64_t)getpid();
	crowd->frames = frames_of(options);
	for (unsigned i = 0; i < options->domains * 2; i++)
		make_sort(crowd, i / 2, i % 2, link, memory + i * sort_bytes(options), &random);
}

bool crowd_client(const struct crowd *crowd, uint64_t index, struct client *ret_client)
{
	const struct generator_options *options = crowd->options;
	const uint64_t hash = frame_mix(index ^ options->seed << 32);
	const uint64_t other = frame_mix(hash);
	const bool ipv6 = (hash >> 20) % 10 >= 7;
	uint8_t *address = ret_client->address;

	ret_client->id = hash;
	if (options->random_ids) {
		/* any address of unicast: 2000::/3, or 1.0.0.0 to 223.255.255.255 */
		memcpy(address, &other, 8);
		memcpy(address + 8, &hash, 8);
		address[0] = (uint8_t)(ipv6 ? 0x20 | (other & 0x1f) : 1 + (other & 0xff) % 223);
	} else {
		/* the networks for benchmarks: 2001:2::/48 (RFC 5180), 198.18.0.0/15 (RFC 2544) */
		uint32_t number = htonl((uint32_t)(other % options->resolvers) + 1);

		memset(address, 0, sizeof(ret_client->address));
		memcpy(address + (ipv6 ? 12 : 0), &number, 4);
		memcpy(address, ipv6 ? "\x20\x01\x00\x02" : "\xc6\x12", ipv6 ? 4 : 2);
	}
	return ipv6;
}

void crowd_next(struct crowd *crowd, struct exchange *ret_exchange)
{
	const struct generator_options *options = crowd->options;
	const uint64_t any = frame_random(&crowd->random);
	uint64_t index = crowd->number % options->clients;
	struct client *client = &ret_exchange->client;
	struct sort *sort;

	if (options->random_ids) {
		crowd->stranger = crowd->number % options->each == 0 ? any : crowd->stranger;
		index = crowd->stranger;
	}
	sort = &crowd->sorts[index % options->domains][crowd_client(crowd, index, client)];
	client->serial =
		(uint32_t)(options->random_ids ? crowd->number : crowd->number / options->clients);
	client->port = htons((uint16_t)(1024 + any % 64512));
	client->dns_id = (uint16_t)(any >> 32);
	ret_exchange->query = &sort->queries[sort->next];
	frame_stamp(ret_exchange->query, client);
	if (sort->responses) {
		ret_exchange->response = &sort->responses[sort->next];
		frame_stamp(ret_exchange->response, client);
	}
	sort->next = (sort->next + 1) % crowd->frames;
	crowd->number++;
}
