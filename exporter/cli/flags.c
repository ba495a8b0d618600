/* SPDX-License-Identifier: MIT */
/* Command lines as Go's flag package reads them */
#include "cli/flags.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static const struct flag *find(const struct flag *flags, const char *name, size_t length)
{
	for (; flags->name; flags++)
		if (strlen(flags->name) == length && memcmp(flags->name, name, length) == 0)
			return flags;
	return NULL;
}

/* The forms that Go's strconv.ParseBool() knows */
static const char *switch_value(const char *text)
{
	static const char *const forms[][2] = {
		{ "1", "true" },      { "t", "true" },	    { "T", "true" },
		{ "true", "true" },   { "TRUE", "true" },   { "True", "true" },
		{ "0", "false" },     { "f", "false" },	    { "F", "false" },
		{ "false", "false" }, { "FALSE", "false" }, { "False", "false" },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++)
		if (strcmp(forms[i][0], text) == 0)
			return forms[i][1];
	return NULL;
}

/* Return: 0, -EINVAL with the reason filled */
static int take(const struct flag *flag, void *target, const char *value, struct reason *ret_reason)
{
	struct reason reason = { "" };

	if (!flag->argument && value)
		value = switch_value(value);
	if (!value && !flag->argument)
		(void)reason_set(&reason, 0, "write true or false");
	else if (!value)
		(void)reason_set(&reason, 0, "a value is missing: write -%s %s", flag->name,
				 flag->argument);
	else if (flag->set(target, (char *)target + flag->field, value, &reason) == 0)
		return 0;
	if (reason.text[0] == '\0')
		(void)reason_set(&reason, 0, "the value is wrong; see -help");
	return reason_set(ret_reason, -EINVAL, "-%s: %s", flag->name, reason.text);
}

int flags_parse(const struct flag *flags, void *target, int argc, char *const *argv,
		struct reason *ret_reason)
{
	bool given[FLAGS_MOST] = { false };
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *equals, *value;
		const struct flag *flag;
		size_t length;

		if (name[0] != '-' || name[1] == '\0')
			return reason_set(
				ret_reason, -EINVAL,
				"unexpected argument \"%.64s\"; every option starts with a "
				"dash, see -help",
				name);
		name += name[1] == '-' ? 2 : 1;
		equals = strchr(name, '=');
		length = equals ? (size_t)(equals - name) : strlen(name);
		if ((length == 1 && name[0] == 'h') ||
		    (length == 4 && memcmp(name, "help", 4) == 0))
			return 1;
		flag = find(flags, name, length);
		if (!flag)
			return reason_set(
				ret_reason, -EINVAL,
				"flag provided but not defined: -%.*s; -help lists all flags",
				(int)(length < 64 ? length : 64), name);
		value = equals ? equals + 1 : flag->argument ? argv[i + 1] : "true";
		failed = take(flag, target, value, ret_reason);
		if (failed)
			return failed;
		given[flag - flags] = true;
		i += flag->argument && !equals;
	}
	for (const struct flag *flag = flags; flag->name && !failed; flag++)
		if (flag->fallback && !given[flag - flags])
			failed = take(flag, target, flag->fallback, ret_reason);
	return failed;
}

void flags_help(const struct flag *flags)
{
	for (; flags->name; flags++) {
		printf("  -%s%s%s\n    \t%s", flags->name, flags->argument ? " " : "",
		       flags->argument ? flags->argument : "", flags->help);
		if (flags->fallback)
			printf(" (default %s)", flags->fallback);
		printf("\n");
	}
}
