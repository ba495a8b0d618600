/* SPDX-License-Identifier: MIT */
/* Confinement: after it, four system calls are left */
#pragma once

#include <seccomp.h>
#include <stdint.h>

#define SANDBOX_IPC 3 /* descriptor of the socketpair */

/* The seccomp filter, not yet loaded; NULL if it can't be made exactly */
scmp_filter_ctx sandbox_policy(int ring_fd);

/* Landlock (@ret_landlock: its ABI), limits, seccomp. Should: run when the ring is bound and capabilities
 * are gone. Mustn't: be followed by anything that allocates, opens or prints.
 * Return: 0, negative errno; then the process must end
 */
int sandbox_enter(int ring_fd, uint32_t *ret_landlock);
