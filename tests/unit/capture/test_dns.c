/* SPDX-License-Identifier: MIT */
/* Reading of DNS messages: every byte of a query, as far as needed of a response */
#include "capture/dns.h"

#include <stdlib.h>

#include "common/record.h"
#include "packet_craft.h"
#include "unit.h"

/* The message lies in memory of exactly its size, so that a sanitizer sees a read past it. It stays
 * there until the next call.
 */
static bool read(const struct craft *craft, bool whole, struct dns_message *ret_message)
{
	static uint8_t *bytes;
	struct cursor cursor;

	free(bytes);
	bytes = malloc(craft->size + 1);
	assert_non_null(bytes);
	cursor.at = memcpy(bytes + 1, craft->at, craft->size);
	cursor.end = cursor.at + craft->size;
	return dns_read(&cursor, whole, ret_message);
}

/* A name's labels behind each other, root included, are these bytes */
static void assert_name(const struct dns_name *name, const char *wire, size_t bytes)
{
	size_t at = 0;

	for (unsigned i = 0; i <= name->labels; i++) {
		const uint8_t *label = name->label[i];

		assert_true(at + 1 + *label <= bytes);
		assert_memory_equal(label, wire + at, 1u + *label);
		at += 1u + *label;
	}
	assert_int_equal(at, bytes);
}

static bool reads(const struct craft *craft)
{
	struct dns_message message;

	return read(craft, true, &message);
}

static void test_query_is_read_field_by_field(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;

	(void)state;
	craft_header(&craft, 0x0110, 1, 0, 0, 1);
	craft_question(&craft, "a.example.com", 28);
	craft_rr(&craft, 41, 1452, 0x8000, "\0\x0a\0\2hi", 6);
	assert_true(read(&craft, true, &message));
	assert_int_equal(message.id, 0x1234);
	assert_int_equal(message.flags, 0x0110);
	assert_int_equal(message.qdcount, 1);
	assert_int_equal(message.qtype, 28);
	assert_int_equal(message.edns_size, 1452);
	assert_int_equal(message.opt_fault, 0);
	assert_int_equal(cursor_left(&message.opt), 6);
	assert_int_equal(message.qname.labels, 3);
	assert_name(&message.qname, "\1a\7example\3com", 15);
}

static void test_query_ends_with_its_last_byte(void **state)
{
	struct craft craft = { .size = 0 };
	size_t whole;

	(void)state;
	craft_poll(&craft);
	whole = craft.size;
	assert_true(reads(&craft));
	for (craft.size = 0; craft.size < whole; craft.size++)
		assert_false(reads(&craft));
	craft_8(&craft, 0);
	craft.size = whole + 1;
	assert_false(reads(&craft));
}

static void test_short_header_has_no_id(void **state)
{
	struct dns_message message;
	struct craft craft = { .size = 0 };

	(void)state;
	craft_header(&craft, 0x8603, 0, 0, 0, 0);
	assert_true(read(&craft, true, &message));
	assert_int_equal(message.id, 0x1234);
	craft.size = 11;
	assert_false(read(&craft, true, &message));
	assert_int_equal(message.id, 0);
	assert_int_equal(message.flags, 0);
	assert_int_equal(message.edns_size, 512);
}

static void test_every_announced_entry_must_be_there(void **state)
{
	(void)state;
	for (unsigned section = 0; section < 4; section++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 1, 1, 1, 1);
		craft_question(&craft, "a", 16);
		for (unsigned i = 0; i < 3; i++)
			craft_rr(&craft, 1, 1, 0, "\1\2\3\4", 4);
		assert_true(reads(&craft));
		craft.at[5 + 2 * section] = 2;
		assert_false(reads(&craft));
		craft.at[5 + 2 * section] = 0;
		assert_false(reads(&craft));
		craft.at[4 + 2 * section] = 0xff;
		assert_false(reads(&craft));
	}
}

/* Entries of the least size there is, to the last byte; one more is not there, wherever it is announced */
static void test_smallest_entries_fill_a_message(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;

	(void)state;
	craft_header(&craft, 0x0100, 30, 10, 10, 10);
	for (unsigned i = 0; i < 30; i++)
		craft_question(&craft, "", 16);
	for (unsigned i = 0; i < 30; i++)
		craft_rr(&craft, 1, 1, 0, "", 0);
	assert_int_equal(craft.size, 12 + 30 * 5 + 30 * 11);
	assert_true(read(&craft, true, &message));
	assert_int_equal(message.qdcount, 30);
	for (unsigned section = 0; section < 4; section++) {
		craft.at[5 + 2 * section]++;
		assert_false(read(&craft, true, &message));
		assert_int_equal(message.id, 0x1234);
		craft.at[5 + 2 * section]--;
	}
	craft.at[4] = craft.at[6] = craft.at[8] = craft.at[10] = 0xff;
	assert_false(read(&craft, true, &message));
	assert_int_equal(message.flags, 0x0100);
}

