/* SPDX-License-Identifier: MIT */
/* dnstt_exporter: start order, and the one loop */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "build.h"
#include "databases.h"
#include "exposition.h"
#include "history.h"
#include "http.h"
#include "ingest.h"
#include "interfaces.h"
#include "listen.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "page.h"
#include "process.h"
#include "routes.h"
#include "sandbox.h"
#include "spawn.h"
#include "systemd.h"
#include "traffic.h"
#include "web.h"

#define EXIT_USAGE 2
#define GRACE_MS   1000
#define HELLO_NS   (UINT64_C(10) * 1000000000)
#define SILENT_NS  (UINT64_C(10) * 1000000000) /* capture says something each second */

/* Everything the program has; in static memory, so that it is there from the start */
static struct {
	struct options options;
	struct process process;
	struct databases databases;
	struct capture_process capture;
	struct ingest ingest;
	struct traffic traffic;
	struct history history;
	struct page page;
	struct routes routes;
	struct http *http;
	struct http_counts http_counts;
	struct web web;
	struct systemd systemd;
	uint64_t heard_ns; /* from capture */
	int epoll, signals;
	uint64_t http_due_ns;
	bool ending;
	int status;
} exporter;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void end(int status)
{
	exporter.ending = true;
	exporter.status = status;
}

/* Let time pass for what is counted */
static uint64_t advance(void)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	sessions_advance(&exporter.traffic.sessions, now_ns);
	history_advance(&exporter.history, &exporter.traffic, &exporter.ingest.state, now_ns);
	return now_ns;
}

static void observe(void *context, struct exposition *ret_exposition)
{
	uint64_t now_ns = advance();

	(void)context;
	exporter.http_counts = http_counts(exporter.http);
	*ret_exposition = (struct exposition){
		.options = &exporter.options,
		.traffic = &exporter.traffic,
		.capture = &exporter.ingest.state,
		.process = &exporter.process,
		.http = &exporter.http_counts,
		.scrapes = &exporter.routes.counts,
		.country = exporter.databases.database[GEOIP_COUNTRY],
		.asn = exporter.databases.database[GEOIP_ASN],
		.now_ns = now_ns,
		.now_realtime_ns = clock_ns(CLOCK_REALTIME),
	};
}

static bool is_ready(void *context)
{
	(void)context;
	return exporter.ingest.ready;
}

/* Whether capture has ended, or does so in a moment */
static bool capture_ends(void)
{
	struct pollfd ended = { .fd = exporter.capture.pidfd, .events = POLLIN };

	return poll(&ended, 1, GRACE_MS) > 0;
}

static void kill_capture(void)
{
	siginfo_t how;

	kill(exporter.capture.pid, SIGKILL);
	waitid(P_PIDFD, (id_t)exporter.capture.pidfd, &how, WEXITED);
}

/* After the end of the conversation */
static void say_how_capture_ended(void)
{
	siginfo_t how = { 0 };

	if (!capture_ends()) {
		log_fields(LOG_ERROR,
			   "capture ended the conversation, but not itself, and was killed", NULL);
		kill_capture();
		return;
	}
	if (waitid(P_PIDFD, (id_t)exporter.capture.pidfd, &how, WEXITED) < 0)
		return;
	if (how.si_code == CLD_EXITED)
		log_line(LOG_ERROR, "capture ended", LOG_NUMBER("status", how.si_status));
	else if (how.si_status == SIGSYS)
		log_line(LOG_ERROR, "capture was killed for a system call that it may not make",
			 LOG_TEXT("signal", "SYS"));
	else
		log_line(LOG_ERROR, "capture was killed",
			 LOG_TEXT("signal", sigabbrev_np(how.si_status)));
}

/* It ends by itself when the socketpair is closed, unless something holds it */
static void end_capture(void)
{
	close(exporter.capture.ipc);
	if (!capture_ends())
		kill_capture();
}

static void log_hello(void)
{
	const struct hello *hello = &exporter.ingest.hello;
	const struct config *wanted = &exporter.options.capture;

	log_line(LOG_INFO, "capture is confined and running",
		 LOG_NUMBER("ring_bytes", hello->ring_bytes),
		 LOG_NUMBER("landlock_abi", hello->landlock_abi),
		 LOG_TEXT("ring_sealed", hello->sealed ? "yes" : "no"));
	if (hello->ring_bytes < wanted->block_bytes * wanted->blocks)
		log_line(LOG_WARN, "the kernel had memory for a smaller packet ring only",
			 LOG_NUMBER("bytes", hello->ring_bytes));
	if (hello->landlock_abi == 0)
		log_fields(LOG_WARN, "this kernel has no Landlock; seccomp alone confines capture",
			   NULL);
}

