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
 * interfaces_add() - One more name that counts
 *
 * Return: 0, -ENODEV if there is no such interface, -ENOSPC if there are too many names
 */
int interfaces_add(struct interfaces *interfaces, const char *name);

/**
 * interfaces_watch() - Ask the kernel for news (rtnetlink(7), RTMGRP_LINK), where names were added
 *
 * Return: 0, negative errno
 */
int interfaces_watch(struct interfaces *interfaces);

/**
 * interfaces_read() - Take in what is new, and log what is gone or there again
 *
 * System calls: recvmsg, sendto, write.
 */
void interfaces_read(struct interfaces *interfaces);

static inline bool interfaces_wanted(const struct interfaces *interfaces, uint32_t index)
{
	for (uint32_t i = 0; i < interfaces->count; i++)
		if (interfaces->interface[i].index == index)
			return true;
	return interfaces->count == 0;
}
