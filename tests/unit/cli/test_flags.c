/* SPDX-License-Identifier: MIT */
/* Command lines are read as Go's flag package reads them */
#include "cli/flags.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

#define VALUES 8

/* What the setters got, in order */
struct seen {
	char text[VALUES][64];
	unsigned count;
};

static int note(struct seen *seen, const char *name, const char *value)
{
	assert_true(seen->count < VALUES);
	(void)snprintf(seen->text[seen->count++], 64, "%s=%s", name, value);
	return 0;
}

static int set_name(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)field, (void)ret_reason;
	return note(target, "name", value);
}

static int set_prefix(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)field, (void)ret_reason;
	return note(target, "prefix", value);
}

static int set_on(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)field, (void)ret_reason;
	return note(target, "on", value);
}

static int refuse(void *target, void *field, const char *value, struct reason *ret_reason)
{
	(void)target, (void)field;
	return reason_set(ret_reason, -EINVAL, "\"%s\" will not do", value);
}

static const struct flag flags[] = {
	{ "dnstt.name", "NAME", NULL, "A value", set_name, 0 },
	{ "dnstt.name-prefix", "NAME", NULL, "Begins like another", set_prefix, 0 },
	{ "on", NULL, NULL, "A switch", set_on, 0 },
	{ "bad", "VALUE", NULL, "Takes nothing", refuse, 0 },
	{ 0 },
};

static struct seen seen;
static struct reason reason;

static int parse(const char *first, const char *second, const char *third)
{
	char *argv[] = { (char *)(uintptr_t) "program", (char *)(uintptr_t)first,
			 (char *)(uintptr_t)second, (char *)(uintptr_t)third, NULL };
	int argc = 1;

	while (argv[argc])
		argc++;
	memset(&seen, 0, sizeof(seen));
	reason.text[0] = '\0';
	return flags_parse(flags, &seen, argc, argv, &reason);
}

static void assert_seen(const char *wanted)
{
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.text[0], wanted);
}

static void test_value_follows_or_is_joined_by_an_equals_sign(void **state)
{
	(void)state;
	assert_int_equal(parse("-dnstt.name", "x", NULL), 0);
	assert_seen("name=x");
	assert_int_equal(parse("-dnstt.name=x", NULL, NULL), 0);
	assert_seen("name=x");
	assert_int_equal(parse("--dnstt.name", "x", NULL), 0);
	assert_seen("name=x");
	assert_int_equal(parse("--dnstt.name=x", NULL, NULL), 0);
	assert_seen("name=x");
	assert_int_equal(parse("--dnstt.name=x=y", NULL, NULL), 0);
	assert_seen("name=x=y");
	assert_int_equal(parse("-dnstt.name=", NULL, NULL), 0);
	assert_seen("name=");
	assert_int_equal(parse("-dnstt.name", "", NULL), 0);
	assert_seen("name=");
	/* What looks like a flag is a value where one is due */
	assert_int_equal(parse("-dnstt.name", "-on", NULL), 0);
	assert_seen("name=-on");
}

static void test_every_flag_is_taken_in_order(void **state)
{
	(void)state;
	assert_int_equal(parse("-dnstt.name=a", "-on", "-dnstt.name=b"), 0);
	assert_int_equal(seen.count, 3);
	assert_string_equal(seen.text[0], "name=a");
	assert_string_equal(seen.text[1], "on=true");
	assert_string_equal(seen.text[2], "name=b");
	assert_int_equal(parse(NULL, NULL, NULL), 0);
	assert_int_equal(seen.count, 0);
}

