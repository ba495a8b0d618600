/* SPDX-License-Identifier: MIT */
/* Cipher suites and curves: Go's names, and the GnuTLS priority string they come to */
#include "web/config/ciphers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "web/config/webconfig.h"

/* GnuTLS puts a suite together from one part of each list. With AEAD ciphers only next to AEAD,
 * and CBC only next to SHA1, as here, no suite arises that was not listed.
 */
static const struct {
	const char *name;
	const char *exchange; /* NULL: TLS 1.3 */
	const char *cipher;
	const char *mac;
} suites[] = {
	{ "TLS_AES_128_GCM_SHA256", NULL, "AES-128-GCM", "AEAD" },
	{ "TLS_AES_256_GCM_SHA384", NULL, "AES-256-GCM", "AEAD" },
	{ "TLS_CHACHA20_POLY1305_SHA256", NULL, "CHACHA20-POLY1305", "AEAD" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA", "AES-128-CBC", "SHA1" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA", "AES-256-CBC", "SHA1" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA", "AES-128-CBC", "SHA1" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA", "AES-256-CBC", "SHA1" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM", "AEAD" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM", "AEAD" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM", "AEAD" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM", "AEAD" },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD" },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305",
	  "AEAD" },
};

/* crypto/tls.InsecureCipherSuites() of today, as far as CipherSuites() of Go 1.21 had them */
static const char *const insecure[] = {
	"TLS_RSA_WITH_AES_128_CBC_SHA",
	"TLS_RSA_WITH_AES_256_CBC_SHA",
	"TLS_RSA_WITH_AES_128_GCM_SHA256",
	"TLS_RSA_WITH_AES_256_GCM_SHA384",
};

static const struct {
	const char *name;
	const char *group;
} curves[] = {
	{ "CurveP256", "GROUP-SECP256R1" },
	{ "CurveP384", "GROUP-SECP384R1" },
	{ "CurveP521", "GROUP-SECP521R1" },
	{ "X25519", "GROUP-X25519" },
};

int ciphers_suite(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(suites); i++)
		if (!strcmp(suites[i].name, name))
			return (int)i;
	for (unsigned i = 0; i < ARRAY_LENGTH(insecure); i++)
		if (!strcmp(insecure[i], name))
			return -EACCES;

	return -ENOENT;
}

int ciphers_curve(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(curves); i++)
		if (!strcmp(curves[i].name, name))
			return (int)i;

	return -ENOENT;
}

void ciphers_versions(const struct web_tls *tls, bool *ret_tls12, bool *ret_tls13)
{
	bool any12 = !tls->cipher_count;
	bool any13 = !tls->cipher_count;

	for (unsigned i = 0; i < tls->cipher_count; i++) {
		any12 |= suites[tls->ciphers[i]].exchange != NULL;
		any13 |= !strcmp(suites[tls->ciphers[i]].mac, "AEAD");
	}
	*ret_tls12 = any12 && tls->min_version <= WEB_TLS12;
	*ret_tls13 = any13 && tls->max_version >= WEB_TLS13;
}

bool ciphers_serve(const struct web_tls *tls, bool rsa)
{
	bool tls12;
	bool tls13;
	bool any = false;

	ciphers_versions(tls, &tls12, &tls13);
	for (unsigned i = 0; i < tls->cipher_count; i++)
		any |= suites[tls->ciphers[i]].exchange &&
		       !strcmp(suites[tls->ciphers[i]].exchange, rsa ? "ECDHE-RSA" : "ECDHE-ECDSA");

	return tls13 || any || !tls->cipher_count;
}

/* One more part, unless it is there already */
static void add(char priority[WEBCONFIG_PRIORITY_BYTES], const char *part)
{
	const char *at = priority;
	size_t bytes = strlen(part);
	size_t used = strlen(priority);

	while ((at = strstr(at, part))) {
		if (at[-1] == '+' && (at[bytes] == ':' || !at[bytes]))
			return;
		at += bytes;
	}
	(void)snprintf(priority + used, WEBCONFIG_PRIORITY_BYTES - used, ":+%s", part);
}

void ciphers_priority(const struct web_tls *tls, char ret_priority[WEBCONFIG_PRIORITY_BYTES])
{
	bool tls12;
	bool tls13;

	ciphers_versions(tls, &tls12, &tls13);
	(void)snprintf(ret_priority, WEBCONFIG_PRIORITY_BYTES, "SECURE128:-VERS-ALL:-KX-ALL%s%s%s",
		       tls->cipher_count ? ":-CIPHER-ALL:-MAC-ALL" : "",
		       tls->curve_count ? ":-GROUP-ALL" : "",
		       tls->prefer_server_cipher_suites ? ":%SERVER_PRECEDENCE" : "");
	if (tls13)
		add(ret_priority, "VERS-TLS1.3");
	if (tls12)
		add(ret_priority, "VERS-TLS1.2");
	for (unsigned i = 0; i < tls->cipher_count; i++) {
		if (suites[tls->ciphers[i]].exchange)
			add(ret_priority, suites[tls->ciphers[i]].exchange);
		add(ret_priority, suites[tls->ciphers[i]].cipher);
		add(ret_priority, suites[tls->ciphers[i]].mac);
	}
	if (!tls->cipher_count) {
		add(ret_priority, "ECDHE-ECDSA");
		add(ret_priority, "ECDHE-RSA");
	}
	for (unsigned i = 0; i < tls->curve_count; i++)
		add(ret_priority, curves[tls->curves[i]].group);
}
