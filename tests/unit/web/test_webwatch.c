/* SPDX-License-Identifier: MIT */
/* When the web configuration or a certificate was replaced; and token buckets */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bucket.h"
#include "web/config/webconfig.h"
#include "web/webwatch.h"

#define PAIR "  cert_file: a.crt\n  key_file: a.key\n"

struct folder {
	char path[64];
	char names[3][80];
	struct web_config config;
	struct webwatch watch;
	struct reason reason;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
	static const char *const names[] = { "web.yml", "a.crt", "a.key" };
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	memcpy(folder->path, "/tmp/dnstt-test-XXXXXX", 23);
	assert_non_null(mkdtemp(folder->path));
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(folder->names[i], sizeof(folder->names[i]), "%s/%s", folder->path,
			       names[i]);
		write_file(folder->names[i], i ? "x" : "tls_server_config:\n" PAIR);
	}
	assert_int_equal(webwatch_begin(&folder->watch, folder->names[0]), 0);
	assert_int_equal(webconfig_read(folder->names[0], &folder->config, &folder->reason), 0);
	assert_int_equal(webwatch_files(&folder->watch, &folder->config), 0);
	*state = folder;

	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;

	for (unsigned i = 0; i < 3; i++)
		(void)unlink(folder->names[i]);
	assert_int_equal(rmdir(folder->path), 0);
	webconfig_free(&folder->config);
	free(folder);

	return 0;
}

static void test_a_replaced_file_is_noticed_once_it_has_settled(void **state)
{
	struct folder *folder = *state;
	struct webwatch *watch = &folder->watch;
	char other[80];

	(void)snprintf(other, sizeof(other), "%s/new", folder->path);
	assert_false(webwatch_changed(watch));
	assert_false(webwatch_changed(watch));
	for (unsigned i = 0; i < 3; i++) {
		write_file(other, "y");
		assert_int_equal(rename(other, folder->names[i]), 0);
		assert_false(webwatch_changed(watch)); /* perhaps its partner follows */
		write_file(folder->names[i], "longer");
		assert_false(webwatch_changed(watch));
		assert_true(webwatch_changed(watch));
		assert_false(webwatch_changed(watch));
	}
}

static void test_a_file_that_goes_and_comes_back_is_noticed(void **state)
{
	struct folder *folder = *state;
	struct webwatch *watch = &folder->watch;

	assert_int_equal(unlink(folder->names[2]), 0);
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
	write_file(folder->names[2], "x");
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
	assert_int_equal(chmod(folder->names[2], 0400), 0);
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
}

static void test_a_symbolic_link_that_is_turned_is_noticed(void **state)
{
	struct folder *folder = *state;
	struct webwatch *watch = &folder->watch;

	assert_int_equal(unlink(folder->names[2]), 0);
	assert_int_equal(symlink("a.crt", folder->names[2]), 0);
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
	assert_int_equal(unlink(folder->names[2]), 0);
	assert_int_equal(symlink("web.yml", folder->names[2]), 0);
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
}

static void test_the_old_files_are_watched_while_a_new_configuration_is_wrong(void **state)
{
	struct folder *folder = *state;
	struct webwatch *watch = &folder->watch;
	struct web_config config;

	write_file(folder->names[0], "wrong\n");
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
	assert_int_equal(webwatch_begin(watch, folder->names[0]), 0);
	assert_int_equal(webconfig_read(folder->names[0], &config, &folder->reason), -22);
	assert_false(webwatch_changed(watch));
	write_file(folder->names[1], "new");
	assert_false(webwatch_changed(watch));
	assert_true(webwatch_changed(watch));
}

static void test_a_path_that_is_too_long_is_not_watched(void **state)
{
	static char path[PATH_MAX + 1];
	struct webwatch watch = { 0 };

	(void)state;
	memset(path, 'x', PATH_MAX);
	assert_int_equal(webwatch_begin(&watch, path), -ENAMETOOLONG);
}

static void test_a_bucket_holds_its_burst_and_refills(void **state)
{
	struct bucket bucket = bucket_make(100, 3);
	struct bucket huge = bucket_make(UINT64_MAX, UINT64_MAX);
	struct bucket none = bucket_make(0, 1);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(bucket_take(&bucket, 1000));
	assert_false(bucket_take(&bucket, 1099));
	assert_true(bucket_ready(&bucket, 1100));
	assert_true(bucket_take(&bucket, 1100));
	assert_false(bucket_take(&bucket, 1100));
	assert_false(bucket_take(&bucket, 0));
	for (unsigned i = 0; i < 3; i++)
		assert_true(bucket_take(&bucket, 1000000));
	assert_false(bucket_take(&bucket, 1000000));
	assert_true(bucket_take(&huge, 0));
	assert_true(bucket_take(&huge, 1));
	for (unsigned i = 0; i < 1000; i++)
		assert_true(bucket_take(&none, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_replaced_file_is_noticed_once_it_has_settled,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_file_that_goes_and_comes_back_is_noticed,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_symbolic_link_that_is_turned_is_noticed,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_the_old_files_are_watched_while_a_new_configuration_is_wrong,
			make_folder, remove_folder),
		cmocka_unit_test(test_a_path_that_is_too_long_is_not_watched),
		cmocka_unit_test(test_a_bucket_holds_its_burst_and_refills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
