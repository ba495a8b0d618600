/* SPDX-License-Identifier: MIT */
/* What both processes do to themselves before they read a byte from outside. No step can be undone. */
#pragma once

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * confine_drop_capabilities() - Give up every capability, for good, and prove it
 *
 * The permitted, effective, inheritable and ambient sets are emptied and read back; a new packet
 * socket must be refused. Sets no-new-privileges. The bounding set can't be emptied without
 * CAP_SETPCAP, and grants nothing by itself any more. System calls: capset, capget, prctl, socket.
 *
 * Return: 0, -EPERM if anything is left, or what a system call says
 */
int confine_drop_capabilities(void);

/* Puts what may still be done into a Landlock ruleset. Return: 0, negative errno */
typedef int confine_allow(int ruleset, const void *context);

/**
 * confine_files() - Landlock: no file but what @allow allows
 * @allow:	NULL: none
 * @context:	For it
 * @signals:	Whether processes that run already can still be signalled. Without it not even the
 *		kernel does so in this one's name: PR_SET_PDEATHSIG of a child no longer works
 *
 * Denies what the kernel's Landlock can deny besides: TCP connections, and abstract sockets of, and
 * signals to, processes outside (Linux 6.7, 6.12). System calls: landlock_*, close, and those of @allow.
 *
 * Return: ABI of the kernel's Landlock, 0 if it has none (nothing was done), negative errno
 */
int confine_files(confine_allow *allow, const void *context, bool signals);

#define CONFINE_TESTS 4

/* A system call and the values that its arguments must have, all of them */
struct confine_rule {
	int call;
	unsigned tests;
	struct scmp_arg_cmp test[CONFINE_TESTS];
};

/* An argument equals a value, in all 64 bits */
#define CONFINE_IS(argument, value) SCMP_CMP64(argument, SCMP_CMP_EQ, (scmp_datum_t)(value), 0)

/**
 * confine_policy() - seccomp filter that allows @rules and nothing else
 * @otherwise:	What a call that no rule allows leads to
 *
 * One rule for a system call and only tests for equality: libseccomp before 2.6.1 merged others
 * wrongly (GHSA-4q85-33p6-j5g6). Calls of a foreign ABI end the process.
 *
 * Return: the filter, not yet loaded; NULL if it can't be made exactly so
 */
scmp_filter_ctx confine_policy(uint32_t otherwise, const struct confine_rule *rules, size_t count);
