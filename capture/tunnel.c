/* SPDX-License-Identifier: MIT */
/* From a QNAME to a session. No system calls. */
#include "tunnel.h"

#include <endian.h>
#include <string.h>

#include "dns.h"
#include "record.h"

#define PADDING 0xe0 /* dnstt: 0xe0+n says that n bytes of padding follow */

/* Sixteen characters at a time, wherever they lie; the compiler makes of it what the processor has */
typedef uint8_t v16u8 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint8_t v64u8 __attribute__((vector_size(64), aligned(1), may_alias));
typedef uint64_t v2u64 __attribute__((vector_size(16)));
static_assert(BYTE_ORDER == LITTLE_ENDIAN, "the first of two neighbours is in the lower bits");

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

/* The same for ASCII, and lengths of labels stay what they are; false if it is not all ASCII */
static bool fold_ascii(uint8_t *out, const uint8_t *in, size_t bytes)
{
	v2u64 any = { 0 };

	for (size_t at = 0; at < bytes; at += 16) {
		v16u8 c = *(const v16u8 *)(in + at);

		any |= (v2u64)c;
		*(v16u8 *)(out + at) = c | ((v16u8)((v16u8)(c - 'A') < 26) & 0x20);
	}
	return !((any[0] | any[1]) & 0x8080808080808080);
}

int tunnel_match(const struct config *config, const struct dns_name *name, unsigned *ret_prefix)
{
	unsigned labels = name->labels, known = config->labels_max, i;
	unsigned first = labels > known ? labels - known : 0;
	const uint8_t *from = name->label[first];
	static uint8_t lower[DNS_NAME_BYTES + 17];
	size_t bytes = (size_t)(name->label[labels] - from);

	if (!name->is_in_line || bytes + 15 > (size_t)(name->end - from) ||
	    !fold_ascii(lower, from, bytes))
		for (bytes = 0, i = first; i < labels; i++, bytes += 1u + lower[bytes])
			lower[bytes] = (uint8_t)fold(lower + bytes + 1, name->label[i] + 1,
						     *name->label[i], true);
	lower[bytes] = 0;
	*(v16u8 *)(lower + bytes + 1) = (v16u8){ 0 };
	for (size_t at = 0; lower[at] != 0; at += 1u + lower[at], first++) {
		int domain = config_domain(config, lower + at, bytes + 1 - at);

		*ret_prefix = first;
		if (domain >= 0)
			return domain;
	}
	return -1;
}

/* RFC 4648: letters, then digits, each a run of values up to the last; the character for zero */
static const struct runs {
	uint8_t last_letter, letter_value, digit, last_digit, digit_value, zero;
} runs[ALPHABETS] = { [ALPHABET_BASE32] = { 25, 0, '2', 5, 26, 'a' },
		      [ALPHABET_BASE32HEX] = { 21, 10, '0', 9, 0, '0' } };

/* Five bits of each character; false if one is not of the alphabet */
static bool text_decode(uint8_t text[DNS_NAME_BYTES + 64], size_t length, enum alphabet alphabet,
			uint8_t ret_decoded[TUNNEL_DECODED_BYTES])
{
	const struct runs a = runs[alphabet];
	v2u64 good = { UINT64_MAX, UINT64_MAX };

	*(v16u8 *)(text + length) = (v16u8){ 0 } + a.zero;
	for (size_t in = 0, out = 0; in < length; in += 16, out += 10) {
		v16u8 c = *(v16u8 *)(text + in), letter = (c | 0x20) - 'a', digit = c - a.digit;
		v16u8 is_letter = (v16u8)(letter <= a.last_letter);
		v16u8 is_digit = (v16u8)(digit <= a.last_digit);
		v2u64 v = (v2u64)((is_letter & (letter + a.letter_value)) |
				  (is_digit & (digit + a.digit_value)));

		good &= (v2u64)(is_letter | is_digit);
		/* Neighbours join, in lanes of 16, 32 and 64 bits: 10, 20 and 40 of them */
		v = (v & 0x00ff00ff00ff00ff) << 5 | (v >> 8 & 0x00ff00ff00ff00ff);
		v = (v & 0x0000ffff0000ffff) << 10 | (v >> 16 & 0x0000ffff0000ffff);
		v = (v & 0xffffffff) << 44 | v >> 32 << 24;
		memcpy(ret_decoded + out, &(uint64_t){ htobe64(v[0]) }, 8);
		memcpy(ret_decoded + out + 5, &(uint64_t){ htobe64(v[1]) }, 8);
	}
	return (good[0] & good[1]) == UINT64_MAX;
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
			*(v64u8 *)(text + length) = *(const v64u8 *)(label + 1);
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
		memcpy(record->head, packet, bytes < RECORD_HEAD_BYTES ? bytes : RECORD_HEAD_BYTES);
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

void tunnel_downstream(const uint8_t *rdata, uint16_t bytes, struct record *record)
{
	static uint8_t stream[UINT16_MAX]; /* the strings without their lengths are shorter */
	size_t length = 0, at = 0, packet;

	while (at < bytes) { /* character-strings (RFC 1035, 3.3.14), joined */
		size_t string = rdata[at++];

		string = string < bytes - at ? string : bytes - at;
		memcpy(stream + length, rdata + at, string);
		length += string;
		at += string;
	}
	for (at = 0; length - at >= 2; at += packet) {
		packet = be16(stream + at);
		at += 2;
		if (!deliver(record, stream + at, packet, length - at))
			break;
	}
}
