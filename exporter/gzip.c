/* SPDX-License-Identifier: MIT */
/* One response at a time through gzip, with memory that was taken before */
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#define LEVEL	    1
#define GZIP_WINDOW (15 + 16) /* 32 KiB, and a gzip header instead of zlib's */
#define MEMORY	    8	      /* zlib's default */

struct gzip {
	z_stream stream;
};

int gzip_make(struct gzip **ret_gzip)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return -ENOMEM;
	if (deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return -ENOMEM;
	}

	*ret_gzip = gzip;
	return 0;
}

void gzip_free(struct gzip *gzip)
{
	if (gzip)
		(void)deflateEnd(&gzip->stream);
	free(gzip);
}

size_t gzip_bound(struct gzip *gzip, size_t bytes)
{
	return deflateBound(&gzip->stream, bytes);
}

int gzip_compress(struct gzip *gzip, const void *in, size_t bytes, uint8_t *ret_out, size_t room,
		  size_t *ret_bytes)
{
	z_stream *stream = &gzip->stream;
	size_t used;
	int r;

	if (bytes > UINT_MAX || room > UINT_MAX)
		return -EFBIG;
	stream->next_in = in;
	stream->avail_in = (unsigned)bytes;
	stream->next_out = ret_out;
	stream->avail_out = (unsigned)room;
	r = deflate(stream, Z_FINISH);
	used = room - stream->avail_out;
	/* Now, not before the next one: deflateBound() is too small for a stream that has ended. */
	(void)deflateReset(stream);
	if (r != Z_STREAM_END)
		return -ENOBUFS;
	*ret_bytes = used;

	return 0;
}
