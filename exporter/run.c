/* SPDX-License-Identifier: MIT */
/* The one loop: what waits for a descriptor, and what is due by the clock */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/clock.h"
#include "base/loop.h"
#include "build.h"
#include "collect.h"

/* Let time pass for what is counted */
static uint64_t advance(struct exporter *exporter)
{
	uint64_t now_ns = clock_monotonic_ns();

	sessions_advance(&exporter->traffic.sessions, now_ns);
	history_advance(&exporter->history, &exporter->traffic, &exporter->capture.ingest.state,
			now_ns);
	return now_ns;
}

/* What does not depend on the moment */
static struct collect collect_of(const struct exporter *exporter)
{
	return (struct collect){
		.traffic = { .traffic = &exporter->traffic,
			     .names = exporter->names,
			     .domains = exporter->options.capture.tunnel_count,
			     .max_series = exporter->options.max_series,
			     .has_country = exporter->databases.database[GEOIP_COUNTRY] != NULL,
			     .has_asn = exporter->databases.database[GEOIP_ASN] != NULL },
		.capture = &exporter->capture.ingest.state,
		.databases = &exporter->databases,
		.has_web = exporter->web.path != NULL,
		.is_without_itself = exporter->options.disable_exporter_metrics,
	};
}

size_t run_metrics_bound(const struct exporter *exporter)
{
	const struct collect collect = collect_of(exporter);

	return collect_bound(&collect);
}

size_t run_metrics(void *context, enum exposition_format format, char *buffer, size_t bytes)
{
	struct exporter *exporter = context;
	const struct web *web = &exporter->web;
	struct collect collect = collect_of(exporter);

	collect.traffic.now_ns = advance(exporter);
	collect.traffic.now_realtime_ns = clock_realtime_ns();
	collect.http = http_counts(exporter->http);
	collect.scrapes = exporter->routes.scrapes;
	collect.scrapes.in_flight = collect.http.in_flight;
	collect.web = (struct web_metrics){ web->reloads, web->reload_failures,
					    web_certificate_expiry(web) };
	if (!collect.is_without_itself)
		process_usage(&exporter->process, &collect.process);
	return collect_render(&collect, format, buffer, bytes);
}

void run_observe(void *context, struct page_facts *ret_facts)
{
	struct exporter *exporter = context;
	uint64_t now_ns = advance(exporter);

	*ret_facts = (struct page_facts){
		.traffic = &exporter->traffic,
		.history = &exporter->history,
		.capture = &exporter->capture.ingest.state,
		.databases = &exporter->databases,
		.names = exporter->names,
		.telemetry_path = exporter->options.telemetry_path,
		.version = BUILD_VERSION,
		.revision = BUILD_REVISION,
		.now_ns = now_ns,
		.now_realtime_ns = clock_realtime_ns(),
		.start_ns = exporter->process.start_ns,
		.certificate_expiry = web_certificate_expiry(&exporter->web),
		.is_ready = run_is_ready(exporter),
	};
}

bool run_is_ready(void *context)
{
	const struct exporter *exporter = context;

	return supervise_is_live(&exporter->capture, clock_monotonic_ns());
}

static void capture_ready(void *context, uint32_t events)
{
	struct exporter *exporter = context;

	(void)events;
	supervise_read(&exporter->capture, clock_now());
}

static void signal_ready(void *context, uint32_t events)
{
	struct exporter *exporter = context;
	struct signalfd_siginfo info;

	(void)events;
	while (read(exporter->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			databases_reload(&exporter->databases);
			web_reload(&exporter->web);
			continue;
		}
		log_line(LOG_INFO, "ending", LOG_TEXT("signal", sigabbrev_np((int)info.ssi_signo)));
		exporter->is_told_to_end = true;
	}
}

static void http_ready(void *context, uint32_t events)
{
	struct exporter *exporter = context;
	uint64_t now_ns = clock_monotonic_ns();

	(void)events;
	exporter->http_due_ns = now_ns + (uint64_t)http_run(exporter->http, now_ns) * 1000000;
}

