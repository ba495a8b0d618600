/* SPDX-License-Identifier: MIT */
/* Responses as large as they can be: what they cost the loop, and who waits for them */
#include "routes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "cli/options.h"
#include "common/record_check.h"
#include "collect.h"
#include "geoip/databases.h"
#include "geoip_fixture.h"
#include "page/page.h"
#include "system/process.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"
#include "unit.h"
#include "web/web.h"

#define SECOND	     UINT64_C(1000000000)
#define LABEL_SETS   4096
#define ANSWER_BYTES (8u << 20)
#define HOLD_NS	     (UINT64_C(10) * 1000000)

static struct {
	struct options options;
	struct traffic traffic;
	struct batch_state capture;
	struct process process;
	struct collect collect;
	const char *name;
	struct web web;
	struct routes routes;
	struct databases databases;
	struct interfaces interfaces;
	struct http *http;
	struct sockaddr_un address;
	socklen_t address_bytes;
	uint64_t now_ns, longest_ns; /* that one http_run() took of the processor */
	bool is_ready;
} server;

static char answer[ANSWER_BYTES];

static size_t metrics(void *context, enum exposition_format format, char *buffer, size_t bytes)
{
	(void)context;
	server.collect.http = http_counts(server.http);
	server.collect.scrapes = server.routes.scrapes;
	server.collect.traffic.now_ns = server.collect.traffic.now_realtime_ns = server.now_ns;
	process_usage(&server.process, &server.collect.process);
	return collect_render(&server.collect, format, buffer, bytes);
}

static bool is_ready(void *context)
{
	(void)context;
	return server.is_ready;
}

/* As many label sets as there may be, with numbers that are long */
static void fill_series(void)
{
	const struct traffic_options wanted = { .domains = 1,
						.max_sessions = 16,
						.max_series = LABEL_SETS,
						.interfaces = &server.interfaces,
						.key = { 1, 2 } };

	assert_int_equal(traffic_open(&server.traffic, &wanted), 0);
	for (uint32_t i = 0; i < LABEL_SETS - 1; i++) {
		struct place place = { .country = { (char)('A' + i % 26), 'X' },
				       .asn = 4200000000u + i };
		struct series *series = &server.traffic.series.series[series_of(
			&server.traffic.series, 0, &place, SERIES_PROVEN)];

		series->queries = 1000000000u + (uint64_t)random();
		series->sessions = (uint64_t)random() % 100000;
		series->bytes_in = series->queries * 173 + (uint64_t)random();
		series->bytes_out = series->queries * 911 + (uint64_t)random();
		series->payload_in = series->bytes_in / 3;
		series->payload_out = series->bytes_out / 3;
		series->active = (uint32_t)random() % 1000;
		series->peak = (uint32_t)random() % 10000;
	}
	assert_int_equal(server.traffic.series.count, LABEL_SETS);
}

static int set_up(void **state)
{
	const char *const argv[] = { "test", "-dnstt.domain=tunnel.example.com" };
	const struct http_options options = { .answer = routes_answer,
					      .context = &server.routes,
					      .max_requests = 40 };
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct reason reason;

	(void)state;
	memset(&server, 0, sizeof(server));
	server.is_ready = true;
	server.now_ns = 1000 * SECOND;
	assert_int_equal(options_parse(2, (char *const *)(uintptr_t)argv, &server.options, &reason),
			 0);
	server.databases.database[GEOIP_COUNTRY] = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	server.databases.database[GEOIP_ASN] =
		fixture_open(GEOIP_ASN, fixture_path("TEST_FIXTURES", "GeoLite2-ASN-Test.mmdb"));
	fill_series();
	process_open(&server.process);
	server.routes = (struct routes){ .telemetry_path = "/metrics",
					 .metrics = metrics,
					 .ready = is_ready,
					 .web = &server.web };
	server.name = server.options.domains[0];
	server.collect = (struct collect){ .traffic = { .traffic = &server.traffic,
							.names = &server.name,
							.domains = 1,
							.max_series = LABEL_SETS,
							.has_country = true,
							.has_asn = true },
					   .capture = &server.capture,
					   .databases = &server.databases };
	assert_int_equal(snapshots_open(&server.routes.snapshots, collect_bound(&server.collect)),
			 0);
	assert_int_equal(http_open(&options, &server.http, &(struct reason){ 0 }), 0);
	/* An address outside of the file system, which the kernel chooses */
	server.address_bytes = sizeof(server.address);
	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any.sun_family)), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&server.address, &server.address_bytes),
		0);
	assert_int_equal(http_listen(server.http, listener), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_close(server.http);
	for (unsigned i = 0; i < SNAPSHOTS; i++)
		assert_int_equal(server.routes.snapshots.snapshot[i].readers, 0);
	snapshots_close(&server.routes.snapshots);
	traffic_close(&server.traffic);
	databases_close(&server.databases);
	close(server.process.stat_fd);
	close(server.process.descriptors_fd);
	return 0;
}

