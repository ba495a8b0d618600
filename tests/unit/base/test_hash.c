/* SPDX-License-Identifier: MIT */
/* The keyed hash against SipHash written out as in its paper */
#include "base/hash.h"

#include "unit.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(struct sip *s, unsigned count)
{
	while (count-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotl(s->v1, 13);
		s->v3 = rotl(s->v3, 16);
		s->v1 ^= s->v0;
		s->v3 ^= s->v2;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotl(s->v1, 17);
		s->v3 = rotl(s->v3, 21);
		s->v1 ^= s->v2;
		s->v3 ^= s->v0;
		s->v2 = rotl(s->v2, 32);
	}
}

/* SipHash-c-d of a message, byte by byte (Aumasson, Bernstein, 2012, section 2) */
static uint64_t siphash(unsigned c, unsigned d, const struct hash_key *key, const uint8_t *message,
			size_t bytes)
{
	struct sip s = { key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
			 key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573 };

	for (size_t at = 0; at <= bytes; at += 8) {
		uint64_t word = 0;

		for (size_t i = 0; i < 8 && at + i < bytes; i++)
			word |= (uint64_t)message[at + i] << 8 * i;
		if (bytes - at < 8)
			word |= (uint64_t)bytes << 56;
		s.v3 ^= word;
		rounds(&s, c);
		s.v0 ^= word;
	}
	s.v2 ^= 0xff;
	rounds(&s, d);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static const struct hash_key paper = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void test_paper_has_this_value(void **state)
{
	uint8_t message[15];

	(void)state;
	for (unsigned i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	assert_int_equal(siphash(2, 4, &paper, message, sizeof(message)), 0xa129ca6149be45e5);
}

static void test_two_words_are_hashed_as_sixteen_bytes(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t words[4];
		uint8_t message[16];
		struct hash_key key;

		for (unsigned j = 0; j < COUNT(words); j++)
			words[j] = (uint64_t)unit_random(&seed) << 33 ^ unit_random(&seed);
		key = (struct hash_key){ words[0], words[1] };
		for (unsigned j = 0; j < 16; j++)
			message[j] = (uint8_t)(words[2 + j / 8] >> 8 * (j % 8));
		assert_int_equal(hash_words(&key, words[2], words[3]),
				 siphash(1, 3, &key, message, sizeof(message)));
	}
}

static void test_every_bit_of_key_and_words_counts(void **state)
{
	const uint64_t before = hash_words(&paper, 1, 2);

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t flip = UINT64_C(1) << bit;
		struct hash_key k0 = { paper.k0 ^ flip, paper.k1 },
				k1 = { paper.k0, paper.k1 ^ flip };

		assert_true(hash_words(&paper, 1 ^ flip, 2) != before);
		assert_true(hash_words(&paper, 1, 2 ^ flip) != before);
		assert_true(hash_words(&k0, 1, 2) != before);
		assert_true(hash_words(&k1, 1, 2) != before);
	}
}

static void test_mixing_folds_the_whole_product(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t a = (uint64_t)unit_random(&seed) << 33 ^ unit_random(&seed);
		uint64_t b = (uint64_t)unit_random(&seed) << 33 ^ unit_random(&seed);
		/* On paper, in digits of 32 bits */
		uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
		uint64_t left = (a >> 32) * (b & UINT32_MAX), right = (a & UINT32_MAX) * (b >> 32);
		uint64_t middle = (low >> 32) + (left & UINT32_MAX) + (right & UINT32_MAX);

		high += (left >> 32) + (right >> 32) + (middle >> 32);
		low = middle << 32 | (low & UINT32_MAX);
		assert_int_equal(hash_mix(a, b), low ^ high);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paper_has_this_value),
		cmocka_unit_test(test_two_words_are_hashed_as_sixteen_bytes),
		cmocka_unit_test(test_every_bit_of_key_and_words_counts),
		cmocka_unit_test(test_mixing_folds_the_whole_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
