/* SPDX-License-Identifier: MIT */
/* The seccomp filter that capture runs under, interpreted call by call; and, each without it, the
 * other fences: capabilities, Landlock, limits, the packet socket and its ring
 */
#include "common/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf.h"
#include "capture/decode.h"
#include "capture/ring.h"
#include "capture/sandbox.h"
#include "system/folders.h"
#include "unit.h"

#define RING	5
#define CALLS	600
#define X32	0x40000000 /* __X32_SYSCALL_BIT */
#define FOREIGN AUDIT_ARCH_I386

static struct sock_filter instructions[BPF_MAXINSNS];

/* The program that the kernel would get; the filter is released */
static struct sock_fprog export(scmp_filter_ctx filter)
{
	struct sock_fprog program = { .filter = instructions };
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t bytes;

	assert_non_null(filter);
	assert_true(fd >= 0);
	assert_int_equal(seccomp_export_bpf(filter, fd), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	bytes = read(fd, instructions, sizeof(instructions));
	assert_true(bytes > 0 && (size_t)bytes < sizeof(instructions));
	program.len = (unsigned short)((size_t)bytes / sizeof(instructions[0]));
	close(fd);
	seccomp_release(filter);
	bpf_check(&program);
	return program;
}

/* What SECURITY.md says of the calls that are left, with no look at how the filter is made */
static bool is_allowed(const struct seccomp_data *call, int ring)
{
	if (call->arch != seccomp_arch_native())
		return false;
	switch (call->nr) {
	case SYS_ppoll: return call->args[1] == 2 && call->args[3] == 0;
	case SYS_getsockopt:
		return call->args[0] == (unsigned)ring && call->args[1] == SOL_PACKET &&
		       call->args[2] == PACKET_STATISTICS;
	case SYS_sendto:
		return call->args[0] == 3 && call->args[3] == (MSG_DONTWAIT | MSG_NOSIGNAL) &&
		       call->args[4] == 0 && call->args[5] == 0;
	case SYS_exit_group: return true;
	default: return false;
	}
}

static void assert_call(const struct sock_fprog *program, struct seccomp_data *call)
{
	uint32_t wanted = is_allowed(call, RING) ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
	uint32_t found = bpf_seccomp(program, call);

	if (found != wanted)
		fail_msg("call %d, arch %#x, arguments %#llx %#llx %#llx %#llx %#llx %#llx: %#x",
			 call->nr, call->arch, call->args[0], call->args[1], call->args[2],
			 call->args[3], call->args[4], call->args[5], found);
}

/* Arguments with which one of the allowed calls may be made */
static const uint64_t right[][6] = {
	{ 0x7fff00001000, 2, 0x7fff00002000, 0, 8, 0 },			    /* ppoll */
	{ RING, SOL_PACKET, PACKET_STATISTICS, 0x7fff00001000, 0x2000, 0 }, /* getsockopt */
	{ 3, 0x7fff00001000, 128, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0 },	    /* sendto */
	{ 0, 0, 0, 0, 0, 0 },
	{ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
};

static const uint64_t values[] = {
	0,
	1,
	2,
	3,
	4,
	RING,
	RING + 1,
	SOL_PACKET,
	SOL_SOCKET,
	PACKET_STATISTICS,
	MSG_DONTWAIT,
	MSG_NOSIGNAL,
	MSG_DONTWAIT | MSG_NOSIGNAL,
	MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x7fff00001000,
	0x8000000000000000,
	UINT64_MAX,
};

/* All calls of one architecture and number: each right set of arguments, and with every one or two
 * of them changed into every value, or in a bit of its upper half
 */
static void assert_number(const struct sock_fprog *program, uint32_t arch, int number)
{
	bool thorough = number == SYS_ppoll || number == SYS_getsockopt || number == SYS_sendto ||
			number == SYS_exit_group;
	struct seccomp_data call = { .nr = number, .arch = arch };

	for (size_t set = 0; set < COUNT(right); set++) {
		memcpy(call.args, right[set], sizeof(call.args));
		assert_call(program, &call);
		for (unsigned first = 0; first < 6 && thorough; first++) {
			for (unsigned bit = 0; bit < 64; bit++) {
				call.args[first] = right[set][first] ^ UINT64_C(1) << bit;
				assert_call(program, &call);
			}
			for (size_t i = 0; i < COUNT(values) * 6; i++) {
				unsigned second = (unsigned)(i / COUNT(values));

				for (size_t j = 0; j < COUNT(values); j++) {
					call.args[first] = values[j];
					call.args[second] = values[i % COUNT(values)];
					assert_call(program, &call);
				}
				call.args[second] = right[set][second];
			}
			call.args[first] = right[set][first];
		}
	}
}

static void test_capture_can_make_four_calls(void **state)
{
	struct sock_fprog program = export(sandbox_policy(RING));

	(void)state;
	for (int number = 0; number <= CALLS; number++)
		assert_number(&program, seccomp_arch_native(), number);
}

static void test_call_numbers_of_other_abis_are_fatal(void **state)
{
	struct sock_fprog program = export(sandbox_policy(RING));
	static const uint32_t archs[] = {
		AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64, 0,
		UINT32_MAX
	};

	(void)state;
	for (int number = 0; number <= CALLS; number++) {
		for (size_t i = 0; i < COUNT(archs); i++)
			if (archs[i] != seccomp_arch_native())
				assert_number(&program, archs[i], number);
		assert_number(&program, seccomp_arch_native(), X32 | number);
		assert_number(&program, seccomp_arch_native(), number - INT32_MAX - 1);
		assert_number(&program, seccomp_arch_native(), -1 - number);
	}
}

static void test_ring_may_have_any_number(void **state)
{
	static const int rings[] = { 0, 4, 1000, INT32_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(rings); i++) {
		struct sock_fprog program = export(sandbox_policy(rings[i]));
		struct seccomp_data call = { .nr = SYS_getsockopt,
					     .arch = seccomp_arch_native(),
					     .args = { 0, SOL_PACKET, PACKET_STATISTICS } };

		for (size_t j = 0; j < COUNT(rings); j++) {
			call.args[0] = (unsigned)rings[j];
			assert_int_equal(bpf_seccomp(&program, &call),
					 i == j ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
		}
	}
}

static void test_other_calls_do_what_the_policy_says(void **state)
{
	const struct confine_rule rules[] = {
		{ SCMP_SYS(read), 0, { { 0 } } },
		{ SCMP_SYS(write), 1, { CONFINE_IS(0, 0x100000002) } },
	};
	struct sock_fprog program =
		export(confine_policy(SCMP_ACT_ERRNO(ENOSYS), rules, COUNT(rules)));
	struct seccomp_data call = { .nr = SYS_read, .arch = seccomp_arch_native() };

	(void)state;
	assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_ALLOW);
	call.nr = SYS_close;
	assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_ERRNO | ENOSYS);
	call.nr = SYS_write;
	call.args[0] = 2;
	assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_ERRNO | ENOSYS);
	call.args[0] = 0x100000002;
	assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_ALLOW);
	/* Another ABI is no mistake of a libc, so it is fatal all the same */
	call.arch = seccomp_arch_native() == FOREIGN ? AUDIT_ARCH_X86_64 : FOREIGN;
	assert_int_equal(bpf_seccomp(&program, &call), SECCOMP_RET_KILL_PROCESS);
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