static uint64_t used_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * SECOND + (uint64_t)used.tv_nsec;
}

/* One turn of the loop. Returns milliseconds until the next. */
static int turn(void)
{
	uint64_t before_ns = used_ns(), took_ns;
	int wait = http_run(server.http, server.now_ns);

	took_ns = used_ns() - before_ns;
	if (took_ns > server.longest_ns)
		server.longest_ns = took_ns;
	return wait;
}

static void turns(unsigned count)
{
	while (count--)
		turn();
}

static int client(const char *text)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&server.address, server.address_bytes), 0);
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

static int ask(const char *path, const char *headers)
{
	char text[200];

	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\n%s\r\n", path, headers);
	return client(text);
}

/* All of the answer, which ends with the connection. Returns its status. */
static int read_all(int fd, size_t *ret_bytes)
{
	size_t bytes = 0;
	ssize_t got;
	int status;

	do {
		turn();
		got = recv(fd, answer + bytes, ANSWER_BYTES - 1 - bytes, 0);
		bytes += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EAGAIN));
	close(fd);
	answer[bytes] = '\0';
	if (sscanf(answer, "HTTP/1.%*c %d", &status) != 1)
		return 0; /* it was cut off */
	*ret_bytes = bytes;
	return status;
}

static int status_of(int fd)
{
	size_t bytes;

	return read_all(fd, &bytes);
}

static size_t body_at(void)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return (size_t)(end - answer) + 4;
}

/* Not by strstr(), of which a sanitizer measures the whole text each time */
static size_t count_label_sets(const char *text)
{
	static const char start[] = "\ndnstt_queries_total{";
	const char *end = text + strlen(text);
	size_t count = 0;

	for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))); at++)
		count += strncmp(at, start, sizeof(start) - 1) == 0;
	return count;
}

static void inflate_body(size_t bytes)
{
	static char text[ANSWER_BYTES];
	z_stream stream = { 0 };
	size_t begin = body_at();

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (uint8_t *)answer + begin;
	stream.avail_in = (unsigned)(bytes - begin);
	stream.next_out = (uint8_t *)text;
	stream.avail_out = sizeof(text) - 1;
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	text[stream.total_out] = '\0';
	inflateEnd(&stream);
	memcpy(answer, text, stream.total_out + 1);
}

static void assert_does_not_hold_the_loop(void)
{
	if (getenv("TEST_PRINT_COST"))
		print_message("longest turn %.2f ms\n", (double)server.longest_ns / 1e6);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_UNDEFINED__)
	assert_in_range(server.longest_ns, 0, HOLD_NS);
#endif
}

/* Memory is there once it is used, and the first answers of all wait for it */
static void ask_of_the_same_moment(unsigned count)
{
	int scrapers[20];

	server.longest_ns = 0;
	for (unsigned i = 0; i < count; i++)
		scrapers[i] = ask("/metrics", i % 2 ? "Accept-Encoding: gzip\r\n" : "");
	turns(1);
	for (unsigned i = 0; i < count; i++) {
		size_t bytes = 0;

		assert_int_equal(read_all(scrapers[i], &bytes), 200);
		if (i % 2)
			inflate_body(bytes);
		assert_int_equal(count_label_sets(answer), LABEL_SETS);
	}
}

static void test_a_scrape_of_4096_label_sets_does_not_hold_the_loop(void **state)
{
	static const char *const headers[] = { "", "Accept-Encoding: gzip\r\n" };
	size_t bytes = 0;

	(void)state;
	ask_of_the_same_moment(2);
	for (unsigned i = 0; i < 4; i++) {
		server.longest_ns = 0;
		assert_int_equal(read_all(ask("/metrics", headers[i % 2]), &bytes), 200);
		if (i % 2)
			inflate_body(bytes);
		assert_int_equal(count_label_sets(answer), LABEL_SETS);
		assert_does_not_hold_the_loop();
	}
}

static void test_scrapers_at_the_same_moment_do_not_hold_it_together(void **state)
{
	(void)state;
	ask_of_the_same_moment(2);
	server.routes.scrapes.ok = 0;
	server.now_ns += SECOND; /* another moment */
	ask_of_the_same_moment(20);
	assert_int_equal(server.routes.scrapes.ok, 20);
	assert_does_not_hold_the_loop();
}

