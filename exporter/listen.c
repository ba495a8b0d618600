/* SPDX-License-Identifier: MIT */
/* Sockets for -web.listen-address */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "options.h"

#define BACKLOG 128

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
