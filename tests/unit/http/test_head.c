/* SPDX-License-Identifier: MIT */
/* Heads of requests: which are HTTP, and which only look like it */
#include "http/head.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void test_the_first_bytes_are_of_a_request_line(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
	} cases[] = {
		{ "GET /metrics HTTP/1.1\r\n", 0 },
		{ "GET /metrics HTTP/1.0\nHost: x\n\n", 0 },
		{ "\r\n\r\nGET / HTTP/1.1\r\n", 0 },
		{ "OPTIONS * HTTP/1.1\r\n", 0 },
		{ "M-SEARCH * HTTP/1.1\r\n", 0 },
		{ "GET http://[::1]:9713/metrics?a=b#c HTTP/1.9\r\n", 0 },
		{ "GET /\xff HTTP/1.1\r\n", 0 },
		/* As far as it is there */
		{ "", 0 },
		{ "\r", 0 },
		{ "G", 0 },
		{ "GET", 0 },
		{ "GET ", 0 },
		{ "GET /met", 0 },
		{ "GET / ", 0 },
		{ "GET / HTT", 0 },
		{ "GET / HTTP/1.", 0 },
		{ "GET / HTTP/1.1", 0 },
		{ "GET / HTTP/1.1\r", 0 },
		{ "GET\r\n", 400 },
		{ "GET\t/ HTTP/1.1\r\n", 400 },
		{ "GET /\tHTTP/1.1\r\n", 400 },
		{ " GET / HTTP/1.1\r\n", 400 },
		{ "GET  / HTTP/1.1\r\n", 400 },
		{ "GET /  HTTP/1.1\r\n", 400 },
		{ "GET /a b HTTP/1.1\r\n", 400 },
		{ "GET /a\x7f", 400 },
		{ "GET /\r\n", 400 },
		{ "GET \r\n", 400 },
		{ "GET(", 400 },
		{ "GET:", 400 },
		{ "GET / HTTP/1.1 \r\n", 400 },
		{ "GET / HTTP/1.1\rx", 400 },
		{ "GET / HTTP/1.10\r\n", 400 },
		{ "GET / HTTP/1\r\n", 400 },
		{ "GET / http/1.1\r\n", 400 },
		{ "\x16\x03\x01", 400 },
		{ "PRI * HTTP/2.0\r\n", 505 },
		{ "GET / HTTP/0.9\r\n", 505 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* Its own memory, so that a sanitizer sees a byte too far */
		size_t bytes = strlen(cases[i].text);
		char *text = malloc(bytes + !bytes);
		unsigned status;

		assert_non_null(text);
		memcpy(text, cases[i].text, bytes);
		status = head_begins(text, bytes, false);
		free(text);
		if (status != cases[i].status)
			fail_msg("%u for %s", status, cases[i].text);
	}
	assert_int_equal(head_begins("GET / HTTP/1.1\0\r\n", 17, false), 400);
	assert_int_equal(head_begins("GET /\0 HTTP/1.1\r\n", 17, false), 400);
	assert_int_equal(head_begins("GE\0T / HTTP/1.1\r\n", 17, false), 400);
	assert_int_equal(head_begins("\0", 1, false), 400);
	assert_int_equal(head_begins("GET /aaa", 8, true), 414);
}

static void test_targets_are_judged_before_they_are_decoded(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
		const char *path;
	} cases[] = {
		{ "/metrics", 0, "/metrics" },
		{ "/metrics?x=%00&y=%zz", 0, "/metrics?x=%00&y=%zz" },
		{ "/%6detrics", 0, "/%6detrics" },
		{ "/a%0d%0a", 0, "/a%0d%0a" },
		{ "*", 0, "*" },
		{ "host:443", 0, "host:443" },
		{ "", 0, "" },
		{ "http://host/metrics", 0, "/metrics" },
		{ "HTTPS://[2001:db8::1]:9713/metrics?x", 0, "/metrics?x" },
		{ "http://dnstt_exporter:9713/", 0, "/" },
		{ "http://host", 0, "" },
		{ "http://host?x=/y", 0, "?x=/y" },
		{ "http://host//metrics", 0, "//metrics" },
		{ "/http://host/metrics", 0, "/http://host/metrics" },
		{ "ftp://host/metrics", 0, "ftp://host/metrics" },
		{ "http:/metrics", 0, "http:/metrics" },
		{ "http:///metrics", 400, NULL },
		{ "http://", 400, NULL },
		{ "http://user@host/metrics", 400, NULL },
		{ "http://ho%73t/metrics", 400, NULL },
		{ "http://host\\metrics", 400, NULL },
		{ "http://host#/metrics", 400, NULL },
		{ "/metrics%00", 400, NULL },
		{ "/metrics%00foo?x", 400, NULL },
		{ "/%", 400, NULL },
		{ "/%0", 400, NULL },
		{ "/%0?0", 400, NULL },
		{ "/%zz", 400, NULL },
		{ "/a b", 400, NULL },
		{ "/a\tb", 400, NULL },
		{ "/a\rb", 400, NULL },
		{ "/a?b\x01", 400, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t path_at = 1000;
		unsigned status = head_target(cases[i].target, &path_at);

		if (status != cases[i].status)
			fail_msg("%u for %s", status, cases[i].target);
		if (status == 0)
			assert_string_equal(cases[i].target + path_at, cases[i].path);
		else
			assert_int_equal(path_at, 1000);
	}
}

static void test_arguments_have_a_number(void **state)
{
	char target[3 + 2 * HEAD_ARGUMENTS] = "/?a";
	size_t path_at;

	(void)state;
	for (unsigned count = 1; count < HEAD_ARGUMENTS; count++)
		strcat(target, "&a");
	assert_int_equal(head_target(target, &path_at), 0);
	target[sizeof(target) - 2] = '&';
	assert_int_equal(head_target(target, &path_at), 414);
	/* None of these separates arguments */
	memset(target + 1, '&', sizeof(target) - 2);
	assert_int_equal(head_target(target, &path_at), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_bytes_are_of_a_request_line),
		cmocka_unit_test(test_targets_are_judged_before_they_are_decoded),
		cmocka_unit_test(test_arguments_have_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
