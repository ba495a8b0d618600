/* SPDX-License-Identifier: MIT */
/* -dnstt.domain: what may be written there, and what each kind of client writes */
#include "cli/wires.h"

#include <errno.h>
#include <stdio.h>

#include "common/config.h"
#include "common/record.h"
#include "packet_craft.h"
#include "unit.h"

static struct tunnel tunnel;
static char name[WIRES_NAME_BYTES];
static struct reason reason;

/* record-type= and the QTYPE behind it */
static const struct {
	const char *name;
	unsigned number;
} types[] = { { "txt", 16 }, { "null", 10 }, { "cname", 5 }, { "a", 1 },    { "aaaa", 28 },
	      { "mx", 15 },  { "ns", 2 },    { "srv", 33 },  { "caa", 257 } };

static int parse(const char *text)
{
	memset(&tunnel, 0xa5, sizeof(tunnel));
	memset(name, 0xa5, sizeof(name));
	memset(&reason, 0, sizeof(reason));
	return wires_parse(text, &tunnel, name, &reason);
}

static void assert_refused(const char *text, const char *why)
{
	struct tunnel untouched;

	memset(&untouched, 0xa5, sizeof(untouched));
	if (parse(text) != -EINVAL)
		fail_msg("%s is taken", text);
	if (!strstr(reason.text, why))
		fail_msg("%s: %s", text, reason.text);
	assert_memory_equal(&tunnel, &untouched, sizeof(tunnel));
	assert_int_equal((unsigned char)name[0], 0xa5);
}

static void test_plain_domain_is_dnstts(void **state)
{
	(void)state;
	assert_int_equal(parse("t.example.com"), 0);
	assert_string_equal(name, "t.example.com");
	assert_memory_equal(tunnel.name, "\1t\7example\3com\0", 16);
	assert_int_equal(tunnel.name_bytes, 15);
	assert_int_equal(tunnel.labels, 3);
	assert_int_equal(tunnel.id_bytes, 8);
	assert_int_equal(tunnel.alphabet, ALPHABET_BASE32);
	assert_int_equal(tunnel.framing, FRAMING_DNSTT);
	assert_int_equal(tunnel.edns_min, 1232);
	assert_int_equal(tunnel.qtype_count, 1);
	assert_int_equal(tunnel.qtypes[0], 16);
}

static void test_case_and_last_dot_do_not_matter(void **state)
{
	(void)state;
	assert_int_equal(parse("T.eXample.COM."), 0);
	assert_string_equal(name, "t.example.com");
	assert_memory_equal(tunnel.name, "\1t\7example\3com\0", 16);
}

static void test_capture_takes_every_name_that_is_taken_here(void **state)
{
	static const char *const names[] = { "a", "a.b", "_dns-x.0", "xn--bcher-kva.example",
					     "1.2.3.4" };
	char longest[300] = "";
	struct config config;

	(void)state;
	/* 253 characters in labels of 63, 63, 63, 61 */
	memset(longest, 'a', 253);
	longest[63] = longest[127] = longest[191] = '.';
	for (size_t i = 0; i <= COUNT(names); i++) {
		const char *text = i < COUNT(names) ? names[i] : longest;

		assert_int_equal(parse(text), 0);
		assert_string_equal(name, text);
		craft_config(&config, "x");
		config.tunnels[0] = tunnel;
		assert_null(config_fault(&config));
	}
	assert_int_equal(tunnel.name_bytes, 255);
	strcat(longest, ".");
	assert_int_equal(parse(longest), 0);
	longest[253] = 'a';
	assert_refused(longest, "1 to 253 characters");
}

static void test_names_that_no_resolver_delivers_are_refused(void **state)
{
	char label[70] = "";

	(void)state;
	assert_refused("", "1 to 253 characters");
	assert_refused(".", "1 to 253 characters");
	assert_refused("..", "1 to 63 characters");
	assert_refused(".a", "1 to 63 characters");
	assert_refused("a..b", "1 to 63 characters");
	assert_refused("a b", "letters, digits");
	assert_refused("b\xc3\xbc"
		       "cher.example",
		       "letters, digits");
	assert_refused("a\"b", "letters, digits");
	assert_refused("a/b", "letters, digits");
	assert_refused("-a.example", "no dash");
	assert_refused("a-.example", "no dash");
	memset(label, 'a', 63);
	assert_int_equal(parse(label), 0);
	memset(label, 'a', 64);
	assert_refused(label, "1 to 63 characters");
}

