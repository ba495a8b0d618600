/* SPDX-License-Identifier: MIT */
/* The rules that a record from capture must pass, each of them broken */
#include "common/record.h"

#include "unit.h"

#define DOMAINS 3

static struct batch batch;

/* A full batch of right records */
static void make(void)
{
	memset(&batch, 0, sizeof(batch));
	batch.header.magic = BATCH_MAGIC;
	batch.header.version = BATCH_VERSION;
	batch.header.type = BATCH_TRAFFIC;
	batch.header.count = BATCH_RECORDS;
	batch.header.sequence = 1;
	for (unsigned i = 0; i < BATCH_RECORDS; i++)
		batch.records[i] = (struct record){ .kind = RECORD_QUERY };
}

/* The same record in the first, a middle and the last place */
static const char *record_fault(const struct record *record)
{
	static const unsigned places[] = { 0, 1, BATCH_RECORDS / 2, BATCH_RECORDS - 1 };
	const char *first = NULL;

	for (size_t i = 0; i < COUNT(places); i++) {
		struct batch_state state = { .sequence = 1 };
		const char *found;

		make();
		batch.records[places[i]] = *record;
		found = record_batch_fault(&batch, sizeof(batch), DOMAINS, &state);
		if (i == 0)
			first = found;
		assert_ptr_equal(found, first);
	}
	return first;
}

static struct record accepted(void)
{
	return (struct record){ .client_id = "CLIENTID",
				.resolver = "resolver",
				.head = "head",
				.nonce = "no",
				.interface = UINT32_MAX,
				.port = UINT16_MAX,
				.dns_id = UINT16_MAX,
				.message_bytes = UINT16_MAX,
				.payload_bytes = UINT16_MAX,
				.kind = RECORD_QUERY,
				.flags = RECORD_FLAG_KCP | RECORD_FLAG_ECS };
}

static void test_kind_and_verdict_are_known(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		struct record record = accepted();

		record.flags = 0;
		record.kind = (uint8_t)value;
		assert_int_equal(record_fault(&record) == NULL,
				 value == RECORD_QUERY || value == RECORD_RESPONSE);
		for (unsigned domain = 0; domain < 256; domain += 255) {
			record = (struct record){ .kind = RECORD_QUERY,
						  .domain = (uint8_t)domain,
						  .verdict = (uint8_t)value };
			/* A domain is named from the rule on that looks for it */
			assert_int_equal(record_fault(&record) == NULL,
					 value < VERDICTS &&
						 (domain == 0) ==
							 (value == 0 || value > VERDICT_DOMAIN));
		}
	}
}

static void test_domain_is_a_configured_one(void **state)
{
	(void)state;
	for (unsigned domain = 0; domain < 256; domain++) {
		struct record record = accepted();

		record.domain = (uint8_t)domain;
		assert_int_equal(record_fault(&record) == NULL, domain < DOMAINS);
		record = (struct record){ .kind = RECORD_QUERY, .verdict = VERDICT_QTYPE };
		record.domain = (uint8_t)domain;
		assert_int_equal(record_fault(&record) == NULL, domain < DOMAINS);
		record.verdict = VERDICT_DOMAIN;
		assert_int_equal(record_fault(&record) == NULL, domain == RECORD_NO_DOMAIN);
	}
}

static void test_flags_fit_the_kind(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		struct record record = accepted();

		record.flags = (uint8_t)flags;
		assert_int_equal(record_fault(&record) == NULL, (flags & 0x9f) == 0);
		record.kind = RECORD_RESPONSE;
		assert_int_equal(record_fault(&record) == NULL, (flags & 0xc0) == 0);
		record = (struct record){ .kind = RECORD_RESPONSE,
					  .verdict = VERDICT_QTYPE,
					  .flags = (uint8_t)flags };
		assert_int_equal(record_fault(&record) == NULL, (flags & 0xe0) == 0);
	}
}

static void test_payload_fits_into_its_message(void **state)
{
	struct record record = accepted();

	(void)state;
	for (unsigned bytes = 0; bytes < 300; bytes++) {
		record.message_bytes = (uint16_t)bytes;
		record.payload_bytes = (uint16_t)bytes;
		assert_null(record_fault(&record));
		record.payload_bytes++;
		assert_string_equal(record_fault(&record),
				    "payload of a record exceeds its message");
	}
}

static void test_refused_record_holds_no_session(void **state)
{
	static const size_t fields[][2] = {
		{ offsetof(struct record, client_id), RECORD_ID_BYTES },
		{ offsetof(struct record, head), RECORD_HEAD_BYTES },
		{ offsetof(struct record, nonce), 2 },
		{ offsetof(struct record, payload_bytes), 2 },
	};
	struct record record;

	(void)state;
	for (unsigned verdict = 1; verdict < VERDICTS; verdict++) {
		const struct record refused = {
			.resolver = "resolver",
			.interface = 1,
			.port = 1,
			.dns_id = 1,
			.message_bytes = UINT16_MAX,
			.domain = verdict > VERDICT_DOMAIN ? 0 : RECORD_NO_DOMAIN,
			.kind = RECORD_QUERY,
			.verdict = (uint8_t)verdict,
		};

		assert_null(record_fault(&refused));
		for (size_t i = 0; i < COUNT(fields); i++) {
			for (size_t at = 0; at < fields[i][1]; at++) {
				record = refused;
				((uint8_t *)&record)[fields[i][0] + at] = 1;
				assert_string_equal(record_fault(&record),
						    "refused record holds a session");
			}
		}
		record = refused;
		record.flags = RECORD_FLAG_ECS;
		assert_string_equal(record_fault(&record), "refused record holds a session");
		record.flags = RECORD_FLAG_KCP;
		assert_string_equal(record_fault(&record), "refused record holds a session");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind_and_verdict_are_known),
		cmocka_unit_test(test_domain_is_a_configured_one),
		cmocka_unit_test(test_flags_fit_the_kind),
		cmocka_unit_test(test_payload_fits_into_its_message),
		cmocka_unit_test(test_refused_record_holds_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
