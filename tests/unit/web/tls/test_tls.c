/* SPDX-License-Identifier: MIT */
/* Certificates that are served, refused, exchanged; versions, suites and curves */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls_craft.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define DAY	     86400

static const struct tls_craft_client anybody;

static void assert_refused(struct tls_craft_place *place, const char *keys, time_t now,
			   const char *wanted)
{
	struct web_config config = tls_craft_config(place, keys);
	struct tls *tls = (struct tls *)place;
	struct reason whole;

	assert_int_equal(tls_craft_try(place, &config, now, &tls), -22);
	assert_ptr_equal(tls, place);
	(void)reason_set(&whole, 0, "%s:", tls_craft_path(place, "web.yml"));
	assert_memory_equal(place->reason.text, whole.text, strlen(whole.text));
	if (!strstr(place->reason.text, wanted))
		fail_msg("%s", place->reason.text);
	webconfig_free(&config);
}

#define A "  cert_file: a.crt\n  key_file: a.key\n"

static void test_the_certificate_of_the_files_is_served(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	struct tls_craft_result result = tls_craft_handshake(tls, &anybody);

	assert_int_equal(result.server, 0);
	assert_int_equal(result.client, 0);
	assert_string_equal(result.name, "a");
	assert_int_equal(result.version, GNUTLS_TLS1_3);
	assert_int_equal(tls_not_after(tls),
			 gnutls_x509_crt_get_expiration_time(place->a.certificate));
	tls_free(tls);
}

static void test_a_session_without_begin_gets_no_certificate(void **state)
{
	struct tls_craft_result result = tls_craft_handshake(NULL, &anybody);

	(void)state;
	assert_true(result.server < 0);
	assert_true(result.client < 0);
}

static void test_what_cannot_be_served_says_why(void **state)
{
	static const struct {
		const char *keys;
		const char *wanted;
	} bad[] = {
		{ "  cert_file: a.crt\n  key_file: b.key\n",
		  "/b.key: does not belong to the certificate; " },
		{ "  cert_file: rsa.crt\n  key_file: b.key\n", "/b.key: does not belong" },
		{ "  cert_file: no.crt\n  key_file: a.key\n",
		  ":2: tls_server_config.cert_file: /tmp/" },
		{ "  cert_file: no.crt\n  key_file: a.key\n",
		  "/no.crt: can't be read: No such file or directory; " },
		{ "  cert_file: a.crt\n  key_file: no.key\n",
		  ":3: tls_server_config.key_file: /tmp/" },
		{ "  cert_file: .\n  key_file: a.key\n", "/.: not an ordinary file; " },
		{ "  cert_file: /dev/null\n  key_file: a.key\n", "not an ordinary file; " },
		{ "  cert_file: fifo\n  key_file: a.key\n", "/fifo: not an ordinary file; " },
		{ "  cert_file: huge\n  key_file: a.key\n", "/huge: larger than 1 MiB; " },
		{ "  cert_file: empty\n  key_file: a.key\n",
		  "/empty: no certificate in PEM form (" },
		{ "  cert_file: text\n  key_file: a.key\n", "/text: no certificate in PEM form (" },
		{ "  cert_file: a.key\n  key_file: a.key\n",
		  "/a.key: no certificate in PEM form (" },
		{ "  cert_file: a.crt\n  key_file: a.crt\n",
		  "/a.crt: no private key in PEM form (" },
		{ "  cert_file: a.crt\n  key_file: empty\n",
		  "/empty: no private key in PEM form (" },
		{ "  cert: none\n  key_file: a.key\n",
		  ":2: tls_server_config.cert: no certificate in PEM form (" },
		{ A "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: text\n",
		  ":5: tls_server_config.client_ca_file: /tmp/" },
		{ A "  client_auth_type: RequireAndVerifyClientCert\n  client_ca: x\n",
		  ":5: tls_server_config.client_ca: no certificate in PEM form (" },
		{ A "  max_version: TLS12\n"
		    "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
		  "no RSA certificate, but cipher suites only for one; " },
		{ "  cert_file: rsa.crt\n  key_file: rsa.key\n  max_version: TLS12\n"
		  "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n",
		  "an RSA certificate, but no cipher suite for one" },
	};
	struct tls_craft_place *place = *state;

	tls_craft_text(place, "empty", "");
	tls_craft_text(place, "text",
		       "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n");
	tls_craft_text(place, "huge", "");
	assert_int_equal(truncate(tls_craft_path(place, "huge"), (1 << 20) + 1), 0);
	assert_int_equal(mkfifo(tls_craft_path(place, "fifo"), 0600), 0);
	for (unsigned i = 0; i < COUNT(bad); i++)
		assert_refused(place, bad[i].keys, time(NULL), bad[i].wanted);
}

