/* SPDX-License-Identifier: MIT */
/* Tests of search trees, metadata and damage that libmaxminddb never gets to see */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "geoip_fixture.h"
#include "mmdb_craft.h"

static void test_sound_file_is_taken(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	craft_record(&craft);
	craft_finish(&craft);
	craft_assert_taken(&craft);
}

static void test_nesting_in_metadata_is_refused(void **state)
{
	static const struct craft_metadata metadata[] = {
		{ .extra_depth = 60000 },
		{ .language_depth = 1 },
		{ .language_depth = 600 },
	};
	static const char *const why[] = { "nested too deep", "not strings", "not strings" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct craft_metadata one = metadata[i];
		CRAFT craft;

		craft_begin_one_record(&craft);
		craft_record(&craft);
		one.node_count = 1;
		one.record_size = 24;
		one.ip_version = 4;
		one.major = 2;
		craft_add_metadata(&craft, &one);
		craft_assert_refused(&craft, why[i]);
	}
}

static void test_tree_may_share_branches(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin(&craft, 4);
	craft_node(&craft, 0, 1, 2);
	craft_node(&craft, 1, 3, 2);
	craft_node(&craft, 2, 3, CRAFT_DATA(&craft, 0));
	craft_node(&craft, 3, CRAFT_EMPTY(&craft), CRAFT_DATA(&craft, 0));
	craft_record(&craft);
	craft_finish(&craft);
	craft_assert_taken(&craft);
}

static void test_tree_may_not_run_in_a_circle(void **state)
{
	static const uint32_t back_to[] = { 0, 1, 2 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		CRAFT craft;

		craft_begin(&craft, 3);
		craft_node(&craft, 0, 1, CRAFT_DATA(&craft, 0));
		craft_node(&craft, 1, CRAFT_EMPTY(&craft), 2);
		craft_node(&craft, 2, CRAFT_DATA(&craft, 0), back_to[i]);
		craft_record(&craft);
		craft_finish(&craft);
		craft_assert_refused(&craft, "runs in a circle");
	}
}

/* A chain of nodes, with a short cut from the root to its middle looked at before or after it */
static void test_tree_may_not_be_deeper_than_an_address(void **state)
{
	(void)state;
	for (uint32_t nodes = 31; nodes < 35; nodes++) {
		for (int cut = 0; cut < 2; cut++) {
			CRAFT craft;

			craft_begin(&craft, nodes);
			craft_record(&craft);
			for (uint32_t node = 0; node < nodes; node++) {
				uint32_t next = node + 1 < nodes ? node + 1 : CRAFT_DATA(&craft, 0);
				uint32_t other = node ? CRAFT_EMPTY(&craft) : nodes / 2;

				craft_node(&craft, node, cut ? other : next, cut ? next : other);
			}
			craft_finish(&craft);
			if (nodes <= 32)
				craft_assert_taken(&craft);
			else
				craft_assert_refused(&craft, "deeper than an address");
		}
	}
}

/* A branch that ends after 21 bits, known when a node just above it is met, which is met again so
 * far down that it would end after 34
 */
static void test_known_branch_may_not_hang_too_deep(void **state)
{
	for (uint32_t chain = 10; chain < 14; chain++) {
		const uint32_t branch = 3, deep = branch + 20, nodes = deep + chain;
		CRAFT craft;

		(void)state;
		craft_begin(&craft, nodes);
		craft_record(&craft);
		craft_node(&craft, 0, 1, deep);
		craft_node(&craft, 1, branch, 2);
		craft_node(&craft, 2, branch, CRAFT_EMPTY(&craft));
		for (uint32_t node = branch; node < nodes; node++)
			craft_node(&craft, node,
				   node == deep - 1    ? CRAFT_DATA(&craft, 0)
				   : node == nodes - 1 ? 2
						       : node + 1,
				   CRAFT_EMPTY(&craft));
		craft_finish(&craft);
		if (chain + 22 <= 32)
			craft_assert_taken(&craft);
		else
			craft_assert_refused(&craft, "deeper than an address");
	}
}

/* Records that are small and large, in front of bytes that are no value */
static void test_records_of_every_size_are_read(void **state)
{
	static const struct {
		uint32_t bits;
		uint32_t distance;
	} cases[] = { { 24, 10 },
		      { 24, 1u << 23 },
		      { 28, 10 },
		      { 28, (1u << 24) + 77 },
		      { 28, 3u << 24 },
		      { 32, 10 },
		      { 32, (1u << 24) + 77 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int right = 0; right < 2; right++) {
			CRAFT craft;
			uint32_t far;

			craft_begin_wide(&craft, 1, cases[i].bits);
			craft_fill(&craft, 0xff, cases[i].distance);
			far = CRAFT_DATA(&craft, craft_here(&craft));
			craft_record(&craft);
			craft_node(&craft, 0, right ? CRAFT_EMPTY(&craft) : far,
				   right ? far : CRAFT_EMPTY(&craft));
			craft_finish(&craft);
			craft_assert_taken(&craft);
		}
	}
}

static void test_tree_may_not_lead_beside_the_data(void **state)
{
	(void)state;
	for (uint32_t record = 2; record < 100; record++) {
		CRAFT craft;
		uint32_t end;

		craft_begin_one_record(&craft);
		craft_record(&craft);
		end = CRAFT_DATA(&craft, craft_here(&craft));
		if (record > 16 && record < end)
			continue;
		craft_node(&craft, 0, CRAFT_DATA(&craft, 0), record);
		craft_finish(&craft);
		craft_assert_refused(&craft, "no place in its data");
	}
}

static void test_separator_must_be_zeros(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	craft_record(&craft);
	craft.bytes[6 + 15] = 1;
	craft_finish(&craft);
	craft_assert_refused(&craft, "does not end where");
}

