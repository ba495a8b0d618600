/* SPDX-License-Identifier: MIT */
/* What a service manager is told, and the sockets that it hands over */
#include "system/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define SECOND UINT64_C(1000000000)

static char folder[] = "/tmp/test_systemd-XXXXXX";
static struct sockaddr_un at_path = { .sun_family = AF_UNIX };

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(at_path.sun_path, sizeof(at_path.sun_path), "%s/notify", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(at_path.sun_path);
	return rmdir(folder);
}

/* A service manager that listens at a path, or under an abstract name that the kernel chose */
static int manager(bool is_abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t bytes = is_abstract ? sizeof(address.sun_family) : sizeof(address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	unlink(at_path.sun_path);
	if (!is_abstract)
		address = at_path;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
	bytes = sizeof(address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
	if (is_abstract) {
		address.sun_path[0] = '@';
		address.sun_path[bytes - offsetof(struct sockaddr_un, sun_path)] = '\0';
	}
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

static void assert_told(int manager, const char *expected)
{
	char text[128];
	ssize_t bytes = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (!expected) {
		assert_int_equal(bytes, -1);
		assert_int_equal(errno, EAGAIN);
		return;
	}
	assert_true(bytes >= 0);
	text[bytes] = '\0';
	assert_string_equal(text, expected);
}

static void test_without_a_manager_nothing_happens(void **state)
{
	struct systemd systemd;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(systemd_open(&systemd), 0);
	assert_int_equal(systemd.socket, -1);
	assert_int_equal(systemd.watchdog_ns, 0);
	assert_int_equal(systemd_run(&systemd, SECOND, true), 1000);
	systemd_stopping(&systemd);
	assert_null(getenv("WATCHDOG_USEC"));
}

static void test_ready_is_said_once_and_when_it_is_so(void **state)
{
	(void)state;
	for (int is_abstract = 0; is_abstract < 2; is_abstract++) {
		struct systemd systemd;
		int fd = manager(is_abstract);

		assert_int_equal(systemd_open(&systemd), 0);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_int_equal(systemd_run(&systemd, SECOND, false), 1000);
		assert_told(fd, NULL);
		assert_int_equal(systemd_run(&systemd, 2 * SECOND, true), 1000);
		assert_told(fd, "READY=1");
		systemd_run(&systemd, 3 * SECOND, true);
		systemd_run(&systemd, 4 * SECOND, false);
		assert_told(fd, NULL);
		systemd_stopping(&systemd);
		assert_told(fd, "STOPPING=1");
		close(systemd.socket);
		close(fd);
	}
}

static void test_signs_of_life_come_three_times_as_often_as_is_asked_for(void **state)
{
	struct systemd systemd;
	int fd = manager(false);

	(void)state;
	setenv("WATCHDOG_USEC", "3000000", 1);
	unsetenv("WATCHDOG_PID");
	assert_int_equal(systemd_open(&systemd), 0);
	assert_int_equal(systemd.watchdog_ns, 3 * SECOND);
	/* Nobody watches what is not ready */
	assert_int_equal(systemd_run(&systemd, 10 * SECOND, false), 1000);
	assert_told(fd, NULL);
	assert_in_range(systemd_run(&systemd, 10 * SECOND, true), 900, 1000);
	assert_told(fd, "READY=1");
	assert_told(fd, "WATCHDOG=1");
	assert_in_range(systemd_run(&systemd, 10 * SECOND + SECOND / 2, true), 490, 510);
	assert_told(fd, NULL);
	systemd_run(&systemd, 11 * SECOND, true);
	assert_told(fd, "WATCHDOG=1");
	close(systemd.socket);
	close(fd);
}

static void test_what_is_not_well_gives_no_sign_of_life(void **state)
{
	struct systemd systemd;
	int fd = manager(false);

	(void)state;
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(systemd_open(&systemd), 0);
	systemd_run(&systemd, 10 * SECOND, true);
	assert_told(fd, "READY=1");
	assert_told(fd, "WATCHDOG=1");
	for (uint64_t now = 11; now < 20; now++)
		assert_int_equal(systemd_run(&systemd, now * SECOND, false), 1000);
	assert_told(fd, NULL);
	systemd_run(&systemd, 20 * SECOND, true);
	assert_told(fd, "WATCHDOG=1");
	close(systemd.socket);
	close(fd);
}

static void test_what_a_full_queue_refused_is_said_later(void **state)
{
	struct systemd systemd;
	int fd = manager(false), sent = 0, sender;

	(void)state;
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	while (sendto(sender, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&at_path, sizeof(at_path)) >
	       0)
		sent++;
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(systemd_open(&systemd), 0);
	systemd_run(&systemd, SECOND, true);
	assert_false(systemd.announced);
	while (sent-- > 0)
		assert_told(fd, "x");
	systemd_run(&systemd, 2 * SECOND, true);
	assert_told(fd, "READY=1");
	assert_told(fd, "WATCHDOG=1");
	close(sender);
	close(systemd.socket);
	close(fd);
}

static void test_the_watchdog_of_another_process_is_none(void **state)
{
	static const char *const wrong[][2] = {
		{ "1", "3000000" }, { "0", "3000000" }, { "x", "3000000" }, { NULL, "0" },
		{ NULL, "-1" },	    { NULL, "" },	{ NULL, "3s" },	    { NULL, NULL },
	};
	char self[16];
	struct systemd systemd;
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		fd = manager(false);
		unsetenv("WATCHDOG_PID");
		unsetenv("WATCHDOG_USEC");
		if (wrong[i][0])
			setenv("WATCHDOG_PID", wrong[i][0], 1);
		if (wrong[i][1])
			setenv("WATCHDOG_USEC", wrong[i][1], 1);
		assert_int_equal(systemd_open(&systemd), 0);
		assert_int_equal(systemd.watchdog_ns, 0);
		assert_null(getenv("WATCHDOG_PID"));
		close(systemd.socket);
		close(fd);
	}
	fd = manager(false);
	(void)snprintf(self, sizeof(self), "%d", getpid());
	setenv("WATCHDOG_PID", self, 1);
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(systemd_open(&systemd), 0);
	assert_int_equal(systemd.watchdog_ns, 3 * SECOND);
	close(systemd.socket);
	close(fd);
}

static void test_a_manager_that_cannot_be_reached_is_an_error(void **state)
{
	static const struct {
		const char *address;
		int error;
	} wrong[] = {
		{ "", -EPROTONOSUPPORT },
		{ "@", -EPROTONOSUPPORT },
		{ "/", -EPROTONOSUPPORT },
		{ "notify", -EPROTONOSUPPORT },
		{ "vsock:2:1234", -EPROTONOSUPPORT },
		{ "/nonexistent/notify", -ENOENT },
		{ "@nobody-is-there", -ECONNREFUSED },
	};
	char longest[200];

	(void)state;
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i <= COUNT(wrong); i++) {
		const char *address = i < COUNT(wrong) ? wrong[i].address : longest;
		int expected = i < COUNT(wrong) ? wrong[i].error : -EPROTONOSUPPORT;
		struct systemd systemd;

		setenv("NOTIFY_SOCKET", address, 1);
		assert_int_equal(systemd_open(&systemd), expected);
		assert_int_equal(systemd.socket, -1);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_int_equal(systemd_run(&systemd, SECOND, true), 1000);
	}
}

/* A listening socket, a connected one, a datagram one or a file, by its first letter */
static int descriptor(char kind)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = kind == 'f' ? open("/dev/null", O_RDWR)
			     : socket(AF_INET, kind == 'd' ? SOCK_DGRAM : SOCK_STREAM, 0);

	if (kind == 'l' &&
	    (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0))
		return -1;
	return fd;
}

