/* SPDX-License-Identifier: MIT */
/* User and password out of an Authorization header */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BASIC_USER_BYTES     255
#define BASIC_PASSWORD_BYTES 1024

struct basic {
	char user[BASIC_USER_BYTES + 1]; /* zeros up to the end */
	char password[BASIC_PASSWORD_BYTES + 1];
	size_t user_bytes;
	size_t password_bytes;
};

/**
 * basic_parse() - Read "Basic" credentials (RFC 7617)
 * @header:	Value of the header, as the client sent it
 * @ret_basic:	Filled on success, wiped on failure; to be wiped after use
 *
 * The scheme is taken in any case. Base64 must be padded and without anything around it. The
 * first colon ends the name. No system calls.
 *
 * Return: 0, -EINVAL for anything else, for NUL bytes, and for what is longer than struct basic
 */
int basic_parse(const char *header, struct basic *ret_basic);
