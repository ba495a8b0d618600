/* SPDX-License-Identifier: MIT */
/* The folders that stay readable, so that files which are replaced can be read again */
#include "system/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of this system may be older than the kernel, so its numbers stand here */
#define LANDLOCK_BENEATH   1 /* LANDLOCK_RULE_PATH_BENEATH */
#define LANDLOCK_READ_FILE (1u << 2)
#define LANDLOCK_READ_DIR  (1u << 3)

#define LINKS 16 /* of one path; the kernel follows 40 */

/* Paths to look at: that of the file, and what links on the way to it lead to */
struct walk {
	char path[1 + LINKS][PATH_MAX];
	size_t count;
};

/* "/a/b" of "/a/b/c", and "." of "c". Return: false if it has no room */
static bool folder_of(const char *path, char ret_folder[PATH_MAX])
{
	const char *name = strrchr(path, '/');
	int bytes = name ? (int)(name - path) + (name == path) : 0;

	return snprintf(ret_folder, PATH_MAX, "%.*s", bytes ? bytes : 1, bytes ? path : ".") <
	       PATH_MAX;
}

static void add(struct folders *folders, const char *folder)
{
	int found;

	for (size_t i = 0; i < folders->count; i++)
		if (strcmp(folders->path[i], folder) == 0)
			return;
	found = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (found < 0)
		return;
	(void)close(found);
	if (folders->count == FOLDERS_MAX)
		return;
	memcpy(folders->path[folders->count], folder, strlen(folder) + 1);
	folders->list[folders->count] = folders->path[folders->count];
	folders->count++;
}

/* Whether it is deeper than "/etc" */
static bool is_deep(const char *folder)
{
	char real[PATH_MAX];

	return realpath(folder, real) && strchr(real + 1, '/');
}

/* Where a link leads to, from here */
static void follow(struct walk *walk, const char *link)
{
	char *path = walk->path[walk->count], target[PATH_MAX], folder[PATH_MAX];
	ssize_t bytes = readlink(link, target, sizeof(target) - 1);

	if (bytes <= 0 || walk->count > LINKS || !folder_of(link, folder))
		return;
	while (bytes > 1 && target[bytes - 1] == '/')
		bytes--;
	target[bytes] = '\0';
	if (snprintf(path, PATH_MAX, "%s%s%s", target[0] == '/' ? "" : folder,
		     target[0] == '/' ? "" : "/", target) < PATH_MAX)
		walk->count++;
}

/* The links of a path, from the front to its end */
static void follow_links_of(struct walk *walk, const char *path)
{
	char part[PATH_MAX];
	struct stat status;

	for (size_t i = 1; i < PATH_MAX; i++) {
		if (path[i] == '/' || path[i] == '\0') {
			memcpy(part, path, i);
			part[i] = '\0';
			if (lstat(part, &status) == 0 && S_ISLNK(status.st_mode))
				follow(walk, part);
		}
		if (path[i] == '\0')
			return;
	}
}

void folders_add(struct folders *folders, const char *file)
{
	static struct walk walk;
	char folder[PATH_MAX];
	struct stat status;

	walk.count = 0;
	if (file[0] != '\0' && snprintf(walk.path[0], PATH_MAX, "%s", file) < PATH_MAX)
		walk.count = 1;
	for (size_t i = 0; i < walk.count; i++) {
		const char *path = walk.path[i];
		bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

		if (folder_of(path, folder) && (!is_folder || is_deep(folder)))
			add(folders, folder);
		follow_links_of(&walk, path);
	}
}

static int allow_reading(int ruleset, const char *folder)
{
	struct {
		uint64_t allowed;
		int32_t parent;
	} __attribute__((packed)) beneath = { .allowed = LANDLOCK_READ_FILE | LANDLOCK_READ_DIR };
	long failed;

	beneath.parent = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (beneath.parent < 0)
		return -errno;
	failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &beneath, 0);
	close(beneath.parent);
	return failed < 0 ? -errno : 0;
}

int folders_allow(int ruleset, const void *context)
{
	const struct folders *folders = context;
	int failed = 0;

	for (const char *const *folder = folders->list; *folder && !failed; folder++)
		failed = allow_reading(ruleset, *folder);
	return failed;
}
