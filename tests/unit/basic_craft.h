/* SPDX-License-Identifier: MIT */
/* Authorization headers and users, for tests of basic authentication */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "web/auth/credentials.h"
#include "web/config/webconfig.h"

#define CRAFT_SECOND UINT64_C(1000000000)
#define CRAFT_START  (1000 * CRAFT_SECOND)

/* The hash of "fakepassword" that exporter-toolkit computes for unknown users: cost 10 */
#define CRAFT_FAKEPASSWORD "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

extern const char craft_alphabet[]; /* of base64 */

struct craft {
	struct web_config config;
	char hashes[WEBCONFIG_USERS][WEBCONFIG_HASH_BYTES + 1];
	struct credentials *credentials;
};

/**
 * craft_header() - "Basic " and the base64 of some bytes
 *
 * Return: for free()
 */
char *craft_header(const void *bytes, size_t count);

/**
 * craft_hash() - A bcrypt of the lowest cost
 * @kind:	'a', 'b' or 'y'
 *
 * Return: valid up to the next call
 */
const char *craft_hash(const char *password, char kind);

/**
 * craft_user() - One more user in the configuration
 * @name:	Kept, not copied
 */
void craft_user(struct craft *craft, const char *name, const char *hash);

/* Fixtures of cmocka: without users and not loaded; with alice (wonderland) and bob (builder) */
int craft_setup(void **state);
int craft_setup_users(void **state);
int craft_teardown(void **state);

/**
 * craft_load() - credentials_load() of the configuration
 */
void craft_load(struct craft *craft);

/**
 * craft_check_at() - credentials_check() of a pair
 */
enum credentials_verdict craft_check_at(struct craft *craft, const char *user, const char *password,
					uint64_t source, uint64_t now_ns);

/**
 * craft_check() - The same a minute after the last one, when every budget is full again
 */
enum credentials_verdict craft_check(struct craft *craft, const char *user, const char *password);
