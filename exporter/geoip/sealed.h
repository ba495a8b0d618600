/* SPDX-License-Identifier: MIT */
/* A file as a sealed copy in memory: what happens to the file afterwards can't reach who maps it
 *
 * A mapped file that is cut short kills a process that reads past its new end (SIGBUS), and one that is
 * written over changes under the reader. A memfd with its seals set does neither.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/file.h"
#include "base/reason.h"

/* A copy being made, or made. Starts as SEALED_EMPTY; sealed_end() makes it that again. */
struct sealed {
	int source; /* -1 once all of it is copied */
	int copy;   /* memfd */
	uint64_t done;
	struct file_identity identity; /* of the file as it was opened */
};

#define SEALED_EMPTY ((struct sealed){ .source = -1, .copy = -1 })

/**
 * sealed_begin() - Open a file and make room for its copy
 * @path:	Opened as it stands; links are followed
 * @bytes_max:	A larger file is refused
 * @ret_sealed:	Must be empty; filled on success
 * @ret_fault:	Filled on failure: what is wrong and what to do about it, without the path
 *
 * Nothing but a regular file is opened, so that no FIFO keeps the caller waiting and no device
 * takes it for a command; a FIFO that takes the file's place in between doesn't either.
 *
 * System calls: newfstatat, openat (O_RDONLY, O_NONBLOCK, O_NOCTTY, O_CLOEXEC), memfd_create,
 * close.
 *
 * Return: 0, -EISDIR, -EINVAL for what is not a file either, -EBADMSG if it is empty, -EFBIG, or what
 * a system call says
 */
int sealed_begin(const char *path, uint64_t bytes_max, struct sealed *ret_sealed,
		 struct reason *ret_fault);

/**
 * sealed_step() - Copy the next MiB; after the last one, seal the copy
 * @ret_fault:	As for sealed_begin()
 *
 * System calls: read, write, newfstatat, fcntl (F_ADD_SEALS), close.
 *
 * Return: 1 if there is more to copy, 0 once the copy is sealed, -EAGAIN if the file was written
 * to meanwhile, or what a system call says
 */
int sealed_step(struct sealed *sealed, struct reason *ret_fault);

/**
 * sealed_end() - Close what is open
 */
void sealed_end(struct sealed *sealed);
