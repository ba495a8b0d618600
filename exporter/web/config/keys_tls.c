/* SPDX-License-Identifier: MIT */
/* The keys of the web configuration file below tls_server_config */
#include "web/config/keys_tls.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "web/config/ciphers.h"
#include "web/config/take.h"

static int take_version(struct reader *reader, const struct reader_rule *rule,
			const struct reader_scalar *entry, const struct reader_scalar *value)
{
	static const char *const names[] = { "TLS10", "TLS11", "TLS12", "TLS13" };
	enum web_version version = WEB_TLS10;

	(void)entry;
	while (version < ARRAY_LENGTH(names) && strcmp(names[version], value->text))
		version++;
	if (version == ARRAY_LENGTH(names))
		return reader_fault(reader, value->line,
				    "\"%.*s\" is not a TLS version; write TLS12 or TLS13",
				    READER_SHOWN, value->text);
	*(enum web_version *)reader_field(reader, rule) = version;

	return 0;
}

static int take_client_auth(struct reader *reader, const struct reader_rule *rule,
			    const struct reader_scalar *entry, const struct reader_scalar *value)
{
	static const struct {
		const char *name;
		enum web_client_auth type;
	} types[] = {
		{ "NoClientCert", WEB_CLIENT_NONE },
		{ "RequestClientCert", WEB_CLIENT_REQUEST },
		{ "RequireAnyClientCert", WEB_CLIENT_REQUIRE },
		{ "RequireClientCert", WEB_CLIENT_REQUIRE }, /* its name before 2020 */
		{ "VerifyClientCertIfGiven", WEB_CLIENT_VERIFY_IF_GIVEN },
		{ "RequireAndVerifyClientCert", WEB_CLIENT_VERIFY },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(types); i++)
		if (!strcmp(types[i].name, value->text)) {
			reader->config->tls.client_auth = types[i].type;
			return take_text(reader, rule, entry, value);
		}
	if (!value->bytes)
		return 0;

	return reader_fault(
		reader, value->line,
		"\"%.*s\" is not a client authentication type; write RequireAndVerifyClientCert, "
		"VerifyClientCertIfGiven, RequireAnyClientCert, RequestClientCert or "
		"NoClientCert",
		READER_SHOWN, value->text);
}

static int take_san(struct reader *reader, const struct reader_rule *rule,
		    const struct reader_scalar *entry, const struct reader_scalar *value)
{
	struct web_tls *tls = &reader->config->tls;
	struct web_value *san = tls->allowed_sans + tls->allowed_san_count;

	(void)rule;
	(void)entry;
	if (!value) {
		tls->allowed_sans_given = true;
		return 0;
	}
	if (tls->allowed_san_count == ARRAY_LENGTH(tls->allowed_sans))
		return take_too_many(reader, value->line, ARRAY_LENGTH(tls->allowed_sans));
	*san = (struct web_value){
		.text = reader_store(reader->config, value->text, value->bytes),
		.line = value->line,
	};
	tls->allowed_san_count++;

	return san->text ? 0 : take_no_room(reader, value->line);
}

static int take_cipher(struct reader *reader, const struct reader_rule *rule,
		       const struct reader_scalar *entry, const struct reader_scalar *value)
{
	struct web_tls *tls = &reader->config->tls;
	int number;

	(void)rule;
	(void)entry;
	if (!value)
		return 0;
	number = ciphers_suite(value->text);
	if (number == -EACCES)
		return reader_fault(reader, value->line,
				    "%s has no forward secrecy and is not served; "
				    "write TLS_ECDHE_... in place of TLS_RSA_...",
				    value->text);
	if (number < 0)
		return reader_fault(
			reader, value->line,
			"\"%.*s\" is not a cipher suite that is served; write one of Go's "
			"names, like TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
			READER_SHOWN, value->text);
	if (tls->cipher_count == ARRAY_LENGTH(tls->ciphers))
		return take_too_many(reader, value->line, ARRAY_LENGTH(tls->ciphers));
	tls->ciphers[tls->cipher_count++] = (uint8_t)number;

	return 0;
}

static int take_curve(struct reader *reader, const struct reader_rule *rule,
		      const struct reader_scalar *entry, const struct reader_scalar *value)
{
	struct web_tls *tls = &reader->config->tls;
	int number;

	(void)rule;
	(void)entry;
	if (!value)
		return 0;
	number = ciphers_curve(value->text);
	if (number < 0)
		return reader_fault(
			reader, value->line,
			"\"%.*s\" is not a curve that is served; write X25519, CurveP256, "
			"CurveP384 or CurveP521",
			READER_SHOWN, value->text);
	if (tls->curve_count == ARRAY_LENGTH(tls->curves))
		return take_too_many(reader, value->line, ARRAY_LENGTH(tls->curves));
	tls->curves[tls->curve_count++] = (uint8_t)number;

	return 0;
}

