/* SPDX-License-Identifier: MIT */
/* Who pays for a flood of bad passwords */
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

static void test_a_source_has_four_tries_and_then_one_in_thirty_seconds(void **state)
{
	struct craft *craft = *state;
	char password[16];

	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(password, sizeof(password), "%u", i);
		assert_int_equal(craft_check_at(craft, "alice", password, 1, CRAFT_START),
				 i < 4 ? CREDENTIALS_REFUSED : CREDENTIALS_BUSY);
	}
	assert_int_equal(computed(craft), 4);
	assert_int_equal(
		craft_check_at(craft, "alice", "wonderland", 1, CRAFT_START + 29 * CRAFT_SECOND),
		CREDENTIALS_BUSY);
	assert_int_equal(
		craft_check_at(craft, "alice", "wonderland", 1, CRAFT_START + 30 * CRAFT_SECOND),
		CREDENTIALS_ACCEPTED);
	/* Remembered pairs are free, good and bad. */
	assert_int_equal(
		craft_check_at(craft, "alice", "wonderland", 1, CRAFT_START + 30 * CRAFT_SECOND),
		CREDENTIALS_ACCEPTED);
	assert_int_equal(craft_check_at(craft, "alice", "1", 1, CRAFT_START + 30 * CRAFT_SECOND),
			 CREDENTIALS_REFUSED);
	assert_int_equal(craft_check_at(craft, "alice", "new", 1, CRAFT_START + 30 * CRAFT_SECOND),
			 CREDENTIALS_BUSY);
	assert_int_equal(credentials_counts(craft->credentials).busy, 98);
}

static void test_a_flood_from_one_source_does_not_keep_others_out(void **state)
{
	struct craft *craft = *state;
	char password[16];

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now_ns = CRAFT_START + i * CRAFT_SECOND / 100;

		(void)snprintf(password, sizeof(password), "%u", i);
		(void)craft_check_at(craft, "alice", password, 1, now_ns);
		if (i == 5000)
			assert_int_equal(craft_check_at(craft, "alice", "wonderland", 2, now_ns),
					 CREDENTIALS_ACCEPTED);
	}
	assert_in_range(computed(craft), 7, 9);
}

/* Passwords that nobody has, each from a source of its own; how many were looked at */
static unsigned flood(struct craft *craft, unsigned count, uint64_t start_ns, uint64_t step_ns)
{
	static uint64_t source = 1;
	unsigned granted = 0;

	for (unsigned i = 0; i < count; i++) {
		char password[24];

		(void)snprintf(password, sizeof(password), "%u", (unsigned)++source);
		granted += craft_check_at(craft, "toolkit", password, source,
					  start_ns + i * step_ns) != CREDENTIALS_BUSY;
	}

	return granted;
}

static void test_all_sources_together_have_a_share_of_the_time(void **state)
{
	struct craft *craft = *state;
	uint64_t one;
	uint64_t before;
	uint64_t took;

	craft_user(craft, "toolkit", CRAFT_FAKEPASSWORD);
	craft_load(craft);
	assert_int_equal(flood(craft, 1, CRAFT_START, 0), 1);
	one = credentials_counts(craft->credentials).computed_ns;

	/* At one moment: a quarter of a second in a row, give or take one */
	before = one;
	assert_in_range(flood(craft, 2000, CRAFT_START + 60 * CRAFT_SECOND, 0), 1, 50);
	took = credentials_counts(craft->credentials).computed_ns - before;
	assert_in_range(took, 1, CRAFT_SECOND / 4 + 2 * one);

	/* Through ten seconds: a quarter of them, and that in a row */
	before += took;
	(void)flood(craft, 1000, CRAFT_START + 120 * CRAFT_SECOND, CRAFT_SECOND / 100);
	took = credentials_counts(craft->credentials).computed_ns - before;
	assert_in_range(took, CRAFT_SECOND * 3 / 2, CRAFT_SECOND * 11 / 4 + 4 * one);
}

static void test_any_number_of_sources_is_kept_count_of(void **state)
{
	struct craft *craft = *state;

	for (uint64_t i = 0; i < 5000; i++) {
		uint64_t now_ns = CRAFT_START + i * CRAFT_SECOND;
		char password[16];

		(void)snprintf(password, sizeof(password), "%u", (unsigned)(i % 50));
		assert_int_not_equal(
			craft_check_at(craft, "alice", password, i * 0x100000001, now_ns),
			CREDENTIALS_ACCEPTED);
	}
}

#define WITH_USERS(test_) cmocka_unit_test_setup_teardown(test_, craft_setup_users, craft_teardown)
#define EMPTY(test_)	  cmocka_unit_test_setup_teardown(test_, craft_setup, craft_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_USERS(test_a_source_has_four_tries_and_then_one_in_thirty_seconds),
		WITH_USERS(test_a_flood_from_one_source_does_not_keep_others_out),
		EMPTY(test_all_sources_together_have_a_share_of_the_time),
		WITH_USERS(test_any_number_of_sources_is_kept_count_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
