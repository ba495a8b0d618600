/* SPDX-License-Identifier: MIT */
/* What this process uses, and which of it is shown */
#include "system/process.h"

#include <fcntl.h>
#include <unistd.h>

#include "metrics/exposition.h"
#include "system/process_metrics.h"
#include "unit.h"

static char text[8192];

static void render(const struct process_usage *usage)
{
	const struct collector collector = { process_metrics_families, usage, 0 };
	size_t bytes = exposition_render(&collector, 1, TEXT_0_0_4, text, sizeof(text) - 1);

	assert_true(bytes > 0);
	text[bytes] = '\0';
}

static void test_all_of_it_is_read_where_proc_is(void **state)
{
	struct process process;
	struct process_usage usage;

	(void)state;
	process_open(&process);
	process_usage(&process, &usage);
	assert_true(usage.virtual_bytes >= usage.resident_bytes && usage.resident_bytes > 0);
	assert_true(usage.descriptors >= 3 && usage.descriptors <= usage.max_descriptors);
	render(&usage);
	for (const struct family *family = process_metrics_families; family->name; family++)
		assert_non_null(strstr(text, family->name));
	close(process.stat_fd);
	close(process.descriptors_fd);
}

static void test_what_cannot_be_read_is_left_out(void **state)
{
	static const char *const left_out[] = { "process_open_fds", "process_resident_memory_bytes",
						"process_virtual_memory_bytes " };
	struct process process;
	struct process_usage usage;

	(void)state;
	process_open(&process);
	close(process.stat_fd);
	close(process.descriptors_fd);
	process.stat_fd = process.descriptors_fd = -1;
	process_usage(&process, &usage);
	render(&usage);
	for (size_t i = 0; i < COUNT(left_out); i++)
		assert_null(strstr(text, left_out[i]));
	assert_non_null(strstr(text, "\nprocess_max_fds "));
	assert_non_null(strstr(text, "\nprocess_start_time_seconds "));
	/* A file that is empty, and a folder that is none */
	process.stat_fd = process.descriptors_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	process_usage(&process, &usage);
	render(&usage);
	for (size_t i = 0; i < COUNT(left_out); i++)
		assert_null(strstr(text, left_out[i]));
	close(process.stat_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_is_read_where_proc_is),
		cmocka_unit_test(test_what_cannot_be_read_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
