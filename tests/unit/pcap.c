/* SPDX-License-Identifier: MIT */
/* Recordings of link type LINUX_SLL2, packet by packet as the ring would have shown them */
#include "pcap.h"

#include <limits.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/decode.h"
#include "unit.h"

#define MAGIC	      0xa1b2c3d4u /* classic, microseconds, of this machine's byte order */
#define SLL2	      276
#define FILE_BYTES    24 /* header of the file, of a packet, of the link */
#define HEAD_BYTES    16
#define LINK_BYTES    20
#define RECORDING_MAX (32u << 20)

/* Plain, or compressed by gzip */
static uint8_t *read_recording(const char *name, size_t *ret_size)
{
	static uint8_t bytes[RECORDING_MAX];
	char path[PATH_MAX];
	uint8_t *copy;
	gzFile file;
	int size;

	if (!getenv("TEST_FIXTURES"))
		fail_msg("TEST_FIXTURES is not set");
	(void)snprintf(path, sizeof(path), "%s/%s.pcap", getenv("TEST_FIXTURES"), name);
	if (access(path, R_OK) < 0)
		strncat(path, ".gz", sizeof(path) - strlen(path) - 1);
	file = gzopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s", path);
	size = gzread(file, bytes, sizeof(bytes));
	gzclose(file);
	assert_in_range(size, FILE_BYTES, sizeof(bytes) - 1);
	/* Of exactly its size, so that a sanitizer sees a read past its end */
	copy = malloc((size_t)size);
	assert_non_null(copy);
	*ret_size = (size_t)size;
	return memcpy(copy, bytes, (size_t)size);
}

static uint8_t *read_fixture(const char *name, const char *suffix, size_t *ret_size)
{
	const char *folder = getenv("TEST_FIXTURES");
	char path[PATH_MAX];
	uint8_t *bytes;
	FILE *file;
	long size;

	if (!folder)
		fail_msg("TEST_FIXTURES is not set");
	(void)snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	bytes = calloc(1, (size_t)size + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
	fclose(file);
	*ret_size = (size_t)size;
	return bytes;
}

static uint32_t u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

void pcap_open(struct pcap *ret_pcap, const char *name)
{
	ret_pcap->bytes = read_recording(name, &ret_pcap->size);
	ret_pcap->at = FILE_BYTES;
	assert_int_equal(u32(ret_pcap->bytes), MAGIC);
	assert_int_equal(u32(ret_pcap->bytes + 20), SLL2);
}

bool pcap_next(struct pcap *pcap, struct sight *ret_sight)
{
	const uint8_t *head = pcap->bytes + pcap->at, *link = head + HEAD_BYTES;
	uint32_t captured;

	if (pcap->at == pcap->size)
		return false;
	assert_true(pcap->size - pcap->at >= HEAD_BYTES + LINK_BYTES);
	captured = u32(head + 8);
	assert_in_range(captured, LINK_BYTES, pcap->size - pcap->at - HEAD_BYTES);
	*ret_sight = (struct sight){ .bytes = link + LINK_BYTES,
				     .captured = captured - LINK_BYTES,
				     .length = u32(head + 12) - LINK_BYTES,
				     .interface = (uint32_t)link[6] << 8 | link[7],
				     .time_ms = u32(head) * 1000 + u32(head + 4) / 1000,
				     .outgoing = link[10] == PACKET_OUTGOING };
	pcap->now_ns = u32(head) * UINT64_C(1000000000) + u32(head + 4) * UINT64_C(1000);
	pcap->at += HEAD_BYTES + captured;
	return true;
}

void pcap_close(struct pcap *pcap)
{
	free(pcap->bytes);
}

unsigned long pcap_expected(const char *name, const char *resolver, const char *key)
{
	char quoted[64];
	size_t size;
	char *text = (char *)read_fixture(name, ".expected.json", &size), *at;
	unsigned long number;

	(void)snprintf(quoted, sizeof(quoted), "\"%s\": {", resolver);
	at = strstr(text, quoted);
	(void)snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	at = at ? strstr(at, quoted) : NULL;
	if (!at)
		fail_msg("%s.expected.json has no %s of %s", name, key, resolver);
	number = strtoul(at + strlen(quoted), NULL, 10);
	free(text);
	return number;
}
