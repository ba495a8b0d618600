/* SPDX-License-Identifier: MIT */
/* Messages to the service manager, and the sockets that it passes (sd_notify(3), sd_listen_fds(3)) */
#include "system/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"

#define LISTEN_FIRST 3	  /* SD_LISTEN_FDS_START */
#define LISTEN_MOST  1024 /* more can only be a mistake */
#define IDLE_MS	     1000

/* A number of the environment, or 0 */
static unsigned long number_of(const char *name, unsigned long most)
{
	const char *text = getenv(name);
	unsigned long number;

	return text && number_parse(text, 1, most, &number) == 0 ? number : 0;
}

/* Variables for another process may have been inherited from it */
static bool is_for_us(const char *name)
{
	return number_of(name, INT32_MAX) == (unsigned long)getpid();
}

static int open_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	int fd;

	if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(address.sun_path))
		return -EPROTONOSUPPORT;
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A path ends with its zero, or without; an abstract name is as long as the address says */
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
		int failed = -errno;

		close(fd);
		return failed;
	}
	return fd;
}

int systemd_open(struct systemd *ret_systemd)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int fd = name ? open_socket(name) : -1;

	*ret_systemd = (struct systemd){ .socket = fd < 0 ? -1 : fd };
	if (fd >= 0 && (!getenv("WATCHDOG_PID") || is_for_us("WATCHDOG_PID")))
		ret_systemd->watchdog_ns = number_of("WATCHDOG_USEC", INT64_MAX / 1000) * 1000;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return name && fd < 0 ? fd : 0;
}

static bool say(const struct systemd *systemd, const char *state)
{
	return send(systemd->socket, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

int systemd_run(struct systemd *systemd, uint64_t now_ns, bool is_well)
{
	uint64_t left;

	if (systemd->socket < 0)
		return IDLE_MS;
	/* If there is no room for it now it is sent later: it may not be lost */
	if (is_well && !systemd->announced)
		systemd->announced = say(systemd, "READY=1");
	if (!systemd->announced || systemd->watchdog_ns == 0)
		return IDLE_MS;
	if (is_well && now_ns >= systemd->next_ns && say(systemd, "WATCHDOG=1"))
		systemd->next_ns = now_ns + systemd->watchdog_ns / 3;
	left = systemd->next_ns > now_ns ? (systemd->next_ns - now_ns) / 1000000 + 1 : IDLE_MS;
	return left < IDLE_MS ? (int)left : IDLE_MS;
}

void systemd_stopping(const struct systemd *systemd)
{
	if (systemd->socket >= 0)
		say(systemd, "STOPPING=1");
}

static int take_listener(int fd)
{
	int type = 0, listens = 0, flags = fcntl(fd, F_GETFL);
	socklen_t bytes = sizeof(int);

	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) < 0 ||
	    type != SOCK_STREAM || !listens)
		return -ENOTSOCK;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return fd;
}

unsigned systemd_handed_over(void)
{
	return is_for_us("LISTEN_PID") ? (unsigned)number_of("LISTEN_FDS", LISTEN_MOST) : 0;
}

int systemd_listeners(int *ret_fds, unsigned most, struct reason *ret_reason)
{
	const unsigned count = systemd_handed_over();

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (count == 0) {
		return reason_set(ret_reason, -ENOENT,
				  "-web.systemd-socket: no socket was handed over; "
				  "start the .socket unit, or leave the flag out");
	}
	if (count > most) {
		return reason_set(
			ret_reason, -E2BIG,
			"-web.systemd-socket: at most %u sockets, and %u were handed over", most,
			count);
	}
	for (unsigned i = 0; i < count; i++) {
		int fd = take_listener(LISTEN_FIRST + (int)i);

		if (fd < 0) {
			return reason_set(ret_reason, fd,
					  "-web.systemd-socket: descriptor %u is not a listening "
					  "stream socket; "
					  "write ListenStream= and Accept=no",
					  LISTEN_FIRST + i);
		}
		ret_fds[i] = fd;
	}
	return (int)count;
}
