/* SPDX-License-Identifier: MIT */
/* For test_valgrind.py: what of the exporter does not work in valgrind, in a way that does
 *
 * The confinement, which has no room for what valgrind itself asks of the kernel, is left out: this
 * stands before the library's sandbox.c when a program for the test is linked. And pidfd_open(), which
 * valgrind does not know yet, is replaced by the flag of clone() that gives the same descriptor.
 * The exporter has no switch for any of that.
 */
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "system/sandbox.h"

/* What the linker's --wrap calls them */
pid_t __wrap_fork(void);
long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

static int pidfd = -1;

int sandbox_enter(const char *const *files, size_t count, pid_t capture, int *ret_landlock)
{
	(void)files, (void)count, (void)capture;
	*ret_landlock = 0;
	return 0;
}

pid_t __wrap_fork(void)
{
	return (pid_t)__real_syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
}

long __wrap_syscall(long number, ...)
{
	long argument[4];
	va_list arguments;

	if (number == SYS_pidfd_open)
		return pidfd;
	va_start(arguments, number);
	for (unsigned i = 0; i < 4; i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	return __real_syscall(number, argument[0], argument[1], argument[2], argument[3]);
}
