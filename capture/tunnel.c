/* SPDX-License-Identifier: MIT */
/* From a QNAME to a session. No system calls. */
#include "capture/tunnel.h"

#include <endian.h>
#include <string.h>
#include <sys/param.h>

#include "capture/dns.h"
#include "common/record.h"
#include "common/sixteen.h"

#define PADDING 0xe0 /* dnstt: 0xe0+n says that n bytes of padding follow */

/* To lower case as Go has it: ToLower() of a domain brings two letters into ASCII, ToUpper() of a
 * client's text two others, and base32 skips line ends. @out may be @in; returns the bytes written.
 */
static size_t fold(uint8_t *out, const uint8_t *in, size_t bytes, bool domain)
{
	size_t length = 0;

	for (size_t i = 0; i < bytes; i++) {
		uint8_t c = in[i], next = i + 1 < bytes ? in[i + 1] : 0;

		if (!domain && (c == '\r' || c == '\n'))
			continue;
		if (c == 0xc4 && next == (domain ? 0xb0 : 0xb1)) /* I WITH DOT ABOVE, DOTLESS I */
			c = 'i', i++;
		else if (!domain && c == 0xc5 && next == 0xbf) /* LONG S */
			c = 's', i++;
		else if (domain && c == 0xe2 && next == 0x84 && i + 2 < bytes && in[i + 2] == 0xaa)
			c = 'k', i += 2; /* KELVIN SIGN */
		out[length++] = (uint8_t)(c + ((uint8_t)(c - 'A') < 26) * 32);
	}
	return length;
}

int tunnel_match(const struct config *config, const struct dns_name *name, unsigned *ret_prefix)
{
	unsigned labels = name->labels, known = config->labels_max, i;
	unsigned first = labels > known ? labels - known : 0;
	const uint8_t *from = name->label[first];
	static uint8_t lower[DNS_NAME_BYTES + 16];
	size_t bytes = (size_t)(name->label[labels] - from);

	if (!name->is_in_line || bytes + 16 > (size_t)(name->end - from) ||
	    !sixteen_is_ascii(from, bytes)) {
		for (bytes = 0, i = first; i < labels; i++, bytes += 1u + lower[bytes])
			lower[bytes] = (uint8_t)fold(lower + bytes + 1, name->label[i] + 1,
						     *name->label[i], true);
		lower[bytes] = 0;
		from = lower;
	}
	for (; *from != 0; bytes -= 1u + *from, from += 1u + *from, first++) {
		int domain = config_domain(config, from, bytes + 1);

		*ret_prefix = first;
		if (domain >= 0)
			return domain;
	}
	return -1;
}

/* RFC 4648: letters from A on, and digits, each up to the last; what makes a value of the distance to
 * A, and of a digit's besides; the character for zero
 */
static const struct characters {
	v16u8 last_letter, digit, last_digit, add, digit_add, zero;
} alphabets[ALPHABETS] = {
	[ALPHABET_BASE32] = { SIXTEEN(25), SIXTEEN('2'), SIXTEEN(5), SIXTEEN(0), SIXTEEN(73),
			      SIXTEEN('a') },
	[ALPHABET_BASE32HEX] = { SIXTEEN(21), SIXTEEN('0'), SIXTEEN(9), SIXTEEN(10), SIXTEEN(39),
				 SIXTEEN('0') },
};

/* Five bits of each character; false if one is not of the alphabet */
static bool text_decode(uint8_t text[DNS_NAME_BYTES + 64], size_t length, enum alphabet alphabet,
			uint8_t ret_decoded[TUNNEL_DECODED_BYTES])
{
	const struct characters *a = &alphabets[alphabet];
	v16u8 good = SIXTEEN(0xff);

	sixteen_store(text + length, a->zero);
	for (size_t in = 0, out = 0; in < length; in += 16, out += 10) {
		v16u8 c = sixteen_load(text + in);
		v16u8 place = (c | 0x20) - 'a', letter = (v16u8)(place <= a->last_letter);
		v16u8 digit = (v16u8)((v16u8)(c - a->digit) <= a->last_digit);
		v16u8 five = place + a->add + (digit & a->digit_add);
		/* Neighbours join: 10, 20 and 40 bits */
		v8u16 ten = ((v8u16)five << 5 | (v8u16)five >> 8) & 0x3ff;
		v4u32 twenty = ((v4u32)ten << 10 | (v4u32)ten >> 16) & 0xfffff;
		v2u64 forty = (v2u64)twenty << 44 | (v2u64)twenty >> 32 << 24;

		good &= letter | digit;
		memcpy(ret_decoded + out, &(uint64_t){ htobe64(forty[0]) }, 8);
		memcpy(ret_decoded + out + 5, &(uint64_t){ htobe64(forty[1]) }, 8);
	}
	return sixteen_is_zero(~good);
}