static void capture_ready(void *context, uint32_t events)
{
	bool was_ready = exporter.ingest.ready;
	const char *reason = NULL;
	int error = 0;

	(void)context, (void)events;
	exporter.heard_ns = clock_ns(CLOCK_MONOTONIC);
	switch (ingest_read(&exporter.ingest, clock_ns(CLOCK_MONOTONIC), &reason, &error)) {
	case INGEST_OPEN: break;
	case INGEST_CLOSED:
		say_how_capture_ended();
		end(EXIT_FAILURE);
		break;
	case INGEST_FAILED:
		log_line(LOG_ERROR, "capture could not start", LOG_TEXT("step", reason),
			 LOG_TEXT("error", strerror(error)));
		kill_capture();
		end(EXIT_FAILURE);
		break;
	case INGEST_FAULT:
		log_line(LOG_ERROR,
			 "capture broke the rules between the two processes and was killed",
			 LOG_TEXT("reason", reason));
		kill_capture();
		end(EXIT_FAILURE);
		break;
	}
	if (!was_ready && exporter.ingest.ready)
		log_hello();
}

static void signal_ready(void *context, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)context, (void)events;
	while (read(exporter.signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			databases_reload(&exporter.databases);
			web_reload(&exporter.web);
			continue;
		}
		log_line(LOG_INFO, "ending", LOG_TEXT("signal", sigabbrev_np((int)info.ssi_signo)));
		end(EXIT_SUCCESS);
	}
}

static void http_ready(void *context, uint32_t events)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	(void)context, (void)events;
	exporter.http_due_ns = now_ns + (uint64_t)http_run(exporter.http, now_ns) * 1000000;
}

static void interfaces_ready(void *context, uint32_t events)
{
	(void)context, (void)events;
	interfaces_read(&exporter.options.interfaces);
}

/* Descriptors 0 to 2 are there, so that no other file gets their numbers; of others only those that
 * systemd hands over
 */
static void fill_standard_descriptors(void)
{
	int fd;

	if (!getenv("LISTEN_FDS"))
		closefrom(STDERR_FILENO + 1);
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void block_signals(void)
{
	sigset_t handled;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&handled);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGHUP);
	sigprocmask(SIG_BLOCK, &handled, NULL);
	exporter.signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The steps of the start. Each says itself what went wrong. */

static int open_web(void)
{
	char reason[WEBCONFIG_REASON_BYTES];
	int failed = web_open(&exporter.web, exporter.options.web_config_file, reason);

	if (failed)
		log_line(LOG_ERROR, "cannot use -web.config.file", LOG_TEXT("reason", reason));
	return failed;
}

static int listen_handed_over(void)
{
	int fds[OPTIONS_ADDRESSES], count;
	char reason[256];

	count = systemd_listeners(fds, OPTIONS_ADDRESSES, reason, sizeof(reason));
	if (count < 0)
		log_line(LOG_ERROR, "cannot listen", LOG_TEXT("reason", reason));
	for (int i = 0; i < count; i++)
		http_listen(exporter.http, fds[i]);
	if (count > 0)
		log_line(LOG_INFO, "listening", LOG_NUMBER("sockets", count));
	return count < 0 ? count : 0;
}

static int open_listeners(void)
{
	const struct http_options options = { .tls = exporter.web.tls,
					      .answer = routes_answer,
					      .context = &exporter.routes,
					      .max_requests = exporter.options.max_requests };
	char reason[256];

	if (http_open(&options, &exporter.http) < 0) {
		log_fields(LOG_ERROR, "cannot start the HTTP server", NULL);
		return -EIO;
	}
	if (exporter.options.web_systemd_socket)
		return listen_handed_over();
	for (uint32_t i = 0; i < exporter.options.address_count; i++) {
		int fd = listen_open(&exporter.options.addresses[i], reason, sizeof(reason));

		if (fd < 0) {
			log_line(LOG_ERROR, "cannot listen", LOG_TEXT("reason", reason));
			return fd;
		}
		http_listen(exporter.http, fd);
	}
	return 0;
}

