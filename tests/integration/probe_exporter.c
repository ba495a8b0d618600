/* SPDX-License-Identifier: MIT */
/* What the kernel does to a confined exporter that does more than it may
 *
 *	probe_exporter DIRECTORY	as root: DIRECTORY has a file "database", a link "elsewhere" to
 *					/etc/passwd, and anyone may write into it
 *	probe_exporter --pfc		prints the policy
 *
 * Each probe becomes nobody, drops its capabilities, starts a process that stands for capture, and
 * enters the sandbox with the exporter's own code.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "common/confine.h"
#include "probe_run.h"
#include "system/sandbox.h"

#define GOLDEN_SELF    1001 /* process numbers in the printed policy */
#define GOLDEN_CAPTURE 1002
#define NOBODY	       65534

static const char *folder;
static char database[PATH_MAX], elsewhere[PATH_MAX], created[PATH_MAX], octets[256];
static int pair[2], listener, folder_fd, capture_pidfd;
static pid_t parent, capture;
static struct sockaddr_un outside; /* an abstract socket of a process that is not confined */
static socklen_t outside_bytes = sizeof(outside);

static void stand_for_capture(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	raise(SIGSTOP);
	_exit(0);
}

static int confine(void)
{
	const char *const files[] = { NULL, database };
	struct reason reason;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
	if (listener < 0 || listen(listener, 1) < 0 || folder_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -1;
	capture = fork();
	if (capture == 0)
		stand_for_capture();
	capture_pidfd = (int)syscall(SYS_pidfd_open, capture, 0);
	if (capture_pidfd < 0 || waitpid(capture, NULL, WUNTRACED) != capture ||
	    confine_drop_capabilities() < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -1;
	return sandbox_enter(files, 2, capture, &reason);
}

/* A sealed copy, opened by its descriptor's name, as libmaxminddb does */
static long reopen_sealed(void)
{
	int copy = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char name[64];
	int again;

	if (copy < 0 || write(copy, octets, sizeof(octets)) < 0 ||
	    fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", copy);
	again = open(name, O_RDONLY | O_CLOEXEC);
	if (again < 0 || mmap(NULL, 1, PROT_READ, MAP_SHARED, again, 0) == MAP_FAILED)
		return -1;
	return close(again);
}

static long open_of_capture(const char *file)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/%s", capture, file);
	return open(name, O_RDONLY);
}

static long map(int protection)
{
	void *memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? -1 : 0;
}

static long read_database(void)
{
	int file = open(database, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return file < 0 ? -1 : read(file, octets, sizeof(octets));
}

static long kill_capture(void)
{
	siginfo_t how;

	if (kill(capture, SIGKILL) < 0)
		return -1;
	return waitid(P_PID, (id_t)capture, &how, WEXITED);
}

static long send_outside(void)
{
	struct iovec one = { octets, 1 };
	struct msghdr message = {
		.msg_name = &outside, .msg_namelen = outside_bytes, .msg_iov = &one, .msg_iovlen = 1
	};

	return sendmsg(pair[0], &message, 0);
}

static long allocate(void)
{
	for (size_t bytes = 64; bytes < 64 << 20; bytes *= 4) {
		char *memory = malloc(bytes);

		if (!memory)
			return -1;
		memset(memory, 1, bytes);
		memory = realloc(memory, 2 * bytes);
		if (!memory)
			return -1;
		memory[2 * bytes - 1] = 1;
		free(memory);
	}
	return 0;
}

static long abort_here(void)
{
	abort();
}

/* An entry to the kernel with 32-bit numbers */
static long call_32(long number)
{
	long result = number;

#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "+a"(result) : "b"(0) : "memory");
#endif
	return result;
}

#define PROBES(X)                                                                                  \
	/* what serving, reloading and logging need */                                             \
	X(done, read_database, read_database())                                                    \
	X(done, reopen_sealed, reopen_sealed())                                                    \
	X(done, look_at_file, fstatat(AT_FDCWD, database, &(struct stat){ 0 }, 0))                 \
	X(done, allocate, allocate())                                                              \
	X(done, send, send(pair[0], octets, 1, MSG_DONTWAIT | MSG_NOSIGNAL))                       \
	X(done, log, write(STDERR_FILENO, octets, 0))                                              \
	X(done, random, getrandom(octets, sizeof(octets), 0))                                      \
	X(done, nodelay, setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, 4))           \
	X(EAGAIN, accept, accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK))             \
	X(done, epoll,                                                                             \
	  epoll_wait(epoll_create1(EPOLL_CLOEXEC), (struct epoll_event *)octets, 1, 0))            \
	X(done, kill_capture, kill_capture())                                                      \
	X(ABRT, abort, abort_here())                                                               \
	/* files: Landlock */                                                                      \
	X(EACCES, open_passwd, open("/etc/passwd", O_RDONLY))                                      \
	X(EACCES, open_link_out, open(elsewhere, O_RDONLY))                                        \
	X(EACCES, open_out_of_folder, openat(folder_fd, "../../../etc/passwd", O_RDONLY))          \
	X(EACCES, open_own_memory, open("/proc/self/maps", O_RDONLY))                              \
	X(EACCES, open_capture_memory, open_of_capture("mem"))                                     \
	X(EACCES, list_root, open("/", O_RDONLY))                                                  \
	/* files: seccomp */                                                                       \
	X(ENOSYS, open_to_write, open(database, O_RDWR))                                           \
	X(ENOSYS, open_to_append, open(database, O_WRONLY | O_APPEND))                             \
	X(ENOSYS, open_to_create, open(created, O_RDONLY | O_CREAT, 0600))                         \
	X(ENOSYS, open_to_cut, open(database, O_RDONLY | O_TRUNC))                                 \
	X(ENOSYS, open_nameless, open(folder, O_RDWR | O_TMPFILE, 0600))                           \
	X(ENOSYS, open_path, open("/etc", O_PATH))                                                 \
	X(ENOSYS, open_old, syscall(SYS_open, database, O_RDONLY))                                 \
	X(SYS, open_by_handle, syscall(SYS_open_by_handle_at, AT_FDCWD, octets, O_RDONLY))         \
	X(SYS, creat, syscall(SYS_creat, created, 0600))                                           \
	X(SYS, unlink, unlink(database))                                                           \
	X(SYS, rename, rename(database, created))                                                  \
	X(SYS, renameat2, syscall(SYS_renameat2, AT_FDCWD, database, AT_FDCWD, created, 0))        \
	X(SYS, link, link(database, created))                                                      \
	X(SYS, symlink, symlink(database, created))                                                \
	X(SYS, mkdir, mkdir(created, 0700))                                                        \
	X(SYS, mknod, mknod(created, S_IFIFO | 0600, 0))                                           \
	X(SYS, chmod, chmod(database, 0777))                                                       \
	X(SYS, fchmod, fchmod(folder_fd, 0777))                                                    \
	X(SYS, chown, chown(database, 0, 0))                                                       \
	X(SYS, truncate, truncate(database, 0))                                                    \
	X(SYS, chdir, chdir("/"))                                                                  \
	X(SYS, chroot, chroot("/"))                                                                \
	X(SYS, splice, syscall(SYS_splice, pair[0], NULL, pair[1], NULL, 1, 0))                    \
	X(ENOSYS, ioctl, syscall(SYS_ioctl, listener, 0x8933, octets)) /* SIOCGIFINDEX */          \
	X(ENOSYS, dup, dup(listener))                                                              \
	X(ENOSYS, fcntl_dup, fcntl(listener, F_DUPFD, 100))                                        \
	X(ENOSYS, fcntl_dup_cloexec, fcntl(listener, F_DUPFD_CLOEXEC, 100))                        \
	X(ENOSYS, fcntl_owner, fcntl(pair[0], F_SETOWN, capture))                                  \
	X(ENOSYS, fcntl_signal, fcntl(pair[0], F_SETSIG, SIGKILL))                                 \
	X(ENOSYS, fcntl_lease, fcntl(folder_fd, F_SETLEASE, F_RDLCK))                              \
	X(ENOSYS, memfd_with_pages, memfd_create("x", MFD_HUGETLB))                                \
	/* sockets */                                                                              \
	X(SYS, socket_inet, socket(AF_INET, SOCK_STREAM, 0))                                       \
	X(SYS, socket_packet, socket(AF_PACKET, SOCK_RAW, 0))                                      \
	X(SYS, socket_unix, socket(AF_UNIX, SOCK_DGRAM, 0))                                        \
	X(SYS, socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)octets))                     \
	X(SYS, connect, connect(pair[0], (struct sockaddr *)octets, 2))                            \
	X(SYS, bind, bind(listener, (struct sockaddr *)octets, 16))                                \
	X(SYS, listen, listen(listener, 1))                                                        \
	X(SYS, sendmmsg, syscall(SYS_sendmmsg, pair[0], octets, 1, 0))                             \
	X(EPERM, send_to_abstract, send_outside()) /* Landlock, Linux 6.12 */                      \
	X(ENOSYS, send_to_address, sendto(pair[0], octets, 1, 0, (struct sockaddr *)octets, 2))    \
	X(ENOSYS, accept_old, syscall(SYS_accept, listener, NULL, NULL))                           \
	X(ENOSYS, accept_inherited, accept4(listener, NULL, NULL, SOCK_NONBLOCK))                  \
	X(ENOSYS, attach_filter, setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, octets, 16))    \
	X(ENOSYS, send_buffer, setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, 4))   \
	/* programs and processes */                                                               \
	X(SYS, execve, syscall(SYS_execve, "/bin/true", NULL, NULL))                               \
	X(SYS, execveat, syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))              \
	X(SYS, fork, syscall(SYS_fork))                                                            \
	X(SYS, fork_of_libc, fork())                                                               \
	X(SYS, vfork, syscall(SYS_vfork))                                                          \
	X(SYS, thread, syscall(SYS_clone3, octets, 64))                                            \
	X(SYS, unshare, unshare(CLONE_NEWUSER))                                                    \
	X(SYS, setns, setns(capture_pidfd, CLONE_NEWNET))                                          \
	X(ENOSYS, kill_parent, kill(parent, SIGKILL))                                              \
	X(ENOSYS, kill_all, kill(-1, SIGKILL))                                                     \
	X(ENOSYS, stop_capture, kill(capture, SIGSTOP))                                            \
	X(ENOSYS, kill_self_softly, syscall(SYS_tgkill, getpid(), gettid(), SIGTERM))              \
	X(SYS, signal_by_descriptor, syscall(SYS_pidfd_send_signal, capture_pidfd, SIGKILL, 0, 0)) \
	X(SYS, queue_signal, syscall(SYS_rt_sigqueueinfo, capture, SIGKILL, octets))               \
	X(SYS, ptrace, ptrace(PTRACE_SEIZE, capture, NULL, NULL))                                  \
	X(SYS, process_vm_readv, syscall(SYS_process_vm_readv, capture, NULL, 0, NULL, 0, 0))      \
	X(SYS, process_vm_writev, syscall(SYS_process_vm_writev, capture, NULL, 0, NULL, 0, 0))    \
	X(SYS, pidfd_open, syscall(SYS_pidfd_open, capture, 0))                                    \
	X(SYS, pidfd_getfd, syscall(SYS_pidfd_getfd, capture_pidfd, 0, 0))                         \
	X(SYS, kcmp, syscall(SYS_kcmp, capture, capture, 0, 0, 0))                                 \
	/* memory that is executable */                                                            \
	X(ENOSYS, mmap_exec, map(PROT_READ | PROT_EXEC))                                           \
	X(ENOSYS, mmap_write_exec, map(PROT_READ | PROT_WRITE | PROT_EXEC))                        \
	X(ENOSYS, mprotect, mprotect(NULL, 4096, PROT_READ | PROT_EXEC))                           \
	X(SYS, pkey_mprotect, syscall(SYS_pkey_mprotect, NULL, 4096, PROT_EXEC, -1))               \
	/* privileges, and the sandbox itself */                                                   \
	X(SYS, setuid, syscall(SYS_setuid, 0))                                                     \
	X(SYS, setresuid, syscall(SYS_setresuid, 0, 0, 0))                                         \
	X(SYS, capset, syscall(SYS_capset, octets, NULL))                                          \
	X(SYS, seccomp, syscall(SYS_seccomp, 0, 0, NULL))                                          \
	X(SYS, personality, syscall(SYS_personality, 0x0040000))                                   \
	X(ENOSYS, prctl, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))                                       \
	X(ENOSYS, setrlimit, syscall(SYS_prlimit64, 0, 7, octets, NULL))                           \
	X(ENOSYS, handle_signal, syscall(SYS_rt_sigaction, SIGTERM, octets, NULL, 8))              \
	/* doors to the kernel with a history */                                                   \
	X(SYS, io_uring, syscall(SYS_io_uring_setup, 1, &(struct io_uring_params){ 0 }))           \
	X(SYS, bpf, syscall(SYS_bpf, 0, octets, 16))                                               \
	X(SYS, perf, syscall(SYS_perf_event_open, octets, 0, -1, -1, 0))                           \
	X(SYS, keyctl, syscall(SYS_keyctl, 0, 0))                                                  \
	X(SYS, userfaultfd, syscall(SYS_userfaultfd, 0))                                           \
	X(SYS, mount, syscall(SYS_mount, "x", folder, "tmpfs", 0, NULL))                           \
	X(SYS, modify_ldt, syscall(SYS_modify_ldt, 0, octets, 0))                                  \
	X(ENOSYS, no_such_call, syscall(4000))                                                     \
	/* the same kernel by other entries */                                                     \
	X(SYS, entry_x32, syscall(0x40000000 | SYS_getpid))                                        \
	X(SYS, entry_32, call_32(20)) /* getpid */

PROBES(PROBE_FUNCTION)

static const struct probe probes[] = { PROBES(PROBE_ENTRY) };

/* The kernel chooses a name */
static int bind_outside(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (receiver < 0 || bind(receiver, (struct sockaddr *)&any, sizeof(any.sun_family)) < 0)
		return -1;
	return getsockname(receiver, (struct sockaddr *)&outside, &outside_bytes);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "--pfc") == 0)
		return seccomp_export_pfc(sandbox_policy(GOLDEN_SELF, GOLDEN_CAPTURE),
					  STDOUT_FILENO) < 0;
	if (bind_outside() < 0)
		return 1;
	folder = argv[1];
	parent = getpid();
	snprintf(database, sizeof(database), "%s/database", folder);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", folder);
	snprintf(created, sizeof(created), "%s/created", folder);
	return probe_run(probes, sizeof(probes) / sizeof(probes[0]), confine);
}
