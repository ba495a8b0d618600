/* SPDX-License-Identifier: MIT */
/* Fuzz target: the HTTP server with its routes and passwords; an input is what a client sends
 *
 * The server is the exporter's own, libmicrohttpd included, on a Unix socket, since millions of
 * connections would use up the ports. Each input goes out on a connection of its own, in two parts.
 * Then another client must get its answer, and the deadline must close the first connection.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/options.h"
#include "common/record_check.h"
#include "http/http.h"
#include "collect.h"
#include "geoip/databases.h"
#include "page/page.h"
#include "routes.h"
#include "system/process.h"
#include "traffic/history.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"
#include "web/auth/basic.h"
#include "web/auth/credentials.h"
#include "web/web.h"

#define BYTES_MAX    20000 /* more than HTTP_REQUEST_BYTES */
#define ANSWER_BYTES (1u << 20)
#define FRESH	     64 /* inputs until the passwords tried are forgotten and the budget is full */
#define SERIES	     64

/* "u:pass" in base64: six bytes, so that there is one way only to write them */
#define TOKEN "dTpwYXNz"

#define must(holds) check((holds), #holds)

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t bytes);

static const char config[] = "basic_auth_users:\n"
			     "  u: $2b$04$......................SOTgceZnd99TCJcTRZU3xFM9qH6L7.u\n"
			     "http_server_config:\n"
			     "  headers:\n"
			     "    X-Frame-Options: deny\n";
static const char good_request[] = "GET /metrics HTTP/1.1\r\n"
				   "Host: x\r\n"
				   "Authorization: Basic " TOKEN "\r\n"
				   "\r\n";

static struct {
	struct options options;
	struct traffic traffic;
	struct history history;
	struct batch_state capture;
	struct process process;
	struct collect collect;
	struct databases databases;
	struct interfaces interfaces;
	const char *name;
	struct page page;
	struct web web;
	struct routes routes;
	struct http *http;
	struct sockaddr_un address;
	socklen_t address_bytes;
	uint64_t now_ns;
} server;

static void check(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static size_t metrics(void *context, enum exposition_format format, char *buffer, size_t bytes)
{
	(void)context;
	server.collect.http = http_counts(server.http);
	server.collect.scrapes = server.routes.scrapes;
	server.collect.traffic.now_ns = server.collect.traffic.now_realtime_ns = server.now_ns;
	process_usage(&server.process, &server.collect.process);
	return collect_render(&server.collect, format, buffer, bytes);
}

static void observe(void *context, struct page_facts *ret_facts)
{
	(void)context;
	*ret_facts = (struct page_facts){ .traffic = &server.traffic,
					  .history = &server.history,
					  .capture = &server.capture,
					  .databases = &server.databases,
					  .names = &server.name,
					  .telemetry_path = server.options.telemetry_path,
					  .version = "1",
					  .revision = "1",
					  .now_ns = server.now_ns,
					  .now_realtime_ns = server.now_ns,
					  .is_ready = true };
}

static bool is_ready(void *context)
{
	(void)context;
	return true;
}

static void open_routes(void)
{
	const char *const argv[] = { "fuzz", "-dnstt.domain=t.example.com" };
	const struct traffic_options wanted = { .domains = 1,
						.max_sessions = SERIES,
						.max_series = SERIES,
						.interfaces = &server.interfaces,
						.key = { 1, 2 } };
	struct reason reason;

	must(!options_parse(2, (char *const *)(uintptr_t)argv, &server.options, &reason));
	server.options.max_series = SERIES;
	must(!webconfig_parse(config, sizeof(config) - 1, "fuzz.yml", &server.web.config, &reason));
	server.routes = (struct routes){ .telemetry_path = server.options.telemetry_path,
					 .metrics = metrics,
					 .observe = observe,
					 .ready = is_ready,
					 .web = &server.web,
					 .page = &server.page };
	history_open(&server.history);
	server.name = server.options.domains[0];
	server.collect = (struct collect){ .traffic = { .traffic = &server.traffic,
							.names = &server.name,
							.domains = 1,
							.max_series = SERIES },
					   .capture = &server.capture,
					   .databases = &server.databases };
	must(!snapshots_open(&server.routes.snapshots,
			     collect_bound(&server.collect) + PAGE_BYTES));
	must(!page_open(&server.page, SERIES, 1));
	must(!traffic_open(&server.traffic, &wanted));
	server.process.stat_fd = server.process.descriptors_fd = -1;
}

static void open_server(void)
{
	const struct http_options options = { .answer = routes_answer,
					      .context = &server.routes,
					      .max_requests = 40 };
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	log_configure(LOG_ERROR, LOG_LOGFMT);
	open_routes();
	server.now_ns = UINT64_C(1000000000000);
	must(!http_open(&options, &server.http, &(struct reason){ 0 }));
	server.address_bytes = sizeof(server.address);
	/* An address outside of the file system, which the kernel chooses */
	must(!bind(listener, (struct sockaddr *)&any, sizeof(any.sun_family)) &&
	     !listen(listener, 16) &&
	     !getsockname(listener, (struct sockaddr *)&server.address, &server.address_bytes));
	must(!http_listen(server.http, listener));
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !connect(fd, (struct sockaddr *)&server.address, server.address_bytes));
	return fd;
}

