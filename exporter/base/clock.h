/* SPDX-License-Identifier: MIT */
/* The two clocks, in nanoseconds */
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND_NS UINT64_C(1000000000)

static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Since some moment before the start; it never goes back. What a deadline or an age is reckoned by. */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Since 1970, as the machine believes */
static inline uint64_t clock_realtime_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

/* The same moment by both */
struct moment {
	uint64_t monotonic_ns, realtime_ns;
};

static inline struct moment clock_now(void)
{
	return (struct moment){ clock_monotonic_ns(), clock_realtime_ns() };
}
