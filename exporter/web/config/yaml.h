/* SPDX-License-Identifier: MIT */
/* The web configuration file as YAML */
#pragma once

#include "web/config/reader.h"

/**
 * yaml_walk() - Walk the whole file along a table of keys
 * @rules:	End with a NULL key
 *
 * Return: 0, -EINVAL with the reason filled, -ENOMEM without
 */
int yaml_walk(struct reader *reader, const struct reader_rule *rules);
