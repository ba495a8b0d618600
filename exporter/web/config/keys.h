/* SPDX-License-Identifier: MIT */
/* The keys of the web configuration file */
#pragma once

#include "web/config/reader.h"

extern const struct reader_rule keys_rules[]; /* of the file as a whole; ends with a NULL key */

/**
 * keys_check() - Rules that need more than one key
 * @reader:	The whole file is read
 *
 * Return: 0, -EINVAL with the reason filled
 */
int keys_check(struct reader *reader);
