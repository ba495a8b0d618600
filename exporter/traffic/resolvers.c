/* SPDX-License-Identifier: MIT */
/* From a resolver's address to its label set */
#include "traffic/resolvers.h"

#include <errno.h>
#include <string.h>

#include "base/table.h"
#include "geoip/geoip.h"

#define SETS 16384 /* 2 MiB; a tunnel's clients come through some hundreds of resolvers */
#define WAYS 4

int resolvers_open(struct resolvers *ret_resolvers, struct series_table *series,
		   struct geoip_database *country, struct geoip_database *asn,
		   const struct hash_key *key)
{
	struct resolvers resolvers = {
		.series = series, .country = country, .asn = asn, .key = *key, .generation = 1
	};

	if (country || asn) {
		resolvers.resolver = table_make(SETS, WAYS * sizeof(*resolvers.resolver));
		if (!resolvers.resolver)
			return -ENOMEM;
	}
	*ret_resolvers = resolvers;
	return 0;
}

void resolvers_close(struct resolvers *resolvers)
{
	table_free(resolvers->resolver, SETS, WAYS * sizeof(*resolvers->resolver));
	*resolvers = (struct resolvers){ 0 };
}

void resolvers_forget(struct resolvers *resolvers)
{
	resolvers->generation++;
}

static struct place look_up(const struct resolvers *resolvers, const uint8_t address[16])
{
	struct place place = { .country = "ZZ" };

	if (resolvers->country)
		geoip_country(resolvers->country, address, place.country);
	if (resolvers->asn)
		geoip_asn(resolvers->asn, address, &place.asn);
	return place;
}

uint32_t resolvers_series(struct resolvers *resolvers, uint8_t domain, const uint8_t address[16],
			  enum series_claim claim)
{
	struct series_table *table = resolvers->series;
	struct resolver *set, *victim;
	uint64_t high, low, hash;

	if (!resolvers->resolver)
		return domain;
	memcpy(&high, address, sizeof(high));
	memcpy(&low, address + sizeof(high), sizeof(low));
	hash = hash_words(&resolvers->key, high, low ^ (uint64_t)domain << 56);
	set = &resolvers->resolver[(hash & (SETS - 1)) * WAYS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].generation != resolvers->generation ||
		    memcmp(set[i].address, address, 16) != 0 ||
		    table->series[set[i].series].domain != domain)
			continue;
		/* It may have a label set of its own by now, or get one */
		if (table->series[set[i].series].other)
			set[i].series = series_of(table, domain, &set[i].place, claim);
		return set[i].series;
	}

	victim = &set[hash >> 32 & (WAYS - 1)];
	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].generation != resolvers->generation)
			victim = &set[i];
	*victim = (struct resolver){ .place = look_up(resolvers, address),
				     .generation = resolvers->generation };
	memcpy(victim->address, address, sizeof(victim->address));
	victim->series = series_of(table, domain, &victim->place, claim);
	table->overflow += table->series[victim->series].other;
	return victim->series;
}
