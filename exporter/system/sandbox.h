/* SPDX-License-Identifier: MIT */
/* Confinement of the exporter: what it can still ask of the kernel once it serves
 *
 * Three fences, each good without the others. Landlock: no file but those below the folders of what
 * may be read again (folders.h), and those only for reading; no TCP connection. Limits: no new process, no
 * core dump, no page that is writable and executable. seccomp: the calls that serving, reloading
 * and logging need, by argument where an argument decides what a call can do.
 */
#pragma once

#include <seccomp.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/reason.h"

#define SANDBOX_FILES \
	8 /* two databases; web configuration, certificate, key, client CA; two to spare */

/**
 * sandbox_policy() - The seccomp filter, not yet loaded
 * @self:	This process, which may abort() itself
 * @capture:	The one process that may be killed
 *
 * A call that is not on the list fails with ENOSYS, and ends the process if it is one that only an
 * intruder would make; sandbox.c says why.
 *
 * Return: NULL if it can't be made exactly so
 */
scmp_filter_ctx sandbox_policy(pid_t self, pid_t capture);

/**
 * sandbox_enter() - Landlock, limits and seccomp, for good
 * @files:	Paths of files that will be opened again when they are replaced; NULL for one that is not given
 * @count:	Of them, SANDBOX_FILES at most
 * @capture:	Process number of capture
 * @ret_reason:	Filled on failure: the call, and why
 *
 * Should: run without capabilities, with the final user, after all sockets are open and capture has
 * been started, and before anything that came from outside is parsed. Mustn't: be followed by a
 * change of the working directory, since paths may be relative.
 *
 * What the kernel has of this is logged.
 *
 * Return: 0, negative errno; then the process must end
 */
int sandbox_enter(const char *const *files, size_t count, pid_t capture, struct reason *ret_reason);