/* In a child, since what has been made of a policy by then stays where it is */
static int made_of_wrong_rules(void)
{
	const struct confine_rule unknown[] = { { __NR_SCMP_ERROR, 0, { { 0 } } } };
	const struct confine_rule seventh[] = {
		{ SCMP_SYS(read), 1, { { .arg = 6, .op = SCMP_CMP_EQ, .datum_a = 1 } } }
	};

	return (confine_policy(SCMP_ACT_KILL_PROCESS, unknown, 1) != NULL) +
	       (confine_policy(SCMP_ACT_KILL_PROCESS, seventh, 1) != NULL) +
	       (confine_policy(0x12345678, unknown, 0) != NULL);
}

static void test_policy_is_made_exactly_or_not_at_all(void **state)
{
	(void)state;
	assert_int_equal(in_child(made_of_wrong_rules), 0);
}

/* Number of lines of /proc/self/status that say what they should without privileges */
static int unprivileged_lines(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int found = 0;

	while (status && fgets(line, sizeof(line), status))
		found += strcmp(line, "CapInh:\t0000000000000000\n") == 0 ||
			 strcmp(line, "CapPrm:\t0000000000000000\n") == 0 ||
			 strcmp(line, "CapEff:\t0000000000000000\n") == 0 ||
			 strcmp(line, "CapAmb:\t0000000000000000\n") == 0 ||
			 strcmp(line, "NoNewPrivs:\t1\n") == 0;
	if (status)
		fclose(status);
	return found;
}

static int drop(void)
{
	if (confine_drop_capabilities() != 0)
		return 10;
	return unprivileged_lines();
}

static void test_every_capability_is_given_up(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop), 5);
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

static int landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

