/* SPDX-License-Identifier: MIT */
/* Which clients get past the handshake, and the same through libmicrohttpd */
#include <arpa/inet.h>
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

static bool passed(const struct tls_craft_result *result)
{
	/* With TLS 1.3 a client is done before it hears of a refusal. */
	return !result->server && !result->client;
}

static void test_client_certificates_are_judged_by_the_type(void **state)
{
	enum { NONE, OWN, FOREIGN, EXPIRED, FUTURE, SERVER, NO_PURPOSE, CERTIFICATES };
	static const struct {
		const char *keys;
		bool passes[CERTIFICATES];
	} types[] = {
		{ A, { true, true, true, true, true, true, true } },
		{ A "  client_auth_type: NoClientCert\n", { 1, 1, 1, 1, 1, 1, 1 } },
		{ A "  client_auth_type: RequestClientCert\n", { 1, 1, 1, 1, 1, 1, 1 } },
		{ A "  client_auth_type: RequireAnyClientCert\n", { 0, 1, 1, 1, 1, 1, 1 } },
		{ A CA "VerifyClientCertIfGiven\n", { 1, 1, 0, 0, 0, 0, 1 } },
		{ A CA "RequireAndVerifyClientCert\n", { 0, 1, 0, 0, 0, 0, 1 } },
	};
	struct tls_craft_place *place = *state;
	time_t today = time(NULL);
	const struct tls_craft_identity authority =
		tls_craft_make(&(struct tls_craft_wish){ .name = "authority", .authority = true });
	const struct tls_craft_wish wishes[CERTIFICATES] = {
		[OWN] = { .name = "own",
			  .issuer = &authority,
			  .purpose = GNUTLS_KP_TLS_WWW_CLIENT },
		[FOREIGN] = { .name = "foreign", .issuer = &place->a },
		[EXPIRED] = { .name = "old", .issuer = &authority, .from = 1, .to = today - 60 },
		[FUTURE] = { .name = "new", .issuer = &authority, .from = today + 600 },
		[SERVER] = { .name = "server",
			     .issuer = &authority,
			     .purpose = GNUTLS_KP_TLS_WWW_SERVER },
		[NO_PURPOSE] = { .name = "any", .issuer = &authority },
	};
	struct tls_craft_identity identities[CERTIFICATES];

	tls_craft_write(place, "b", &authority);
	for (unsigned i = 1; i < CERTIFICATES; i++)
		identities[i] = tls_craft_make(&wishes[i]);
	for (unsigned i = 0; i < COUNT(types) * CERTIFICATES * 2; i++) {
		unsigned kind = i / 2 % CERTIFICATES;
		unsigned type = i / 2 / CERTIFICATES;
		struct tls *tls = tls_craft_load(place, types[type].keys);
		const struct tls_craft_client client = {
			.priority = i & 1 ? V12 : V13,
			.identity = kind ? &identities[kind] : NULL,
		};
		struct tls_craft_result result = tls_craft_handshake(tls, &client);

		if (passed(&result) != types[type].passes[kind])
			fail_msg("type %u, certificate %u: %s, %s", type, kind,
				 gnutls_strerror(result.server), gnutls_strerror(result.client));
		tls_free(tls);
	}
	for (unsigned i = 1; i < CERTIFICATES; i++)
		tls_craft_drop(&identities[i]);
	tls_craft_drop(&(struct tls_craft_identity){ authority.certificate, authority.key });
}

static void test_a_refused_client_is_told_why(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls_craft_identity old = tls_craft_make(
		&(struct tls_craft_wish){ .name = "old", .issuer = &place->b, .from = 1, .to = 2 });
	struct tls *tls = tls_craft_load(place, A CA "RequireAndVerifyClientCert\n"
						     "  client_allowed_sans: [x]\n");
	const struct {
		const struct tls_craft_identity *identity;
		gnutls_alert_description_t alert;
	} cases[] = {
		{ NULL, GNUTLS_A_CERTIFICATE_REQUIRED },
		{ &place->a, GNUTLS_A_BAD_CERTIFICATE },
		{ &old, GNUTLS_A_CERTIFICATE_EXPIRED },
		{ &place->b, GNUTLS_A_ACCESS_DENIED },
	};

	for (unsigned i = 0; i < 2 * COUNT(cases); i++) {
		const struct tls_craft_client client = {
			.priority = i & 1 ? V12 : V13,
			.identity = cases[i / 2].identity,
		};
		struct tls_craft_result result = tls_craft_handshake(tls, &client);

		assert_int_equal(result.server, GNUTLS_E_CERTIFICATE_ERROR);
		assert_int_equal(result.client, GNUTLS_E_FATAL_ALERT_RECEIVED);
		assert_int_equal(result.alert, cases[i / 2].alert);
	}
	tls_free(tls);
	tls_craft_drop(&old);
}

