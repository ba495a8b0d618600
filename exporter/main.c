/* SPDX-License-Identifier: MIT */
/* dnstt_exporter: the command line, the start order, the end */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "build.h"
#include "cli/wires.h"
#include "http/listen.h"
#include "intake/spawn.h"
#include "run.h"
#include "system/memory.h"
#include "system/sandbox.h"

#define EXIT_USAGE 2

/* In static memory, so that it is there from the start */
static struct exporter exporter;

/* Descriptors 0 to 2 are there, so that no other file gets their numbers */
static int fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

/* Of those that were inherited, sockets to serve on are kept, if they are wanted and meant for us */
static void close_descriptors(void)
{
	unsigned kept = exporter.options.web_systemd_socket ? systemd_handed_over() : 0;

	closefrom(STDERR_FILENO + 1 + (int)kept);
}

/* The steps of the start. Each logs what went wrong, with the call or the file, and the error. */

static int fail(int failed, const char *what, const struct reason *reason)
{
	if (failed)
		log_line(LOG_ERROR, what, LOG_TEXT("reason", reason->text));
	return failed;
}

static int take_signals(struct reason *ret_reason)
{
	sigset_t handled;

	/* Where they are ignored, the kernel forgets how capture ended */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return reason_call(ret_reason, "rt_sigaction");
	sigemptyset(&handled);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &handled, NULL) < 0)
		return reason_call(ret_reason, "rt_sigprocmask");
	exporter.signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	return exporter.signals < 0 ? reason_call(ret_reason, "signalfd") : 0;
}

static int open_signals(void)
{
	struct reason reason;
	int failed = take_signals(&reason);

	return fail(failed, "cannot handle signals", &reason);
}

static int look_for_privilege(void)
{
	struct reason reason;
	int failed = spawn_allowed(&reason);

	return fail(failed, "cannot capture packets", &reason);
}

static int read_web(void)
{
	struct reason reason;
	int failed = web_read(&exporter.web, exporter.options.web_config_file, &reason);

	return fail(failed, "cannot use -web.config.file", &reason);
}

static int open_web(void)
{
	struct reason reason;
	int failed = web_open(&exporter.web, &reason);

	return fail(failed, "cannot use -web.config.file", &reason);
}

static int serve(int fd, const char *address)
{
	int failed = http_listen(exporter.http, fd);

	if (failed)
		log_line(LOG_ERROR, "cannot listen", LOG_TEXT("address", address),
			 LOG_TEXT("error", strerror(-failed)));
	return failed;
}

static int listen_handed_over(void)
{
	int fds[OPTIONS_ADDRESSES], count;
	struct reason reason;

	count = systemd_listeners(fds, OPTIONS_ADDRESSES, &reason);
	if (count < 0)
		log_line(LOG_ERROR, "cannot listen", LOG_TEXT("reason", reason.text));
	for (int i = 0; i < count; i++) {
		int failed = serve(fds[i], "a socket passed by systemd");

		if (failed)
			return failed;
	}
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

	struct spawn_user user;
	struct reason reason;
	int failed = http_open(&options, &exporter.http, &reason);
	gid_t group = (gid_t)-1;

	if (failed)
		return fail(failed, "cannot start the HTTP server", &reason);
	if (spawn_user(&user, &reason) == 0)
		group = user.gid;
	if (exporter.options.web_systemd_socket)
		return listen_handed_over();
	for (uint32_t i = 0; i < exporter.options.address_count; i++) {
		const struct address *address = &exporter.options.addresses[i];
		const struct sockaddr *socket = (const struct sockaddr *)&address->socket;
		int fd = address_is_unix(address) ? listen_unix(socket, group, &reason)
						  : listen_open(socket, address->bytes,
								address->any_family, &reason);

		if (fd < 0) {
			log_line(LOG_ERROR, "cannot listen on -web.listen-address",
				 LOG_TEXT("address", address->text),
				 LOG_TEXT("reason", reason.text));
			return fd;
		}
		failed = serve(fd, address->text);
		if (failed)
			return failed;
		if (!address_is_local(address) && !exporter.web.tls &&
		    exporter.web.config.user_count == 0)
			log_line(LOG_WARN,
				 "anyone who can reach this address can read the metrics, and "
				 "scanners "
				 "find such ports: use -web.config.file, a firewall or unix:PATH",
				 LOG_TEXT("address", address->text));
	}
	return 0;
}

