/* SPDX-License-Identifier: MIT */
/* -capture.interface: which interfaces count, by name, as they come and go
 *
 * A name is one that the kernel takes for an interface: its own, or one of its other names
 * (ip-link(8) altname) of up to 15 characters.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define INTERFACES_MAX 64

struct interfaces {
	struct {
		char name[IF_NAMESIZE];
		uint32_t index; /* 0: there is none of that name now */
	} interface[INTERFACES_MAX];
	uint32_t count; /* 0: all interfaces count */
	int fd;		/* netlink socket to be polled for input, -1 without */
};

/**
 * interfaces_open() - Look the names up, and ask the kernel for news of them (rtnetlink(7),
 *		       RTMGRP_LINK)
 * @names:	Each of up to 15 characters; kept only as a copy
 * @count:	INTERFACES_MAX at most; with none all interfaces count and nothing is asked for
 *
 * One that is not there yet is logged, and counts from when it comes.
 *
 * Return: 0, negative errno
 */
int interfaces_open(struct interfaces *ret_interfaces, const char *const *names, uint32_t count);

/**
 * interfaces_read() - Take in what is new, and log what is gone or there again
 *
 * System calls: recvmsg, sendto, write.
 */
void interfaces_read(struct interfaces *interfaces);

static inline bool interfaces_wanted(const struct interfaces *interfaces, uint32_t index)
{
	for (uint32_t i = 0; i < interfaces->count; i++)
		if (interfaces->interface[i].index == index && index != 0)
			return true;
	return interfaces->count == 0;
}
