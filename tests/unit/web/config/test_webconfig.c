/* SPDX-License-Identifier: MIT */
/* The web configuration file: what it sets, and what is said of one that is wrong */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/config/ciphers.h"
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

static void assert_refused(const char *text, const char *wanted)
{
	struct web_config config;
	struct web_config before;

	memset(&config, 0x5a, sizeof(config));
	before = config;
	assert_int_equal(parse(text, &config), -EINVAL);
	assert_string_equal(reason.text, wanted);
	assert_memory_equal(&config, &before, sizeof(config));
}

static void test_every_key_is_taken(void **state)
{
	static const char text[] =
		"tls_server_config:\n"
		"  cert_file: a.crt\n"
		"  key_file: /keys/a.key\n"
		"  client_ca_file: ../ca.crt\n"
		"  client_ca: none\n"
		"  cert: CERT\n"
		"  key: |\n"
		"    LINE 1\n"
		"    LINE 2\n"
		"  client_auth_type: RequireAndVerifyClientCert\n"
		"  client_allowed_sans:\n"
		"    - prometheus.example\n"
		"    - 192.0.2.1\n"
		"  min_version: TLS13\n"
		"  max_version: TLS13\n"
		"  cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256]\n"
		"  curve_preferences: [CurveP384, X25519]\n"
		"  prefer_server_cipher_suites: no\n"
		"http_server_config:\n"
		"  http2: on\n"
		"  headers:\n"
		"    Strict-Transport-Security: max-age=1\n"
		"    X-Content-Type-Options: nosniff\n"
		"    X-Frame-Options: deny\n"
		"    X-XSS-Protection: 0\n"
		"    Content-Security-Policy: default-src 'none'\n"
		"basic_auth_users:\n"
		"  alice: " HASH "\n"
		"  'b b': " HASH "\n"
		"rate_limit:\n"
		"  interval: 1.5s\n"
		"  burst: 7\n";
	static const char *const headers[][2] = {
		{ "Strict-Transport-Security", "max-age=1" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "deny" },
		{ "X-XSS-Protection", "0" },
		{ "Content-Security-Policy", "default-src 'none'" },
	};
	struct web_config config;
	const struct web_tls *tls = &config.tls;

	(void)state;
	assert_int_equal(parse(text, &config), 0);
	assert_string_equal(config.path, PATH);
	assert_true(tls->enabled);
	assert_string_equal(tls->cert_file.text, "/etc/dnstt/a.crt");
	assert_int_equal(tls->cert_file.line, 2);
	assert_string_equal(tls->key_file.text, "/keys/a.key");
	assert_string_equal(tls->client_ca_file.text, "/etc/dnstt/../ca.crt");
	assert_string_equal(tls->client_ca.text, "none");
	assert_string_equal(tls->cert.text, "CERT");
	assert_string_equal(tls->key.text, "LINE 1\nLINE 2\n");
	assert_int_equal(tls->client_auth, WEB_CLIENT_VERIFY);
	assert_int_equal(tls->allowed_san_count, 2);
	assert_string_equal(tls->allowed_sans[1].text, "192.0.2.1");
	assert_int_equal(tls->min_version, WEB_TLS13);
	assert_int_equal(tls->max_version, WEB_TLS13);
	assert_int_equal(tls->cipher_count, 2);
	assert_int_equal(tls->ciphers[0], ciphers_suite("TLS_AES_256_GCM_SHA384"));
	assert_int_equal(tls->curve_count, 2);
	assert_int_equal(tls->curves[1], ciphers_curve("X25519"));
	assert_false(tls->prefer_server_cipher_suites);
	assert_true(config.http2);
	for (unsigned i = 0; i < COUNT(headers); i++) {
		assert_string_equal(config.headers[i].name, headers[i][0]);
		assert_string_equal(config.headers[i].value, headers[i][1]);
	}
	assert_int_equal(config.user_count, 2);
	assert_string_equal(config.users[0].name.text, "alice");
	assert_string_equal(config.users[1].name.text, "b b");
	assert_string_equal(config.users[1].hash, HASH);
	assert_int_equal(config.users[1].name.line, 29);
	assert_int_equal(config.rate_interval_ns, 1500000000);
	assert_int_equal(config.rate_burst, 7);
	webconfig_free(&config);
	assert_null(config.pool);
}

static void test_an_empty_file_sets_the_defaults(void **state)
{
	static const char *const texts[] = {
		"",
		"# comment\n",
		"---\n...\n",
		"null",
		"{}",
		"tls_server_config:\n",
		"http_server_config:\n  headers:\n  http2:\nrate_limit: ~\nbasic_auth_users: {}\n",
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(texts); i++) {
		struct web_config config;

		assert_int_equal(parse(texts[i], &config), 0);
		assert_false(config.tls.enabled);
		assert_false(config.http2);
		assert_int_equal(config.user_count, 0);
		assert_int_equal(config.rate_interval_ns, 0);
		assert_null(webconfig_notice(&config, 0));
		for (unsigned j = 0; j < WEBCONFIG_HEADERS; j++)
			assert_null(config.headers[j].value);
		webconfig_free(&config);
	}
}

