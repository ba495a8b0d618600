/* SPDX-License-Identifier: MIT */
/* User and password out of an Authorization header */
#include "web/auth/basic.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define PAIR_BYTES (BASIC_USER_BYTES + 1 + BASIC_PASSWORD_BYTES)

/* Value of a base64 character (RFC 4648, 4), computed without a table so that the time it takes
 * does not depend on the password; -1 for any other.
 */
static int sextet(unsigned char c)
{
	int value = -1;

	value += ((('A' - 1 - c) & (c - 'Z' - 1)) >> 8 & 1) * (c - 'A' + 1);
	value += ((('a' - 1 - c) & (c - 'z' - 1)) >> 8 & 1) * (c - 'a' + 27);
	value += ((('0' - 1 - c) & (c - '9' - 1)) >> 8 & 1) * (c - '0' + 53);
	value += (('+' - 1 - c) & (c - '+' - 1)) >> 8 & 1 ? 63 : 0;
	value += (('/' - 1 - c) & (c - '/' - 1)) >> 8 & 1 ? 64 : 0;

	return value;
}

/* Decode all of a text. Spare bits in the last character are not looked at, as in Go. */
static int decode(const char *text, size_t length, char ret_bytes[PAIR_BYTES], size_t *ret_count)
{
	size_t padding = 0;
	size_t count = 0;

	if (!length || length % 4 || length / 4 * 3 > PAIR_BYTES + 2)
		return -EINVAL;
	while (padding < 2 && text[length - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < length; i += 4) {
		size_t wanted = i + 4 == length ? 3 - padding : 3;
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			int value = j <= wanted ? sextet((unsigned char)text[i + j]) : 0;

			if (value < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)value;
		}
		if (count + wanted > PAIR_BYTES)
			return -EINVAL;
		for (size_t j = 0; j < wanted; j++)
			ret_bytes[count++] = (char)(group >> (16 - 8 * j));
	}
	*ret_count = count;

	return 0;
}

static int split(const char *pair, size_t bytes, struct basic *ret_basic)
{
	const char *colon = memchr(pair, ':', bytes);
	size_t user = colon ? (size_t)(colon - pair) : 0;

	/* A NUL would end the password for crypt_r(), which would then take anything after it. */
	if (!colon || memchr(pair, 0, bytes) || user > BASIC_USER_BYTES ||
	    bytes - user - 1 > BASIC_PASSWORD_BYTES)
		return -EINVAL;
	memcpy(ret_basic->user, pair, user);
	memcpy(ret_basic->password, colon + 1, bytes - user - 1);
	ret_basic->user_bytes = user;
	ret_basic->password_bytes = bytes - user - 1;

	return 0;
}

int basic_parse(const char *header, struct basic *ret_basic)
{
	static const char scheme[] = "Basic";
	char pair[PAIR_BYTES];
	size_t bytes;
	size_t length;
	int r;

	memset(ret_basic, 0, sizeof(*ret_basic));
	if (strncasecmp(header, scheme, sizeof(scheme) - 1) || header[sizeof(scheme) - 1] != ' ')
		return -EINVAL;
	header += sizeof(scheme) - 1;
	header += strspn(header, " ");
	length = strlen(header);
	while (length && (header[length - 1] == ' ' || header[length - 1] == '\t'))
		length--;

	r = decode(header, length, pair, &bytes);
	if (!r)
		r = split(pair, bytes, ret_basic);
	explicit_bzero(pair, sizeof(pair));

	return r;
}
