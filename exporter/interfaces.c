/* SPDX-License-Identifier: MIT */
/* -capture.interface: which interfaces count, by name, as they come and go */
#include "interfaces.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int interfaces_add(struct interfaces *interfaces, const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (index == 0)
		return -ENODEV;
	if (interfaces->count == INTERFACES_MAX)
		return -ENOSPC;
	strncpy(interfaces->interface[interfaces->count].name, name, IF_NAMESIZE - 1);
	interfaces->interface[interfaces->count++].index = index;
	return 0;
}

int interfaces_watch(struct interfaces *interfaces)
{
	struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	interfaces->fd = -1;
	if (interfaces->count == 0)
		return 0;
	interfaces->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (interfaces->fd < 0)
		return -errno;
	if (bind(interfaces->fd, (struct sockaddr *)&links, sizeof(links)) < 0)
		return -errno;
	return 0;
}

/* A link is there under a name, or gone */
static void link_changed(struct interfaces *interfaces, uint32_t index, const char *name)
{
	for (uint32_t i = 0; i < interfaces->count; i++) {
		if (interfaces->interface[i].index == index)
			interfaces->interface[i].index = 0;
		if (name && strcmp(interfaces->interface[i].name, name) == 0)
			interfaces->interface[i].index = index;
	}
}

static void read_message(struct interfaces *interfaces, struct nlmsghdr *message)
{
	struct ifinfomsg *link = NLMSG_DATA(message);
	struct rtattr *attribute = IFLA_RTA(link);
	unsigned bytes = (unsigned)IFLA_PAYLOAD(message);
	const char *name = NULL;

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
		return;
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes))
		if (attribute->rta_type == IFLA_IFNAME &&
		    memchr(RTA_DATA(attribute), '\0', RTA_PAYLOAD(attribute)))
			name = RTA_DATA(attribute);
	link_changed(interfaces, (uint32_t)link->ifi_index,
		     message->nlmsg_type == RTM_NEWLINK ? name : NULL);
}

/* After news were lost: have the kernel tell of every link */
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
