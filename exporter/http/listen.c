/* SPDX-License-Identifier: MIT */
/* The sockets of -web.listen-address */
#include "http/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

/* Return: the call that failed, and errno says why; NULL if none did */
static const char *set_up(int fd, const struct sockaddr *address, socklen_t bytes, int v6_only)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (address->sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) < 0))
		return "setsockopt";
	if (bind(fd, address, bytes) < 0)
		return "bind";
	return listen(fd, BACKLOG) < 0 ? "listen" : NULL;
}

static int try_address(const struct sockaddr *address, socklen_t bytes, int v6_only,
		       struct reason *ret_reason)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const char *call;

	if (fd < 0)
		return reason_call(ret_reason, "socket");
	call = set_up(fd, address, bytes, v6_only);
	if (call) {
		int failed = reason_call(ret_reason, call);

		close(fd);
		return failed;
	}
	return fd;
}

/* Make way for a socket at a path, if none is in use there */
static int clear(const struct sockaddr_un *socket_address, struct reason *ret_reason)
{
	const char *path = socket_address->sun_path;
	struct stat status;
	bool is_refused;
	int fd;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : reason_call(ret_reason, "lstat");
	if (!S_ISSOCK(status.st_mode))
		return reason_set(ret_reason, -EEXIST, "something else than a socket is there");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return reason_call(ret_reason, "socket");
	is_refused =
		connect(fd, (const struct sockaddr *)socket_address, sizeof(*socket_address)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	if (!is_refused)
		return reason_set(ret_reason, -EADDRINUSE, "another process listens there");
	return unlink(path) < 0 ? reason_call(ret_reason, "unlink") : 0;
}

int listen_unix(const struct sockaddr *address, gid_t group, struct reason *ret_reason)
{
	const struct sockaddr_un *socket_address = (const struct sockaddr_un *)address;
	const char *call = NULL;
	int fd, failed = clear(socket_address, ret_reason);
	mode_t mask;

	if (failed)
		return failed;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return reason_call(ret_reason, "socket");
	mask = umask(0117); /* from its first moment nobody else may connect */
	if (bind(fd, address, sizeof(*socket_address)) < 0)
		call = "bind";
	umask(mask);
	if (!call && group != (gid_t)-1 && lchown(socket_address->sun_path, (uid_t)-1, group) < 0)
		call = "lchown";
	if (!call && listen(fd, BACKLOG) < 0)
		call = "listen";
	if (call) {
		failed = reason_call(ret_reason, call);
		close(fd);
		return failed;
	}
	return fd;
}

int listen_open(const struct sockaddr *address, socklen_t bytes, bool any_family,
		struct reason *ret_reason)
{
	int fd = try_address(address, bytes, !any_family, ret_reason);

	if (any_family && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = v6->sin6_port };

		fd = try_address((const struct sockaddr *)&v4, sizeof(v4), 0, ret_reason);
	}
	return fd;
}
