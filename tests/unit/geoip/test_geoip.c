/* SPDX-License-Identifier: MIT */
/* Tests of look-ups in every vendor's database */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "geoip_fixture.h"

static void test_maxmind_files_know_their_addresses(void **state)
{
	DATABASE *countries = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	DATABASE *asns =
		fixture_open(GEOIP_ASN, fixture_path("TEST_FIXTURES", "GeoLite2-ASN-Test.mmdb"));

	(void)state;
	assert_country(countries, "81.2.69.160", "GB");
	assert_country(countries, "89.160.20.112", "SE");
	assert_country(countries, "2001:218::53", "JP");
	assert_country(countries, "127.0.0.1", "ZZ");
	assert_country(countries, "::", "ZZ");
	assert_asn(asns, "1.128.0.0", 1221);
	assert_asn(asns, "127.0.0.1", 0);
	assert_string_equal(geoip_status(countries)->type, "GeoLite2-Country");
	assert_string_equal(geoip_status(asns)->type, "GeoLite2-ASN");
	assert_true(geoip_status(countries)->build_epoch > 1500000000);
}

static void test_every_schema_is_understood(void **state)
{
	static const struct {
		const char *file;
		bool countries;
		bool asns;
	} schemas[] = {
		{ "geolite2-country.mmdb", true, false },  { "geolite2-city.mmdb", true, false },
		{ "geoip2-enterprise.mmdb", true, true },  { "geolite2-asn.mmdb", false, true },
		{ "geoip2-isp.mmdb", false, true },	   { "dbip-country.mmdb", true, false },
		{ "dbip-isp.mmdb", true, true },	   { "ipinfo-lite.mmdb", true, true },
		{ "ipinfo-country-asn.mmdb", true, true }, { "sapics-country.mmdb", true, false },
		{ "sapics-asn.mmdb", false, true },	   { "ip66.mmdb", true, true },
		{ "geo-open.mmdb", true, true },	   { "iplocate-asn.mmdb", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
		DATABASE *countries = NULL;
		DATABASE *asns = NULL;

		if (schemas[i].countries) {
			countries = fixture_open(GEOIP_COUNTRY, fixture_made(schemas[i].file));
			assert_country(countries, "192.0.2.200", "DE");
			assert_country(countries, "198.51.100.1", "IR");
			assert_country(countries, "2001:db8:ffff::1", "JP");
		}
		if (schemas[i].asns) {
			asns = fixture_open(GEOIP_ASN, fixture_made(schemas[i].file));
			assert_asn(asns, "192.0.2.200", 64496);
			assert_asn(asns, "198.51.100.1", 4200000000);
			assert_asn(asns, "2001:db8:ffff::1", 64511);
		}
	}
}

static void test_ipv4_file_knows_no_ipv6(void **state)
{
	DATABASE *database = fixture_open(GEOIP_COUNTRY, fixture_made("ipv4-only.mmdb"));

	(void)state;
	assert_country(database, "192.0.2.1", "DE");
	assert_country(database, "2001:db8::1", "ZZ");
	assert_int_equal(geoip_status(database)->lookups[GEOIP_FOUND], 1);
	assert_int_equal(geoip_status(database)->lookups[GEOIP_UNMAPPED], 1);
	assert_int_equal(geoip_status(database)->lookups[GEOIP_ERROR], 0);
}

static void test_country_of_the_holder_is_not_shown(void **state)
{
	DATABASE *database = fixture_open(GEOIP_COUNTRY, fixture_made("registered.mmdb"));

	(void)state;
	assert_country(database, "192.0.2.1", "DE");
	assert_country(database, "198.51.100.1", "ZZ");
	assert_int_equal(geoip_status(database)->lookups[GEOIP_UNMAPPED], 1);
}

/* In the order in which make-databases.pl numbers them */
static void test_odd_values_do_not_become_labels(void **state)
{
	static const char *const countries[] = { "DE", "FR", "ZZ", "ZZ", "ZZ", "ZZ", "ZZ",
						 "ZZ", "ZZ", "ZZ", "ZZ", "XK", "ZZ" };
	static const uint32_t asns[] = { 64496,	     64497, 64498, 0, 0, 0, 0, 0,
					 4294967295, 0,	    0,	   0, 0, 0, 0 };
	DATABASE *country = fixture_open(GEOIP_COUNTRY, fixture_made("odd-country.mmdb"));
	DATABASE *asn = fixture_open(GEOIP_ASN, fixture_made("odd-asn.mmdb"));
	char address[16];

	(void)state;
	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++) {
		(void)snprintf(address, sizeof(address), "10.0.%zu.1", i);
		assert_country(country, address, countries[i]);
	}
	assert_int_equal(geoip_status(country)->lookups[GEOIP_FOUND], 3);
	assert_int_equal(geoip_status(country)->lookups[GEOIP_UNMAPPED], 3); /* "-", "", "ZZ" */
	assert_int_equal(geoip_status(country)->lookups[GEOIP_ERROR], 7);
	for (size_t i = 0; i < sizeof(asns) / sizeof(asns[0]); i++) {
		(void)snprintf(address, sizeof(address), "10.0.%zu.1", i);
		assert_asn(asn, address, asns[i]);
	}
	assert_int_equal(geoip_status(asn)->lookups[GEOIP_FOUND], 4);
	assert_int_equal(geoip_status(asn)->lookups[GEOIP_UNMAPPED], 4); /* "", "-", "AS0", "0" */
	assert_int_equal(geoip_status(asn)->lookups[GEOIP_ERROR], 7);

	assert_int_equal(strlen(geoip_status(country)->type), GEOIP_TYPE_BYTES - 1);
	assert_memory_equal(geoip_status(country)->type, "odd_\"type\"__xxx", 15);
}

