/* SPDX-License-Identifier: MIT */
/* Offers DNSTT traffic to a host at a steady rate, and says how much it was */
#include "crowd.h"
#include "generator_options.h"
#include "inject.h"
#include "sender.h"

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define LATE_NS 100000000u  /* later than this: the rate can't be held, so don't run after it */
#define SPIN_NS 60000u	    /* a sleep may take this much longer than asked for */
#define SECOND	1000000000u /* in nanoseconds */
#define BATCHES 2000	    /* per second, at low rates */
#define REST_NS 200000000u  /* until what was sent has passed, if another core passes it on */

struct generator {
	struct generator_options options;
	struct crowd crowd;
	struct sender queries, responses;
	struct inject inject;
	unsigned host_interface, helper_interface;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void enter_namespace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		error(1, errno, "can't enter %s", path);
	close(fd);
}

static void inject_batch(struct generator *generator, unsigned count)
{
	const struct frame *queries[INJECT_BATCH], *responses[INJECT_BATCH];
	const bool mixed = generator->options.mixed;

	for (unsigned i = 0; i < count; i++) {
		struct exchange exchange = { 0 };

		crowd_next(&generator->crowd, &exchange);
		queries[i] = exchange.query;
		responses[i] = exchange.response;
		sender_count(&generator->queries, exchange.query);
		if (mixed)
			sender_count(&generator->responses, exchange.response);
	}
	inject_send(&generator->inject, generator->host_interface, queries, count);
	if (mixed)
		inject_send(&generator->inject, generator->helper_interface, responses, count);
}

static void send_batch(struct generator *generator, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct exchange exchange = { 0 };

		crowd_next(&generator->crowd, &exchange);
		sender_add(&generator->queries, exchange.query);
		if (exchange.response)
			sender_add(&generator->responses, exchange.response);
	}
	sender_flush(&generator->queries);
	sender_flush(&generator->responses);
}

static void wait_until(uint64_t due)
{
	for (uint64_t now = now_ns(); now < due && !stopped; now = now_ns()) {
		uint64_t rest = due - now;

		if (rest <= SPIN_NS)
			continue;
		rest -= SPIN_NS;
		nanosleep(&(struct timespec){ (time_t)(rest / SECOND), (long)(rest % SECOND) },
			  NULL);
	}
}

/* No frame is stamped again while it waits to be sent */
static unsigned batch_of(const struct generator *generator, double rate)
{
	const unsigned injected =
		generator->crowd.frames < INJECT_BATCH ? generator->crowd.frames : INJECT_BATCH;
	const double most = generator->options.in_kernel ? injected : SENDER_BATCH;

	if (rate < BATCHES)
		return 1;
	return (unsigned)(rate / BATCHES < most ? rate / BATCHES : most);
}

/* Rates count frames: with responses, half of them are queries */
static void run(struct generator *generator)
{
	const struct generator_options *options = &generator->options;
	const double rate = options->rate / (options->mixed ? 2 : 1);
	const unsigned batch = batch_of(generator, rate);
	const uint64_t origin = now_ns();
	uint64_t start = origin, planned = 0, late = 0, now = origin;

	while (!stopped) {
		const uint64_t due = start + (uint64_t)((double)planned * SECOND / rate);
		uint64_t count = batch;

		if (options->count && options->count - planned < count)
			count = options->count - planned;
		if (count == 0)
			break;
		wait_until(due);
		now = now_ns();
		if (options->seconds > 0 && (double)(now - origin) >= options->seconds * SECOND)
			break;
		if (now > due + LATE_NS) {
			late += now - due;
			start += now - due;
		}
		if (options->in_kernel)
			inject_batch(generator, (unsigned)count);
		else
			send_batch(generator, (unsigned)count);
		planned += count;
	}
	printf("{\"queries\": %lu, \"query_bytes\": %lu, \"responses\": %lu,"
	       " \"response_bytes\": %lu, \"seconds\": %.6f, \"late_seconds\": %.6f}\n",
	       generator->queries.sent, generator->queries.bytes, generator->responses.sent,
	       generator->responses.bytes, (double)(now_ns() - origin) / SECOND,
	       (double)late / SECOND);
}

/* In the namespace where the responses arrive */
static void open_far_end(struct generator *generator)
{
	const struct generator_options *options = &generator->options;

	inject_open(&generator->inject, crowd_bytes(options));
	if (options->interface)
		inject_drop(if_nametoindex(options->interface));
}

static void open_injection(struct generator *generator)
{
	const struct generator_options *options = &generator->options;

	generator->host_interface = if_nametoindex(options->host_interface);
	inject_drop(generator->host_interface);
	if (!options->mixed)
		return;
	generator->helper_interface = if_nametoindex(options->helper_interface);
	inject_redirect(generator->helper_interface, generator->host_interface);
}

static uint8_t *make_memory(const struct generator *generator)
{
	uint8_t *memory;

	if (generator->options.in_kernel)
		return generator->inject.area->frames;
	memory = calloc(1, crowd_bytes(&generator->options));
	if (!memory)
		error(1, ENOMEM, "frames");
	return memory;
}

int main(int argc, char **argv)
{
	static struct generator generator;
	const struct generator_options *options = &generator.options;
	struct sigaction action = { .sa_handler = stop };
	struct link link = { 0 };

	generator_options_parse(&generator.options, argc, argv);
	link.port = options->port;
	memcpy(link.host, options->destination, 6);
	if (options->in_kernel)
		open_far_end(&generator);
	else
		sender_open(&generator.queries, options->interface, true, link.sender);
	enter_namespace(options->host_namespace);
	if (options->in_kernel)
		open_injection(&generator);
	else if (options->mixed)
		sender_open(&generator.responses, options->host_interface, false, link.host);
	crowd_make(&generator.crowd, options, &link, make_memory(&generator));
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	run(&generator);
	/* The redirection ends with this process. What waits on another core's queue by then (RPS) would
	 * never leave, and be missing in every count.
	 */
	if (options->in_kernel && options->mixed)
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
	return 0;
}
