/* SPDX-License-Identifier: MIT */
/* Keyed hash: without the key no one can choose ClientIDs or addresses that collide */
#pragma once

#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

static inline uint64_t hash_rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void hash_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = hash_rotate(v[1], 13) ^ v[0], v[0] = hash_rotate(v[0], 32);
	v[2] += v[3], v[3] = hash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = hash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = hash_rotate(v[1], 17) ^ v[2], v[2] = hash_rotate(v[2], 32);
}

/**
 * hash_mix() - Fold two words into one, for what was hashed with the key before
 *
 * The halves of a 128-bit product, as in wyhash (Wang Yi). Of use where one of the words is secret.
 */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = a;

	product *= b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/**
 * hash_words() - SipHash-1-3 of two words (Aumasson, Bernstein: SipHash, 2012)
 */
static inline uint64_t hash_words(const struct hash_key *key, uint64_t a, uint64_t b)
{
	const uint64_t words[] = { a, b, UINT64_C(16) << 56 };
	uint64_t v[4] = { key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
			  key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u };

	for (int i = 0; i < 3; i++) {
		v[3] ^= words[i];
		hash_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	hash_round(v);
	hash_round(v);
	hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
