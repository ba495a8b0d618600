/* SPDX-License-Identifier: MIT */
/* The seccomp filter that the exporter runs under, interpreted call by call; what stands behind it;
 * and as what capture is started
 */
#include "system/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "bpf.h"
#include "common/record_check.h"
#include "intake/spawn.h"
#include "unit.h"

#define SELF	5000
#define CAPTURE 5001
#define CALLS	600
#define X32	0x40000000 /* __X32_SYSCALL_BIT */
#define NOSYS	(SECCOMP_RET_ERRNO | ENOSYS)

static struct sock_filter instructions[BPF_MAXINSNS];
static struct sock_fprog program = { .filter = instructions };

/* The program that the kernel would get */
static int export_policy(void **state)
{
	scmp_filter_ctx filter = sandbox_policy(SELF, CAPTURE);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t bytes;

	(void)state;
	if (!filter || fd < 0 || seccomp_export_bpf(filter, fd) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	bytes = read(fd, instructions, sizeof(instructions));
	program.len = (unsigned short)((size_t)bytes / sizeof(instructions[0]));
	close(fd);
	seccomp_release(filter);
	return bytes > 0 ? 0 : -1;
}

static uint32_t verdict_of(int number, const uint64_t arguments[6])
{
	struct seccomp_data call = { .nr = number, .arch = seccomp_arch_native() };

	memcpy(call.args, arguments, sizeof(call.args));
	return bpf_seccomp(&program, &call);
}

/* Whether these are bits of an int that has no others; its upper half is the kernel's to ignore */
static bool only(uint64_t argument, unsigned bits)
{
	return ((uint32_t)argument & ~bits) == 0;
}

/* What SECURITY.md says of the calls that are left, with no look at how the filter is made */
static bool is_allowed(int number, const uint64_t a[6])
{
	switch (number) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_ctl:
	case SYS_epoll_create1:
	case SYS_poll:
	case SYS_ppoll:
	case SYS_clock_gettime:
	case SYS_gettimeofday:
	case SYS_time:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_sendmsg:
	case SYS_shutdown:
	case SYS_newfstatat:
	case SYS_fstat:
	case SYS_statx:
	case SYS_read:
	case SYS_pread64:
	case SYS_write:
	case SYS_lseek:
	case SYS_getdents64:
	case SYS_close:
	case SYS_brk:
	case SYS_mremap:
	case SYS_munmap:
	case SYS_futex:
	case SYS_getrandom:
	case SYS_getrusage:
	case SYS_getpid:
	case SYS_gettid:
	case SYS_waitid:
	case SYS_rt_sigprocmask:
	case SYS_restart_syscall:
	case SYS_exit_group: return true;
	case SYS_accept4: return a[3] == (SOCK_CLOEXEC | SOCK_NONBLOCK);
	case SYS_sendto: return a[4] == 0 && a[5] == 0;
	case SYS_setsockopt: return a[1] == IPPROTO_TCP;
	case SYS_openat: return only(a[2], O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	case SYS_memfd_create: return only(a[1], MFD_CLOEXEC | MFD_ALLOW_SEALING | 8);
	case SYS_mmap: return only(a[2], PROT_READ | PROT_WRITE);
	case SYS_kill: return a[0] == CAPTURE && a[1] == SIGKILL;
	case SYS_tgkill: return a[0] == SELF && a[2] == SIGABRT;
	case SYS_writev: return a[0] == STDERR_FILENO;
	case SYS_fcntl:
		switch ((uint32_t)a[1]) {
		case F_GETFD:
		case F_GETFL:
		case F_GETOWN:
		case F_GETSIG:
		case F_GETLEASE:
		case 1027: /* F_DUPFD_QUERY, Linux 6.10, which compares */
		case F_ADD_SEALS:
		case F_GET_RW_HINT: return true;
		default: return false;
		}
	default: return false;
	}
}

static void assert_call(int number, const uint64_t arguments[6])
{
	uint32_t found = verdict_of(number, arguments);
	bool right = is_allowed(number, arguments)
			     ? found == SECCOMP_RET_ALLOW
			     : found == NOSYS || found == SECCOMP_RET_KILL_PROCESS;

	if (!right)
		fail_msg("call %d, arguments %#llx %#llx %#llx %#llx %#llx %#llx: %#x", number,
			 (unsigned long long)arguments[0], (unsigned long long)arguments[1],
			 (unsigned long long)arguments[2], (unsigned long long)arguments[3],
			 (unsigned long long)arguments[4], (unsigned long long)arguments[5], found);
}

/* Each argument in turn takes every value of interest, and all of them together */
static void assert_number(int number, const uint64_t right[6])
{
	uint64_t arguments[6];

	for (unsigned changed = 0; changed < 6; changed++) {
		memcpy(arguments, right, sizeof(arguments));
		for (uint64_t value = 0; value < 2048; value++) {
			arguments[changed] = value;
			assert_call(number, arguments);
		}
		for (unsigned bit = 0; bit < 64; bit++) {
			arguments[changed] = right[changed] ^ UINT64_C(1) << bit;
			assert_call(number, arguments);
			arguments[changed] = UINT64_C(1) << bit;
			assert_call(number, arguments);
			arguments[changed] = ~(UINT64_C(1) << bit);
			assert_call(number, arguments);
		}
	}
}

static void test_only_what_serving_needs_is_allowed(void **state)
{
	static const struct {
		int number;
		uint64_t right[6];
	} tested[] = {
		{ SYS_accept4, { 7, 1, 2, SOCK_CLOEXEC | SOCK_NONBLOCK } },
		{ SYS_sendto, { 7, 1, 2, 0, 0, 0 } },
		{ SYS_setsockopt, { 7, IPPROTO_TCP, 1, 0, 4 } },
		{ SYS_openat, { (uint64_t)AT_FDCWD, 1, O_RDONLY | O_CLOEXEC } },
		{ SYS_memfd_create, { 1, MFD_CLOEXEC | MFD_ALLOW_SEALING } },
		{ SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS } },
		{ SYS_fcntl, { 7, F_ADD_SEALS, F_SEAL_WRITE } },
		{ SYS_kill, { CAPTURE, SIGKILL } },
		{ SYS_tgkill, { SELF, SELF, SIGABRT } },
		{ SYS_writev, { STDERR_FILENO, 1, 1 } },
	};
	static const uint64_t none[6] = { 0 }, all[6] = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
							  UINT64_MAX, UINT64_MAX, UINT64_MAX };

	(void)state;
	for (int number = 0; number <= CALLS; number++) {
		assert_call(number, none);
		assert_call(number, all);
	}
	for (size_t i = 0; i < COUNT(tested); i++) {
		assert_int_equal(verdict_of(tested[i].number, tested[i].right), SECCOMP_RET_ALLOW);
		assert_number(tested[i].number, tested[i].right);
	}
}

