/* SPDX-License-Identifier: MIT */
/* For test_valgrind.py: what of the exporter does not work in valgrind, in a way that does
 *
 * The confinement, which has no room for what valgrind itself asks of the kernel, is left out: this
 * stands before the library's sandbox.c when a program for the test is linked. The exporter has no
 * switch for that.
 */
#include "system/sandbox.h"

int sandbox_enter(const char *const *files, size_t count, pid_t capture, struct reason *ret_reason)
{
	(void)files, (void)count, (void)capture, (void)ret_reason;
	return 0;
}
