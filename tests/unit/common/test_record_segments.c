/* SPDX-License-Identifier: MIT */
/* The rules that the segments behind a message must pass, each of them broken */
#include "common/record_check.h"

#include "unit.h"

static struct batch batch;
static struct record *const message = &batch.records[1];

/* A message with so many segments between two without */
static void make(unsigned kind, unsigned segments)
{
	memset(&batch, 0, sizeof(batch));
	batch.header = (struct batch_header){
		.magic = BATCH_MAGIC, .version = BATCH_VERSION, .type = BATCH_TRAFFIC, .sequence = 1
	};
	batch.records[0] = (struct record){ .kind = (uint8_t)kind,
					    .message_bytes = 9000,
					    .payload_bytes = 8000,
					    .edns_size = kind == RECORD_QUERY ? 512 : 0,
					    .qname_bytes = kind == RECORD_QUERY,
					    .flags = RECORD_FLAG_KCP };
	*message = batch.records[0];
	message->segments = (uint8_t)segments;
	for (unsigned i = 0; i < segments; i++) {
		struct record *more = &message[1 + i / RECORD_SEGMENTS];

		more->kind = RECORD_MORE;
		more->segment[i % RECORD_SEGMENTS] =
			(struct segment){ .ts = UINT32_MAX,
					  .sn = UINT32_MAX,
					  .bytes = (uint16_t)(i % 2 ? 8000 : 0),
					  .command = i % 3 == 2 && kind == RECORD_QUERY
							     ? RECORD_KCP_ACK
							     : RECORD_KCP_PUSH };
	}
	message[record_of_message(message)] = batch.records[0];
	batch.header.count = (uint16_t)(2 + record_of_message(message));
}

static const char *fault(void)
{
	struct batch_state state = { .sequence = 1 };

	return record_check_batch(
		&batch, sizeof(batch.header) + batch.header.count * sizeof(*message), 1, &state);
}

static void test_five_segments_are_in_each_record(void **state)
{
	static const unsigned counts[][2] = { { 0, 1 },	 { 1, 2 },  { 5, 2 },	 { 6, 3 },
					      { 10, 3 }, { 11, 4 }, { 169, 35 }, { 170, 35 } };

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		for (unsigned kind = RECORD_QUERY; kind <= RECORD_RESPONSE; kind++) {
			make(kind, counts[i][0]);
			assert_int_equal(record_of_message(message), counts[i][1]);
			assert_null(fault());
		}
	}
	assert_int_equal(counts[COUNT(counts) - 1][0], RECORD_SEGMENTS_MAX);
	assert_int_equal(counts[COUNT(counts) - 1][1], RECORD_MESSAGE_MAX);
}

static void test_no_more_than_170_segments(void **state)
{
	(void)state;
	for (unsigned segments = RECORD_SEGMENTS_MAX + 1; segments < 256; segments++) {
		make(RECORD_RESPONSE, segments);
		assert_string_equal(fault(), "message has too many segments");
	}
}

static void test_batch_may_end_with_segments_and_not_before(void **state)
{
	(void)state;
	for (unsigned segments = 1; segments <= RECORD_SEGMENTS_MAX; segments++) {
		make(RECORD_QUERY, segments);
		batch.header.count--;
		assert_null(fault());
		while (--batch.header.count > 1)
			assert_string_equal(fault(), "message lacks its segments");
		assert_null(fault()); /* the message before it, alone */
	}
}

static void test_last_record_of_a_full_batch_is_no_message_with_segments(void **state)
{
	(void)state;
	make(RECORD_QUERY, 1);
	for (unsigned i = 1; i < BATCH_RECORDS; i++)
		batch.records[i] = batch.records[0];
	batch.header.count = BATCH_RECORDS;
	assert_null(fault());
	batch.records[BATCH_RECORDS - 1].segments = 1;
	assert_string_equal(fault(), "message lacks its segments");
}

