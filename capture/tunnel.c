/* SPDX-License-Identifier: MIT */
/* The tunnel packets in what a client wrote, and in an answer. No system calls. */
#include "capture/tunnel.h"

#include <sys/param.h>

#define PADDING 0xe0 /* dnstt: 0xe0+n says that n bytes of padding follow */

/* dnsttEx: the first byte behind the ClientID */
#define EX_PREFIX 0xfd /* three bytes of which nothing is known here */
#define EX_HINT	  0xfe
#define EX_PING	  0xff /* answered without a session */

/* Take a packet, if it is whole */
static bool deliver(struct tunnel_packets *packets, const uint8_t *packet, size_t bytes,
		    size_t there)
{
	if (bytes > there)
		return false;
	if (packets->bytes == 0) {
		packets->first = packet;
		packets->first_bytes = (uint16_t)bytes;
	}
	packets->bytes = (uint16_t)(packets->bytes + bytes);
	return true;
}

/* Return: whether all was padding and whole packets; what was delivered before stays so */
static bool read_row(const uint8_t *rest, size_t bytes, struct tunnel_packets *packets)
{
	size_t at = 0;

	while (at < bytes) {
		const bool is_padding = rest[at] >= PADDING;
		const size_t length = rest[at] - (is_padding ? PADDING : 0u);

		at++;
		if (is_padding ? length > bytes - at
			       : !deliver(packets, rest + at, length, bytes - at))
			return false;
		at += length;
	}
	return true;
}

static bool read_server(const uint8_t *rest, size_t bytes, struct tunnel_packets *packets)
{
	(void)read_row(rest, bytes, packets);
	return true;
}

static bool read_dnstt(const uint8_t *rest, size_t bytes, struct tunnel_packets *packets)
{
	return bytes > 0 && rest[0] >= PADDING && read_row(rest, bytes, packets);
}

static bool read_vaydns(const uint8_t *rest, size_t bytes, struct tunnel_packets *packets)
{
	if (bytes == 4)
		return true; /* a nonce */
	return bytes >= 2 && rest[0] == bytes - 1 &&
	       deliver(packets, rest + 1, bytes - 1, bytes - 1);
}

static bool read_dnsttex(const uint8_t *rest, size_t bytes, struct tunnel_packets *packets)
{
	if (bytes == 0 || rest[0] >= EX_HINT)
		return bytes > 0 && rest[0] == EX_HINT;
	if (rest[0] == EX_PREFIX && bytes > 3) {
		rest += 3;
		bytes -= 3;
	}
	if (rest[0] >= PADDING)
		return read_dnstt(rest, bytes, packets);
	return rest[0] == 0 || deliver(packets, rest + 1, rest[0], bytes - 1);
}

tunnel_reader *const tunnel_upstream[FRAMINGS] = {
	[FRAMING_DNSTT] = read_dnstt,
	[FRAMING_SERVER] = read_server,
	[FRAMING_VAYDNS] = read_vaydns,
	[FRAMING_DNSTTEX] = read_dnsttex,
};

/* Pass up to @count bytes of character-strings (RFC 1035, 3.3.14); @left: of the one begun before */
static size_t strings_take(struct cursor *txt, size_t *left, size_t count,
			   uint8_t ret_head[TUNNEL_HEAD_BYTES])
{
	size_t taken = 0, part;

	for (; taken < count && cursor_left(txt) > 0; taken += part) {
		if (*left == 0)
			*left = *cursor_take(txt, 1);
		part = MIN(MIN(*left, count - taken), cursor_left(txt));
		if (taken < TUNNEL_HEAD_BYTES)
			memcpy(ret_head + taken, txt->at, MIN(part, TUNNEL_HEAD_BYTES - taken));
		cursor_take(txt, part);
		*left -= part;
	}
	return taken;
}

void tunnel_downstream(struct cursor txt, struct tunnel_packets *ret_packets)
{
	static uint8_t first[TUNNEL_HEAD_BYTES]; /* what is shown of it outlives this call */
	struct tunnel_packets packets = { .bytes = 0 };
	uint8_t rest[TUNNEL_HEAD_BYTES], *head;
	size_t left = 0, bytes;

	do {
		head = packets.bytes == 0 ? first : rest;
		bytes = strings_take(&txt, &left, 2, rest) == 2 ? cursor_be16(rest) : SIZE_MAX;
	} while (deliver(&packets, head, bytes, strings_take(&txt, &left, bytes, head)));
	*ret_packets = packets;
}
