/* SPDX-License-Identifier: MIT */
/* The web configuration: its file, its memory and its messages */
#include "web/config/webconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/array.h"
#include "base/file.h"
#include "web/config/fault.h"
#include "web/config/keys.h"
#include "web/config/yaml.h"

const char *webconfig_notice(const struct web_config *config, unsigned number)
{
	const struct web_tls *tls = &config->tls;
	const struct {
		bool applies;
		const char *text;
	} notices[] = {
		{ config->http2, "http_server_config.http2: only HTTP/1.1 is served" },
		{ tls->min_version_raised,
		  "tls_server_config.min_version: TLS 1.2 is the lowest that is served" },
		{ tls->enabled && tls->allowed_san_count && tls->client_auth == WEB_CLIENT_REQUIRE,
		  "tls_server_config.client_auth_type: RequireAnyClientCert verifies nothing, so "
		  "anyone can make a certificate with an allowed name; "
		  "write RequireAndVerifyClientCert" },
		{ tls->cert.text && tls->cert_file.text,
		  "tls_server_config.cert: not used, since cert_file is given" },
		{ tls->key.text && tls->key_file.text,
		  "tls_server_config.key: not used, since key_file is given" },
		{ tls->client_ca.text && tls->client_ca_file.text,
		  "tls_server_config.client_ca: not used, since client_ca_file is given" },
		{ config->bcrypt_cost >= WEBCONFIG_BCRYPT_LONG,
		  "basic_auth_users: at a bcrypt cost above 12 nothing else is done for half a "
		  "second or more while a password is checked; write hashes of cost 10 to 12" },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(notices); i++)
		if (notices[i].applies && !number--)
			return notices[i].text;

	return NULL;
}

void webconfig_free(struct web_config *config)
{
	if (config->pool)
		explicit_bzero(config->pool, config->pool_bytes);
	free(config->pool);
	explicit_bzero(config, sizeof(*config));
}

int webconfig_parse(const char *text, size_t bytes, const char *path, struct web_config *ret_config,
		    struct reason *ret_reason)
{
	__attribute__((cleanup(yaml_parser_delete))) yaml_parser_t parser = { 0 };
	__attribute__((cleanup(webconfig_free))) struct web_config config = { 0 };
	struct reader reader = {
		.config = &config,
		.parser = &parser,
		.path = path,
		.reason = ret_reason,
	};
	int r;

	if (bytes > WEBCONFIG_BYTES_MAX)
		return reader_fault(&reader, 0, "larger than %u bytes; write less into it",
				    WEBCONFIG_BYTES_MAX);

	/* The strings are no longer than the file, except for escapes like "\L" (two characters, three
	 * bytes), and the three names of files that get the folder in front.
	 */
	config.pool_bytes = 2 * bytes + 4 * (strlen(path) + 2) + 64;
	config.pool = malloc(config.pool_bytes);
	if (!config.pool || !yaml_parser_initialize(&parser)) {
		(void)reader_fault(&reader, 0, "no memory to read it");
		return -ENOMEM;
	}
	config.path = reader_store(&config, path, strlen(path));
	config.tls.min_version = WEB_TLS12;
	config.tls.max_version = WEB_TLS13;
	config.tls.prefer_server_cipher_suites = true;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);

	r = yaml_walk(&reader, keys_rules);
	if (r == -ENOMEM)
		(void)reader_fault(&reader, 0, "no memory to read it");
	if (!r)
		r = keys_check(&reader);
	if (r < 0)
		return r;

	*ret_config = config;
	config = (struct web_config){ 0 };
	return 0;
}

int webconfig_read(const char *path, struct web_config *ret_config, struct reason *ret_reason)
{
	struct reason why;
	size_t bytes;
	char *text;
	int failed = file_read(path, WEBCONFIG_BYTES_MAX, &text, &bytes);

	switch (failed) {
	case 0: break;
	case -EFBIG:
		return fault_at(ret_reason, path, 0, NULL,
				"larger than %u bytes; write less into it", WEBCONFIG_BYTES_MAX);
	case -EINVAL:
		return fault_at(ret_reason, path, 0, NULL,
				"is not a regular file; name a file that can be read as a whole");
	default:
		(void)file_fault(path, -failed, &why);
		(void)fault_at(ret_reason, path, 0, NULL, "can't be read: %s", why.text);
		return failed;
	}
	failed = webconfig_parse(text, bytes, path, ret_config, ret_reason);
	file_free(text, bytes);
	return failed;
}
