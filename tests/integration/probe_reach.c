/* SPDX-License-Identifier: MIT */
/* What a process of one's own user lets be done to it: probe_reach PID DESCRIPTOR
 *
 * DESCRIPTOR is one that the process has open. To be started as that user, without privileges.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "probe_run.h"

static pid_t other;
static int descriptor;
static char octets[16];

static int confine(void)
{
	return 0;
}

static const char *of_other(const char *file)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", other, file);
	return path;
}

static long take_descriptor(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, other, 0);

	return pidfd < 0 ? 0 : syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
}

static long read_memory(void)
{
	struct iovec local = { octets, sizeof(octets) }, remote = { octets, sizeof(octets) };

	return process_vm_readv(other, &local, 1, &remote, 1, 0);
}

static long write_memory(void)
{
	struct iovec local = { octets, sizeof(octets) }, remote = { octets, sizeof(octets) };

	return process_vm_writev(other, &local, 1, &remote, 1, 0);
}

static long open_descriptor(void)
{
	char file[32];

	snprintf(file, sizeof(file), "fd/%d", descriptor);
	return open(of_other(file), O_RDONLY);
}

#define PROBES(X)                                                                 \
	X(EPERM, take_descriptor, take_descriptor())                              \
	X(EPERM, attach, ptrace(PTRACE_SEIZE, other, NULL, NULL))                 \
	X(EPERM, read_memory, read_memory())                                      \
	X(EPERM, write_memory, write_memory())                                    \
	X(EACCES, open_memory, open(of_other("mem"), O_RDWR))                     \
	X(EACCES, open_descriptor, open_descriptor())                             \
	X(EACCES, open_maps, open(of_other("maps"), O_RDONLY))                    \
	X(EACCES, open_environment, open(of_other("environ"), O_RDONLY))          \
	X(EACCES, see_program, readlink(of_other("exe"), octets, sizeof(octets))) \
	X(EPERM, compare, syscall(SYS_kcmp, other, getpid(), 0, 0, 0))

PROBES(PROBE_FUNCTION)

static const struct probe probes[] = { PROBES(PROBE_ENTRY) };

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	other = atoi(argv[1]);
	descriptor = atoi(argv[2]);
	return probe_run(probes, sizeof(probes) / sizeof(probes[0]), confine);
}
