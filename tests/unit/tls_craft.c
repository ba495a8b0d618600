/* SPDX-License-Identifier: MIT */
/* Certificates and handshakes for tests: all in this process, nothing on a network */
#include "tls_craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 86400

uint64_t tls_craft_now_ns = 1;

static void right(int r)
{
	if (r < 0)
		fail_msg("%s", gnutls_strerror(r));
}

/* GnuTLS makes no host name with a NUL inside, but others do. */
static void set_san(const struct tls_craft_identity *identity, const struct tls_craft_wish *wish)
{
	const unsigned char bytes = (unsigned char)wish->san_bytes;
	unsigned char der[128] = { 0x30, (unsigned char)(bytes + 2), 0x82, bytes };

	if (wish->san_type != GNUTLS_SAN_DNSNAME) {
		right(gnutls_x509_crt_set_subject_alt_name(identity->certificate, wish->san_type,
							   wish->san, wish->san_bytes,
							   GNUTLS_FSAN_SET));
		return;
	}
	assert_in_range(bytes, 1, sizeof(der) - 5);
	memcpy(der + 4, wish->san, bytes);
	right(gnutls_x509_crt_set_extension_by_oid(identity->certificate, "2.5.29.17", der,
						   (size_t)bytes + 4, 0));
}

struct tls_craft_identity tls_craft_make(const struct tls_craft_wish *wish)
{
	static unsigned char serial;
	struct tls_craft_identity identity;
	const struct tls_craft_identity *issuer = wish->issuer ? wish->issuer : &identity;
	time_t today = time(NULL);

	serial++;
	right(gnutls_x509_privkey_init(&identity.key));
	right(gnutls_x509_privkey_generate(
		identity.key, wish->rsa ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA,
		wish->rsa ? 2048 : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	right(gnutls_x509_crt_init(&identity.certificate));
	right(gnutls_x509_crt_set_version(identity.certificate, 3));
	right(gnutls_x509_crt_set_serial(identity.certificate, &serial, 1));
	right(gnutls_x509_crt_set_dn_by_oid(identity.certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
					    wish->name, (unsigned)strlen(wish->name)));
	right(gnutls_x509_crt_set_activation_time(identity.certificate,
						  wish->from ? wish->from : today - DAY));
	right(gnutls_x509_crt_set_expiration_time(
		identity.certificate, wish->to ? wish->to : today + (time_t)30 * 365 * DAY));
	right(gnutls_x509_crt_set_key(identity.certificate, identity.key));
	right(gnutls_x509_crt_set_basic_constraints(identity.certificate, wish->authority, -1));
	right(gnutls_x509_crt_set_key_usage(
		identity.certificate,
		GNUTLS_KEY_DIGITAL_SIGNATURE | (wish->authority ? GNUTLS_KEY_KEY_CERT_SIGN : 0)));
	if (wish->purpose)
		right(gnutls_x509_crt_set_key_purpose_oid(identity.certificate, wish->purpose, 0));
	if (wish->san)
		set_san(&identity, wish);
	right(gnutls_x509_crt_sign2(identity.certificate, issuer->certificate, issuer->key,
				    GNUTLS_DIG_SHA256, 0));

	return identity;
}

void tls_craft_drop(struct tls_craft_identity *identity)
{
	gnutls_x509_crt_deinit(identity->certificate);
	gnutls_x509_privkey_deinit(identity->key);
}

static void append(FILE *file, gnutls_datum_t *pem)
{
	assert_int_equal(fwrite(pem->data, 1, pem->size, file), pem->size);
	gnutls_free(pem->data);
}

void tls_craft_certificate(const char *path, const struct tls_craft_identity *const *identities)
{
	FILE *file = fopen(path, "w");
	gnutls_datum_t pem;

	assert_non_null(file);
	for (; *identities; identities++) {
		right(gnutls_x509_crt_export2((*identities)->certificate, GNUTLS_X509_FMT_PEM,
					      &pem));
		append(file, &pem);
	}
	assert_int_equal(fclose(file), 0);
}

void tls_craft_key(const char *path, const struct tls_craft_identity *identity)
{
	FILE *file = fopen(path, "w");
	gnutls_datum_t pem;

	assert_non_null(file);
	right(gnutls_x509_privkey_export2(identity->key, GNUTLS_X509_FMT_PEM, &pem));
	append(file, &pem);
	assert_int_equal(fclose(file), 0);
}

static int no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
			  const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
			  gnutls_retr2_st *ret)
{
	(void)session;
	(void)authorities;
	(void)count;
	(void)algorithms;
	(void)algorithm_count;
	(void)ret;

	return -1;
}

void tls_craft_open(struct tls_craft_pair *pair, struct tls *tls,
		    const struct tls_craft_client *client)
{
	*pair = (struct tls_craft_pair){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->sockets), 0);

