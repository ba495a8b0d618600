/* SPDX-License-Identifier: MIT */
/* The web configuration file: what no such file may hold, and how much of the rest */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "web/config/webconfig.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PATH	     "/etc/dnstt/web.yml"
#define PAIR	     "  cert_file: a.crt\n  key_file: a.key\n"
#define HASH	     "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

static struct reason reason;

static int parse(const char *text, struct web_config *ret_config)
{
	*reason.text = '\0';
	return webconfig_parse(text, strlen(text), PATH, ret_config, &reason);
}

static void test_a_long_value_is_cut_in_a_message(void **state)
{
	char text[5000] = "tls_server_config:\n  min_version: ";
	struct web_config config;
	size_t used = strlen(text);

	(void)state;
	memset(text + used, 'x', sizeof(text) - 1 - used);
	assert_int_equal(parse(text, &config), -EINVAL);
	assert_true(strlen(reason.text) < 200);
	memcpy(text, "tls_server_config:\n  xxxxxxxxxxx: ", 21);
	text[sizeof(text) - 2] = ':'; /* a key of 4976 bytes is more than YAML's 1024 */
	assert_int_equal(parse(text, &config), -EINVAL);
	text[900] = ':';
	text[901] = ' ';
	assert_int_equal(parse(text, &config), -EINVAL);
	assert_true(strlen(reason.text) < 600);
}

static void test_a_long_reason_is_cut(void **state)
{
	static char path[2 * REASON_BYTES] = "/";
	struct web_config config;
	struct reason cut;

	(void)state;
	memset(path + 1, 'x', sizeof(path) - 2);
	assert_int_equal(webconfig_parse("[]", 2, path, &config, &cut), -EINVAL);
	assert_int_equal(strlen(cut.text), REASON_BYTES - 1);
}

static void test_yaml_beyond_the_format_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *wanted;
	} cases[] = {
		{ "tls_server_config: &a\n" PAIR, ":1: tls_server_config: an anchor; " },
		{ "tls_server_config: {cert_file: &a x, key_file: y}\n", "an anchor; " },
		{ "&a rate_limit: {}\n", ":1: an anchor; " },
		{ "tls_server_config:\n" PAIR "  cipher_suites: &a []\n", "an anchor; " },
		{ "rate_limit: *a\n", ":1: rate_limit: an alias; " },
		{ "http_server_config: !!map {}\n", "a tag; " },
		{ "tls_server_config:\n  key_file: b\n  cert_file: !x a.crt\n", "a tag; " },
		{ "tls_server_config:\n" PAIR "  cipher_suites: !!seq []\n", "a tag; " },
		{ "tls_server_config:\n  key_file: b\n  cert_file: \"a\\0b\"\n", "a NUL byte; " },
		{ "\"rate_limit\\0\": {}\n", ":1: a NUL byte; " },
		{ "tls_server_config:\n" PAIR "  <<: {cert_file: a}\n", ".<<: unknown key; " },
		{ "? [a]\n: b\n", "a list or mapping for a key; " },
		{ "? {a: b}\n: c\n", "a list or mapping for a key; " },
		{ "basic_auth_users:\n  ? [a]\n  : " HASH "\n", "a list or mapping for a name; " },
		{ "basic_auth_users:\n  a: {b: c}\n", "users.a: more than one value; " },
		{ "tls_server_config:\n  cipher_suites:\n  - [a]\n", "an item of more than one" },
		{ "tls_server_config:\n  cipher_suites:\n  - ~\n", "an empty item; " },
		{ "rate_limit:\n---\nrate_limit:\n", ":2: a second document; " },
		{ "---\n---\n", ":2: a second document; " },
		{ "\xff\xfe\xff", ":1: not YAML: " },
		{ "rate_limit: \xc3\x28", ":1: not YAML: " },
		{ "rate_limit: \x07", ":1: not YAML: " },
		{ "%YAML 9.9\n---\n", ":1: not YAML: " },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct web_config config;

		assert_int_equal(parse(cases[i].text, &config), -EINVAL);
		assert_memory_equal(reason.text, PATH ":", sizeof(PATH));
		if (!strstr(reason.text, cases[i].wanted))
			fail_msg("%s", reason.text);
	}
}

static void test_nesting_is_refused_at_once(void **state)
{
	char *text = malloc(WEBCONFIG_BYTES_MAX + 2);
	struct web_config config;

	(void)state;
	assert_non_null(text);
	memset(text, '[', WEBCONFIG_BYTES_MAX + 1);
	assert_int_equal(webconfig_parse(text, WEBCONFIG_BYTES_MAX, PATH, &config, &reason),
			 -EINVAL);
	assert_string_equal(reason.text, PATH ":1: no keys; write tls_server_config: or another");
	assert_int_equal(webconfig_parse(text, WEBCONFIG_BYTES_MAX + 1, PATH, &config, &reason),
			 -EINVAL);
	assert_string_equal(reason.text, PATH ": larger than 65536 bytes; write less into it");
	free(text);
}

