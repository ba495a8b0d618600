/* SPDX-License-Identifier: MIT */
/* The record of a query: what dnstt-server makes of it, rule by rule */
#include "capture/decode.h"

#include "common/config.h"
#include "common/record_check.h"
#include "packet_craft.h"
#include "unit.h"

/* One domain, dnstt's */
static struct record judge(const struct craft *message)
{
	return craft_judge(message, false, craft_dnstt());
}

/* The name for a body behind CRAFT_ID */
static const char *name_of(const void *body, size_t bytes)
{
	static char name[CRAFT_NAME];

	return craft_client_name(name, CRAFT_ID, 8, body, bytes, CRAFT_DOMAIN, false);
}

static const char *poll_name(void)
{
	return name_of(CRAFT_POLL, CRAFT_POLL_BYTES);
}

/* That nothing of a session is in the record of a query that is refused */
static void assert_refused(const struct craft *message, enum verdict verdict, unsigned domain)
{
	static const uint8_t zeros[RECORD_ID_BYTES];
	struct record record = judge(message);

	assert_int_equal(record.verdict, verdict);
	assert_int_equal(record.domain, domain);
	assert_int_equal(record.message_bytes, message->size);
	assert_int_equal(record.payload_bytes, 0);
	assert_int_equal(record.flags, 0);
	assert_memory_equal(record.client_id, zeros, sizeof(record.client_id));
	assert_memory_equal(record.content, zeros, sizeof(record.content));
	assert_int_equal(record.conv, 0);
	assert_int_equal(record.una, 0);
	assert_int_equal(record.edns_size, 0);
	assert_int_equal(record.qname_bytes, 0);
	assert_int_equal(record.segments, 0);
}

static void test_documented_example(void **state)
{
	static const uint8_t resolver[] = { 0, 0, 0,	0,    0,   0,	0,   0,
					    0, 0, 0xff, 0xff, 192, 192, 192, 192 };
	struct craft message = { .size = 0 };
	struct record record;

	(void)state;
	craft_query(&message, "ingesrkokreujy6zumkse43vobsxey3bnruwm4tbm5uwy2ltoruwgzlyobuwc3d."
			      "jmrxwg2lpovzq.t.example.com");
	record = judge(&message);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.kind, RECORD_QUERY);
	assert_int_equal(record.domain, 0);
	assert_memory_equal(record.client_id, "CLIENTID", 8);
	/* Its first bytes, as if they were a header */
	assert_int_equal(record.conv, 'e' << 24 | 'p' << 16 | 'u' << 8 | 's');
	assert_int_equal(record.una, 'c' << 24 | 'i' << 16 | 't' << 8 | 's');
	assert_int_equal(record.segments, 0);
	assert_int_equal(record.edns_size, 1232);
	assert_int_equal(record.qname_bytes, 93);
	assert_int_equal(record.payload_bytes, strlen("supercalifragilisticexpialidocious"));
	assert_int_equal(record.flags, RECORD_FLAG_KCP);
	assert_int_equal(record.message_bytes, 12 + 93 + 4 + 11);
	assert_int_equal(record.dns_id, 0x1234);
	assert_int_equal(record.port, 4000);
	assert_int_equal(record.interface, 7);
	assert_memory_equal(record.resolver, resolver, 16);
}

static void test_poll_carries_no_packet(void **state)
{
	struct craft message = { .size = 0 };
	struct record record;

	(void)state;
	craft_poll(&message);
	record = judge(&message);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.payload_bytes, 0);
	assert_int_equal(record.flags, 0);
	assert_int_equal(record.conv, 0);
}

/* A resolver may write the same name in other letters, and ask under another ID. Of what a client
 * writes the first 32 bytes count, which is more than padding and a KCP header, and how many there are.
 */
