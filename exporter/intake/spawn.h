/* SPDX-License-Identifier: MIT */
/* Starting dnstt_capture, and giving up what only it needs */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/reason.h"
#include "common/config.h"

struct capture_process {
	pid_t pid;
	int pidfd; /* readable when it has ended */
	int ipc;   /* SOCK_SEQPACKET, nonblocking; capture has the other end */
};

/* The user to switch to when started as root */
struct spawn_user {
	uid_t uid;
	gid_t gid;
	const char *name;
};

/**
 * spawn_allowed() - Whether this process may start capture: it has CAP_NET_RAW
 */
bool spawn_allowed(void);

/**
 * spawn_user() - The user to switch to: "dnstt_exporter" if it exists, else "nobody"
 *
 * Return: 0; 1 if this process is not root and keeps its user; -ENOENT
 */
int spawn_user(struct spawn_user *ret_user);

/**
 * spawn_capture() - Start capture and tell it what to do
 * @program:	Its path
 * @user:	Whom it runs as, NULL for the same as now
 * @ret_reason:	Filled on failure: one line
 *
 * It gets CAP_NET_RAW as its only, ambient capability, no environment, and descriptors 0 to 3:
 * /dev/null twice, standard error, the socketpair.
 *
 * Return: 0, negative errno
 */
int spawn_capture(const char *program, const struct config *config, const struct spawn_user *user,
		  struct capture_process *ret_process, struct reason *ret_reason);

/**
 * spawn_drop() - Switch to @user if not NULL, give up every capability, and hide from others of the user
 *
 * Return: 0, negative errno; then the process must end
 */
int spawn_drop(const struct spawn_user *user);
