/* SPDX-License-Identifier: MIT */
/* The record of a response; and where a query comes from, by EDNS Client Subnet */
#include <arpa/inet.h>

#include "capture/decode.h"
#include "common/config.h"
#include "common/record.h"
#include "packet_craft.h"
#include "unit.h"

#define KCP    "a KCP segment's header.." /* 24 bytes */
#define ANSWER "\0\x18" KCP

static const struct config *dnstt(bool use_ecs)
{
	static struct config config;

	craft_config(&config, CRAFT_DOMAIN);
	config.use_ecs = use_ecs;
	return &config;
}

static struct record judge(const struct craft *message)
{
	return craft_judge(message, true, dnstt(true));
}

static const char *poll_name(void)
{
	static char name[CRAFT_NAME];

	return craft_client_name(name, CRAFT_ID, 8, CRAFT_POLL, CRAFT_POLL_BYTES, CRAFT_DOMAIN,
				 false);
}

static void test_response_is_its_question_and_its_packets(void **state)
{
	struct craft message = { .size = 0 };
	struct record record;

	(void)state;
	craft_response(&message, poll_name(), ANSWER, 26);
	record = judge(&message);
	assert_int_equal(record.kind, RECORD_RESPONSE);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.domain, 0);
	assert_memory_equal(record.client_id, CRAFT_ID, 8);
	assert_int_equal(record.message_bytes, message.size);
	assert_int_equal(record.payload_bytes, 24);
	assert_int_equal(record.conv, 'C' << 24 | 'K' << 16 | ' ' << 8 | 'a');
	assert_int_equal(record.flags, RECORD_FLAG_KCP);
	assert_int_equal(record.edns_size, 0);
	assert_int_equal(record.qname_bytes, 0);
	assert_int_equal(record.dns_id, 0x1234);
	assert_int_equal(record.port, 4000);
	assert_int_equal(record.resolver[15], 192);
}

static void test_empty_response_carries_no_packet(void **state)
{
	struct craft message = { .size = 0 };
	struct record record;

	(void)state;
	craft_response(&message, poll_name(), "", 0);
	record = judge(&message);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.payload_bytes, 0);
	assert_int_equal(record.flags, 0);
	assert_int_equal(record.conv, 0);
}

static void test_what_the_question_carried_is_not_the_responses(void **state)
{
	static const uint8_t zeros[8];
	static const char body[] = "\xe0\x18" KCP;
	struct craft message = { .size = 0 };
	char name[CRAFT_NAME];
	struct record record;

	(void)state;
	craft_response(
		&message,
		craft_client_name(name, CRAFT_ID, 8, body, sizeof(body) - 1, CRAFT_DOMAIN, false),
		"", 0);
	record = judge(&message);
	assert_int_equal(record.verdict, VERDICT_ACCEPTED);
	assert_int_equal(record.payload_bytes, 0);
	assert_int_equal(record.flags, 0);
	assert_int_equal(record.conv, 0);
	assert_memory_equal(record.content, zeros, sizeof(zeros));
	assert_memory_equal(record.client_id, CRAFT_ID, 8);
}

static void test_rcode_and_tc_are_kept(void **state)
{
	(void)state;
	for (unsigned rcode = 0; rcode < 16; rcode++) {
		for (unsigned tc = 0; tc < 2; tc++) {
			struct craft message = { .size = 0 };
			struct record record;

			craft_response(&message, poll_name(), ANSWER, 26);
			message.at[2] |= (uint8_t)(tc << 1);
			message.at[3] |= (uint8_t)rcode;
			record = judge(&message);
			assert_int_equal(record.verdict, VERDICT_ACCEPTED);
			assert_int_equal(record.flags, rcode | (tc ? RECORD_FLAG_TC : 0u) |
							       (rcode ? 0u : RECORD_FLAG_KCP));
			/* A refusal carries no packets, whatever it looks like */
			assert_int_equal(record.payload_bytes, rcode ? 0 : 24);
		}
	}
}

static void test_packets_of_a_cut_response_count_as_far_as_they_are_there(void **state)
{
	struct craft message = { .size = 0 };

	(void)state;
	craft_response(&message, poll_name(), ANSWER ANSWER, 52);
	message.size -= 11; /* the OPT */
	assert_int_equal(judge(&message).payload_bytes, 48);
	message.size--;
	assert_int_equal(judge(&message).payload_bytes, 24);
	message.size -= 26;
	assert_int_equal(judge(&message).payload_bytes, 0);
	assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
}

