/* SPDX-License-Identifier: MIT */
/* A token bucket in one number: when it would be full again */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_LONGEST_NS ((uint64_t)1 << 61) /* 73 years; sums of three fit 64 bits */

struct bucket {
	uint64_t interval_ns; /* one token comes back in this time; 0: there is no limit */
	uint64_t depth_ns;    /* how far full_ns may lie ahead for one more token to be there */
	uint64_t full_ns;     /* monotonic time at which no token is missing */
};

/**
 * bucket_make() - A full bucket
 * @interval_ns:	Time in which one token comes back, cut to BUCKET_LONGEST_NS; 0: no limit
 * @burst:		Tokens that it holds, at least 1
 */
static inline struct bucket bucket_make(uint64_t interval_ns, uint64_t burst)
{
	struct bucket bucket = { .interval_ns = interval_ns };

	if (interval_ns > BUCKET_LONGEST_NS)
		bucket.interval_ns = BUCKET_LONGEST_NS;
	if (__builtin_mul_overflow(bucket.interval_ns, burst - 1, &bucket.depth_ns) ||
	    bucket.depth_ns > BUCKET_LONGEST_NS)
		bucket.depth_ns = BUCKET_LONGEST_NS;

	return bucket;
}

/**
 * bucket_ready() - Whether a token is there; takes none
 */
static inline bool bucket_ready(const struct bucket *bucket, uint64_t now_ns)
{
	return !bucket->interval_ns || bucket->full_ns <= now_ns + bucket->depth_ns;
}

/**
 * bucket_take() - Take a token if one is there
 * @now_ns:	Monotonic; earlier than before counts as no time passed
 */
static inline bool bucket_take(struct bucket *bucket, uint64_t now_ns)
{
	if (!bucket_ready(bucket, now_ns))
		return false;
	if (bucket->full_ns < now_ns)
		bucket->full_ns = now_ns;
	bucket->full_ns += bucket->interval_ns;

	return true;
}