static void test_content_is_what_the_client_wrote(void **state)
{
	uint8_t body[41] = { 0xe0, 39 };
	struct craft message = { .size = 0 };
	struct record record, other;

	(void)state;
	craft_query(&message, name_of(body, sizeof(body)));
	record = judge(&message);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	message.at[1] ^= 0xff;
	message.at[14] ^= 0x20;
	other = judge(&message);
	assert_int_not_equal(record.dns_id, other.dns_id);
	assert_memory_equal(record.content, other.content, 8);
	for (unsigned at = 2; at < sizeof(body); at++) {
		message.size = 0;
		body[at] ^= 1;
		craft_query(&message, name_of(body, sizeof(body)));
		other = judge(&message);
		assert_int_equal(memcmp(record.content, other.content, 8) != 0, at < 32);
		body[at] ^= 1;
	}
	message.size = 0;
	body[1]--;
	craft_query(&message, name_of(body, sizeof(body) - 1));
	other = judge(&message);
	assert_memory_not_equal(record.content, other.content, 8);
}

/* Six segments need two more records */
static void test_segments_follow_their_message(void **state)
{
	static const char segment[] = "conv\x51\0\0\1\1\0\0\0\0\0\0\0\7\0\0\0\0\0\0";
	uint8_t text[2 + 24 * 6] = { 0, 24 * 6 };
	struct craft message = { .size = 0 };
	struct record record;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		memcpy(text + 2 + 24 * i, segment, 24);
		text[2 + 24 * i + 12] = (uint8_t)i;
	}
	craft_response(&message, poll_name(), text, sizeof(text));
	record = craft_judge(&message, true, craft_dnstt());
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.flags, RECORD_FLAG_KCP | RECORD_FLAG_SN_0);
	assert_int_equal(record.una, 7);
	assert_int_equal(record.segments, 6);
	assert_int_equal(record_of_message(&record), 3);
	for (unsigned i = 0; i < 10; i++) {
		const struct segment wanted = { .ts = 1, .sn = i, .command = 81 }, none = { 0 };

		assert_memory_equal(record_segment(craft_seen, i), i < 6 ? &wanted : &none,
				    sizeof(wanted));
	}
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(craft_seen[i].kind, RECORD_MORE);
		assert_int_equal(craft_seen[i].domain, 0);
		assert_int_equal(craft_seen[i].verdict, 0);
		assert_int_equal(craft_seen[i].flags, 0);
	}
}

static void test_a_record_has_the_time_of_its_packet(void **state)
{
	const struct craft packet = craft_poll_ipv4();
	const struct sight sight = { .bytes = packet.at,
				     .captured = (uint32_t)packet.size,
				     .length = (uint32_t)packet.size,
				     .time_ms = 0xfedcba98 };

	(void)state;
	assert_int_equal(craft_see(&sight, craft_dnstt()).time_ms, 0xfedcba98);
}

static void test_query_is_whole_or_malformed(void **state)
{
	struct craft message = { .size = 0 };
	size_t whole;

	(void)state;
	craft_poll(&message);
	whole = message.size;
	for (message.size = 0; message.size < whole; message.size++)
		assert_refused(&message, VERDICT_MALFORMED, RECORD_NO_DOMAIN);
	assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
	craft_8(&message, 0);
	assert_refused(&message, VERDICT_MALFORMED, RECORD_NO_DOMAIN);
}

static void test_query_without_header_has_no_id(void **state)
{
	struct craft message = { .size = 0 };

	(void)state;
	craft_header(&message, 0x0100, 1, 0, 0, 0);
	assert_int_equal(judge(&message).dns_id, 0x1234);
	message.size--;
	assert_int_equal(judge(&message).dns_id, 0);
}

