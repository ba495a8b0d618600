/* SPDX-License-Identifier: MIT */
/* Starting dnstt_capture, and giving up what only it needs */
#include "intake/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "common/confine.h"

#define IPC_DESCRIPTOR		  3
#define PR_SET_MDWE_		  65 /* not in this system's headers, perhaps */
#define PR_MDWE_REFUSE_EXEC_GAIN_ 1
#define IPC_BYTES		  (4 << 20) /* of records that may wait for the exporter */
#define START_MS		  10000	    /* to execute it: what it is on may hang */
#define GRACE_MS		  1000

/* What the child could not do, and why; through a pipe that a successful execve() closes */
struct obstacle {
	char step[32];
	int error;
	bool is_path; /* another -capture.program may do */
};

bool spawn_allowed(void)
{
	cap_flag_value_t permitted = CAP_CLEAR;
	cap_t now = cap_get_proc();

	if (now)
		cap_get_flag(now, CAP_NET_RAW, CAP_PERMITTED, &permitted);
	cap_free(now);
	return permitted == CAP_SET;
}

int spawn_user(struct spawn_user *ret_user)
{
	static const char *const names[] = { "dnstt_exporter", "nobody" };

	if (geteuid() != 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		const struct passwd *entry = getpwnam(names[i]);

		if (!entry || entry->pw_uid == 0)
			continue;
		*ret_user = (struct spawn_user){ entry->pw_uid, entry->pw_gid, names[i] };
		return 0;
	}
	return -ENOENT;
}

static int switch_user(const struct spawn_user *user)
{
	if (!user)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}

/* In the child: CAP_NET_RAW and nothing else, kept across execve() as ambient. The bounding set can
 * be cut only with CAP_SETPCAP; without it, it is the service manager's.
 */
static int keep_net_raw(void)
{
	const cap_value_t net_raw = CAP_NET_RAW;
	cap_t only = cap_init();

	if (!only || cap_set_flag(only, CAP_PERMITTED, 1, &net_raw, CAP_SET) < 0 ||
	    cap_set_flag(only, CAP_EFFECTIVE, 1, &net_raw, CAP_SET) < 0 ||
	    cap_set_flag(only, CAP_INHERITABLE, 1, &net_raw, CAP_SET) < 0 ||
	    cap_set_proc(only) < 0 || cap_set_ambient(CAP_NET_RAW, CAP_SET) < 0)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int place_descriptors(int ipc)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(ipc, IPC_DESCRIPTOR) < 0)
		return -errno;
	return 0;
}

static const char enter[] = "enter its directory", execute[] = "execute it";

static _Noreturn void give_up(int report, const char *step, int error)
{
	struct obstacle obstacle = { .error = error < 0 ? -error : error };

	obstacle.is_path = step == enter || step == execute;
	strncpy(obstacle.step, step, sizeof(obstacle.step) - 1);
	(void)!write(report, &obstacle, sizeof(obstacle));
	_exit(127);
}

/* A path below a directory that only root may enter still works: go there while root */
static const char *enter_directory_of(const char *program, int report)
{
	const char *name = strrchr(program, '/');
	char directory[4096];

	if (!name)
		return program;
	snprintf(directory, sizeof(directory), "%.*s", (int)(name - program + 1), program);
	if (chdir(directory) < 0)
		give_up(report, enter, errno);
	return name + 1;
}

