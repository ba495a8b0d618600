/* SPDX-License-Identifier: MIT */
/* -capture.interface: names are followed as interfaces come, go and change their names */
#include "traffic/interfaces.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "unit.h"

static void test_without_names_every_interface_counts(void **state)
{
	struct interfaces interfaces = { .fd = 0 };

	(void)state;
	assert_true(interfaces_wanted(&interfaces, 1));
	assert_true(interfaces_wanted(&interfaces, UINT32_MAX));
	assert_int_equal(interfaces_open(&interfaces, NULL, 0), 0);
	assert_int_equal(interfaces.fd, -1);
}

static struct interfaces opened(const char *name)
{
	struct interfaces interfaces;

	assert_int_equal(interfaces_open(&interfaces, &name, 1), 0);
	assert_int_equal(interfaces.count, 1);
	assert_true(interfaces.fd >= 0);
	return interfaces;
}

static void test_named_interface_is_the_only_one_that_counts(void **state)
{
	struct interfaces interfaces = opened("lo");
	uint32_t lo = if_nametoindex("lo");

	(void)state;
	assert_true(interfaces_wanted(&interfaces, lo));
	assert_false(interfaces_wanted(&interfaces, lo + 1));
	assert_false(interfaces_wanted(&interfaces, lo | 0x10000));
	assert_false(interfaces_wanted(&interfaces, 0));
	close(interfaces.fd);
}

static void test_name_that_is_not_there_yet_counts_nothing(void **state)
{
	struct interfaces interfaces;

	(void)state;
	log_configure(LOG_ERROR, LOG_LOGFMT);
	interfaces = opened("no-such0");
	assert_int_equal(interfaces.interface[0].index, 0);
	assert_false(interfaces_wanted(&interfaces, 0));
	assert_false(interfaces_wanted(&interfaces, if_nametoindex("lo")));
	close(interfaces.fd);
}

static void test_up_to_64_names_are_taken(void **state)
{
	const char *names[INTERFACES_MAX];
	struct interfaces interfaces;

	(void)state;
	for (unsigned i = 0; i < INTERFACES_MAX; i++)
		names[i] = "lo";
	assert_int_equal(interfaces_open(&interfaces, names, INTERFACES_MAX), 0);
	assert_int_equal(interfaces.count, INTERFACES_MAX);
	close(interfaces.fd);
}

/* As after a change between the look at the name and the news */
static void test_kernel_is_asked_for_what_was_before_the_news(void **state)
{
	struct interfaces interfaces = opened("lo");

	(void)state;
	interfaces.interface[0].index = 4711;
	interfaces_read(&interfaces);
	assert_true(interfaces_wanted(&interfaces, if_nametoindex("lo")));
	assert_false(interfaces_wanted(&interfaces, 4711));
	close(interfaces.fd);
}

static void test_kernel_is_asked_for_news(void **state)
{
	struct interfaces interfaces = opened("lo");

	(void)state;
	interfaces_read(&interfaces); /* nothing is new, and nobody waits */
	assert_true(interfaces_wanted(&interfaces, if_nametoindex("lo")));
	close(interfaces.fd);
}

/* News as rtnetlink(7) has them */
struct news {
	struct nlmsghdr header;
	struct ifinfomsg link;
	struct rtattr attribute;
	char name[IF_NAMESIZE];
};

static struct news news_of(unsigned type, int index, const char *name)
{
	struct news news = { .header = { .nlmsg_len = sizeof(news), .nlmsg_type = (uint16_t)type },
			     .link = { .ifi_index = index },
			     .attribute = { .rta_len = sizeof(news.attribute) + IF_NAMESIZE,
					    .rta_type = IFLA_IFNAME } };

	(void)snprintf(news.name, sizeof(news.name), "%s", name);
	return news;
}

/* The same of an interface that has another name besides */
struct other_news {
	struct news news;
	struct rtattr list, attribute;
	char name[IF_NAMESIZE];
};

