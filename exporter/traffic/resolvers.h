/* SPDX-License-Identifier: MIT */
/* From a resolver's address to its label set: a fixed cache before the GeoIP databases
 *
 * A flood of forged sources pushes addresses out of it. They are looked up again, which takes up to
 * a microsecond; nothing is counted elsewhere by that.
 */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "traffic/series.h"

struct geoip_database;

struct resolver {
	uint8_t address[16];
	uint32_t series;     /* its domain is that of the queries */
	uint32_t generation; /* of the databases; 0: empty */
	struct place place;
};

struct resolvers {
	struct resolver *resolver;
	struct series_table *series;
	struct geoip_database *country, *asn; /* NULL: there is no such label */
	struct hash_key key;
	uint32_t generation;
};

/**
 * resolvers_open() - An empty cache, with all its memory
 * @country:	Database, or NULL
 * @asn:	Database, or NULL; may be reloaded, see resolvers_forget()
 *
 * Return: 0, -ENOMEM
 */
int resolvers_open(struct resolvers *ret_resolvers, struct series_table *series,
		   struct geoip_database *country, struct geoip_database *asn,
		   const struct hash_key *key);

void resolvers_close(struct resolvers *resolvers);

/**
 * resolvers_forget() - After a database was replaced: look every address up again
 */
void resolvers_forget(struct resolvers *resolvers);

/**
 * resolvers_series() - Index of the series for a domain and a resolver
 * @address:	16 bytes, network byte order, IPv4 as ::ffff:a.b.c.d
 * @claim:	What speaks for a label set that is not there yet
 *
 * Without databases it is the domain's only series. Neither allocates nor makes system calls.
 */
uint32_t resolvers_series(struct resolvers *resolvers, uint8_t domain, const uint8_t address[16],
			  enum series_claim claim);
