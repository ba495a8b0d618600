/* SPDX-License-Identifier: MIT */
/* The seccomp filter that capture runs under, interpreted call by call; and capabilities */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf.h"
#include "sandbox.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture_can_make_four_calls),
		cmocka_unit_test(test_call_numbers_of_other_abis_are_fatal),
		cmocka_unit_test(test_ring_may_have_any_number),
		cmocka_unit_test(test_other_calls_do_what_the_policy_says),
		cmocka_unit_test(test_policy_is_made_exactly_or_not_at_all),
		cmocka_unit_test(test_every_capability_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
