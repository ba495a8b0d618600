/* SPDX-License-Identifier: MIT */
/* Numbers in text from outside */
#include "base/number.h"

#include <errno.h>

#include "unit.h"

static void test_numbers_are_read_as_go_reads_them(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned long number;
	} cases[] = {
		{ "53", 0, 53 },
		{ "0x35", 0, 53 },
		{ "0X35", 0, 53 },
		{ "010", 0, 8 },
		{ "0", -ERANGE, 0 },
		{ "1", 0, 1 },
		{ "1000", 0, 1000 },
		{ "1001", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1a", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "08", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "x", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "36893488147419103233", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned long number = 7;

		assert_int_equal(number_parse(cases[i].text, 1, 1000, &number), cases[i].result);
		assert_int_equal(number, cases[i].result ? 7 : cases[i].number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_read_as_go_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
