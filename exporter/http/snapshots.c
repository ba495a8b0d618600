/* SPDX-License-Identifier: MIT */
/* Responses too long to be copied */
#include "http/snapshots.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "base/table.h"
#include "http/gzip.h"
#include "http/http.h"
#include "http/negotiate.h"

#define MOMENT_NS     (UINT64_C(50) * 1000000) /* as long as capture keeps packets by default */
#define AT_ONCE_BYTES (256u << 10)	       /* compressed before a response begins */
#define PIECE_BYTES   (64u << 10)	       /* and then at a time */
#define BLOCK_BYTES   16384		       /* sent at a time: a record of TLS */

int snapshots_open(struct snapshots *ret_snapshots, size_t text_bytes)
{
	struct snapshots *snapshots = ret_snapshots;
	size_t bytes = 0;

	*snapshots = (struct snapshots){ .text_bytes = text_bytes };
	for (unsigned i = 0; i < SNAPSHOTS; i++) {
		struct snapshot *snapshot = &snapshots->snapshot[i];

		if (gzip_make(&snapshot->gzip) == 0) {
			/* The same for all, who are not touched by asking each */
			bytes = bytes ? bytes : gzip_bound(snapshot->gzip, text_bytes);
			snapshots->ahead = bytes - text_bytes;
			snapshot->buffer = bytes ? table_make(1, bytes) : NULL;
		}
		if (!snapshot->buffer) {
			snapshots_close(snapshots);
			return -ENOMEM;
		}
	}
	return 0;
}

void snapshots_close(struct snapshots *snapshots)
{
	for (unsigned i = 0; i < SNAPSHOTS; i++) {
		gzip_free(snapshots->snapshot[i].gzip);
		table_free(snapshots->snapshot[i].buffer, 1,
			   snapshots->ahead + snapshots->text_bytes);
	}
	*snapshots = (struct snapshots){ 0 };
}

void snapshots_release(struct snapshot *snapshot)
{
	snapshot->readers--;
}

/* An MHD_ContentReaderFreeCallback */
static void release(void *context)
{
	snapshots_release(context);
}

/* Compress more of it. False when that is impossible, which gzip_bound() rules out. */
static bool compress(struct snapshot *snapshot, size_t bytes)
{
	int more = gzip_more(snapshot->gzip, bytes, &snapshot->bytes);

	snapshot->whole = more == 0;
	return more >= 0;
}

/* An MHD_ContentReaderCallback */
static ssize_t read_on(void *context, uint64_t position, char *block, size_t room)
{
	struct snapshot *snapshot = context;
	size_t count;

	if (!http_has_time(snapshot->http))
		return 0;
	while (position >= snapshot->bytes) {
		if (snapshot->whole)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (!compress(snapshot, PIECE_BYTES))
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	count = snapshot->bytes - position < room ? snapshot->bytes - position : room;
	memcpy(block, snapshot->sent + position, count);
	return (ssize_t)count;
}

struct snapshot *snapshots_take(struct snapshots *snapshots, const struct snapshot *wanted)
{
	struct snapshot *place = NULL;
	unsigned taken = 0;

	for (unsigned i = 0; i < SNAPSHOTS; i++) {
		struct snapshot *snapshot = &snapshots->snapshot[i];

		/* The first one, as those behind it may not have been touched yet */
		if (snapshot->readers == 0) {
			place = place ? place : snapshot;
			continue;
		}
		if (snapshot->source != wanted->source)
			continue;
		taken++;
		if (snapshot->content_type == wanted->content_type &&
		    snapshot->compressed == wanted->compressed &&
		    wanted->made_ns - snapshot->made_ns < MOMENT_NS) {
			snapshot->readers++;
			return snapshot;
		}
	}
	if (!place || taken >= SNAPSHOTS / 2)
		return NULL;
	*place = (struct snapshot){
		.buffer = place->buffer,
		.gzip = place->gzip,
		.content_type = wanted->content_type,
		.compressed = wanted->compressed,
		.made_ns = wanted->made_ns,
		.source = wanted->source,
		.http = wanted->http,
		.readers = 1,
	};
	return place;
}

char *snapshots_text(const struct snapshots *snapshots, const struct snapshot *snapshot)
{
	return snapshot->buffer + snapshots->ahead;
}

struct MHD_Response *snapshots_respond(struct snapshots *snapshots, struct snapshot *snapshot,
				       size_t text_bytes)
{
	char *text = snapshots_text(snapshots, snapshot);
	struct MHD_Response *response;

	if (!snapshot->sent && !snapshot->compressed) {
		snapshot->sent = text;
		snapshot->bytes = text_bytes;
		snapshot->whole = true;
	} else if (!snapshot->sent) {
		snapshot->sent = snapshot->buffer;
		gzip_begin(snapshot->gzip, text, text_bytes, (uint8_t *)snapshot->buffer,
			   snapshots->ahead + text_bytes);
		(void)compress(snapshot, AT_ONCE_BYTES);
	}
	response = MHD_create_response_from_callback(snapshot->whole ? snapshot->bytes
								     : MHD_SIZE_UNKNOWN,
						     BLOCK_BYTES, read_on, snapshot, release);
	if (!response) {
		snapshots_release(snapshot);
		return NULL;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, snapshot->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, NEGOTIATE_VARY);
	if (snapshot->compressed)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}