/* What is there before a process is confined, outside of it */
static struct {
	char folder[32], file[64], new[64];
	struct sockaddr_in tcp;
	struct sockaddr_un abstract;
	pid_t process;
} outside = { .folder = "/tmp/dnstt-unit-XXXXXX" };

static int make_outside(void **state)
{
	socklen_t bytes = sizeof(outside.tcp);
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int file;

	(void)state;
	if (!mkdtemp(outside.folder))
		return -1;
	snprintf(outside.file, sizeof(outside.file), "%s/file", outside.folder);
	snprintf(outside.new, sizeof(outside.new), "%s/new", outside.folder);
	file = open(outside.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	outside.tcp = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	outside.abstract = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(outside.abstract.sun_path + 1, 32, "dnstt-unit-%d", getpid());
	outside.process = getpid();
	return file < 0 || write(file, "x", 1) != 1 || close(file) < 0 ||
			       bind(tcp, (void *)&outside.tcp, sizeof(outside.tcp)) < 0 ||
			       listen(tcp, 9) < 0 ||
			       getsockname(tcp, (void *)&outside.tcp, &bytes) < 0 ||
			       bind(abstract, (void *)&outside.abstract, sizeof(outside.abstract)) <
				       0 ||
			       listen(abstract, 9) < 0
		       ? -1
		       : 0;
}

static int remove_outside(void **state)
{
	(void)state;
	unlink(outside.file);
	unlink(outside.new);
	return rmdir(outside.folder);
}

static int open_as(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? errno : close(fd);
}

static int act_read_in_folder(void)
{
	return open_as(outside.file, O_RDONLY);
}

static int act_list_folder(void)
{
	return open_as(outside.folder, O_RDONLY | O_DIRECTORY);
}

static int act_write_in_folder(void)
{
	return open_as(outside.file, O_WRONLY);
}

static int act_create_in_folder(void)
{
	return open_as(outside.new, O_WRONLY | O_CREAT);
}

static int act_truncate_in_folder(void)
{
	return truncate(outside.file, 1) < 0 ? errno : 0;
}

static int act_make_socket_in_folder(void)
{
	return mknod(outside.new, S_IFSOCK | 0600, 0) < 0 ? errno : 0;
}

/* Where it may be executed, it is no program */
static int act_execute_in_folder(void)
{
	char *none[] = { NULL };

	return execve(outside.file, none, none) < 0 ? errno : 0;
}

static int act_read_elsewhere(void)
{
	return open_as("/etc/passwd", O_RDONLY);
}

static int act_list_elsewhere(void)
{
	return open_as("/", O_RDONLY | O_DIRECTORY);
}

static int act_open_own_memory(void)
{
	return open_as("/proc/self/mem", O_RDWR);
}

static int act_remove_elsewhere(void)
{
	return rmdir(outside.folder) < 0 ? errno : 0;
}

static int act_connect_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (void *)&outside.tcp, sizeof(outside.tcp)) < 0 ? errno : 0;
}

static int act_bind_tcp(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (void *)&any, sizeof(any)) < 0 ? errno : 0;
}

static int act_connect_abstract(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (void *)&outside.abstract, sizeof(outside.abstract)) < 0 ? errno : 0;
}

static int act_signal(void)
{
	return kill(outside.process, 0) < 0 ? errno : 0;
}

/* What becomes of each act without Landlock, in a process that may read nothing, and in one that may
 * read a folder and signal others; since which ABI
 */
static const struct act {
	const char *name;
	int (*act)(void);
	int of_nobody, of_capture, of_exporter, abi;
} acts[] = {
	{ "read in the folder", act_read_in_folder, 0, EACCES, 0, 1 },
	{ "list the folder", act_list_folder, 0, EACCES, 0, 1 },
	{ "write in the folder", act_write_in_folder, 0, EACCES, EACCES, 1 },
	{ "create in the folder", act_create_in_folder, 0, EACCES, EACCES, 1 },
	{ "make a socket in the folder", act_make_socket_in_folder, 0, EACCES, EACCES, 1 },
	{ "truncate in the folder", act_truncate_in_folder, 0, EACCES, EACCES, 3 },
	{ "execute in the folder", act_execute_in_folder, ENOEXEC, EACCES, EACCES, 1 },
	{ "read elsewhere", act_read_elsewhere, 0, EACCES, EACCES, 1 },
	{ "list elsewhere", act_list_elsewhere, 0, EACCES, EACCES, 1 },
	{ "open its own memory", act_open_own_memory, 0, EACCES, EACCES, 1 },
	{ "remove a folder", act_remove_elsewhere, ENOTEMPTY, EACCES, EACCES, 1 },
	{ "connect over TCP", act_connect_tcp, 0, EACCES, EACCES, 4 },
	{ "bind to a TCP port", act_bind_tcp, 0, EACCES, EACCES, 4 },
	{ "connect to an abstract socket", act_connect_abstract, 0, EPERM, EPERM, 6 },
	{ "signal", act_signal, 0, EPERM, 0, 6 },
};