static void refuse_metadata(const struct craft_metadata *metadata, const char *why)
{
	CRAFT craft;

	craft_begin_one_record(&craft);
	craft_record(&craft);
	craft_add_metadata(&craft, metadata);
	craft_assert_refused(&craft, why);
}

static void test_metadata_must_fit_the_file(void **state)
{
	const struct craft one = { .nodes = 1, .record_bits = 24 };
	/* 6 x 715827883 is 2 in 32 bits */
	static const uint64_t counts[] = { 0, 2, 1000, 715827883, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct craft_metadata metadata = { CRAFT_METADATA(&one) };

		metadata.node_count = counts[i];
		refuse_metadata(&metadata, i == 1 ? "does not end where" : "does not fit");
	}
	refuse_metadata(
		&(struct craft_metadata){
			.node_count = 1, .record_size = 20, .ip_version = 4, .major = 2 },
		"24, 28 or 32 bits");
	refuse_metadata(
		&(struct craft_metadata){
			.node_count = 1, .record_size = 24, .ip_version = 5, .major = 2 },
		"neither for IPv4");
	refuse_metadata(
		&(struct craft_metadata){
			.node_count = 1, .record_size = 24, .ip_version = 4, .major = 3 },
		"format");
}

static void test_metadata_must_be_complete(void **state)
{
	static const char *const names[] = { "node_count",    "record_size",
					     "ip_version",    "languages",
					     "description",   "binary_format_major_version",
					     "database_type", "build_epoch" };
	const struct craft one = { .nodes = 1, .record_bits = 24 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct craft_metadata metadata = { CRAFT_METADATA(&one) };

		metadata.without = names[i];
		refuse_metadata(&metadata, i < 5 ? "lacks an entry" : "fetch it again");
		metadata.without = NULL;
		metadata.as_text = names[i];
		if (strcmp(names[i], "database_type") != 0)
			refuse_metadata(&metadata, i < 5 ? "type that it cannot" : "fetch it");
	}
}

/* The library reads the byte after the end, which is no memory where the file fills its pages */
static void test_file_may_not_end_at_the_marker(void **state)
{
	CRAFT craft;

	(void)state;
	craft_begin_one_record(&craft);
	craft_record(&craft);
	while (craft.size % 4096 != 4096 - 14)
		craft_bytes(&craft, "", 1);
	craft_bytes(&craft, "\xab\xcd\xefMaxMind.com", 14);
	for (size_t i = 0; i < 3; i++) {
		craft_assert_refused(&craft, "past the end");
		/* The same with one and two bytes of metadata: a size that is cut off */
		memmove(craft.bytes + 30, craft.bytes + 31, craft.size - 31);
		craft.size--;
		craft_bytes(&craft, "\xff", 1);
	}
}

static void try_file(const char *variable, const char *name, void (*each)(const uint8_t *, size_t))
{
	size_t size;
	uint8_t *bytes = craft_load(fixture_path(variable, name), &size);

	each(bytes, size);
	free(bytes);
}

static void truncate_everywhere(const uint8_t *bytes, size_t size)
{
	struct reason reason;

	for (size_t length = 0; length < size; length++) {
		assert_int_equal(craft_try(GEOIP_COUNTRY, bytes, length, &reason), -EBADMSG);
		assert_non_null(strstr(reason.text, "fetch it again"));
	}
}

static void test_file_cut_short_anywhere_is_refused(void **state)
{
	(void)state;
	try_file("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb", truncate_everywhere);
	try_file("TEST_DATABASES", "newer.mmdb", truncate_everywhere);
}

/* What is taken may say something else than before, but not bring the library down */
static void flip(const uint8_t *bytes, size_t size)
{
	struct reason reason;
	uint8_t *copy = malloc(size);
	unsigned refused = 0;
	uint32_t state = 1;

	assert_non_null(copy);
	for (int i = 0; i < 2000; i++) {
		memcpy(copy, bytes, size);
		for (int flips = i % 8; flips >= 0; flips--) {
			state = state * 1664525 + 1013904223;
			copy[(state >> 8) % size] ^= (uint8_t)(1u << (state >> 5) % 8);
		}
		if (craft_try(GEOIP_COUNTRY, copy, size, &reason) < 0)
			refused++;
		if (craft_try(GEOIP_ASN, copy, size, &reason) < 0)
			refused++;
	}
	free(copy);
	assert_in_range(refused, 200, 3999);
}

static void test_flipped_bits_bring_nothing_down(void **state)
{
	(void)state;
	try_file("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb", flip);
	try_file("TEST_FIXTURES", "GeoLite2-ASN-Test.mmdb", flip);
	try_file("TEST_DATABASES", "registered.mmdb", flip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_file_is_taken),
		cmocka_unit_test(test_nesting_in_metadata_is_refused),
		cmocka_unit_test(test_tree_may_share_branches),
		cmocka_unit_test(test_tree_may_not_run_in_a_circle),
		cmocka_unit_test(test_tree_may_not_be_deeper_than_an_address),
		cmocka_unit_test(test_known_branch_may_not_hang_too_deep),
		cmocka_unit_test(test_records_of_every_size_are_read),
		cmocka_unit_test(test_tree_may_not_lead_beside_the_data),
		cmocka_unit_test(test_separator_must_be_zeros),
		cmocka_unit_test(test_metadata_must_fit_the_file),
		cmocka_unit_test(test_metadata_must_be_complete),
		cmocka_unit_test(test_file_may_not_end_at_the_marker),
		cmocka_unit_test(test_file_cut_short_anywhere_is_refused),
		cmocka_unit_test(test_flipped_bits_bring_nothing_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