/* The start of a KCP segment (kcp-go kcp.go): conv, cmd, frg, wnd, ts; sn, una and len are zero */
#define KCP	 "\x44\x33\x22\x11\x51\0\x80\0\x04\x03\x02\x01"
#define KCP_CONV 0x11223344
#define ZEROS	 "\0\0\0\0\0\0\0\0\0\0"
/* dnsttEx's own of 12 bytes (internal/kcp/kcp.go), and data behind it */
#define SHORT_KCP "\x22\x11\x51\0\x80\0\0\0\0\0\0\0"

/* The configuration for one value of -dnstt.domain */
static const struct config *config_of(const char *text)
{
	static struct config config;

	assert_int_equal(parse(text), 0);
	craft_config(&config, "x");
	config.tunnels[0] = tunnel;
	assert_null(config_fault(&config));
	return &config;
}

/* A query as this wire's server takes it, or with an EDNS size that is too small by @less */
static struct record judge(const struct config *config, const char *qname, unsigned qtype,
			   unsigned less)
{
	struct craft message = { .size = 0 };

	craft_header(&message, 0x0100, 1, 0, 0, 1);
	craft_question(&message, qname, qtype);
	craft_opt(&message, config->tunnels[0].edns_min - less);
	return craft_judge(&message, false, config);
}

