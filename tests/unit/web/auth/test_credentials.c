/* SPDX-License-Identifier: MIT */
/* Who gets in, and what is computed for it */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "basic_craft.h"
#include "web/auth/credentials.h"

static uint64_t computed(const struct craft *craft)
{
	return credentials_counts(craft->credentials).computed;
}

static void test_without_users_everybody_gets_in(void **state)
{
	struct craft *craft = *state;

	craft_load(craft);
	assert_int_equal(credentials_check(craft->credentials, NULL, 1, CRAFT_START),
			 CREDENTIALS_ACCEPTED);
	assert_int_equal(credentials_check(craft->credentials, "Basic !", 1, CRAFT_START),
			 CREDENTIALS_ACCEPTED);
}

static void test_the_right_password_gets_in_and_is_computed_once(void **state)
{
	struct craft *craft = *state;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
		assert_int_equal(craft_check(craft, "bob", "builder"), CREDENTIALS_ACCEPTED);
		assert_int_equal(computed(craft), 2);
	}
	assert_int_equal(credentials_counts(craft->credentials).accepted, 6);
}

static void test_a_wrong_password_stays_out_and_is_computed_once(void **state)
{
	static const char *const pairs[][2] = {
		{ "alice", "builder" },	   { "alice", "" },
		{ "alice", "wonderlan" },  { "bob", "wonderland" },
		{ "carol", "wonderland" }, { "dave", "wonderland" },
		{ "erin", "wonderland" },  { "", "" },
		{ "Alice", "wonderland" }, { "alic", "ewonderland" },
	};
	struct craft *craft = *state;

	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(craft_check(craft, pairs[i % 10][0], pairs[i % 10][1]),
				 CREDENTIALS_REFUSED);
	assert_int_equal(computed(craft), 10);
	assert_int_equal(credentials_counts(craft->credentials).refused, 20);
	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
}

static void test_a_header_that_is_none_costs_nothing(void **state)
{
	static const char *const headers[] = { NULL, "", "Basic", "Basic YWxpY2U=", "Bearer x" };
	struct craft *craft = *state;

	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(
			credentials_check(craft->credentials, headers[i % 5], 1, CRAFT_START),
			CREDENTIALS_REFUSED);
	assert_int_equal(computed(craft), 0);
}

static void test_all_kinds_of_bcrypt_are_one(void **state)
{
	struct craft *craft = *state;

	/* libcrypt alone would refuse some such passwords for "a". */
	craft_user(craft, "a",
		   craft_hash("\xff\xa3"
			      "34\xff\xff\xff\xa3"
			      "345",
			      'a'));
	craft_user(craft, "b",
		   craft_hash("\xff\xa3"
			      "34\xff\xff\xff\xa3"
			      "345",
			      'b'));
	craft_user(craft, "y",
		   craft_hash("\xff\xa3"
			      "34\xff\xff\xff\xa3"
			      "345",
			      'y'));
	craft_user(craft, "toolkit", CRAFT_FAKEPASSWORD);
	craft_load(craft);
	assert_int_equal(craft_check(craft, "a",
				     "\xff\xa3"
				     "34\xff\xff\xff\xa3"
				     "345"),
			 CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "b",
				     "\xff\xa3"
				     "34\xff\xff\xff\xa3"
				     "345"),
			 CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "y",
				     "\xff\xa3"
				     "34\xff\xff\xff\xa3"
				     "345"),
			 CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "toolkit", "fakepassword"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "toolkit", "fakepassworD"), CREDENTIALS_REFUSED);
}

static void test_bcrypt_looks_at_72_bytes(void **state)
{
	char password[101] = "";
	struct craft *craft = *state;

	memset(password, 'x', 72);
	craft_user(craft, "long", craft_hash(password, 'y'));
	craft_load(craft);
	memset(password, 'x', 100);
	assert_int_equal(craft_check(craft, "long", password), CREDENTIALS_ACCEPTED);
	password[71] = 'y';
	assert_int_equal(craft_check(craft, "long", password), CREDENTIALS_REFUSED);
	password[71] = '\0';
	assert_int_equal(craft_check(craft, "long", password), CREDENTIALS_REFUSED);
}

static void test_an_unknown_name_takes_as_long_as_a_known_one(void **state)
{
	struct craft *craft = *state;
	uint64_t known;
	uint64_t unknown;

	craft_user(craft, "toolkit", CRAFT_FAKEPASSWORD);
	craft_load(craft);
	assert_int_equal(craft_check(craft, "toolkit", "x"), CREDENTIALS_REFUSED);
	known = credentials_counts(craft->credentials).computed_ns;
	assert_int_equal(craft_check(craft, "nobody", "x"), CREDENTIALS_REFUSED);
	unknown = credentials_counts(craft->credentials).computed_ns - known;
	assert_in_range(unknown, known / 3, known * 3); /* cost 9 and 11 would be half and twice */
}

