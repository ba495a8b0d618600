/* SPDX-License-Identifier: MIT */
/* The last hour of this process, for the page: a sample each 15 seconds, in fixed memory */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"

#define HISTORY_INTERVAL_NS (UINT64_C(15) * 1000000000)
#define HISTORY_HOUR_NS	    (UINT64_C(3600) * 1000000000)
#define HISTORY_SAMPLES	    241 /* the 240 intervals of an hour have 241 ends */

struct batch_state;
struct traffic;

/* Counters are as they stood: what happened between two samples is their difference */
struct history_sample {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	uint64_t queries;
	uint64_t bytes_in, bytes_out; /* DNS messages */
	uint64_t drops, evictions;
	uint64_t clients_ns; /* when there were that many */
	uint32_t clients;    /* most at one time since the sample before */
	uint32_t domain_clients
		[CONFIG_DOMAINS]; /* then: who is active for 30 s can't fall between */
};

struct history {
	struct history_sample sample[HISTORY_SAMPLES];
	uint32_t oldest, count;
	uint64_t most_ns, peak_ns;		/* when it was reached */
	uint32_t most;				/* clients at one time, since the latest sample */
	uint32_t peak;				/* the same, since the start */
	uint64_t due_ns;			/* of the next sample */
	uint64_t unanswered_ns[CONFIG_DOMAINS]; /* see history_unanswered() */
	uint64_t idle_ns[CONFIG_DOMAINS];	/* see history_not_working() */
};

/**
 * history_open() - Nothing yet, in memory that is there from the start
 */
void history_open(struct history *ret_history);

/**
 * history_advance() - Look at the traffic, and take a sample if one is due
 * @traffic:	After sessions_advance() to @now_ns
 * @now_ns:	CLOCK_MONOTONIC
 *
 * To be called each second or more often, and before anything is shown. A sample that nobody came
 * to take is not made up later: there is a gap. Makes no system calls and takes no memory.
 */
void history_advance(struct history *history, const struct traffic *traffic,
		     const struct batch_state *capture, uint64_t now_ns);

/**
 * history_now() - What a sample taken now would hold; clients are those of now
 */
void history_now(const struct traffic *traffic, const struct batch_state *capture, uint64_t now_ns,
		 struct history_sample *ret_sample);

/**
 * history_sample() - The samples in the order of time
 * @index:	Below history->count
 */
const struct history_sample *history_sample(const struct history *history, uint32_t index);

/**
 * history_before() - The latest sample that is no later than a time
 *
 * Return: that, or the oldest one if all are later, or NULL if there is none
 */
const struct history_sample *history_before(const struct history *history, uint64_t at_ns);

/**
 * history_joined() - Whether no sample is missing between two that follow each other
 */
bool history_joined(const struct history_sample *earlier, const struct history_sample *later);

/**
 * history_unanswered() - Since when a domain's queries have had no answer
 * @domain:	Index
 *
 * Return: time of the first one that was accepted after the latest answer with data, 0 if there is
 * none. It may be late by the time between two calls of history_advance().
 */
uint64_t history_unanswered(const struct history *history, uint32_t domain);

/**
 * history_not_working() - Since when a domain has active clients, and none of them works
 * @domain:	Index
 *
 * Return: that time, 0 if one works or none is active; always 0 where that is not known
 */
uint64_t history_not_working(const struct history *history, uint32_t domain);