/* What systemd_listeners() makes of these descriptors, from 3 on; in a child, whose environment and
 * descriptors they are. Return: its result, or 100 where it is not as it should be
 */
static int handed_over(const char *kinds, const char *pid, const char *count, unsigned most)
{
	char self[16];
	struct reason reason = { "" };
	int fds[64], found[8] = { 0 }, status, result;
	pid_t child = fork();

	if (child > 0) {
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		return (int8_t)WEXITSTATUS(status);
	}
	for (size_t i = 0; i < strlen(kinds); i++)
		fds[i] = fcntl(descriptor(kinds[i]), F_DUPFD, 100);
	for (size_t i = 0; i < strlen(kinds); i++)
		if (fds[i] >= 0)
			dup2(fds[i], 3 + (int)i);
	close_range(3 + (unsigned)strlen(kinds), ~0u, 0);
	(void)snprintf(self, sizeof(self), "%d", getpid());
	setenv("LISTEN_PID", pid ? pid : self, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", "web", 1);
	result = systemd_listeners(found, most, &reason);
	if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES") ||
	    (result < 0) != (strncmp(reason.text, "-web.systemd-socket: ", 21) == 0))
		_exit(100);
	for (int i = 0; i < result; i++)
		if (found[i] != 3 + i || fcntl(found[i], F_GETFD) != FD_CLOEXEC ||
		    !(fcntl(found[i], F_GETFL) & O_NONBLOCK))
			_exit(100);
	_exit(result);
}