static void test_first_of_two_questions_is_kept(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;

	(void)state;
	craft_header(&craft, 0x0100, 2, 0, 0, 0);
	craft_question(&craft, "first", 16);
	craft_question(&craft, "another.one", 1);
	assert_true(read(&craft, true, &message));
	assert_int_equal(message.qdcount, 2);
	assert_int_equal(message.qtype, 16);
	assert_int_equal(message.qname.labels, 1);
	assert_name(&message.qname, "\5first", 7);
}

/* Labels of @length bytes up to @bytes of name, with the root */
static void long_name(struct craft *craft, unsigned length, unsigned bytes)
{
	for (unsigned left = bytes - 1; left > 0;) {
		unsigned label = left - 1 < length ? left - 1 : length;

		craft_8(craft, label);
		for (unsigned i = 0; i < label; i++)
			craft_8(craft, 'a');
		left -= label + 1;
	}
	craft_8(craft, 0);
}

static void test_longest_name_has_255_bytes(void **state)
{
	(void)state;
	for (unsigned length = 1; length <= 63; length += 31) {
		for (unsigned bytes = 253; bytes <= 257; bytes += length == 1 ? 2 : 1) {
			struct craft craft = { .size = 0 };

			craft_header(&craft, 0x0100, 1, 0, 0, 0);
			long_name(&craft, length, bytes);
			craft_32(&craft, 0x00100001);
			assert_int_equal(reads(&craft), bytes <= 255);
		}
	}
}

static void test_other_label_types_are_refused(void **state)
{
	(void)state;
	for (unsigned length = 1; length < 0xc0; length++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 1, 0, 0, 0);
		craft_8(&craft, length);
		for (unsigned i = 0; i < length; i++)
			craft_8(&craft, 'a');
		craft_8(&craft, 0);
		craft_32(&craft, 0x00100001);
		assert_int_equal(reads(&craft), length <= 63);
	}
	/* Nor are they pointers, here to the zero byte of a header's QDCOUNT */
	for (unsigned type = 0; type <= 3; type++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 1, 0, 0, 0);
		craft_16(&craft, type << 14 | 4);
		craft_32(&craft, 0x00100001);
		assert_int_equal(reads(&craft), type == 3);
	}
}

/* A question whose name is a chain of pointers; its end, "ab", stands in a record behind it */
static void pointer_chain(struct craft *craft, unsigned pointers)
{
	const unsigned pool = 12 + 2 + 4 + 11;
	struct craft rdata = { .size = 0 };

	craft_header(craft, 0x0100, 1, 0, 0, 1);
	craft_16(craft, 0xc000 | pool);
	craft_32(craft, 0x00100001);
	for (unsigned i = 1; i < pointers; i++)
		craft_16(&rdata, 0xc000 | (pool + 2 * i));
	craft_name(&rdata, "ab");
	craft_rr(craft, 1, 1, 0, rdata.at, rdata.size);
}

static void test_name_follows_ten_pointers(void **state)
{
	(void)state;
	for (unsigned pointers = 1; pointers <= 12; pointers++) {
		struct craft craft = { .size = 0 };
		struct dns_message message;

		pointer_chain(&craft, pointers);
		assert_int_equal(read(&craft, true, &message), pointers <= 10);
		if (pointers > 10)
			continue;
		assert_int_equal(message.qname.labels, 1);
		assert_name(&message.qname, "\2ab", 4);
		assert_int_equal(message.qtype, 16);
	}
}

/* A query for "a", a pointer into the pool, another one with @before in front, and the pool itself */
static bool both_taken(const uint8_t *pool, size_t bytes, unsigned first, unsigned second,
		       const char *before)
{
	const unsigned at = 12 + 3 + 4 + 2 * (2 + 4) + (unsigned)strlen(before) + 11;
	struct craft craft = { .size = 0 };
	struct dns_message message;

	craft_header(&craft, 0x0100, 3, 0, 0, 1);
	craft_question(&craft, "a", 16);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1)
			craft_bytes(&craft, before, strlen(before));
		craft_16(&craft, 0xc000 | (at + (i == 0 ? first : second)));
		craft_32(&craft, 0x00100001);
	}
	craft_rr(&craft, 1, 1, 0, pool, bytes); /* its name is the root, its fixed part 10 bytes */
	return read(&craft, true, &message);
}