static void test_names_in_a_client_certificate_are_compared_whole(void **state)
{
	static const uint8_t ipv4[] = { 192, 0, 2, 1 };
	static const uint8_t ipv6[] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const uint8_t mapped[] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const struct {
		gnutls_x509_subject_alt_name_t type;
		const void *san;
		unsigned bytes;
		bool passes;
	} cases[] = {
		{ GNUTLS_SAN_DNSNAME, "prometheus.example", 18, true },
		{ GNUTLS_SAN_DNSNAME, "Prometheus.example", 18, false },
		{ GNUTLS_SAN_DNSNAME, "*.example", 9, false },
		{ GNUTLS_SAN_DNSNAME, "prometheus.exampl", 17, false },
		{ GNUTLS_SAN_DNSNAME, "prometheus.example.org", 22, false },
		{ GNUTLS_SAN_DNSNAME, "prometheus.example\0.org", 23, false },
		{ GNUTLS_SAN_DNSNAME, "192.0.2.1", 9, true }, /* a name that reads like one */
		{ GNUTLS_SAN_RFC822NAME, "a@example", 9, true },
		{ GNUTLS_SAN_RFC822NAME, "b@example", 9, false },
		{ GNUTLS_SAN_URI, "spiffe://example/prometheus", 27, true },
		{ GNUTLS_SAN_URI, "spiffe://example/prometheu", 26, false },
		{ GNUTLS_SAN_IPADDRESS, ipv4, 4, true },
		{ GNUTLS_SAN_IPADDRESS, "\xc0\0\2\2", 4, false },
		{ GNUTLS_SAN_IPADDRESS, ipv6, 16, true },
		{ GNUTLS_SAN_IPADDRESS, mapped, 16, true },
		{ GNUTLS_SAN_IPADDRESS, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16, false },
		{ GNUTLS_SAN_DNSNAME, NULL, 0, false },
	};
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(
		place, A CA "RequireAndVerifyClientCert\n"
			    "  client_allowed_sans: [prometheus.example, a@example,"
			    " 'spiffe://example/prometheus', 192.0.2.1, '2001:DB8::1']\n");

	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct tls_craft_identity named = tls_craft_make(&(struct tls_craft_wish){
			.name = "named",
			.issuer = &place->b,
			.san_type = cases[i].type,
			.san = cases[i].san,
			.san_bytes = cases[i].bytes,
		});
		const struct tls_craft_client client = { .identity = &named };
		struct tls_craft_result result = tls_craft_handshake(tls, &client);

		if (passed(&result) != cases[i].passes)
			fail_msg("%u: %s", i, gnutls_strerror(result.server));
		tls_craft_drop(&named);
	}
	tls_free(tls);
}

static void test_a_reload_changes_the_client_ca(void **state)
{
	struct tls_craft_place *place = *state;
	struct tls *tls = tls_craft_load(place, A CA "RequireAndVerifyClientCert\n");
	struct web_config config = tls_craft_config(
		place,
		A "  client_ca_file: rsa.crt\n  client_auth_type: RequireAndVerifyClientCert\n");
	const struct tls_craft_client b = { .identity = &place->b };
	const struct tls_craft_client rsa = { .identity = &place->rsa };
	struct tls_craft_result result = tls_craft_handshake(tls, &b);

	assert_true(passed(&result));
	result = tls_craft_handshake(tls, &rsa);
	assert_false(passed(&result));
	assert_int_equal(tls_reload(tls, &config, time(NULL), &place->reason), 0);
	result = tls_craft_handshake(tls, &b);
	assert_false(passed(&result));
	result = tls_craft_handshake(tls, &rsa);
	assert_true(passed(&result));
	webconfig_free(&config);
	tls_free(tls);
}