	/* As libmicrohttpd does it, with what tls_mhd_options() leaves it with */
	right(gnutls_certificate_allocate_credentials(&pair->server_credentials));
	gnutls_certificate_set_retrieve_function(pair->server_credentials, no_certificate);
	right(gnutls_init(&pair->server, GNUTLS_SERVER | GNUTLS_NO_SIGNAL | GNUTLS_NONBLOCK));
	right(gnutls_priority_set_direct(pair->server, "NORMAL", NULL));
	right(gnutls_credentials_set(pair->server, GNUTLS_CRD_CERTIFICATE,
				     pair->server_credentials));
	gnutls_transport_set_int(pair->server, pair->sockets[0]);
	pair->keep = client->keep;
	pair->session = (struct tls_session){ .gnutls = pair->server, .fd = pair->sockets[0] };
	if (tls)
		assert_int_equal(tls_session_begin(tls, &pair->session, tls_craft_now_ns), 0);

	right(gnutls_certificate_allocate_credentials(&pair->client_credentials));
	if (client->identity) {
		gnutls_x509_crt_t certificate = client->identity->certificate;

		right(gnutls_certificate_set_x509_key(pair->client_credentials, &certificate, 1,
						      client->identity->key));
	}
	right(gnutls_init(&pair->client, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_NONBLOCK |
						 GNUTLS_FORCE_CLIENT_CERT));
	right(gnutls_priority_set_direct(pair->client,
					 client->priority ? client->priority : "NORMAL", NULL));
	right(gnutls_credentials_set(pair->client, GNUTLS_CRD_CERTIFICATE,
				     pair->client_credentials));
	gnutls_transport_set_int(pair->client, pair->sockets[1]);
	if (client->server_name)
		right(gnutls_server_name_set(pair->client, GNUTLS_NAME_DNS, client->server_name,
					     strlen(client->server_name)));
	if (client->resume)
		right(gnutls_session_set_data(pair->client, client->resume->data,
					      client->resume->size));
}

static bool pending(int r)
{
	return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

struct tls_craft_result tls_craft_shake(struct tls_craft_pair *pair)
{
	struct tls_craft_result result = { .server = GNUTLS_E_AGAIN, .client = GNUTLS_E_AGAIN };
	unsigned rounds = 0;

	/* A server that fails closes the connection; a client then learns of it by reading. */
	while ((pending(result.server) || pending(result.client)) && rounds++ < 100) {
		if (pending(result.client))
			result.client = gnutls_handshake(pair->client);
		if (pending(result.server)) {
			result.server = gnutls_handshake(pair->server);
			if (result.server < 0 && !pending(result.server)) {
				tls_complaint(
					"Error: received handshake message out of context.\n");
				(void)shutdown(pair->sockets[0], SHUT_WR);
			}
		}
	}
	if (!result.client && result.server < 0) {
		char byte;

		result.client = (int)gnutls_record_recv(pair->client, &byte, 1);
	}
	result.alert = gnutls_alert_get(pair->client);
	if (!result.client) {
		unsigned count = 0;
		const gnutls_datum_t *chain = gnutls_certificate_get_peers(pair->client, &count);
		gnutls_x509_crt_t certificate;
		size_t bytes = sizeof(result.name);

		assert_non_null(chain);
		right(gnutls_x509_crt_init(&certificate));
		right(gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER));
		right(gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
						    result.name, &bytes));
		gnutls_x509_crt_deinit(certificate);
		result.version = gnutls_protocol_get_version(pair->client);
		result.suite = gnutls_ciphersuite_get(pair->client);
		result.group = gnutls_group_get_name(gnutls_group_get(pair->client));
		result.resumed = gnutls_session_is_resumed(pair->client);
		assert_int_equal(result.resumed, gnutls_session_is_resumed(pair->server));
		if (result.version == GNUTLS_TLS1_3) {
			char byte;

			/* Tickets come behind the handshake, one with each of these */
			for (unsigned i = 0; i < 4; i++)
				assert_int_equal(gnutls_record_recv(pair->client, &byte, 1),
						 GNUTLS_E_AGAIN);
		}
		if (pair->keep)
			(void)gnutls_session_get_data2(pair->client, pair->keep);
	}

	return result;
}

