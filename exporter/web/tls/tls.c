/* SPDX-License-Identifier: MIT */
/* TLS for libmicrohttpd: certificates that can be exchanged while it runs, and client certificates
 */
#include "web/tls/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "web/config/fault.h"
#include "web/tls/tls_material.h"
#include "web/tls/tls_peer.h"

/* What a session has reached, by which an alert is chosen */
enum { NOTHING, FIRST_BYTE, HELLO, AGREEMENT, VERDICT };

struct tls_epoch {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	struct tls_peer peer;
	char *allowed_sans[WEBCONFIG_SANS];
	time_t not_after;
	gnutls_datum_t ticket_key; /* in use until this time */
	uint64_t ticket_until_ns;
	unsigned holders;
};

struct tls {
	struct tls_epoch *epoch;      /* NULL before tls_open() */
	struct tls_material material; /* of tls_read(), until tls_open() */
};

/* The session that got something from its socket last, and nothing has come of that yet */
static struct tls_session *reading;

static void drop_ticket_key(struct tls_epoch *epoch)
{
	if (epoch->ticket_key.data)
		explicit_bzero(epoch->ticket_key.data, epoch->ticket_key.size);
	gnutls_free(epoch->ticket_key.data);
	epoch->ticket_key = (gnutls_datum_t){ 0 };
}

static void release(struct tls_epoch *epoch)
{
	if (!epoch || --epoch->holders)
		return;
	for (unsigned i = 0; i < WEBCONFIG_SANS; i++)
		free(epoch->allowed_sans[i]);
	if (epoch->credentials)
		gnutls_certificate_free_credentials(epoch->credentials);
	if (epoch->priority)
		gnutls_priority_deinit(epoch->priority);
	drop_ticket_key(epoch);
	free(epoch);
}

static void release_epoch(struct tls_epoch **epoch)
{
	release(*epoch);
}

static int verify(gnutls_session_t gnutls)
{
	struct tls_session *session = gnutls_db_get_ptr(gnutls);
	int r = session ? tls_peer_verify(gnutls, &session->epoch->peer)
			: GNUTLS_E_CERTIFICATE_ERROR;

	if (session && r < 0)
		session->reached = VERDICT;
	return r;
}

static int copy_sans(const struct web_tls *tls, struct tls_epoch *epoch)
{
	for (unsigned i = 0; i < tls->allowed_san_count; i++) {
		epoch->allowed_sans[i] = strdup(tls->allowed_sans[i].text);
		if (!epoch->allowed_sans[i])
			return -ENOMEM;
	}
	epoch->peer = (struct tls_peer){
		.auth = tls->client_auth,
		.allowed_san_count = tls->allowed_san_count,
		.allowed_sans = (const char *const *)epoch->allowed_sans,
	};

	return 0;
}

static int no_memory(const struct web_config *config, struct reason *ret_reason)
{
	(void)fault_at(ret_reason, config->path, config->tls.line, "tls_server_config",
		       "no memory to load it");
	return -ENOMEM;
}

static int make_epoch(const struct web_config *config, const struct tls_material *material,
		      time_t now, struct tls_epoch **ret_epoch, struct reason *ret_reason)
{
	__attribute__((cleanup(release_epoch))) struct tls_epoch *epoch = calloc(1, sizeof(*epoch));
	const char *where;
	int r;

	if (!epoch)
		return no_memory(config, ret_reason);
	epoch->holders = 1;
	if (copy_sans(&config->tls, epoch) < 0 ||
	    gnutls_certificate_allocate_credentials(&epoch->credentials) < 0)
		return no_memory(config, ret_reason);

	r = gnutls_priority_init(&epoch->priority, config->tls.priority, &where);
	if (r == GNUTLS_E_MEMORY_ERROR)
		return no_memory(config, ret_reason);
	if (r < 0)
		return fault_at(ret_reason, config->path, config->tls.line, "tls_server_config",
				"GnuTLS does not take the cipher suites from \"%s\" on: %s", where,
				gnutls_strerror(r));
	r = tls_material_use(config, material, now, epoch->credentials, &epoch->not_after,
			     ret_reason);
	if (r < 0)
		return r;
	gnutls_certificate_set_verify_function(epoch->credentials, verify);

	*ret_epoch = epoch;
	epoch = NULL;
	return 0;
}