static void test_switch_has_gos_words(void **state)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
	static const char *const neither[] = { "", "yes", "on", "tRUE", "2", "truee" };
	char argument[16];

	(void)state;
	assert_int_equal(parse("-on", NULL, NULL), 0);
	assert_seen("on=true");
	for (size_t i = 0; i < COUNT(yes); i++) {
		(void)snprintf(argument, sizeof(argument), "-on=%s", yes[i]);
		assert_int_equal(parse(argument, NULL, NULL), 0);
		assert_seen("on=true");
		(void)snprintf(argument, sizeof(argument), "--on=%s", no[i]);
		assert_int_equal(parse(argument, NULL, NULL), 0);
		assert_seen("on=false");
		(void)snprintf(argument, sizeof(argument), "-on=%s", neither[i]);
		assert_int_equal(parse(argument, NULL, NULL), -EINVAL);
		assert_string_equal(reason.text, "-on: write true or false");
		assert_int_equal(seen.count, 0);
	}
	/* A switch takes no value from behind it */
	assert_int_equal(parse("-on", "false", NULL), -EINVAL);
	assert_non_null(strstr(reason.text, "unexpected argument \"false\""));
}

static void test_names_are_exact(void **state)
{
	static const char *const wrong[] = { "-dnstt.nam", "-dnstt.names", "-dnstt",
					     "-d",	   "-DNSTT.NAME",  "-on2",
					     "-=x",	   "---on",	   "--=true",
					     "--" };

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(parse(wrong[i], "x", NULL), -EINVAL);
		assert_non_null(strstr(reason.text, "flag provided but not defined: -"));
		assert_int_equal(seen.count, 0);
	}
	assert_int_equal(parse("-dnstt.name-prefix", "x", NULL), 0);
	assert_seen("prefix=x");
}

static void test_what_belongs_to_no_flag_is_refused(void **state)
{
	static const char *const wrong[] = { "x", "", "-", "t.example.com", "=on" };

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(parse(wrong[i], "-on", NULL), -EINVAL);
		assert_non_null(strstr(reason.text, "unexpected argument"));
		assert_int_equal(seen.count, 0);
		assert_int_equal(parse("-on", wrong[i], NULL), -EINVAL);
		assert_seen("on=true");
	}
}

static void test_missing_value_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(parse("-dnstt.name", NULL, NULL), -EINVAL);
	assert_string_equal(reason.text, "-dnstt.name: a value is missing: write -dnstt.name NAME");
	assert_int_equal(seen.count, 0);
}

static void test_refusal_names_flag_and_mend(void **state)
{
	(void)state;
	assert_int_equal(parse("-on", "-bad", "it"), -EINVAL);
	assert_string_equal(reason.text, "-bad: \"it\" will not do");
}

static void test_help_ends_the_reading(void **state)
{
	static const char *const help[] = { "-h", "--h", "-help", "--help", "-help=x" };

	(void)state;
	for (size_t i = 0; i < COUNT(help); i++) {
		assert_int_equal(parse(help[i], "-nonsense", NULL), 1);
		assert_int_equal(seen.count, 0);
	}
	assert_int_equal(parse("-hel", NULL, NULL), -EINVAL);
}

static void test_reason_is_cut_to_its_room(void **state)
{
	char argument[2 * REASON_BYTES];

	(void)state;
	memset(argument, 'x', sizeof(argument));
	argument[sizeof(argument) - 1] = '\0';
	assert_int_equal(parse(argument, NULL, NULL), -EINVAL);
	assert_true(strlen(reason.text) < REASON_BYTES);
	argument[0] = '-';
	assert_int_equal(parse(argument, NULL, NULL), -EINVAL);
	assert_true(strlen(reason.text) < REASON_BYTES);
	assert_int_equal(parse("-bad", argument, NULL), -EINVAL);
	assert_int_equal(strlen(reason.text), REASON_BYTES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value_follows_or_is_joined_by_an_equals_sign),
		cmocka_unit_test(test_every_flag_is_taken_in_order),
		cmocka_unit_test(test_switch_has_gos_words),
		cmocka_unit_test(test_names_are_exact),
		cmocka_unit_test(test_what_belongs_to_no_flag_is_refused),
		cmocka_unit_test(test_missing_value_is_asked_for),
		cmocka_unit_test(test_refusal_names_flag_and_mend),
		cmocka_unit_test(test_help_ends_the_reading),
		cmocka_unit_test(test_reason_is_cut_to_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
