/* SPDX-License-Identifier: MIT */
/* Which of the configured domains a name is under */
#include "capture/domains.h"

#include <stdio.h>

#include "packet_craft.h"
#include "unit.h"

/* Which of the domains a name is under; ret_prefix as returned */
static int match(const char *text, unsigned *ret_prefix)
{
	static const char *const domains[] = { "a.b",	 "x.a.b",	 "b",
					       "kilo.x", "longer.x.a.b", "kilo.a.b" };
	struct dns_name name;
	struct config config;
	struct domains index;
	unsigned prefix = 0;
	int domain;

	craft_config(&config, domains[0]);
	for (size_t i = 1; i < COUNT(domains); i++)
		craft_config_add(&config, domains[i]);
	domains_index(&config, &index);
	name = craft_qname(text, true);
	domain = domains_match(&index, &name, &prefix);
	name = craft_qname(text, false);
	assert_int_equal(domains_match(&index, &name, ret_prefix), domain);
	assert_true(domain < 0 || *ret_prefix == prefix);
	return domain;
}

static void test_longest_domain_wins(void **state)
{
	static const struct {
		const char *name;
		int domain;
		unsigned prefix;
	} cases[] = {
		{ "a.b", 0, 0 },	  { "q.a.b", 0, 1 },
		{ "q.q.a.b", 0, 2 },	  { "x.a.b", 1, 0 },
		{ "q.x.a.b", 1, 1 },	  { "b", 2, 0 },
		{ "c.b", 2, 1 },	  { "a.a.c.b", 2, 3 },
		{ "longer.x.a.b", 4, 0 }, { "q.longer.x.a.b", 4, 1 },
		{ "onger.x.a.b", 1, 1 },  { "longer.a.b", 0, 1 },
		{ "a.b.a.b", 0, 2 },	  { "x.a.b.q.b", 2, 4 },
	};
	unsigned prefix;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(match(cases[i].name, &prefix), cases[i].domain);
		assert_int_equal(prefix, cases[i].prefix);
	}
}

static void test_domain_begins_with_a_label(void **state)
{
	static const char *const names[] = { "",  "a",	     "xb",	"a.bb",	  "b.a",
					     "x", "kilo.xx", "qkilo.x", "kil.o.x" };
	unsigned prefix;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(match(names[i], &prefix), -1);
}

static void test_domain_is_matched_in_any_case(void **state)
{
	unsigned prefix;

	(void)state;
	assert_int_equal(match("q.LONGER.x.A.b", &prefix), 4);
	assert_int_equal(match("KiLo.X", &prefix), 3);
	/* bytes.ToLower() in Go: KELVIN SIGN, I WITH DOT ABOVE; but DOTLESS I stays what it is */
	assert_int_equal(match("\xe2\x84\xaailo.x", &prefix), 3);
	assert_int_equal(match("q.\xe2\x84\xaa\xc4\xb0Lo.x", &prefix), 3);
	assert_int_equal(prefix, 1);
	assert_int_equal(match("k\xc4\xb1lo.x", &prefix), -1);
	assert_int_equal(match("q.\xe2\x84\xaailo.a.b", &prefix), 5); /* not the shorter "a.b" */
	assert_int_equal(match("\xe2\x84ilo.x", &prefix), -1);
	/* Bytes that differ from letters in the bit of the case alone */
	assert_int_equal(match("q.\x02", &prefix), -1);
	assert_int_equal(match("LONGER.x.\x01.b", &prefix), 2);
}

static void test_every_domain_is_found_and_no_other(void **state)
{
	struct config config;
	struct domains index;
	struct dns_name asked;
	unsigned prefix;
	char name[64];

	(void)state;
	/* Many of one length, of one beginning; and some that begin others */
	craft_config(&config, "x");
	for (unsigned i = 1; i < CONFIG_DOMAINS; i++) {
		(void)snprintf(name, sizeof(name),
			       i % 2 ? "%u.example.com" : "a-long-beginning-of-name-%u", i + 100);
		craft_config_add(&config, name);
	}
	assert_null(config_fault(&config));
	domains_index(&config, &index);
	assert_int_equal(index.labels_max, 3);
	for (unsigned i = 1; i < 256; i++) {
		(void)snprintf(name, sizeof(name),
			       i % 2 ? "%u.example.com" : "a-long-beginning-of-name-%u", i + 100);
		asked = craft_qname(name, true);
		assert_int_equal(domains_match(&index, &asked, &prefix),
				 i < CONFIG_DOMAINS ? (int)i : -1);
		name[i % 5] = '~';
		asked = craft_qname(name, true);
		assert_int_equal(domains_match(&index, &asked, &prefix), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_domain_wins),
		cmocka_unit_test(test_domain_begins_with_a_label),
		cmocka_unit_test(test_domain_is_matched_in_any_case),
		cmocka_unit_test(test_every_domain_is_found_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
