/* SPDX-License-Identifier: MIT */
/* Starting dnstt_capture, and giving up what only it needs */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/reason.h"
#include "common/config.h"

struct capture_process {
	pid_t pid;
	int ipc; /* SOCK_SEQPACKET, nonblocking; capture has the other end */
};

/* The user to switch to when started as root */
struct spawn_user {
	uid_t uid;
	gid_t gid;
	const char *name;
};

/**
 * spawn_allowed() - Whether this process may start capture: it has CAP_NET_RAW
 * @ret_reason:	Filled on failure: one line
 *
 * Return: 0, -EPERM without it, or why that can't be found out
 */
int spawn_allowed(struct reason *ret_reason);

/**
 * spawn_user() - The user to switch to: "dnstt_exporter" if it exists, else "nobody"
 * @ret_reason:	Filled on failure: one line
 *
 * Return: 0; 1 if this process is not root and keeps its user; -ENOENT, or why none can be looked up
 */
int spawn_user(struct spawn_user *ret_user, struct reason *ret_reason);

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
 * spawn_has_ended() - Whether capture has ended, or does so within a second
 * @ret_how:	Filled then; its si_pid is 0 if that can't be found out
 *
 * Without a pidfd, which Linux before 5.3 and some sandboxes do not have. Calls after the first that
 * returned true return true as well, and fill in nothing. System calls: waitid, poll.
 */
bool spawn_has_ended(const struct capture_process *process, siginfo_t *ret_how);

/**
 * spawn_kill() - Kill capture, and wait for its end, a second at most: one that hangs in the kernel
 *		  may not even be killed
 *
 * System calls: kill, waitid, poll.
 */
void spawn_kill(const struct capture_process *process);

/**
 * spawn_drop() - Switch to @user if not NULL, give up every capability, and hide from others of the user
 * @ret_reason:	Filled on failure: one line
 *
 * Return: 0, negative errno; then the process must end
 */
int spawn_drop(const struct spawn_user *user, struct reason *ret_reason);