/* What the client of each wire sends, encoded by Python's base64 from its source's description */
static void test_every_wire_reads_its_own_client(void **state)
{
	static const struct {
		const char *wire, *labels;
		unsigned qtype, verdict;
		const char *id, *head;
		unsigned payload;
		bool kcp;
	} queries[] = {
		/* 8 and 3 bytes of padding */
		{ "dnstt", "ingesrkokreuj2dqmfsgi2lom4qq", 16, 0, "CLIENTID", "\xe8padding!", 0,
		  false },
		{ "dnstt", "ingesrkokreujy3bmjrrqrbteiivcaeaaacagaqbaaaaaaaaaaaaaaaaaaaa", 16, 0,
		  "CLIENTID", KCP ZEROS, 24, true },
		{ "dnstt", "ingesrkokreujy3bmjrrqrbteiivcaeaaacagaqbaaaaaaaaaaaaaaaaaaaa", 28,
		  VERDICT_QTYPE, "", "", 0, false },
		/* labels of 25 to 40, no padding before data (client/stealth.go) */
		{ "noizdns", "ingesrkokreuj2dqmfsgi2lom.4qq", 16, 0, "CLIENTID", "\xe8padding!", 0,
		  false },
		{ "noizdns", "ingesrkokreujyayiqzseekra.caaabadaiaqaaaaaaaaaaaaaaaaaaa", 16, 0,
		  "CLIENTID", KCP ZEROS, 24, true },
		/* polls by AAAA, data by TXT */
		{ "dnstt-aaaa", "ingesrkokreuj2dqmfsgi2lom4qq", 28, 0, "CLIENTID", "\xe8padding!",
		  0, false },
		{ "dnstt-aaaa", "ingesrkokreuj2dqmfsgi2lom4qq", 16, 0, "CLIENTID", "\xe8padding!",
		  0, false },
		{ "dnstt-aaaa", "ingesrkokreujyayiqzseekracaaabadaiaqaaaaaaaaaaaaaaaaaaa", 16, 0,
		  "CLIENTID", KCP ZEROS, 24, true },
		{ "dnstt-aaaa", "ingesrkokreuj2dqmfsgi2lom4qq", 1, VERDICT_QTYPE, "", "", 0,
		  false },
		/* a nonce, or a length and a packet */
		{ "vaydns", "jfcg63tdmu", 16, 0, "ID\0\0\0\0\0\0", "once", 0, false },
		{ "vaydns", "jfcbqrbteiivcaeaaacagaqbaaaaaaaaaaaaaaaaaaaa", 16, 0, "ID\0\0\0\0\0\0",
		  KCP ZEROS, 24, true },
		/* poll with the response size it wants and without, hint, ping, data likewise */
		{ "dnsttex", "8d64ihaeah4k9v820006srr9edii2", 16, 0, "CLIENTID",
		  "\xfd\x02\0\0noise!", 0, false },
		{ "dnsttex", "8d64ihaeah4k803edtkn6p91", 16, 0, "CLIENTID", "\0noise!", 0, false },
		{ "dnsttex", "8d64ihaeah4k9vg201n6uqbjckgg", 16, 0, "CLIENTID", "\xfe\x02\0noise!",
		  0, false },
		{ "dnsttex", "8d64ihaeah4k9vredtkn6p91", 16, VERDICT_FRAMING, "", "", 0, false },
		{ "dnsttex", "8d64ihaeah4k9v8200c244ah020000000000003ketimotj541h7it35ec", 16, 0,
		  "CLIENTID", SHORT_KCP "twelve byt", 24, false },
		{ "dnsttex", "8d64ihaeah4k8612258g10000000000001q7epbcepii0ojpehin6rjfd5pma", 16, 0,
		  "CLIENTID", SHORT_KCP "twelve byt", 24, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		char text[64], qname[CRAFT_NAME];
		const struct config *config;
		struct record record;

		(void)snprintf(text, sizeof(text), "t.example.com,wire=%s", queries[i].wire);
		config = config_of(text);
		(void)snprintf(qname, sizeof(qname), "%s.t.example.com", queries[i].labels);
		record = judge(config, qname, queries[i].qtype, 0);
		assert_int_equal(record.verdict, queries[i].verdict);
		if (record.verdict != VERDICT_ACCEPTED)
			continue;
		assert_memory_equal(record.client_id, queries[i].id, 8);
		assert_int_equal(record.payload_bytes, queries[i].payload);
		assert_int_equal(record.flags & RECORD_FLAG_KCP,
				 queries[i].kcp ? RECORD_FLAG_KCP : 0);
		assert_int_equal(record.conv, queries[i].kcp ? KCP_CONV : 0);
		if (config->tunnels[0].edns_min > 512)
			assert_int_equal(judge(config, qname, queries[i].qtype, 1).verdict,
					 VERDICT_EDNS_SIZE);
	}
}

static void test_vaydns_of_every_id_length_and_record_type(void **state)
{
	static const char poll[] = "once", data[] = "\x18" KCP ZEROS "\0\0", id[] = "CLIENTID";

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++)
		for (unsigned bytes = 1; bytes <= 8; bytes++) {
			static const uint8_t zeros[8];
			char text[96], qname[CRAFT_NAME];
			const struct config *config;
			struct record record;

			(void)snprintf(text, sizeof(text),
				       "t.example.com,wire=vaydns,id-bytes=%u,record-type=%s",
				       bytes, types[i].name);
			config = config_of(text);
			craft_client_name(qname, id, bytes, poll, 4, "t.example.com", false);
			record = judge(config, qname, types[i].number, 0);
			assert_int_equal(record.verdict, VERDICT_ACCEPTED);
			assert_memory_equal(record.client_id, id, bytes);
			assert_memory_equal(record.client_id + bytes, zeros, 8 - bytes);
			assert_int_equal(record.payload_bytes, 0);

			craft_client_name(qname, id, bytes, data, 25, "t.example.com", false);
			record = judge(config, qname, types[i].number, 0);
			assert_int_equal(record.verdict, VERDICT_ACCEPTED);
			assert_memory_equal(record.client_id, id, bytes);
			assert_memory_equal(record.client_id + bytes, zeros, 8 - bytes);
			assert_int_equal(record.conv, KCP_CONV);
			assert_int_equal(record.payload_bytes, 24);
			assert_true(record.flags & RECORD_FLAG_KCP);
			assert_int_equal(
				judge(config, qname, types[(i + 1) % COUNT(types)].number, 0)
					.verdict,
				VERDICT_QTYPE);
		}
}

static void test_unknown_wire_names_the_known_ones(void **state)
{
	char known[REASON_BYTES], text[REASON_BYTES];
	unsigned wires = 0;

	(void)state;
	assert_refused("a.b,wire=iodine", "wire \"iodine\" is not known; known are dnstt, ");
	snprintf(known, sizeof(known), "%s", strstr(reason.text, "dnstt, "));
	for (char *wire = strtok(known, ", "); wire; wire = strtok(NULL, ", "), wires++) {
		snprintf(text, sizeof(text), "a.b,wire=%s", wire);
		assert_int_equal(parse(text), 0);
	}
	assert_true(wires >= 5);
	assert_refused("a.b,wire=", "known are dnstt");
	assert_refused("a.b,wire=DNSTT", "known are dnstt");
	assert_refused("a.b,wire=dnst", "known are dnstt");
}

