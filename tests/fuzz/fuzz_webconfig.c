/* SPDX-License-Identifier: MIT */
/* Fuzz target: a web configuration file, up to the priority string that GnuTLS gets */
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web/config/ciphers.h"
#include "web/config/webconfig.h"

#define PATH "/etc/dnstt/web.yml"

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t bytes);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* What the rest of the exporter takes for granted of a configuration */
static void check(const struct web_config *config)
{
	const struct web_tls *tls = &config->tls;
	char priority[WEBCONFIG_PRIORITY_BYTES];
	gnutls_priority_t parsed;
	unsigned notices = 0;

	must(config->pool_used <= config->pool_bytes);
	must(!strcmp(config->path, PATH));
	must(!config->rate_interval_ns || config->rate_burst);
	for (unsigned i = 0; i < config->user_count; i++) {
		must(strlen(config->users[i].name.text) <= WEBCONFIG_USER_BYTES);
		must(strlen(config->users[i].hash) == WEBCONFIG_HASH_BYTES);
	}
	for (unsigned i = 0; i < WEBCONFIG_HEADERS; i++)
		if (config->headers[i].value)
			must(*config->headers[i].value &&
			     !strpbrk(config->headers[i].value, "\r\n"));
	while (webconfig_notice(config, notices))
		must(++notices < 16);
	if (!tls->enabled)
		return;
	must(tls->cert.text || tls->cert_file.text);
	must(tls->key.text || tls->key_file.text);
	must(tls->client_auth < WEB_CLIENT_VERIFY_IF_GIVEN || tls->client_ca.text ||
	     tls->client_ca_file.text);
	must(tls->min_version >= WEB_TLS12 && tls->max_version >= tls->min_version);
	ciphers_priority(tls, priority);
	must(gnutls_priority_init(&parsed, priority, NULL) == 0);
	gnutls_priority_deinit(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t bytes)
{
	static struct web_config config;
	struct reason reason;

	memset(reason.text, 0x5a, sizeof(reason.text));
	if (!webconfig_parse((const char *)text, bytes, PATH, &config, &reason)) {
		check(&config);
		webconfig_free(&config);
		return 0;
	}
	must(memchr(reason.text, 0, sizeof(reason.text)) &&
	     !strncmp(reason.text, PATH ":", sizeof(PATH)));
	must(strchr(reason.text, ';') != NULL);

	return 0;
}