/* What was walked before has the same limits as what is walked now */
static void test_a_known_rest_counts_as_if_it_were_walked(void **state)
{
	uint8_t pool[255];

	(void)state;
	/* 127 labels of one byte and the root: a name as long as it may be */
	for (unsigned i = 0; i < 254; i += 2)
		memcpy(pool + i, "\1x", 2);
	pool[254] = 0;
	assert_true(both_taken(pool, 255, 0, 0, ""));
	assert_true(both_taken(pool, 255, 100, 0, ""));
	assert_true(both_taken(pool, 255, 0, 100, ""));
	assert_true(both_taken(pool, 255, 2, 2, "\1x"));
	assert_false(both_taken(pool, 255, 0, 0, "\1x")); /* 257 bytes */
	/* Ten pointers, and one in front of them */
	for (unsigned i = 0; i < 10; i++) {
		pool[2 * i] = 0xc0;
		pool[2 * i + 1] = (uint8_t)(12 + 3 + 4 + 2 * 6 + 11 + 2 * (i + 1));
	}
	pool[20] = 0;
	assert_true(both_taken(pool, 21, 2, 2, ""));
	assert_true(both_taken(pool, 21, 4, 2, ""));
	assert_false(both_taken(pool, 21, 2, 0, ""));
	assert_false(both_taken(pool, 21, 20, 0, ""));
	/* A pointer to itself */
	pool[1] = 12 + 3 + 4 + 2 * 6 + 11;
	assert_false(both_taken(pool, 21, 20, 0, ""));
}

static void test_what_is_known_is_of_one_message(void **state)
{
	uint8_t pool[255];

	(void)state;
	memset(pool, 0, sizeof(pool));
	assert_true(both_taken(pool, 1, 0, 0, ""));
	memset(pool, 0xff, sizeof(pool)); /* at the same places now: pointers beyond the end */
	assert_false(both_taken(pool, 255, 0, 0, ""));
	assert_false(both_taken(pool, 255, 0, 0, ""));
	/* Refused at its end: how far it had come says nothing of the next message */
	for (unsigned i = 0; i < 254; i += 2)
		memcpy(pool + i, "\1x", 2);
	pool[254] = 0x80;
	assert_false(both_taken(pool, 255, 0, 0, ""));
	pool[254] = 0;
	assert_false(both_taken(pool, 255, 100, 0, "\1x")); /* 257 bytes */
}

static void test_name_may_begin_with_labels_and_end_with_a_pointer(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;

	(void)state;
	craft_header(&craft, 0x0100, 2, 0, 0, 0);
	craft_bytes(&craft, "\3www\xc0\x16", 6); /* to the other question */
	craft_32(&craft, 0x001c0001);
	craft_question(&craft, "example.com", 1);
	assert_true(read(&craft, true, &message));
	assert_int_equal(message.qname.labels, 3);
	assert_name(&message.qname, "\3www\7example\3com", 17);
	assert_int_equal(message.qtype, 28);
}

static void test_pointer_leads_anywhere_in_the_message(void **state)
{
	/* Zeros of the header and of the question are roots; at 2 and 5 begin labels of one byte;
	 * 12 is the pointer itself, and from 18 on there is nothing
	 */
	static const char good[] = "..**********..*.*......";

	(void)state;
	for (unsigned target = 0; target < COUNT(good); target++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 1, 0, 0, 0);
		craft_16(&craft, 0xc000 | target);
		craft_32(&craft, 0x00100001);
		assert_int_equal(reads(&craft), good[target] == '*');
		/* A pointer has 14 bits, and all of them count */
		for (unsigned bit = 0x100; bit < 0x4000; bit <<= 1) {
			craft.at[12] = (uint8_t)(0xc0 | (target | bit) >> 8);
			assert_false(reads(&craft));
		}
	}
}

static void test_edns_size_is_that_of_the_opt(void **state)
{
	static const unsigned sizes[][2] = { { 0, 512 },     { 511, 512 },    { 512, 512 },
					     { 513, 513 },   { 1231, 1231 },  { 1232, 1232 },
					     { 4096, 4096 }, { 65535, 65535 } };
	struct dns_message message;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 0, 0, 0, 1);
		craft_opt(&craft, sizes[i][0]);
		assert_true(read(&craft, true, &message));
		assert_int_equal(message.edns_size, sizes[i][1]);
	}
}

static void test_opt_counts_under_additional_only(void **state)
{
	struct dns_message message;

	(void)state;
	for (unsigned section = 0; section < 3; section++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 0, section == 0, section == 1, section == 2);
		craft_opt(&craft, 1232);
		assert_true(read(&craft, true, &message));
		assert_int_equal(message.edns_size, section == 2 ? 1232 : 512);
		assert_int_equal(message.opt.at != NULL, section == 2);
	}
}

