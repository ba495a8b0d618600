/* SPDX-License-Identifier: MIT */
/* Authorization headers, right and hostile */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "basic_craft.h"
#include "web/auth/basic.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void assert_parsed(const char *pair, size_t bytes, size_t user_bytes)
{
	char *header = craft_header(pair, bytes);
	struct basic basic;

	assert_int_equal(basic_parse(header, &basic), 0);
	assert_int_equal(basic.user_bytes, user_bytes);
	assert_memory_equal(basic.user, pair, user_bytes);
	for (size_t i = user_bytes; i < sizeof(basic.user); i++)
		assert_int_equal(basic.user[i], 0);
	assert_int_equal(basic.password_bytes, bytes - user_bytes - 1);
	assert_memory_equal(basic.password, pair + user_bytes + 1, basic.password_bytes);
	assert_int_equal(basic.password[basic.password_bytes], 0);
	free(header);
}

static void test_the_first_colon_ends_the_name(void **state)
{
	(void)state;
	assert_parsed("alice:secret", 12, 5);
	assert_parsed("alice:a:b:", 10, 5);
	assert_parsed(":", 1, 0);
	assert_parsed("a:", 2, 1);
	assert_parsed(":b", 2, 0);
	assert_parsed("Aladdin:open sesame", 19, 7);
	assert_parsed("\xc3\xa4:\xff\x01\n", 6, 2);
}

static void test_the_scheme_is_taken_in_any_case(void **state)
{
	static const char *const good[] = {
		"Basic YTpi",	  "basic YTpi",	  "BASIC YTpi",
		"bAsIc     YTpi", "Basic YTpi  ", "Basic YTpi\t ",
	};
	struct basic basic;

	(void)state;
	for (unsigned i = 0; i < COUNT(good); i++) {
		assert_int_equal(basic_parse(good[i], &basic), 0);
		assert_string_equal(basic.user, "a");
		assert_string_equal(basic.password, "b");
	}
}

static void test_anything_else_is_no_basic_header(void **state)
{
	static const char *const bad[] = {
		"",
		"Basic",
		"Basic ",
		"Basic     ",
		"Basi YTpi",
		"BasicYTpi",
		"Basic\tYTpi",
		" Basic YTpi",
		"Bearer YTpi",
		"Digest username=\"a\"",
		"Basic YTp",
		"Basic YTpi=",
		"Basic YTpi====",
		"Basic YTpiYQ",
		"Basic YTpiY===",
		"Basic =",
		"Basic ====",
		"Basic Y===",
		"Basic YT=i",
		"Basic YTpi YTpi",
		"Basic YTpi,YTpi",
		"Basic YTp_",
		"Basic YTp-",
		"Basic YTp\x80",
		"Basic YT==YTpi",
		"Basic YQ==",	  /* no colon */
		"Basic YTpiAA==", /* a:b, NUL */
		"Basic AGE6Yg==", /* NUL, a:b */
	};
	static const struct basic wiped;
	struct basic basic;

	(void)state;
	for (unsigned i = 0; i < COUNT(bad); i++) {
		memset(&basic, 0x5a, sizeof(basic));
		assert_int_equal(basic_parse(bad[i], &basic), -EINVAL);
		assert_memory_equal(&basic, &wiped, sizeof(basic));
	}
}

static void test_every_character_has_its_value(void **state)
{
	struct basic basic;

	(void)state;
	/* "x:" and six bits of a byte: 0x40 to 0x7f by way of the last two characters */
	for (unsigned c = 1; c < 256; c++) {
		char header[] = "Basic eDpA";
		const char *at = strchr(craft_alphabet, (int)c);

		header[9] = (char)c;
		if (c == '=') {
			assert_int_equal(basic_parse(header, &basic), 0);
			assert_int_equal(basic.password_bytes, 0);
		} else if (!at) {
			assert_int_equal(basic_parse(header, &basic), -EINVAL);
		} else {
			assert_int_equal(basic_parse(header, &basic), 0);
			assert_int_equal(basic.password[0], 0x40 + (at - craft_alphabet));
		}
	}
}

static void test_what_is_too_long_is_refused(void **state)
{
	static char pair[BASIC_USER_BYTES + BASIC_PASSWORD_BYTES + 10];
	static const size_t lengths[][3] = {
		/* user, password, taken */
		{ BASIC_USER_BYTES, 3, 1 },
		{ BASIC_USER_BYTES + 1, 3, 0 },
		{ 3, BASIC_PASSWORD_BYTES, 1 },
		{ 3, BASIC_PASSWORD_BYTES + 1, 0 },
		{ BASIC_USER_BYTES, BASIC_PASSWORD_BYTES, 1 },
		{ BASIC_USER_BYTES, BASIC_PASSWORD_BYTES + 1, 0 },
		{ BASIC_USER_BYTES, BASIC_PASSWORD_BYTES + 2, 0 },
		{ BASIC_USER_BYTES, BASIC_PASSWORD_BYTES + 3, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(lengths); i++) {
		size_t bytes = lengths[i][0] + 1 + lengths[i][1];
		struct basic basic;
		char *header;

		memset(pair, 'x', sizeof(pair));
		pair[lengths[i][0]] = ':';
		header = craft_header(pair, bytes);
		if (lengths[i][2])
			assert_parsed(pair, bytes, lengths[i][0]);
		else
			assert_int_equal(basic_parse(header, &basic), -EINVAL);
		free(header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_colon_ends_the_name),
		cmocka_unit_test(test_the_scheme_is_taken_in_any_case),
		cmocka_unit_test(test_anything_else_is_no_basic_header),
		cmocka_unit_test(test_every_character_has_its_value),
		cmocka_unit_test(test_what_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
