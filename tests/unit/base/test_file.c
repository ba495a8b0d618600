/* SPDX-License-Identifier: MIT */
/* Files that the operator names */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

/* A folder that is there for one test */
static char folder[64], path[96];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_file.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (rmdir(path) < 0)
		unlink(path);
	return rmdir(folder);
}

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_a_whole_file_is_read(void **state)
{
	size_t bytes = 0;
	char *text = NULL;

	(void)state;
	put("twelve bytes");
	assert_int_equal(file_read(path, 12, &text, &bytes), 0);
	assert_int_equal(bytes, 12);
	assert_string_equal(text, "twelve bytes");
	file_free(text, bytes);
	put("");
	assert_int_equal(file_read(path, 12, &text, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_string_equal(text, "");
	file_free(text, bytes);
}

static void test_a_failure_leaves_the_outputs_alone(void **state)
{
	char *text = path;
	size_t bytes = 7;

	(void)state;
	assert_int_equal(file_read(path, 12, &text, &bytes), -ENOENT);
	put("thirteen byte");
	assert_int_equal(file_read(path, 12, &text, &bytes), -EFBIG);
	assert_ptr_equal(text, path);
	assert_int_equal(bytes, 7);
}

static void test_only_a_regular_file_is_opened(void **state)
{
	struct file_identity identity;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_open(path, &identity), -EINVAL); /* and does not wait for a writer */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(file_open(path, &identity), -EISDIR);
	assert_int_equal(file_open("/dev/null", &identity), -EINVAL);
}

static void test_what_was_opened_is_known_again(void **state)
{
	struct file_identity opened, now;
	int fd;

	(void)state;
	put("one");
	fd = file_open(path, &opened);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_identify(path, &now), 0);
	assert_true(file_same(&opened, &now));
	put("another");
	assert_int_equal(file_identify(path, &now), 0);
	assert_false(file_same(&opened, &now));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_identify(path, &now), -ENOENT);
	assert_true(file_same(&now, &(struct file_identity){ 0 }));
}

static void assert_fault(const char *of, int error, const char *words)
{
	struct reason reason;

	assert_int_equal(file_fault(of, error, &reason), -error);
	if (!strstr(reason.text, words) || !strstr(reason.text, strerror(error)))
		fail_msg("\"%s\", not \"%s\"", reason.text, words);
}

static void test_a_refusal_is_blamed_on_what_refused(void **state)
{
	(void)state;
	put("one");
	assert_int_equal(chmod(path, 0600), 0);
	assert_fault(path, EACCES, "its mode lets it be read, but the sandbox does not: restart");
	assert_int_equal(chmod(path, 0), 0);
	assert_fault(path, EACCES, "it must be readable by the user");
	assert_fault("/nonexistent/file", EACCES, "must be able to enter each folder above it");
	assert_fault("/nonexistent/file", ENOENT, "check the path, or put the file there");
	assert_fault("/home/nonexistent/file", ENOENT, "a unit with ProtectHome= keeps it out");
	assert_fault("/root/nonexistent", EACCES, "a unit with ProtectHome= keeps it out");
	assert_fault("/var/tmp/nonexistent", ENOENT, "a unit with PrivateTmp= keeps it out");
	assert_fault(path, EIO, "check the file and the disk");
}

static bool look(struct file_watch *watch)
{
	struct file_news news = { 0 };

	file_watch_look(watch, path, &news);
	return file_settled(&news);
}

static void test_a_replaced_file_settles_at_the_second_look(void **state)
{
	struct file_watch watch;

	(void)state;
	put("one");
	assert_int_equal(file_identify(path, &watch.loaded), 0);
	watch.seen = watch.loaded;
	assert_false(look(&watch));
	put("another");
	assert_false(look(&watch)); /* somebody may still be writing */
	assert_true(look(&watch));
	watch.loaded = watch.seen;
	assert_false(look(&watch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_whole_file_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_failure_leaves_the_outputs_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_only_a_regular_file_is_opened, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_was_opened_is_known_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_refusal_is_blamed_on_what_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_replaced_file_settles_at_the_second_look,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