static struct other_news other_news_of(const char *name)
{
	struct other_news other = { .news = news_of(RTM_NEWLINK, 5, "wlan0"),
				    .list = { .rta_len = sizeof(other) - sizeof(other.news),
					      .rta_type = IFLA_PROP_LIST | NLA_F_NESTED },
				    .attribute = { .rta_len = sizeof(other.attribute) + IF_NAMESIZE,
						   .rta_type = IFLA_ALT_IFNAME } };

	other.news.header.nlmsg_len = sizeof(other);
	(void)snprintf(other.name, sizeof(other.name), "%s", name);
	return other;
}

struct wire {
	struct interfaces interfaces;
	int sender;
};

static struct wire wire;

/* A socketpair whose sender has a name that reads as a netlink address with that port: an abstract
 * name of twelve bytes, the last four of this process alone
 */
static int connect_from(uint32_t port, int ret_sockets[2])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	pid_t self = getpid();

	memcpy(name.sun_path + 2, &port, sizeof(port));
	memcpy(name.sun_path + 6, &self, sizeof(self));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ret_sockets) < 0)
		return -1;
	return bind(ret_sockets[0], (struct sockaddr *)&name, sizeof(struct sockaddr_nl));
}

static int set_up(void **state)
{
	int sockets[2];

	(void)state;
	if (connect_from(0, sockets) < 0) /* the kernel's */
		return -1;
	wire.sender = sockets[0];
	wire.interfaces = (struct interfaces){ .count = 2, .fd = sockets[1] };
	strcpy(wire.interfaces.interface[0].name, "wg0");
	wire.interfaces.interface[0].index = 5;
	strcpy(wire.interfaces.interface[1].name, "eth0");
	wire.interfaces.interface[1].index = 2;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(wire.sender);
	close(wire.interfaces.fd);
	return 0;
}

static void deliver(const void *message, size_t bytes)
{
	assert_int_equal(send(wire.sender, message, bytes, 0), bytes);
	interfaces_read(&wire.interfaces);
}

static void tell(unsigned type, int index, const char *name)
{
	struct news news = news_of(type, index, name);

	deliver(&news, sizeof(news));
}

static bool wanted(uint32_t index)
{
	return interfaces_wanted(&wire.interfaces, index);
}

static void test_interface_that_comes_back_counts_under_its_new_index(void **state)
{
	(void)state;
	assert_true(wanted(5));
	tell(RTM_DELLINK, 5, "wg0");
	assert_false(wanted(5));
	assert_true(wanted(2));
	tell(RTM_NEWLINK, 9, "wg0");
	assert_true(wanted(9));
	assert_false(wanted(5));
}

static void test_other_interfaces_change_nothing(void **state)
{
	(void)state;
	tell(RTM_NEWLINK, 7, "docker0");
	tell(RTM_DELLINK, 8, "veth1");
	tell(RTM_NEWADDR, 5, "other");
	tell(RTM_NEWLINK, 5, "wg0"); /* up, say */
	assert_true(wanted(5));
	assert_true(wanted(2));
	assert_false(wanted(7));
	assert_false(wanted(8));
}

static void test_name_decides_when_it_changes_hands(void **state)
{
	(void)state;
	tell(RTM_NEWLINK, 5, "old-wg0");
	assert_false(wanted(5));
	tell(RTM_NEWLINK, 6, "wg0");
	assert_true(wanted(6));
	assert_false(wanted(5));
	tell(RTM_NEWLINK, 6, "eth0");
	assert_true(wanted(6));
	assert_false(wanted(2));
	tell(RTM_DELLINK, 6, "eth0");
	assert_false(wanted(6));
}

static void test_interface_counts_by_its_other_names(void **state)
{
	struct other_news other = other_news_of("wg0");

	(void)state;
	deliver(&other, sizeof(other));
	assert_true(wanted(5));
	other = other_news_of("wg1");
	deliver(&other, sizeof(other));
	assert_false(wanted(5));
	other = other_news_of("wg0");
	other.news.link.ifi_index = 6;
	deliver(&other, sizeof(other));
	assert_true(wanted(6));
}

