/* SPDX-License-Identifier: MIT */
/* One process for each probe: it confines itself, does one thing, and how it ended is printed
 *
 * A probe's line is "NAME OUTCOME EXPECTED". An outcome is "SYS" or another signal's name if the
 * process was killed, "done" if the call succeeded, or the name of an errno.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct probe {
	const char *name, *expected;
	long (*act)(void);
};

/* Of a list PROBES(X) of X(EXPECTED, NAME, EXPRESSION): a function and a table entry for each */
#define PROBE_FUNCTION(expected_, name_, call_) \
	static long act_##name_(void)           \
	{                                       \
		return call_;                   \
	}
#define PROBE_ENTRY(expected_, name_, call_) { #name_, #expected_, act_##name_ },

/**
 * probe_run() - Print what becomes of each probe
 * @confine:	Called in each process, before the act; negative when the process can't be confined
 *
 * The act's result is that of a system call: -1 and errno, or anything else. The process tells it by
 * its exit status, for which exit_group is enough.
 *
 * What a process leaves behind becomes a child of this one, which waits for its end too: whoever is to
 * end with its parent and does not stops the program, and the alarm ends it.
 *
 * Return: exit status of the program
 */
static inline int probe_run(const struct probe *probes, size_t count, int (*confine)(void))
{
	const int unconfined = 255;

	alarm(30);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (size_t i = 0; i < count; i++) {
		int status = 0;
		pid_t child;

		fflush(stdout);
		child = fork();
		if (child == 0)
			_exit(confine() < 0 ? unconfined : probes[i].act() == -1 ? errno : 0);
		if (child < 0 || waitpid(child, &status, 0) != child ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == unconfined)) {
			fprintf(stderr, "%s: can't be confined\n", probes[i].name);
			return EXIT_FAILURE;
		}
		while (waitpid(-1, NULL, 0) > 0)
			;
		printf("%s %s %s\n", probes[i].name,
		       WIFSIGNALED(status)	  ? sigabbrev_np(WTERMSIG(status))
		       : WEXITSTATUS(status) == 0 ? "done"
						  : strerrorname_np(WEXITSTATUS(status)),
		       probes[i].expected);
	}
	return EXIT_SUCCESS;
}
