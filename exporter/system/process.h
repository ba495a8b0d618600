/* SPDX-License-Identifier: MIT */
/* What this process uses, as process_* metrics show it (client_golang's process collector) */
#pragma once

#include <stdint.h>

/* A number that can't be read is 0. Descriptors of /proc/self that stay readable when the process is confined */
struct process {
	int stat_fd, descriptors_fd;
	uint64_t start_ns; /* since 1970 */
	uint64_t max_descriptors, max_virtual_bytes;
};

struct process_usage {
	uint64_t cpu_ns, virtual_bytes, resident_bytes, descriptors;
	uint64_t start_ns, max_descriptors, max_virtual_bytes; /* as in struct process */
};

/**
 * process_open() - Open what process_usage() reads
 */
void process_open(struct process *ret_process);

/**
 * process_usage() - Usage now. System calls: pread, lseek, getdents64, getrusage
 */
void process_usage(const struct process *process, struct process_usage *ret_usage);
