/* SPDX-License-Identifier: MIT */
/* Whether a client may connect, by its certificate */
#include "web/tls/tls_peer.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SAN_BYTES 1024 /* a longer name can't be in the list: Prometheus's are host names */

static void release_certificate(gnutls_x509_crt_t *certificate)
{
	if (*certificate)
		gnutls_x509_crt_deinit(*certificate);
}

/* An address of the certificate and one of the list are the same however they are written. */
static bool address_equal(const uint8_t *address, size_t bytes, const char *allowed)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t wanted[16];

	if (inet_pton(AF_INET, allowed, wanted) == 1)
		return (bytes == 4 && !memcmp(address, wanted, 4)) ||
		       (bytes == 16 && !memcmp(address, mapped, 12) &&
			!memcmp(address + 12, wanted, 4));

	return inet_pton(AF_INET6, allowed, wanted) == 1 && bytes == 16 &&
	       !memcmp(address, wanted, 16);
}

static bool san_allowed(const struct tls_peer *peer, unsigned type, const uint8_t *san,
			size_t bytes)
{
	for (unsigned i = 0; i < peer->allowed_san_count; i++) {
		const char *allowed = peer->allowed_sans[i];

		if (type == GNUTLS_SAN_IPADDRESS) {
			if (address_equal(san, bytes, allowed))
				return true;
		} else if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME ||
			   type == GNUTLS_SAN_URI) {
			/* With its length: a NUL inside the name must not cut it. */
			if (bytes == strlen(allowed) && !memcmp(san, allowed, bytes))
				return true;
		}
	}

	return false;
}

static bool name_allowed(const struct tls_peer *peer, const gnutls_datum_t *der)
{
	__attribute__((cleanup(release_certificate))) gnutls_x509_crt_t certificate = NULL;

	if (gnutls_x509_crt_init(&certificate) < 0 ||
	    gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) < 0)
		return false;
	for (unsigned i = 0;; i++) {
		uint8_t san[SAN_BYTES];
		size_t bytes = sizeof(san);
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, san, &bytes, NULL);

		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			return false; /* past the last, or one that can't be read */
		if (san_allowed(peer, (unsigned)type, san, bytes))
			return true;
	}
}

static int refuse(gnutls_session_t session, gnutls_alert_description_t alert)
{
	(void)gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

int tls_peer_verify(gnutls_session_t session, const struct tls_peer *peer)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned count = 0;
	unsigned status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

	if (!chain || !count) {
		if (peer->auth == WEB_CLIENT_REQUIRE || peer->auth == WEB_CLIENT_VERIFY)
			return refuse(session, GNUTLS_A_CERTIFICATE_REQUIRED);
		return 0;
	}
	if (peer->auth == WEB_CLIENT_VERIFY || peer->auth == WEB_CLIENT_VERIFY_IF_GIVEN) {
		if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status)
			return refuse(session, status & GNUTLS_CERT_EXPIRED
						       ? GNUTLS_A_CERTIFICATE_EXPIRED
						       : GNUTLS_A_BAD_CERTIFICATE);
	}
	if (peer->allowed_san_count && !name_allowed(peer, chain))
		return refuse(session, GNUTLS_A_ACCESS_DENIED);

	return 0;
}