static void test_an_intruder_s_calls_end_the_process(void **state)
{
	static const int deadly[] = {
		SYS_execve,
		SYS_execveat,
		SYS_fork,
		SYS_vfork,
		SYS_clone,
		SYS_clone3,
		SYS_socket,
		SYS_socketpair,
		SYS_connect,
		SYS_bind,
		SYS_listen,
		SYS_ptrace,
		SYS_process_vm_readv,
		SYS_process_vm_writev,
		SYS_pidfd_open,
		SYS_pidfd_getfd,
		SYS_pidfd_send_signal,
		SYS_rename,
		SYS_unlinkat,
		SYS_open_by_handle_at,
		SYS_setuid,
		SYS_setresuid,
		SYS_capset,
		SYS_seccomp,
		SYS_unshare,
		SYS_setns,
		SYS_mount,
		SYS_bpf,
		SYS_perf_event_open,
		SYS_userfaultfd,
		SYS_keyctl,
		SYS_io_uring_setup,
	};
	uint64_t arguments[6] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(deadly); i++)
		for (uint64_t value = 0; value < 64; value++) {
			arguments[value % 6] = value * UINT64_C(0x9e3779b97f4a7c15);
			assert_int_equal(verdict_of(deadly[i], arguments),
					 SECCOMP_RET_KILL_PROCESS);
		}
}

static void test_calls_of_later_kernels_are_not_there(void **state)
{
	static const uint64_t none[6] = { 0 };

	(void)state;
	for (int number = 451; number < 1000; number++)
		assert_int_equal(verdict_of(number, none), NOSYS);
	assert_int_equal(verdict_of(SYS_mprotect, none), NOSYS);
	assert_int_equal(verdict_of(SYS_prctl, none), NOSYS);
	assert_int_equal(verdict_of(SYS_dup2, none), NOSYS);
	assert_int_equal(verdict_of(SYS_ioctl, none), NOSYS);
}

static void test_other_entries_to_the_kernel_end_the_process(void **state)
{
	struct seccomp_data call = { .arch = AUDIT_ARCH_I386 };

	(void)state;
	for (call.nr = 0; call.nr <= CALLS; call.nr++)
		assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_KILL_PROCESS);
	call.arch = seccomp_arch_native();
	for (int number = 0; number <= CALLS; number++) {
		call.nr = X32 | number;
		assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_KILL_PROCESS);
	}
}

