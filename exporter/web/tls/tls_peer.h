/* SPDX-License-Identifier: MIT */
/* Whether a client may connect, by its certificate */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>

#include "web/config/webconfig.h"

/* What a client's certificate must fulfil */
struct tls_peer {
	enum web_client_auth auth;
	unsigned allowed_san_count; /* 0: any name */
	const char *const *allowed_sans;
};

/**
 * tls_peer_verify() - Judge the client of a session by the certificate that it sent, if any
 * @session:	In its handshake, with credentials that hold the client CA
 *
 * No system calls.
 *
 * Return: 0, or GNUTLS_E_CERTIFICATE_ERROR after an alert was sent
 */
int tls_peer_verify(gnutls_session_t session, const struct tls_peer *peer);
