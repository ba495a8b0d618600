/* SPDX-License-Identifier: MIT */
/* One packet in, one record out */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct record;

/* A packet as the ring shows it, from its network header on; it may be anything */
struct sight {
	const uint8_t *bytes;
	uint32_t captured;  /* bytes that may be read */
	uint32_t length;    /* bytes that were on the wire */
	uint32_t interface; /* index */
	bool outgoing;	    /* leaves this host: a response; else it arrives: a query */
};

/* Fill in a record, whole. No system calls, no state. @config is validated and indexed. */
void decode(const struct sight *sight, const struct config *config, struct record *ret_record);