void tls_craft_close(struct tls_craft_pair *pair)
{
	gnutls_deinit(pair->server);
	tls_session_end(&pair->session); /* in this order, as libmicrohttpd notifies */
	gnutls_deinit(pair->client);
	gnutls_certificate_free_credentials(pair->server_credentials);
	gnutls_certificate_free_credentials(pair->client_credentials);
	(void)close(pair->sockets[0]);
	(void)close(pair->sockets[1]);
}

struct tls_craft_result tls_craft_handshake(struct tls *tls, const struct tls_craft_client *client)
{
	struct tls_craft_pair pair;
	struct tls_craft_result result;

	tls_craft_open(&pair, tls, client);
	result = tls_craft_shake(&pair);
	tls_craft_close(&pair);

	return result;
}

const char *tls_craft_path(const struct tls_craft_place *place, const char *name)
{
	static char path[2][128];
	static unsigned turn;

	turn = !turn;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", place->path, name);

	return path[turn];
}

void tls_craft_text(const struct tls_craft_place *place, const char *name, const char *text)
{
	FILE *file = fopen(tls_craft_path(place, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void tls_craft_write(const struct tls_craft_place *place, const char *name,
		     const struct tls_craft_identity *identity)
{
	const struct tls_craft_identity *const one[] = { identity, NULL };
	char file[64];

	(void)snprintf(file, sizeof(file), "%s.crt", name);
	tls_craft_certificate(tls_craft_path(place, file), one);
	(void)snprintf(file, sizeof(file), "%s.key", name);
	tls_craft_key(tls_craft_path(place, file), identity);
}

int tls_craft_setup(void **state)
{
	struct tls_craft_place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	memcpy(place->path, "/tmp/dnstt-test-XXXXXX", 23);
	assert_non_null(mkdtemp(place->path));
	place->a = tls_craft_make(&(struct tls_craft_wish){ .name = "a" });
	place->b = tls_craft_make(&(struct tls_craft_wish){ .name = "b", .authority = true });
	place->rsa = tls_craft_make(&(struct tls_craft_wish){ .name = "rsa", .rsa = true });
	tls_craft_write(place, "a", &place->a);
	tls_craft_write(place, "b", &place->b);
	tls_craft_write(place, "rsa", &place->rsa);
	*state = place;

	return 0;
}

int tls_craft_teardown(void **state)
{
	struct tls_craft_place *place = *state;
	char command[128];

	tls_craft_drop(&place->a);
	tls_craft_drop(&place->b);
	tls_craft_drop(&place->rsa);
	(void)snprintf(command, sizeof(command), "rm -rf %s", place->path);
	assert_int_equal(system(command), 0);
	free(place);

	return 0;
}

struct web_config tls_craft_config(struct tls_craft_place *place, const char *keys)
{
	char text[16384];
	struct web_config config;

	(void)snprintf(text, sizeof(text), "tls_server_config:\n%s", keys);
	if (webconfig_parse(text, strlen(text), tls_craft_path(place, "web.yml"), &config,
			    &place->reason) < 0)
		fail_msg("%s", place->reason.text);

	return config;
}

int tls_craft_try(struct tls_craft_place *place, const struct web_config *config, time_t now,
		  struct tls **ret_tls)
{
	struct tls *tls = NULL;
	int r = tls_read(config, &tls, &place->reason);

	if (!r)
		r = tls_open(tls, config, now, &place->reason);
	if (r)
		tls_free(tls);
	else
		*ret_tls = tls;

	return r;
}

struct tls *tls_craft_load(struct tls_craft_place *place, const char *keys)
{
	struct web_config config = tls_craft_config(place, keys);
	struct tls *tls = NULL;

	if (tls_craft_try(place, &config, time(NULL), &tls) < 0)
		fail_msg("%s", place->reason.text);
	webconfig_free(&config);

	return tls;
}