static void test_sockets_are_taken_as_they_are_handed_over(void **state)
{
	(void)state;
	assert_int_equal(handed_over("l", NULL, "1", 8), 1);
	assert_int_equal(handed_over("lll", NULL, "3", 8), 3);
	assert_int_equal(handed_over("lll", NULL, "2", 8), 2);
	assert_int_equal(handed_over("lll", NULL, "3", 3), 3);
}

static void test_no_socket_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(handed_over("l", NULL, "0", 8), -ENOENT);
	assert_int_equal(handed_over("l", NULL, "", 8), -ENOENT);
	assert_int_equal(handed_over("l", NULL, "-1", 8), -ENOENT);
	assert_int_equal(handed_over("l", NULL, "1x", 8), -ENOENT);
	assert_int_equal(handed_over("l", NULL, "99999999999999999999", 8), -ENOENT);
	assert_int_equal(handed_over("l", "1", "1", 8), -ENOENT);
	assert_int_equal(handed_over("l", "", "1", 8), -ENOENT);
}

static void test_too_many_sockets_are_an_error(void **state)
{
	(void)state;
	assert_int_equal(handed_over("lll", NULL, "3", 2), -E2BIG);
	assert_int_equal(handed_over("l", NULL, "1000", 8), -E2BIG);
}

static void test_only_listening_stream_sockets_are_taken(void **state)
{
	(void)state;
	assert_int_equal(handed_over("f", NULL, "1", 8), -ENOTSOCK);
	assert_int_equal(handed_over("d", NULL, "1", 8), -ENOTSOCK);
	assert_int_equal(handed_over("c", NULL, "1", 8), -ENOTSOCK);
	assert_int_equal(handed_over("lf", NULL, "2", 8), -ENOTSOCK);
	assert_int_equal(handed_over("lllllll", NULL, "8", 8), -ENOTSOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_manager_nothing_happens),
		cmocka_unit_test(test_ready_is_said_once_and_when_it_is_so),
		cmocka_unit_test(test_signs_of_life_come_three_times_as_often_as_is_asked_for),
		cmocka_unit_test(test_what_is_not_well_gives_no_sign_of_life),
		cmocka_unit_test(test_what_a_full_queue_refused_is_said_later),
		cmocka_unit_test(test_the_watchdog_of_another_process_is_none),
		cmocka_unit_test(test_a_manager_that_cannot_be_reached_is_an_error),
		cmocka_unit_test(test_sockets_are_taken_as_they_are_handed_over),
		cmocka_unit_test(test_no_socket_is_an_error),
		cmocka_unit_test(test_too_many_sockets_are_an_error),
		cmocka_unit_test(test_only_listening_stream_sockets_are_taken),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
