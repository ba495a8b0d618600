/* SPDX-License-Identifier: MIT */
/* How much memory there is, so that tables too large for it are refused
 *
 * The kernel promises more than it has, and kills who takes it at its word. That would leave no line
 * in the log, and a service manager would start it all again. So the tables count whole at the start
 * (base/table.h), though they take only what is used of them.
 */
#pragma once

#include <stdint.h>

/**
 * memory_room() - Bytes that there are: what the host has available, or the cgroups allow, if less
 * @root:	"", or where a test has its own /proc and /sys
 *
 * Of cgroups (cgroup v2, or the memory controller of v1) the tightest counts, this process's or one
 * around it. What can't be read sets no limit.
 *
 * Return: UINT64_MAX if nothing is known
 */
uint64_t memory_room(const char *root);

/**
 * memory_bound() - Let no more than that be taken from now on: mmap() and malloc() fail instead
 *
 * Pages are taken one at a time from now on, never a huge one.
 *
 * To be called before the sandbox, which has neither setrlimit() nor prctl(). Without /proc, which
 * tells what is taken already, there is no bound.
 *
 * Return: 0, or why setrlimit() failed
 */
int memory_bound(uint64_t room);