static int read_databases(void)
{
	const char *const paths[GEOIP_KINDS] = { [GEOIP_COUNTRY] =
							 exporter.options.country_database,
						 [GEOIP_ASN] = exporter.options.asn_database };
	char reason[GEOIP_REASON_BYTES];
	int failed = databases_read(&exporter.databases, paths, reason);

	if (failed)
		log_line(LOG_ERROR, "cannot read a GeoIP database", LOG_TEXT("reason", reason));
	return failed;
}

static int open_databases(void)
{
	char reason[GEOIP_REASON_BYTES];
	int failed = databases_open(&exporter.databases, reason);

	if (failed)
		log_line(LOG_ERROR, "cannot use a GeoIP database", LOG_TEXT("reason", reason));
	return failed;
}

static int start_capture(void)
{
	char reason[SPAWN_REASON_BYTES];
	struct spawn_user user;
	int other = spawn_user(&user), failed;

	if (other < 0) {
		log_fields(LOG_ERROR, "there is no user to become: create dnstt_exporter or nobody",
			   NULL);
		return other;
	}
	failed = spawn_capture(exporter.options.capture_program, &exporter.options.capture,
			       other == 0 ? &user : NULL, &exporter.capture, reason);
	if (failed) {
		log_line(LOG_ERROR, "cannot start capture", LOG_TEXT("reason", reason));
		return failed;
	}
	failed = spawn_drop(other == 0 ? &user : NULL);
	if (failed)
		log_line(LOG_ERROR, "cannot give up privileges",
			 LOG_TEXT("error", strerror(-failed)));
	return failed;
}

static_assert(SANDBOX_FILES >= 2 + WEBWATCH_FILES, "every file that is read again");

static int confine(void)
{
	const char *files[SANDBOX_FILES] = { exporter.options.country_database,
					     exporter.options.asn_database };
	const struct webwatch *web = &exporter.web.watch;
	int landlock, failed;

	for (unsigned i = 0; i < web->count; i++)
		files[2 + i] = web->files[i].path;
	failed = sandbox_enter(files, SANDBOX_FILES, exporter.capture.pid, &landlock);
	if (failed)
		log_line(LOG_ERROR, "cannot confine this process",
			 LOG_TEXT("error", strerror(-failed)));
	return failed;
}

static int open_traffic(void)
{
	const struct options *options = &exporter.options;
	struct traffic_options wanted = { .domains = options->capture.tunnel_count,
					  .max_sessions = options->max_sessions,
					  .max_series = options->max_series,
					  .use_ecs = options->capture.use_ecs,
					  .interfaces = &options->interfaces,
					  .country = exporter.databases.database[GEOIP_COUNTRY],
					  .asn = exporter.databases.database[GEOIP_ASN] };

	if (getrandom(&wanted.key, sizeof(wanted.key), 0) != sizeof(wanted.key))
		return -EIO;
	exporter.routes = (struct routes){ .telemetry_path = options->telemetry_path,
					   .observe = observe,
					   .ready = is_ready,
					   .web = &exporter.web,
					   .page = options->disable_page ? NULL : &exporter.page,
					   .history = &exporter.history };
	history_open(&exporter.history);
	/* The page has the same buffer, and few label sets may need less than it does */
	if (routes_open(&exporter.routes, exposition_bound(options) + PAGE_BYTES) < 0 ||
	    (!options->disable_page &&
	     page_open(&exporter.page, options->max_series, wanted.domains) < 0) ||
	    traffic_open(&exporter.traffic, &wanted) < 0) {
		log_fields(LOG_ERROR,
			   "no memory for the tables; lower -sessions.max or -metrics.max-series",
			   NULL);
		return -ENOMEM;
	}
	exporter.ingest.fd = exporter.capture.ipc;
	exporter.ingest.domains = options->capture.tunnel_count;
	exporter.ingest.traffic = &exporter.traffic;
	return 0;
}

static int watch(void)
{
	static struct loop_source sources[4];
	struct interfaces *interfaces = &exporter.options.interfaces;

	exporter.epoll = epoll_create1(EPOLL_CLOEXEC);
	sources[0] = (struct loop_source){ exporter.signals, signal_ready, NULL };
	sources[1] = (struct loop_source){ exporter.capture.ipc, capture_ready, NULL };
	sources[2] = (struct loop_source){ http_fd(exporter.http), http_ready, NULL };
	sources[3] = (struct loop_source){ interfaces->fd, interfaces_ready, NULL };
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (sources[i].fd >= 0 && loop_add(exporter.epoll, &sources[i], EPOLLIN) < 0)
			return -errno;
	return 0;
}

