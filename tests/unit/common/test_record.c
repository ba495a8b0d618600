/* SPDX-License-Identifier: MIT */
/* The rules that a message from capture must pass, each of them broken */
#include "common/record_check.h"

#include "unit.h"

#define DOMAINS 3

static struct batch batch;

/* A right message of a type with so many records, and its length: messages without segments, a
 * query and a response in turn
 */
static size_t make(unsigned type, unsigned count)
{
	static const size_t body[BATCH_TYPES] = {
		[BATCH_HELLO] = sizeof(struct hello), [BATCH_FAILURE] = sizeof(struct failure)
	};

	memset(&batch, 0, sizeof(batch));
	batch.header.magic = BATCH_MAGIC;
	batch.header.version = BATCH_VERSION;
	batch.header.type = (uint8_t)type;
	batch.header.count = (uint16_t)count;
	batch.header.sequence = type == BATCH_TRAFFIC;
	if (type == BATCH_FAILURE)
		batch.failure.stage = FAILURE_BIND;
	for (unsigned i = 0; i < count; i++) {
		const bool is_query = i % 2 == 0;

		batch.records[i] =
			(struct record){ .client_id = "CLIENTID",
					 .conv = i,
					 .una = i,
					 .time_ms = UINT32_MAX,
					 .message_bytes = 100,
					 .payload_bytes = 100,
					 .edns_size = is_query ? 512 : 0,
					 .qname_bytes = is_query,
					 .domain = (uint8_t)(i % DOMAINS),
					 .kind = is_query ? RECORD_QUERY : RECORD_RESPONSE,
					 .flags = RECORD_FLAG_KCP };
		memset(batch.records[i].content, is_query, sizeof(batch.records[i].content));
	}
	return sizeof(batch.header) + body[type] + count * sizeof(batch.records[0]);
}

static const char *fault_after(size_t bytes, uint64_t sequence)
{
	struct batch_state state = { .sequence = sequence };

	return record_check_batch(&batch, bytes, DOMAINS, &state);
}

/* What is wrong with the message; nothing may be remembered of one that is */
static const char *fault(size_t bytes)
{
	struct batch_state state = { .sequence = batch.header.type == BATCH_TRAFFIC };
	const struct batch_state before = state;
	const char *result = record_check_batch(&batch, bytes, DOMAINS, &state);

	if (result)
		assert_memory_equal(&state, &before, sizeof(state));
	else
		assert_int_equal(state.sequence, before.sequence + 1);
	return result;
}

static void test_right_messages_pass(void **state)
{
	(void)state;
	assert_null(fault(make(BATCH_HELLO, 0)));
	assert_null(fault(make(BATCH_FAILURE, 0)));
	assert_null(fault(make(BATCH_TRAFFIC, 0)));
	assert_null(fault(make(BATCH_TRAFFIC, 1)));
	assert_null(fault(make(BATCH_TRAFFIC, BATCH_RECORDS)));
}

static void test_length_is_what_the_header_says(void **state)
{
	(void)state;
	for (unsigned type = 1; type < BATCH_TYPES; type++) {
		for (unsigned count = 0; count <= (type == BATCH_TRAFFIC ? 3u : 0u); count++) {
			size_t right = make(type, count);

			for (size_t bytes = 0; bytes <= sizeof(batch); bytes++)
				assert_int_equal(fault(bytes) == NULL, bytes == right);
			assert_string_equal(fault(sizeof(batch.header) - 1),
					    "message is shorter than its header");
		}
	}
}

static void test_other_programs_and_types_are_refused(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		size_t bytes = make(BATCH_TRAFFIC, 1);

		batch.header.magic ^= 1u << bit;
		assert_string_equal(fault(bytes), "message is of another program or version");
	}
	for (unsigned value = 0; value < 256; value++) {
		size_t bytes = make(BATCH_TRAFFIC, 1);

		batch.header.version = (uint8_t)value;
		assert_int_equal(fault(bytes) == NULL, value == BATCH_VERSION);
		batch.header.version = BATCH_VERSION;
		batch.header.type = (uint8_t)value;
		assert_int_equal(fault_after(bytes, 1) == NULL, value == BATCH_TRAFFIC);
	}
}

static void test_only_traffic_has_records_and_not_too_many(void **state)
{
	(void)state;
	for (unsigned type = 1; type < BATCH_TYPES; type++) {
		for (unsigned count = 1; count < 65536; count++) {
			size_t bytes = make(type, 0);

			batch.header.count = (uint16_t)count;
			assert_non_null(fault(bytes));
			assert_non_null(fault(sizeof(batch)));
			if (type != BATCH_TRAFFIC)
				assert_string_equal(fault(bytes),
						    "message announces too many records");
		}
	}
	(void)make(BATCH_TRAFFIC, BATCH_RECORDS);
	batch.header.count++;
	assert_non_null(fault(sizeof(batch)));
	assert_non_null(fault(sizeof(batch) + sizeof(struct record)));
}

