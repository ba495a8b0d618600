/* SPDX-License-Identifier: MIT */
/* Memory of tables: zero, bounded as a whole, and taken when it is written to */
#include "base/table.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define MIB  ((size_t)1 << 20)
#define ROWS (16 * MIB / 64)

static void test_rows_are_zero_and_begin_with_a_page(void **state)
{
	uint8_t *table = table_make(100, 7);

	(void)state;
	assert_non_null(table);
	assert_int_equal((uintptr_t)table % 4096, 0);
	for (size_t i = 0; i < 700; i++)
		assert_int_equal(table[i], 0);
	memset(table, 1, 700);
	table_free(table, 100, 7);
	table_free(NULL, 100, 7);
}

#if !TABLE_IS_WATCHED
static void test_what_is_not_written_to_takes_no_memory(void **state)
{
	const long before = unit_resident(), all = (long)(16 * MIB) / sysconf(_SC_PAGESIZE);
	uint8_t *table = table_make(ROWS, 64);

	(void)state;
	assert_non_null(table);
	assert_true(unit_resident() - before < all / 8);
	memset(table, 1, 8 * MIB);
	assert_true(unit_resident() - before > all * 3 / 8);
	assert_true(unit_resident() - before < all * 5 / 8);
	table_free(table, ROWS, 64);
	assert_true(unit_resident() - before < all / 8);
}

/* Whether a process that may have so much private memory gets a table of 16 MiB, of which it writes nothing */
static bool gets(size_t bytes)
{
	const struct rlimit limit = { bytes, bytes };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setrlimit(RLIMIT_DATA, &limit) < 0 ? 2 : !table_make(ROWS, 64));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 0;
}

static void test_what_may_not_come_to_be_is_refused_at_once(void **state)
{
	(void)state;
	assert_true(gets(64 * MIB));
	assert_false(gets(15 * MIB));
	assert_null(table_make(SIZE_MAX / 4096, 1024));
}
#endif

static void test_sizes_that_overflow_are_refused(void **state)
{
	(void)state;
	assert_null(table_make((SIZE_MAX >> 4) + 2, 16)); /* would be 16 bytes */
	assert_null(table_make(16, (SIZE_MAX >> 4) + 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_zero_and_begin_with_a_page),
#if !TABLE_IS_WATCHED
		cmocka_unit_test(test_what_is_not_written_to_takes_no_memory),
		cmocka_unit_test(test_what_may_not_come_to_be_is_refused_at_once),
#endif
		cmocka_unit_test(test_sizes_that_overflow_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
