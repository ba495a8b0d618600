/* SPDX-License-Identifier: MIT */
/* From a QNAME to a session. No system calls. */
#include "tunnel.h"

#include <endian.h>
#include <string.h>

#include "dns.h"
#include "record.h"

#define TEXT_BYTES 256	/* a whole name: loops over it have one known length */
#define PADDING	   0xe0 /* dnstt: 0xe0+n says that n bytes of padding follow */

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
	unsigned labels = name->labels, known = config->labels_max;
	unsigned first = labels > known ? labels - known : 0;
	static uint8_t lower[DNS_NAME_BYTES + 17];
	size_t bytes = 0;

	for (unsigned i = first; i < labels; i++, bytes += 1u + lower[bytes])
		lower[bytes] =
			(uint8_t)fold(lower + bytes + 1, name->label[i] + 1, *name->label[i], true);
	memset(lower + bytes, 0, 17);
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

/* To values of 5 bits, zeros behind the last; false if one is not of the alphabet. Vectorizes. */
static bool text_values(uint8_t text[TEXT_BYTES + 64], size_t length, enum alphabet alphabet,
			uint8_t ret_values[TEXT_BYTES])
{
	const struct runs a = runs[alphabet];
	uint8_t good = 0xff;

	memset(text + length, a.zero, 16);
	for (size_t i = 0; i < (length + 15) / 16 * 16; i++) {
		uint8_t letter = (uint8_t)((text[i] | 0x20) - 'a');
		uint8_t digit = (uint8_t)(text[i] - a.digit);
		uint8_t is_letter = letter <= a.last_letter ? 0xff : 0;
		uint8_t is_digit = digit <= a.last_digit ? 0xff : 0;

		ret_values[i] = (uint8_t)((is_letter & (letter + a.letter_value)) |
					  (is_digit & (digit + a.digit_value)));
		good &= is_letter | is_digit;
	}
	return good;
}

int tunnel_decode(const struct dns_name *name, unsigned prefix, enum alphabet alphabet,
		  uint8_t ret_decoded[TUNNEL_DECODED_BYTES])
{
	static const uint8_t tail[] = { 0, 0, 1, 0, 2, 3, 0, 4 }; /* of an unfinished group */
	static uint8_t text[TEXT_BYTES + 64], values[TEXT_BYTES]; /* static: not zeroed each time */
	size_t length = 0;

	for (unsigned i = 0; i < prefix; i++) {
		const uint8_t *label = name->label[i];

		if (name->end - label > 64)
			memcpy(text + length, label + 1, 64); /* one known size needs no call */
		else
			memcpy(text + length, label + 1, *label);
		length += *label;
	}
	if (!text_values(text, length, alphabet, values)) {
		length = fold(text, text, length, false);
		if (!text_values(text, length, alphabet, values))
			return -1;
	}
	/* Eight values of 5 bits become 40 bits: neighbours join in lanes of 16, 32, 64 bits */
	for (size_t in = 0, out = 0; in < length; in += 8, out += 5) {
		uint64_t v;

		memcpy(&v, values + in, sizeof(v));
		v = be64toh(v);
		v = (v & 0x1f001f001f001f00u) >> 3 | (v & 0x001f001f001f001fu);
		v = (v & 0x03ff000003ff0000u) >> 6 | (v & 0x000003ff000003ffu);
		v = (v & 0x000fffff00000000u) >> 12 | (v & 0x00000000000fffffu);
		v = htobe64(v << 24);
		memcpy(ret_decoded + out, &v, sizeof(v));
	}
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
	bool whole = true;

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
	for (size_t at = 0, length; whole && at < bytes; at += length) {
		bool padding = rest[at] >= PADDING;

		length = rest[at++] - (padding ? PADDING : 0u);
		whole = padding ? length <= bytes - at
				: deliver(record, rest + at, length, bytes - at);
	}
	return framing == FRAMING_SERVER || (whole && bytes > 0 && rest[0] >= PADDING);
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