static void test_messages_come_in_sequence(void **state)
{
	struct batch_state sequence = { .sequence = 0 };

	(void)state;
	/* The hello is the first, and the only one */
	assert_non_null(fault_after(make(BATCH_HELLO, 0), 1));
	batch.header.sequence = 1;
	assert_non_null(fault_after(sizeof(batch.header) + sizeof(struct hello), 0));
	assert_string_equal(fault_after(sizeof(batch.header) + sizeof(struct hello), 1),
			    "message is not due in this state");
	/* Traffic never is the first */
	(void)make(BATCH_TRAFFIC, 0);
	batch.header.sequence = 0;
	assert_string_equal(fault_after(sizeof(batch.header), 0),
			    "message is not due in this state");
	/* A failure comes in the hello's place, or later */
	assert_null(fault_after(make(BATCH_FAILURE, 0), 0));
	batch.header.sequence = 7;
	assert_null(fault_after(sizeof(batch.header) + sizeof(struct failure), 7));

	assert_null(record_check_batch(&batch, make(BATCH_HELLO, 0), DOMAINS, &sequence));
	for (uint64_t i = 1; i < 10; i++) {
		size_t bytes = make(BATCH_TRAFFIC, 1);

		batch.header.sequence = i - 1;
		assert_non_null(record_check_batch(&batch, bytes, DOMAINS, &sequence));
		batch.header.sequence = i + 1;
		assert_non_null(record_check_batch(&batch, bytes, DOMAINS, &sequence));
		batch.header.sequence = i | UINT64_C(1) << 32;
		assert_non_null(record_check_batch(&batch, bytes, DOMAINS, &sequence));
		batch.header.sequence = i;
		assert_null(record_check_batch(&batch, bytes, DOMAINS, &sequence));
	}
}

static void test_counters_only_grow(void **state)
{
	static const size_t counters[] = { offsetof(struct batch_header, packets),
					   offsetof(struct batch_header, ring_drops),
					   offsetof(struct batch_header, stalls) };

	(void)state;
	for (size_t i = 0; i < COUNT(counters); i++) {
		struct batch_state sequence = { .sequence = 1 };
		uint64_t value = UINT64_C(5) << 32;
		size_t bytes = make(BATCH_TRAFFIC, 0);

		memcpy((uint8_t *)&batch.header + counters[i], &value, sizeof(value));
		assert_null(record_check_batch(&batch, bytes, DOMAINS, &sequence));
		batch.header.sequence++;
		assert_null(
			record_check_batch(&batch, bytes, DOMAINS, &sequence)); /* it may stay */
		batch.header.sequence++;
		value--;
		memcpy((uint8_t *)&batch.header + counters[i], &value, sizeof(value));
		assert_string_equal(record_check_batch(&batch, bytes, DOMAINS, &sequence),
				    "counter of a message runs backwards");
		value = 0;
		memcpy((uint8_t *)&batch.header + counters[i], &value, sizeof(value));
		assert_non_null(record_check_batch(&batch, bytes, DOMAINS, &sequence));
	}
}

static void test_state_holds_the_latest_counters(void **state)
{
	struct batch_state sequence = { .sequence = 1 };

	(void)state;
	(void)make(BATCH_TRAFFIC, 0);
	batch.header.packets = 11;
	batch.header.ring_drops = 22;
	batch.header.stalls = 33;
	assert_null(record_check_batch(&batch, sizeof(batch.header), DOMAINS, &sequence));
	assert_int_equal(sequence.sequence, 2);
	assert_int_equal(sequence.packets, 11);
	assert_int_equal(sequence.ring_drops, 22);
	assert_int_equal(sequence.stalls, 33);
}

static void test_reserved_bytes_are_zero(void **state)
{
	const size_t reserved = offsetof(struct batch_header, reserved);

	(void)state;
	for (size_t at = reserved; at < sizeof(struct batch_header); at++) {
		size_t bytes = make(BATCH_TRAFFIC, 1);

		((uint8_t *)&batch.header)[at] = 0x80;
		assert_string_equal(fault(bytes), "reserved field of a message is in use");
	}
}

static void test_hello_has_no_unknown_bits(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		size_t bytes = make(BATCH_HELLO, 0);

		batch.hello.ring_bytes = batch.hello.landlock_abi = 1u << bit;
		assert_null(fault(bytes));
		batch.hello.sealed = 1u << bit;
		assert_int_equal(fault(bytes) == NULL, bit == 0);
		bytes = make(BATCH_HELLO, 0);
		batch.hello.cuts = 1u << bit;
		assert_int_equal(fault(bytes) == NULL, bit == 0);
	}
}

static void test_failure_has_a_stage(void **state)
{
	(void)state;
	for (uint32_t stage = 0; stage < 300; stage++) {
		size_t bytes = make(BATCH_FAILURE, 0);

		batch.failure.stage = stage;
		batch.failure.error = stage * 12345;
		assert_int_equal(fault(bytes) == NULL, stage >= 1 && stage < FAILURE_STAGES);
		batch.failure.stage = 1 | stage << 20;
		assert_int_equal(fault(bytes) == NULL, stage << 20 == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_messages_pass),
		cmocka_unit_test(test_length_is_what_the_header_says),
		cmocka_unit_test(test_other_programs_and_types_are_refused),
		cmocka_unit_test(test_only_traffic_has_records_and_not_too_many),
		cmocka_unit_test(test_messages_come_in_sequence),
		cmocka_unit_test(test_counters_only_grow),
		cmocka_unit_test(test_state_holds_the_latest_counters),
		cmocka_unit_test(test_reserved_bytes_are_zero),
		cmocka_unit_test(test_hello_has_no_unknown_bits),
		cmocka_unit_test(test_failure_has_a_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
