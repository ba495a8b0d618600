/* SPDX-License-Identifier: MIT */
/* Gives packets from standard input to decode() and writes its records to standard output
 *
 * Input: the part of a struct config that the exporter sends, as it is in memory, then any number
 * of struct frame, each with its bytes behind it. Output for each of its datagrams: how many records
 * decode() returned (32 bits), and these; then 0. Byte order is the host's; differential.py is the other side.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"

#define CAPTURED_MAX (1u << 20)

struct frame {
	uint32_t captured;
	uint32_t length;
	uint32_t interface;
	uint32_t time_ms;
	uint16_t protocol;
	uint16_t segment;
	uint8_t outgoing;
	uint8_t pad[3];
};

static_assert(sizeof(struct frame) == 24, "differential.py packs it so");

static int fail(const char *what)
{
	fprintf(stderr, "decoder: %s\n", what);
	return EXIT_FAILURE;
}

/* The packet stands in memory of exactly its size, so that a sanitizer sees a read past its end. */
static int decode_frame(const struct frame *frame, const struct domains *domains)
{
	uint8_t *bytes = malloc(frame->captured);
	struct record records[RECORD_MESSAGE_MAX];
	uint32_t count;
	struct sight sight = {
		.bytes = bytes,
		.captured = frame->captured,
		.length = frame->length,
		.interface = frame->interface,
		.time_ms = frame->time_ms,
		.segment = frame->segment,
		.outgoing = frame->outgoing != 0,
	};
	int result = 0;

	if (!bytes && frame->captured > 0)
		return -ENOMEM;
	if (fread(bytes, 1, frame->captured, stdin) != frame->captured)
		result = -EPIPE;
	do {
		memset(records, 0xa5, sizeof(records)); /* decode() has to fill them in whole */
		count = result < 0 ? 0 : decode(&sight, domains, records);
		if (count > RECORD_MESSAGE_MAX || (count == 0 && sight.start == 0))
			result = -ERANGE;
		else if (fwrite(&count, sizeof(count), 1, stdout) != 1 ||
			 fwrite(records, sizeof(*records), count, stdout) != count)
			result = -EIO;
		sight.start += frame->segment;
	} while (result == 0 && count > 0 && frame->segment > 0);
	count = 0;
	if (result == 0 && frame->segment == 0 && fwrite(&count, sizeof(count), 1, stdout) != 1)
		result = -EIO;
	free(bytes);
	return result;
}

int main(void)
{
	static char input[1 << 16], output[1 << 16];
	static struct config config;
	struct domains domains;
	struct frame frame;
	const char *fault;

	if (setvbuf(stdin, input, _IOFBF, sizeof(input)) != 0 ||
	    setvbuf(stdout, output, _IOFBF, sizeof(output)) != 0)
		return fail("no buffers");
	if (fread(&config, sizeof(config), 1, stdin) != 1)
		return fail("input ends in the configuration");
	fault = config_fault(&config);
	if (fault)
		return fail(fault);
	domains_index(&config, &domains);

	for (;;) {
		size_t got = fread(&frame, 1, sizeof(frame), stdin);

		if (got == 0)
			break;
		if (got != sizeof(frame) || frame.captured > CAPTURED_MAX)
			return fail("input ends in a frame, or that is none");
		if (decode_frame(&frame, &domains) < 0)
			return fail("frame could not be read or its record not be written");
	}
	return fflush(stdout) == 0 && !ferror(stdin) ? EXIT_SUCCESS : fail("output failed");
}
