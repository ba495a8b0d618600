/* SPDX-License-Identifier: MIT */
/* The tunnel packets in what a client wrote and in an answer. No system calls. */
#include "capture/tunnel.h"

#include <sys/param.h>

#define PADDING 0xe0 /* dnstt: 0xe0+n says that n bytes of padding follow */

/* dnsttEx: the first byte behind the ClientID */
#define EX_PREFIX 0xfd /* three bytes of which nothing is known here */
#define EX_HINT	  0xfe /* nothing; above it is a ping, which is answered without a session */

/* Bytes that may be cut into character-strings (RFC 1035, 3.3.14) */
struct strings {
	struct cursor cursor;
	size_t left; /* of the one that was begun; UNCUT: it is the only one, and has no length */
};

#define UNCUT SIZE_MAX

/* As it is sent, little-endian, as this host is (sixteen.h; kcp-go kcp.go segment.encode()) */
struct header {
	uint32_t conv;
	uint8_t command, fragment;
	uint16_t window;
	uint32_t ts, sn, una, bytes;
};
static_assert(sizeof(struct header) == RECORD_KCP_BYTES, "no padding");

/* Take up to @count bytes. @ret_copy: of them, or NULL */
static size_t strings_take(struct strings *strings, size_t count, void *ret_copy)
{
	size_t taken = 0, part;

	for (; taken < count && cursor_left(&strings->cursor) > 0; taken += part) {
		if (strings->left == 0)
			strings->left = *cursor_take(&strings->cursor, 1);
		part = MIN(MIN(strings->left, count - taken), cursor_left(&strings->cursor));
		if (ret_copy)
			memcpy((uint8_t *)ret_copy + taken, strings->cursor.at, part);
		cursor_skip(&strings->cursor, part);
		strings->left -= part;
	}
	return taken;
}

/* The segments of a whole KCP datagram, up to the first that kcp.go Input() refuses */
static void walk(struct strings datagram, size_t bytes, struct tunnel_packets *packets)
{
	struct header header;

	while (bytes >= sizeof(header) &&
	       strings_take(&datagram, sizeof(header), &header) == sizeof(header)) {
		struct record *more = packets->more + packets->segments / RECORD_SEGMENTS;
		const unsigned place = packets->segments % RECORD_SEGMENTS;

		bytes -= sizeof(header);
		if (packets->flags == 0) {
			packets->flags = RECORD_FLAG_KCP | (header.sn == 0 ? RECORD_FLAG_SN_0 : 0);
			packets->conv = header.conv;
			packets->una = header.una;
		}
		if (header.command < RECORD_KCP_PUSH || header.command > RECORD_KCP_WINS ||
		    header.bytes > bytes || packets->segments == RECORD_SEGMENTS_MAX)
			return;
		strings_take(&datagram, header.bytes, NULL);
		bytes -= header.bytes;
		if (header.command > packets->last_command)
			continue;
		if (place == 0)
			*more = (struct record){ .kind = RECORD_MORE };
		more->segment[place] =
			(struct segment){ header.ts, header.sn, (uint16_t)header.bytes,
					  header.command, 0 };
		packets->segments++;
	}
}

/* Take a packet, if it is whole. The first that is not empty says whether they are KCP's. */
static bool deliver(struct tunnel_packets *packets, struct strings *from, size_t bytes)
{
	const struct strings packet = *from;

	if (strings_take(from, bytes, NULL) < bytes)
		return false;
	if (packets->more && (packets->flags || packets->bytes == 0))
		walk(packet, bytes, packets);
	packets->bytes = (uint16_t)(packets->bytes + bytes);
	return true;
}

/* Return: whether all was padding and whole packets; what was delivered before stays so */
static bool read_row(struct cursor row, struct tunnel_packets *packets)
{
	struct strings rest = { row, UNCUT };
	const uint8_t *first;

	while ((first = cursor_take(&rest.cursor, 1)))
		if (*first >= PADDING ? !cursor_skip(&rest.cursor, *first - PADDING)
				      : *first > 0 && !deliver(packets, &rest, *first))
			return false;
	return true;
}

static bool read_server(struct cursor rest, struct tunnel_packets *packets)
{
	(void)read_row(rest, packets);
	return true;
}

static bool read_dnstt(struct cursor rest, struct tunnel_packets *packets)
{
	return cursor_left(&rest) > 0 && *rest.at >= PADDING && read_row(rest, packets);
}

/* A length and a packet, and nothing behind it unless @has_more */
static bool read_one(struct cursor rest, bool has_more, struct tunnel_packets *packets)
{
	const uint8_t *length = cursor_take(&rest, 1);
	struct strings packet = { rest, UNCUT };

	return length && deliver(packets, &packet, *length) &&
	       (has_more || cursor_left(&packet.cursor) == 0);
}

static bool read_vaydns(struct cursor rest, struct tunnel_packets *packets)
{
	const size_t bytes = cursor_left(&rest);

	return bytes == 4 /* a nonce */ || (bytes > 1 && read_one(rest, false, packets));
}

static bool read_dnsttex(struct cursor rest, struct tunnel_packets *packets)
{
	if (cursor_left(&rest) == 0 || *rest.at >= EX_HINT)
		return cursor_left(&rest) > 0 && *rest.at == EX_HINT;
	if (*rest.at == EX_PREFIX && cursor_left(&rest) > 3)
		cursor_skip(&rest, 3);
	return *rest.at >= PADDING ? read_dnstt(rest, packets) : read_one(rest, true, packets);
}

tunnel_reader *const tunnel_upstream[FRAMINGS] = {
	[FRAMING_DNSTT] = read_dnstt,
	[FRAMING_SERVER] = read_server,
	[FRAMING_VAYDNS] = read_vaydns,
	[FRAMING_DNSTTEX] = read_dnsttex,
};

void tunnel_downstream(struct cursor txt, struct tunnel_packets *packets)
{
	struct strings strings = { .cursor = txt };
	uint8_t length[2];

	while (strings_take(&strings, sizeof(length), length) == sizeof(length) &&
	       deliver(packets, &strings, cursor_be16(length)))
		;
}