static int read_databases(void)
{
	const char *const paths[GEOIP_KINDS] = { [GEOIP_COUNTRY] =
							 exporter.options.country_database,
						 [GEOIP_ASN] = exporter.options.asn_database };
	struct reason reason;
	int failed = databases_read(&exporter.databases, paths, &reason);

	return fail(failed, "cannot read a GeoIP database", &reason);
}

static int open_databases(void)
{
	struct reason reason;
	int failed = databases_open(&exporter.databases, &reason);

	return fail(failed, "cannot use a GeoIP database", &reason);
}

static int start_capture(void)
{
	struct reason reason;
	struct spawn_user user;
	int other = spawn_user(&user, &reason), failed;

	if (other < 0)
		return fail(other, "cannot start capture", &reason);
	failed = spawn_capture(exporter.options.capture_program, &exporter.options.capture,
			       other == 0 ? &user : NULL, &exporter.capture.process, &reason);
	if (failed)
		return fail(failed, "cannot start capture", &reason);
	failed = spawn_drop(other == 0 ? &user : NULL, &reason);
	return fail(failed, "cannot give up privileges", &reason);
}

static int bound_memory(void)
{
	struct reason reason;
	int failed = memory_bound(memory_room(""));

	if (failed)
		(void)reason_set(&reason, failed, "setrlimit: %s", strerror(-failed));
	return fail(failed, "cannot bound its memory", &reason);
}

static int watch(void)
{
	struct reason reason;
	int failed = run_watch(&exporter, &reason);

	return fail(failed, "cannot wait for events", &reason);
}

