/* SPDX-License-Identifier: MIT */
/* What the kernel does to a confined capture that does more than it may
 *
 * Each probe opens a real packet socket and ring, drops its capabilities and enters the sandbox with
 * capture's own code, in the order of capture's main(). With --pfc it prints the policy instead.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "capture/ring.h"
#include "capture/sandbox.h"
#include "common/config.h"
#include "common/confine.h"
#include "probe_run.h"

#define GOLDEN_RING 4			/* descriptor of the packet socket in the printed policy */
#define HIGH	    (UINT64_C(1) << 32) /* a bit that a 32-bit comparison overlooks */

static struct ring ring;
static char octets[64];

static int confine(void)
{
	static struct config config = {
		.port = 53, .block_bytes = CONFIG_BLOCK_MIN, .blocks = 2, .latency_ms = 50
	};
	uint32_t landlock;
	int pair[2];

	prctl(PR_SET_DUMPABLE, 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return -1;
	if (pair[0] == SANDBOX_IPC)
		pair[0] = dup(pair[0]);
	if (dup2(pair[1], SANDBOX_IPC) < 0 || ring_open(&config, &ring) != 0 ||
	    confine_drop_capabilities() < 0)
		return -1;
	return sandbox_enter(ring.fd, &landlock);
}

#define NOW	 (&(struct timespec){ 0 })
#define FDS(...) ((struct pollfd[]){ __VA_ARGS__ })
#define ANY_LINK \
	(&(struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_protocol = 0x300, .sll_ifindex = 1 })

/* An entry to the kernel with 32-bit numbers, where 1 is exit and 11 execve */
static inline long call_32(long number)
{
	long result = number;

#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "+a"(result) : "b"(0) : "memory");
#endif
	return result;
}

/* A request to libc would be no proof: it could fail before it reaches the kernel */
#define PROBES(X)                                                                                  \
	/* what the loop does */                                                                   \
	X(done, ppoll,                                                                             \
	  syscall(SYS_ppoll, FDS({ .fd = ring.fd }, { .fd = SANDBOX_IPC }), 2, NOW, NULL, 8))      \
	X(done, getsockopt,                                                                        \
	  syscall(SYS_getsockopt, ring.fd, SOL_PACKET, PACKET_STATISTICS, octets,                  \
		  &(socklen_t){ sizeof(struct tpacket_stats_v3) }))                                \
	X(done, sendto,                                                                            \
	  syscall(SYS_sendto, SANDBOX_IPC, octets, 1, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0))       \
	/* files */                                                                                \
	X(SYS, open, syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY))                       \
	X(SYS, open_old, syscall(SYS_open, "/etc/passwd", O_RDONLY))                               \
	X(SYS, openat2, syscall(SYS_openat2, AT_FDCWD, "/", octets, 24))                           \
	X(SYS, open_by_handle, syscall(SYS_open_by_handle_at, AT_FDCWD, octets, O_RDONLY))         \
	X(SYS, open_own_memory, syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR))           \
	X(SYS, stat, syscall(SYS_newfstatat, AT_FDCWD, "/", octets, 0))                            \
	X(SYS, unlink, syscall(SYS_unlinkat, AT_FDCWD, "/nothing", 0))                             \
	X(SYS, rename, syscall(SYS_renameat2, AT_FDCWD, "/nothing", AT_FDCWD, "/there", 0))        \
	X(SYS, chdir, syscall(SYS_chdir, "/"))                                                     \
	X(SYS, memfd_create, syscall(SYS_memfd_create, "x", 0))                                    \
	X(SYS, read, syscall(SYS_read, STDIN_FILENO, octets, 1))                                   \
	X(SYS, write, syscall(SYS_write, STDERR_FILENO, octets, 0))                                \
	X(SYS, pwrite, syscall(SYS_pwrite64, STDERR_FILENO, octets, 0, 0))                         \
	X(SYS, ioctl, syscall(SYS_ioctl, ring.fd, 0x8933, octets)) /* SIOCGIFINDEX */              \
	/* new sockets */                                                                          \
	X(SYS, socket_inet, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0))                          \
	X(SYS, socket_packet, syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0))                         \
	X(SYS, socket_netlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0))                       \
	X(SYS, socketpair, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, octets))               \
	X(SYS, connect, syscall(SYS_connect, SANDBOX_IPC, octets, 2))                              \
	X(SYS, accept, syscall(SYS_accept4, SANDBOX_IPC, NULL, NULL, 0))                           \
	/* the packet socket: a frame sent, another interface, another mode */                     \
	X(SYS, send_frame,                                                                         \
	  syscall(SYS_sendto, ring.fd, octets, 60, 0, ANY_LINK, sizeof(*ANY_LINK)))                \
	X(SYS, send_frame_as_batch,                                                                \
	  syscall(SYS_sendto, ring.fd, octets, 60, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0))          \
	X(SYS, write_frame, syscall(SYS_write, ring.fd, octets, 60))                               \
	X(SYS, writev_frame, syscall(SYS_writev, ring.fd, octets, 0))                              \
	X(SYS, sendmsg_frame, syscall(SYS_sendmsg, ring.fd, &(struct msghdr){ 0 }, 0))             \
	X(SYS, sendmmsg_frame, syscall(SYS_sendmmsg, ring.fd, octets, 1, 0))                       \
	X(SYS, rebind, syscall(SYS_bind, ring.fd, ANY_LINK, sizeof(*ANY_LINK)))                    \
	X(SYS, promiscuous,                                                                        \
	  syscall(SYS_setsockopt, ring.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP,                      \
		  &(struct packet_mreq){ .mr_ifindex = 1, .mr_type = 1 }, 16))                     \
	X(SYS, fanout,                                                                             \
	  syscall(SYS_setsockopt, ring.fd, SOL_PACKET, PACKET_FANOUT, &(int){ 1 }, 4))             \
	X(SYS, bypass_qdisc,                                                                       \
	  syscall(SYS_setsockopt, ring.fd, SOL_PACKET, PACKET_QDISC_BYPASS, &(int){ 1 }, 4))       \
	X(SYS, detach_filter,                                                                      \
	  syscall(SYS_setsockopt, ring.fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, 4))          \
	X(SYS, other_option,                                                                       \
	  syscall(SYS_getsockopt, ring.fd, SOL_PACKET, PACKET_VERSION, octets, &(socklen_t){ 4 })) \
	X(SYS, other_level,                                                                        \
	  syscall(SYS_getsockopt, ring.fd, SOL_SOCKET, PACKET_STATISTICS, octets,                  \
		  &(socklen_t){ 4 }))                                                              \
	X(SYS, option_of_other_socket,                                                             \
	  syscall(SYS_getsockopt, SANDBOX_IPC, SOL_PACKET, PACKET_STATISTICS, octets,              \
		  &(socklen_t){ 4 }))                                                              \
	X(SYS, receive, syscall(SYS_recvfrom, ring.fd, octets, 1, MSG_DONTWAIT, NULL, NULL))       \
	/* the socketpair: to an address, with descriptors, waiting */                             \
	X(SYS, send_to_address,                                                                    \
	  syscall(SYS_sendto, SANDBOX_IPC, octets, 1, MSG_DONTWAIT | MSG_NOSIGNAL, octets, 0))     \
	X(SYS, send_with_address_length,                                                           \
	  syscall(SYS_sendto, SANDBOX_IPC, octets, 1, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 2))       \
	X(SYS, send_waiting, syscall(SYS_sendto, SANDBOX_IPC, octets, 1, MSG_NOSIGNAL, NULL, 0))   \
	X(SYS, send_high_flags,                                                                    \
	  syscall(SYS_sendto, SANDBOX_IPC, octets, 1, HIGH | MSG_DONTWAIT | MSG_NOSIGNAL, NULL,    \
		  0))                                                                              \
	X(SYS, send_high_address,                                                                  \
	  syscall(SYS_sendto, SANDBOX_IPC, octets, 1, MSG_DONTWAIT | MSG_NOSIGNAL, HIGH, 0))       \
	X(SYS, send_high_descriptor,                                                               \
	  syscall(SYS_sendto, HIGH | SANDBOX_IPC, octets, 1, MSG_DONTWAIT | MSG_NOSIGNAL, NULL,    \
		  0))                                                                              \
	X(SYS, sendmsg, syscall(SYS_sendmsg, SANDBOX_IPC, &(struct msghdr){ 0 }, MSG_DONTWAIT))    \
	X(SYS, recvmsg, syscall(SYS_recvmsg, SANDBOX_IPC, &(struct msghdr){ 0 }, MSG_DONTWAIT))    \
	X(SYS, shutdown, syscall(SYS_shutdown, SANDBOX_IPC, SHUT_RDWR))                            \
	/* descriptors under other numbers */                                                      \
	X(SYS, dup, syscall(SYS_dup, ring.fd))                                                     \
	X(SYS, dup2, syscall(SYS_dup2, ring.fd, SANDBOX_IPC))                                      \
	X(SYS, dup3, syscall(SYS_dup3, ring.fd, SANDBOX_IPC, 0))                                   \
	X(SYS, fcntl_dup, syscall(SYS_fcntl, ring.fd, F_DUPFD, 0))                                 \
	X(SYS, fcntl_owner, syscall(SYS_fcntl, ring.fd, F_SETOWN, 1))                              \
	X(SYS, close, syscall(SYS_close, ring.fd))                                                 \
	X(SYS, ppoll_three,                                                                        \
	  syscall(SYS_ppoll, FDS({ .fd = -1 }, { .fd = -1 }, { .fd = -1 }), 3, NOW, NULL, 8))      \
	X(SYS, ppoll_with_signals,                                                                 \
	  syscall(SYS_ppoll, FDS({ .fd = -1 }, { .fd = -1 }), 2, NOW, octets, 8))                  \
	X(SYS, splice, syscall(SYS_splice, ring.fd, NULL, SANDBOX_IPC, NULL, 1, 0))                \
	X(SYS, epoll, syscall(SYS_epoll_create1, 0))                                               \
	/* programs, processes, threads */                                                         \
	X(SYS, execve, syscall(SYS_execve, "/bin/true", NULL, NULL))                               \
	X(SYS, execveat, syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))              \
	X(SYS, fork, syscall(SYS_fork))                                                            \
	X(SYS, vfork, syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0))            \
	X(SYS, clone3, syscall(SYS_clone3, octets, 64))                                            \
	X(SYS, unshare, syscall(SYS_unshare, CLONE_NEWUSER))                                       \
	X(SYS, setns, syscall(SYS_setns, ring.fd, 0))                                              \
	X(SYS, kill, syscall(SYS_kill, getppid(), 0))                                              \
	X(SYS, ptrace, syscall(SYS_ptrace, PTRACE_SEIZE, 1, 0, 0))                                 \
	X(SYS, process_vm_readv, syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0))            \
	X(SYS, process_vm_writev, syscall(SYS_process_vm_writev, 1, NULL, 0, NULL, 0, 0))          \
	X(SYS, pidfd_open, syscall(SYS_pidfd_open, 1, 0))                                          \
	X(SYS, pidfd_getfd, syscall(SYS_pidfd_getfd, SANDBOX_IPC, 0, 0))                           \
	/* memory that is executable */                                                            \
	X(SYS, mmap, syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) \
	X(SYS, mmap_exec,                                                                          \
	  syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,    \
		  0))                                                                              \
	X(SYS, mprotect, syscall(SYS_mprotect, ring.map, 4096, PROT_READ | PROT_EXEC))             \
	X(SYS, munmap_ring, syscall(SYS_munmap, ring.map, 4096))                                   \
	X(SYS, brk, syscall(SYS_brk, 0))                                                           \
	/* privileges, and the sandbox itself */                                                   \
	X(SYS, setuid, syscall(SYS_setuid, 0))                                                     \
	X(SYS, capset, syscall(SYS_capset, octets, NULL))                                          \
	X(SYS, prctl, syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0))                             \
	X(SYS, seccomp, syscall(SYS_seccomp, 0, 0, NULL))                                          \
	X(SYS, setrlimit, syscall(SYS_prlimit64, 0, 7, octets, NULL))                              \
	X(SYS, sigreturn, syscall(SYS_rt_sigreturn))                                               \
	/* doors to the kernel with a history */                                                   \
	X(SYS, io_uring, syscall(SYS_io_uring_setup, 1, &(struct io_uring_params){ 0 }))           \
	X(SYS, bpf, syscall(SYS_bpf, 0, octets, 16))                                               \
	X(SYS, perf, syscall(SYS_perf_event_open, octets, 0, -1, -1, 0))                           \
	X(SYS, keyctl, syscall(SYS_keyctl, 0, 0))                                                  \
	X(SYS, userfaultfd, syscall(SYS_userfaultfd, 0))                                           \
	X(SYS, no_such_call, syscall(4000))                                                        \
	/* the same kernel by other entries */                                                     \
	X(SYS, entry_x32, syscall(0x40000000 | SYS_getpid))                                        \
	X(SYS, entry_x32_allowed, syscall(0x40000000 | SYS_exit_group, 0))                         \
	X(SYS, entry_32, call_32(20)) /* getpid */                                                 \
	X(SYS, entry_32_exit, call_32(1))

PROBES(PROBE_FUNCTION)

static const struct probe probes[] = { PROBES(PROBE_ENTRY) };

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--pfc") == 0)
		return seccomp_export_pfc(sandbox_policy(GOLDEN_RING), STDOUT_FILENO) < 0;
	return probe_run(probes, sizeof(probes) / sizeof(probes[0]), confine);
}
