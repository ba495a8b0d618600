/* SPDX-License-Identifier: MIT */
/* Confinement of the exporter: what it can still ask of the kernel once it serves */
#include "system/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "common/confine.h"
#include "system/folders.h"

#define PR_SET_MDWE_		  65 /* not in this system's headers, perhaps */
#define PR_MDWE_REFUSE_EXEC_GAIN_ 1
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* No bit but these is set in an argument, which is 32 bits wide */
#define ONLY(argument, bits) \
	SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, (uint32_t) ~(uint32_t)(bits), 0)

/* fcntl(): F_ADD_SEALS, and commands that only ask, F_GETFL of libmicrohttpd among them. One test for
 * all of them: the bits in which they differ are left out. F_DUPFD, F_SETFL, and F_SETOWN and
 * F_SETSIG, which could have signals sent to others, differ in more.
 */
#define ASKS_OR_SEALS SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, UINT32_C(0xfffffbf5), 1)

/* The end of the process: what no library here does on any path, but an intruder
 * would try. An attempt is seen at once, and there is no second one.
 *
 * Everything else that is not allowed fails with ENOSYS. It is refused just the same, but a libc
 * that tries a newer call first, as each new version does somewhere, falls back to the older one
 * instead of ending the exporter weeks after its start.
 */
/* clang-format off */
static const int deadly[] = {
	/* programs and processes */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone),
	SCMP_SYS(clone3),
	/* ways out and in */
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind),
	SCMP_SYS(listen), SCMP_SYS(sendmmsg),
	/* other processes */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(kcmp),
	/* files other than for reading */
	SCMP_SYS(open_by_handle_at), SCMP_SYS(creat), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chmod),
	SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(fchown),
	SCMP_SYS(fchownat), SCMP_SYS(truncate), SCMP_SYS(chdir), SCMP_SYS(fchdir),
	SCMP_SYS(chroot),
	/* another identity, another view of the system */
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(capset),
	SCMP_SYS(seccomp), SCMP_SYS(personality), SCMP_SYS(unshare),
	SCMP_SYS(setns), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	/* doors to the kernel with a history */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(io_setup), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
	SCMP_SYS(modify_ldt), SCMP_SYS(splice), SCMP_SYS(vmsplice), SCMP_SYS(pkey_mprotect),
	SCMP_SYS(remap_file_pages),
};
/* clang-format on */

