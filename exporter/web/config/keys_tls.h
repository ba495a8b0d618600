/* SPDX-License-Identifier: MIT */
/* The keys of the web configuration file below tls_server_config */
#pragma once

#include "web/config/reader.h"

extern const struct reader_rule keys_tls_rules[]; /* ends with a NULL key */

/**
 * keys_tls_check() - Rules that need more than one of them; finishes struct web_tls
 * @reader:	The whole file is read
 *
 * Return: 0, -EINVAL with the reason filled
 */
int keys_tls_check(struct reader *reader);
