/* SPDX-License-Identifier: MIT */
/* Tests of files that are no database, and of files that change while they are in use */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "geoip_fixture.h"
#include "mmdb_craft.h"

static struct reason reason;
static char folder[PATH_MAX];

static const char *here(const char *name)
{
	static char path[2 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Writes into the file, as cp does, or renames a new one over it, as geoipupdate does */
static void put(const char *name, const char *from, bool in_place)
{
	char path[2 * PATH_MAX];
	size_t size;
	uint8_t *bytes = craft_load(from, &size);
	int file;

	(void)snprintf(path, sizeof(path), "%s", here(in_place ? name : "temporary"));
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, size), (ssize_t)size);
	(void)close(file);
	free(bytes);
	if (!in_place)
		assert_int_equal(rename(path, here(name)), 0);
}

/* Root reads anything, so it must not be root who tries; others are who they are */
static void become(uid_t user)
{
	if (seteuid(user) < 0)
		assert_int_not_equal(getuid(), 0);
}

static void assert_unreadable(const char *path, int error, const char *mend)
{
	struct geoip_database *database = NULL;
	int r = geoip_read(GEOIP_COUNTRY, path, &database, &reason);

	if (r != -error || !strstr(reason.text, path) || !strstr(reason.text, mend) ||
	    strchr(reason.text, '\n'))
		fail_msg("%s: %d, \"%s\"", path, r, reason.text);
	assert_null(database);
}

