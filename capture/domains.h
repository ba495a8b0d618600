/* SPDX-License-Identifier: MIT */
/* The configured domains, and which of them a name is under */
#pragma once

#include <stdint.h>

#include "capture/dns.h"
#include "common/config.h"

/* Of a configuration: so that a name is found without comparing it with each domain */
struct domains {
	const struct config *config;
	uint64_t name_lengths[4];	   /* bit set: which name_bytes occur */
	uint8_t labels_max;		   /* of any domain */
	uint8_t hash_first[256];	   /* hash of a name -> 1 + index of a domain */
	uint8_t hash_next[CONFIG_DOMAINS]; /* 1 + index of the next one with that hash */
};

/* @config: valid, kept. No system calls. */
void domains_index(const struct config *config, struct domains *ret_domains);

/* Longest domain that a name is under (dns.go TrimSuffix()), in any case
 * @ret_prefix: labels before it
 * Return: its index; -1 if it is under none
 */
int domains_match(const struct domains *domains, const struct dns_name *name, unsigned *ret_prefix);