static void interfaces_ready(void *context, uint32_t events)
{
	struct exporter *exporter = context;

	(void)events;
	interfaces_read(&exporter->interfaces);
}

int run_watch(struct exporter *exporter, struct reason *ret_reason)
{
	static struct loop_source sources[4];

	exporter->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (exporter->epoll < 0)
		return reason_call(ret_reason, "epoll_create1");
	sources[0] = (struct loop_source){ exporter->signals, signal_ready, exporter };
	sources[1] = (struct loop_source){ exporter->capture.process.ipc, capture_ready, exporter };
	sources[2] = (struct loop_source){ http_fd(exporter->http), http_ready, exporter };
	sources[3] = (struct loop_source){ exporter->interfaces.fd, interfaces_ready, exporter };
	for (unsigned i = 0; i < ARRAY_LENGTH(sources); i++)
		if (sources[i].fd >= 0 && loop_add(exporter->epoll, &sources[i], EPOLLIN) < 0)
			return reason_call(ret_reason, "epoll_ctl");
	return 0;
}

/* Each second, whether something speaks against what is counted */
static void look_for_signs(struct exporter *exporter, uint64_t now_ns)
{
	struct signs signs;

	if (now_ns < exporter->signs_due_ns)
		return;
	exporter->signs_due_ns = now_ns + CLOCK_SECOND_NS;
	signs_find(&exporter->history, &exporter->traffic, &exporter->capture.ingest.state, now_ns,
		   &signs);
	signs_log(&exporter->signs, &signs, exporter->names, exporter->options.capture.tunnel_count,
		  exporter->options.capture.port, now_ns);
}

/* What is due by the clock. Returns milliseconds until something is again, at the latest. */
static int run_due(struct exporter *exporter)
{
	uint64_t now_ns = clock_monotonic_ns();
	bool replaced, more;
	int wait_ms, http_ms = 0;

	web_run(&exporter->web, now_ns);
	more = databases_run(&exporter->databases, now_ns, &replaced);
	if (replaced)
		resolvers_forget(&exporter->traffic.resolvers);
	wait_ms = systemd_run(&exporter->systemd, now_ns,
			      supervise_is_live(&exporter->capture, now_ns));
	/* Its deadlines pass while capture sends without a pause, too */
	if (now_ns >= exporter->http_due_ns)
		http_ready(exporter, 0);
	if (now_ns < exporter->http_due_ns)
		http_ms = (int)((exporter->http_due_ns - now_ns + 999999) / 1000000);
	if (http_ms < wait_ms)
		wait_ms = http_ms;
	return more ? 0 : wait_ms;
}

static bool is_ending(const struct exporter *exporter)
{
	return exporter->is_told_to_end || exporter->capture.is_over;
}

int run_until_end(struct exporter *exporter)
{
	supervise_begin(&exporter->capture, exporter->options.capture.tunnel_count,
			&exporter->traffic, clock_monotonic_ns());
	while (!is_ending(exporter)) {
		struct epoll_event events[8];
		int ready = epoll_wait(exporter->epoll, events, 8, run_due(exporter));

		if (ready < 0 && errno != EINTR) {
			struct reason reason;

			(void)reason_call(&reason, "epoll_wait");
			log_line(LOG_ERROR, "cannot wait for events",
				 LOG_TEXT("reason", reason.text));
			return EXIT_FAILURE;
		}
		for (int i = 0; i < ready && !is_ending(exporter); i++) {
			const struct loop_source *source = events[i].data.ptr;

			source->ready(source->context, events[i].events);
		}
		look_for_signs(exporter, advance(exporter));
		if (!exporter->is_told_to_end)
			supervise_check(&exporter->capture, clock_monotonic_ns());
	}
	return exporter->is_told_to_end ? EXIT_SUCCESS : EXIT_FAILURE;
}