#define FIELD(field_) offsetof(struct web_config, tls.field_)

const struct reader_rule keys_tls_rules[] = {
	{ "cert", READER_SCALAR, FIELD(cert), take_text, NULL },
	{ "key", READER_SCALAR, FIELD(key), take_text, NULL },
	{ "client_ca", READER_SCALAR, FIELD(client_ca), take_text, NULL },
	{ "cert_file", READER_SCALAR, FIELD(cert_file), take_path, NULL },
	{ "key_file", READER_SCALAR, FIELD(key_file), take_path, NULL },
	{ "client_ca_file", READER_SCALAR, FIELD(client_ca_file), take_path, NULL },
	{ "client_auth_type", READER_SCALAR, FIELD(client_auth_type), take_client_auth, NULL },
	{ "client_allowed_sans", READER_LIST, FIELD(allowed_sans), take_san, NULL },
	{ "min_version", READER_SCALAR, FIELD(min_version), take_version, NULL },
	{ "max_version", READER_SCALAR, FIELD(max_version), take_version, NULL },
	{ "cipher_suites", READER_LIST, FIELD(ciphers), take_cipher, NULL },
	{ "curve_preferences", READER_LIST, FIELD(curves), take_curve, NULL },
	{ "prefer_server_cipher_suites", READER_SCALAR, FIELD(prefer_server_cipher_suites),
	  take_bool, NULL },
	{ .key = NULL },
};

/* A rule for more than one key of tls_server_config, broken */
static int fault(struct reader *reader, const char *key, unsigned line, const char *text)
{
	reader->keys[0] = "tls_server_config";
	reader->keys[1] = key;
	reader->depth = 2;

	return reader_fault(reader, line ? line : reader->config->tls.line, "%s", text);
}

static int check_client(struct reader *reader, const struct web_tls *tls)
{
	unsigned line = tls->client_auth_type.line;
	bool verifies = tls->client_auth == WEB_CLIENT_VERIFY ||
			tls->client_auth == WEB_CLIENT_VERIFY_IF_GIVEN;
	bool has_ca = tls->client_ca.text || tls->client_ca_file.text;

	if (has_ca && tls->client_auth == WEB_CLIENT_NONE)
		return fault(reader, "client_auth_type", line,
			     "a client CA is given, but no client certificate is asked for; write "
			     "RequireAndVerifyClientCert, or take the client CA out");
	if (verifies && !has_ca)
		return fault(reader, "client_auth_type", line,
			     "nothing to verify client certificates with; write client_ca_file");
	if (!tls->allowed_sans_given)
		return 0;
	if (!tls->allowed_san_count)
		return fault(reader, "client_allowed_sans", 0,
			     "an empty list lets no client in; write a name, or take the key out");
	if (tls->client_auth != WEB_CLIENT_VERIFY && tls->client_auth != WEB_CLIENT_REQUIRE)
		return fault(reader, "client_allowed_sans", tls->allowed_sans[0].line,
			     "a client may come without a certificate; write client_auth_type: "
			     "RequireAndVerifyClientCert");

	return 0;
}

static int check_versions(struct reader *reader, struct web_tls *tls)
{
	bool tls12;
	bool tls13;

	if (tls->max_version < WEB_TLS12)
		return fault(reader, "max_version", 0,
			     "TLS 1.2 is the lowest that is served (RFC 8996); write TLS12 or "
			     "TLS13");
	if (tls->min_version > tls->max_version)
		return fault(reader, "min_version", 0,
			     "higher than max_version; write the lower one here");
	if (tls->min_version < WEB_TLS12) {
		tls->min_version = WEB_TLS12;
		tls->min_version_raised = true;
	}
	ciphers_versions(tls, &tls12, &tls13);
	if (!tls12 && !tls13)
		return fault(reader, "cipher_suites", 0,
			     "no suite for the allowed TLS versions; write one for TLS 1.2, or a "
			     "GCM or CHACHA20 one for TLS 1.3");
	ciphers_priority(tls, tls->priority);
	tls->serves_rsa = ciphers_serve(tls, true);
	tls->serves_ecdsa = ciphers_serve(tls, false);

	return 0;
}

int keys_tls_check(struct reader *reader)
{
	struct web_tls *tls = &reader->config->tls;
	int r;

	if (!tls->line)
		return 0;
	if (!tls->cert_file.text && !tls->cert.text)
		return fault(reader, "cert_file", 0,
			     "missing, so there is no TLS; write the path of a certificate here, "
			     "or a PEM certificate under cert");
	if (!tls->key_file.text && !tls->key.text)
		return fault(reader, "key_file", 0,
			     "missing; write the path of the certificate's key here, or a PEM key "
			     "under key");
	r = check_client(reader, tls);
	if (!r)
		r = check_versions(reader, tls);
	if (!r)
		tls->enabled = true;

	return r;
}
