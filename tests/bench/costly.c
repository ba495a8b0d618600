/* SPDX-License-Identifier: MIT */
/* Searches for the packets that cost capture the most: costly SECONDS SEED FOLDER
 *
 * Mutates packets towards more basic blocks of the decoder, which its build counts
 * (-fsanitize-coverage=trace-pc), and writes the KEPT worst to FOLDER, an IP packet a file. What
 * they take in instructions is a test's (tests/integration/test_cost.py).
 */
#include <error.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_config.h"
#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"

#define MTU	    1500
#define HEAD	    28 /* IPv4 and UDP */
#define KEPT	    10
#define POPULATION  64
#define ROUNDS_EACH 4096 /* between two looks at the clock */

struct packet {
	uint8_t bytes[MTU];
	size_t size;
	uint64_t cost;
};

static uint64_t blocks;
void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static uint64_t seed;
static struct config config;
static struct domains domains;
static struct packet population[POPULATION];

static unsigned below(size_t top)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % (top ? top : 1));
}

static void put_be16(uint8_t *bytes, size_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static void measure(struct packet *packet)
{
	struct sight sight = { .bytes = packet->bytes,
			       .captured = (uint32_t)packet->size,
			       .length = (uint32_t)packet->size,
			       .interface = 2 };
	static struct record records[RECORD_MESSAGE_MAX];

	put_be16(packet->bytes + 2, packet->size);
	put_be16(packet->bytes + 24, packet->size - 20);
	blocks = 0;
	decode(&sight, &domains, records);
	packet->cost = blocks;
}

/* Room for @count bytes at @at, as far as the packet may grow. Return: how many there are now */
static size_t insert(struct packet *packet, size_t at, size_t count)
{
	if (count > MTU - packet->size)
		count = MTU - packet->size;
	memmove(packet->bytes + at + count, packet->bytes + at, packet->size - at);
	packet->size += count;
	return count;
}

/* One more question or record: of a pointer, the root, or a name of short labels */
static void add_entry(struct packet *packet)
{
	static const uint8_t question[] = { 0, 16, 0, 1 };
	static const uint8_t record[] = { 0, 41, 16, 0, 0, 0, 0, 0, 0, 0 };
	const bool is_record = below(2);
	uint8_t *count = packet->bytes + HEAD + 4 + (is_record ? 2 + 2 * below(3) : 0);
	uint8_t name[256], *end = name;
	const unsigned kind = below(4);
	size_t bytes;

	for (unsigned labels = kind == 0   ? below(126)
			       : kind == 1 ? below(4)
					   : 0;
	     labels > 0; labels--) {
		*end++ = 1;
		*end++ = (uint8_t)('a' + below(26));
	}
	if (kind != 3) {
		put_be16(end, 0xc000 | (12 + below(packet->size - HEAD - 12)));
		end += 2;
	} else {
		*end++ = 0;
	}
	bytes = (size_t)(end - name) + (is_record ? sizeof(record) : sizeof(question));
	if (bytes > MTU - packet->size)
		return;
	end = packet->bytes + packet->size;
	memcpy(end, name, bytes - (is_record ? sizeof(record) : sizeof(question)));
	end = packet->bytes + packet->size + bytes;
	if (is_record)
		memcpy(end - sizeof(record), record, sizeof(record));
	else
		memcpy(end - sizeof(question), question, sizeof(question));
	packet->size += bytes;
	put_be16(count, (size_t)(count[0] << 8 | count[1]) + 1);
}

static void mutate(struct packet *packet)
{
	const struct packet *other = &population[below(POPULATION)];
	size_t at = 20 + below(packet->size - 20), count, from;

	switch (below(8)) {
	case 0: packet->bytes[at] = (uint8_t)below(256); break;
	case 1: packet->bytes[at] ^= (uint8_t)(1u << below(8)); break;
	case 2: /* a pointer */
		if (at >= HEAD && at + 2 <= packet->size)
			put_be16(packet->bytes + at, 0xc000 | below(packet->size - HEAD));
		break;
	case 3: /* bytes of another, in place or between */
		from = 20 + below(other->size - 20);
		count = 1 + below(other->size - from);
		count = below(2) && at + count <= packet->size ? count : insert(packet, at, count);
		memcpy(packet->bytes + at, other->bytes + from, count);
		break;
	case 4: /* taken away */
		count = 1 + below(16);
		if (packet->size - at > count && packet->size - count > HEAD + 12) {
			memmove(packet->bytes + at, packet->bytes + at + count,
				packet->size - at - count);
			packet->size -= count;
		}
		break;
	case 5: /* one count of the header */
		put_be16(packet->bytes + HEAD + 4 + 2 * below(4), below(300));
		break;
	default:
		for (count = 1 + below(below(2) ? 2 : 250); count > 0; count--)
			add_entry(packet);
	}
}

static void first(struct packet *packet)
{
	static const uint8_t usual[] = {
		0x45, 0,   0,	0,   0, 0,   0,	 0,   64,  17,	0,   0,	  192, 0,   2, 1,   192,
		0,    2,   2,	200, 0, 0,   53, 0,   0,   0,	0,	/* UDP */
		1,    2,   1,	0,   0, 1,   0,	 0,   0,   0,	0,   1, /* DNS */
		3,    'a', 'b', 'c', 1, 't', 7,	 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o',
		'm',  0,   0,	16,  0, 1,   0,	 0,   41,  4,	208, 0,	  0,   0,   0, 0,   0,
	};

	memcpy(packet->bytes, usual, sizeof(usual));
	packet->size = sizeof(usual);
	measure(packet);
}

static int costlier(const void *one, const void *other)
{
	const uint64_t a = ((const struct packet *)one)->cost;
	const uint64_t b = ((const struct packet *)other)->cost;

	return a < b ? 1 : a > b ? -1 : 0;
}

static void write_kept(const char *folder)
{
	qsort(population, POPULATION, sizeof(population[0]), costlier);
	for (unsigned i = 0; i < KEPT; i++) {
		char path[4096];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%u.packet", folder, i);
		file = fopen(path, "w");
		if (!file || fwrite(population[i].bytes, population[i].size, 1, file) != 1 ||
		    fclose(file) != 0)
			error(1, 0, "cannot write %s", path);
		printf("%s: %zu bytes, %lu blocks\n", path, population[i].size, population[i].cost);
	}
}

int main(int argc, char **argv)
{
	static struct packet tried;
	uint64_t rounds = 0;
	time_t end;

	if (argc != 4)
		error(2, 0, "usage: costly SECONDS SEED FOLDER");
	end = time(NULL) + atoi(argv[1]);
	seed = strtoull(argv[2], NULL, 10) * 2 + 1;
	bench_config(&config, CONFIG_DOMAINS);
	config.use_ecs = true;
	domains_index(&config, &domains);
	for (unsigned i = 0; i < POPULATION; i++)
		first(&population[i]);
	printf("usual: %zu bytes, %lu blocks\n", population[0].size, population[0].cost);
	for (; rounds % ROUNDS_EACH != 0 || time(NULL) < end; rounds++) {
		struct packet *place = &population[below(POPULATION)];

		tried = *place;
		for (unsigned i = 1 + below(6); i > 0; i--)
			mutate(&tried);
		measure(&tried);
		/* The worst of two places gives way, so that what differs lives for a while */
		if (below(2))
			place = &population[below(POPULATION)];
		if (tried.cost >= place->cost)
			*place = tried;
	}
	printf("%lu packets tried\n", rounds);
	write_kept(argv[3]);
	return 0;
}