scmp_filter_ctx sandbox_policy(pid_t self, pid_t capture)
{
	/* clang-format off */
	const struct confine_rule allowed[] = {
		/* the loop. What is not in the kernel of every architecture is passed over below. */
		{ SCMP_SYS(epoll_wait), 0, { { 0 } } },
		{ SCMP_SYS(epoll_pwait), 0, { { 0 } } },
		{ SCMP_SYS(epoll_ctl), 0, { { 0 } } },
		{ SCMP_SYS(epoll_create1), 0, { { 0 } } },
		{ SCMP_SYS(poll), 0, { { 0 } } },
		{ SCMP_SYS(ppoll), 0, { { 0 } } },
		{ SCMP_SYS(clock_gettime), 0, { { 0 } } },
		{ SCMP_SYS(gettimeofday), 0, { { 0 } } },
		{ SCMP_SYS(time), 0, { { 0 } } },
		/* connections, capture, netlink, systemd. Nothing is sent to an address; a sendmsg(),
		 * which is libmicrohttpd's, could have one that no filter sees, but a TCP socket
		 * takes none, and of the others only systemd's can be sent elsewhere.
		 */
		{ SCMP_SYS(accept4), 1, { CONFINE_IS(3, SOCK_CLOEXEC | SOCK_NONBLOCK) } },
		{ SCMP_SYS(recvfrom), 0, { { 0 } } },
		{ SCMP_SYS(recvmsg), 0, { { 0 } } },
		{ SCMP_SYS(sendto), 2, { CONFINE_IS(4, 0), CONFINE_IS(5, 0) } },
		{ SCMP_SYS(sendmsg), 0, { { 0 } } },
		{ SCMP_SYS(setsockopt), 1, { CONFINE_IS(1, IPPROTO_TCP) } },
		{ SCMP_SYS(shutdown), 0, { { 0 } } },
		/* files: to read, and the sealed copies of databases */
		{ SCMP_SYS(openat), 1, { ONLY(2, O_NONBLOCK | O_NOCTTY | O_CLOEXEC) } },
		{ SCMP_SYS(newfstatat), 0, { { 0 } } },
		{ SCMP_SYS(fstat), 0, { { 0 } } },
		{ SCMP_SYS(statx), 0, { { 0 } } },
		{ SCMP_SYS(read), 0, { { 0 } } },
		{ SCMP_SYS(pread64), 0, { { 0 } } },
		{ SCMP_SYS(write), 0, { { 0 } } },
		{ SCMP_SYS(lseek), 0, { { 0 } } },
		{ SCMP_SYS(getdents64), 0, { { 0 } } },
		{ SCMP_SYS(close), 0, { { 0 } } },
		{ SCMP_SYS(fcntl), 1, { ASKS_OR_SEALS } },
		{ SCMP_SYS(memfd_create), 1,
		  { ONLY(1, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) } },
		/* memory, never executable */
		{ SCMP_SYS(brk), 0, { { 0 } } },
		{ SCMP_SYS(mmap), 1, { ONLY(2, PROT_READ | PROT_WRITE) } },
		{ SCMP_SYS(mremap), 0, { { 0 } } },
		{ SCMP_SYS(munmap), 0, { { 0 } } },
		{ SCMP_SYS(futex), 0, { { 0 } } },
		{ SCMP_SYS(getrandom), 0, { { 0 } } },
		{ SCMP_SYS(getrusage), 0, { { 0 } } },
		{ SCMP_SYS(getpid), 0, { { 0 } } },
		/* capture's end, and one's own: so that abort() can be told from a forbidden call */
		{ SCMP_SYS(kill), 2, { CONFINE_IS(0, capture), CONFINE_IS(1, SIGKILL) } },
		{ SCMP_SYS(waitid), 0, { { 0 } } },
		{ SCMP_SYS(rt_sigprocmask), 0, { { 0 } } },
		{ SCMP_SYS(gettid), 0, { { 0 } } },
		{ SCMP_SYS(tgkill), 2, { CONFINE_IS(0, self), CONFINE_IS(2, SIGABRT) } },
		{ SCMP_SYS(writev), 1, { CONFINE_IS(0, STDERR_FILENO) } },
		{ SCMP_SYS(restart_syscall), 0, { { 0 } } },
		{ SCMP_SYS(exit_group), 0, { { 0 } } },
	};
	/* clang-format on */
	struct confine_rule rules[ARRAY_LENGTH(allowed)];
	scmp_filter_ctx filter;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(allowed); i++)
		if (allowed[i].call >= 0)
			rules[count++] = allowed[i];
	filter = confine_policy(SCMP_ACT_ERRNO(ENOSYS), rules, count);
	for (size_t i = 0; filter && i < ARRAY_LENGTH(deadly); i++)
		if (deadly[i] >= 0 &&
		    seccomp_rule_add_exact(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0) < 0)
			return NULL;
	return filter;
}

/* libseccomp says no more than that it failed, so the kernel is asked first: whether it has the call,
 * and the one answer to a call that all others are weaker than (Linux 4.14)
 */
static int load(scmp_filter_ctx filter, struct reason *ret_reason)
{
	uint32_t answer = SECCOMP_RET_KILL_PROCESS;
	int failed;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &answer) < 0)
		return reason_call(ret_reason, "seccomp");
	if (!filter || seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1) < 0)
		return reason_set(ret_reason, -ENOMEM,
				  "seccomp: libseccomp cannot make the filter");
	/* Never released, so that nothing follows the load */
	failed = seccomp_load(filter);
	return failed ? reason_set(ret_reason, failed, "seccomp: %s", strerror(-failed)) : 0;
}

int sandbox_enter(const char *const *files, size_t count, pid_t capture, struct reason *ret_reason)
{
	static const struct rlimit none = { 0, 0 };
	static struct folders folders;
	int landlock;
	bool refused;

	if (count > SANDBOX_FILES)
		return reason_set(ret_reason, -E2BIG, "more files than there is room for");
	for (size_t i = 0; i < count; i++)
		if (files[i])
			folders_add(&folders, files[i]);
	landlock = confine_files(folders_allow, &folders, true);
	if (landlock < 0)
		return reason_set(ret_reason, landlock, "Landlock: %s", strerror(-landlock));
	if (setrlimit(RLIMIT_NPROC, &none) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return reason_call(ret_reason, "setrlimit");
	/* Linux 6.3; before, seccomp alone sees to it */
	refused = prctl(PR_SET_MDWE_, PR_MDWE_REFUSE_EXEC_GAIN_, 0, 0, 0) == 0;
	log_line(LOG_INFO, "confining this process", LOG_NUMBER("landlock_abi", landlock),
		 LOG_TEXT("writable_code_refused", refused ? "yes" : "no"));
	return load(sandbox_policy(getpid(), capture), ret_reason);
}
