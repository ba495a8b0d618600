/* SPDX-License-Identifier: MIT */
/* One datagram in, its record out */
#pragma once

#include "capture/domains.h"
#include "capture/packet.h"

struct record;

/* Fill in a record, whole, and those behind it that its segments need. No system calls; no state but
 * static buffers.
 * @ret_records: RECORD_MESSAGE_MAX of them
 * Return: how many were filled in; 0 where a super-packet has no datagram left
 */
unsigned decode(const struct sight *sight, const struct domains *domains,
		struct record *ret_records);