static void test_more_files_than_there_is_room_for_are_refused(void **state)
{
	const char *files[SANDBOX_FILES + 1] = { NULL };
	struct reason reason;

	(void)state;
	assert_int_equal(sandbox_enter(files, SANDBOX_FILES + 1, CAPTURE, &reason), -E2BIG);
}

/* Of what this kernel or this user has not got there is nothing to see; MUST_WORK=1 says it is there */
static void only_if(bool there, const char *what)
{
	const char *must = getenv("MUST_WORK");

	if (there)
		return;
	if (must && strcmp(must, "1") == 0)
		fail_msg("%s", what);
	print_message("skipped: %s\n", what);
	skip();
}

/* What a child returns that does something which can't be undone */
static int in_child(int (*act)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(act());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* In place of libseccomp's, so that what stands behind the filter can be seen to stand by itself */
static int load_result;

int seccomp_load(const scmp_filter_ctx filter)
{
	return filter ? load_result : -EINVAL;
}

static int enter(void)
{
	const char *files[] = { NULL, "/etc/passwd" };
	struct reason reason;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return sandbox_enter(files, 2, CAPTURE, &reason);
}

static bool is_refused(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC) < 0 && errno == EACCES;
}

static bool is_zero(__rlimit_resource_t resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
}

static int enter_and_look_at_limits(void)
{
	/* No root, whom RLIMIT_NPROC does not stop */
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 100;
	if (enter() != 0)
		return 101;
	if (!is_zero(RLIMIT_NPROC) || !is_zero(RLIMIT_CORE))
		return 102;
	return fork() < 0 && errno == EAGAIN ? 0 : 103;
}

static void test_limits_hold_without_seccomp(void **state)
{
	(void)state;
	assert_int_equal(in_child(enter_and_look_at_limits), 0);
}

static int landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

static int enter_and_open_files(void)
{
	if (enter() != 0)
		return 100;
	return is_refused("/etc/passwd", O_RDONLY) || !is_refused("/etc/passwd", O_WRONLY) ||
	       !is_refused("/usr/bin/env", O_RDONLY) || !is_refused("/", O_RDONLY | O_DIRECTORY) ||
	       !is_refused("/dev/null", O_WRONLY) || !is_refused("/proc/self/mem", O_RDWR);
}

static void test_landlock_holds_without_seccomp(void **state)
{
	(void)state;
	only_if(landlock_abi() > 0, "this kernel has no Landlock");
	assert_int_equal(in_child(enter_and_open_files), 0);
}

/* Memory-deny-write-execute, of a process (Linux 6.3) */
static int mdwe(void)
{
	return prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0);
}

static int enter_and_make_code(void)
{
	void *page;

	if (mdwe() != 0 || enter() != 0 || mdwe() != 1)
		return 100;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		       MAP_FAILED ||
	       mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EACCES;
}

static void test_no_code_is_made_without_seccomp(void **state)
{
	(void)state;
	only_if(mdwe() >= 0, "this kernel does not refuse writable code");
	assert_int_equal(in_child(enter_and_make_code), 0);
}

static int enter_where_seccomp_fails(void)
{
	load_result = -EFAULT;
	return enter() != -EFAULT;
}

static void test_a_filter_that_is_not_loaded_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(enter_where_seccomp_fails), 0);
}

/* What the program in capture's place finds of itself */
struct found {
	int mdwe, no_new_privs, death_signal, descriptors, environment, arguments;
	uid_t uid, euid;
	bool leader, only_net_raw, configured;
};

/* Of /proc/self/status */
static bool has_line(const char *wanted)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	bool found = false;

	while (status && fgets(line, sizeof(line), status))
		found |= strcmp(line, wanted) == 0;
	if (status)
		fclose(status);
	return found;
}

#define NET_RAW "0000000000002000\n"

/* This program, started as capture is */
static int be_capture(int argc, char **argv)
{
	struct config config;
	struct found found = {
		.mdwe = mdwe(),
		.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
		.environment = environ[0] != NULL,
		.arguments = argc - 1 + (strcmp(argv[0], "dnstt_capture") != 0),
		.uid = getuid(),
		.euid = geteuid(),
		.leader = getsid(0) == getpid(),
		.only_net_raw = has_line("CapPrm:\t" NET_RAW) && has_line("CapEff:\t" NET_RAW) &&
				has_line("CapInh:\t" NET_RAW) && has_line("CapAmb:\t" NET_RAW) &&
				has_line("CapBnd:\t" NET_RAW),
	};

	prctl(PR_GET_PDEATHSIG, &found.death_signal);
	for (int fd = 0; fd < 64; fd++)
		found.descriptors += fcntl(fd, F_GETFD) >= 0;
	found.configured =
		recv(3, &config, sizeof(config), 0) == sizeof(config) && config.port == 7;
	return send(3, &found, sizeof(found), MSG_NOSIGNAL) != sizeof(found);
}

