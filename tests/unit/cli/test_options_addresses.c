/* SPDX-License-Identifier: MIT */
/* -web.listen-address: which texts are addresses, and which addresses they are */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "cli/options.h"
#include "unit.h"

static struct options options;
static struct reason reason;

static int parse(const char *address)
{
	const char *argv[] = { "program", "-dnstt.domain=t.example.com", "-web.listen-address",
			       address, NULL };

	return options_parse(4, (char *const *)(uintptr_t)argv, &options, &reason);
}

static void test_addresses_are_numeric(void **state)
{
	static const struct {
		const char *text, *host;
		int family;
		uint16_t port;
		bool any_family;
	} cases[] = {
		{ ":9713", "::", AF_INET6, 9713, true },
		{ "127.0.0.1:1", "127.0.0.1", AF_INET, 1, false },
		{ "0.0.0.0:65535", "::", AF_INET6, 65535, true },
		{ "[::]:9713", "::", AF_INET6, 9713, true },
		{ "[0:0::0:0]:9713", "::", AF_INET6, 9713, true },
		{ "0.0.0.1:9713", "0.0.0.1", AF_INET, 9713, false },
		{ "[::1]:9713", "::1", AF_INET6, 9713, false },
		{ "[2001:db8::192.0.2.1]:80", "2001:db8::c000:201", AF_INET6, 80, false },
		{ "localhost:9713", "127.0.0.1", AF_INET, 9713, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct address *address = &options.addresses[0];
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;
		char host[64];

		assert_int_equal(parse(cases[i].text), 0);
		assert_int_equal(options.address_count, 1); /* and not the default besides */
		assert_string_equal(address->text, cases[i].text);
		assert_int_equal(address->any_family, cases[i].any_family);
		assert_int_equal(address->socket.ss_family, cases[i].family);
		if (cases[i].family == AF_INET) {
			assert_int_equal(address->bytes, sizeof(*v4));
			assert_int_equal(ntohs(v4->sin_port), cases[i].port);
			inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		} else {
			assert_int_equal(address->bytes, sizeof(*v6));
			assert_int_equal(ntohs(v6->sin6_port), cases[i].port);
			inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		}
		assert_string_equal(host, cases[i].host);
	}
}

static void test_anything_else_is_refused_with_examples(void **state)
{
	static const char *const wrong[] = {
		"",
		"9713",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:http",
		"example.com:9713",
		"::1:9713",
		"[::1]",
		"[::1]9713",
		"[]:9713",
		"[::1:9713",
		"::1]:9713",
		"[fe80::1%eth0]:9713",
		"127.0.0:9713",
		"127.0.0.01:9713",
		"1.2.3.4.5:80",
		" :9713",
		"*:9713",
		"\":9713\"",
		":-1",
		": 80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		if (parse(wrong[i]) != -EINVAL)
			fail_msg("%s is taken", wrong[i]);
		assert_non_null(strstr(reason.text, "-web.listen-address: "));
		assert_non_null(
			strstr(reason.text, "write :9713, 127.0.0.1:9713, [::1]:9713 or unix:/"));
	}
}

static void test_up_to_sixteen_addresses_are_listened_on(void **state)
{
	static char arguments[OPTIONS_ADDRESSES + 1][40];
	const char *argv[OPTIONS_ADDRESSES + 4] = { "program", "-dnstt.domain=t.example.com" };

	(void)state;
	for (int i = 0; i <= OPTIONS_ADDRESSES; i++) {
		(void)snprintf(arguments[i], sizeof(arguments[i]), "-web.listen-address=:%d",
			       i + 1);
		argv[2 + i] = arguments[i];
	}
	assert_int_equal(options_parse(2 + OPTIONS_ADDRESSES, (char *const *)(uintptr_t)argv,
				       &options, &reason),
			 0);
	assert_int_equal(options.address_count, OPTIONS_ADDRESSES);
	assert_string_equal(options.addresses[15].text, ":16");
	assert_int_equal(options_parse(3 + OPTIONS_ADDRESSES, (char *const *)(uintptr_t)argv,
				       &options, &reason),
			 -EINVAL);
	assert_non_null(strstr(reason.text, "at most 16 addresses"));
}

/* The kernel would refuse the second of each pair */
static void test_unix_sockets_have_an_absolute_path(void **state)
{
	char text[200] = "unix:/";
	const struct sockaddr_un *socket;

	(void)state;
	assert_int_equal(parse("unix:/run/x.sock"), 0);
	socket = (const struct sockaddr_un *)&options.addresses[0].socket;
	assert_true(address_is_unix(&options.addresses[0]));
	assert_string_equal(socket->sun_path, "/run/x.sock");
	assert_string_equal(options.addresses[0].text, "unix:/run/x.sock");
	assert_int_equal(parse("unix:"), -EINVAL);
	assert_int_equal(parse("unix:run/x.sock"), -EINVAL);
	assert_int_equal(parse("unix:@abstract"), -EINVAL);
	/* sun_path has 108 bytes with its end (unix(7)) */
	memset(text + 6, 'a', 106);
	assert_int_equal(parse(text), 0);
	text[6 + 106] = 'a';
	assert_int_equal(parse(text), -EINVAL);
}

static void test_what_another_covers_is_not_listened_on(void **state)
{
	static const struct {
		const char *first, *second, *third;
		uint32_t count;
		const char *listened; /* the first of them */
	} cases[] = {
		{ ":9713", ":9713", ":9713", 1, ":9713" },
		{ "0.0.0.0:9713", "[::]:9713", "127.0.0.1:9713", 1, "0.0.0.0:9713" },
		{ "[::1]:9713", "127.0.0.1:9713", "[::]:9713", 1, "[::]:9713" },
		{ "127.0.0.1:1", ":2", "127.0.0.1:2", 2, "127.0.0.1:1" },
		{ "127.0.0.1:1", "localhost:1", "[::1]:1", 2, "127.0.0.1:1" },
		{ "127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", 3, "127.0.0.1:1" },
		{ "unix:/a", ":1", "unix:/a", 2, "unix:/a" },
		{ ":1", "unix:/a", "unix:/b", 3, ":1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *argv[] = { "program",
				       "-dnstt.domain=t.example.com",
				       "-web.listen-address",
				       cases[i].first,
				       "-web.listen-address",
				       cases[i].second,
				       "-web.listen-address",
				       cases[i].third };

		assert_int_equal(options_parse((int)COUNT(argv), (char *const *)(uintptr_t)argv,
					       &options, &reason),
				 0);
		assert_int_equal(options.address_count, cases[i].count);
		assert_string_equal(options.addresses[0].text, cases[i].listened);
	}
}

static void test_long_address_is_refused(void **state)
{
	char text[500];

	(void)state;
	memset(text, '1', sizeof(text));
	strcpy(text + 490, ":9713");
	assert_int_equal(parse(text), -EINVAL);
	text[0] = '[';
	text[489] = ']';
	assert_int_equal(parse(text), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_numeric),
		cmocka_unit_test(test_anything_else_is_refused_with_examples),
		cmocka_unit_test(test_up_to_sixteen_addresses_are_listened_on),
		cmocka_unit_test(test_unix_sockets_have_an_absolute_path),
		cmocka_unit_test(test_what_another_covers_is_not_listened_on),
		cmocka_unit_test(test_long_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
