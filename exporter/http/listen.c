/* SPDX-License-Identifier: MIT */
/* -web.listen-address: what it may be, and its sockets */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

#define BACKLOG 128

int listen_parse(const char *text, struct listen_address *ret_address)
{
	struct listen_address address = { .text = text };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.address;
	const char *colon = strrchr(text, ':');
	unsigned long port;
	char host[64];
	size_t length;

	if (!colon || number_parse(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	length = (size_t)(colon - text);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)(length - 2), text + 1);
	else if (memchr(text, ':', length))
		return -EINVAL;
	else
		snprintf(host, sizeof(host), "%.*s", (int)length, text);
	address.any_family = length == 0;
	if (length == 0 || inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		address.bytes = sizeof(*v6);
	} else if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
			     &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		address.bytes = sizeof(*v4);
	} else {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

static int try_address(const struct sockaddr *address, socklen_t bytes, int v6_only)
{
	int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (address->sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) < 0) ||
	    bind(fd, address, bytes) < 0 || listen(fd, BACKLOG) < 0) {
		int failed = -errno;

		close(fd);
		return failed;
	}
	return fd;
}

int listen_open(const struct listen_address *address, char *ret_reason, size_t reason_bytes)
{
	int fd = try_address((const struct sockaddr *)&address->address, address->bytes,
			     !address->any_family);

	if (address->any_family && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->address;
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = v6->sin6_port };

		fd = try_address((const struct sockaddr *)&v4, sizeof(v4), 0);
	}
	if (fd < 0)
		snprintf(ret_reason, reason_bytes, "-web.listen-address %s: %s", address->text,
			 strerror(-fd));
	return fd;
}
