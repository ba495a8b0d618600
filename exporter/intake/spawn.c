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
#define USER_STEP		  "change the user: "
#define LOOK_MS			  10 /* between two looks whether it has ended */

/* What the child could not do, and why; through a pipe that a successful execve() closes */
struct obstacle {
	char step[48];
	int error;
	enum { NO_REMEDY, OTHER_PROGRAM, OTHER_USER } remedy;
};

static const char *const remedies[] = {
	[NO_REMEDY] = "",
	[OTHER_PROGRAM] = "; -capture.program names another",
	[OTHER_USER] = ("; that takes CAP_SETUID and CAP_SETGID, and a user namespace must map the "
			"user; or start it as another user who has CAP_NET_RAW"),
};

int spawn_allowed(struct reason *ret_reason)
{
	cap_flag_value_t permitted = CAP_CLEAR;
	cap_t now = cap_get_proc();

	if (!now)
		return reason_call(ret_reason, "capget");
	cap_get_flag(now, CAP_NET_RAW, CAP_PERMITTED, &permitted);
	cap_free(now);
	if (permitted == CAP_SET)
		return 0;
	return reason_set(ret_reason, -EPERM,
			  "CAP_NET_RAW is missing: start as root, or grant it with "
			  "\"AmbientCapabilities=CAP_NET_RAW\" in the systemd unit or with "
			  "\"setcap cap_net_raw+ep\" on dnstt_exporter");
}

int spawn_user(struct spawn_user *ret_user, struct reason *ret_reason)
{
	static const char *const names[] = { "dnstt_exporter", "nobody" };
	uid_t real, effective, saved;

	/* Not geteuid(), which has no way to fail where the call is refused */
	if (getresuid(&real, &effective, &saved) < 0)
		return reason_call(ret_reason, "getresuid");
	if (effective != 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		const struct passwd *entry;

		errno = 0;
		entry = getpwnam(names[i]);

		if (!entry || entry->pw_uid == 0)
			continue;
		*ret_user = (struct spawn_user){ entry->pw_uid, entry->pw_gid, names[i] };
		return 0;
	}
	return reason_set(
		ret_reason, -ENOENT,
		"no unprivileged user found in /etc/passwd (%s): create dnstt_exporter or "
		"nobody",
		strerror(errno ? errno : ENOENT));
}

/* What a step of the child was doing when it failed: NULL if it did not, else the call, and errno
 * says why
 */
static const char *switch_user(const struct spawn_user *user)
{
	if (!user)
		return NULL;
	if (setgroups(0, NULL) < 0)
		return USER_STEP "setgroups";
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return USER_STEP "setresgid";
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return USER_STEP "setresuid";
	return NULL;
}

/* CAP_NET_RAW and nothing else, kept across execve() as ambient. The bounding set can be cut only
 * with CAP_SETPCAP; without it, it is the service manager's.
 */
static const char *keep_net_raw(void)
{
	const cap_value_t net_raw = CAP_NET_RAW;
	cap_t only = cap_init();

	if (!only || cap_set_flag(only, CAP_PERMITTED, 1, &net_raw, CAP_SET) < 0 ||
	    cap_set_flag(only, CAP_EFFECTIVE, 1, &net_raw, CAP_SET) < 0 ||
	    cap_set_flag(only, CAP_INHERITABLE, 1, &net_raw, CAP_SET) < 0 || cap_set_proc(only) < 0)
		return "pass CAP_NET_RAW on: capset";
	if (cap_set_ambient(CAP_NET_RAW, CAP_SET) < 0)
		return "pass CAP_NET_RAW on: prctl PR_CAP_AMBIENT";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "give up more: prctl PR_SET_NO_NEW_PRIVS";
	return NULL;
}

static const char *place_descriptors(int ipc)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return "open /dev/null";
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(ipc, IPC_DESCRIPTOR) < 0)
		return "place its descriptors: dup2";
	return NULL;
}

/* Signals are for the exporter, whose end ends capture; what is ignored stays so in it */
static const char *leave_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LENGTH(ignored); i++)
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return "ignore signals: rt_sigaction";
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return "ignore signals: rt_sigprocmask";
	return setsid() < 0 ? "leave the terminal: setsid" : NULL;
}

static const char enter[] = "enter its directory", execute[] = "execute it";

static _Noreturn void give_up(int report, const char *step)
{
	struct obstacle obstacle = { .error = errno };

	if (step == enter || step == execute)
		obstacle.remedy = OTHER_PROGRAM;
	else if (strncmp(step, USER_STEP, sizeof(USER_STEP) - 1) == 0)
		obstacle.remedy = OTHER_USER;
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
		give_up(report, enter);
	return name + 1;
}

