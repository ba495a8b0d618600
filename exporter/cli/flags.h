/* SPDX-License-Identifier: MIT */
/* Command lines as Go's flag package reads them: -name value, -name=value, --name; exact names */
#pragma once

#include <stddef.h>

#include "base/reason.h"

#define FLAGS_MOST 64 /* in one table */

/**
 * typedef flag_setter - Take a value
 * @target:	Of flags_parse()
 * @field:	The flag's field in it
 * @ret_reason:	Filled on failure: what is wrong with the value, and what to write instead
 *
 * Return: 0, negative errno
 */
typedef int flag_setter(void *target, void *field, const char *value, struct reason *ret_reason);

/* Everything about a flag stands in its row: -help, and what README and the manual page say of it,
 * are checked against this.
 */
struct flag {
	const char *name;     /* without the dash */
	const char *argument; /* what the help calls the value; NULL for a switch */
	const char
		*fallback; /* the default: taken like a value if the flag is not given; or NULL */
	const char *help;
	flag_setter *set; /* a switch gets "true" or "false" */
	size_t field;	  /* offset in the target */
};

/**
 * flags_parse() - Read a command line by a table, which ends with a NULL name
 * @ret_reason:	Filled on failure: one line that names the flag and the remedy
 *
 * Unlike Go's package it refuses arguments that belong to no flag, instead of ignoring them.
 *
 * Return: 0, 1 if help was asked for and nothing else was read, -EINVAL
 */
int flags_parse(const struct flag *flags, void *target, int argc, char *const *argv,
		struct reason *ret_reason);

/**
 * flags_help() - Print the table to standard output
 */
void flags_help(const struct flag *flags);
