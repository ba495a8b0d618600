/* SPDX-License-Identifier: MIT */
/* -dnstt.domain: a tunnel domain, and which of dnstt's descendants writes to it */
#pragma once

#include <stdbool.h>

#include "base/reason.h"

struct tunnel;

#define WIRES_NAME_BYTES 256

/**
 * wires_parse() - Read "t.example.com" or "v.example.com,wire=vaydns,id-bytes=2"
 * @ret_tunnel:	Filled in whole
 * @ret_name:	The domain as the label shows it: lower case, no dot at the end
 * @ret_reason:	Filled on failure: what is wrong, and what to write instead
 *
 * Return: 0, -EINVAL
 */
int wires_parse(const char *text, struct tunnel *ret_tunnel, char ret_name[WIRES_NAME_BYTES],
		struct reason *ret_reason);

/**
 * wires_help() - Print the names of all wires and their servers to standard output
 */
void wires_help(void);

/**
 * wires_has_kcp() - Whether its clients have kcp-go's KCP, whose headers capture reads
 */
bool wires_has_kcp(const struct tunnel *tunnel);

/**
 * wires_has_readable_answers() - Whether its server answers by TXT records, which capture reads
 */
bool wires_has_readable_answers(const struct tunnel *tunnel);