static void test_each_wire_says_which_figures_it_has(void **state)
{
	(void)state;
	parse("a.b");
	assert_true(wires_has_kcp(&tunnel));
	assert_true(wires_has_readable_answers(&tunnel));
	parse("a.b,wire=dnsttex");
	assert_false(wires_has_kcp(&tunnel));
	parse("a.b,wire=dnstt-aaaa");
	assert_true(wires_has_readable_answers(&tunnel));
	parse("a.b,wire=vaydns,record-type=null");
	assert_true(wires_has_kcp(&tunnel));
	assert_false(wires_has_readable_answers(&tunnel));
}

static void test_keys_change_what_the_wire_says(void **state)
{
	char text[80];

	(void)state;
	assert_int_equal(
		parse("v.example.com,wire=vaydns,id-bytes=4,record-type=null,min-edns=700"), 0);
	assert_string_equal(name, "v.example.com");
	assert_int_equal(tunnel.framing, FRAMING_VAYDNS);
	assert_int_equal(tunnel.id_bytes, 4);
	assert_int_equal(tunnel.qtypes[0], 10);
	assert_int_equal(tunnel.edns_min, 700);
	assert_int_equal(parse("t.example.com,min-edns=512"), 0);
	assert_int_equal(tunnel.edns_min, 512);
	assert_int_equal(parse("t.example.com,framing=off"), 0);
	assert_int_equal(tunnel.framing, FRAMING_SERVER);
	assert_int_equal(parse("t.example.com,framing=on"), 0);
	assert_int_equal(tunnel.framing, FRAMING_DNSTT);
	for (size_t i = 0; i < COUNT(types); i++) {
		(void)snprintf(text, sizeof(text), "t.example.com,wire=dnstt-aaaa,record-type=%s",
			       types[i].name);
		assert_int_equal(parse(text), 0);
		assert_int_equal(tunnel.qtype_count, 1);
		assert_int_equal(tunnel.qtypes[0], types[i].number);
	}
}

static void test_wrong_keys_are_refused_with_the_mend(void **state)
{
	(void)state;
	assert_refused("a.b,id-bytes=0", "1 to 8");
	assert_refused("a.b,id-bytes=9", "1 to 8");
	assert_refused("a.b,id-bytes=", "1 to 8");
	assert_refused("a.b,id-bytes=-1", "1 to 8");
	assert_refused("a.b,min-edns=511", "512 to 65535");
	assert_refused("a.b,min-edns=65536", "512 to 65535");
	assert_refused("a.b,record-type=soa", "txt, null, cname");
	assert_refused("a.b,record-type=TXT", "txt, null, cname");
	assert_refused("a.b,framing=maybe", "on or off");
	assert_refused("a.b,wire=vaydns,framing=off", "on or off");
	assert_refused("a.b,colour=red", "\"colour=red\" is not known");
	assert_refused("a.b,wire", "\"wire\" is not known");
	assert_refused("a.b,", "is not known");
	assert_refused("a.b,,id-bytes=2", "is not known");
	assert_refused("a.b,id-bytes=2,wire=vaydns", "right after the domain");
	assert_refused("a.b,wire=vaydns,wire=dnstt", "right after the domain");
	assert_refused(",wire=dnstt", "1 to 253 characters");
}

static void test_long_value_is_refused(void **state)
{
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_refused(text, "too long");
	text[3] = ',';
	assert_refused(text, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_domain_is_dnstts),
		cmocka_unit_test(test_case_and_last_dot_do_not_matter),
		cmocka_unit_test(test_capture_takes_every_name_that_is_taken_here),
		cmocka_unit_test(test_names_that_no_resolver_delivers_are_refused),
		cmocka_unit_test(test_every_wire_reads_its_own_client),
		cmocka_unit_test(test_vaydns_of_every_id_length_and_record_type),
		cmocka_unit_test(test_unknown_wire_names_the_known_ones),
		cmocka_unit_test(test_each_wire_says_which_figures_it_has),
		cmocka_unit_test(test_keys_change_what_the_wire_says),
		cmocka_unit_test(test_wrong_keys_are_refused_with_the_mend),
		cmocka_unit_test(test_long_value_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