static void test_segments_are_behind_a_message_that_has_them(void **state)
{
	(void)state;
	make(RECORD_QUERY, 7);
	batch.records[0] = message[1]; /* first in the batch */
	assert_string_equal(fault(), "kind of a record is out of range");
	make(RECORD_QUERY, 5);
	message->segments = 0; /* behind one without */
	assert_string_equal(fault(), "kind of a record is out of range");
	make(RECORD_QUERY, 6);
	message->segments = 5; /* one record more than it has */
	assert_string_equal(fault(), "kind of a record is out of range");
	make(RECORD_QUERY, 10);
	message[2] = batch.records[0]; /* one less */
	assert_string_equal(fault(), "message is not followed by its segments");
	make(RECORD_QUERY, 10);
	message[1] = batch.records[0];
	assert_string_equal(fault(), "message is not followed by its segments");
}

static void test_header_of_a_record_of_segments_is_empty(void **state)
{
	static const size_t fields[] = { offsetof(struct record, domain),
					 offsetof(struct record, verdict),
					 offsetof(struct record, flags) };

	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		for (unsigned record = 1; record <= 3; record++) {
			for (size_t i = 0; i < COUNT(fields); i++) {
				make(RECORD_QUERY, 12);
				((uint8_t *)&message[record])[fields[i]] = (uint8_t)value;
				assert_int_equal(fault() == NULL, value == 0);
			}
			make(RECORD_QUERY, 12);
			message[record].kind = (uint8_t)value;
			assert_int_equal(fault() == NULL, value == RECORD_MORE);
		}
	}
}

static void test_unused_places_are_empty(void **state)
{
	(void)state;
	for (unsigned segments = 6; segments < 10; segments++) {
		const size_t used = (segments - 5) * sizeof(struct segment);

		for (size_t at = used; at < offsetof(struct record, domain); at++) {
			make(RECORD_QUERY, segments);
			((uint8_t *)&message[2])[at] = 1;
			assert_string_equal(fault(), "unused segment is in use");
		}
	}
}

static void test_push_is_passed_on_and_ack_of_a_query(void **state)
{
	(void)state;
	for (unsigned command = 0; command < 256; command++) {
		const bool is_push = command == 81, is_ack = command == 82; /* kcp-go kcp.go */

		for (unsigned place = 0; place < 7; place++) {
			struct segment *segment;

			make(RECORD_QUERY, 7);
			segment = &message[1 + place / 5].segment[place % 5];
			segment->command = (uint8_t)command;
			assert_int_equal(fault() == NULL, is_push || is_ack);
			make(RECORD_RESPONSE, 7);
			segment->command = (uint8_t)command;
			assert_int_equal(fault() == NULL, is_push);
		}
	}
	make(RECORD_RESPONSE, 1);
	message[1].segment[0].command = RECORD_KCP_ACK;
	assert_string_equal(fault(), "segment is of another command");
}

static void test_segment_fits_into_its_message(void **state)
{
	(void)state;
	for (unsigned place = 0; place < 7; place++) {
		struct segment *segment;

		make(RECORD_QUERY, 7);
		segment = &message[1 + place / 5].segment[place % 5];
		segment->bytes = message->payload_bytes;
		assert_null(fault());
		segment->bytes++;
		assert_string_equal(fault(), "segment exceeds its message");
		segment->bytes = 0;
		for (unsigned bit = 0; bit < 8; bit++) {
			segment->reserved = (uint8_t)(1u << bit);
			assert_string_equal(fault(), "segment exceeds its message");
		}
	}
}

static void test_segments_need_kcp(void **state)
{
	(void)state;
	make(RECORD_RESPONSE, 3);
	message->flags = 0;
	assert_string_equal(fault(), "record without KCP has a header of it");
	make(RECORD_RESPONSE, 3);
	message->verdict = VERDICT_FRAMING;
	message->payload_bytes = 0;
	message->flags = 0;
	assert_string_equal(fault(), "record without KCP has a header of it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_segments_are_in_each_record),
		cmocka_unit_test(test_no_more_than_170_segments),
		cmocka_unit_test(test_batch_may_end_with_segments_and_not_before),
		cmocka_unit_test(test_last_record_of_a_full_batch_is_no_message_with_segments),
		cmocka_unit_test(test_segments_are_behind_a_message_that_has_them),
		cmocka_unit_test(test_header_of_a_record_of_segments_is_empty),
		cmocka_unit_test(test_unused_places_are_empty),
		cmocka_unit_test(test_push_is_passed_on_and_ack_of_a_query),
		cmocka_unit_test(test_segment_fits_into_its_message),
		cmocka_unit_test(test_segments_need_kcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
