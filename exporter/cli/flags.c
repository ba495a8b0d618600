/* SPDX-License-Identifier: MIT */
/* Command lines as Go's flag package reads them */
#include "cli/flags.h"

#include <errno.h>
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

int flags_parse(const struct flag *flags, void *target, int argc, char *const *argv,
		char ret_reason[FLAGS_REASON_BYTES])
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *equals, *value;
		char reason[FLAGS_REASON_BYTES] = "";
		const struct flag *flag;
		size_t length;

		if (name[0] != '-' || name[1] == '\0') {
			snprintf(ret_reason, FLAGS_REASON_BYTES,
				 "unexpected argument \"%.64s\"; every option starts with a dash, "
				 "see -help",
				 name);
			return -EINVAL;
		}
		name += name[1] == '-' ? 2 : 1;
		equals = strchr(name, '=');
		length = equals ? (size_t)(equals - name) : strlen(name);
		if ((length == 1 && name[0] == 'h') ||
		    (length == 4 && memcmp(name, "help", 4) == 0))
			return 1;
		flag = find(flags, name, length);
		if (!flag) {
			snprintf(ret_reason, FLAGS_REASON_BYTES,
				 "flag provided but not defined: -%.*s; -help lists all flags",
				 (int)(length < 64 ? length : 64), name);
			return -EINVAL;
		}
		value = equals ? equals + 1 : flag->argument ? argv[i + 1] : "true";
		if (!flag->argument && !(value = switch_value(value)))
			snprintf(reason, sizeof(reason), "write true or false");
		else if (!value)
			snprintf(reason, sizeof(reason), "a value is missing: write -%s %s",
				 flag->name, flag->argument);
		else if (flag->set(target, value, reason, sizeof(reason)) == 0)
			reason[0] = '\0';
		else if (reason[0] == '\0')
			snprintf(reason, sizeof(reason), "the value is wrong; see -help");
		if (reason[0] != '\0') {
			snprintf(ret_reason, FLAGS_REASON_BYTES, "-%s: %s", flag->name, reason);
			return -EINVAL;
		}
		i += flag->argument && !equals;
	}
	return 0;
}

void flags_help(const struct flag *flags, const char *introduction)
{
	printf("%s\n", introduction);
	for (; flags->name; flags++) {
		printf("  -%s%s%s\n    \t%s", flags->name, flags->argument ? " " : "",
		       flags->argument ? flags->argument : "", flags->help);
		if (flags->fallback)
			printf(" (default %s)", flags->fallback);
		printf("\n");
	}
}