/* Let it work until it waits for something. False once the connection has ended. */
static bool exchange(int fd, char *answer, size_t *bytes)
{
	bool open = true;
	int wait;

	for (unsigned rounds = 0;; rounds++) {
		wait = http_run(server.http, server.now_ns);
		for (ssize_t got = 1; open && got > 0;) {
			must(*bytes < ANSWER_BYTES);
			got = recv(fd, answer + *bytes, ANSWER_BYTES - *bytes, 0);
			*bytes += got > 0 ? (size_t)got : 0;
			open = got > 0 || (got < 0 && errno == EAGAIN);
		}
		if (wait > 1 && rounds > 0)
			return open;
		must(rounds < 1000);
	}
}

static bool send_all(int fd, const void *text, size_t bytes)
{
	return bytes == 0 || send(fd, text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

static void ask_well(void)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\n";
	static char answer[ANSWER_BYTES + 1];
	size_t bytes = 0;
	int fd = client();

	must(send_all(fd, good_request, sizeof(good_request) - 1));
	must(exchange(fd, answer, &bytes));
	answer[bytes] = '\0';
	must(!strncmp(answer, ok, sizeof(ok) - 1) && strstr(answer, "\ndnstt_queries_total{"));
	close(fd);
}

static void forget_passwords(void)
{
	credentials_free(server.web.credentials);
	must(!credentials_load(&server.web.config, &server.web.credentials));
	ask_well(); /* so that this pair needs no budget later */
}

/* Value of a header in an answer, which is the server's own and has no strange form */
static const char *header(const char *head, const char *end, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = head; line && line < end; line = strstr(line, "\r\n")) {
		line += line == head ? 0 : 2;
		if (!strncasecmp(line, name, length) && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " ");
	}
	return NULL;
}

/* What is told to anyone; the rest takes the password */
static bool is_public(const char *status, const char *body)
{
	static const char *const all[] = { "100", "400", "401", "413", "414", "429",
					   "431", "500", "501", "503", "505" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strncmp(status, all[i], 3))
			return !strstr(body, "dnstt_") && !strstr(body, "A body is not expected");
	return false;
}

static bool is_known(const char *status)
{
	return !strncmp(status, "200 ", 4) || !strncmp(status, "404 ", 4) ||
	       !strncmp(status, "405 ", 4) || is_public(status, "");
}

