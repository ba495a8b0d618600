/* SPDX-License-Identifier: MIT */
/* Certificate, key and client CA: read, checked, and put into GnuTLS credentials */
#include "web/tls/tls_material.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "web/config/fault.h"
#include "web/config/webconfig.h"

#define FILE_BYTES_MAX (1u << 20) /* a bundle of all public CAs has a quarter of that */
#define KEY_BYTES      64
#define AUTO(release_) __attribute__((cleanup(release_)))

/* One of the three, from a file or from the configuration itself */
struct part {
	const struct web_config *config;
	const char *name; /* "cert", "key", "client_ca" */
	const struct web_value *file;
	const struct web_value *text;
	struct reason *reason;
};

struct parts {
	struct part cert, key, client_ca;
};

/* A list of certificates as GnuTLS allocates it */
struct chain {
	gnutls_x509_crt_t *certificates;
	unsigned count;
};

static void release_pem(struct tls_pem *pem)
{
	if (pem->text)
		explicit_bzero(pem->text, pem->bytes);
	free(pem->text);
	*pem = (struct tls_pem){ 0 };
}

void tls_material_wipe(struct tls_material *material)
{
	release_pem(&material->cert);
	release_pem(&material->key);
	release_pem(&material->client_ca);
}

static struct parts parts_of(const struct web_config *config, struct reason *reason)
{
	const struct web_tls *tls = &config->tls;

	return (struct parts){
		{ config, "cert", &tls->cert_file, &tls->cert, reason },
		{ config, "key", &tls->key_file, &tls->key, reason },
		{ config, "client_ca", &tls->client_ca_file, &tls->client_ca, reason },
	};
}

static void release_chain(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		gnutls_x509_crt_deinit(chain->certificates[i]);
	gnutls_free(chain->certificates);
}

static void release_key(gnutls_x509_privkey_t *key)
{
	if (*key)
		gnutls_x509_privkey_deinit(*key);
}

/* "FILE:LINE: tls_server_config.cert_file: PATH: what is wrong; what to do" */
static int fault(const struct part *part, const char *what)
{
	const struct web_value *value = part->file->text ? part->file : part->text;
	char key[KEY_BYTES];

	(void)snprintf(key, sizeof(key), "tls_server_config.%s%s", part->name,
		       part->file->text ? "_file" : "");

	return fault_at(part->reason, part->config->path, value->line, key, "%s%s%s",
			part->file->text ? value->text : "", part->file->text ? ": " : "", what);
}

static int fault_of_file(const struct part *part, int error)
{
	struct reason why;
	char what[REASON_BYTES + 20];

	(void)file_fault(part->file->text, error, &why);
	(void)snprintf(what, sizeof(what), "can't be read: %s", why.text);

	return fault(part, what);
}

