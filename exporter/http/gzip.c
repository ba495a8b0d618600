/* SPDX-License-Identifier: MIT */
/* A response through gzip, piece by piece */
#include "http/gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/table.h"

#define LEVEL	    1
#define GZIP_WINDOW (15 + 16)	 /* 32 KiB, and a gzip header instead of zlib's */
#define MEMORY	    8		 /* zlib's default */
#define ROOM	    (512u << 10) /* deflate takes 268 KiB of it, and zlib-ng's some more */

struct gzip {
	z_stream stream;
	uint8_t *room; /* of the stream */
	size_t taken;
	const uint8_t *in_end;
	uint8_t *out, *out_end;
	bool in_place; /* the input is the end of the output's buffer */
};

/* zlib's malloc(): it takes the same few pieces each time, and gives none back before the end */
static void *take(void *context, unsigned count, unsigned bytes)
{
	struct gzip *gzip = context;
	size_t wanted = ((size_t)count * bytes + 63) / 64 * 64;

	if (wanted > ROOM - gzip->taken)
		return NULL;
	gzip->taken += wanted;
	return gzip->room + gzip->taken - wanted;
}

static void give_back(void *context, void *piece)
{
	(void)context, (void)piece;
}

/* zlib writes to half of its memory at once, so it begins when there is something to do */
static int begin(struct gzip *gzip)
{
	if (gzip->stream.state)
		return deflateReset(&gzip->stream);
	gzip->taken = 0;
	return deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY,
			    Z_DEFAULT_STRATEGY);
}

int gzip_make(struct gzip **ret_gzip)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return -ENOMEM;
	gzip->stream = (z_stream){ .zalloc = take, .zfree = give_back, .opaque = gzip };
	gzip->room = table_make(1, ROOM);
	if (!gzip->room) {
		free(gzip);
		return -ENOMEM;
	}

	*ret_gzip = gzip;
	return 0;
}

void gzip_free(struct gzip *gzip)
{
	if (gzip)
		table_free(gzip->room, 1, ROOM);
	free(gzip);
}

size_t gzip_bound(struct gzip *gzip, size_t bytes)
{
	return begin(gzip) == Z_OK ? deflateBound(&gzip->stream, bytes) : 0;
}

void gzip_begin(struct gzip *gzip, const void *in, size_t bytes, uint8_t *out, size_t room)
{
	const uint8_t *start = in;

	(void)begin(gzip);
	gzip->stream.next_in = start;
	gzip->stream.next_out = out;
	gzip->in_end = start + bytes;
	gzip->out = out;
	gzip->out_end = out + room;
	gzip->in_place = gzip->in_end == gzip->out_end;
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

int gzip_more(struct gzip *gzip, size_t bytes, size_t *ret_bytes)
{
	z_stream *stream = &gzip->stream;
	size_t rest = (size_t)(gzip->in_end - stream->next_in);
	const uint8_t *stop = stream->next_in + lesser(rest, lesser(bytes, UINT_MAX));
	int flush = stop == gzip->in_end ? Z_FINISH : Z_NO_FLUSH, r;

	do {
		/* zlib has read what is before next_in, and keeps what it needs of it elsewhere */
		const uint8_t *end = gzip->in_place ? stream->next_in : gzip->out_end;

		stream->avail_in = (unsigned)(stop - stream->next_in);
		stream->avail_out = (unsigned)lesser((size_t)(end - stream->next_out), UINT_MAX);
		r = deflate(stream, flush);
	} while (r == Z_OK && (stream->next_in != stop || flush == Z_FINISH));
	if (r != Z_STREAM_END && r != Z_OK)
		return -ENOBUFS;
	*ret_bytes = (size_t)(stream->next_out - gzip->out);
	/* Now, not before the next one: deflateBound() is too small for a stream that has ended. */
	if (r == Z_STREAM_END)
		(void)deflateReset(stream);

	return r == Z_OK;
}