static void test_unknown_names_have_the_costs_of_users(void **state)
{
	struct craft *craft = *state;
	unsigned slow = 0;
	uint64_t limit;

	craft_user(craft, "quick", craft_hash("x", 'y')); /* cost 4 */
	craft_user(craft, "slow", CRAFT_FAKEPASSWORD);	  /* cost 10: 64 times as long */
	craft_load(craft);
	assert_int_equal(craft_check(craft, "slow", "x"), CREDENTIALS_REFUSED);
	limit = credentials_counts(craft->credentials).computed_ns / 8;
	for (unsigned i = 0; i < 24; i++) {
		uint64_t before = credentials_counts(craft->credentials).computed_ns;
		char name[16];

		(void)snprintf(name, sizeof(name), "nobody%u", i);
		assert_int_equal(craft_check(craft, name, "x"), CREDENTIALS_REFUSED);
		slow += credentials_counts(craft->credentials).computed_ns - before > limit;
	}
	assert_in_range(slow, 1, 23); /* all or none: once in 8 million runs */
}

static void test_bad_passwords_do_not_push_out_good_ones(void **state)
{
	struct craft *craft = *state;
	char password[16];

	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
	for (unsigned i = 0; i < CREDENTIALS_CACHE + 1; i++) {
		(void)snprintf(password, sizeof(password), "%u", i);
		assert_int_equal(craft_check(craft, "alice", password), CREDENTIALS_REFUSED);
	}
	assert_int_equal(computed(craft), CREDENTIALS_CACHE + 2);
	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "alice", "1"), CREDENTIALS_REFUSED);
	assert_int_equal(computed(craft), CREDENTIALS_CACHE + 2);
	assert_int_equal(craft_check(craft, "alice", "0"), CREDENTIALS_REFUSED);
	assert_int_equal(computed(craft), CREDENTIALS_CACHE + 3);
}

static void test_no_password_stays_in_memory(void **state)
{
	struct craft *craft = *state;
	void *memory = craft->credentials;
	size_t bytes = malloc_usable_size(memory);

	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "alice", "unforeseeable"), CREDENTIALS_REFUSED);
	assert_non_null(memmem(memory, bytes, "alice", 5));
	assert_null(memmem(memory, bytes, "wonderland", 10));
	assert_null(memmem(memory, bytes, "unforeseeable", 13));
}

static void test_a_reload_keeps_what_is_the_same(void **state)
{
	struct craft *craft = *state;
	struct craft next = { .credentials = craft->credentials };

	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "bob", "builder"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "alice", "x"), CREDENTIALS_REFUSED);
	craft_user(&next, "dave", craft_hash("diver", 'b'));
	craft_user(&next, "alice", craft_hash("wonderland", 'y'));
	craft_user(&next, "bob", craft_hash("mason", 'b'));
	credentials_reload(craft->credentials, &next.config);
	assert_int_equal(computed(craft), 3);
	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "alice", "x"), CREDENTIALS_REFUSED);
	assert_int_equal(computed(craft), 3);
	assert_int_equal(craft_check(craft, "bob", "builder"), CREDENTIALS_REFUSED);
	assert_int_equal(craft_check(craft, "bob", "mason"), CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check(craft, "dave", "diver"), CREDENTIALS_ACCEPTED);
	assert_int_equal(computed(craft), 6);

	next.config.user_count = 1;
	credentials_reload(craft->credentials, &next.config);
	assert_int_equal(craft_check(craft, "alice", "wonderland"), CREDENTIALS_REFUSED);
	next.config.user_count = 0;
	credentials_reload(craft->credentials, &next.config);
	assert_int_equal(craft_check(craft, "nobody", "x"), CREDENTIALS_ACCEPTED);
}

#define WITH_USERS(test_) cmocka_unit_test_setup_teardown(test_, craft_setup_users, craft_teardown)
#define EMPTY(test_)	  cmocka_unit_test_setup_teardown(test_, craft_setup, craft_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(test_without_users_everybody_gets_in),
		WITH_USERS(test_the_right_password_gets_in_and_is_computed_once),
		WITH_USERS(test_a_wrong_password_stays_out_and_is_computed_once),
		WITH_USERS(test_a_header_that_is_none_costs_nothing),
		EMPTY(test_all_kinds_of_bcrypt_are_one),
		EMPTY(test_bcrypt_looks_at_72_bytes),
		EMPTY(test_an_unknown_name_takes_as_long_as_a_known_one),
		EMPTY(test_unknown_names_have_the_costs_of_users),
		WITH_USERS(test_bad_passwords_do_not_push_out_good_ones),
		WITH_USERS(test_no_password_stays_in_memory),
		WITH_USERS(test_a_reload_keeps_what_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
