/* SPDX-License-Identifier: MIT */
/* From a resolver's address to its label set, by real databases and a small cache */
#include "traffic/resolvers.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "geoip_fixture.h"
#include "traffic/series.h"
#include "unit.h"

static const struct hash_key key = { 9, 10 };

struct world {
	struct series_table series;
	struct resolvers resolvers;
};

static struct world world;

/* Two domains; both databases, one, or none */
static void open_world(struct geoip_database *country, struct geoip_database *asn, uint32_t max)
{
	assert_int_equal(series_open(&world.series, 2, max, &key), 0);
	assert_int_equal(resolvers_open(&world.resolvers, &world.series, country, asn, &key), 0);
}

static void close_world(void)
{
	resolvers_close(&world.resolvers);
	series_close(&world.series);
}

static uint32_t find(const char *address, unsigned domain)
{
	char mapped[64];
	uint8_t bytes[16];

	(void)snprintf(mapped, sizeof(mapped), "%s%s",
		       strchr(address, ':') ? "" : "::ffff:", address);
	assert_int_equal(inet_pton(AF_INET6, mapped, bytes), 1);
	return resolvers_series(&world.resolvers, (uint8_t)domain, bytes, SERIES_QUERY);
}

static void assert_place(const char *address, const char *country, uint32_t asn)
{
	const struct series *series = &world.series.series[find(address, 1)];

	assert_int_equal(series->domain, 1);
	assert_string_equal(series->place.country, country);
	assert_int_equal(series->place.asn, asn);
}

static void test_without_databases_a_domain_has_one_series(void **state)
{
	(void)state;
	open_world(NULL, NULL, 10);
	assert_int_equal(find("81.2.69.160", 0), 0);
	assert_int_equal(find("2001:218::53", 1), 1);
	assert_int_equal(world.series.count, 2);
	close_world();
}

static void test_place_is_country_and_asn(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	DATABASE *asn =
		fixture_open(GEOIP_ASN, fixture_path("TEST_FIXTURES", "GeoLite2-ASN-Test.mmdb"));

	(void)state;
	open_world(country, asn, 10);
	assert_place("81.2.69.160", "GB", 0);
	assert_place("89.160.20.112", "SE", 29518);
	assert_place("2001:218::53", "JP", 0);
	assert_place("1.128.0.0", "ZZ", 1221);
	assert_place("127.0.0.1", "ZZ", 0);
	assert_int_equal(find("127.0.0.1", 1), 1);
	close_world();
}

static void test_one_database_alone_fills_its_own_label(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	DATABASE *asn =
		fixture_open(GEOIP_ASN, fixture_path("TEST_FIXTURES", "GeoLite2-ASN-Test.mmdb"));

	(void)state;
	open_world(country, NULL, 10);
	assert_place("89.160.20.112", "SE", 0);
	close_world();
	open_world(NULL, asn, 10);
	assert_place("89.160.20.112", "ZZ", 29518);
	close_world();
}

static uint64_t lookups(const struct geoip_database *database)
{
	const uint64_t *counts = geoip_status(database)->lookups;

	return counts[GEOIP_FOUND] + counts[GEOIP_UNMAPPED] + counts[GEOIP_ERROR];
}

static void test_an_address_is_looked_up_once(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	char address[32];

	(void)state;
	open_world(country, NULL, 10);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(address, sizeof(address), "81.2.%u.%u", i / 250, i % 250);
			find(address, 0);
		}
		assert_int_equal(lookups(country), 1000);
	}
	/* In each domain by itself, since the series are */
	assert_int_not_equal(find("81.2.69.160", 0), find("81.2.69.160", 1));
	assert_int_equal(lookups(country), 1002);
	close_world();
}

static void test_a_new_database_is_asked_anew(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	uint32_t series;

	(void)state;
	open_world(country, NULL, 10);
	series = find("81.2.69.160", 0);
	resolvers_forget(&world.resolvers);
	assert_int_equal(find("81.2.69.160", 0), series);
	assert_int_equal(lookups(country), 2);
	assert_int_equal(find("81.2.69.160", 0), series);
	assert_int_equal(lookups(country), 2);
	close_world();
}

static void test_more_addresses_than_the_cache_holds_are_placed_right(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	uint32_t places[2];

	(void)state;
	open_world(country, NULL, 10);
	places[0] = find("81.2.69.160", 0);
	places[1] = find("89.160.20.112", 0);
	for (unsigned i = 0; i < 200000; i++) {
		uint8_t address[16] = { [10] = 0xff,	   0xff,      10, (uint8_t)(i >> 16),
					(uint8_t)(i >> 8), (uint8_t)i };

		assert_int_equal(resolvers_series(&world.resolvers, 0, address, SERIES_QUERY), 0);
		assert_int_equal(resolvers_series(&world.resolvers, 1, address, SERIES_QUERY), 1);
		if (i % 1000 == 0)
			assert_int_equal(find(i % 2000 ? "81.2.69.160" : "89.160.20.112", 0),
					 places[i % 2000 == 0]);
	}
	close_world();
}

static void test_full_table_of_series_is_shown_as_other(void **state)
{
	DATABASE *country = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	uint32_t other;

	(void)state;
	open_world(country, NULL, 3);
	assert_int_equal(find("81.2.69.160", 0), 2);
	other = find("89.160.20.112", 0);
	assert_true(world.series.series[other].other);
	assert_int_equal(find("2001:218::53", 0), other);
	assert_int_equal(world.series.overflow, 2);
	/* Counted by resolver, not by query */
	assert_int_equal(find("2001:218::53", 0), other);
	assert_int_equal(world.series.overflow, 2);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_databases_a_domain_has_one_series),
		cmocka_unit_test(test_place_is_country_and_asn),
		cmocka_unit_test(test_one_database_alone_fills_its_own_label),
		cmocka_unit_test(test_an_address_is_looked_up_once),
		cmocka_unit_test(test_a_new_database_is_asked_anew),
		cmocka_unit_test(test_more_addresses_than_the_cache_holds_are_placed_right),
		cmocka_unit_test(test_full_table_of_series_is_shown_as_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
