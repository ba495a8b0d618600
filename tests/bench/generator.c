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
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define GROUPS	 128	     /* frames that the kernel sends, each for its share of the clients */
#define LATE_NS	 100000000u  /* later than this: the rate can't be held, so don't run after it */
#define SPIN_NS	 60000u	     /* a sleep may take this much longer than asked for */
#define SECOND	 1000000000u /* in nanoseconds */
#define BATCHES	 2000	     /* per second, at low rates */
#define INJECTED 64 /* frames per system call: all alike, and the more the easier for a receiver */

struct group {
	struct exchange exchange;
	struct inject_state state;
	uint32_t client_sum; /* of address and port, for the checksum */
};

struct generator {
	struct generator_options options;
	struct crowd crowd;
	struct sender queries, responses;
	struct inject inject;
	unsigned host_interface, helper_interface;
	struct group groups[GROUPS];
	unsigned group_count, group;
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

/* A client keeps its domain and resolver, so a group is the clients that share them */
static void make_groups(struct generator *generator)
{
	const uint64_t clients = generator->options.clients;
	unsigned groups = GROUPS / generator->options.domains * generator->options.domains;

	generator->group_count = clients < groups ? (unsigned)clients : groups;
	for (unsigned i = 0; i < generator->group_count; i++) {
		struct group *group = &generator->groups[i];
		struct exchange *exchange = &group->exchange;
		const struct client *client = &exchange->client;

		crowd_next(&generator->crowd, exchange);
		group->client_sum =
			client->port + frame_sum(client->address, exchange->query->ipv6 ? 16 : 4);
		group->state = (struct inject_state){
			.clients =
				(clients - i + generator->group_count - 1) / generator->group_count,
			.first = i,
			.stride = generator->group_count,
			.key = generator->options.seed << 32,
		};
	}
}

static void inject_frame(struct generator *generator, const struct group *group, unsigned interface,
			 const struct frame *frame, unsigned count, struct sender *counters)
{
	*generator->inject.state = group->state;
	generator->inject.state->udp_sum = frame->udp_sum + group->client_sum;
	inject_send(&generator->inject, interface, frame, count);
	sender_count(counters, frame, count);
}

/* The responses are to the same clients, so they start at the same number */
static void inject_batch(struct generator *generator, unsigned count)
{
	struct group *group = &generator->groups[generator->group];
	const struct exchange *exchange = &group->exchange;

	inject_frame(generator, group, generator->host_interface, exchange->query, count,
		     &generator->queries);
	if (exchange->response)
		inject_frame(generator, group, generator->helper_interface, exchange->response,
			     count, &generator->responses);
	group->state.number += count;
	generator->group = (generator->group + 1) % generator->group_count;
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

static unsigned batch_of(const struct generator_options *options, double rate)
{
	const double most = options->in_kernel ? INJECTED : SENDER_BATCH;

	if (rate < BATCHES)
		return 1;
	return (unsigned)(rate / BATCHES < most ? rate / BATCHES : most);
}

/* Rates count frames: with responses, half of them are queries */
static void run(struct generator *generator)
{
	const struct generator_options *options = &generator->options;
	const double rate = options->rate / (options->mixed ? 2 : 1);
	const unsigned batch = batch_of(options, rate);
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

static void open_injection(struct generator *generator)
{
	const struct generator_options *options = &generator->options;

	generator->host_interface = if_nametoindex(options->host_interface);
	if (!options->mixed)
		return;
	generator->helper_interface = if_nametoindex(options->helper_interface);
	inject_redirect(generator->helper_interface, generator->host_interface);
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
		inject_open(&generator.inject);
	else
		sender_open(&generator.queries, options->interface, true, link.sender);
	enter_namespace(options->host_namespace);
	if (options->in_kernel)
		open_injection(&generator);
	else if (options->mixed)
		sender_open(&generator.responses, options->host_interface, false, link.host);
	crowd_make(&generator.crowd, options, &link);
	if (options->in_kernel)
		make_groups(&generator);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	run(&generator);
	return 0;
}