/* Of two rules that are broken, the earlier one is what dnstt-server answers for */
static void test_rules_come_in_the_servers_order(void **state)
{
	static const struct {
		const char *name;
		unsigned flags, questions, qtype, opts, version, edns;
		enum verdict verdict;
	} cases[] = {
		{ "a.t.example.com", 0x8800, 2, 1, 2, 1, 512, VERDICT_NOT_QUERY },
		{ "a.t.example.com", 0x0800, 2, 1, 2, 0, 512, VERDICT_MULTIPLE_OPT },
		{ "a.t.example.com", 0x0800, 2, 1, 2, 1, 512, VERDICT_EDNS_VERSION },
		{ "a.t.example.com", 0x0800, 2, 1, 1, 0, 512, VERDICT_QDCOUNT },
		{ "a.t.example.com", 0x0800, 0, 1, 1, 0, 512, VERDICT_QDCOUNT },
		{ "a.xt.example.com", 0x0800, 1, 1, 1, 0, 512, VERDICT_DOMAIN },
		{ "1.t.example.com", 0x0800, 1, 1, 1, 0, 512, VERDICT_OPCODE },
		{ "1.t.example.com", 0x7800, 1, 1, 1, 0, 512, VERDICT_OPCODE },
		{ "1.t.example.com", 0x0100, 1, 1, 1, 0, 512, VERDICT_QTYPE },
		{ "1.t.example.com", 0x0100, 1, 28, 1, 0, 512, VERDICT_QTYPE },
		{ "1.t.example.com", 0x0100, 1, 16, 1, 0, 512, VERDICT_ENCODING },
		{ "a.t.example.com", 0x0100, 1, 16, 1, 0, 1231, VERDICT_EDNS_SIZE },
		{ "a.t.example.com", 0x0100, 1, 16, 0, 0, 0, VERDICT_EDNS_SIZE },
		{ "a.t.example.com", 0x0100, 1, 16, 1, 0, 1232, VERDICT_SHORT },
		{ "t.example.com", 0x0100, 1, 16, 1, 0, 1232, VERDICT_SHORT },
		/* 13 characters are a ClientID, 14 are none, as Go counts them */
		{ "aaaaaaaaaaaa.t.example.com", 0x0100, 1, 16, 1, 0, 1232, VERDICT_SHORT },
		{ "aaaaaaaaaaaaa.t.example.com", 0x0100, 1, 16, 1, 0, 1232, VERDICT_FRAMING },
		{ "aaaaaaaaaaaaaa.t.example.com", 0x0100, 1, 16, 1, 0, 1232, VERDICT_SHORT },
		{ "aaaaaaaaaaaaaaa.t.example.com", 0x0100, 1, 16, 1, 0, 1232, VERDICT_FRAMING },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct craft message = { .size = 0 };

		craft_header(&message, cases[i].flags, cases[i].questions, 0, 0, cases[i].opts);
		for (unsigned question = 0; question < cases[i].questions; question++)
			craft_question(&message, cases[i].name, cases[i].qtype);
		for (unsigned opt = 0; opt < cases[i].opts; opt++)
			craft_rr(&message, 41, cases[i].edns, cases[i].version << 16, "", 0);
		assert_refused(&message, cases[i].verdict,
			       cases[i].verdict > VERDICT_DOMAIN ? 0 : RECORD_NO_DOMAIN);
	}
}

/* A packet that was found before what no client sends */
static void test_nothing_is_kept_of_a_broken_body(void **state)
{
	static const char body[] = "\xe0\x18"
				   "a KCP segment's header.."
				   "\x05"
				   "cut";
	struct craft message = { .size = 0 };

	(void)state;
	craft_query(&message, name_of(body, sizeof(body) - 1));
	assert_refused(&message, VERDICT_FRAMING, 0);
}

static void test_only_opcode_query_is_answered(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode < 16; opcode++) {
		struct craft message = { .size = 0 };

		craft_header(&message, opcode << 11, 1, 0, 0, 1);
		craft_question(&message, poll_name(), 16);
		craft_opt(&message, 1232);
		assert_int_equal(judge(&message).verdict,
				 opcode ? VERDICT_OPCODE : VERDICT_ACCEPTED);
	}
}

static void test_minimised_query_is_no_session(void **state)
{
	(void)state;
	for (unsigned qtype = 0; qtype < 300; qtype++) {
		struct craft message = { .size = 0 };

		craft_header(&message, 0x0100, 1, 0, 0, 1);
		craft_question(&message, poll_name(), qtype);
		craft_opt(&message, 1232);
		if (qtype == 16)
			assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
		else
			assert_refused(&message, VERDICT_QTYPE, 0);
	}
}

