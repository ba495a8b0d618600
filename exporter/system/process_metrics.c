/* SPDX-License-Identifier: MIT */
/* process_* as client_golang's process collector has them */
#include "system/process_metrics.h"

#include "metrics/exposition.h"
#include "system/process.h"

#define USAGE(member) offsetof(struct process_usage, member)

const struct family process_metrics_families[] = {
	{ "process_cpu_seconds", COUNTER, "Total user and system CPU time spent in seconds.",
	  &exposition_seconds, USAGE(cpu_ns) },
	{ "process_max_fds", GAUGE, "Maximum number of open file descriptors.", &exposition_number,
	  USAGE(max_descriptors) },
	{ "process_open_fds", GAUGE, "Number of open file descriptors.", &exposition_number,
	  USAGE(descriptors) },
	{ "process_resident_memory_bytes", GAUGE, "Resident memory size in bytes.",
	  &exposition_number, USAGE(resident_bytes) },
	{ "process_start_time_seconds", GAUGE,
	  "Start time of the process since unix epoch in seconds.", &exposition_seconds,
	  USAGE(start_ns) },
	{ "process_virtual_memory_bytes", GAUGE, "Virtual memory size in bytes.",
	  &exposition_number, USAGE(virtual_bytes) },
	{ "process_virtual_memory_max_bytes", GAUGE,
	  "Maximum amount of virtual memory available in bytes.", &exposition_number,
	  USAGE(max_virtual_bytes) },
	{ 0 },
};