/* One answer after the other. Returns how many there are, without interim ones. */
static size_t check_answers(char *answer, size_t bytes, bool allowed)
{
	static const char version[] = "HTTP/1.1 ";
	const size_t before = sizeof(version) - 1;
	char *at = answer, *end = answer + bytes;
	bool closes = false;
	size_t count = 0;

	while (at < end) {
		char *status = at + before, *body = strstr(at, "\r\n\r\n");
		const char *length, *connection;

		must(!closes && (size_t)(end - at) > before && !strncmp(at, version, before));
		must(body && is_known(status));
		must(allowed || is_public(status, body));
		length = header(at, body, "Content-Length");
		connection = header(at, body, "Connection");
		closes = connection && !strncasecmp(connection, "close", 5);
		/* libmicrohttpd 0.9.75 sends this one twice where a head has all of its memory */
		if (!strncmp(status, "431", 3) && end - body - 4 >= body + 4 - at &&
		    !memcmp(at, body + 4, (size_t)(body + 4 - at)))
			body += body + 4 - at;
		count += strncmp(status, "100", 3) != 0;
		at = body + 4;
		/* The answer to a HEAD has a length, but no body; and no body begins like this */
		if (at < end && strncmp(at, version, before) != 0) {
			must(length && (size_t)(end - at) >= strtoul(length, NULL, 10));
			at += strtoul(length, NULL, 10);
		}
	}
	return count;
}

/* The value, if a line is a header of this name, with blanks before its colon or without */
static const char *value_of(const char *line, const char *name, size_t length)
{
	if (strncasecmp(line, name, length) != 0)
		return NULL;
	line += length + strspn(line + length, " \t");
	return *line == ':' ? line + 1 : NULL;
}

/* A first request that says it has a body is the last: what follows may be that, or another's */
static bool ends_with_first(const char *text)
{
	static const char length[] = "content-length", coding[] = "transfer-encoding";

	text += strspn(text, "\r\n");
	while ((text = strchr(text, '\n'))) {
		const char *value;

		text++;
		if (*text == '\n' || (*text == '\r' && text[1] == '\n'))
			return false;
		/* Ends the head as an empty line does, and looks like one then (SECURITY.md) */
		if (*text == ':' && text[1] == '\n')
			return false;
		if (value_of(text, coding, sizeof(coding) - 1))
			return true;
		value = value_of(text, length, sizeof(length) - 1);
		if (!value)
			continue;
		value += strspn(value, " \t");
		if (*value != '0' || value[1 + strspn(value + 1, " \t\r")] != '\n')
			return true;
	}
	return false;
}

static void check_basic(const char *text)
{
	struct basic basic;

	if (basic_parse(text, &basic))
		return;
	must(strlen(basic.user) == basic.user_bytes && basic.user_bytes <= BASIC_USER_BYTES);
	must(strlen(basic.password) == basic.password_bytes);
	must(!strchr(basic.user, ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t bytes)
{
	static char request[BYTES_MAX + 1], answer[ANSWER_BYTES + 1];
	static unsigned inputs;
	size_t answered = 0, count;
	bool allowed, open;
	int fd;

	if (bytes > BYTES_MAX)
		return -1;
	if (!server.http)
		open_server();
	if (inputs++ % FRESH == 0)
		forget_passwords();
	if (bytes)
		memcpy(request, text, bytes);
	request[bytes] = '\0';
	check_basic(request);
	allowed = memmem(request, bytes, TOKEN, sizeof(TOKEN) - 1) != NULL;

	fd = client();
	must(send_all(fd, request, bytes / 2));
	open = exchange(fd, answer, &answered);
	if (open && send_all(fd, request + bytes / 2, bytes - bytes / 2))
		open = exchange(fd, answer, &answered);
	ask_well();
	if (open) {
		server.now_ns += HTTP_IDLE_NS;
		open = exchange(fd, answer, &answered);
		must(!open);
	}
	close(fd);
	answer[answered] = '\0';
	must(strlen(answer) == answered || allowed); /* compressed bytes hold NULs */
	count = check_answers(answer, answered, allowed);
	must(count <= 1 || strlen(request) < bytes || !ends_with_first(request));
	(void)http_run(server.http, server.now_ns);
	must(http_counts(server.http).in_flight == 0);
	server.now_ns += 1000000;
	return 0;
}
