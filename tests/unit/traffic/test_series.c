/* SPDX-License-Identifier: MIT */
/* Label sets: made once, never moved, and no more of them than there may be */
#include "traffic/series.h"

#include "unit.h"

static const struct hash_key key = { 11, 22 };

static struct place place(const char *country, uint32_t asn)
{
	struct place made = { .asn = asn };

	strcpy(made.country, country);
	return made;
}

static uint32_t find(struct series_table *table, unsigned domain, const char *country, uint32_t asn)
{
	struct place wanted = place(country, asn);

	return series_of(table, (uint8_t)domain, &wanted, SERIES_PROVEN);
}

static void test_every_domain_has_a_series_from_the_start(void **state)
{
	struct series_table table;

	(void)state;
	assert_int_equal(series_open(&table, 3, 3, &key), 0);
	assert_int_equal(table.count, 3);
	for (unsigned domain = 0; domain < 3; domain++) {
		const struct series *series = &table.series[domain];

		assert_int_equal(series->domain, domain);
		assert_string_equal(series->place.country, "ZZ");
		assert_int_equal(series->place.asn, 0);
		assert_false(series->other);
		assert_int_equal(series->queries, 0);
		assert_int_equal(series->peak, 0);
		assert_int_equal(find(&table, domain, "ZZ", 0), domain);
	}
	series_close(&table);
}

static void test_label_set_is_domain_country_and_asn(void **state)
{
	struct series_table table;
	uint32_t first;

	(void)state;
	assert_int_equal(series_open(&table, 2, 20, &key), 0);
	first = find(&table, 0, "DE", 64496);
	assert_int_equal(first, 2);
	assert_int_equal(find(&table, 0, "DE", 64497), 3);
	assert_int_equal(find(&table, 0, "FR", 64496), 4);
	assert_int_equal(find(&table, 1, "DE", 64496), 5);
	assert_int_equal(find(&table, 0, "ED", 64496), 6);
	assert_int_equal(find(&table, 0, "DE", 4294967295), 7);
	assert_int_equal(find(&table, 0, "DE", 64496), first);
	assert_int_equal(table.count, 8);
	assert_string_equal(table.series[first].place.country, "DE");
	assert_int_equal(table.series[first].place.asn, 64496);
	series_close(&table);
}

static void test_what_has_no_place_of_its_own_is_other(void **state)
{
	struct series_table table;

	(void)state;
	assert_int_equal(series_open(&table, 2, 4, &key), 0);
	assert_int_equal(find(&table, 0, "DE", 1), 2);
	assert_int_equal(find(&table, 1, "DE", 1), 3);
	/* The table is full: one more series for each domain, and that is all */
	assert_int_equal(find(&table, 1, "FR", 1), 4);
	assert_true(table.series[4].other);
	assert_int_equal(table.series[4].domain, 1);
	assert_int_equal(find(&table, 1, "GB", 1), 4);
	assert_int_equal(find(&table, 0, "GB", 1), 5);
	assert_true(table.series[5].other);
	assert_int_equal(table.series[5].domain, 0);
	assert_int_equal(find(&table, 0, "SE", 7), 5);
	assert_int_equal(table.count, 6);
	/* Those that came before keep their place */
	assert_int_equal(find(&table, 0, "DE", 1), 2);
	assert_int_equal(find(&table, 1, "DE", 1), 3);
	assert_int_equal(find(&table, 0, "ZZ", 0), 0);
	series_close(&table);
}

/* Of 2 domains and 8 more */
static void test_the_fuller_the_table_the_more_has_to_be_shown(void **state)
{
	static const uint32_t most[SERIES_CLAIMS] = {
		[SERIES_QUERY] = 6, [SERIES_STAYED] = 8, [SERIES_PROVEN] = 10
	};
	struct series_table table;
	uint32_t made = 2, asn = 0;

	(void)state;
	assert_int_equal(series_open(&table, 2, 10, &key), 0);
	for (enum series_claim claim = SERIES_QUERY; claim < SERIES_CLAIMS; claim++) {
		struct place wanted = place("DE", ++asn);

		for (; made < most[claim]; wanted.asn = ++asn, made++) {
			uint32_t index = series_of(&table, 0, &wanted, claim);

			assert_false(table.series[index].other);
			assert_int_equal(table.series[index].place.asn, wanted.asn);
		}
		/* No more by as much, nor by less; in the other domain neither */
		for (enum series_claim less = SERIES_QUERY; less <= claim; less++) {
			assert_true(table.series[series_of(&table, 0, &wanted, less)].other);
			assert_true(table.series[series_of(&table, 1, &wanted, less)].other);
		}
		assert_int_equal(table.count, made + 2);
	}
	/* What is there is there for everybody */
	for (uint32_t i = 0; i < table.count; i++) {
		const struct series *series = &table.series[i];

		if (!series->other)
			assert_int_equal(
				series_of(&table, series->domain, &series->place, SERIES_QUERY), i);
	}
	series_close(&table);
}

static void test_table_may_be_as_small_as_its_domains(void **state)
{
	struct series_table table;

	(void)state;
	assert_int_equal(series_open(&table, 64, 64, &key), 0);
	for (unsigned domain = 0; domain < 64; domain++)
		assert_int_equal(find(&table, domain, "DE", 1), 64 + domain);
	assert_int_equal(table.count, 128);
	series_close(&table);
}

#define MANY 4096

static void test_many_label_sets_are_told_apart(void **state)
{
	static struct place places[MANY];
	struct series_table table;
	uint64_t seed = 5;

	(void)state;
	assert_int_equal(series_open(&table, 1, MANY, &key), 0);
	places[0] = place("ZZ", 0);
	for (uint32_t i = 1; i < MANY; i++) {
		places[i] = place("AA", unit_random(&seed) << 1 | (i & 1));
		places[i].country[0] = (char)('A' + i % 26);
		places[i].country[1] = (char)('A' + i / 26 % 26);
		assert_int_equal(series_of(&table, 0, &places[i], SERIES_PROVEN), i);
	}
	/* Counted there, and found again under the same label set */
	for (uint32_t i = 0; i < MANY; i++)
		table.series[i].queries = i;
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t index = series_of(&table, 0, &places[MANY - 1 - i], SERIES_PROVEN);

		assert_int_equal(index, MANY - 1 - i);
		assert_int_equal(table.series[index].queries, index);
		assert_memory_equal(table.series[index].place.country, places[index].country, 3);
		assert_int_equal(table.series[index].place.asn, places[index].asn);
	}
	assert_int_equal(table.count, MANY);
	series_close(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_domain_has_a_series_from_the_start),
		cmocka_unit_test(test_label_set_is_domain_country_and_asn),
		cmocka_unit_test(test_what_has_no_place_of_its_own_is_other),
		cmocka_unit_test(test_the_fuller_the_table_the_more_has_to_be_shown),
		cmocka_unit_test(test_table_may_be_as_small_as_its_domains),
		cmocka_unit_test(test_many_label_sets_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