static _Noreturn void run_child(const char *program, const struct spawn_user *user, int ipc,
				int report)
{
	char *const argv[] = { (char[]){ "dnstt_capture" }, NULL }, *const environment[] = { NULL };
	const char *failed = leave_signals();

	if (failed)
		give_up(report, failed);
	program = enter_directory_of(program, report);
	for (cap_value_t cap = 0; user && CAP_IS_SUPPORTED(cap); cap++)
		if (cap != CAP_NET_RAW)
			cap_drop_bound(cap);
	if (user && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		give_up(report, "keep CAP_NET_RAW: prctl PR_SET_KEEPCAPS");
	failed = switch_user(user);
	if (!failed)
		failed = keep_net_raw();
	if (!failed)
		failed = place_descriptors(ipc);
	if (failed)
		give_up(report, failed);
	/* Kept by execve() too: no page of it is ever writable and executable (Linux 6.3) */
	prctl(PR_SET_MDWE_, PR_MDWE_REFUSE_EXEC_GAIN_, 0, 0, 0);
	/* Kept by execve(), as no privilege is gained there; a change of the user would clear it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		give_up(report, "end with its parent: prctl PR_SET_PDEATHSIG");
	/* All others close with execve(), the report among them; this is for inherited ones */
	syscall(SYS_close_range, IPC_DESCRIPTOR + 1, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	execve(program, argv, environment);
	give_up(report, execute);
}

/* Both ends away from the descriptors that the child places, and this process's does not block */
static int make_pair(int pair[2], int report[2], struct reason *ret_reason)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return reason_call(ret_reason, "socketpair");
	if (pipe2(report, O_CLOEXEC) < 0)
		return reason_call(ret_reason, "pipe2");
	for (int i = 0; i < 2; i++) {
		int away = fcntl(pair[i], F_DUPFD_CLOEXEC, IPC_DESCRIPTOR + 1);
		int aside = fcntl(report[i], F_DUPFD_CLOEXEC, IPC_DESCRIPTOR + 1);

		if (away < 0 || aside < 0)
			return reason_call(ret_reason, "fcntl F_DUPFD_CLOEXEC");
		close(pair[i]);
		close(report[i]);
		pair[i] = away;
		report[i] = aside;
	}
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		return reason_call(ret_reason, "fcntl F_SETFL");
	return 0;
}

/* Whether the child has executed the program. If not, it is killed. */
static int await_start(const char *program, const struct capture_process *process, int report,
		       struct reason *ret_reason)
{
	struct pollfd pipe = { .fd = report, .events = POLLIN };
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
	if (ready > 0 && length >= 0 && length < (ssize_t)sizeof(obstacle)) {
		errno = EIO; /* it died over it */
		length = -1;
	}
	if (ready < 0)
		failed = reason_call(ret_reason, "poll");
	else if (length < 0)
		failed = reason_call(ret_reason, "read");
	else if (ready == 0)
		failed = reason_set(ret_reason, -ETIMEDOUT,
				    "cannot start %s: it was not executed within %d seconds",
				    program, START_MS / 1000);
	else
		failed = reason_set(ret_reason, -obstacle.error,
				    "cannot start %s: could not %s: %s%s", program, obstacle.step,
				    strerror(obstacle.error), remedies[obstacle.remedy]);
	spawn_kill(process);
	return failed;
}

int spawn_capture(const char *program, const struct config *config, const struct spawn_user *user,
		  struct capture_process *ret_process, struct reason *ret_reason)
{
	const int bytes = IPC_BYTES;
	struct capture_process process;
	int pair[2], report[2], failed;

	failed = make_pair(pair, report, ret_reason);
	if (failed)
		return failed;
	/* Beyond net.core.wmem_max only for CAP_NET_ADMIN; capture waits where this is not enough */
	for (int i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	process = (struct capture_process){ .pid = fork(), .ipc = pair[0] };
	if (process.pid == 0)
		run_child(program, user, pair[1], report[1]);
	failed = process.pid < 0 ? reason_call(ret_reason, "fork") : 0;
	close(pair[1]);
	close(report[1]);
	if (failed)
		return failed;
	failed = await_start(program, &process, report[0], ret_reason);
	close(report[0]);
	if (failed)
		return failed;
	/* One that has ended already is left to supervise.c, which tells how */
	if (send(pair[0], config, sizeof(*config), MSG_NOSIGNAL) < 0 && errno != EPIPE) {
		failed = reason_set(ret_reason, -errno, "cannot talk to %s: sendto: %s", program,
				    strerror(errno));
		spawn_kill(&process);
		return failed;
	}
	*ret_process = process;
	return 0;
}

bool spawn_has_ended(const struct capture_process *process, siginfo_t *ret_how)
{
	for (int waited_ms = 0; waited_ms <= GRACE_MS; waited_ms += LOOK_MS) {
		*ret_how = (siginfo_t){ 0 };
		if (waitid(P_PID, (id_t)process->pid, ret_how, WEXITED | WNOHANG) < 0 ||
		    ret_how->si_pid != 0)
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

void spawn_kill(const struct capture_process *process)
{
	siginfo_t how;

	kill(process->pid, SIGKILL);
	(void)spawn_has_ended(process, &how);
}

int spawn_drop(const struct spawn_user *user, struct reason *ret_reason)
{
	const char *step = switch_user(user);
	int failed;

	if (step)
		return reason_call(ret_reason, step);
	failed = confine_drop_capabilities();
	if (failed)
		return reason_set(ret_reason, failed, "capset, prctl or socket: %s",
				  strerror(-failed));
	/* Without a core dump, and out of reach of others of this user */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return reason_call(ret_reason, "prctl PR_SET_DUMPABLE");
	return 0;
}