/* Root could read them at the start, but a reload is made by the user that it became */
static void warn_of_unreadable(const char *const files[SANDBOX_FILES], uid_t uid)
{
	for (unsigned i = 0; i < SANDBOX_FILES; i++) {
		int file;

		/* One that holds both databases, or both certificate and key, is logged once */
		if (!files[i] || (i > 0 && files[i - 1] && strcmp(files[i - 1], files[i]) == 0))
			continue;
		file = open(files[i], O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (file >= 0)
			close(file);
		else
			log_line(LOG_WARN,
				 "a file can't be read again, so its reload will fail; let this "
				 "user read it, or restart in place of a reload",
				 LOG_TEXT("file", files[i]), LOG_NUMBER("uid", uid),
				 LOG_TEXT("error", strerror(errno)));
	}
}

static_assert(SANDBOX_FILES >= 2 + WEBWATCH_FILES, "every file that is read again");

static int confine(void)
{
	const char *files[SANDBOX_FILES] = { exporter.options.country_database,
					     exporter.options.asn_database };
	const struct webwatch *web = &exporter.web.watch;
	const uid_t uid = geteuid();
	struct reason reason;
	int failed;

	for (unsigned i = 0; i < web->count; i++)
		files[2 + i] = web->files[i].path;
	failed = sandbox_enter(files, SANDBOX_FILES, exporter.capture.process.pid, &reason);
	if (!failed)
		warn_of_unreadable(files, uid);
	return fail(failed, "cannot confine this process", &reason);
}

/* Which flag asks for more of it: what a label set takes is most of all its text */
static void log_no_memory(void)
{
	const struct options *options = &exporter.options;
	const bool sessions =
		options->max_sessions * (sizeof(struct session) + sizeof(struct kcp)) >
		SNAPSHOTS * run_metrics_bound(&exporter);

	log_line(LOG_ERROR, "no memory for the tables",
		 LOG_TEXT("lower", sessions ? "-sessions.max" : "-metrics.max-series"));
}

static int open_traffic(void)
{
	const struct options *options = &exporter.options;
	struct traffic_options wanted = { .domains = options->capture.tunnel_count,
					  .max_sessions = options->max_sessions,
					  .max_series = options->max_series,
					  .use_ecs = options->capture.use_ecs,
					  .interfaces = &exporter.interfaces,
					  .country = exporter.databases.database[GEOIP_COUNTRY],
					  .asn = exporter.databases.database[GEOIP_ASN] };
	struct reason reason;
	int failed;

	for (uint32_t i = 0; i < wanted.domains; i++) {
		exporter.names[i] = options->domains[i];
		if (!wires_has_kcp(&options->capture.tunnels[i]))
			wanted.without_kcp |= UINT64_C(1) << i;
		if (!wires_has_readable_answers(&options->capture.tunnels[i]))
			wanted.without_answers |= UINT64_C(1) << i;
	}
	if (getrandom(&wanted.key, sizeof(wanted.key), 0) != sizeof(wanted.key))
		return fail(reason_call(&reason, "getrandom"), "cannot make a key for the tables",
			    &reason);
	exporter.routes = (struct routes){ .telemetry_path = options->telemetry_path,
					   .metrics = run_metrics,
					   .observe = run_observe,
					   .ready = run_is_ready,
					   .context = &exporter,
					   .web = &exporter.web,
					   .page = options->disable_page ? NULL : &exporter.page };
	history_open(&exporter.history);
	/* The page has the same buffer, and few label sets may need less than it does */
	failed = snapshots_open(&exporter.routes.snapshots,
				run_metrics_bound(&exporter) + PAGE_BYTES);
	if (!failed && !options->disable_page)
		failed = page_open(&exporter.page, options->max_series, wanted.domains);
	if (!failed)
		failed = traffic_open(&exporter.traffic, &wanted);
	if (failed == -ENOMEM)
		log_no_memory();
	else if (failed)
		log_line(LOG_ERROR, "cannot make the page", LOG_TEXT("error", strerror(-failed)));
	return failed;
}

int main(int argc, char **argv)
{
	struct reason reason;
	int parsed, failed, status;

	failed = fill_standard_descriptors();
	if (failed) {
		fprintf(stderr, "dnstt_exporter: /dev/null: %s\n", strerror(-failed));
		return EXIT_FAILURE;
	}
	parsed = options_parse(argc, argv, &exporter.options, &reason);
	if (parsed < 0) {
		fprintf(stderr, "dnstt_exporter: %s\n", reason.text);
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
	close_descriptors();
	log_configure(exporter.options.log_level, exporter.options.log_format);
	tzset(); /* libmicrohttpd dates its responses; this is what would open a file for it later */
	process_open(&exporter.process);
	if (open_signals() < 0 || look_for_privilege() < 0)
		return EXIT_FAILURE;
	log_line(LOG_INFO, "starting dnstt_exporter", LOG_TEXT("version", BUILD_VERSION),
		 LOG_TEXT("revision", BUILD_REVISION));
	failed = systemd_open(&exporter.systemd);
	if (failed)
		log_line(LOG_WARN, "cannot reach the service manager",
			 LOG_TEXT("error", strerror(-failed)));
	failed = interfaces_open(&exporter.interfaces, exporter.options.interfaces,
				 exporter.options.interface_count);
	if (failed)
		log_line(LOG_ERROR, "cannot watch the interfaces of -capture.interface",
			 LOG_TEXT("error", strerror(-failed)));
	if (failed || read_web() < 0 || open_listeners() < 0 || read_databases() < 0 ||
	    start_capture() < 0 || bound_memory() < 0 || watch() < 0 || confine() < 0 ||
	    open_web() < 0 || open_databases() < 0 || open_traffic() < 0)
		return EXIT_FAILURE;
	for (uint32_t i = 0; i < exporter.options.address_count; i++)
		if (!exporter.options.web_systemd_socket)
			log_line(LOG_INFO, "listening",
				 LOG_TEXT("address", exporter.options.addresses[i].text));
	status = run_until_end(&exporter);

	systemd_stopping(&exporter.systemd);
	http_close(exporter.http);
	supervise_end(&exporter.capture);
	page_close(&exporter.page);
	traffic_close(&exporter.traffic);
	databases_close(&exporter.databases);
	snapshots_close(&exporter.routes.snapshots);
	web_close(&exporter.web);
	return status;
}
