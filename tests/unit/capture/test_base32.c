/* SPDX-License-Identifier: MIT */
/* What a client wrote into the labels before the domain */
#include "capture/base32.h"

#include "packet_craft.h"
#include "unit.h"

static int decoded(const char *prefix, enum alphabet alphabet, uint8_t out[BASE32_DECODED_BYTES])
{
	struct dns_name name = craft_qname(prefix, true);

	return base32_decode(&name, name.labels, alphabet, out);
}

static void test_lengths_are_those_of_go(void **state)
{
	static const int sizes[] = { 0, 0, 1, 0, 2, 3, 0, 4, 5, 5, 6, 5, 7, 8, 5, 9, 10 };
	uint8_t out[BASE32_DECODED_BYTES];
	char text[17] = "";

	(void)state;
	for (size_t chars = 0; chars < COUNT(sizes); chars++) {
		memset(text, '7', chars);
		assert_int_equal(decoded(text, ALPHABET_BASE32, out), sizes[chars]);
		for (int i = 0; i < sizes[chars]; i++)
			assert_int_equal(out[i], 0xff);
	}
}

static void test_lengths_are_those_of_dnsttex(void **state)
{
	uint8_t out[BASE32_DECODED_BYTES];
	char text[17] = "";

	(void)state;
	for (size_t chars = 0; chars < sizeof(text); chars++) {
		memset(text, 'V', chars);
		assert_int_equal(decoded(text, ALPHABET_BASE32HEX, out), chars * 5 / 8);
		for (size_t i = 0; i < chars * 5 / 8; i++)
			assert_int_equal(out[i], 0xff);
	}
}

static void test_every_character_has_its_value(void **state)
{
	static const char digits[ALPHABETS][33] = { "abcdefghijklmnopqrstuvwxyz234567",
						    "0123456789abcdefghijklmnopqrstuv" };
	uint8_t out[BASE32_DECODED_BYTES];

	(void)state;
	for (unsigned alphabet = 0; alphabet < ALPHABETS; alphabet++) {
		for (unsigned c = 1; c < 256; c++) {
			bool upper = c >= 'A' && c <= 'Z';
			const char *digit = strchr(digits[alphabet], (int)(upper ? c + 32 : c));
			/* a digit of value 0, so that the eight bits of the byte are known */
			char text[3] = { (char)c, digits[alphabet][0] };

			if (c == '.')
				continue;
			if (c == '\r' || c == '\n') {
				text[1] = text[0];
				assert_int_equal(decoded(text, alphabet, out), 0);
			} else if (digit) {
				assert_int_equal(decoded(text, alphabet, out), 1);
				assert_int_equal(out[0], (digit - digits[alphabet]) << 3);
			} else {
				assert_int_equal(decoded(text, alphabet, out), -1);
			}
		}
	}
}

static void test_documented_example(void **state)
{
	uint8_t out[BASE32_DECODED_BYTES];

	(void)state;
	assert_int_equal(decoded("ingesrkokreujy6zumkse43vobsxey3bnruwm4tbm5uwy2ltoruwgzlyobuwc3d."
				 "jmrxwg2lpovzq",
				 ALPHABET_BASE32, out),
			 47);
	assert_memory_equal(out, "CLIENTID\xe3\xd9\xa3\x15\x22supercalifragilisticexpialidocious",
			    47);
}

static void test_labels_are_joined_wherever_they_are_cut(void **state)
{
	uint8_t written[70], out[BASE32_DECODED_BYTES];
	char text[CRAFT_NAME], cut[CRAFT_NAME];

	(void)state;
	for (unsigned i = 0; i < sizeof(written); i++)
		written[i] = (uint8_t)(i * 37);
	for (unsigned step = 1; step <= 63; step++) {
		size_t length = 0;

		craft_client_name(text, written, sizeof(written), "", 0, "", false);
		for (unsigned i = 0, label = 0; text[i] != '\0'; i++) {
			if (text[i] == '.')
				continue;
			if (label++ == step) {
				cut[length++] = '.';
				label = 1;
			}
			cut[length++] = text[i];
		}
		cut[length] = '\0';
		assert_int_equal(decoded(cut, ALPHABET_BASE32, out), sizeof(written));
		assert_memory_equal(out, written, sizeof(written));
	}
}

static void test_letters_fold_and_line_ends_vanish_as_in_go(void **state)
{
	uint8_t plain[BASE32_DECODED_BYTES], out[BASE32_DECODED_BYTES];
	int bytes = decoded("sisiabcdsisiabcd", ALPHABET_BASE32, plain);

	(void)state;
	assert_int_equal(bytes, 10);
	assert_int_equal(decoded("SiSiABCD.sIsIabcd", ALPHABET_BASE32, out), bytes);
	assert_memory_equal(out, plain, 10);
	/* LONG S, DOTLESS I; also where a label ends in the middle of one */
	assert_int_equal(
		decoded("\xc5\xbfi\xc5.\xbf\xc4\xb1\r\nabcdsisi\nabcd", ALPHABET_BASE32, out),
		bytes);
	assert_memory_equal(out, plain, 10);
	/* Folding comes first, so line ends do not join what they part */
	assert_int_equal(decoded("\xc5\r\xbf", ALPHABET_BASE32, out), -1);
	assert_int_equal(decoded("\xc5", ALPHABET_BASE32, out), -1);
	assert_int_equal(decoded("\xe2\x84\xaa", ALPHABET_BASE32, out), -1);
}

static void test_longest_name_is_decoded_whole(void **state)
{
	uint8_t out[BASE32_DECODED_BYTES + 1];
	struct dns_name name;
	char text[CRAFT_NAME];

	(void)state;
	memset(text, '7', sizeof(text));
	for (unsigned i = 63; i < 250; i += 64)
		text[i] = '.';
	text[253] = '\0'; /* 250 characters in four labels */
	memset(out, 0xa5, sizeof(out));
	name = craft_qname(text, true);
	assert_int_equal(base32_decode(&name, name.labels, ALPHABET_BASE32, out), 156);
	assert_int_equal(base32_decode(&name, name.labels, ALPHABET_BASE32HEX, out), 156);
	assert_int_equal(base32_decode(&name, 1, ALPHABET_BASE32HEX, out), 39);
	assert_int_equal(base32_decode(&name, 0, ALPHABET_BASE32, out), 0);
	assert_int_equal(out[BASE32_DECODED_BYTES], 0xa5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths_are_those_of_go),
		cmocka_unit_test(test_lengths_are_those_of_dnsttex),
		cmocka_unit_test(test_every_character_has_its_value),
		cmocka_unit_test(test_documented_example),
		cmocka_unit_test(test_labels_are_joined_wherever_they_are_cut),
		cmocka_unit_test(test_letters_fold_and_line_ends_vanish_as_in_go),
		cmocka_unit_test(test_longest_name_is_decoded_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