static void test_one_host_gets_half_of_the_snapshots(void **state)
{
	int unread[SNAPSHOTS / 2];
	size_t bytes;

	(void)state;
	for (unsigned i = 0; i < COUNT(unread); i++) {
		unread[i] = ask("/metrics", "");
		turns(2);
		server.now_ns += SECOND / 10;
	}
	assert_int_equal(status_of(ask("/metrics", "")), 503);
	assert_int_equal(server.routes.scrapes.unavailable, 1);
	assert_int_equal(status_of(ask("/-/healthy", "")), 200);
	assert_int_equal(read_all(unread[0], &bytes), 200);
	assert_int_equal(count_label_sets(answer), LABEL_SETS);
	assert_int_equal(status_of(ask("/metrics", "")), 200);
	for (unsigned i = 1; i < COUNT(unread); i++)
		close(unread[i]);
	turns(3);
}

static void test_what_shows_one_moment_does_not_change_while_it_is_read(void **state)
{
	struct series *series = server.traffic.series.series;
	char wanted[16];
	size_t bytes;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int slow;

		for (uint32_t j = 0; j < LABEL_SETS; j++)
			series[j].payload_out = 100 + i;
		slow = ask("/metrics", i ? "Accept-Encoding: gzip\r\n" : "");
		turns(2);
		for (uint32_t j = 0; j < LABEL_SETS; j++)
			series[j].payload_out = 555;
		assert_int_equal(read_all(slow, &bytes), 200);
		if (i)
			inflate_body(bytes);
		(void)snprintf(wanted, sizeof(wanted), "} %u\n", 100 + i);
		for (const char *at = answer; (at = strstr(at, "\ndnstt_payload_bytes_out_total{"));
		     at++)
			assert_memory_equal(strchr(at, '}'), wanted, strlen(wanted));
	}
}

static void test_a_reader_is_cut_at_the_deadline(void **state)
{
	int unread = ask("/metrics", "");
	size_t bytes;

	(void)state;
	turns(2);
	server.now_ns += HTTP_REQUEST_NS - SECOND;
	turns(2);
	assert_int_equal(http_counts(server.http).in_flight, 1);
	server.now_ns += SECOND;
	turns(3);
	assert_int_equal(http_counts(server.http).in_flight, 0);
	assert_int_equal(http_counts(server.http).expired, 1);
	(void)read_all(unread, &bytes);
	assert_true(count_label_sets(answer) < LABEL_SETS);
}

static bool is_closed(int fd)
{
	char byte;

	turns(2);
	return recv(fd, &byte, 1, MSG_PEEK) == 0;
}

static void test_the_deadline_begins_with_the_first_byte(void **state)
{
	static const char whole[] = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = client(whole);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		turns(2);
		assert_true(recv(fd, answer, ANSWER_BYTES, 0) > 0);
		server.now_ns += 5 * HTTP_REQUEST_NS; /* idle */
		assert_false(is_closed(fd));
		if (i < 2)
			assert_true(send(fd, whole, strlen(whole), 0) > 0);
	}
	assert_true(send(fd, "G", 1, 0) == 1);
	turns(2);
	server.now_ns += HTTP_REQUEST_NS - SECOND;
	assert_true(send(fd, whole + 1, 28, 0) == 28); /* its first line is there now */
	assert_false(is_closed(fd));
	server.now_ns += SECOND;
	assert_true(is_closed(fd));
	assert_int_equal(http_counts(server.http).expired, 1);
	close(fd);
}

static void test_a_connection_without_a_byte_is_no_request(void **state)
{
	int fd = client("");

	(void)state;
	turns(2);
	server.now_ns += HTTP_REQUEST_NS;
	assert_true(is_closed(fd));
	assert_int_equal(http_counts(server.http).expired, 0);
	close(fd);
}

static void test_who_is_not_ready_says_so_and_is_healthy(void **state)
{
	(void)state;
	assert_int_equal(status_of(ask("/-/ready", "")), 200);
	server.is_ready = false;
	assert_int_equal(status_of(ask("/-/ready", "")), 503);
	assert_int_equal(status_of(ask("/-/healthy", "")), 200);
	assert_int_equal(server.routes.scrapes.unavailable, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_scrape_of_4096_label_sets_does_not_hold_the_loop),
		TEST(test_scrapers_at_the_same_moment_do_not_hold_it_together),
		TEST(test_one_host_gets_half_of_the_snapshots),
		TEST(test_what_shows_one_moment_does_not_change_while_it_is_read),
		TEST(test_a_reader_is_cut_at_the_deadline),
		TEST(test_the_deadline_begins_with_the_first_byte),
		TEST(test_a_connection_without_a_byte_is_no_request),
		TEST(test_who_is_not_ready_says_so_and_is_healthy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
