/* SPDX-License-Identifier: MIT */
/* How much memory there is, so that tables too large for it are refused */
#include "system/memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEXT_BYTES 8192 /* of files in /proc that are shorter by far */

static bool read_text(const char *root, const char *path, char ret_text[TEXT_BYTES])
{
	char name[PATH_MAX];
	ssize_t length = -1;
	int fd;

	snprintf(name, sizeof(name), "%s%s", root, path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, ret_text, TEXT_BYTES - 1);
		close(fd);
	}
	if (length < 0)
		return false;
	ret_text[length] = '\0';
	return true;
}

/* Bytes of a line of /proc/meminfo, as in "\nSwapFree:  1024 kB"; 0 without it */
static uint64_t bytes_of(const char *meminfo, const char *line)
{
	const char *found = strstr(meminfo, line);

	return found ? strtoull(found + strlen(line), NULL, 10) << 10 : 0;
}

static uint64_t available(const char *root)
{
	char text[TEXT_BYTES];
	uint64_t memory =
		read_text(root, "/proc/meminfo", text) ? bytes_of(text, "\nMemAvailable:") : 0;

	return memory == 0 ? UINT64_MAX : memory + bytes_of(text, "\nSwapFree:");
}

/* The least limit of a cgroup and of those around it. In a container, which sees its own as the top,
 * and in one that sees all but its own, some are not there.
 */
static uint64_t limit_of(const char *root, const char *mount, const char *file, char *cgroup)
{
	uint64_t least = UINT64_MAX;
	char path[PATH_MAX], text[TEXT_BYTES], *slash;

	do {
		snprintf(path, sizeof(path), "%s%s/%s", mount, cgroup, file);
		if (read_text(root, path, text) && isdigit((unsigned char)text[0])) {
			uint64_t limit = strtoull(text, NULL, 10);

			least = limit < least ? limit : least;
		}
		slash = strrchr(cgroup, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return least;
}

uint64_t memory_room(const char *root)
{
	char text[TEXT_BYTES], *line, *rest = text;
	uint64_t room = available(root);

	if (!read_text(root, "/proc/self/cgroup", text))
		return room;
	/* "0::/system.slice/x.service", or "4:memory:/..." (cgroups(7)) */
	while ((line = strsep(&rest, "\n"))) {
		char *controllers = strchr(line, ':');
		char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;
		uint64_t limit = UINT64_MAX;

		if (cgroup && cgroup == controllers + 1)
			limit = limit_of(root, "/sys/fs/cgroup", "memory.max", cgroup + 1);
		else if (cgroup && strncmp(controllers, ":memory:", 8) == 0)
			limit = limit_of(root, "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
					 cgroup + 1);
		room = limit < room ? limit : room;
	}
	return room;
}

int memory_bound(uint64_t room)
{
	unsigned long pages;
	struct rlimit limit;
	char text[TEXT_BYTES];

	/* Where huge pages are given to all ("always", as Debian has it), the first byte of a table
	 * would take 2 MiB. Without this it is only dearer.
	 */
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	/* The limit is for all that is private and writable, of which there is some already */
	if (!read_text("", "/proc/self/statm", text) ||
	    sscanf(text, "%*u %*u %*u %*u %*u %lu", &pages) != 1 ||
	    getrlimit(RLIMIT_DATA, &limit) < 0)
		return 0;
	pages *= (unsigned long)sysconf(_SC_PAGESIZE);
	if (room == UINT64_MAX || room + pages >= limit.rlim_cur)
		return 0;
	limit.rlim_cur = room + pages;
	return setrlimit(RLIMIT_DATA, &limit) < 0 ? -errno : 0;
}