static void test_relative_paths_start_from_the_folder_of_the_file(void **state)
{
	static const char *const paths[][2] = {
		{ "web.yml", "a.crt" },
		{ "/web.yml", "/a.crt" },
		{ "../x/web.yml", "../x/a.crt" },
		{ "./web.yml", "./a.crt" },
	};
	static const char text[] = "tls_server_config:\n" PAIR;

	(void)state;
	for (unsigned i = 0; i < COUNT(paths); i++) {
		struct web_config config;

		assert_int_equal(
			webconfig_parse(text, sizeof(text) - 1, paths[i][0], &config, &reason), 0);
		assert_string_equal(config.tls.cert_file.text, paths[i][1]);
		webconfig_free(&config);
	}
}

static void test_messages_name_file_line_key_and_remedy(void **state)
{
	(void)state;
	assert_refused("tls_server_config:\n  cert_fiel: x\n",
		       PATH ":2: tls_server_config.cert_fiel: unknown key; known here: cert, key, "
			    "client_ca, cert_file, key_file, client_ca_file, client_auth_type, "
			    "client_allowed_sans, min_version, max_version, cipher_suites, "
			    "curve_preferences, prefer_server_cipher_suites");
	assert_refused("tls_server_config:\n" PAIR "  cert_file: b\n",
		       PATH ":4: tls_server_config.cert_file: given twice; keep one of them");
	assert_refused("\n\nbasic_auth_users:\n  alice: hunter2\n",
		       PATH ":4: basic_auth_users.alice: not a bcrypt hash; write what htpasswd "
			    "-nBC 10 prints after the colon");
	assert_refused("http_server_config:\n  headers:\n    X-Frame-Options: DENY\n", PATH
		       ":3: http_server_config.headers.X-Frame-Options: \"DENY\" is not a value "
		       "of this header; write deny or sameorigin");
	assert_refused("tls_server_config:\n" PAIR "  min_version: SSL3\n", PATH
		       ":4: tls_server_config.min_version: \"SSL3\" is not a TLS version; write "
		       "TLS12 or TLS13");
	assert_refused("tls_server_config:\n" PAIR "  cipher_suites:\n  - A\n", PATH
		       ":5: tls_server_config.cipher_suites: \"A\" is not a cipher suite that is "
		       "served; write one of Go's names, like "
		       "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
	assert_refused("tls_server_config:\n  key_file: x\n",
		       PATH ":2: tls_server_config.cert_file: missing, so there is no TLS; write "
			    "the path of a certificate here, or a PEM certificate under cert");
	assert_refused("rate_limit:\n  interval: 1s\n",
		       PATH ":2: rate_limit.burst: missing or 0, so that no request would be "
			    "served; write 1 or more");
	assert_refused("rate_limit:\n  interval: 1s\n burst: 1\n",
		       PATH ":3: not YAML: did not find expected key; look at the indentation, "
			    "quotes and colons here");
	assert_refused("[]", PATH ":1: no keys; write tls_server_config: or another");
}

static void test_durations_are_those_of_go(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "5s", 5000000000 },
		{ "+5s", 5000000000 },
		{ "30ms", 30000000 },
		{ "1h", 3600000000000 },
		{ "1m", 60000000000 },
		{ "1h15m30.918s", 4530918000000 },
		{ "1.s", 1000000000 },
		{ ".5s", 500000000 },
		{ "5us", 5000 },
		{ "5\u00b5s", 5000 },
		{ "5\u03bcs", 5000 },
		{ "7ns", 7 },
		{ "0.3333333333333333333h", 1200000000000 },
		{ "1.00000000000000000000000000001s", 1000000000 },
		{ "2562047h", 9223369200000000000 },
	};
	static const char *const bad[] = {
		"1",
		"s",
		"-1s",
		".s",
		"1.5.5s",
		"1x",
		"1 s",
		"1S",
		"1s1",
		"+",
		"99999999999999999999s",
		"1e3s",
		"2562048h",
		"++1s",
		"''",
		"1hs2",
		"0x1s",
		"3000000h",
		"6000000h",
		"2562047h2562047h",
		"+-1s",
	};
	char text[200];

	(void)state;
	for (unsigned i = 0; i < COUNT(good); i++) {
		struct web_config config;

		(void)snprintf(text, sizeof(text), "rate_limit:\n  burst: 1\n  interval: %s\n",
			       good[i].text);
		assert_int_equal(parse(text, &config), 0);
		assert_int_equal(config.rate_interval_ns, good[i].ns);
		webconfig_free(&config);
	}
	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct web_config config;

		(void)snprintf(text, sizeof(text), "rate_limit:\n  burst: 1\n  interval: %s\n",
			       bad[i]);
		assert_int_equal(parse(text, &config), -EINVAL);
		assert_non_null(strstr(reason.text, "is not a duration"));
	}
}

