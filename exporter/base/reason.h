/* SPDX-License-Identifier: MIT */
/* Why something failed: one line for the log or the terminal */
#pragma once

#define REASON_BYTES 1024 /* enough for every reason with a path of usual length */

struct reason {
	char text[REASON_BYTES];
};

/**
 * reason_set() - Write a reason, cut if it is too long
 * @error:	Negative errno
 *
 * Return: @error, so that "return reason_set(...)" reports a failure and says why
 */
__attribute__((format(printf, 3, 4))) int reason_set(struct reason *reason, int error,
						     const char *format, ...);

/**
 * reason_call() - The same of a system call that has just failed: its name, and what errno says
 *
 * Return: -errno
 */
int reason_call(struct reason *reason, const char *call);
