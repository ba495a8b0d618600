/* SPDX-License-Identifier: MIT */
/* The page: its style sheet, and the policy that allows it
 *
 * The policy has the hash of the very text that is sent, made when the program starts, so the two
 * can't part. Attributes named style would be refused: drawings get their sizes by those of SVG.
 */
#include "page/parts.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>

#include "page/style.h"

#define SHA256_BYTES 32

static char policy[192];

/* RFC 4648, 4; 32 bytes are ten groups of three and two over */
static void base64(const uint8_t hash[SHA256_BYTES], char ret_text[PAGE_BASE_BYTES])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = ret_text;

	for (unsigned i = 0; i < SHA256_BYTES; i += 3) {
		uint32_t bits = (uint32_t)hash[i] << 16 | (uint32_t)hash[i + 1] << 8 |
				(i + 2 < SHA256_BYTES ? hash[i + 2] : 0u);

		for (int shift = 18; shift >= 0; shift -= 6)
			*at++ = alphabet[bits >> shift & 63];
	}
	at[-1] = '=';
	*at = '\0';
}

int page_style_open(void)
{
	uint8_t hash[SHA256_BYTES];
	char text[PAGE_BASE_BYTES];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, page_style, page_style_bytes, hash) < 0)
		return -EIO;
	base64(hash, text);
	snprintf(policy, sizeof(policy),
		 "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
		 "frame-ancestors 'none'",
		 text);
	return 0;
}

const char *page_csp(void)
{
	return policy;
}