/* What is due by the clock. Returns milliseconds until something is again, at the latest. */
static int run_due(void)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	bool replaced, more;
	int wait_ms, http_ms = 0;

	web_run(&exporter.web, now_ns);
	more = databases_run(&exporter.databases, now_ns, &replaced);
	if (replaced)
		resolvers_forget(&exporter.traffic.resolvers);
	wait_ms = systemd_run(&exporter.systemd, now_ns,
			      exporter.ingest.ready && now_ns - exporter.heard_ns < SILENT_NS);
	/* Its deadlines pass while capture is heard without a pause, too */
	if (now_ns >= exporter.http_due_ns)
		http_ready(NULL, 0);
	if (now_ns < exporter.http_due_ns)
		http_ms = (int)((exporter.http_due_ns - now_ns + 999999) / 1000000);
	if (http_ms < wait_ms)
		wait_ms = http_ms;
	return more ? 0 : wait_ms;
}

static void run(void)
{
	uint64_t hello_due_ns = clock_ns(CLOCK_MONOTONIC) + HELLO_NS;

	while (!exporter.ending) {
		struct epoll_event events[8];
		int ready = epoll_wait(exporter.epoll, events, 8, run_due());

		for (int i = 0; i < ready && !exporter.ending; i++) {
			const struct loop_source *source = events[i].data.ptr;

			source->ready(source->context, events[i].events);
		}
		advance();
		if (!exporter.ingest.ready && !exporter.ending &&
		    clock_ns(CLOCK_MONOTONIC) > hello_due_ns) {
			log_fields(LOG_ERROR, "capture did not start within 10 seconds", NULL);
			kill_capture();
			end(EXIT_FAILURE);
		}
	}
}

int main(int argc, char **argv)
{
	char reason[FLAGS_REASON_BYTES];
	int parsed, failed;

	fill_standard_descriptors();
	parsed = options_parse(argc, argv, &exporter.options, reason);
	if (parsed < 0) {
		fprintf(stderr, "dnstt_exporter: %s\n", reason);
		return EXIT_USAGE;
	}
	if (parsed > 0) {
		options_help();
		return EXIT_SUCCESS;
	}
	if (exporter.options.version) {
		printf("dnstt_exporter, version %s (revision: %s)\n  compiler:         %s\n"
		       "  platform:         %s\n",
		       BUILD_VERSION, BUILD_REVISION, BUILD_COMPILER, BUILD_PLATFORM);
		return EXIT_SUCCESS;
	}
	log_configure(exporter.options.log_level, exporter.options.log_format);
	tzset(); /* libmicrohttpd dates its responses; this is what would open a file for it later */
	process_open(&exporter.process);
	block_signals();
	if (!spawn_allowed()) {
		log_fields(LOG_ERROR,
			   "CAP_NET_RAW is missing: start as root, or grant it with "
			   "\"AmbientCapabilities=CAP_NET_RAW\" in the systemd unit or with "
			   "\"setcap cap_net_raw+ep\" on dnstt_exporter",
			   NULL);
		return EXIT_FAILURE;
	}
	log_line(LOG_INFO, "starting dnstt_exporter", LOG_TEXT("version", BUILD_VERSION),
		 LOG_TEXT("revision", BUILD_REVISION));
	failed = systemd_open(&exporter.systemd);
	if (failed)
		log_line(LOG_WARN, "the service manager cannot be told anything",
			 LOG_TEXT("error", strerror(-failed)));
	failed = interfaces_watch(&exporter.options.interfaces);
	if (failed)
		log_line(LOG_ERROR, "cannot watch the interfaces of -capture.interface",
			 LOG_TEXT("error", strerror(-failed)));
	if (failed || open_web() < 0 || open_listeners() < 0 || read_databases() < 0 ||
	    start_capture() < 0 || watch() < 0 || confine() < 0 || open_databases() < 0 ||
	    open_traffic() < 0)
		return EXIT_FAILURE;
	for (uint32_t i = 0; i < exporter.options.address_count; i++)
		if (!exporter.options.web_systemd_socket)
			log_line(LOG_INFO, "listening",
				 LOG_TEXT("address", exporter.options.addresses[i].text));
	run();

	systemd_stopping(&exporter.systemd);
	http_close(exporter.http);
	end_capture();
	page_close(&exporter.page);
	traffic_close(&exporter.traffic);
	databases_close(&exporter.databases);
	routes_close(&exporter.routes);
	web_close(&exporter.web);
	return exporter.status;
}