/* In the order of responseFor(): it goes through the records and leaves at the first fault */
static void test_first_fault_of_several_opts_stays(void **state)
{
	static const struct {
		unsigned versions[3], count, fault;
	} cases[] = {
		{ { 0 }, 1, 0 },
		{ { 1 }, 1, VERDICT_EDNS_VERSION },
		{ { 0, 0 }, 2, VERDICT_MULTIPLE_OPT },
		{ { 0, 1 }, 2, VERDICT_MULTIPLE_OPT },
		{ { 1, 0 }, 2, VERDICT_EDNS_VERSION },
		{ { 255, 1 }, 2, VERDICT_EDNS_VERSION },
		{ { 0, 0, 0 }, 3, VERDICT_MULTIPLE_OPT },
		{ { 0, 0, 1 }, 3, VERDICT_MULTIPLE_OPT },
		{ { 1, 0, 0 }, 3, VERDICT_EDNS_VERSION },
	};
	struct dns_message message;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct craft craft = { .size = 0 };

		craft_header(&craft, 0x0100, 0, 0, 0, cases[i].count);
		for (unsigned opt = 0; opt < cases[i].count; opt++)
			craft_rr(&craft, 41, 1232, 0xff00ffff | cases[i].versions[opt] << 16, "",
				 0);
		assert_true(read(&craft, true, &message));
		assert_int_equal(message.opt_fault, cases[i].fault);
	}
}

static void test_response_is_read_as_far_as_its_first_answer(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;
	size_t question;

	(void)state;
	craft_response(&craft, "a", "text", 4);
	assert_true(read(&craft, false, &message));
	assert_int_equal(message.flags, 0x8400);
	assert_int_equal(message.qtype, 16);
	assert_int_equal(cursor_left(&message.txt), 5);
	craft_bytes(&craft, "more", 4);
	assert_true(read(&craft, false, &message));
	assert_int_equal(cursor_left(&message.txt), 5);

	question = 12 + 3 + 4;
	craft.size = question + 11 + 3; /* three bytes of the text are there */
	assert_true(read(&craft, false, &message));
	assert_int_equal(cursor_left(&message.txt), 3);
	craft.size = question + 10;
	assert_true(read(&craft, false, &message));
	assert_null(message.txt.at);
	for (craft.size = 0; craft.size < question; craft.size++)
		assert_false(read(&craft, false, &message));
}

static void test_answer_that_is_no_text_is_passed_over(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;

	(void)state;
	craft_header(&craft, 0x8400, 1, 2, 0, 0);
	craft_question(&craft, "a", 16);
	craft_rr(&craft, 5, 1, 60, "\0", 1);
	craft_rr(&craft, 16, 1, 60, "\1x", 2);
	assert_true(read(&craft, false, &message));
	assert_null(message.txt.at);
}

static void test_response_may_have_no_question(void **state)
{
	struct craft craft = { .size = 0 };
	struct dns_message message;

	(void)state;
	craft_header(&craft, 0x8400, 0, 0, 0, 0);
	assert_true(read(&craft, false, &message));
	assert_int_equal(message.qdcount, 0);
	craft.at[5] = 1;
	assert_false(read(&craft, false, &message));
	assert_int_equal(message.flags, 0x8400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_is_read_field_by_field),
		cmocka_unit_test(test_query_ends_with_its_last_byte),
		cmocka_unit_test(test_short_header_has_no_id),
		cmocka_unit_test(test_every_announced_entry_must_be_there),
		cmocka_unit_test(test_smallest_entries_fill_a_message),
		cmocka_unit_test(test_first_of_two_questions_is_kept),
		cmocka_unit_test(test_longest_name_has_255_bytes),
		cmocka_unit_test(test_other_label_types_are_refused),
		cmocka_unit_test(test_name_follows_ten_pointers),
		cmocka_unit_test(test_a_known_rest_counts_as_if_it_were_walked),
		cmocka_unit_test(test_what_is_known_is_of_one_message),
		cmocka_unit_test(test_name_may_begin_with_labels_and_end_with_a_pointer),
		cmocka_unit_test(test_pointer_leads_anywhere_in_the_message),
		cmocka_unit_test(test_edns_size_is_that_of_the_opt),
		cmocka_unit_test(test_opt_counts_under_additional_only),
		cmocka_unit_test(test_first_fault_of_several_opts_stays),
		cmocka_unit_test(test_response_is_read_as_far_as_its_first_answer),
		cmocka_unit_test(test_answer_that_is_no_text_is_passed_over),
		cmocka_unit_test(test_response_may_have_no_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