int tls_read(const struct web_config *config, struct tls **ret_tls, struct reason *ret_reason)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls)
		return no_memory(config, ret_reason);
	r = tls_material_read(config, &tls->material, ret_reason);
	if (r < 0) {
		free(tls);
		return r;
	}

	*ret_tls = tls;
	return 0;
}

int tls_open(struct tls *tls, const struct web_config *config, time_t now,
	     struct reason *ret_reason)
{
	int r = make_epoch(config, &tls->material, now, &tls->epoch, ret_reason);

	tls_material_wipe(&tls->material);

	return r;
}

int tls_reload(struct tls *tls, const struct web_config *config, time_t now,
	       struct reason *ret_reason)
{
	__attribute__((cleanup(tls_material_wipe))) struct tls_material material = { 0 };
	struct tls_epoch *epoch;
	int r;

	if (!config->tls.enabled)
		return fault_at(ret_reason, config->path, 0, "tls_server_config",
				"gone, but TLS can't be turned off while the exporter "
				"runs; restart it");
	r = tls_material_read(config, &material, ret_reason);
	if (r < 0)
		return r;
	r = make_epoch(config, &material, now, &epoch, ret_reason);
	if (r < 0)
		return r;
	release(tls->epoch);
	tls->epoch = epoch;

	return 0;
}

time_t tls_not_after(const struct tls *tls)
{
	return tls->epoch->not_after;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	release(tls->epoch);
	tls_material_wipe(&tls->material);
	free(tls);
}

/* As GnuTLS's own, which takes the descriptor in place of the session */
static ssize_t receive(gnutls_transport_ptr_t transport, void *buffer, size_t bytes)
{
	struct tls_session *session = transport;
	ssize_t got = recv(session->fd, buffer, bytes, 0);

	reading = got > 0 ? session : NULL;
	/* A first byte with this bit is that of an SSLv2 hello */
	if (got > 0 && session->reached == NOTHING)
		session->reached = *(uint8_t *)buffer & 0x80 ? HELLO : FIRST_BYTE;
	return got;
}

static int hello_came(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
		      const gnutls_datum_t *message)
{
	struct tls_session *session = gnutls_db_get_ptr(gnutls);

	(void)type, (void)when, (void)incoming, (void)message;
	session->reached = HELLO;
	return 0;
}

/* Extensions are fine, a cipher suite is not yet chosen; GnuTLS looks later whether this version may be */
static int hello_was_read(gnutls_session_t gnutls)
{
	struct tls_session *session = gnutls_db_get_ptr(gnutls);
	gnutls_protocol_t version = gnutls_protocol_get_version(gnutls);
	const unsigned *allowed;
	int count = gnutls_priority_protocol_list(session->epoch->priority, &allowed);

	for (int i = 0; i < count; i++)
		if (allowed[i] == version)
			session->reached = AGREEMENT;
	return 0;
}

/* GnuTLS ends the handshake for a name like "my_host" or "::1", and keeps its reader of this extension from
 * being replaced: it compares this number before it cuts it to 16 bits. An extension without a
 * reader is passed over. Should GnuTLS refuse this one day, such names are refused again.
 */
static void ignore_server_name(gnutls_session_t gnutls)
{
	const int server_name = 1 << 16;

	(void)gnutls_session_ext_register(gnutls, "server_name", server_name, GNUTLS_EXT_MANDATORY,
					  NULL, NULL, NULL, NULL, NULL,
					  GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_TLS);
}

