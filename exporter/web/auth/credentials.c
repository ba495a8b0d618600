/* SPDX-License-Identifier: MIT */
/* Basic authentication against bcrypt hashes, in a loop that must not stand still */
#include "web/auth/credentials.h"

#include <assert.h>
#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "web/auth/basic.h"
#include "web/auth/credentials_budget.h"
#include "web/config/webconfig.h"

#define TAG_BYTES     32 /* HMAC-SHA-256 */
#define SETTING_BYTES 29 /* "$2b$10$" and 22 characters of salt */
#define DIGEST_BYTES  31
#define BCRYPT_KEY    72 /* bytes of a password that bcrypt looks at, here as in Go */

static_assert(SETTING_BYTES + DIGEST_BYTES == WEBCONFIG_HASH_BYTES, "the two parts of a hash");
static_assert(WEBCONFIG_USER_BYTES == BASIC_USER_BYTES, "names are compared whole");

struct tag {
	uint8_t bytes[TAG_BYTES];
};

struct user {
	char name[BASIC_USER_BYTES + 1]; /* zeros up to the end */
	char hash[WEBCONFIG_HASH_BYTES + 1];
	bool remembered;
	struct tag good; /* of the pair that matched */
};

struct users {
	unsigned count;
	struct user list[WEBCONFIG_USERS];
};

struct credentials {
	struct users *users;
	struct users sets[2]; /* the ones in use, and room for the next */
	gnutls_hmac_hd_t hmac;
	struct tag bad[CREDENTIALS_CACHE];
	unsigned bad_next;
	struct credentials_budget budget;
	struct credentials_counts counts;
	struct crypt_data crypt;
};

static bool add_part(struct credentials *credentials, const void *bytes, size_t count)
{
	uint64_t length = count;

	return gnutls_hmac(credentials->hmac, &length, sizeof(length)) >= 0 &&
	       gnutls_hmac(credentials->hmac, bytes, count) >= 0;
}

/* False when GnuTLS refuses to compute, so that no two pairs ever look alike for that */
static bool tag_of(struct credentials *credentials, const struct basic *basic, const char *hash,
		   struct tag *ret_tag)
{
	bool made = add_part(credentials, basic->user, basic->user_bytes) &&
		    add_part(credentials, hash, WEBCONFIG_HASH_BYTES) &&
		    add_part(credentials, basic->password, basic->password_bytes);

	gnutls_hmac_output(credentials->hmac, ret_tag->bytes); /* and starts over */
	return made;
}

static bool tag_equal(const struct tag *one, const struct tag *other)
{
	return !gnutls_memcmp(one->bytes, other->bytes, TAG_BYTES);
}

/* All names are compared whole, wherever the match is. */
static struct user *find_user(struct users *users, const struct basic *basic)
{
	struct user *found = NULL;

	for (unsigned i = 0; i < users->count; i++)
		if (!gnutls_memcmp(users->list[i].name, basic->user, sizeof(basic->user)))
			found = users->list + i;

	return found;
}

/* What an unknown name is checked against: nothing matches the digest, and the cost is that of a
 * user whom the name picks, so that costs tell nothing about which names there are.
 */
static void fake_hash(struct credentials *credentials, const struct basic *basic,
		      char ret_hash[WEBCONFIG_HASH_BYTES + 1])
{
	struct tag tag = { 0 };
	uint32_t pick;

	(void)add_part(credentials, basic->user, basic->user_bytes);
	gnutls_hmac_output(credentials->hmac, tag.bytes);
	memcpy(&pick, tag.bytes, sizeof(pick));
	memset(ret_hash, '.', WEBCONFIG_HASH_BYTES);
	memcpy(ret_hash, credentials->users->list[pick % credentials->users->count].hash, 7);
	ret_hash[WEBCONFIG_HASH_BYTES] = '\0';
}

/* One bcrypt, paid for from the budget of all */
static bool compute(struct credentials *credentials, const struct basic *basic, const char *hash,
		    uint64_t now_ns)
{
	struct crypt_data *crypt = &credentials->crypt;
	char password[BCRYPT_KEY + 1] = "";
	char setting[SETTING_BYTES + 1] = "";
	uint64_t start = clock_monotonic_ns();
	uint64_t took;
	bool match;

	memcpy(setting, hash, SETTING_BYTES);
	setting[2] = 'b'; /* libcrypt has its own idea of "a" for non-ASCII passwords; Go has not */
	memcpy(password, basic->password,
	       basic->password_bytes < BCRYPT_KEY ? basic->password_bytes : BCRYPT_KEY);
	match = crypt_r(password, setting, crypt) &&
		strlen(crypt->output) == WEBCONFIG_HASH_BYTES &&
		!gnutls_memcmp(crypt->output + SETTING_BYTES, hash + SETTING_BYTES, DIGEST_BYTES);
	explicit_bzero(crypt->output, sizeof(crypt->output));
	explicit_bzero(password, sizeof(password));

	took = clock_monotonic_ns() - start;
	credentials_budget_spend(&credentials->budget, took, now_ns);
	credentials->counts.computed++;
	credentials->counts.computed_ns += took;

	return match;
}