static void test_capture_is_started_with_one_privilege(void **state)
{
	const struct config config = { .port = 7 };
	struct capture_process process;
	struct reason reason;
	char self[4096] = "";
	struct spawn_user user;
	struct found found = { 0 };
	int status, inherited;

	(void)state;
	only_if(geteuid() == 0 && spawn_allowed(&reason) == 0 && spawn_user(&user, &reason) == 0,
		"needs root");
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	inherited = fcntl(STDERR_FILENO, F_DUPFD, 10);
	assert_true(inherited >= 10);
	assert_int_equal(spawn_capture(self, &config, &user, &process, &reason), 0);
	assert_int_equal(poll(&(struct pollfd){ process.ipc, POLLIN, 0 }, 1, 10000), 1);
	assert_int_equal(recv(process.ipc, &found, sizeof(found), 0), sizeof(found));
	assert_int_equal(waitpid(process.pid, &status, 0), process.pid);
	assert_int_equal(status, 0);
	close(inherited);
	close(process.ipc);

	assert_true(found.configured);
	assert_int_equal(found.mdwe, mdwe() < 0 ? mdwe() : 1);
	assert_int_equal(found.no_new_privs, 1);
	assert_int_equal(found.death_signal, SIGKILL);
	assert_int_equal(found.descriptors, 4);
	assert_int_equal(found.environment + found.arguments, 0);
	assert_int_equal(found.uid, user.uid);
	assert_int_equal(found.euid, user.uid);
	assert_true(found.leader);
	assert_true(found.only_net_raw);
}

static int drop_and_look(void)
{
	struct spawn_user user;
	struct reason reason;

	if (spawn_user(&user, &reason) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return 100;
	if (spawn_drop(&user, &reason) != 0)
		return 101;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 102;
	if (setresuid(0, 0, 0) == 0 || geteuid() != user.uid || getgid() != user.gid)
		return 103;
	return has_line("CapPrm:\t0000000000000000\n") && has_line("CapAmb:\t0000000000000000\n") &&
			       has_line("NoNewPrivs:\t1\n") && has_line("Groups:\t \n")
		       ? 0
		       : 104;
}

/* A change of the user makes a process undumpable by itself; that it stays so is not left to that */
static int drop_without_a_change_of_the_user(void)
{
	struct reason reason;

	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 || spawn_drop(NULL, &reason) != 0)
		return 100;
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
}

static void test_the_exporter_gives_all_of_it_up(void **state)
{
	(void)state;
	only_if(geteuid() == 0, "needs root");
	assert_int_equal(in_child(drop_and_look), 0);
	assert_int_equal(in_child(drop_without_a_change_of_the_user), 0);
}

/* As the first message, and without records, nothing but its type is wrong with it */
static void test_message_of_no_known_type_is_refused_for_that(void **state)
{
	struct batch batch = { .header = { .magic = BATCH_MAGIC, .version = BATCH_VERSION } };

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		for (uint64_t sequence = 0; sequence < 2; sequence++) {
			struct batch_state from = { .sequence = sequence };
			const char *fault;

			batch.header.type = (uint8_t)type;
			batch.header.sequence = sequence;
			fault = record_check_batch(&batch, sizeof(batch.header), 1, &from);
			if (type == 0 || type >= BATCH_TYPES)
				assert_string_equal(fault, "type of a message is out of range");
			else if (type == BATCH_TRAFFIC && sequence == 1)
				assert_null(fault);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_serving_needs_is_allowed),
		cmocka_unit_test(test_an_intruder_s_calls_end_the_process),
		cmocka_unit_test(test_calls_of_later_kernels_are_not_there),
		cmocka_unit_test(test_other_entries_to_the_kernel_end_the_process),
		cmocka_unit_test(test_more_files_than_there_is_room_for_are_refused),
		cmocka_unit_test(test_limits_hold_without_seccomp),
		cmocka_unit_test(test_landlock_holds_without_seccomp),
		cmocka_unit_test(test_no_code_is_made_without_seccomp),
		cmocka_unit_test(test_a_filter_that_is_not_loaded_is_an_error),
		cmocka_unit_test(test_capture_is_started_with_one_privilege),
		cmocka_unit_test(test_the_exporter_gives_all_of_it_up),
		cmocka_unit_test(test_message_of_no_known_type_is_refused_for_that),
	};

	log_configure(LOG_ERROR, LOG_LOGFMT);
	if (strcmp(argv[0], "dnstt_capture") == 0)
		return be_capture(argc, argv);
	return cmocka_run_group_tests(tests, export_policy, NULL);
}
