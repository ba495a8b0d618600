/* SPDX-License-Identifier: MIT */
/* Handshakes beyond the certificate: server names, alerts, sessions that are resumed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls_craft.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define A	     "  cert_file: a.crt\n  key_file: a.key\n"
#define CA	     "  client_ca_file: b.crt\n  client_auth_type: "
#define V12	     "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define V13	     "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define HOUR_NS	     UINT64_C(3600000000000)

static const char *const versions[] = { V12, V13 };

static void test_any_server_name_is_served(void **state)
{
	static const char *const names[] = { "dnstt_exporter", "my_host", "::1",	  "a b",
					     "192.0.2.1",      "a",	  "b.example.com" };
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);

	for (unsigned i = 0; i < 2 * COUNT(names); i++) {
		const struct tls_craft_client client = { .priority = versions[i % 2],
							 .server_name = names[i / 2] };
		struct tls_craft_result result = tls_craft_handshake(tls, &client);

		if (result.client < 0 || strcmp(result.name, "a") != 0)
			fail_msg("%s: %s", names[i / 2], gnutls_strerror(result.server));
	}
	tls_free(tls);
}

static void test_a_failed_handshake_ends_with_an_alert(void **state)
{
	static const struct {
		const char *keys, *client;
		gnutls_alert_description_t alert;
	} cases[] = {
		{ A, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", GNUTLS_A_PROTOCOL_VERSION },
		{ A "  min_version: TLS13\n", V12, GNUTLS_A_PROTOCOL_VERSION },
		/* Its hello is one of 1.2, but for the suites */
		{ A "  max_version: TLS12\n", V13, GNUTLS_A_HANDSHAKE_FAILURE },
		{ A "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", V13 ":-AES-128-GCM",
		  GNUTLS_A_HANDSHAKE_FAILURE },
		{ A "  curve_preferences: [CurveP521]\n", V13 ":-GROUP-ALL:+GROUP-X25519",
		  GNUTLS_A_HANDSHAKE_FAILURE },
		{ A, V12 ":-KX-ALL:+ECDHE-RSA", GNUTLS_A_HANDSHAKE_FAILURE },
	};
	struct tls_craft_place *place = *state;

	for (unsigned i = 0; i < COUNT(cases); i++) {
		const struct tls_craft_client client = { .priority = cases[i].client };
		struct tls *tls = tls_craft_load(place, cases[i].keys);
		struct tls_craft_result result = tls_craft_handshake(tls, &client);

		if (result.client != GNUTLS_E_FATAL_ALERT_RECEIVED ||
		    result.alert != cases[i].alert)
			fail_msg("%u: %s, alert %d", i, gnutls_strerror(result.client),
				 result.alert);
		tls_free(tls);
	}
}

/* What the server sends back to bytes that are no handshake. Returns how many, of no more than @room. */
static ssize_t answer_to(struct tls *tls, const void *text, size_t bytes, uint8_t *ret_answer,
			 size_t room)
{
	static const struct tls_craft_client nobody;
	struct tls_craft_pair pair;
	ssize_t got;
	int r;

	tls_craft_open(&pair, tls, &nobody);
	assert_int_equal(send(pair.sockets[1], text, bytes, 0), bytes);
	r = gnutls_handshake(pair.server);
	assert_true(r < 0);
	if (r != GNUTLS_E_AGAIN)
		tls_complaint("Error: received handshake message out of context.\n");
	got = recv(pair.sockets[1], ret_answer, room, 0);
	tls_craft_close(&pair);
	return got;
}