static void test_a_full_file_of_escapes_fits(void **state)
{
	/* "\P" is two characters and three bytes: the worst that a text can grow */
	static const char head[] = "tls_server_config:\n  key_file: k\n  cert_file: \"";
	char *text = malloc(WEBCONFIG_BYTES_MAX);
	struct web_config config;

	(void)state;
	assert_non_null(text);
	memset(text, '/', WEBCONFIG_BYTES_MAX);
	memcpy(text, head, sizeof(head) - 1);
	for (size_t i = sizeof(head); i + 2 < WEBCONFIG_BYTES_MAX; i += 2)
		memcpy(text + i, "\\P", 2);
	text[WEBCONFIG_BYTES_MAX - 1] = '"';
	assert_int_equal(webconfig_parse(text, WEBCONFIG_BYTES_MAX, PATH, &config, &reason), 0);
	assert_true(strlen(config.tls.cert_file.text) > WEBCONFIG_BYTES_MAX * 14 / 10);
	webconfig_free(&config);
	free(text);
}

static void test_lists_and_users_have_a_limit(void **state)
{
	static const struct {
		const char *head;
		const char *item;
		unsigned most;
		const char *tail;
	} lists[] = {
		{ "tls_server_config:\n" PAIR "  client_auth_type: RequireAnyClientCert\n"
		  "  client_allowed_sans:\n",
		  "  - name%u\n", WEBCONFIG_SANS, "more than 64; remove some" },
		{ "tls_server_config:\n" PAIR "  cipher_suites:\n",
		  "  - TLS_AES_128_GCM_SHA256 # %u\n", WEBCONFIG_CIPHERS,
		  "more than 32; remove some" },
		{ "tls_server_config:\n" PAIR "  curve_preferences:\n", "  - X25519 # %u\n",
		  WEBCONFIG_CURVES, "more than 8; remove some" },
		{ "basic_auth_users:\n", "  user%u: " HASH "\n", WEBCONFIG_USERS,
		  "more than 128; remove some" },
	};
	static char text[WEBCONFIG_BYTES_MAX];

	(void)state;
	for (unsigned i = 0; i < COUNT(lists); i++) {
		struct web_config config;
		size_t used = (size_t)snprintf(text, sizeof(text), "%s", lists[i].head);

		for (unsigned j = 0; j <= lists[i].most; j++) {
			if (j == lists[i].most) {
				assert_int_equal(parse(text, &config), 0);
				webconfig_free(&config);
			}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			used += (size_t)snprintf(text + used, sizeof(text) - used, lists[i].item,
						 j);
#pragma GCC diagnostic pop
		}
		assert_int_equal(parse(text, &config), -EINVAL);
		assert_non_null(strstr(reason.text, lists[i].tail));
	}
}

static void test_only_whole_bcrypt_hashes_are_taken(void **state)
{
	static const char *const bad[] = {
		"$2$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$2x$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$3y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$2y$1$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSii",
		"$2y$03$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$2y$32$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$2y$39$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$2y$15$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeS",
		"$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSii",
		"$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeS+",
		"$2y$10QQOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
		"",
	};
	char text[200];

	(void)state;
	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct web_config config;

		(void)snprintf(text, sizeof(text), "basic_auth_users:\n  u: '%s'\n", bad[i]);
		assert_int_equal(parse(text, &config), -EINVAL);
		assert_null(*bad[i] ? strstr(reason.text, bad[i]) : NULL);
	}
}

static void test_an_unreadable_file_says_why(void **state)
{
	struct web_config config;

	(void)state;
	assert_int_equal(webconfig_read("/nonexistent/web.yml", &config, &reason), -ENOENT);
	assert_non_null(strstr(reason.text, "/nonexistent/web.yml: can't be read: No such file"));
	assert_int_equal(webconfig_read("/", &config, &reason), -EISDIR);
}

static void test_a_file_that_is_too_large_is_not_read_whole(void **state)
{
	char path[] = "/tmp/dnstt-test-XXXXXX";
	struct web_config config;
	int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, 1l << 40), 0);
	(void)close(file);
	assert_int_equal(webconfig_read(path, &config, &reason), -EINVAL);
	assert_non_null(strstr(reason.text, "larger than"));
	(void)unlink(path);
}

/* Its writer may never come, and the one event loop would wait for it */
static void test_what_is_no_regular_file_is_not_waited_for(void **state)
{
	char folder[] = "/tmp/dnstt-test-XXXXXX";
	char fifo[sizeof(folder) + 16];
	const char *const paths[] = { fifo, "/dev/zero", "/dev/null" };
	struct web_config config;
	int reader;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(fifo, sizeof(fifo), "%s/web.yml", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDWR | O_CLOEXEC); /* with a writer that never writes, too */
	assert_true(reader >= 0);
	(void)alarm(20);
	for (unsigned i = 0; i < 2 * COUNT(paths); i++) {
		const char *path = paths[i % COUNT(paths)];

		assert_int_equal(webconfig_read(path, &config, &reason), -EINVAL);
		assert_memory_equal(reason.text, path, strlen(path));
		assert_non_null(strstr(reason.text, ": is not a regular file; name a file"));
		if (i == 0)
			(void)close(reader);
	}
	(void)alarm(0);
	(void)unlink(fifo);
	(void)rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_long_value_is_cut_in_a_message),
		cmocka_unit_test(test_a_long_reason_is_cut),
		cmocka_unit_test(test_yaml_beyond_the_format_is_refused),
		cmocka_unit_test(test_nesting_is_refused_at_once),
		cmocka_unit_test(test_a_full_file_of_escapes_fits),
		cmocka_unit_test(test_lists_and_users_have_a_limit),
		cmocka_unit_test(test_only_whole_bcrypt_hashes_are_taken),
		cmocka_unit_test(test_an_unreadable_file_says_why),
		cmocka_unit_test(test_a_file_that_is_too_large_is_not_read_whole),
		cmocka_unit_test(test_what_is_no_regular_file_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
