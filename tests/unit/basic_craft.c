/* SPDX-License-Identifier: MIT */
/* Authorization headers and users, for tests of basic authentication */
#include "basic_craft.h"

#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char craft_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *craft_header(const void *bytes, size_t count)
{
	const uint8_t *in = bytes;
	char *header = calloc(1, 6 + (count + 2) / 3 * 4 + 1);
	char *out = header + 6;

	assert_non_null(header);
	memcpy(header, "Basic ", 6);
	for (size_t i = 0; i < count; i += 3) {
		uint32_t group = (uint32_t)in[i] << 16;

		group |= i + 1 < count ? (uint32_t)in[i + 1] << 8 : 0;
		group |= i + 2 < count ? in[i + 2] : 0;
		*out++ = craft_alphabet[group >> 18];
		*out++ = craft_alphabet[group >> 12 & 63];
		*out++ = i + 1 < count ? craft_alphabet[group >> 6 & 63] : '=';
		*out++ = i + 2 < count ? craft_alphabet[group & 63] : '=';
	}

	return header;
}

const char *craft_hash(const char *password, char kind)
{
	static struct crypt_data crypt;
	static char copy[WEBCONFIG_HASH_BYTES + 1];
	const char *hash = crypt_r(password, "$2b$04$abcdefghijklmnopqrstuu", &crypt);

	assert_non_null(hash);
	assert_int_equal(strlen(hash), WEBCONFIG_HASH_BYTES);
	memcpy(copy, hash, sizeof(copy));
	copy[2] = kind;

	return copy;
}

void craft_user(struct craft *craft, const char *name, const char *hash)
{
	struct web_user *user = craft->config.users + craft->config.user_count;

	user->name.text = name;
	user->hash =
		memcpy(craft->hashes[craft->config.user_count++], hash, WEBCONFIG_HASH_BYTES + 1);
}

int craft_setup(void **state)
{
	*state = calloc(1, sizeof(struct craft));
	return *state ? 0 : -1;
}

int craft_setup_users(void **state)
{
	if (craft_setup(state) < 0)
		return -1;
	craft_user(*state, "alice", craft_hash("wonderland", 'y'));
	craft_user(*state, "bob", craft_hash("builder", 'b'));
	craft_load(*state);

	return 0;
}

int craft_teardown(void **state)
{
	struct craft *craft = *state;

	credentials_free(craft->credentials);
	free(craft);

	return 0;
}

void craft_load(struct craft *craft)
{
	assert_int_equal(credentials_load(&craft->config, &craft->credentials), 0);
}

enum credentials_verdict craft_check_at(struct craft *craft, const char *user, const char *password,
					uint64_t source, uint64_t now_ns)
{
	enum credentials_verdict verdict;
	char pair[1024];
	char *header;

	(void)snprintf(pair, sizeof(pair), "%s:%s", user, password);
	header = craft_header(pair, strlen(pair));
	verdict = credentials_check(craft->credentials, header, source, now_ns);
	free(header);

	return verdict;
}

enum credentials_verdict craft_check(struct craft *craft, const char *user, const char *password)
{
	static uint64_t now_ns = CRAFT_START;

	now_ns += 60 * CRAFT_SECOND;
	return craft_check_at(craft, user, password, 7, now_ns);
}
