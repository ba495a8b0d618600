/* SPDX-License-Identifier: MIT */
/* Databases for tests: those of tests/fixtures and those that make-databases.pl wrote */
#pragma once

#include "geoip/geoip.h"

#define DATABASE __attribute__((cleanup(geoip_closep))) struct geoip_database

/* Path of a file in the folder that an environment variable names, TEST_FIXTURES or
 * TEST_DATABASES; the test fails if it is not set. Good until the next call.
 */
const char *fixture_path(const char *variable, const char *name);

/* The same for TEST_DATABASES */
const char *fixture_made(const char *name);

/* An open database; the test fails if it is refused */
struct geoip_database *fixture_open(enum geoip_kind kind, const char *path);

/* The test fails if a look-up of an address, as text, finds anything else */
void assert_country(struct geoip_database *database, const char *address, const char *country);
void assert_asn(struct geoip_database *database, const char *address, uint32_t asn);
