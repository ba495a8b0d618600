/* SPDX-License-Identifier: MIT */
/* One packet in, one record out */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct record;

/* A packet as the ring shows it, from its network header on (SOCK_DGRAM) */
struct sight {
	const uint8_t *bytes;
	uint32_t captured;  /* bytes that may be read */
	uint32_t length;    /* bytes that were on the wire */
	uint32_t interface; /* index */
	uint16_t protocol;  /* ethertype, host byte order; may be a VLAN tag's */
	bool outgoing;	    /* leaves this host: a response; else it arrives: a query */
};

/**
 * decode() - The record of a packet
 * @sight:	Packet that passed the kernel filter; not trusted to be what the filter lets through
 * @config:	Validated and indexed (config_index())
 * @ret_record:	Filled in whole
 *
 * No system calls, no state: the same packet gives the same record.
 */
void decode(const struct sight *sight, const struct config *config, struct record *ret_record);
