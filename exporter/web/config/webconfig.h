/* SPDX-License-Identifier: MIT */
/* The file of -web.config.file: TLS, users, headers and rate limit, as exporter-toolkit has them
 *
 * The format is exporter-toolkit's (docs/web-configuration.md there), read strictly: an unknown
 * or repeated key, a wrong type, an anchor, an alias, a tag or a second document is an error. What
 * that project's reader takes and this one refuses, because it could not do what it says:
 *
 *   - a tls_server_config without certificate and key (there, plain HTTP is served)
 *   - a client_auth_type that verifies, without a client CA (there, every CA that the system
 *     trusts may vouch for a client); an empty client_allowed_sans
 *   - max_version TLS10 and TLS11, and versions or cipher suites that leave nothing to offer
 *   - TLS_RSA_... cipher suites (no forward secrecy; Go dropped them in 1.22)
 *   - a user name with a colon, or a hash that no password can match; bcrypt costs above 14
 *   - a header value with control characters; a rate limit without burst
 *
 * min_version TLS10 and TLS11 are taken, but TLS 1.2 is the lowest that is served (RFC 8996).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

#define WEBCONFIG_BYTES_MAX	 (64u << 10) /* libyaml takes quadratic time for nested brackets */
#define WEBCONFIG_USERS		 128
#define WEBCONFIG_USER_BYTES	 255
#define WEBCONFIG_HASH_BYTES	 60 /* of every bcrypt hash */
#define WEBCONFIG_BCRYPT_LONG	 13 /* cost: half a second, in which the one loop does nothing else */
#define WEBCONFIG_BCRYPT_MAX	 14
#define WEBCONFIG_SANS		 64
#define WEBCONFIG_CIPHERS	 32
#define WEBCONFIG_CURVES	 8
#define WEBCONFIG_HEADERS	 5
#define WEBCONFIG_PRIORITY_BYTES 768 /* fits every cipher suite and curve at once */

enum web_client_auth {
	WEB_CLIENT_NONE,	    /* NoClientCert: none is asked for */
	WEB_CLIENT_REQUEST,	    /* RequestClientCert: asked for, whatever comes is taken */
	WEB_CLIENT_REQUIRE,	    /* RequireAnyClientCert: there must be one, any */
	WEB_CLIENT_VERIFY_IF_GIVEN, /* VerifyClientCertIfGiven: none, or one from the client CA */
	WEB_CLIENT_VERIFY,	    /* RequireAndVerifyClientCert: one from the client CA */
};

enum web_version { WEB_TLS10, WEB_TLS11, WEB_TLS12, WEB_TLS13 };

/* A string, and where the file has it. An absent one has no text. */
struct web_value {
	const char *text;
	unsigned line; /* from 1 */
};

struct web_tls {
	bool enabled;
	unsigned line;		    /* of its last key; 0: it has none */
	struct web_value cert;	    /* PEM */
	struct web_value key;	    /* PEM, secret */
	struct web_value client_ca; /* PEM */
	struct web_value cert_file; /* relative to the folder of the file, already joined; where */
	struct web_value key_file;  /* both are given, the file counts, as in exporter-toolkit */
	struct web_value client_ca_file;
	struct web_value allowed_sans[WEBCONFIG_SANS];
	struct web_value client_auth_type;
	bool allowed_sans_given;
	unsigned allowed_san_count;
	unsigned cipher_count;
	unsigned curve_count;
	enum web_client_auth client_auth;
	enum web_version min_version; /* WEB_TLS12 or WEB_TLS13 once it is read */
	enum web_version max_version;
	bool min_version_raised; /* the file has a lower one */
	bool prefer_server_cipher_suites;
	uint8_t ciphers[WEBCONFIG_CIPHERS]; /* numbers of ciphers_priority.h, in the file's order */
	uint8_t curves[WEBCONFIG_CURVES];
	char priority[WEBCONFIG_PRIORITY_BYTES]; /* for GnuTLS: what all of this comes to */
	bool serves_rsa, serves_ecdsa;		 /* certificates with a key of that kind */
};

struct web_user {
	struct web_value name;
	const char *hash; /* "$2a$", "$2b$" or "$2y$", two digits of cost, "$", 53 characters */
};

struct web_header {
	const char *name;
	const char *value; /* NULL: not to be sent; else not empty, no control characters */
};

struct web_config {
	char *pool; /* every string lies in it */
	size_t pool_bytes;
	size_t pool_used;
	const char *path;
	struct web_tls tls;
	struct web_header headers[WEBCONFIG_HEADERS]; /* those given, between absent ones */
	struct web_user users[WEBCONFIG_USERS];
	unsigned user_count;
	unsigned bcrypt_cost; /* the highest of all users */
	bool http2;	      /* the file asks for it; only HTTP/1.1 is served */
	unsigned http_line;
	unsigned header_line;
	unsigned rate_line;
	uint64_t rate_interval_ns; /* 0: no limit */
	uint64_t rate_burst;
};

/**
 * webconfig_read() - Read and check a file
 * @path:		As given by the user
 * @ret_config:		For webconfig_free(); about 5 KiB, the strings in one allocation beside it
 * @ret_reason:		On failure: "FILE:LINE: KEY: what is wrong; what to write instead". Holds
 *			no secret
 *
 * Opens @path and nothing else: the files that it names are opened by tls_read(). System calls:
 * openat, newfstatat, read, close, and what malloc() makes.
 *
 * Return: 0, -EINVAL for a file that is wrong or is not a regular file, -ENOMEM, or why it can't be
 * read
 */
int webconfig_read(const char *path, struct web_config *ret_config, struct reason *ret_reason);

/**
 * webconfig_parse() - The same for a text in memory
 * @text:	Need not end in NUL
 * @path:	Name for messages; relative names in @text start from its folder
 */
int webconfig_parse(const char *text, size_t bytes, const char *path, struct web_config *ret_config,
		    struct reason *ret_reason);

/**
 * webconfig_free() - Wipe and release; a zeroed configuration is fine
 */
void webconfig_free(struct web_config *config);

/**
 * webconfig_notice() - What the user should know of a file that was taken
 * @number:	From 0
 *
 * Return: the text, NULL when @number is past the last
 */
const char *webconfig_notice(const struct web_config *config, unsigned number);