static int fault_gnutls(const struct part *part, const char *wanted, int error)
{
	char what[200];

	(void)snprintf(what, sizeof(what),
		       "no %s in PEM form (%s); write the path of one, or its text", wanted,
		       gnutls_strerror(error));
	(void)fault(part, what);

	return error == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static int read_file(const struct part *part, struct tls_pem *ret_pem)
{
	int failed = file_read(part->file->text, FILE_BYTES_MAX, &ret_pem->text, &ret_pem->bytes);

	switch (failed) {
	case 0: return 0;
	case -EISDIR:
	case -EINVAL: return fault(part, "not an ordinary file; write the path of a PEM file");
	case -EFBIG: return fault(part, "larger than 1 MiB; write the path of a PEM file");
	default: return fault_of_file(part, -failed);
	}
}

static int read_part(const struct part *part, struct tls_pem *ret_pem)
{
	struct tls_pem pem = { 0 };

	if (part->file->text)
		return read_file(part, ret_pem);
	if (!part->text->text)
		return 0;
	pem.bytes = strlen(part->text->text);
	pem.text = strdup(part->text->text);
	if (!pem.text)
		return fault(part, "no memory for it");

	*ret_pem = pem;
	return 0;
}

int tls_material_read(const struct web_config *config, struct tls_material *ret_material,
		      struct reason *ret_reason)
{
	const struct parts parts = parts_of(config, ret_reason);
	AUTO(tls_material_wipe) struct tls_material material = { 0 };
	int r = read_part(&parts.cert, &material.cert);

	if (!r)
		r = read_part(&parts.key, &material.key);
	if (!r)
		r = read_part(&parts.client_ca, &material.client_ca);
	if (r < 0)
		return r;

	*ret_material = material;
	material = (struct tls_material){ 0 };
	return 0;
}

static gnutls_datum_t datum_of(const struct tls_pem *pem)
{
	return (gnutls_datum_t){ .data = (unsigned char *)pem->text, .size = (unsigned)pem->bytes };
}

static int import_chain(const struct part *part, const struct tls_pem *pem, struct chain *ret_chain)
{
	const gnutls_datum_t datum = datum_of(pem);
	int r = gnutls_x509_crt_list_import2(&ret_chain->certificates, &ret_chain->count, &datum,
					     GNUTLS_X509_FMT_PEM, 0);

	return r < 0 ? fault_gnutls(part, "certificate", r) : 0;
}

static int import_key(const struct part *part, const struct tls_pem *pem,
		      gnutls_x509_privkey_t *ret_key)
{
	AUTO(release_key) gnutls_x509_privkey_t key = NULL;
	const gnutls_datum_t datum = datum_of(pem);
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_privkey_import2(key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r == GNUTLS_E_DECRYPTION_FAILED)
		return fault(part, "encrypted; write the path of a key without a pass phrase");
	if (r < 0)
		return fault_gnutls(part, "private key", r);

	*ret_key = key;
	key = NULL;
	return 0;
}

static int check_dates(const struct part *part, gnutls_x509_crt_t certificate, time_t now)
{
	time_t from = gnutls_x509_crt_get_activation_time(certificate);
	time_t to = gnutls_x509_crt_get_expiration_time(certificate);
	char date[40] = "";
	char what[160];
	struct tm utc;
	bool expired = now > to;

	if (now >= from && !expired)
		return 0;
	if (gmtime_r(expired ? &to : &from, &utc))
		(void)strftime(date, sizeof(date), "%F %T UTC", &utc);
	(void)snprintf(what, sizeof(what), "%s %s; %s", expired ? "expired on" : "not valid before",
		       date, expired ? "renew the certificate" : "check this machine's clock");

	return fault(part, what);
}

/* Else every handshake would fail, and only the clients would know. */
static int check_suites(const struct part *part, gnutls_x509_crt_t certificate)
{
	int algorithm = gnutls_x509_crt_get_pk_algorithm(certificate, NULL);
	bool rsa = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;

	if (rsa ? part->config->tls.serves_rsa : part->config->tls.serves_ecdsa)
		return 0;

	return fault(part, rsa ? "an RSA certificate, but no cipher suite for one is allowed; "
				 "write TLS_ECDHE_RSA_... ones"
			       : "no RSA certificate, but cipher suites only for one; "
				 "write TLS_ECDHE_ECDSA_... ones");
}

int tls_material_use(const struct web_config *config, const struct tls_material *material,
		     time_t now, gnutls_certificate_credentials_t credentials,
		     time_t *ret_not_after, struct reason *ret_reason)
{
	const struct parts parts = parts_of(config, ret_reason);
	AUTO(release_chain) struct chain chain = { 0 };
	AUTO(release_chain) struct chain authorities = { 0 };
	AUTO(release_key) gnutls_x509_privkey_t key = NULL;
	int r = import_chain(&parts.cert, &material->cert, &chain);

	if (!r)
		r = check_dates(&parts.cert, chain.certificates[0], now);
	if (!r)
		r = check_suites(&parts.cert, chain.certificates[0]);
	if (!r)
		r = import_key(&parts.key, &material->key, &key);
	if (r < 0)
		return r;
	r = gnutls_certificate_set_x509_key(credentials, chain.certificates, (int)chain.count, key);
	if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return fault(&parts.key,
			     "does not belong to the certificate; write the path of its key, "
			     "and put the server's certificate first in a chain");
	if (r < 0)
		return fault_gnutls(&parts.key, "usable key", r);
	*ret_not_after = gnutls_x509_crt_get_expiration_time(chain.certificates[0]);

	if (!material->client_ca.text)
		return 0;
	r = import_chain(&parts.client_ca, &material->client_ca, &authorities);
	if (r < 0)
		return r;
	r = gnutls_certificate_set_x509_trust(credentials, authorities.certificates,
					      (int)authorities.count);

	return r < 0 ? fault_gnutls(&parts.client_ca, "usable certificate", r) : 0;
}