static void test_a_certificate_out_of_its_time_is_refused(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls_craft_identity dated = tls_craft_make(
		&(struct tls_craft_wish){ .name = "dated", .from = 1700000000, .to = 1700086400 });
	static const char keys[] = "  cert_file: dated.crt\n  key_file: dated.key\n";
	struct web_config config;
	struct tls *tls;

	tls_craft_write(place, "dated", &dated);
	assert_refused(place, keys, 1700086401,
		       "/dated.crt: expired on 2023-11-15 22:13:20 UTC; renew the certificate");
	assert_refused(place, keys, 1699999999,
		       "/dated.crt: not valid before 2023-11-14 22:13:20 UTC; check");
	config = tls_craft_config(place, keys);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(tls_craft_try(place, &config, i ? 1700000000 : 1700086400, &tls),
				 0);
		tls_free(tls);
	}
	webconfig_free(&config);
	tls_craft_drop(&dated);
}

static void test_a_key_with_a_pass_phrase_is_refused(void **state)
{
	struct tls_craft_place *place = *state;
	gnutls_datum_t pem;

	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(place->a.key, GNUTLS_X509_FMT_PEM,
							   "pass", GNUTLS_PKCS_PBES2_AES_128, &pem),
			 0);
	tls_craft_text(place, "locked.key", (const char *)pem.data);
	gnutls_free(pem.data);
	assert_refused(place, "  cert_file: a.crt\n  key_file: locked.key\n", time(NULL),
		       "/locked.key: encrypted; ");
}

static void test_a_chain_is_served_whole(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls_craft_identity leaf =
		tls_craft_make(&(struct tls_craft_wish){ .name = "leaf", .issuer = &place->a });
	const struct tls_craft_identity *const chain[] = { &leaf, &place->a, NULL };
	struct tls_craft_pair pair;
	unsigned count = 0;
	struct tls *tls;

	tls_craft_certificate(tls_craft_path(place, "chain.crt"), chain);
	tls_craft_key(tls_craft_path(place, "chain.key"), &leaf);
	tls = tls_craft_load(place, "  cert_file: chain.crt\n  key_file: chain.key\n");
	tls_craft_open(&pair, tls, &anybody);
	assert_string_equal(tls_craft_shake(&pair).name, "leaf");
	assert_non_null(gnutls_certificate_get_peers(pair.client, &count));
	assert_int_equal(count, 2);
	tls_craft_close(&pair);
	tls_free(tls);
	tls_craft_drop(&leaf);
}

static void test_a_reload_serves_the_new_pair(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	struct web_config config = tls_craft_config(place, A);

	tls_craft_write(place, "a", &place->rsa);
	assert_string_equal(tls_craft_handshake(tls, &anybody).name, "a");
	assert_int_equal(tls_reload(tls, &config, time(NULL), &place->reason), 0);
	assert_string_equal(tls_craft_handshake(tls, &anybody).name, "rsa");
	webconfig_free(&config);
	tls_free(tls);
}

static void test_a_reload_that_fails_leaves_the_old_pair(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	struct web_config config = tls_craft_config(place, A);
	struct web_config plain = { .path = "web.yml" };

	tls_craft_key(tls_craft_path(place, "a.key"), &place->b);
	assert_int_equal(tls_reload(tls, &config, time(NULL), &place->reason), -22);
	assert_non_null(strstr(place->reason.text, "does not belong"));
	assert_string_equal(tls_craft_handshake(tls, &anybody).name, "a");
	assert_int_equal(unlink(tls_craft_path(place, "a.crt")), 0);
	assert_int_equal(tls_reload(tls, &config, time(NULL), &place->reason), -22);
	assert_int_equal(tls_reload(tls, &plain, time(NULL), &place->reason), -22);
	assert_non_null(strstr(place->reason.text, "restart"));
	assert_string_equal(tls_craft_handshake(tls, &anybody).name, "a");
	webconfig_free(&config);
	tls_free(tls);
}

static void test_a_handshake_outlives_reloads_and_the_end(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	struct web_config config =
		tls_craft_config(place, "  cert_file: b.crt\n  key_file: b.key\n");
	struct tls_craft_pair early;
	struct tls_craft_pair late;
	char byte;

	tls_craft_open(&early, tls, &anybody);
	tls_craft_open(&late, tls, &anybody);
	assert_int_equal(gnutls_handshake(late.client), GNUTLS_E_AGAIN);
	assert_int_equal(gnutls_handshake(late.server), GNUTLS_E_AGAIN); /* a's key has signed */
	assert_string_equal(tls_craft_shake(&early).name, "a");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(tls_reload(tls, &config, time(NULL), &place->reason), 0);
	assert_string_equal(tls_craft_handshake(tls, &anybody).name, "b");
	webconfig_free(&config);
	tls_free(tls);
	assert_string_equal(tls_craft_shake(&late).name, "a");
	assert_int_equal(gnutls_record_send(early.server, "x", 1), 1);
	assert_int_equal(gnutls_record_recv(early.client, &byte, 1), 1);
	tls_craft_close(&early);
	tls_craft_close(&late);
}

