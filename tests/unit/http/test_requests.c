/* SPDX-License-Identifier: MIT */
/* Requests as bytes: which are served, and that each of the others gets one answer that says so */
#include "http/http.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/reason.h"
#include "unit.h"

#define ANSWER_BYTES 65536
#define HOST	     "Host: x\r\n"
#define GET	     "GET /ok HTTP/1.1\r\n"
#define END	     "\r\n"
#define NEXT	     "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"

static struct {
	struct http *http;
	struct sockaddr_un address;
	socklen_t address_bytes;
	uint64_t now_ns;
	char paths[512]; /* of what was asked, each with a blank behind it */
} server;

static char answer[ANSWER_BYTES];

static struct MHD_Response *say(void *context, const struct http_request *request,
				unsigned *ret_status)
{
	size_t length = strlen(server.paths);

	(void)context;
	(void)snprintf(server.paths + length, sizeof(server.paths) - length, "%s ", request->path);
	*ret_status = request->status ? request->status : request->has_body ? 405 : 200;
	return MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
}

static int set_up(void **state)
{
	const struct http_options options = { .answer = say };
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)state;
	memset(&server, 0, sizeof(server));
	server.now_ns = UINT64_C(1000000000000);
	server.address_bytes = sizeof(server.address);
	assert_int_equal(http_open(&options, &server.http, &(struct reason){ 0 }), 0);
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
	return 0;
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&server.address, server.address_bytes), 0);
	return fd;
}

/* Let it work until it waits. False once the connection has ended. */
static bool listen_to(int fd, size_t *bytes)
{
	bool open = true;

	for (unsigned i = 0; i < 4; i++) {
		ssize_t got = 1;

		(void)http_run(server.http, server.now_ns);
		while (open && got > 0) {
			got = recv(fd, answer + *bytes, ANSWER_BYTES - 1 - *bytes, 0);
			*bytes += got > 0 ? (size_t)got : 0;
			open = got > 0 || (got < 0 && errno == EAGAIN);
		}
	}
	answer[*bytes] = '\0';
	return open;
}

/* All of the answers to a request and to a second one behind it, which is asked unless the first ended
 * the connection. Returns how many there are.
 */
static unsigned ask(const char *text, size_t bytes, size_t piece)
{
	unsigned count = 0;
	size_t got = 0;
	bool open = true;
	int fd = client();

	server.paths[0] = '\0';
	for (size_t sent = 0; sent < bytes && open; sent += piece) {
		size_t now = bytes - sent < piece ? bytes - sent : piece;

		open = send(fd, text + sent, now, MSG_NOSIGNAL) == (ssize_t)now &&
		       listen_to(fd, &got);
	}
	if (open && send(fd, NEXT, sizeof(NEXT) - 1, MSG_NOSIGNAL) > 0)
		open = listen_to(fd, &got);
	close(fd);
	(void)http_run(server.http, server.now_ns);
	for (const char *at = answer; (at = strstr(at, "HTTP/1.1 ")); at++)
		count++;
	return count;
}

#define REQUEST(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t bytes;
	const char *path;
} good[] = {
	{ REQUEST(GET HOST END), "/ok" },
	{ REQUEST("GET /ok HTTP/1.1\nHost: x\n\n"), "/ok" },
	{ REQUEST("\r\nGET /ok HTTP/1.1\r\n" HOST END), "/ok" },
	{ REQUEST("HEAD /ok?a=b&c HTTP/1.1\r\n" HOST END), "/ok" },
	{ REQUEST("OPTIONS * HTTP/1.1\r\n" HOST END), "*" },
	{ REQUEST("GET /%6fk HTTP/1.2\r\n" HOST END), "/ok" },
	{ REQUEST("GET http://x/ok HTTP/1.1\r\n" HOST END), "/ok" },
	{ REQUEST("GET https://[::1]:9713/o%6b?/x HTTP/1.1\r\n" HOST END), "/ok" },
	{ REQUEST("GET http://x HTTP/1.1\r\n" HOST END), "/" },
	{ REQUEST("GET http://x?y HTTP/1.1\r\n" HOST END), "/" },
	{ REQUEST(GET "Host:\r\n\r\n"), "/ok" },
	{ REQUEST(GET "Host: [2001:db8::1]:9713 \t\r\n\r\n"), "/ok" },
	{ REQUEST(GET "hOST: dnstt_exporter.x-y:9713\r\n\r\n"), "/ok" },
	{ REQUEST(GET HOST "Content-Length: 0\r\n\r\n"), "/ok" },
	{ REQUEST(GET HOST "Content-Length:0 \r\nContent-Length: 0\r\n\r\n"), "/ok" },
	{ REQUEST(GET HOST "X-Empty:\r\nX: a\tb \xe9 \r\n\r\n"), "/ok" },
	{ REQUEST(GET HOST "Expect: 100-continue\r\n\r\n"), "/ok" },
	{ REQUEST(GET HOST "Cookie: a=b; c=\"d\"\r\n\r\n"), "/ok" },
};

