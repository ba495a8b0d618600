/* SPDX-License-Identifier: MIT */
/* Which folders stay readable for a path and the links in it */
#include "system/folders.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static struct folders folders;
static char root[64];

static int set_up(void **state)
{
	(void)state;
	folders = (struct folders){ 0 };
	strcpy(root, "/tmp/test_folders.XXXXXX");
	return mkdtemp(root) && chdir(root) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status, (void)type, (void)place;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return chdir("/") == 0 ? nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

/* Below the root of the test; good until the one after the next */
static const char *at(const char *path)
{
	static char full[2][PATH_MAX];
	static unsigned turn;

	turn = !turn;
	(void)snprintf(full[turn], sizeof(full[turn]), "%s/%s", root, path);
	return full[turn];
}

static void make(const char *folder)
{
	assert_int_equal(mkdir(at(folder), 0755), 0);
}

static void turn(const char *link, const char *target)
{
	assert_int_equal(symlink(target, at(link)), 0);
}

/* Whether these are the folders: by the one that each is, whatever path it has */
static void assert_folders(const char *const *expected, size_t count)
{
	for (size_t i = 0; i < folders.count; i++) {
		struct stat found, wanted;
		bool is_expected = false;

		assert_ptr_equal(folders.list[i], folders.path[i]);
		assert_int_equal(stat(folders.list[i], &found), 0);
		for (size_t j = 0; j < count; j++)
			is_expected |= stat(at(expected[j]), &wanted) == 0 &&
				       wanted.st_ino == found.st_ino;
		if (!is_expected)
			fail_msg("%s is readable", folders.list[i]);
	}
	assert_null(folders.list[folders.count]);
	assert_true(folders.count >= count);
}

#define ASSERT_FOLDERS(...)                                  \
	assert_folders((const char *const[]){ __VA_ARGS__ }, \
		       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void test_a_plain_file_needs_its_folder(void **state)
{
	(void)state;
	make("a");
	folders_add(&folders, at("a/file"));
	folders_add(&folders, at("a/other"));
	ASSERT_FOLDERS("a");
	assert_int_equal(folders.count, 1);
	assert_int_equal(chdir(at("a")), 0);
	folders_add(&folders, "file");
	ASSERT_FOLDERS("a");
	assert_string_equal(folders.list[1], ".");
}

static void test_a_link_to_a_folder_may_be_turned_to_the_one_beside_it(void **state)
{
	(void)state;
	make("d");
	make("d/1");
	make("run");
	turn("run/secrets", "../d/1/");
	folders_add(&folders, at("run/secrets/file"));
	ASSERT_FOLDERS("d/1", "d");
}

static void test_links_to_links_are_followed(void **state)
{
	(void)state;
	make("names");
	make("releases");
	make("releases/1");
	make("links");
	make("more");
	turn("links/latest", "../releases/1");
	turn("more/stable", at("links/latest"));
	turn("names/file", "../more/stable/file");
	folders_add(&folders, at("names/file"));
	ASSERT_FOLDERS("names", "releases/1", "links", "releases");
}

static void test_the_folder_of_a_file_that_a_link_leads_to_is_needed_in_any_case(void **state)
{
	(void)state;
	turn("link", "/passwd-of-test-folders");
	folders_add(&folders, at("link"));
	assert_int_equal(folders.count, 2);
	assert_string_equal(folders.list[1], "/");
}

static void test_what_is_around_the_folders_of_the_system_is_not(void **state)
{
	(void)state;
	turn("link", "/usr");
	turn("other", "/usr/bin");
	folders_add(&folders, at("link/file"));
	folders_add(&folders, at("other/file"));
	assert_int_equal(folders.count, 2);
	assert_string_equal(folders.list[0] + strlen(root), "/link");
	assert_string_equal(folders.list[1] + strlen(root), "/other");
}

static void test_links_in_a_circle_come_to_an_end(void **state)
{
	(void)state;
	turn("one", "two");
	turn("two", "one");
	folders_add(&folders, at("one/file"));
	folders_add(&folders, at("one"));
	folders_add(&folders, "");
	folders_add(&folders, at("missing/file"));
	assert_true(folders.count <= 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_plain_file_needs_its_folder),
		TEST(test_a_link_to_a_folder_may_be_turned_to_the_one_beside_it),
		TEST(test_links_to_links_are_followed),
		TEST(test_the_folder_of_a_file_that_a_link_leads_to_is_needed_in_any_case),
		TEST(test_what_is_around_the_folders_of_the_system_is_not),
		TEST(test_links_in_a_circle_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