static void test_broken_other_names_are_none(void **state)
{
	struct other_news other = other_news_of("wg0");

	(void)state;
	memset(other.name, 'x', sizeof(other.name));
	deliver(&other, sizeof(other));
	assert_false(wanted(5));
	for (unsigned bytes = 0; bytes < other.list.rta_len; bytes++) {
		other = other_news_of("wg0");
		other.list.rta_len = (uint16_t)bytes;
		deliver(&other, sizeof(other));
		assert_false(wanted(5));
	}
}

/* The kernel tells so of a port that leaves a bridge, and is still there */
static void test_news_of_a_family_say_nothing_of_the_interface(void **state)
{
	struct news news = news_of(RTM_DELLINK, 5, "wg0");

	(void)state;
	news.link.ifi_family = AF_BRIDGE;
	deliver(&news, sizeof(news));
	assert_true(wanted(5));
}

static void test_news_of_a_wireless_driver_name_no_other_names(void **state)
{
	struct other_news other = other_news_of("");

	(void)state;
	other.list.rta_type = IFLA_WIRELESS;
	deliver(&other, sizeof(other));
	assert_true(wanted(5));
}

static void test_several_news_come_in_one_message(void **state)
{
	struct news news[] = { news_of(RTM_DELLINK, 5, "wg0"), news_of(RTM_NEWLINK, 11, "wg0"),
			       news_of(RTM_NEWLINK, 12, "eth0") };

	(void)state;
	deliver(news, sizeof(news));
	assert_true(wanted(11));
	assert_true(wanted(12));
	assert_false(wanted(5));
	assert_false(wanted(2));
}

static void test_news_from_other_processes_are_passed_over(void **state)
{
	struct news news = news_of(RTM_DELLINK, 5, "wg0");
	int sockets[2];

	(void)state;
	assert_int_equal(connect_from(4711, sockets), 0);
	assert_int_equal(send(sockets[0], &news, sizeof(news), 0), sizeof(news));
	close(wire.interfaces.fd);
	wire.interfaces.fd = sockets[1];
	interfaces_read(&wire.interfaces);
	assert_true(wanted(5));
	close(sockets[0]);
}

static void test_broken_news_are_passed_over(void **state)
{
	struct news news = news_of(RTM_NEWLINK, 5, "docker0");

	(void)state;
	for (size_t bytes = 0; bytes < sizeof(news); bytes++)
		deliver(&news, bytes);
	news.header.nlmsg_len = sizeof(news.header) + 1;
	deliver(&news, sizeof(news));
	assert_true(wanted(5));
	/* A name without an end is none; the link is under no name that counts */
	news = news_of(RTM_NEWLINK, 6, "wg0");
	memset(news.name, 'x', sizeof(news.name));
	deliver(&news, sizeof(news));
	news = news_of(RTM_NEWLINK, 6, "wg0");
	news.attribute.rta_len = sizeof(news.attribute) + 3;
	deliver(&news, sizeof(news));
	news = news_of(RTM_NEWLINK, 6, "wg0");
	news.attribute.rta_len = 3;
	deliver(&news, sizeof(news));
	assert_false(wanted(6));
	assert_true(wanted(5));
}

#define ON_A_WIRE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_names_every_interface_counts),
		cmocka_unit_test(test_named_interface_is_the_only_one_that_counts),
		cmocka_unit_test(test_name_that_is_not_there_yet_counts_nothing),
		cmocka_unit_test(test_up_to_64_names_are_taken),
		cmocka_unit_test(test_kernel_is_asked_for_news),
		cmocka_unit_test(test_kernel_is_asked_for_what_was_before_the_news),
		ON_A_WIRE(test_interface_that_comes_back_counts_under_its_new_index),
		ON_A_WIRE(test_other_interfaces_change_nothing),
		ON_A_WIRE(test_name_decides_when_it_changes_hands),
		ON_A_WIRE(test_interface_counts_by_its_other_names),
		ON_A_WIRE(test_broken_other_names_are_none),
		ON_A_WIRE(test_news_of_a_family_say_nothing_of_the_interface),
		ON_A_WIRE(test_news_of_a_wireless_driver_name_no_other_names),
		ON_A_WIRE(test_several_news_come_in_one_message),
		ON_A_WIRE(test_news_from_other_processes_are_passed_over),
		ON_A_WIRE(test_broken_news_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