static _Noreturn void run_child(const char *program, const struct spawn_user *user, int ipc,
				int report)
{
	char *const argv[] = { (char[]){ "dnstt_capture" }, NULL }, *const environment[] = { NULL };
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	sigset_t none;
	int failed;

	/* Signals are for the exporter, whose end ends capture; what is ignored stays so in it */
	for (size_t i = 0; i < ARRAY_LENGTH(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	program = enter_directory_of(program, report);
	for (cap_value_t cap = 0; user && CAP_IS_SUPPORTED(cap); cap++)
		if (cap != CAP_NET_RAW)
			cap_drop_bound(cap);
	if (user && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		give_up(report, "keep CAP_NET_RAW", errno);
	failed = switch_user(user);
	if (failed)
		give_up(report, "change the user", failed);
	failed = keep_net_raw();
	if (failed)
		give_up(report, "pass CAP_NET_RAW on", failed);
	failed = place_descriptors(ipc);
	if (failed)
		give_up(report, "place its descriptors", failed);
	/* Kept by execve() too: no page of it is ever writable and executable (Linux 6.3) */
	prctl(PR_SET_MDWE_, PR_MDWE_REFUSE_EXEC_GAIN_, 0, 0, 0);
	/* Kept by execve(), as no privilege is gained there; a change of the user would clear it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* All others close with execve(), the report among them; this is for inherited ones */
	syscall(SYS_close_range, IPC_DESCRIPTOR + 1, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	execve(program, argv, environment);
	give_up(report, execute, errno);
}

/* Both ends away from the descriptors that the child places */
static int make_pair(int pair[2], int report[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int away = fcntl(pair[i], F_DUPFD_CLOEXEC, IPC_DESCRIPTOR + 1);
		int aside = fcntl(report[i], F_DUPFD_CLOEXEC, IPC_DESCRIPTOR + 1);

		if (away < 0 || aside < 0)
			return -errno;
		close(pair[i]);
		close(report[i]);
		pair[i] = away;
		report[i] = aside;
	}
	return 0;
}

/* Whether the child has executed the program. If not, it is killed. */
static int await_start(const char *program, const struct capture_process *process, int report,
		       struct reason *ret_reason)
{
	struct pollfd pipe = { .fd = report, .events = POLLIN },
		      end = { .fd = process->pidfd, .events = POLLIN };
	struct obstacle obstacle = { .step = "" };
	int ready, failed;
	ssize_t length = 0;

	do {
		ready = poll(&pipe, 1, START_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready > 0)
		length = read(report, &obstacle, sizeof(obstacle));
	if (ready > 0 && length == 0)
		return 0;
	failed = ready <= 0 ? -ETIMEDOUT : length == sizeof(obstacle) ? -obstacle.error : -EIO;
	if (ready <= 0)
		(void)reason_set(ret_reason, failed,
				 "cannot start %s: it was not executed within %d seconds", program,
				 START_MS / 1000);
	else
		(void)reason_set(ret_reason, failed, "cannot start %s: could not %s: %s%s", program,
				 obstacle.step, strerror(-failed),
				 obstacle.is_path ? "; -capture.program names another" : "");
	/* One that hangs in the kernel may not even be killed; nobody waits for it then */
	kill(process->pid, SIGKILL);
	if (poll(&end, 1, GRACE_MS) > 0)
		waitpid(process->pid, NULL, WNOHANG);
	return failed;
}

int spawn_capture(const char *program, const struct config *config, const struct spawn_user *user,
		  struct capture_process *ret_process, struct reason *ret_reason)
{
	const int bytes = IPC_BYTES;
	struct capture_process process;
	int pair[2], report[2], failed;

	failed = make_pair(pair, report);
	if (failed)
		return reason_set(ret_reason, failed, "cannot make a socketpair: %s",
				  strerror(-failed));
	/* Beyond net.core.wmem_max only for CAP_NET_ADMIN; capture waits where this is not enough */
	for (int i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	process = (struct capture_process){ .pid = fork(), .ipc = pair[0] };
	if (process.pid == 0)
		run_child(program, user, pair[1], report[1]);
	failed = process.pid < 0 ? -errno : 0;
	close(pair[1]);
	close(report[1]);
	if (failed)
		return reason_set(ret_reason, failed, "cannot start a process: %s",
				  strerror(-failed));
	process.pidfd = (int)syscall(SYS_pidfd_open, process.pid, 0);
	failed = await_start(program, &process, report[0], ret_reason);
	close(report[0]);
	if (failed)
		return failed;
	/* One that has ended already is left to supervise.c, which tells how */
	if (process.pidfd < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 ||
	    (send(pair[0], config, sizeof(*config), MSG_NOSIGNAL) < 0 && errno != EPIPE))
		return reason_set(ret_reason, -errno, "cannot talk to %s: %s", program,
				  strerror(errno));
	*ret_process = process;
	return 0;
}

int spawn_drop(const struct spawn_user *user)
{
	int failed = switch_user(user);

	if (!failed)
		failed = confine_drop_capabilities();
	/* Without a core dump, and out of reach of others of this user */
	if (!failed && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		failed = -errno;
	return failed;
}
