/* SPDX-License-Identifier: MIT */
/* From a QNAME to a session: the domain, the bytes a client wrote, the tunnel packets in them */
#pragma once

#include <stdbool.h>

#include "capture/dns.h"
#include "common/config.h"

#define TUNNEL_DECODED_BYTES 168 /* 253 characters give 158 bytes; written in steps of 8 */

struct record;

/* Longest domain that a name is under, or -1 (dns.go TrimSuffix()); @ret_prefix: labels before it */
int tunnel_match(const struct config *config, const struct dns_name *name, unsigned *ret_prefix);

/* Bytes that a client wrote into the first @prefix labels: how many, or -1 (main.go responseFor()) */
int tunnel_decode(const struct dns_name *name, unsigned prefix, enum alphabet alphabet,
		  uint8_t ret_decoded[TUNNEL_DECODED_BYTES]);

/* Tunnel packets of a query into @record, from the @rest behind the ClientID (main.go nextPacket());
 * false if it is not what a client sends, and @record is spoilt
 */
bool tunnel_upstream(const uint8_t *rest, size_t bytes, enum framing framing,
		     struct record *record);

/* Tunnel packets of a TXT answer into @record (main.go sendLoop()); @txt may be cut short */
void tunnel_downstream(struct cursor txt, struct record *record);