/* Number of acts that have another outcome */
static int try_acts(bool capture)
{
	int wrong = 0;

	for (size_t i = 0; i < COUNT(acts); i++) {
		int expected = capture ? acts[i].of_capture : acts[i].of_exporter;
		int found = acts[i].act();

		if (found == expected || acts[i].abi > landlock_abi())
			continue;
		print_message("%s: %s, not %s\n", acts[i].name, strerrorname_np(found),
			      strerrorname_np(expected));
		wrong++;
	}
	return wrong;
}

/* So that the outcomes below are Landlock's doing */
static int try_unconfined(void)
{
	int wrong = 0;

	for (size_t i = 0; i < COUNT(acts); i++) {
		int found = acts[i].act();

		if (found != acts[i].of_nobody)
			print_message("%s: %s\n", acts[i].name, strerrorname_np(found));
		wrong += found != acts[i].of_nobody;
		unlink(outside.new);
	}
	return wrong;
}

static int try_without_files(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (confine_files(NULL, NULL, false) != landlock_abi())
		return 100;
	return try_acts(true);
}

static int confine_to(const char *folder)
{
	static struct folders folders;

	folders.list[0] = folder;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return confine_files(folders_allow, &folders, true);
}

static int try_with_a_folder(void)
{
	if (confine_to(outside.folder) != landlock_abi())
		return 100;
	return try_acts(false);
}

static void test_landlock_leaves_capture_nothing(void **state)
{
	(void)state;
	only_if(landlock_abi() > 0, "this kernel has no Landlock");
	assert_int_equal(in_child(try_unconfined), 0);
	assert_int_equal(in_child(try_without_files), 0);
}

static void test_landlock_leaves_the_exporter_folders_to_read(void **state)
{
	(void)state;
	only_if(landlock_abi() > 0, "this kernel has no Landlock");
	assert_int_equal(in_child(try_with_a_folder), 0);
}

static int confine_to_what_is_not_there(void)
{
	return confine_to("/nonexistent") != -ENOENT;
}

static void test_a_folder_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	only_if(landlock_abi() > 0, "this kernel has no Landlock");
	assert_int_equal(in_child(confine_to_what_is_not_there), 0);
}

/* In place of libseccomp's, so that what stands behind the filter can be seen to stand by itself */
static int load_result;

int seccomp_load(const scmp_filter_ctx filter)
{
	return filter ? load_result : -EINVAL;
}

static bool limit_is(__rlimit_resource_t resource, rlim_t wanted)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 && limit.rlim_cur == wanted &&
	       limit.rlim_max == wanted;
}

static int enter_but_for_seccomp(void)
{
	uint32_t abi = UINT32_MAX;

	/* No root, whom RLIMIT_NPROC does not stop */
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 100;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (sandbox_enter(RING, &abi) != 0)
		return 101;
	if (abi != (uint32_t)(landlock_abi() > 0 ? landlock_abi() : 0))
		return 102;
	if (!limit_is(RLIMIT_NOFILE, 2) || !limit_is(RLIMIT_NPROC, 0) || !limit_is(RLIMIT_CORE, 0))
		return 103;
	if (dup(STDERR_FILENO) >= 0 || errno != EMFILE)
		return 104;
	if (fork() >= 0 || errno != EAGAIN)
		return 105;
	/* There is room for a descriptor now, but nothing that it could be of */
	close(STDIN_FILENO);
	return abi > 0 && act_read_elsewhere() != EACCES ? 106 : 0;
}

static void test_limits_hold_without_seccomp(void **state)
{
	(void)state;
	assert_int_equal(in_child(enter_but_for_seccomp), 0);
}

static int enter_where_seccomp_fails(void)
{
	uint32_t abi;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	load_result = -EFAULT;
	return sandbox_enter(RING, &abi) != -EFAULT;
}

static void test_a_filter_that_is_not_loaded_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(enter_where_seccomp_fails), 0);
}

/* A network of its own, and packets from it to itself before each step of ring_open() */
static struct {
	int sender, steps, unfiltered;
	bool watch, filtered;
} network;

#define PORT 53

static void send_to(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < 4; i++)
		sendto(network.sender, "packet", 6, 0, (void *)&to, sizeof(to));
}