static void test_what_is_no_handshake_gets_an_alert_too(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
		uint8_t alert;
	} cases[] = {
		{ "\x17\x03\x03\0\5hello", 10, GNUTLS_A_UNEXPECTED_MESSAGE },
		{ "\x16\x03\x01\0\4\x02\0\0\0", 9, GNUTLS_A_UNEXPECTED_MESSAGE },
		{ "\0\0\0\0\0\0\0\0", 8, GNUTLS_A_UNEXPECTED_MESSAGE },
		{ "SSH-2.0-x\r\n", 11, GNUTLS_A_UNEXPECTED_MESSAGE },
		/* SSLv2: of version 2, and a bad one of version 3.1 */
		{ "\x80\x1c\1\0\2\0\3\0\0\0\x10\1\0\x80"
		  "0123456789abcdef",
		  30, GNUTLS_A_PROTOCOL_VERSION },
		{ "\x80\x1c\1\3\1\0\3\0\0\0\x10\1\0\x80"
		  "0123456789abcdef",
		  30, GNUTLS_A_PROTOCOL_VERSION },
	};
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	uint8_t answer[64];

	for (unsigned i = 0; i < COUNT(cases); i++) {
		ssize_t got = answer_to(tls, cases[i].text, cases[i].bytes, answer, sizeof(answer));

		if (got != 7 || answer[0] != 21 || answer[1] != 3 || answer[5] != 2 ||
		    answer[6] != cases[i].alert)
			fail_msg("%u: %zd bytes, alert %u", i, got, answer[6]);
	}
	/* Half a record is waited for */
	assert_true(answer_to(tls, "\x16\x03\x01\0", 4, answer, sizeof(answer)) < 0);
	tls_free(tls);
}

static void test_an_alert_is_not_answered_with_another(void **state)
{
	static const struct tls_craft_client client = { .priority = V12 };
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	struct tls_craft_pair pair;
	uint8_t flight[8192];

	tls_craft_open(&pair, tls, &client);
	assert_int_equal(gnutls_handshake(pair.client), GNUTLS_E_AGAIN);
	assert_int_equal(gnutls_handshake(pair.server), GNUTLS_E_AGAIN);
	assert_true(recv(pair.sockets[1], flight, sizeof(flight), 0) > 100);
	assert_int_equal(gnutls_alert_send(pair.client, GNUTLS_AL_FATAL, GNUTLS_A_UNKNOWN_CA), 0);
	assert_int_equal(gnutls_handshake(pair.server), GNUTLS_E_FATAL_ALERT_RECEIVED);
	tls_complaint("Error: received handshake message out of context.\n");
	assert_int_equal(recv(pair.sockets[1], flight, sizeof(flight), 0), -1);
	tls_craft_close(&pair);
	tls_free(tls);
}

static void test_only_the_failed_session_gets_the_alert(void **state)
{
	static const struct tls_craft_client nobody;
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A);
	struct tls_craft_pair half, whole, silent;
	uint8_t byte;

	tls_craft_open(&half, tls, &nobody);
	tls_craft_open(&whole, tls, &nobody);
	tls_craft_open(&silent, tls, &nobody);
	assert_int_equal(send(half.sockets[1], "\x16\x03\x01\0", 4, 0), 4);
	assert_int_equal(gnutls_handshake(half.server), GNUTLS_E_AGAIN);
	tls_complaint("Error: received handshake message out of context.\n");
	assert_int_equal(recv(half.sockets[1], &byte, 1, 0), -1);

	assert_int_equal(tls_craft_shake(&whole).client, 0);
	assert_int_equal(gnutls_record_send(whole.client, "x", 1), 1);
	assert_int_equal(gnutls_record_recv(whole.server, &byte, 1), 1);
	tls_complaint("Closing connection.\n"); /* of something else */
	assert_int_equal(gnutls_record_recv(whole.client, &byte, 1), GNUTLS_E_AGAIN);
	tls_craft_close(&whole); /* it read last */
	tls_complaint("Error: received handshake message out of context.\n");
	assert_int_equal(recv(silent.sockets[1], &byte, 1, 0), -1);
	tls_craft_close(&half);
	tls_craft_close(&silent);
	tls_free(tls);
}

/* Whether a session is resumed; the new one goes to @keep */
static bool again(struct tls *tls, unsigned version, const gnutls_datum_t *session,
		  gnutls_datum_t *keep)
{
	const struct tls_craft_client client = { .priority = versions[version],
						 .resume = session,
						 .keep = keep };
	struct tls_craft_result result = tls_craft_handshake(tls, &client);

	assert_int_equal(result.client, 0);
	assert_int_equal(result.server, 0);
	assert_string_equal(result.name, "a");
	return result.resumed;
}

