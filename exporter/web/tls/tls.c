/* SPDX-License-Identifier: MIT */
/* TLS for libmicrohttpd: certificates that can be exchanged while it runs, and client certificates
 */
#include "web/tls/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>

#include "web/config/fault.h"
#include "web/tls/tls_material.h"
#include "web/tls/tls_peer.h"

struct tls_epoch {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	struct tls_peer peer;
	char *allowed_sans[WEBCONFIG_SANS];
	time_t not_after;
	unsigned holders;
};

struct tls {
	struct tls_epoch *epoch;      /* NULL before tls_open() */
	struct tls_material material; /* of tls_read(), until tls_open() */
};

static void release_epoch(struct tls_epoch **epoch)
{
	tls_session_end(*epoch);
}

static int verify(gnutls_session_t session)
{
	const struct tls_epoch *epoch = gnutls_db_get_ptr(session);

	return epoch ? tls_peer_verify(session, &epoch->peer) : GNUTLS_E_CERTIFICATE_ERROR;
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
	tls_session_end(tls->epoch);
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
	tls_session_end(tls->epoch);
	tls_material_wipe(&tls->material);
	free(tls);
}

int tls_session_begin(struct tls *tls, gnutls_session_t session, struct tls_epoch **ret_epoch)
{
	struct tls_epoch *epoch = tls->epoch;

	if (gnutls_priority_set(session, epoch->priority) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, epoch->credentials) < 0)
		return -EPROTO;
	/* Asked for, not required, by GnuTLS: verify() requires, and says so with an alert. */
	gnutls_certificate_server_set_request(session, epoch->peer.auth == WEB_CLIENT_NONE
							       ? GNUTLS_CERT_IGNORE
							       : GNUTLS_CERT_REQUEST);
	gnutls_db_set_ptr(session, epoch);
	epoch->holders++;

	*ret_epoch = epoch;
	return 0;
}

void tls_session_end(struct tls_epoch *epoch)
{
	if (!epoch || --epoch->holders)
		return;
	for (unsigned i = 0; i < WEBCONFIG_SANS; i++)
		free(epoch->allowed_sans[i]);
	if (epoch->credentials)
		gnutls_certificate_free_credentials(epoch->credentials);
	if (epoch->priority)
		gnutls_priority_deinit(epoch->priority);
	free(epoch);
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
