/* SPDX-License-Identifier: MIT */
/* Certificate, key and client CA: read, checked, and put into GnuTLS credentials */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <time.h>

struct reason;
struct web_config;

/* PEM as it was read, in memory of its own */
struct tls_pem {
	char *text; /* NULL: there is none */
	size_t bytes;
};

struct tls_material {
	struct tls_pem cert, key, client_ca;
};

/**
 * tls_material_read() - Copy what a configuration names, without looking into it
 * @ret_material:	For tls_material_wipe()
 *
 * Return: 0, -EINVAL or -ENOMEM with the reason filled
 */
int tls_material_read(const struct web_config *config, struct tls_material *ret_material,
		      struct reason *ret_reason);

/**
 * tls_material_use() - Check it and fill credentials with it
 * @config:		It was read for
 * @credentials:	Allocated and empty; on failure to be freed
 * @ret_not_after:	When the certificate expires
 *
 * Return: 0, -EINVAL or -ENOMEM with the reason filled
 */
int tls_material_use(const struct web_config *config, const struct tls_material *material,
		     time_t now, gnutls_certificate_credentials_t credentials,
		     time_t *ret_not_after, struct reason *ret_reason);

/**
 * tls_material_wipe() - Wipe and release, since there is a key; a zeroed one is fine
 */
void tls_material_wipe(struct tls_material *material);