static bool known_bad(const struct credentials *credentials, const struct tag *tag)
{
	bool found = false;

	for (unsigned i = 0; i < CREDENTIALS_CACHE; i++)
		found |= tag_equal(credentials->bad + i, tag);

	return found;
}

static enum credentials_verdict judge(struct credentials *credentials, const struct basic *basic,
				      uint64_t source, uint64_t now_ns)
{
	struct user *user = find_user(credentials->users, basic);
	char fake[WEBCONFIG_HASH_BYTES + 1];
	const char *hash;
	struct tag tag;

	fake_hash(credentials, basic, fake);
	hash = user ? user->hash : fake;
	if (!tag_of(credentials, basic, hash, &tag))
		return CREDENTIALS_REFUSED;
	if (user && user->remembered && tag_equal(&user->good, &tag))
		return CREDENTIALS_ACCEPTED;
	if (known_bad(credentials, &tag))
		return CREDENTIALS_REFUSED;
	if (!credentials_budget_take(&credentials->budget, source ? source : 1, now_ns))
		return CREDENTIALS_BUSY;
	if (compute(credentials, basic, hash, now_ns) && user) {
		user->good = tag;
		user->remembered = true;
		return CREDENTIALS_ACCEPTED;
	}
	credentials->bad[credentials->bad_next] = tag;
	credentials->bad_next = (credentials->bad_next + 1) % CREDENTIALS_CACHE;

	return CREDENTIALS_REFUSED;
}

enum credentials_verdict credentials_check(struct credentials *credentials,
					   const char *authorization, uint64_t source,
					   uint64_t now_ns)
{
	struct credentials_counts *counts = &credentials->counts;
	enum credentials_verdict verdict = CREDENTIALS_REFUSED;
	struct basic basic;

	if (!credentials->users->count)
		return CREDENTIALS_ACCEPTED;
	if (authorization && !basic_parse(authorization, &basic)) {
		verdict = judge(credentials, &basic, source, now_ns);
		explicit_bzero(&basic, sizeof(basic));
	}
	counts->accepted += verdict == CREDENTIALS_ACCEPTED;
	counts->refused += verdict == CREDENTIALS_REFUSED;
	counts->busy += verdict == CREDENTIALS_BUSY;

	return verdict;
}

struct credentials_counts credentials_counts(const struct credentials *credentials)
{
	return credentials->counts;
}

void credentials_reload(struct credentials *credentials, const struct web_config *config)
{
	struct users *old = credentials->users;
	struct users *new = credentials->sets + (old == credentials->sets);

	explicit_bzero(new, sizeof(*new));
	for (unsigned i = 0; i < config->user_count; i++) {
		struct user *user = new->list + i;

		memcpy(user->name, config->users[i].name.text, strlen(config->users[i].name.text));
		memcpy(user->hash, config->users[i].hash, WEBCONFIG_HASH_BYTES);
		for (unsigned j = 0; j < old->count; j++)
			if (!strcmp(old->list[j].name, user->name) &&
			    !strcmp(old->list[j].hash, user->hash))
				*user = old->list[j];
	}
	new->count = config->user_count;
	credentials->users = new;
	explicit_bzero(old, sizeof(*old));
}

/* The first bcrypt: of the highest cost */
static int calibrate(struct credentials *credentials)
{
	static const char known[] = "$2b$04$......................";
	const struct users *users = credentials->users;
	const struct user *slowest = users->list;
	const struct basic basic = { .password = "calibration", .password_bytes = 11 };
	const char *output = crypt_r("", known, &credentials->crypt);

	if (!output || strncmp(output, known, SETTING_BYTES))
		return -ENOTSUP;
	for (unsigned i = 1; i < users->count; i++)
		if (memcmp(users->list[i].hash + 4, slowest->hash + 4, 2) > 0)
			slowest = users->list + i;
	if (users->count)
		(void)compute(credentials, &basic, slowest->hash, 0);
	credentials->budget.paid_ns = 0;
	credentials->counts = (struct credentials_counts){ 0 };

	return 0;
}

static void release(struct credentials **credentials)
{
	credentials_free(*credentials);
}

int credentials_load(const struct web_config *config, struct credentials **ret)
{
	__attribute__((cleanup(release))) struct credentials *credentials =
		calloc(1, sizeof(*credentials));
	uint8_t key[TAG_BYTES];
	int r;

	if (!credentials)
		return -ENOMEM;
	if (getrandom(key, sizeof(key), 0) != sizeof(key) ||
	    getrandom(credentials->budget.secret, sizeof(credentials->budget.secret), 0) !=
		    sizeof(credentials->budget.secret))
		return -errno;
	credentials->budget.secret[1] |= 1;
	r = gnutls_hmac_init(&credentials->hmac, GNUTLS_MAC_SHA256, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	if (r < 0)
		return -ENOMEM;
	credentials->users = credentials->sets;
	credentials_reload(credentials, config);
	r = calibrate(credentials);
	if (r < 0)
		return r;

	*ret = credentials;
	credentials = NULL;
	return 0;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	if (credentials->hmac)
		gnutls_hmac_deinit(credentials->hmac, NULL);
	explicit_bzero(credentials, sizeof(*credentials));
	free(credentials);
}
