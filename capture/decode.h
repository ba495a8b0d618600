/* SPDX-License-Identifier: MIT */
/* One packet in, one record out */
#pragma once

#include "capture/domains.h"
#include "capture/packet.h"

struct record;

/* Fill in a record, whole. No system calls; no state but static buffers. */
void decode(const struct sight *sight, const struct domains *domains, struct record *ret_record);