static void test_sessions_are_resumed_for_an_hour(void **state)
{
	struct tls_craft_place *place = *state;

	for (unsigned i = 0; i < COUNT(versions); i++) {
		struct tls *tls = tls_craft_load(place, A);
		gnutls_datum_t first;

		tls_craft_now_ns = 1000;
		assert_false(again(tls, i, NULL, &first));
		for (unsigned j = 0; j < 5; j++)
			assert_true(again(tls, i, &first, NULL));
		tls_craft_now_ns += HOUR_NS - 1;
		assert_true(again(tls, i, &first, NULL));
		tls_craft_now_ns += 1; /* a new key */
		assert_false(again(tls, i, &first, NULL));
		gnutls_free(first.data);
		tls_free(tls);
	}
}

static void test_a_reload_ends_what_could_be_resumed(void **state)
{
	struct tls_craft_place *place = *state;
	struct web_config same = tls_craft_config(place, A);

	for (unsigned i = 0; i < COUNT(versions); i++) {
		struct tls *tls = tls_craft_load(place, A);
		gnutls_datum_t first;

		assert_false(again(tls, i, NULL, &first));
		assert_int_equal(tls_reload(tls, &same, time(NULL), &place->reason), 0);
		assert_false(again(tls, i, &first, NULL));
		gnutls_free(first.data);
		tls_free(tls);
	}
	webconfig_free(&same);
}

static void test_where_clients_show_certificates_none_is_resumed(void **state)
{
	static const char *const types[] = { "RequestClientCert", "RequireAnyClientCert",
					     "VerifyClientCertIfGiven",
					     "RequireAndVerifyClientCert" };
	struct tls_craft_place *place = *state;

	for (unsigned i = 0; i < COUNT(versions) * COUNT(types); i++) {
		gnutls_datum_t first = { 0 };
		struct tls_craft_client client = { .priority = versions[i % 2],
						   .identity = &place->b,
						   .keep = &first };
		struct tls *tls;
		char keys[256];

		(void)snprintf(keys, sizeof(keys), A CA "%s\n", types[i / 2]);
		tls = tls_craft_load(place, keys);
		assert_int_equal(tls_craft_handshake(tls, &client).client, 0);
		client.resume = first.size ? &first : NULL;
		client.keep = NULL;
		assert_false(tls_craft_handshake(tls, &client).resumed);
		gnutls_free(first.data);
		tls_free(tls);
	}
}

/* One that was made where no certificate was asked for opens nothing where one is */
static void test_a_ticket_from_before_is_no_certificate(void **state)
{
	struct tls_craft_place *place = *state;
	struct web_config strict = tls_craft_config(place, A CA "RequireAndVerifyClientCert\n");

	for (unsigned i = 0; i < COUNT(versions); i++) {
		struct tls *tls = tls_craft_load(place, A);
		gnutls_datum_t first;
		const struct tls_craft_client client = { .priority = versions[i],
							 .resume = &first };
		struct tls_craft_result second;

		assert_false(again(tls, i, NULL, &first));
		assert_int_equal(tls_reload(tls, &strict, time(NULL), &place->reason), 0);
		second = tls_craft_handshake(tls, &client);
		assert_true(second.server < 0);
		assert_true(second.client < 0);
		gnutls_free(first.data);
		tls_free(tls);
	}
	webconfig_free(&strict);
}

#define WITH_PLACE(test_) \
	cmocka_unit_test_setup_teardown(test_, tls_craft_setup, tls_craft_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_any_server_name_is_served),
		WITH_PLACE(test_a_failed_handshake_ends_with_an_alert),
		WITH_PLACE(test_what_is_no_handshake_gets_an_alert_too),
		WITH_PLACE(test_an_alert_is_not_answered_with_another),
		WITH_PLACE(test_only_the_failed_session_gets_the_alert),
		WITH_PLACE(test_sessions_are_resumed_for_an_hour),
		WITH_PLACE(test_a_reload_ends_what_could_be_resumed),
		WITH_PLACE(test_where_clients_show_certificates_none_is_resumed),
		WITH_PLACE(test_a_ticket_from_before_is_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
