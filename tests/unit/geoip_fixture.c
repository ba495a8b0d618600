/* SPDX-License-Identifier: MIT */
/* Databases for tests: those of tests/fixtures and those that make-databases.pl wrote */
#include "geoip_fixture.h"

#include <arpa/inet.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char *fixture_path(const char *variable, const char *name)
{
	static char path[2 * PATH_MAX];
	const char *base = getenv(variable);

	if (!base)
		fail_msg("%s is not set", variable);
	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

const char *fixture_made(const char *name)
{
	return fixture_path("TEST_DATABASES", name);
}

struct geoip_database *fixture_open(enum geoip_kind kind, const char *path)
{
	struct geoip_database *database = NULL;
	struct reason reason;

	if (geoip_read(kind, path, &database, &reason) < 0 || geoip_open(database, &reason) < 0)
		fail_msg("%s", reason.text);
	return database;
}

static void address_of(const char *text, uint8_t ret_address[16])
{
	memcpy(ret_address, (uint8_t[12]){ [10] = 0xff, [11] = 0xff }, 12);
	if (inet_pton(AF_INET, text, ret_address + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, ret_address), 1);
}

void assert_country(struct geoip_database *database, const char *address, const char *country)
{
	char found[GEOIP_COUNTRY_BYTES];
	uint8_t bytes[16];

	address_of(address, bytes);
	(void)geoip_country(database, bytes, found);
	if (strcmp(found, country) != 0)
		fail_msg("%s: %s and not %s", address, found, country);
}

void assert_asn(struct geoip_database *database, const char *address, uint32_t asn)
{
	uint8_t bytes[16];
	uint32_t found;

	address_of(address, bytes);
	(void)geoip_asn(database, bytes, &found);
	if (found != asn)
		fail_msg("%s: AS%u and not AS%u", address, found, asn);
}