static void test_what_is_no_file_is_refused_with_a_mend(void **state)
{
	int file;

	(void)state;
	(void)alarm(20); /* in case that a FIFO is waited for */
	assert_unreadable(here("missing"), ENOENT, "check the path");
	assert_int_equal(mkdir(here("folder"), 0755), 0);
	assert_unreadable(here("folder"), EISDIR, "it is a directory; name a file in it");
	assert_int_equal(mkfifo(here("fifo"), 0644), 0);
	assert_unreadable(here("fifo"), EINVAL, "not a regular file");
	assert_unreadable("/dev/null", EINVAL, "not a regular file");
	assert_unreadable("/dev/zero", EINVAL, "not a regular file");
	assert_int_equal(symlink("loop", here("loop")), 0);
	assert_unreadable(here("loop"), ELOOP, "check the links");
	assert_unreadable(here("fifo/x"), ENOTDIR, "check the path");
	(void)alarm(0);

	file = open(here("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_true(file >= 0);
	assert_unreadable(here("file"), EBADMSG, "it is empty; fetch it again");
	assert_int_equal(ftruncate(file, (1l << 30) + 1), 0);
	assert_unreadable(here("file"), EFBIG, "use a smaller edition");
	assert_int_equal(ftruncate(file, 4096), 0);
	(void)close(file);
	assert_int_equal(chmod(here("file"), 0), 0);
	become(65534);
	assert_unreadable(here("file"), EACCES, "must be readable by the user");
	become(getuid());
}

static void test_packed_file_is_to_be_unpacked(void **state)
{
	static const uint8_t gzip[64] = { 0x1f, 0x8b, 8 };

	(void)state;
	assert_int_equal(craft_try(GEOIP_COUNTRY, gzip, sizeof(gzip), &reason), -EBADMSG);
	assert_non_null(strstr(reason.text, "it is packed; unpack it first"));
}

static void test_what_happens_to_the_file_does_not_reach_look_ups(void **state)
{
	DATABASE *database = NULL;

	(void)state;
	put("used.mmdb", fixture_made("geolite2-country.mmdb"), true);
	database = fixture_open(GEOIP_COUNTRY, here("used.mmdb"));
	put("used.mmdb", fixture_made("newer.mmdb"), true);
	assert_country(database, "198.51.100.1", "IR");
	assert_int_equal(truncate(here("used.mmdb"), 0), 0);
	assert_country(database, "198.51.100.1", "IR");
	assert_int_equal(unlink(here("used.mmdb")), 0);
	assert_country(database, "2001:db8::1", "JP");
	assert_int_equal(geoip_status(database)->lookups[GEOIP_ERROR], 0);
}

/* All steps of it */
static int reload(struct geoip_database *database)
{
	int r;

	do
		r = geoip_reload_step(database, &reason);
	while (r > 0);
	return r;
}

static void test_new_file_takes_over_when_it_is_settled(void **state)
{
	DATABASE *database = NULL;

	(void)state;
	put("live.mmdb", fixture_made("geolite2-country.mmdb"), false);
	database = fixture_open(GEOIP_COUNTRY, here("live.mmdb"));
	assert_int_equal(geoip_status(database)->generation, 1);
	for (int i = 0; i < 3; i++)
		assert_false(geoip_changed(database));

	put("live.mmdb", fixture_made("newer.mmdb"), false);
	assert_false(geoip_changed(database)); /* may still be written */
	assert_country(database, "192.0.2.1", "DE");
	assert_true(geoip_changed(database));
	assert_int_equal(reload(database), 0);
	assert_country(database, "192.0.2.1", "SE");
	assert_country(database, "198.51.100.1", "ZZ");
	assert_false(geoip_changed(database));
	assert_int_equal(geoip_status(database)->generation, 2);
	assert_int_equal(geoip_status(database)->reloads, 1);
	assert_int_equal(geoip_status(database)->reload_failures, 0);

	/* Written in place, and again before the next look */
	put("live.mmdb", fixture_made("ip66.mmdb"), true);
	assert_false(geoip_changed(database));
	put("live.mmdb", fixture_made("geo-open.mmdb"), true);
	assert_false(geoip_changed(database));
	assert_true(geoip_changed(database));
	assert_int_equal(reload(database), 0);
	assert_string_equal(geoip_status(database)->type, "Geo-Open-Country-ASN");
	assert_int_equal(geoip_status(database)->generation, 3);
}

static void test_bad_file_does_not_take_over(void **state)
{
	DATABASE *database = NULL;

	(void)state;
	put("live.mmdb", fixture_made("geolite2-country.mmdb"), false);
	database = fixture_open(GEOIP_COUNTRY, here("live.mmdb"));
	put("live.mmdb", fixture_made("geolite2-asn.mmdb"), false);
	assert_false(geoip_changed(database));
	assert_true(geoip_changed(database));
	assert_int_equal(reload(database), -ENODATA);

	/* Refused once is enough, until somebody touches it */
	assert_false(geoip_changed(database));
	assert_false(geoip_changed(database));
	assert_int_equal(truncate(here("live.mmdb"), 5000), 0);
	assert_false(geoip_changed(database));
	assert_true(geoip_changed(database));
	assert_int_equal(reload(database), -EBADMSG);
	assert_int_equal(unlink(here("live.mmdb")), 0);
	assert_false(geoip_changed(database));
	assert_int_equal(reload(database), -ENOENT);

	assert_country(database, "198.51.100.1", "IR");
	assert_int_equal(geoip_status(database)->generation, 1);
	assert_int_equal(geoip_status(database)->reloads, 0);
	assert_int_equal(geoip_status(database)->reload_failures, 3);
	assert_string_equal(geoip_status(database)->type, "GeoLite2-Country");

	put("live.mmdb", fixture_made("newer.mmdb"), false);
	assert_int_equal(reload(database), 0); /* SIGHUP */
	assert_country(database, "192.0.2.1", "SE");
}

static void test_mended_mode_is_noticed(void **state)
{
	DATABASE *database = NULL;

	(void)state;
	put("live.mmdb", fixture_made("geolite2-country.mmdb"), false);
	database = fixture_open(GEOIP_COUNTRY, here("live.mmdb"));
	put("live.mmdb", fixture_made("newer.mmdb"), false);
	assert_int_equal(chmod(here("live.mmdb"), 0), 0);
	become(65534);
	assert_int_equal(reload(database), -EACCES);
	become(getuid());
	assert_false(geoip_changed(database));
	assert_false(geoip_changed(database));
	(void)usleep(20000); /* the clock of file times ticks */
	assert_int_equal(chmod(here("live.mmdb"), 0644), 0);
	assert_false(geoip_changed(database));
	assert_true(geoip_changed(database));
	assert_int_equal(reload(database), 0);
}

static void test_file_written_to_while_it_is_read_is_tried_again(void **state)
{
	DATABASE *database = NULL;
	int file;

	(void)state;
	put("live.mmdb", fixture_made("geolite2-country.mmdb"), false);
	database = fixture_open(GEOIP_COUNTRY, here("live.mmdb"));
	put("live.mmdb", fixture_made("newer.mmdb"), false);
	assert_int_equal(geoip_reload_step(database, &reason), 1);
	file = open(here("live.mmdb"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(file, "", 1), 1);
	(void)close(file);
	assert_int_equal(geoip_reload_step(database, &reason), -EAGAIN);
	assert_non_null(strstr(reason.text, "written to while it was read"));
	assert_country(database, "198.51.100.1", "IR");
	assert_false(geoip_changed(database));
	assert_true(geoip_changed(database));

	assert_int_equal(geoip_reload_step(database, &reason), 1);
	(void)usleep(20000); /* the clock of file times ticks */
	file = open(here("live.mmdb"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(file, "", 1), 1); /* as long as before */
	(void)close(file);
	for (int i = 0; i < 3; i++)
		assert_false(geoip_changed(database)); /* not while one is being loaded */
	assert_int_equal(geoip_reload_step(database, &reason), -EAGAIN);
	assert_int_equal(geoip_status(database)->reload_failures, 2);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/geoip.XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "fifo",	  "loop",      "file",
					     "used.mmdb", "live.mmdb", "temporary" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(here(names[i]));
	(void)rmdir(here("folder"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_file_is_refused_with_a_mend),
		cmocka_unit_test(test_packed_file_is_to_be_unpacked),
		cmocka_unit_test(test_what_happens_to_the_file_does_not_reach_look_ups),
		cmocka_unit_test(test_new_file_takes_over_when_it_is_settled),
		cmocka_unit_test(test_bad_file_does_not_take_over),
		cmocka_unit_test(test_mended_mode_is_noticed),
		cmocka_unit_test(test_file_written_to_while_it_is_read_is_tried_again),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
