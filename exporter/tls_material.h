/* SPDX-License-Identifier: MIT */
/* Certificate, key and client CA: read, checked, and put into GnuTLS credentials */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <time.h>

struct web_config;

/**
 * tls_material_load() - Fill credentials with what a configuration names
 * @credentials:	Allocated and empty; on failure to be freed
 * @ret_not_after:	When the certificate ends to be valid
 *
 * Return: 0, -EINVAL or -ENOMEM with the reason filled
 */
int tls_material_load(const struct web_config *config, time_t now,
		      gnutls_certificate_credentials_t credentials, time_t *ret_not_after,
		      char *ret_reason, size_t reason_bytes);
