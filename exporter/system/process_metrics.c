/* SPDX-License-Identifier: MIT */
/* process_* as client_golang's process collector has them */
#include "system/process_metrics.h"

#include "metrics/exposition.h"
#include "metrics/sample.h"
#include "system/process.h"

/* What can't be read, as without /proc, is 0 nowhere else, and is left out */
static void write_known(struct text *text, const struct family *family, const void *source)
{
	if (sample_number(source, family) != 0)
		sample_field(text, family, source);
}

static void write_known_seconds(struct text *text, const struct family *family, const void *source)
{
	if (sample_number(source, family) != 0)
		sample_seconds(text, family, source);
}

static const struct family_shape known = { write_known, NULL };
static const struct family_shape known_seconds = { write_known_seconds, NULL };

#define USAGE(member) offsetof(struct process_usage, member)

const struct family process_metrics_families[] = {
	{ "process_cpu_seconds", COUNTER, "Total user and system CPU time spent in seconds.",
	  &known_seconds, USAGE(cpu_ns) },
	{ "process_max_fds", GAUGE, "Maximum number of open file descriptors.", &known,
	  USAGE(max_descriptors) },
	{ "process_open_fds", GAUGE, "Number of open file descriptors.", &known,
	  USAGE(descriptors) },
	{ "process_resident_memory_bytes", GAUGE, "Resident memory size in bytes.", &known,
	  USAGE(resident_bytes) },
	{ "process_start_time_seconds", GAUGE,
	  "Start time of the process since unix epoch in seconds.", &known_seconds,
	  USAGE(start_ns) },
	{ "process_virtual_memory_bytes", GAUGE, "Virtual memory size in bytes.", &known,
	  USAGE(virtual_bytes) },
	{ "process_virtual_memory_max_bytes", GAUGE,
	  "Maximum amount of virtual memory available in bytes.", &known,
	  USAGE(max_virtual_bytes) },
	{ 0 },
};