static void test_only_a_text_answer_carries_packets(void **state)
{
	(void)state;
	for (unsigned type = 1; type <= 41; type++) {
		struct craft message = { .size = 0 };

		craft_header(&message, 0x8400, 1, 1, 0, 0);
		craft_question(&message, poll_name(), 16);
		craft_rr(&message, type, 1, 60, "\x1a" ANSWER, 27);
		assert_int_equal(judge(&message).payload_bytes, type == 16 ? 24 : 0);
		message.at[7] = 0; /* ANCOUNT */
		assert_int_equal(judge(&message).payload_bytes, 0);
	}
}

/* As long as it takes to read it, a response is what its question is */
static void test_rules_for_responses(void **state)
{
	static const struct {
		const char *name;
		unsigned flags, questions, qtype;
		enum verdict verdict;
	} cases[] = {
		{ "1.t.example.com", 0x0800, 0, 1, VERDICT_NOT_QUERY },
		{ "1.t.example.com", 0x8800, 0, 1, VERDICT_QDCOUNT },
		{ "1.t.example.com", 0x8800, 2, 1, VERDICT_QDCOUNT },
		{ "1.example.com", 0x8800, 1, 1, VERDICT_DOMAIN },
		{ "1.t.example.com", 0x8800, 1, 1, VERDICT_OPCODE },
		{ "1.t.example.com", 0x8000, 1, 1, VERDICT_QTYPE },
		{ "1.t.example.com", 0x8000, 1, 16, VERDICT_ENCODING },
		{ "a.t.example.com", 0x8000, 1, 16, VERDICT_SHORT },
		{ "aaaaaaaaaaaaa.t.example.com", 0x8000, 1, 16, VERDICT_FRAMING },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct craft message = { .size = 0 };
		struct record record;

		craft_header(&message, cases[i].flags | 0x0203, cases[i].questions, 0, 0, 2);
		if (cases[i].questions > 0)
			craft_question(&message, cases[i].name, cases[i].qtype);
		record = judge(&message);
		assert_int_equal(record.verdict, cases[i].verdict);
		assert_int_equal(record.domain,
				 cases[i].verdict > VERDICT_DOMAIN ? 0 : RECORD_NO_DOMAIN);
		assert_int_equal(record.flags, RECORD_FLAG_TC | 3);
		assert_int_equal(record.client_id[0], 0);
	}
}

static void test_unreadable_question_is_malformed_before_anything_else(void **state)
{
	struct craft message = { .size = 0 };

	(void)state;
	craft_header(&message, 0x0203, 2, 0, 0, 0);
	assert_int_equal(judge(&message).verdict, VERDICT_MALFORMED);
	assert_int_equal(judge(&message).flags, RECORD_FLAG_TC | 3);
	assert_int_equal(judge(&message).dns_id, 0x1234);
	message.size--;
	assert_int_equal(judge(&message).verdict, VERDICT_MALFORMED);
	assert_int_equal(judge(&message).flags, 0);
	assert_int_equal(judge(&message).dns_id, 0);
}

static void test_response_to_a_refused_edns_size_is_counted(void **state)
{
	struct craft message = { .size = 0 };

	(void)state;
	/* Nobody knows from the response what size the query offered */
	craft_header(&message, 0x8401, 1, 0, 0, 1);
	craft_question(&message, poll_name(), 16);
	craft_opt(&message, 512);
	assert_int_equal(judge(&message).verdict, VERDICT_ACCEPTED);
	assert_int_equal(judge(&message).flags, 1);
}

/* The record of a poll with this RDATA in its OPT */
static struct record with_options(const void *rdata, size_t bytes, bool use_ecs)
{
	struct craft message = { .size = 0 };

	craft_header(&message, 0x0100, 1, 0, 0, 1);
	craft_question(&message, poll_name(), 16);
	craft_rr(&message, 41, 1232, 0, rdata, bytes);
	return craft_judge(&message, false, dnstt(use_ecs));
}

#define OPTIONS(text) (text), sizeof(text) - 1

