/* SPDX-License-Identifier: MIT */
/* Fuzz target: Accept, Accept-Encoding and Authorization of a request, and gzip of the whole input
 *
 * Each line of the input is the value of one header.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "http/gzip.h"
#include "http/negotiate.h"
#include "web/auth/basic.h"

#define VALUES	  16
#define BYTES_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t bytes);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* Several headers are one list with commas (RFC 9110, 5.3). */
static void check_joined(char *values, size_t bytes, const char *const *lines, size_t count)
{
	const char *joined = values;
	enum exposition_format format = negotiate_format(lines, count);
	bool gzip = negotiate_gzip(lines, count);

	must(format == TEXT_0_0_4 || format == OPENMETRICS_1_0_0);
	if (count == VALUES || memchr(values, '"', bytes))
		return; /* lines are left out; a quoted string may join two */
	for (size_t i = 0; i < bytes; i++)
		if (!values[i])
			values[i] = ',';
	must(negotiate_format(&joined, 1) == format);
	must(negotiate_gzip(&joined, 1) == gzip);
}

static void check_gzip(const uint8_t *in, size_t bytes)
{
	static uint8_t out[2 * BYTES_MAX];
	static uint8_t back[BYTES_MAX + 1];
	static struct gzip *gzip;
	z_stream stream = { 0 };
	size_t used;

	if (!gzip)
		must(!gzip_make(&gzip));
	must(gzip_bound(gzip, bytes) <= sizeof(out));
	gzip_begin(gzip, in, bytes, out, gzip_bound(gzip, bytes));
	must(!gzip_more(gzip, bytes, &used));
	must(inflateInit2(&stream, 15 + 16) == Z_OK);
	stream.next_in = out;
	stream.avail_in = (unsigned)used;
	stream.next_out = back;
	stream.avail_out = sizeof(back);
	must(inflate(&stream, Z_FINISH) == Z_STREAM_END);
	must(stream.total_out == bytes && !memcmp(back, in, bytes));
	(void)inflateEnd(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t bytes)
{
	static char values[BYTES_MAX + 1];
	const char *lines[VALUES];
	struct basic basic;
	size_t count = 0;

	if (bytes > BYTES_MAX || memchr(text, 0, bytes))
		return -1;
	check_gzip(text, bytes);
	if (bytes)
		memcpy(values, text, bytes);
	values[bytes] = '\0';
	for (char *at = values; at <= values + bytes && count < VALUES; at += strlen(at) + 1) {
		char *end = strchr(at, '\n');

		lines[count++] = at;
		if (end)
			*end = '\0';
		if (!basic_parse(at, &basic)) {
			must(strlen(basic.user) == basic.user_bytes);
			must(strlen(basic.password) == basic.password_bytes);
			must(!strchr(basic.user, ':'));
		}
	}
	check_joined(values, bytes, lines, count);

	return 0;
}
