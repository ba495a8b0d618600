/* SPDX-License-Identifier: MIT */
/* One epoll loop: descriptors and what to do when they are ready */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop_source {
	int fd;
	void (*ready)(void *context, uint32_t events);
	void *context;
};

/**
 * loop_add() - Watch a descriptor for as long as the program runs
 * @source:	Kept
 *
 * Return: 0, negative errno
 */
static inline int loop_add(int epoll, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}
