/* SPDX-License-Identifier: MIT */
/* Tests of the values in a database that are refused before libmaxminddb sees them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "geoip/mmdb_value.h"
#include "mmdb_craft.h"

/* Widths of one to four bytes, as the format's chapter on pointers has them */
static void test_pointers_of_every_width_are_read(void **state)
{
	static const struct {
		uint8_t bytes[5];
		uint32_t next;
		uint32_t target;
	} cases[] = {
		{ { 0x20, 0x00 }, 2, 0 },
		{ { 0x27, 0xff }, 2, 2047 },
		{ { 0x28, 0x00, 0x00 }, 3, 2048 },
		{ { 0x2f, 0xff, 0xff }, 3, 526335 },
		{ { 0x30, 0x00, 0x00, 0x00 }, 4, 526336 },
		{ { 0x37, 0xff, 0xff, 0xff }, 4, 134744063 },
		{ { 0x38, 0x00, 0x00, 0x00, 0x00 }, 5, 0 },
		{ { 0x3f, 0xff, 0xff, 0xff, 0xff }, 5, 4294967295 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mmdb_walk walk = { .bytes = cases[i].bytes, .size = cases[i].next };
		struct mmdb_value value;

		assert_null(mmdb_value_read(&walk, 0, &value));
		assert_int_equal(value.type, MMDB_POINTER);
		assert_int_equal(value.body, cases[i].target);
		assert_int_equal(value.next, cases[i].next);
		walk.size--;
		assert_non_null(mmdb_value_read(&walk, 0, &value));
	}
}

static void nest(struct craft *craft, uint32_t depth)
{
	craft_control(craft, CRAFT_MAP, 2);
	craft_string(craft, "before");
	for (uint32_t i = 0; i < depth; i++)
		craft_control(craft, CRAFT_ARRAY, 1);
	craft_string(craft, "in");
	craft_string(craft, "country_code");
	craft_string(craft, "DE");
}

static void test_values_may_nest_sixteen_deep(void **state)
{
	(void)state;
	for (uint32_t depth = 14; depth < 18; depth++) {
		CRAFT craft;

		craft_begin_one_record(&craft);
		nest(&craft, depth);
		craft_finish(&craft);
		if (depth < 16)
			craft_assert_taken(&craft);
		else
			craft_assert_refused(&craft, "nested too deep");
	}
}

/* libmaxminddb 1.7.1 runs out of stack when it skips these to get to country_code */
static void test_half_a_million_nested_arrays_are_refused(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	nest(&craft, 500000);
	craft_finish(&craft);
	craft_assert_refused(&craft, "nested too deep");
}

static void test_pointers_may_not_run_in_a_circle(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	craft_control(&craft, CRAFT_MAP, 2);
	craft_string(&craft, "self");
	craft_pointer(&craft, 0);
	craft_string(&craft, "country_code");
	craft_string(&craft, "DE");
	craft_finish(&craft);
	craft_assert_refused(&craft, "in a circle");
}

static void test_pointer_may_not_lead_to_a_pointer(void **state)
{
	CRAFT craft;
	uint32_t second;

	(void)state;
	craft_begin_one_record(&craft);
	craft_control(&craft, CRAFT_MAP, 2);
	craft_string(&craft, "a");
	second = craft_here(&craft) + 5 + 2;
	craft_pointer(&craft, second);
	craft_string(&craft, "b");
	craft_pointer(&craft, 0);
	craft_finish(&craft);
	craft_assert_refused(&craft, "another pointer");
}

/* A record may be a pointer, and is sound then; a pointer to it is not */
static void test_pointer_may_not_lead_to_a_record_that_is_a_pointer(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin(&craft, 1);
	craft_node(&craft, 0, CRAFT_DATA(&craft, 0), CRAFT_DATA(&craft, 5));
	craft_pointer(&craft, 5 + 1 + 2 + 5);
	craft_control(&craft, CRAFT_MAP, 1);
	craft_string(&craft, "a");
	craft_pointer(&craft, 0);
	craft_record(&craft);
	craft_finish(&craft);
	craft_assert_refused(&craft, "another pointer");
}

/* Behind the data is the metadata, which the library takes for a part of it */
static void test_pointer_may_not_lead_out(void **state)
{
	static const uint32_t past[] = { 19, 20, 1u << 20, 0x7fffffff, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		CRAFT craft;

		craft_begin_one_record(&craft);
		craft_control(&craft, CRAFT_MAP, 1);
		craft_string(&craft, "country_code");
		craft_pointer(&craft, past[i]);
		assert_int_equal(craft_here(&craft), 19);
		craft_finish(&craft);
		craft_assert_refused(&craft, "past the end");
	}
}

static void test_shared_values_are_no_circle(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin(&craft, 1);
	craft_string(&craft, "country_code");
	craft_string(&craft, "DE");
	craft_node(&craft, 0, CRAFT_DATA(&craft, craft_here(&craft)), CRAFT_EMPTY(&craft));
	craft_control(&craft, CRAFT_MAP, 2);
	craft_pointer(&craft, 0);
	craft_pointer(&craft, 13);
	craft_string(&craft, "again");
	craft_pointer(&craft, 13);
	craft_finish(&craft);
	craft_assert_taken(&craft);
}

static void test_sizes_past_the_end_are_refused(void **state)
{
	static const struct {
		enum craft_type type;
		uint32_t size;
		const char *why;
	} cases[] = {
		{ CRAFT_STRING, 100, "past the end" },
		{ CRAFT_STRING, 16843036, "past the end" },
		{ CRAFT_MAP, 1, "more entries" },
		{ CRAFT_MAP, 16843036, "more entries" },
		{ CRAFT_ARRAY, 16843036, "more entries" },
		{ CRAFT_DOUBLE, 7, "size" },
		{ CRAFT_UINT16, 3, "size" },
		{ CRAFT_UINT32, 5, "size" },
		{ CRAFT_UINT64, 9, "size" },
		{ CRAFT_BOOLEAN, 2, "boolean" },
		{ CRAFT_CONTAINER, 0, "no known type" },
		{ (enum craft_type)16, 0, "no known type" },
		{ (enum craft_type)262, 0, "no known type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CRAFT craft;

		craft_begin_one_record(&craft);
		craft_control(&craft, CRAFT_MAP, 2);
		craft_string(&craft, "country_code");
		craft_string(&craft, "DE");
		craft_string(&craft, "last");
		craft_control(&craft, cases[i].type, cases[i].size);
		if (!strcmp(cases[i].why, "size"))
			craft_bytes(&craft, "123456789", cases[i].size);
		craft_finish(&craft);
		craft_assert_refused(&craft, cases[i].why);
	}
}

static void test_key_must_be_a_string(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	craft_control(&craft, CRAFT_MAP, 1);
	craft_number(&craft, CRAFT_UINT16, 5, 2);
	craft_string(&craft, "DE");
	craft_finish(&craft);
	craft_assert_refused(&craft, "a key is not a string");
}

static void test_record_has_a_limit(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	craft_control(&craft, CRAFT_ARRAY, 70000);
	for (int i = 0; i < 70000; i++)
		craft_control(&craft, CRAFT_BOOLEAN, 1);
	craft_finish(&craft);
	craft_assert_refused(&craft, "65536 values");
}

/* Each record is an array of the 60000 strings that follow it, in the bytes of one of them */
static void test_overlapping_values_take_no_time(void **state)
{
	const uint32_t nodes = 100000;
	CRAFT craft;
	clock_t begin;

	(void)state;
	craft_begin(&craft, nodes);
	for (uint32_t node = 0; node < nodes; node++) {
		uint32_t child = 2 * node + 1;
		uint32_t at = 5 * (child - nodes) + 1;

		craft_node(&craft, node, child < nodes ? child : CRAFT_DATA(&craft, at),
			   child + 1 < nodes ? child + 1 : CRAFT_DATA(&craft, at + 5));
	}
	for (uint32_t i = 0; i < nodes + 70000; i++)
		craft_bytes(&craft, "\x44\x1e\x04\xe9\x43", 5);
	begin = clock();
	craft_finish(&craft);
	craft_assert_refused(&craft, "overlap");
	assert_true(clock() - begin < CLOCKS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pointers_of_every_width_are_read),
		cmocka_unit_test(test_values_may_nest_sixteen_deep),
		cmocka_unit_test(test_half_a_million_nested_arrays_are_refused),
		cmocka_unit_test(test_pointers_may_not_run_in_a_circle),
		cmocka_unit_test(test_pointer_may_not_lead_to_a_pointer),
		cmocka_unit_test(test_pointer_may_not_lead_to_a_record_that_is_a_pointer),
		cmocka_unit_test(test_pointer_may_not_lead_out),
		cmocka_unit_test(test_shared_values_are_no_circle),
		cmocka_unit_test(test_sizes_past_the_end_are_refused),
		cmocka_unit_test(test_key_must_be_a_string),
		cmocka_unit_test(test_record_has_a_limit),
		cmocka_unit_test(test_overlapping_values_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