static void test_file_without_the_field_is_refused(void **state)
{
	static const struct {
		enum geoip_kind kind;
		const char *file;
		const char *why;
	} cases[] = {
		{ GEOIP_COUNTRY, "neither.mmdb", "no record in it has a known country" },
		{ GEOIP_ASN, "neither.mmdb", "no record in it has a known AS number" },
		{ GEOIP_COUNTRY, "geolite2-asn.mmdb", "(its type is GeoLite2-ASN)" },
		{ GEOIP_ASN, "geolite2-country.mmdb", "(its type is GeoLite2-Country)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		DATABASE *database = NULL;
		struct reason reason;
		const char *path = fixture_made(cases[i].file);

		assert_int_equal(geoip_read(cases[i].kind, path, &database, &reason), 0);
		assert_int_equal(geoip_open(database, &reason), -ENODATA);
		assert_non_null(strstr(reason.text, path));
		assert_non_null(strstr(reason.text, cases[i].why));
	}
}

static void test_nat64_is_looked_up_by_the_ipv4_address_in_it(void **state)
{
	static const char *const files[] = { "geolite2-country.mmdb", "dbip-country.mmdb" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		DATABASE *database = fixture_open(GEOIP_COUNTRY, fixture_made(files[i]));

		assert_country(database, "64:ff9b::192.0.2.200", "DE");
		assert_country(database, "64:ff9b::198.51.100.1", "IR");
		/* 198.51.100.1 in a /48: c633 behind the prefix, 64 and 01 around the 64th bit */
		assert_country(database, "64:ff9b:1:c633:64:100::", "IR");
		assert_country(database, "64:ff9b:1:c000:2:c800::", "DE");
		/* and in a /96 below it */
		assert_country(database, "64:ff9b:1::198.51.100.1", "IR");
		assert_country(database, "64:ff9b:1:abcd::192.0.2.200", "DE");
		/* Neither: bits that have to be zero are not, or another prefix */
		assert_country(database, "64:ff9b:1:c633:164:100::", "ZZ");
		assert_country(database, "64:ff9b:1:c633:64:100:0:1", "ZZ");
		assert_country(database, "64:ff9b:0:1::198.51.100.1", "ZZ");
		assert_country(database, "64:ff9b:2::198.51.100.1", "ZZ");
		assert_country(database, "64:ff9c::198.51.100.1", "ZZ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maxmind_files_know_their_addresses),
		cmocka_unit_test(test_every_schema_is_understood),
		cmocka_unit_test(test_nat64_is_looked_up_by_the_ipv4_address_in_it),
		cmocka_unit_test(test_ipv4_file_knows_no_ipv6),
		cmocka_unit_test(test_country_of_the_holder_is_not_shown),
		cmocka_unit_test(test_odd_values_do_not_become_labels),
		cmocka_unit_test(test_file_without_the_field_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