int tunnel_decode(const struct dns_name *name, unsigned prefix, enum alphabet alphabet,
		  uint8_t ret_decoded[TUNNEL_DECODED_BYTES])
{
	static const uint8_t tail[] = { 0, 0, 1, 0, 2, 3, 0, 4 }; /* of an unfinished group */
	static uint8_t text[DNS_NAME_BYTES + 64];		  /* static: not zeroed each time */
	size_t length = 0;

	for (unsigned i = 0; i < prefix; i++) {
		const uint8_t *label = name->label[i];

		if (name->end - label > 64)
			sixteen_copy(text + length, label + 1, 4);
		else
			memcpy(text + length, label + 1, *label);
		length += *label;
	}
	if (!text_decode(text, length, alphabet, ret_decoded) &&
	    !text_decode(text, length = fold(text, text, length, false), alphabet, ret_decoded))
		return -1;
	if (alphabet == ALPHABET_BASE32HEX)
		return (int)(length * 5 / 8); /* dnsttEx decodes by itself (dns_encoding.go) */
	return (int)(length / 8 * 5 + tail[length % 8]);
}

/* Take a tunnel packet, if it is whole. The first that is not empty shows its head. */
static bool deliver(struct record *record, const uint8_t *packet, size_t bytes, size_t there)
{
	if (bytes > there)
		return false;
	if (record->payload_bytes == 0) {
		memcpy(record->head, packet, MIN(bytes, RECORD_HEAD_BYTES));
		record->flags |= bytes < RECORD_KCP_BYTES ? 0 : RECORD_FLAG_KCP;
	}
	record->payload_bytes = (uint16_t)(record->payload_bytes + bytes);
	return true;
}

bool tunnel_upstream(const uint8_t *rest, size_t bytes, enum framing framing, struct record *record)
{
	if (framing == FRAMING_VAYDNS)
		return bytes == 4 || (bytes >= 2 && rest[0] == bytes - 1 &&
				      deliver(record, rest + 1, bytes - 1, bytes - 1));
	if (framing == FRAMING_DNSTTEX && bytes > 0) {
		if (rest[0] > 0xfd)
			return rest[0] == 0xfe; /* a hint; a ping is answered without a session */
		if (rest[0] == 0xfd && bytes > 3)
			rest += 3, bytes -= 3;
		if (rest[0] < PADDING)
			return rest[0] == 0 || deliver(record, rest + 1, rest[0], bytes - 1);
	}
	for (size_t at = 0, length; at < bytes; at += length) {
		bool padding = rest[at] >= PADDING;

		length = rest[at++] - (padding ? PADDING : 0u);
		if (padding ? length > bytes - at : !deliver(record, rest + at, length, bytes - at))
			return framing == FRAMING_SERVER;
	}
	return framing == FRAMING_SERVER || (bytes > 0 && rest[0] >= PADDING);
}

/* Pass up to @count bytes of character-strings (RFC 1035, 3.3.14); @left: of the one begun before */
static size_t strings_take(struct cursor *txt, size_t *left, size_t count,
			   uint8_t ret_head[RECORD_HEAD_BYTES])
{
	size_t taken = 0, part;

	for (; taken < count && cursor_left(txt) > 0; taken += part) {
		if (*left == 0)
			*left = *cursor_take(txt, 1);
		part = MIN(MIN(*left, count - taken), cursor_left(txt));
		if (taken < RECORD_HEAD_BYTES)
			memcpy(ret_head + taken, txt->at, MIN(part, RECORD_HEAD_BYTES - taken));
		cursor_take(txt, part);
		*left -= part;
	}
	return taken;
}

void tunnel_downstream(struct cursor txt, struct record *record)
{
	uint8_t head[RECORD_HEAD_BYTES];
	size_t left = 0, packet;

	do
		packet = strings_take(&txt, &left, 2, head) == 2 ? be16(head) : SIZE_MAX;
	while (deliver(record, head, packet, strings_take(&txt, &left, packet, head)));
}