static void test_what_is_taken_but_not_served_is_said(void **state)
{
	struct web_config config;

	(void)state;
	assert_int_equal(parse("tls_server_config:\n" PAIR "  min_version: TLS10\n"
			       "  cert: x\n  client_auth_type: RequireAnyClientCert\n"
			       "  client_allowed_sans: [a]\nhttp_server_config:\n  http2: true\n",
			       &config),
			 0);
	assert_int_equal(config.tls.min_version, WEB_TLS12);
	assert_string_equal(webconfig_notice(&config, 0),
			    "http_server_config.http2: only HTTP/1.1 is served");
	assert_string_equal(webconfig_notice(&config, 1),
			    "tls_server_config.min_version: TLS 1.2 is the lowest that is served");
	assert_non_null(strstr(webconfig_notice(&config, 2), "RequireAnyClientCert"));
	assert_non_null(strstr(webconfig_notice(&config, 3), "tls_server_config.cert: not used"));
	assert_null(webconfig_notice(&config, 4));
	webconfig_free(&config);
}

static void test_a_high_bcrypt_cost_is_told_of(void **state)
{
	static const char *const costs[] = { "10", "12", "13", "14" };
	char text[256] = "basic_auth_users:\n  a: '" HASH "'\n  b: '" HASH "'\n  c: '" HASH "'\n";
	struct web_config config;

	(void)state;
	for (unsigned i = 0; i < COUNT(costs); i++) {
		memcpy(strstr(text, "b: '$2y$") + 8, costs[i],
		       2); /* neither the first nor the last */
		assert_int_equal(parse(text, &config), 0);
		if (i < 2)
			assert_null(webconfig_notice(&config, 0));
		else
			assert_non_null(strstr(webconfig_notice(&config, 0), "cost above 12"));
		webconfig_free(&config);
	}
}

static void assert_priority(const char *keys, const char *wanted)
{
	char text[2000];
	char priority[WEBCONFIG_PRIORITY_BYTES];
	struct web_config config;

	(void)snprintf(text, sizeof(text), "tls_server_config:\n" PAIR "%s", keys);
	assert_int_equal(parse(text, &config), 0);
	ciphers_priority(&config.tls, priority);
	assert_string_equal(priority, wanted);
	webconfig_free(&config);
}

static void test_suites_and_curves_become_a_priority_string(void **state)
{
	(void)state;
	assert_priority("", "SECURE128:-VERS-ALL:-KX-ALL:%SERVER_PRECEDENCE:+VERS-TLS1.3:"
			    "+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA");
	assert_priority("  max_version: TLS12\n  prefer_server_cipher_suites: false\n"
			"  curve_preferences: [CurveP521, X25519, CurveP521]\n",
			"SECURE128:-VERS-ALL:-KX-ALL:-GROUP-ALL:+VERS-TLS1.2:+ECDHE-ECDSA:"
			"+ECDHE-RSA:+GROUP-SECP521R1:+GROUP-X25519");
	/* Ciphers of TLS 1.2 that TLS 1.3 has as well, and one that it has not */
	assert_priority("  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,"
			" TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n",
			"SECURE128:-VERS-ALL:-KX-ALL:-CIPHER-ALL:-MAC-ALL:%SERVER_PRECEDENCE:"
			"+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-RSA:+AES-256-GCM:+AEAD:+AES-128-CBC:"
			"+SHA1");
	/* Nothing for TLS 1.3 */
	assert_priority("  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n",
			"SECURE128:-VERS-ALL:-KX-ALL:-CIPHER-ALL:-MAC-ALL:%SERVER_PRECEDENCE:"
			"+VERS-TLS1.2:+ECDHE-RSA:+AES-128-CBC:+SHA1");
	/* Nothing for TLS 1.2 */
	assert_priority("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
			"SECURE128:-VERS-ALL:-KX-ALL:-CIPHER-ALL:-MAC-ALL:%SERVER_PRECEDENCE:"
			"+VERS-TLS1.3:+AES-128-GCM:+AEAD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_is_taken),
		cmocka_unit_test(test_an_empty_file_sets_the_defaults),
		cmocka_unit_test(test_relative_paths_start_from_the_folder_of_the_file),
		cmocka_unit_test(test_messages_name_file_line_key_and_remedy),
		cmocka_unit_test(test_durations_are_those_of_go),
		cmocka_unit_test(test_what_is_taken_but_not_served_is_said),
		cmocka_unit_test(test_a_high_bcrypt_cost_is_told_of),
		cmocka_unit_test(test_suites_and_curves_become_a_priority_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
