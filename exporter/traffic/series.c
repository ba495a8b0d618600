/* SPDX-License-Identifier: MIT */
/* Label sets and what is counted for each */
#include "traffic/series.h"

#include <errno.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

static const struct place unmapped = { .country = "ZZ", .asn = 0 };

static void write_labels(struct series *series)
{
	struct text text = { series->labels, series->labels,
			     series->labels + sizeof(series->labels), false };

	text_string(&text, ",country=\"");
	text_string(&text, series->other ? "other" : series->place.country);
	text_string(&text, "\"");
	series->country_bytes = (uint8_t)(text.at - text.start);
	text_string(&text, ",asn=\"");
	if (series->other)
		text_string(&text, "other");
	else
		text_number(&text, series->place.asn);
	text_string(&text, "\"");
	series->label_bytes = (uint8_t)(text.at - text.start);
}

static uint32_t add(struct series_table *table, uint8_t domain, const struct place *place,
		    bool is_other)
{
	uint32_t index = table->count++;

	table->series[index] =
		(struct series){ .domain = domain, .place = *place, .other = is_other };
	write_labels(&table->series[index]);
	return index;
}

int series_open(struct series_table *ret_table, uint32_t domains, uint32_t max,
		const struct hash_key *key)
{
	const uint32_t beyond = max - domains;
	struct series_table table = { .key = *key,
				      .domains = domains,
				      .mask = 63,
				      .room = { [SERIES_QUERY] = max - beyond / 2,
						[SERIES_STAYED] = max - beyond / 4,
						[SERIES_PROVEN] = max } };

	while (table.mask < 2 * max)
		table.mask = table.mask * 2 + 1;
	table.series = table_make((size_t)max + domains, sizeof(*table.series));
	table.buckets = table_make((size_t)table.mask + 1, sizeof(*table.buckets));
	table.other = table_make(domains, sizeof(*table.other));
	if (!table.series || !table.buckets || !table.other) {
		series_close(&table);
		return -ENOMEM;
	}
	*ret_table = table;
	for (uint32_t domain = 0; domain < domains; domain++)
		series_of(ret_table, (uint8_t)domain, &unmapped, SERIES_PROVEN);
	return 0;
}

void series_close(struct series_table *table)
{
	table_free(table->series, (size_t)table->room[SERIES_PROVEN] + table->domains,
		   sizeof(*table->series));
	table_free(table->buckets, (size_t)table->mask + 1, sizeof(*table->buckets));
	table_free(table->other, table->domains, sizeof(*table->other));
	*table = (struct series_table){ 0 };
}

static uint32_t other_of(struct series_table *table, uint8_t domain)
{
	if (table->other[domain] == 0) {
		table->other[domain] = add(table, domain, &unmapped, true) + 1;
		table->others++;
	}
	return table->other[domain] - 1;
}

uint32_t series_of(struct series_table *table, uint8_t domain, const struct place *place,
		   enum series_claim claim)
{
	uint64_t label = (uint64_t)place->asn << 32 | (uint64_t)domain << 16 |
			 (uint64_t)(uint8_t)place->country[0] << 8 | (uint8_t)place->country[1];
	uint32_t *bucket = &table->buckets[hash_words(&table->key, label, 0) & table->mask], index;

	for (uint32_t i = *bucket; i != 0; i = table->series[i - 1].next) {
		const struct series *series = &table->series[i - 1];

		if (series->domain == domain && series->place.asn == place->asn &&
		    memcmp(series->place.country, place->country, 2) == 0)
			return i - 1;
	}
	/* The series "other" of each domain stands in no bucket and does not count */
	if (table->count - table->others >= table->room[claim])
		return other_of(table, domain);
	index = add(table, domain, place, false);
	table->series[index].next = *bucket;
	*bucket = index + 1;
	return index;
}
