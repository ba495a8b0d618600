/* SPDX-License-Identifier: MIT */
/* Databases that are replaced while they are in use, by a clock that the tests set */
#include "geoip/databases.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "geoip_fixture.h"
#include "mmdb_craft.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

static char folder[PATH_MAX];
static struct databases databases;
static uint64_t now_ns;

static const char *here(const char *name)
{
	static char path[2 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Renames a new file over the old one, as geoipupdate does */
static void replace(const char *name, const char *made)
{
	char path[2 * PATH_MAX];
	size_t size;
	uint8_t *bytes = craft_load(fixture_made(made), &size);
	int file;

	(void)snprintf(path, sizeof(path), "%s", here("temporary"));
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, size), (ssize_t)size);
	(void)close(file);
	free(bytes);
	assert_int_equal(rename(path, here(name)), 0);
}

static const struct geoip_status *status(enum geoip_kind kind)
{
	return geoip_status(databases.database[kind]);
}

/* As the loop does it: at once as long as there is more to do. Return: files that took over */
static uint64_t run(uint64_t at_ns)
{
	const uint64_t before = status(GEOIP_COUNTRY)->reloads + status(GEOIP_ASN)->reloads;
	bool replaced, has_any = false, more;
	uint64_t after;

	now_ns = at_ns;
	do {
		more = databases_run(&databases, now_ns, &replaced);
		has_any |= replaced;
	} while (more);
	after = status(GEOIP_COUNTRY)->reloads + status(GEOIP_ASN)->reloads;
	assert_int_equal(has_any, after > before);
	return after - before;
}

static int open_both(void **state)
{
	const char *paths[GEOIP_KINDS];
	char country[2 * PATH_MAX];
	struct reason reason;

	(void)state;
	log_configure(LOG_ERROR, LOG_LOGFMT);
	(void)snprintf(folder, sizeof(folder), "%s/databases.XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	replace("country.mmdb", "geolite2-country.mmdb");
	replace("asn.mmdb", "geolite2-asn.mmdb");
	(void)snprintf(country, sizeof(country), "%s", here("country.mmdb"));
	paths[GEOIP_COUNTRY] = country;
	paths[GEOIP_ASN] = here("asn.mmdb");
	if (databases_read(&databases, paths, &reason) < 0 ||
	    databases_open(&databases, &reason) < 0)
		fail_msg("%s", reason.text);
	assert_int_equal(run(SECOND), 0); /* the first look */
	return 0;
}

static int close_both(void **state)
{
	(void)state;
	databases_close(&databases);
	(void)unlink(here("country.mmdb"));
	(void)unlink(here("asn.mmdb"));
	return rmdir(folder);
}

static void test_replaced_file_is_loaded_by_the_second_look(void **state)
{
	const uint64_t first_ns = now_ns;

	(void)state;
	replace("country.mmdb", "newer.mmdb");
	assert_int_equal(run(first_ns + DATABASES_POLL_NS - 1), 0);
	assert_int_equal(run(first_ns + DATABASES_POLL_NS), 0); /* may still be written */
	assert_country(databases.database[GEOIP_COUNTRY], "192.0.2.1", "DE");
	assert_int_equal(run(first_ns + 2 * DATABASES_POLL_NS - 1), 0);
	assert_int_equal(run(first_ns + 2 * DATABASES_POLL_NS), 1);
	assert_country(databases.database[GEOIP_COUNTRY], "192.0.2.1", "SE");
	assert_int_equal(status(GEOIP_COUNTRY)->reloads, 1);
	assert_int_equal(status(GEOIP_ASN)->reloads, 0);
	for (unsigned i = 3; i < 6; i++)
		assert_int_equal(run(first_ns + i * DATABASES_POLL_NS), 0);
}

static void test_bad_file_is_refused_once_by_the_clock(void **state)
{
	(void)state;
	replace("country.mmdb", "geolite2-asn.mmdb"); /* has no country */
	for (unsigned i = 1; i < 6; i++)
		assert_int_equal(run(now_ns + DATABASES_POLL_NS), 0);
	assert_int_equal(status(GEOIP_COUNTRY)->reload_failures, 1);
	assert_country(databases.database[GEOIP_COUNTRY], "192.0.2.1", "DE");
}

static void test_reload_loads_all_at_once_and_without_a_change(void **state)
{
	(void)state;
	databases_reload(&databases);
	assert_int_equal(run(now_ns + 1), 2);
	assert_int_equal(status(GEOIP_COUNTRY)->reloads, 1);
	assert_int_equal(status(GEOIP_ASN)->reloads, 1);
}

static void test_reload_before_the_load_began_is_one(void **state)
{
	(void)state;
	databases_reload(&databases);
	databases_reload(&databases);
	assert_int_equal(run(now_ns + 1), 2);
}

static void test_reload_during_a_load_loads_what_came_meanwhile(void **state)
{
	bool replaced;

	(void)state;
	databases_reload(&databases);
	assert_true(databases_run(&databases, now_ns, &replaced)); /* both files are open */
	assert_false(replaced);
	replace("country.mmdb", "newer.mmdb");
	databases_reload(&databases);
	assert_int_equal(run(now_ns), 4);
	assert_country(databases.database[GEOIP_COUNTRY], "192.0.2.1", "SE");
	assert_int_equal(status(GEOIP_COUNTRY)->reloads, 2);
	assert_int_equal(status(GEOIP_ASN)->reloads, 2);
	assert_int_equal(run(now_ns + 1), 0);
}

static void test_reload_during_a_load_that_fails_still_happens(void **state)
{
	bool replaced;

	(void)state;
	replace("country.mmdb", "geolite2-asn.mmdb");
	databases_reload(&databases);
	assert_true(databases_run(&databases, now_ns, &replaced));
	replace("country.mmdb", "newer.mmdb");
	databases_reload(&databases);
	(void)run(now_ns);
	assert_int_equal(status(GEOIP_COUNTRY)->reload_failures, 1);
	assert_country(databases.database[GEOIP_COUNTRY], "192.0.2.1", "SE");
}

static void test_what_is_not_given_is_not_loaded(void **state)
{
	struct databases none = { 0 };
	bool replaced;

	(void)state;
	databases_reload(&none);
	assert_false(databases_run(&none, SECOND, &replaced));
	assert_false(replaced);
}

#define WITH_BOTH(test) cmocka_unit_test_setup_teardown(test, open_both, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BOTH(test_replaced_file_is_loaded_by_the_second_look),
		WITH_BOTH(test_bad_file_is_refused_once_by_the_clock),
		WITH_BOTH(test_reload_loads_all_at_once_and_without_a_change),
		WITH_BOTH(test_reload_before_the_load_began_is_one),
		WITH_BOTH(test_reload_during_a_load_loads_what_came_meanwhile),
		WITH_BOTH(test_reload_during_a_load_that_fails_still_happens),
		cmocka_unit_test(test_what_is_not_given_is_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