static void enable_tickets(struct tls_epoch *epoch, gnutls_session_t gnutls, uint64_t now_ns)
{
	if (epoch->peer.auth != WEB_CLIENT_NONE)
		return;
	if (!epoch->ticket_key.data || now_ns >= epoch->ticket_until_ns) {
		drop_ticket_key(epoch);
		if (gnutls_session_ticket_key_generate(&epoch->ticket_key) < 0)
			return;
		epoch->ticket_until_ns = now_ns + TLS_TICKET_NS;
	}
	gnutls_db_set_cache_expiration(gnutls, TLS_TICKET_NS / UINT64_C(1000000000));
	(void)gnutls_session_ticket_enable_server(gnutls, &epoch->ticket_key);
}

int tls_session_begin(struct tls *tls, struct tls_session *session, uint64_t now_ns)
{
	struct tls_epoch *epoch = tls->epoch;
	gnutls_session_t gnutls = session->gnutls;

	/* First of all, so that tls_complaint() never takes this one for another */
	gnutls_transport_set_ptr2(gnutls, session, (gnutls_transport_ptr_t)(intptr_t)session->fd);
	gnutls_transport_set_pull_function(gnutls, receive);
	session->epoch = epoch;
	epoch->holders++;
	gnutls_db_set_ptr(gnutls, session);
	if (gnutls_priority_set(gnutls, epoch->priority) < 0 ||
	    gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, epoch->credentials) < 0)
		return -EPROTO;
	/* Asked for, not required, by GnuTLS: verify() requires, and says so with an alert. */
	gnutls_certificate_server_set_request(gnutls, epoch->peer.auth == WEB_CLIENT_NONE
							      ? GNUTLS_CERT_IGNORE
							      : GNUTLS_CERT_REQUEST);
	gnutls_handshake_set_hook_function(gnutls, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE,
					   hello_came);
	gnutls_handshake_set_post_client_hello_function(gnutls, hello_was_read);
	ignore_server_name(gnutls);
	enable_tickets(epoch, gnutls, now_ns);
	return 0;
}

void tls_complaint(const char *message)
{
	static const char failed[] = "Error: received handshake message out of context";
	static const gnutls_alert_description_t alerts[] = {
		[FIRST_BYTE] = GNUTLS_A_UNEXPECTED_MESSAGE,
		[HELLO] = GNUTLS_A_PROTOCOL_VERSION,
		[AGREEMENT] = GNUTLS_A_HANDSHAKE_FAILURE,
	};
	const struct tls_session *session = reading;
	uint8_t rest[4096];

	if (!session || strncmp(message, failed, sizeof(failed) - 1) != 0)
		return;
	reading = NULL;
	/* verify() has said why; and an alert is not answered with another */
	if (session->reached == VERDICT || gnutls_alert_get(session->gnutls) != 0)
		return;
	/* What is not read before the end has the kernel send a reset, which can overtake the alert */
	(void)recv(session->fd, rest, sizeof(rest), MSG_DONTWAIT);
	(void)gnutls_alert_send(session->gnutls, GNUTLS_AL_FATAL, alerts[session->reached]);
}

void tls_session_end(struct tls_session *session)
{
	if (reading == session)
		reading = NULL;
	release(session->epoch);
	session->epoch = NULL;
}

/* For a connection that tls_session_begin() never saw: no certificate, no handshake */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
			  int authority_count, const gnutls_pk_algorithm_t *algorithms,
			  int algorithm_count, gnutls_pcert_st **ret_chain,
			  unsigned *ret_chain_count, gnutls_privkey_t *ret_key)
{
	(void)session;
	(void)authorities;
	(void)authority_count;
	(void)algorithms;
	(void)algorithm_count;
	(void)ret_chain;
	(void)ret_chain_count;
	(void)ret_key;

	return -1;
}

const struct MHD_OptionItem *tls_mhd_options(void)
{
	static char priority[] = "SECURE128:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3";
	static struct MHD_OptionItem options[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, priority },
		{ MHD_OPTION_END, 0, NULL },
	};

	/* A function's address in a void pointer, as libmicrohttpd wants it (POSIX allows it) */
	options[0].ptr_value = (void *)(uintptr_t)no_certificate;
	return options;
}