/* In place of libc's: what has come by then, which is to be nothing before bind() */
int setsockopt(int fd, int level, int option, const void *value, socklen_t bytes)
{
	char packet[64];

	if (network.watch) {
		send_to(PORT);
		send_to(PORT + 1);
		while (recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
			network.unfiltered++;
		network.steps++;
		network.filtered |= level == SOL_SOCKET && option == SO_ATTACH_FILTER;
	}
	return (int)syscall(SYS_setsockopt, fd, level, option, value, bytes);
}

static int enter_network(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	network.sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(network.sender, SIOCSIFFLAGS, &loopback);
}

static int open_ring(struct ring *ret_ring)
{
	const struct config config = {
		.port = PORT, .block_bytes = CONFIG_BLOCK_MIN, .blocks = 4, .latency_ms = 1
	};

	return enter_network() < 0 ? -1 : ring_open(&config, ret_ring);
}

static void only_with_packet_sockets(void)
{
	only_if(in_child(enter_network) == 0, "no network namespace can be made");
}

static int look_for_early_packets(void)
{
	struct batch_header header = { .packets = 0 };
	struct ring ring = { 0 };
	struct sight sight;
	int found = 0;

	network.watch = true;
	if (open_ring(&ring) != 0)
		return 100;
	network.watch = false;
	usleep(50000);
	while (ring_next(&ring, &sight))
		found++;
	ring_count(&ring, &header);
	if (!network.filtered || network.steps < 4)
		return 101;
	if (network.unfiltered || found || header.packets || header.ring_drops)
		return 102;
	/* Now those to its port, as they leave and as they arrive: queries only count there */
	send_to(PORT);
	send_to(PORT + 1);
	for (int i = 0; i < 50 && found < 4; i++) {
		usleep(20000);
		while (ring_next(&ring, &sight))
			found++;
	}
	return found;
}

static void test_no_packet_comes_before_the_filter(void **state)
{
	(void)state;
	only_with_packet_sockets();
	assert_int_equal(in_child(look_for_early_packets), 4);
}

static int change_the_filter(void)
{
	struct ring ring = { 0 };
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	struct sock_fprog program = { .len = 1, .filter = &all };
	int off = 0;

	if (open_ring(&ring) != 0)
		return 100;
	if (setsockopt(ring.fd, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof(off)) == 0 ||
	    errno != EPERM)
		return 1;
	if (setsockopt(ring.fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 ||
	    errno != EPERM)
		return 2;
	if (setsockopt(ring.fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof(off)) == 0 ||
	    errno != EPERM)
		return 3;
	return 0;
}

static void test_the_filter_is_locked(void **state)
{
	(void)state;
	only_with_packet_sockets();
	assert_int_equal(in_child(change_the_filter), 0);
}

static int change_the_ring(void)
{
	struct ring ring = { 0 };

	if (open_ring(&ring) != 0)
		return 100;
	if (!ring.sealed)
		return 1;
	if (munmap(ring.map, 4096) == 0 || errno != EPERM)
		return 2;
	if (mprotect(ring.map, 4096, PROT_READ) == 0 || errno != EPERM)
		return 3;
	return mmap(ring.map, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
			       MAP_FAILED
		       ? 4
		       : 0;
}

static void test_the_ring_is_sealed(void **state)
{
	(void)state;
	only_with_packet_sockets();
	only_if(syscall(462, NULL, 0, 0) == 0, "this kernel has no mseal()");
	assert_int_equal(in_child(change_the_ring), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture_can_make_four_calls),
		cmocka_unit_test(test_call_numbers_of_other_abis_are_fatal),
		cmocka_unit_test(test_ring_may_have_any_number),
		cmocka_unit_test(test_other_calls_do_what_the_policy_says),
		cmocka_unit_test(test_policy_is_made_exactly_or_not_at_all),
		cmocka_unit_test(test_every_capability_is_given_up),
		cmocka_unit_test(test_landlock_leaves_capture_nothing),
		cmocka_unit_test(test_landlock_leaves_the_exporter_folders_to_read),
		cmocka_unit_test(test_a_folder_that_is_not_there_is_an_error),
		cmocka_unit_test(test_limits_hold_without_seccomp),
		cmocka_unit_test(test_a_filter_that_is_not_loaded_is_an_error),
		cmocka_unit_test(test_no_packet_comes_before_the_filter),
		cmocka_unit_test(test_the_filter_is_locked),
		cmocka_unit_test(test_the_ring_is_sealed),
	};

	return cmocka_run_group_tests(tests, make_outside, remove_outside);
}