/* libmicrohttpd as the exporter runs it: its own epoll, connections handed to it */
struct served {
	struct MHD_Daemon *daemon;
	struct tls *tls;
	bool begin;
	unsigned open;
};

static void notify(void *cls, struct MHD_Connection *connection, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	struct served *served = cls;
	struct tls_session *session;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		tls_session_end(*context);
		free(*context);
		served->open--;
		return;
	}
	served->open++;
	session = calloc(1, sizeof(*session));
	assert_non_null(session);
	*context = session;
	session->fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	session->gnutls = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
				  ->tls_session;
	if (served->begin)
		assert_int_equal(tls_session_begin(served->tls, session, 1), 0);
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_bytes, void **context)
{
	static char body[] = "hello";
	struct MHD_Response *response =
		MHD_create_response_from_buffer(5, body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r = MHD_queue_response(connection, MHD_HTTP_OK, response);

	(void)cls;
	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_bytes;
	(void)context;
	MHD_destroy_response(response);

	return r;
}

/* One request; what the client read, or the error it got */
static ssize_t request(struct served *served, const struct tls_craft_client *client, char *ret_text,
		       size_t room)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct tls_craft_pair pair;
	ssize_t got = GNUTLS_E_AGAIN;
	bool sent = false;

	tls_craft_open(&pair, NULL, client);
	assert_int_equal(MHD_add_connection(served->daemon, dup(pair.sockets[0]),
					    (struct sockaddr *)&address, sizeof(address)),
			 MHD_YES);
	(void)close(pair.sockets[0]);
	pair.sockets[0] = -1;
	for (unsigned i = 0; i < 1000 && got == GNUTLS_E_AGAIN; i++) {
		if (!sent) {
			got = gnutls_handshake(pair.client);
			if (!got) {
				sent = true;
				(void)gnutls_record_send(pair.client, get, sizeof(get) - 1);
				got = GNUTLS_E_AGAIN;
			}
		} else {
			got = gnutls_record_recv(pair.client, ret_text, room);
		}
		assert_int_equal(MHD_run(served->daemon), MHD_YES);
	}
	tls_craft_close(&pair);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(MHD_run(served->daemon), MHD_YES);

	return got;
}

static void test_libmicrohttpd_serves_it(void **state)
{
	struct tls_craft_place *place = *state;
	struct served served = { .begin = true };
	struct web_config config = tls_craft_config(place, "  cert_file: b.crt\n"
							   "  key_file: b.key\n");
	const struct tls_craft_client anybody = { 0 };
	const struct tls_craft_client b = { .identity = &place->b };
	char text[1000];

	served.tls = tls_craft_load(place, A CA "RequireAndVerifyClientCert\n");
	served.daemon = MHD_start_daemon(
		MHD_USE_TLS | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL, NULL,
		answer, NULL, MHD_OPTION_ARRAY, tls_mhd_options(), MHD_OPTION_NOTIFY_CONNECTION,
		notify, &served, MHD_OPTION_END);
	assert_non_null(served.daemon);

	assert_true(request(&served, &b, text, sizeof(text)) > 0);
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(request(&served, &anybody, text, sizeof(text)),
			 GNUTLS_E_FATAL_ALERT_RECEIVED);
	assert_int_equal(tls_reload(served.tls, &config, time(NULL), &place->reason), 0);
	assert_true(request(&served, &anybody, text, sizeof(text)) > 0);
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	served.begin = false;
	assert_true(request(&served, &anybody, text, sizeof(text)) < 0);

	assert_int_equal(served.open, 0);
	MHD_stop_daemon(served.daemon);
	webconfig_free(&config);
	tls_free(served.tls);
}

#define WITH_PLACE(test_) \
	cmocka_unit_test_setup_teardown(test_, tls_craft_setup, tls_craft_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_client_certificates_are_judged_by_the_type),
		WITH_PLACE(test_a_refused_client_is_told_why),
		WITH_PLACE(test_names_in_a_client_certificate_are_compared_whole),
		WITH_PLACE(test_a_reload_changes_the_client_ca),
		WITH_PLACE(test_libmicrohttpd_serves_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