static void test_other_header_bits_do_not_matter(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 0x8000; flags += 1) {
		struct craft message = { .size = 0 };

		if (flags >> 11 & 0xf)
			continue;
		craft_poll(&message);
		message.at[2] = (uint8_t)(flags >> 8);
		message.at[3] = (uint8_t)flags;
		assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
	}
}

static void test_case_of_a_name_does_not_matter(void **state)
{
	struct craft message = { .size = 0 };

	(void)state;
	craft_poll(&message);
	for (size_t i = 12; i < message.size - 11; i++)
		if (message.at[i] >= 'a' && message.at[i] <= 'z' && i % 3 != 0)
			message.at[i] = (uint8_t)(message.at[i] - 32);
	assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
	assert_memory_equal(judge(&message).client_id, CRAFT_ID, 8);
}

static void test_a_domain_has_its_own_rules(void **state)
{
	struct craft message = { .size = 0 };
	char name[CRAFT_NAME];
	struct tunnel *tunnel;
	struct config config;
	struct record record;

	(void)state;
	craft_config(&config, CRAFT_DOMAIN);
	tunnel = craft_config_add(&config, "v.example.com");
	tunnel->id_bytes = 2;
	tunnel->framing = FRAMING_VAYDNS;
	tunnel->alphabet = ALPHABET_BASE32HEX;
	tunnel->edns_min = 512;
	for (unsigned i = 0; i < CONFIG_QTYPES; i++)
		tunnel->qtypes[i] = (uint16_t)(10 + i * 3);
	tunnel->qtype_count = CONFIG_QTYPES;

	craft_header(&message, 0x0100, 1, 0, 0, 0);
	craft_question(&message,
		       craft_client_name(name, "ID", 2, "\3abc", 4, "v.example.com", true), 31);
	record = craft_judge(&message, false, &config);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.domain, 1);
	assert_memory_equal(record.client_id, "ID\0\0\0\0\0", 8);
	assert_int_equal(message.at[message.size - 3], 31);
	message.at[message.size - 3] = 34; /* a ninth of that row */
	assert_int_equal(craft_judge(&message, false, &config).verdict, VERDICT_QTYPE);
	message.at[message.size - 3] = 10;
	assert_int_equal(craft_judge(&message, false, &config).verdict, VERDICT_ACCEPTED);
	tunnel->edns_min = 513;
	assert_int_equal(craft_judge(&message, false, &config).verdict, VERDICT_EDNS_SIZE);
}

static void test_server_reads_4096_bytes(void **state)
{
	static const uint8_t filler[4096];
	struct craft message = { .size = 0 };

	(void)state;
	craft_poll(&message);
	message.at[11] = 2;
	craft_rr(&message, 250, 255, 0, filler, 4096 - message.size - 11);
	assert_int_equal(message.size, 4096);
	assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
	craft_bytes(&message, "never seen", 10);
	assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
	assert_int_equal(judge(&message).message_bytes, 4106);
	/* One byte less of it, and the junk behind it is read */
	message.at[11] = 1;
	assert_refused(&message, VERDICT_MALFORMED, RECORD_NO_DOMAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documented_example),
		cmocka_unit_test(test_poll_carries_no_packet),
		cmocka_unit_test(test_content_is_what_the_client_wrote),
		cmocka_unit_test(test_segments_follow_their_message),
		cmocka_unit_test(test_a_record_has_the_time_of_its_packet),
		cmocka_unit_test(test_query_is_whole_or_malformed),
		cmocka_unit_test(test_query_without_header_has_no_id),
		cmocka_unit_test(test_rules_come_in_the_servers_order),
		cmocka_unit_test(test_nothing_is_kept_of_a_broken_body),
		cmocka_unit_test(test_only_opcode_query_is_answered),
		cmocka_unit_test(test_minimised_query_is_no_session),
		cmocka_unit_test(test_other_header_bits_do_not_matter),
		cmocka_unit_test(test_case_of_a_name_does_not_matter),
		cmocka_unit_test(test_a_domain_has_its_own_rules),
		cmocka_unit_test(test_server_reads_4096_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
