/* SPDX-License-Identifier: MIT */
/* Who counts as one client */
#include "base/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit.h"

static uint64_t key_of(const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(1) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(2) };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return peer_key((const struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return peer_key((const struct sockaddr *)&in6);
}

static void test_a_client_is_an_ipv4_address_or_an_ipv6_48(void **state)
{
	const struct sockaddr other = { .sa_family = AF_UNIX };

	(void)state;
	assert_int_equal(key_of("192.0.2.1"), key_of("192.0.2.1"));
	assert_int_equal(key_of("192.0.2.1"), key_of("::ffff:192.0.2.1"));
	assert_int_not_equal(key_of("192.0.2.1"), key_of("192.0.2.2"));
	assert_int_equal(key_of("2001:db8:1::1"), key_of("2001:db8:1:2:3:4:5:6"));
	assert_int_not_equal(key_of("2001:db8:1::1"), key_of("2001:db8:2::1"));
	assert_int_not_equal(key_of("0.0.0.0"), key_of("::"));
	assert_int_not_equal(key_of("::"), 0);
	assert_int_not_equal(peer_key(&other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_client_is_an_ipv4_address_or_an_ipv6_48),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