#define V12	"NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define V13	"NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define RSA	"  cert_file: rsa.crt\n  key_file: rsa.key\n"
#define GCM128	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
#define EGCM256 "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"

static void test_versions_suites_and_curves_are_those_of_the_file(void **state)
{
	static const struct {
		const char *keys;
		const char *client;
		const char *suite; /* NULL: no handshake */
		const char *group;
	} cases[] = {
		{ A, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", NULL, NULL },
		{ A "  min_version: TLS10\n", "NORMAL:-VERS-ALL:+VERS-TLS1.1", NULL, NULL },
		{ A, V12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL },
		{ A "  min_version: TLS13\n", V12, NULL, NULL },
		{ A "  min_version: TLS13\n", V13, "TLS_AES_256_GCM_SHA384", NULL },
		{ A "  max_version: TLS12\n", V13, NULL, NULL },
		{ A "  max_version: TLS12\n", "NORMAL", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		  NULL },
		/* No key exchange without forward secrecy, whatever the client has */
		{ RSA, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", NULL, NULL },
		{ RSA, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA", NULL, NULL },
		/* Only what is listed, for both kinds of certificate */
		{ RSA "  cipher_suites: [" GCM128 "]\n", V12, GCM128, NULL },
		{ RSA "  cipher_suites: [" GCM128 "]\n", V12 ":-AES-128-GCM", NULL, NULL },
		{ RSA "  cipher_suites: [" GCM128 "]\n", V13, "TLS_AES_128_GCM_SHA256", NULL },
		{ A "  cipher_suites: [" EGCM256 "]\n", V12, EGCM256, NULL },
		{ A "  cipher_suites: [" GCM128 "]\n", V12, NULL, NULL },
		{ A "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]\n", V12,
		  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", NULL },
		{ A "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]\n", "NORMAL",
		  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", NULL },
		{ A "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]\n", V13, NULL, NULL },
		{ A "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", V12, NULL, NULL },
		/* In the server's order, or in the client's */
		{ A "  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256]\n",
		  V13 ":-CIPHER-ALL:+CHACHA20-POLY1305:+AES-128-GCM", "TLS_AES_128_GCM_SHA256",
		  NULL },
		{ A "  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256]\n"
		    "  prefer_server_cipher_suites: false\n",
		  V13 ":-CIPHER-ALL:+CHACHA20-POLY1305:+AES-128-GCM",
		  "TLS_CHACHA20_POLY1305_SHA256", NULL },
		{ A "  curve_preferences: [CurveP384]\n", V13, "TLS_AES_256_GCM_SHA384",
		  "SECP384R1" },
		{ A "  curve_preferences: [X25519]\n", V12, EGCM256, "X25519" },
		{ A "  curve_preferences: [CurveP521]\n", V13 ":-GROUP-ALL:+GROUP-X25519", NULL,
		  NULL },
	};
	struct tls_craft_place *place = *state;

	for (unsigned i = 0; i < COUNT(cases); i++) {
		const struct tls_craft_client client = { .priority = cases[i].client };
		struct tls *tls = tls_craft_load(place, cases[i].keys);
		struct tls_craft_result result = tls_craft_handshake(tls, &client);

		if (!cases[i].suite) {
			assert_true(result.server < 0);
			assert_true(result.client < 0);
		} else if (result.client < 0 || strcmp(result.suite, cases[i].suite)) {
			fail_msg("%u: %s, not %s", i, result.suite, cases[i].suite);
		}
		if (cases[i].group)
			assert_string_equal(result.group, cases[i].group);
		tls_free(tls);
	}
}

#define WITH_PLACE(test_) \
	cmocka_unit_test_setup_teardown(test_, tls_craft_setup, tls_craft_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_the_certificate_of_the_files_is_served),
		WITH_PLACE(test_a_session_without_begin_gets_no_certificate),
		WITH_PLACE(test_what_cannot_be_served_says_why),
		WITH_PLACE(test_a_certificate_out_of_its_time_is_refused),
		WITH_PLACE(test_a_key_with_a_pass_phrase_is_refused),
		WITH_PLACE(test_a_chain_is_served_whole),
		WITH_PLACE(test_a_reload_serves_the_new_pair),
		WITH_PLACE(test_a_reload_that_fails_leaves_the_old_pair),
		WITH_PLACE(test_a_handshake_outlives_reloads_and_the_end),
		WITH_PLACE(test_versions_suites_and_curves_are_those_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
