/* SPDX-License-Identifier: MIT */
/* The seccomp filter that the exporter runs under, interpreted call by call */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"
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
	int landlock = -1;

	(void)state;
	assert_int_equal(sandbox_enter(files, SANDBOX_FILES + 1, CAPTURE, &landlock), -E2BIG);
	assert_int_equal(landlock, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_serving_needs_is_allowed),
		cmocka_unit_test(test_an_intruder_s_calls_end_the_process),
		cmocka_unit_test(test_calls_of_later_kernels_are_not_there),
		cmocka_unit_test(test_other_entries_to_the_kernel_end_the_process),
		cmocka_unit_test(test_more_files_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, export_policy, NULL);
}