static void test_requests_are_served_in_any_pieces(void **state)
{
	static const size_t pieces[] = { 1000, 1, 7 };
	char paths[64];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		(void)snprintf(paths, sizeof(paths), "%s /next ", good[i].path);
		for (size_t j = 0; j < COUNT(pieces); j++) {
			unsigned count = ask(good[i].text, good[i].bytes, pieces[j]);

			if (count != 2 || strcmp(server.paths, paths) != 0 ||
			    strncmp(answer, "HTTP/1.1 200", 12) != 0)
				fail_msg("%u for %s: %s: %s", count, good[i].text, server.paths,
					 answer);
		}
	}
}

static const struct {
	const char *text;
	size_t bytes;
	unsigned status;
} bad[] = {
	/* What libmicrohttpd closes without a word */
	{ REQUEST("GET\r\n" HOST END), 400 },
	{ REQUEST("GET\t/ok\tHTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET\t/ok HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok\tHTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST(" GET /ok HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /o k HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok  HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("\0\xff\r\n\r\n"), 400 },
	{ REQUEST("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), 400 },
	/* What it takes for a request */
	{ REQUEST("GET  /ok HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok%00foo HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok\0foo HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok?\0foo HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok\0HTTP/1.1 HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET\0X /ok HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST("GET /ok\r HTTP/1.1\r\n" HOST END), 400 },
	{ REQUEST(GET HOST HOST END), 400 },
	{ REQUEST("GET /ok HTTP/1.0\r\n" HOST HOST END), 400 },
	{ REQUEST(GET "Host: a b/<>\r\n\r\n"), 400 },
	{ REQUEST(GET "Host: a@b\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X: a\rb\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X: a\0b\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X: a\0\r\n\r\n"), 400 },
	{ REQUEST(GET "X: a\0b\r\n" HOST END), 400 },
	{ REQUEST(GET "X:\0a\r\n" HOST END), 400 },
	{ REQUEST(GET HOST "X: a\x7f\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X(Y): a\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X Y: a\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X : a\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "X: a\r\n b\r\n\r\n"), 400 },
	{ REQUEST(GET "Host: x\r\n\ty\r\n\r\n"), 400 },
	{ REQUEST(GET "X: a\r\n b\r\n" HOST END), 400 },
	{ REQUEST(GET HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "Content-Length: 0\r\n 5\r\n\r\n"), 400 },
	{ REQUEST(GET ": a\r\n" HOST END), 400 },
	{ REQUEST(GET HOST ": a\r\nContent-Length: 5\r\n\r\n"), 400 },
	{ REQUEST(GET HOST ": a\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "Content-Length: 0\0"
			   "5\r\n\r\n"),
	  400 },
	/* What it answers with two heads */
	{ REQUEST(GET HOST "Content-Length: 0, 0\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "Content-Length: +0\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "Content-Length: -1\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "Content-Length: 0x0\r\n\r\n"), 400 },
	{ REQUEST(GET HOST "Content-Length:\r\n\r\n"), 400 },
	{ REQUEST(GET "Content-Length: 0 0\r\n" HOST END), 400 },
	{ REQUEST("POST /ok HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"), 400 },
	{ REQUEST(GET END), 400 },
	{ REQUEST(GET "X: y\r\n\r\n"), 400 },
	{ REQUEST(GET " X: y\r\n" HOST END), 400 },
	/* What it answers itself */
	{ REQUEST("GET /ok\r\n" HOST END), 400 },
	{ REQUEST(GET "X\r\n" HOST END), 400 },
	{ REQUEST(GET HOST "X\0Y: a\r\n\r\n"), 400 },
	{ REQUEST("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
	/* A body, in which a request may stand */
	{ REQUEST(GET HOST "Content-Length: 9\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Content-Length: 00\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Content-Length: 0\r\nContent-Length: 9\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Content-Length: 18446744073709551615\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Content-Length: 99999999999999999999999\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Transfer-Encoding: chunked\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Transfer-Encoding: gzip\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Transfer-Encoding:\r\n\r\n"), 405 },
	{ REQUEST(GET HOST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"), 405 },
};

static void test_anything_else_is_refused_in_one_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		unsigned count = ask(bad[i].text, bad[i].bytes, bad[i].bytes), status = 0;

		(void)sscanf(answer, "HTTP/1.1 %u", &status);
		if (count != 1 || status != bad[i].status || strstr(server.paths, "/next"))
			fail_msg("case %zu: %u for %s: %s: %s", i, count, bad[i].text, server.paths,
				 answer);
		assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	}
}

/* In pieces some of them are closed without a word, as SECURITY.md says, but none is served */
static void test_nothing_else_is_served_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		unsigned count = ask(bad[i].text, bad[i].bytes, 1);

		if (count > 1 || strstr(answer, "HTTP/1.1 200") || strstr(server.paths, "/next"))
			fail_msg("case %zu: %u for %s: %s: %s", i, count, bad[i].text, server.paths,
				 answer);
	}
}

static void repeat(char *text, const char *begin, const char *part, unsigned count, const char *end)
{
	text = stpcpy(text, begin);
	while (count--)
		text = stpcpy(text, part);
	strcpy(text, end);
}

static unsigned status_of(const char *text)
{
	unsigned status = 0;

	assert_int_equal(ask(text, strlen(text), strlen(text)), 1);
	(void)sscanf(answer, "HTTP/1.1 %u", &status);
	return status;
}

static void test_many_arguments_and_cookies_cost_nothing(void **state)
{
	static char text[2 * HTTP_REQUEST_BYTES];

	(void)state;
	repeat(text, "GET /ok?a", "&a=b", 199, " HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(ask(text, strlen(text), strlen(text)), 2);
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK"));
	repeat(text, "GET /ok?a", "&a=b", 250, " HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(status_of(text), 414);
	repeat(text, "GET /ok?a", "&", 2500, " HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(status_of(text), 414);
	repeat(text, "GET /", "a", HTTP_REQUEST_BYTES, " HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(status_of(text), 414);
	repeat(text, GET HOST "Cookie: a=b", ";c=d", 2000, "\r\n\r\n");
	assert_int_equal(ask(text, strlen(text), strlen(text)), 2);
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK"));
}

/* libmicrohttpd takes it in small pieces, and while it did connections piled up */
static void test_a_large_head_is_read_at_once(void **state)
{
	static char text[2 * HTTP_REQUEST_BYTES];

	(void)state;
	repeat(text, GET HOST "X: a", "a", 14000, "\r\n\r\n");
	assert_int_equal(ask(text, strlen(text), strlen(text)), 2);
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK"));
	repeat(text, GET HOST "X: a", "a", 20000, "\r\n\r\n");
	assert_int_equal(status_of(text), 431);
}

static void test_a_connection_without_a_byte_is_closed_at_its_end(void **state)
{
	int fd = client();
	size_t bytes = 0;

	(void)state;
	assert_true(listen_to(fd, &bytes));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_false(listen_to(fd, &bytes));
	assert_int_equal(bytes, 0);
	close(fd);
	/* And one that is there when the server ends */
	fd = client();
	assert_true(listen_to(fd, &bytes));
	http_close(server.http);
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	close(fd);
	(void)set_up(state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests_are_served_in_any_pieces),
		TEST(test_anything_else_is_refused_in_one_answer),
		TEST(test_nothing_else_is_served_in_any_pieces),
		TEST(test_many_arguments_and_cookies_cost_nothing),
		TEST(test_a_large_head_is_read_at_once),
		TEST(test_a_connection_without_a_byte_is_closed_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
