/* SPDX-License-Identifier: MIT */
/* The rules that a record from capture must pass, each of them broken */
#include "common/record_check.h"

#include "unit.h"

#define DOMAINS 3

static struct batch batch;

static const struct record quiet = { .kind = RECORD_QUERY,
				     .verdict = VERDICT_MALFORMED,
				     .domain = RECORD_NO_DOMAIN };

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
		batch.records[i] = quiet;
}

/* The same records in the first, a middle and the last place */
static const char *records_fault(const struct record *records, unsigned count)
{
	const unsigned places[] = { 0, 1, BATCH_RECORDS / 2, BATCH_RECORDS - count };
	const char *first = NULL;

	for (size_t i = 0; i < COUNT(places); i++) {
		struct batch_state state = { .sequence = 1 };
		const char *found;

		make();
		memcpy(&batch.records[places[i]], records, count * sizeof(*records));
		found = record_check_batch(&batch, sizeof(batch), DOMAINS, &state);
		if (i == 0)
			first = found;
		assert_ptr_equal(found, first);
	}
	return first;
}

static const char *record_fault(const struct record *record)
{
	return records_fault(record, 1);
}

static struct record accepted(void)
{
	return (struct record){ .client_id = "CLIENTID",
				.resolver = "resolver",
				.content = "content",
				.conv = UINT32_MAX,
				.una = UINT32_MAX,
				.interface = UINT32_MAX,
				.time_ms = UINT32_MAX,
				.port = UINT16_MAX,
				.dns_id = UINT16_MAX,
				.message_bytes = UINT16_MAX,
				.payload_bytes = UINT16_MAX,
				.edns_size = UINT16_MAX,
				.qname_bytes = UINT8_MAX,
				.kind = RECORD_QUERY,
				.flags = RECORD_FLAG_KCP | RECORD_FLAG_ECS | RECORD_FLAG_SN_0 };
}

static struct record accepted_response(void)
{
	struct record record = accepted();

	memset(record.content, 0, sizeof(record.content));
	record.edns_size = 0;
	record.qname_bytes = 0;
	record.kind = RECORD_RESPONSE;
	record.flags = RECORD_FLAG_KCP | RECORD_FLAG_SN_0 | RECORD_FLAG_TC | RECORD_FLAG_RCODE;
	return record;
}

static void test_kind_and_verdict_are_known(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		struct record record = accepted();

		record.kind = (uint8_t)value;
		assert_int_equal(record_fault(&record) == NULL, value == RECORD_QUERY);
		record = accepted_response();
		record.kind = (uint8_t)value;
		assert_int_equal(record_fault(&record) == NULL, value == RECORD_RESPONSE);
		if (value != RECORD_QUERY && value != RECORD_RESPONSE)
			assert_string_equal(record_fault(&record),
					    "kind of a record is out of range");
		for (unsigned domain = 0; domain < 256; domain += 255) {
			record = (struct record){ .kind = RECORD_RESPONSE,
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

		record.conv = record.una = 0;
		record.flags = (uint8_t)flags;
		assert_int_equal(record_fault(&record) == NULL,
				 (flags & 0x1f) == 0 && (flags & 0xa0) != RECORD_FLAG_SN_0);
		record = accepted_response();
		record.conv = record.una = 0;
		record.flags = (uint8_t)flags;
		assert_int_equal(record_fault(&record) == NULL,
				 (flags & 0x40) == 0 && (flags & 0xa0) != RECORD_FLAG_SN_0);
		record = (struct record){ .kind = RECORD_RESPONSE,
					  .verdict = VERDICT_QTYPE,
					  .flags = (uint8_t)flags };
		assert_int_equal(record_fault(&record) == NULL, (flags & 0xe0) == 0);
	}
}

static void test_header_of_kcp_needs_its_flag(void **state)
{
	static const size_t fields[][2] = {
		{ offsetof(struct record, conv), 4 },
		{ offsetof(struct record, una), 4 },
		{ offsetof(struct record, segments), 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		for (size_t at = 0; at < fields[i][1]; at++) {
			struct record record = accepted();

			record.conv = record.una = 0;
			record.flags = 0;
			assert_null(record_fault(&record));
			((uint8_t *)&record)[fields[i][0] + at] = 1;
			assert_string_equal(record_fault(&record),
					    "record without KCP has a header of it");
			record = accepted_response();
			record.conv = record.una = 0;
			record.flags = 0;
			assert_null(record_fault(&record));
			((uint8_t *)&record)[fields[i][0] + at] = 1;
			assert_string_equal(record_fault(&record),
					    "record without KCP has a header of it");
		}
	}
}

static void test_query_says_how_it_was_asked(void **state)
{
	struct record record = accepted();

	(void)state;
	for (unsigned size = 0; size <= 1024; size++) {
		record.edns_size = (uint16_t)size;
		assert_int_equal(record_fault(&record) == NULL, size >= 512);
	}
	for (unsigned bytes = 0; bytes < 256; bytes++) {
		record.qname_bytes = (uint8_t)bytes;
		assert_int_equal(record_fault(&record) == NULL, bytes > 0);
	}
	record.qname_bytes = 0;
	assert_string_equal(record_fault(&record), "query was asked with nothing");
}

static void test_nothing_else_does(void **state)
{
	struct record records[] = { accepted_response(), quiet, quiet };

	(void)state;
	records[2].kind = RECORD_RESPONSE;
	for (size_t i = 0; i < COUNT(records); i++) {
		struct record record = records[i];

		assert_null(record_fault(&record));
		record.edns_size = 512;
		assert_string_equal(record_fault(&record), "record has what a query is asked with");
		record.edns_size = 0;
		record.qname_bytes = 1;
		assert_string_equal(record_fault(&record), "record has what a query is asked with");
	}
}

static void test_response_has_no_content(void **state)
{
	(void)state;
	for (unsigned at = 0; at < sizeof(((struct record *)NULL)->content); at++) {
		struct record record = accepted_response();

		record.content[at] = 1;
		assert_string_equal(record_fault(&record), "response has what a client wrote");
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
		{ offsetof(struct record, content), 8 },
		{ offsetof(struct record, payload_bytes), 2 },
	};
	struct record record;

	(void)state;
	for (unsigned verdict = 1; verdict < VERDICTS; verdict++) {
		const struct record refused = {
			.resolver = "resolver",
			.interface = 1,
			.time_ms = 1,
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
		cmocka_unit_test(test_header_of_kcp_needs_its_flag),
		cmocka_unit_test(test_query_says_how_it_was_asked),
		cmocka_unit_test(test_nothing_else_does),
		cmocka_unit_test(test_response_has_no_content),
		cmocka_unit_test(test_payload_fits_into_its_message),
		cmocka_unit_test(test_refused_record_holds_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