static void test_client_subnet_takes_the_resolvers_place(void **state)
{
	static const struct {
		const char *options;
		size_t bytes;
		const char *prefix;
	} cases[] = {
		{ OPTIONS("\0\x08\0\x07\0\1\x18\0\xcb\0\x71"), "::ffff:203.0.113.0" },
		{ OPTIONS("\0\x08\0\x07\0\1\x14\0\xcb\0\x7f"), "::ffff:203.0.112.0" },
		{ OPTIONS("\0\x08\0\x05\0\1\x01\0\xff"), "::ffff:128.0.0.0" },
		{ OPTIONS("\0\x08\0\x08\0\1\x20\0\xcb\0\x71\5"), "::ffff:203.0.113.5" },
		{ OPTIONS("\0\x08\0\x0b\0\2\x38\0\x20\x01\x0d\xb8\x12\x34\x56"),
		  "2001:db8:1234:5600::" },
		{ OPTIONS("\0\x08\0\x05\0\2\x03\0\xff"), "e000::" },
		/* behind another option; the first of two; with something short behind it */
		{ OPTIONS("\0\x0a\0\2hi\0\x08\0\x05\0\1\x08\0\x0a"), "::ffff:10.0.0.0" },
		{ OPTIONS("\0\x08\0\x05\0\1\x08\0\x0a\0\x08\0\x05\0\1\x08\0\x0b"),
		  "::ffff:10.0.0.0" },
		{ OPTIONS("\0\x08\0\x05\0\1\x08\0\x0a\0\x08\0"), "::ffff:10.0.0.0" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct record record = with_options(cases[i].options, cases[i].bytes, true);
		uint8_t prefix[16];

		assert_int_equal(inet_pton(AF_INET6, cases[i].prefix, prefix), 1);
		assert_int_equal(record.verdict, VERDICT_ACCEPTED);
		assert_int_equal(record.flags, RECORD_FLAG_ECS);
		assert_memory_equal(record.resolver, prefix, 16);
		record = with_options(cases[i].options, cases[i].bytes, false);
		assert_int_equal(record.flags, 0);
		assert_int_equal(record.resolver[12], 192);
	}
}

static void test_client_subnet_that_is_not_well_formed_is_passed_over(void **state)
{
	static const struct {
		const char *options;
		size_t bytes;
	} cases[] = {
		{ OPTIONS("") },
		{ OPTIONS("\0\x08\0") },
		{ OPTIONS("\0\x08\0\0") },
		{ OPTIONS("\0\x08\0\4\0\1\0\0") },		   /* no prefix at all */
		{ OPTIONS("\0\x08\0\5\0\1\0\0\x0a") },		   /* of no bits */
		{ OPTIONS("\0\x08\0\4\0\1\x08\0") },		   /* address is missing */
		{ OPTIONS("\0\x08\0\5\0\1\x09\0\x0a") },	   /* too short for its bits */
		{ OPTIONS("\0\x08\0\6\0\1\x08\0\x0a\0") },	   /* too long */
		{ OPTIONS("\0\x08\0\x09\0\1\x21\0\x0a\0\0\0\0") }, /* 33 bits of IPv4 */
		{ OPTIONS("\0\x08\0\x15\0\2\x81\0"
			  "12345678901234567") },	 /* 129 bits of IPv6 */
		{ OPTIONS("\0\x08\0\5\0\0\x08\0\x0a") }, /* no such family */
		{ OPTIONS("\0\x08\0\5\0\3\x08\0\x0a") },
		{ OPTIONS("\0\x08\0\5\1\1\x08\0\x0a") },
		{ OPTIONS("\0\x08\0\6\0\1\x08\0\x0a") }, /* cut short */
		{ OPTIONS("\x08\0\0\5\0\1\x08\0\x0a") }, /* another option */
		{ OPTIONS("\0\x0a\0\x40hi\0\x08\0\5\0\1\x08\0\x0a") },
		{ OPTIONS("\0\x08\0\4\0\1\x08\0\0\x08\0\5\0\1\x08\0\x0a") }, /* first is wrong */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct record record = with_options(cases[i].options, cases[i].bytes, true);

		assert_int_equal(record.verdict, VERDICT_ACCEPTED);
		assert_int_equal(record.flags, 0);
		assert_int_equal(record.resolver[12], 192);
	}
}

static void test_client_subnet_of_a_refused_query_is_not_kept(void **state)
{
	struct craft message = { .size = 0 };
	struct record record;

	(void)state;
	craft_header(&message, 0x0100, 1, 0, 0, 1);
	craft_question(&message, poll_name(), 1);
	craft_rr(&message, 41, 1232, 0, "\0\x08\0\5\0\1\x08\0\x0a", 9);
	record = craft_judge(&message, false, dnstt(true));
	assert_int_equal(record.verdict, VERDICT_QTYPE);
	assert_int_equal(record.flags, 0);
	assert_int_equal(record.resolver[12], 192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_is_its_question_and_its_packets),
		cmocka_unit_test(test_empty_response_carries_no_packet),
		cmocka_unit_test(test_what_the_question_carried_is_not_the_responses),
		cmocka_unit_test(test_rcode_and_tc_are_kept),
		cmocka_unit_test(test_packets_of_a_cut_response_count_as_far_as_they_are_there),
		cmocka_unit_test(test_only_a_text_answer_carries_packets),
		cmocka_unit_test(test_rules_for_responses),
		cmocka_unit_test(test_unreadable_question_is_malformed_before_anything_else),
		cmocka_unit_test(test_response_to_a_refused_edns_size_is_counted),
		cmocka_unit_test(test_client_subnet_takes_the_resolvers_place),
		cmocka_unit_test(test_client_subnet_that_is_not_well_formed_is_passed_over),
		cmocka_unit_test(test_client_subnet_of_a_refused_query_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
