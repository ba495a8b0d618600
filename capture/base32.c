/* SPDX-License-Identifier: MIT */
/* Base32 of a client's labels. No system calls. */
#include "capture/base32.h"

#include <endian.h>

#include "capture/fold.h"
#include "capture/sixteen.h"

#define TEXT_BYTES (DNS_NAME_BYTES + CURSOR_WIDE)

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

/* Five bits of each character; false if one is not of the alphabet. Inlined for each alphabet, so that
 * what it adds is known when it is compiled.
 */
__attribute__((always_inline)) static inline bool
text_read(uint8_t text[TEXT_BYTES], size_t length, const struct characters *a,
	  uint8_t ret_decoded[BASE32_DECODED_BYTES])
{
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

static bool text_decode(uint8_t text[TEXT_BYTES], size_t length, enum alphabet alphabet,
			uint8_t ret_decoded[BASE32_DECODED_BYTES])
{
	if (alphabet == ALPHABET_BASE32)
		return text_read(text, length, &alphabets[ALPHABET_BASE32], ret_decoded);
	return text_read(text, length, &alphabets[ALPHABET_BASE32HEX], ret_decoded);
}

/* Letters that Go's bytes.ToUpper() brings into ASCII, DOTLESS I and LONG S; and the line ends that its
 * base32 skips
 */
static const struct fold_letter letters[] = {
	{ "\xc4\xb1", 'i' }, { "\xc5\xbf", 's' }, { "\r", 0 }, { "\n", 0 }, { "", 0 }
};

int base32_decode(const struct dns_name *name, unsigned prefix, enum alphabet alphabet,
		  uint8_t ret_decoded[BASE32_DECODED_BYTES])
{
	static const uint8_t tail[] = { 0, 0, 1, 0, 2, 3, 0, 4 }; /* of an unfinished group */
	static uint8_t text[TEXT_BYTES];			  /* static: not zeroed each time */
	size_t length = 0;

	for (unsigned i = 0; i < prefix; i++) {
		const struct cursor label = { name->label[i] + 1, name->end };
		const uint8_t bytes = *name->label[i];

		cursor_copy(&label, text + length, bytes);
		length += bytes;
	}
	if (!text_decode(text, length, alphabet, ret_decoded)) {
		length = fold(letters, text, text, length);
		if (!text_decode(text, length, alphabet, ret_decoded))
			return -1;
	}
	if (alphabet == ALPHABET_BASE32HEX)
		return (int)(length * 5 / 8); /* dnsttEx decodes by itself (dns_encoding.go) */
	return (int)(length / 8 * 5 + tail[length % 8]);
}
