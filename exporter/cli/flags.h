/* SPDX-License-Identifier: MIT */
/* Command lines as Go's flag package reads them: -name value, -name=value, --name; exact names */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * typedef flag_setter - Take a value
 * @target:	Of flags_parse()
 * @ret_reason:	Filled on failure: what is wrong with the value, and what to write instead
 *
 * Return: 0, negative errno
 */
typedef int flag_setter(void *target, const char *value, char *ret_reason, size_t reason_bytes);

struct flag {
	const char *name;     /* without the dash */
	const char *argument; /* what the help calls the value; NULL for a switch */
	const char *fallback; /* the default as the help shows it; NULL: none */
	const char *help;
	flag_setter *set; /* a switch gets "true" or "false" */
};

#define FLAGS_REASON_BYTES 256

/**
 * flags_parse() - Read a command line by a table, which ends with a NULL name
 * @ret_reason:	Filled on failure: one line that names the flag and the mend
 *
 * Unlike Go's package it refuses arguments that belong to no flag, instead of ignoring them.
 *
 * Return: 0, 1 if help was asked for and nothing else was read, -EINVAL
 */
int flags_parse(const struct flag *flags, void *target, int argc, char *const *argv,
		char ret_reason[FLAGS_REASON_BYTES]);

/**
 * flags_help() - Print the table to standard output
 */
void flags_help(const struct flag *flags, const char *introduction);
