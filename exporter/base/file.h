/* SPDX-License-Identifier: MIT */
/* Files that the operator names: opened so that nothing else can take their place, and watched */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/reason.h"

/* What stat(2) says of a file. When it was replaced or written to, something here differs; the
 * status time changes with its owner or mode as well. All zero: there is no file that can be seen.
 */
struct file_identity {
	uint64_t device, inode;
	int64_t bytes, modified_ns, status_ns;
};

/**
 * file_identify() - Identity of the file at a path; links are followed
 *
 * System calls: newfstatat.
 *
 * Return: 0; -errno of stat(2), and then the identity is all zero
 */
int file_identify(const char *path, struct file_identity *ret_identity);

/**
 * file_identify_open() - The same of an open file
 */
int file_identify_open(int fd, struct file_identity *ret_identity);

/**
 * file_same() - Whether two identities are those of one file that nobody touched in between
 */
bool file_same(const struct file_identity *one, const struct file_identity *other);

/**
 * file_open() - Open a regular file for reading
 * @ret_identity:	What was opened
 *
 * Nothing else is opened, so that no FIFO or terminal keeps the one event loop waiting and no
 * device takes it for a command; one that takes the file's place in between doesn't either.
 *
 * System calls: newfstatat, openat (O_RDONLY, O_NONBLOCK, O_NOCTTY, O_CLOEXEC), close.
 *
 * Return: descriptor, -EISDIR, -EINVAL for what is not a file either, or what a system call says
 */
int file_open(const char *path, struct file_identity *ret_identity);

/**
 * file_read() - The whole of a regular file in memory of its own
 * @most:	A larger file is refused
 * @ret_bytes:	Without the NUL that is put behind it
 *
 * To be freed with file_free(). System calls: those of file_open(), read.
 *
 * Return: 0, -EFBIG, -ENOMEM, -ETXTBSY if it grew meanwhile, or what file_open() and read(2) say
 */
int file_read(const char *path, size_t most, char **ret_text, size_t *ret_bytes);

/**
 * file_free() - Wipe and free what file_read() gave: it may hold a key
 */
void file_free(char *text, size_t bytes);

/**
 * file_fault() - Why a file can't be opened or read, and what to do about it
 * @error:	errno, as file_open() and file_read() return it; looks at the file, too, so to be
 *		called at once
 * @ret_fault:	One line without the path
 *
 * Where its mode allows what was refused, it says so: a folder that took the place of another is out of
 * the sandbox's reach, and nothing is wrong with the permissions of the file in it. System calls:
 * newfstatat.
 *
 * Return: -@error
 */
int file_fault(const char *path, int error, struct reason *ret_fault);

/* A file that is in use, as it was loaded and as it was last seen */
struct file_watch {
	struct file_identity loaded, seen;
};

struct file_news {
	bool differs; /* from what is loaded */
	bool moved;   /* since it was last seen: somebody may still be at it */
};

/**
 * file_watch_look() - See what there is now, and add to @news what is new about it
 *
 * Several files that belong together are looked at one after the other with the same @news.
 */
void file_watch_look(struct file_watch *watch, const char *path, struct file_news *news);

/**
 * file_settled() - Whether something was replaced, and two looks in a row saw the same
 */
static inline bool file_settled(const struct file_news *news)
{
	return news->differs && !news->moved;
}
