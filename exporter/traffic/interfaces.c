/* SPDX-License-Identifier: MIT */
/* -capture.interface: which interfaces count, by name, as they come and go */
#include "traffic/interfaces.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* Ask the kernel for every link, where news may have been lost */
static void ask_for_all(const struct interfaces *interfaces)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = { .header = { .nlmsg_len = sizeof(request),
				  .nlmsg_type = RTM_GETLINK,
				  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };

	send(interfaces->fd, &request, sizeof(request), MSG_DONTWAIT);
}

int interfaces_open(struct interfaces *ret_interfaces, const char *const *names, uint32_t count)
{
	struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct interfaces interfaces = { .count = count, .fd = -1 };

	if (count > 0) {
		interfaces.fd =
			socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
		if (interfaces.fd < 0)
			return -errno;
		if (bind(interfaces.fd, (struct sockaddr *)&links, sizeof(links)) < 0) {
			int failed = -errno;

			(void)close(interfaces.fd);
			return failed;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		strncpy(interfaces.interface[i].name, names[i], IF_NAMESIZE - 1);
		interfaces.interface[i].index = if_nametoindex(names[i]);
		if (interfaces.interface[i].index == 0)
			log_line(LOG_WARN,
				 "an interface of -capture.interface is not there yet; its packets "
				 "count from when it comes",
				 LOG_TEXT("interface", names[i]));
	}
	/* What happened since the names were looked up */
	if (count > 0)
		ask_for_all(&interfaces);
	*ret_interfaces = interfaces;
	return 0;
}

static bool is_name(struct rtattr *attribute, const char *name)
{
	const char *text = RTA_DATA(attribute);

	return memchr(text, '\0', RTA_PAYLOAD(attribute)) && strcmp(text, name) == 0;
}

/* Whether one of these attributes is the name, or one of the other names (ip-link(8) altname) */
static bool have_name(struct rtattr *attribute, unsigned bytes, const char *name)
{
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		struct rtattr *other = RTA_DATA(attribute);
		unsigned others = (unsigned)RTA_PAYLOAD(attribute);

		switch (attribute->rta_type & NLA_TYPE_MASK) {
		case IFLA_IFNAME:
			if (is_name(attribute, name))
				return true;
			break;
		case IFLA_PROP_LIST:
			for (; RTA_OK(other, others); other = RTA_NEXT(other, others))
				if (other->rta_type == IFLA_ALT_IFNAME && is_name(other, name))
					return true;
			break;
		default: break;
		}
	}
	return false;
}

static bool have(struct rtattr *attribute, unsigned bytes, unsigned type)
{
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes))
		if ((attribute->rta_type & NLA_TYPE_MASK) == type)
			return true;
	return false;
}

/* An interface has another number, 0 for none. What is no longer counted has to be logged. */
static void set_index(struct interfaces *interfaces, uint32_t i, uint32_t index)
{
	if (interfaces->interface[i].index == index)
		return;
	interfaces->interface[i].index = index;
	log_line(index ? LOG_INFO : LOG_WARN,
		 index ? "an interface of -capture.interface is there"
		       : "an interface of -capture.interface is gone",
		 LOG_TEXT("interface", interfaces->interface[i].name));
}

static void read_message(struct interfaces *interfaces, struct nlmsghdr *message)
{
	struct ifinfomsg *link = NLMSG_DATA(message);
	struct rtattr *attributes = IFLA_RTA(link);
	const unsigned bytes = (unsigned)IFLA_PAYLOAD(message);
	const bool is_there = message->nlmsg_type == RTM_NEWLINK;
	uint32_t index;

	if (!is_there && message->nlmsg_type != RTM_DELLINK)
		return;
	/* Of a family: a bridge has lost a port, say, which itself is still there. And what a
	 * wireless driver has to tell names no other names.
	 */
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)) || link->ifi_family != AF_UNSPEC ||
	    have(attributes, bytes, IFLA_WIRELESS))
		return;
	index = (uint32_t)link->ifi_index;
	for (uint32_t i = 0; i < interfaces->count; i++) {
		if (is_there && have_name(attributes, bytes, interfaces->interface[i].name))
			set_index(interfaces, i, index);
		else if (interfaces->interface[i].index == index)
			set_index(interfaces, i, 0);
	}
}

void interfaces_read(struct interfaces *interfaces)
{
	static union {
		struct nlmsghdr header;
		char bytes[32768];
	} buffer;

	for (;;) {
		struct sockaddr_nl from;
		struct iovec iov = { .iov_base = &buffer, .iov_len = sizeof(buffer) };
		struct msghdr packet = { .msg_name = &from,
					 .msg_namelen = sizeof(from),
					 .msg_iov = &iov,
					 .msg_iovlen = 1 };
		ssize_t received = recvmsg(interfaces->fd, &packet, MSG_DONTWAIT);
		unsigned left = received < 0 ? 0 : (unsigned)received;

		if (received < 0 && errno == ENOBUFS)
			ask_for_all(interfaces);
		else if (received < 0)
			return;
		if (received < 0 || from.nl_pid != 0)
			continue;
		for (struct nlmsghdr *message = &buffer.header; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left))
			read_message(interfaces, message);
	}
}
