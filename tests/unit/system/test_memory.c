/* SPDX-License-Identifier: MIT */
/* How much memory there is, as the kernel's files say it */
#include "system/memory.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define KIB 1024ull
#define MIB (1024 * KIB)

/* A file system of our own, made anew for each test */
static char root[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_memory.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status, (void)type, (void)place;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const char *text)
{
	char name[512];
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *slash = name + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		assert_true(mkdir(name, 0755) == 0 || errno == EEXIST);
	}
	file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

#define MEMINFO                                                      \
	"MemTotal:       24656612 kB\nMemFree:        19187352 kB\n" \
	"MemAvailable:        100 kB\nSwapCached:            7 kB\nSwapFree:              20 kB\n"

static void test_nothing_known_is_no_limit(void **state)
{
	(void)state;
	assert_true(memory_room(root) == UINT64_MAX);
	write_file("/proc/meminfo", "MemTotal: 5 kB\n");
	write_file("/proc/self/cgroup", "");
	assert_true(memory_room(root) == UINT64_MAX);
	write_file("/proc/self/cgroup", "0\n0:\n::\n0::\n\n7:cpu:/x\nnonsense");
	assert_true(memory_room(root) == UINT64_MAX);
}

static void test_what_the_host_has_available_is_room_and_swap_is(void **state)
{
	(void)state;
	write_file("/proc/meminfo", MEMINFO);
	assert_int_equal(memory_room(root), 120 * KIB);
	write_file("/proc/self/cgroup", "0::/a.slice\n");
	write_file("/sys/fs/cgroup/a.slice/memory.max", "max\n");
	assert_int_equal(memory_room(root), 120 * KIB);
	write_file("/sys/fs/cgroup/a.slice/memory.max", "122881\n");
	assert_int_equal(memory_room(root), 120 * KIB);
	write_file("/sys/fs/cgroup/a.slice/memory.max", "4096\n");
	assert_int_equal(memory_room(root), 4096);
}

static void test_tightest_of_the_cgroups_counts(void **state)
{
	(void)state;
	write_file("/proc/self/cgroup", "0::/a.slice/b.service/c\n");
	write_file("/sys/fs/cgroup/a.slice/b.service/memory.max", "8192\n");
	assert_int_equal(memory_room(root), 8192);
	write_file("/sys/fs/cgroup/a.slice/b.service/c/memory.max", "9000\n");
	assert_int_equal(memory_room(root), 8192);
	write_file("/sys/fs/cgroup/a.slice/memory.max", "7000\n");
	assert_int_equal(memory_room(root), 7000);
	write_file("/sys/fs/cgroup/memory.max", "6000\n"); /* a container's */
	assert_int_equal(memory_room(root), 6000);
	write_file("/proc/self/cgroup", "0::/\n");
	assert_int_equal(memory_room(root), 6000);
	write_file("/proc/self/cgroup", "0::/../../elsewhere\n");
	assert_int_equal(memory_room(root), 6000);
}

static void test_memory_controller_of_old_cgroups_counts(void **state)
{
	(void)state;
	write_file("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n");
	write_file("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	assert_true(memory_room(root) == 9223372036854771712u);
	write_file("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "5000\n");
	assert_int_equal(memory_room(root), 5000);
}

/* Whether a process that is bound so gets as much */
static bool gets(uint64_t room, size_t bytes)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (memory_bound(room) != 0)
			_exit(2);
		/* As malloc() does for so much */
		_exit(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0) == MAP_FAILED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 0;
}

static void test_no_more_than_the_room_is_given(void **state)
{
	(void)state;
	assert_true(gets(UINT64_MAX, 256 * MIB));
	assert_true(gets(INT64_MAX, 256 * MIB));
	assert_true(gets(300 * MIB, 256 * MIB));
	assert_false(gets(200 * MIB, 256 * MIB));
	assert_false(gets(0, 256 * MIB));
}

#define IN_A_ROOT(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_ROOT(test_nothing_known_is_no_limit),
		IN_A_ROOT(test_what_the_host_has_available_is_room_and_swap_is),
		IN_A_ROOT(test_tightest_of_the_cgroups_counts),
		IN_A_ROOT(test_memory_controller_of_old_cgroups_counts),
		cmocka_unit_test(test_no_more_than_the_room_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
