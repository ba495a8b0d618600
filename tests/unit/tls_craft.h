/* SPDX-License-Identifier: MIT */
/* Certificates and handshakes for tests: all in this process, nothing on a network */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "web/config/webconfig.h"
#include "web/tls/tls.h"

/* A certificate and its key */
struct tls_craft_identity {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
};

struct tls_craft_wish {
	const char *name;
	const struct tls_craft_identity *issuer; /* NULL: itself */
	bool authority;
	bool rsa;	     /* else P-256 */
	const char *purpose; /* GNUTLS_KP_..., NULL: none is named */
	time_t from;	     /* 0: a day before today */
	time_t to;	     /* 0: 30 years from today */
	gnutls_x509_subject_alt_name_t san_type;
	const void *san;
	unsigned san_bytes;
};

/* What came of a handshake */
struct tls_craft_result {
	int server; /* GnuTLS's own codes; 0: done */
	int client;
	gnutls_alert_description_t alert; /* that the client got, where it got one */
	gnutls_protocol_t version;
	char name[64]; /* common name of the certificate that the client saw */
	const char *suite;
	const char *group;
	bool resumed;
};

struct tls_craft_client {
	const char *priority;			   /* NULL: NORMAL */
	const struct tls_craft_identity *identity; /* NULL: none */
	const char *server_name;		   /* NULL: none */
	const gnutls_datum_t *resume;		   /* a session to be resumed; NULL: none */
	gnutls_datum_t *keep;			   /* gets the session, for gnutls_free() */
};

/* A session of each side, over a socket pair */
struct tls_craft_pair {
	gnutls_session_t server;
	gnutls_session_t client;
	gnutls_certificate_credentials_t server_credentials; /* as libmicrohttpd's: empty */
	gnutls_certificate_credentials_t client_credentials;
	struct tls_session session;
	gnutls_datum_t *keep;
	int sockets[2];
};

struct tls_craft_identity tls_craft_make(const struct tls_craft_wish *wish);
void tls_craft_drop(struct tls_craft_identity *identity);

/**
 * tls_craft_certificate() - Write certificates as PEM, one after the other; NULL ends the list
 */
void tls_craft_certificate(const char *path, const struct tls_craft_identity *const *identities);
void tls_craft_key(const char *path, const struct tls_craft_identity *identity);

void tls_craft_open(struct tls_craft_pair *pair, struct tls *tls,
		    const struct tls_craft_client *client);
struct tls_craft_result tls_craft_shake(struct tls_craft_pair *pair);
void tls_craft_close(struct tls_craft_pair *pair);

/**
 * tls_craft_handshake() - The three in one
 */
struct tls_craft_result tls_craft_handshake(struct tls *tls, const struct tls_craft_client *client);

/* CLOCK_MONOTONIC of the sessions that begin */
extern uint64_t tls_craft_now_ns;

/* A folder with a.crt, a.key, b.crt, b.key, rsa.crt and rsa.key. Each certificate is its own issuer;
 * b may issue others.
 */
struct tls_craft_place {
	char path[64];
	struct tls_craft_identity a;
	struct tls_craft_identity b;
	struct tls_craft_identity rsa;
	struct reason reason;
};

/* Fixtures of cmocka; the state is a struct tls_craft_place */
int tls_craft_setup(void **state);
int tls_craft_teardown(void **state);

/**
 * tls_craft_path() - Path of a file in the folder, valid for two more calls
 */
const char *tls_craft_path(const struct tls_craft_place *place, const char *name);

void tls_craft_text(const struct tls_craft_place *place, const char *name, const char *text);

/**
 * tls_craft_write() - NAME.crt and NAME.key
 */
void tls_craft_write(const struct tls_craft_place *place, const char *name,
		     const struct tls_craft_identity *identity);

/**
 * tls_craft_config() - The configuration with these lines below tls_server_config
 */
struct web_config tls_craft_config(struct tls_craft_place *place, const char *keys);

/**
 * tls_craft_try() - What tls_read() and tls_open() make of a configuration; the reason is the place's
 */
int tls_craft_try(struct tls_craft_place *place, const struct web_config *config, time_t now,
		  struct tls **ret_tls);

/**
 * tls_craft_load() - The same of these lines, which are to be taken
 */
struct tls *tls_craft_load(struct tls_craft_place *place, const char *keys);
