/* SPDX-License-Identifier: MIT */
/* Durations as Go's time.ParseDuration() reads them */
#pragma once

#include <stdint.h>

/**
 * duration_parse() - A duration like 1h30m or 1.5s
 * @ret_ns:	At most INT64_MAX
 *
 * Return: 0, -EINVAL for a negative one and for anything else
 */
int duration_parse(const char *text, uint64_t *ret_ns);
