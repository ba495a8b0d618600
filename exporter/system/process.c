/* SPDX-License-Identifier: MIT */
/* What this process uses */
#include "system/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t limit_of(__rlimit_resource_t what)
{
	struct rlimit limit = { 0 };

	getrlimit(what, &limit);
	return limit.rlim_cur;
}

void process_open(struct process *ret_process)
{
	*ret_process = (struct process){
		.stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC),
		.descriptors_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.start_ns = clock_realtime_ns(),
		.max_descriptors = limit_of(RLIMIT_NOFILE),
		.max_virtual_bytes = limit_of(RLIMIT_AS),
	};
}

/* Fields 23 and 24 of proc(5) stat; the second field, a name, may hold anything but ends with ')' */
static void read_memory(int fd, struct process_usage *usage)
{
	unsigned long virtual = 0;
	long pages = 0;
	char text[1024];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	const char *rest;

	if (length <= 0)
		return;
	text[length] = '\0';
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %*u %lu %ld",
			    &virtual, &pages) != 2)
		return;
	usage->virtual_bytes = virtual;
	usage->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_descriptors(int fd)
{
	char buffer[4096] __attribute__((aligned(8)));
	uint64_t count = 0;
	ssize_t bytes;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return 0;
	while ((bytes = getdents64(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < bytes;) {
			const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);

			count += entry->d_name[0] != '.';
			at += entry->d_reclen;
		}
	return bytes < 0 ? 0 : count;
}

void process_usage(const struct process *process, struct process_usage *ret_usage)
{
	struct rusage used = { 0 };

	*ret_usage = (struct process_usage){ .start_ns = process->start_ns,
					     .max_descriptors = process->max_descriptors,
					     .max_virtual_bytes = process->max_virtual_bytes };
	getrusage(RUSAGE_SELF, &used);
	ret_usage->cpu_ns = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
			    (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
	read_memory(process->stat_fd, ret_usage);
	ret_usage->descriptors = count_descriptors(process->descriptors_fd);
}
