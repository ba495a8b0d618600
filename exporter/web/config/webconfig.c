/* SPDX-License-Identifier: MIT */
/* The web configuration: its file, its memory and its messages */
#include "web/config/webconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/array.h"
#include "web/config/reader.h"

#define KEY_BYTES 160

int webconfig_reason(const char *path, unsigned line, const char *key, char *ret_reason,
		     size_t reason_bytes, const char *format, ...)
{
	char place[KEY_BYTES + 16] = "";
	char text[WEBCONFIG_REASON_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	if (line && key)
		(void)snprintf(place, sizeof(place), "%u: %.*s: ", line, KEY_BYTES - 1, key);
	else if (line)
		(void)snprintf(place, sizeof(place), "%u: ", line);
	else if (key)
		(void)snprintf(place, sizeof(place), " %.*s: ", KEY_BYTES - 1, key);
	(void)snprintf(ret_reason, reason_bytes, "%s:%s%s%s", path, place, *place ? "" : " ", text);

	return -EINVAL;
}

int web_fault(struct web_reader *reader, unsigned line, const char *format, ...)
{
	char key[KEY_BYTES] = "";
	char text[WEBCONFIG_REASON_BYTES];
	size_t used = 0;
	va_list args;

	for (unsigned i = 0; i < reader->depth && used < sizeof(key); i++)
		used += (size_t)snprintf(key + used, sizeof(key) - used, "%s%s", i ? "." : "",
					 reader->keys[i]);
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	return webconfig_reason(reader->path, line, *key ? key : NULL, reader->reason,
				reader->reason_bytes, "%s", text);
}

char *web_store(struct web_config *config, const char *text, size_t bytes)
{
	char *copy = config->pool + config->pool_used;

	if (bytes >= config->pool_bytes - config->pool_used)
		return NULL;
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	config->pool_used += bytes + 1;

	return copy;
}

bool web_null(const struct web_scalar *scalar)
{
	return scalar->plain &&
	       (!*scalar->text || !strcmp(scalar->text, "~") || !strcmp(scalar->text, "null") ||
		!strcmp(scalar->text, "Null") || !strcmp(scalar->text, "NULL"));
}

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
		    char *ret_reason, size_t reason_bytes)
{
	__attribute__((cleanup(yaml_parser_delete))) yaml_parser_t parser = { 0 };
	__attribute__((cleanup(webconfig_free))) struct web_config config = { 0 };
	struct web_reader reader = {
		.config = &config,
		.parser = &parser,
		.path = path,
		.reason = ret_reason,
		.reason_bytes = reason_bytes,
	};
	int r;

	if (bytes > WEBCONFIG_BYTES_MAX)
		return web_fault(&reader, 0, "larger than %u bytes; write less into it",
				 WEBCONFIG_BYTES_MAX);

	/* The strings are no longer than the file, but for escapes like "\L" (two characters, three
	 * bytes), and the three names of files that get the folder in front.
	 */
	config.pool_bytes = 2 * bytes + 4 * (strlen(path) + 2) + 64;
	config.pool = malloc(config.pool_bytes);
	if (!config.pool || !yaml_parser_initialize(&parser)) {
		(void)web_fault(&reader, 0, "no memory to read it");
		return -ENOMEM;
	}
	config.path = web_store(&config, path, strlen(path));
	config.tls.min_version = WEB_TLS12;
	config.tls.max_version = WEB_TLS13;
	config.tls.prefer_server_cipher_suites = true;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);

	r = web_read_yaml(&reader);
	if (r == -ENOMEM)
		(void)web_fault(&reader, 0, "no memory to read it");
	if (!r)
		r = web_check(&reader);
	if (r < 0)
		return r;

	*ret_config = config;
	config = (struct web_config){ 0 };
	return 0;
}

static void close_file(const int *file)
{
	if (*file >= 0)
		(void)close(*file);
}

static void release_text(char **text)
{
	if (*text)
		explicit_bzero(*text, WEBCONFIG_BYTES_MAX + 1); /* it may hold a key */
	free(*text);
}

/* Opening or reading a FIFO or a terminal could wait for ever, and the one event loop with it.
 *
 * Return: 0 with an open file, -EINVAL for what is none, or what a system call says
 */
static int open_file(const char *path, int *ret_file)
{
	struct stat found;
	int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int error = 0;

	if (file < 0)
		return -errno;
	if (fstat(file, &found) < 0)
		error = errno;
	else if (S_ISDIR(found.st_mode))
		error = EISDIR;
	else if (!S_ISREG(found.st_mode))
		error = EINVAL;
	if (error) {
		(void)close(file);
		return -error;
	}
	*ret_file = file;
	return 0;
}

/* Up to a byte more than a configuration may have */
static int read_file(const char *path, char *text, size_t *ret_bytes)
{
	__attribute__((cleanup(close_file))) int file = -1;
	int r = open_file(path, &file);
	size_t bytes = 0;
	ssize_t got;

	if (r < 0)
		return r;
	do {
		got = read(file, text + bytes, WEBCONFIG_BYTES_MAX + 1 - bytes);
		bytes += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && bytes <= WEBCONFIG_BYTES_MAX) || (got < 0 && errno == EINTR));
	if (got < 0)
		return -errno;
	*ret_bytes = bytes;
	return 0;
}

int webconfig_read(const char *path, struct web_config *ret_config, char *ret_reason,
		   size_t reason_bytes)
{
	__attribute__((cleanup(release_text))) char *text = malloc(WEBCONFIG_BYTES_MAX + 1);
	size_t bytes = 0;
	int r = text ? read_file(path, text, &bytes) : -ENOMEM;

	if (r == -EINVAL)
		return webconfig_reason(path, 0, NULL, ret_reason, reason_bytes,
					"is not a regular file; name a file that can be read as a "
					"whole");
	if (r < 0) {
		(void)webconfig_reason(path, 0, NULL, ret_reason, reason_bytes,
				       "can't be read: %s; check the path of -web.config.file and "
				       "that the exporter's user may read it",
				       strerror(-r));
		return r;
	}

	return webconfig_parse(text, bytes, path, ret_config, ret_reason, reason_bytes);
}
