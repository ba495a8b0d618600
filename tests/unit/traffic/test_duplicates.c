/* SPDX-License-Identifier: MIT */
/* One packet on two interfaces counts once; a query that is sent again counts again */
#include "traffic/duplicates.h"

#include "record_craft.h"
#include "unit.h"

#define MS    UINT64_C(1000000)
#define START (1000000 * MS)

/* As good as random: what is hashed after the ClientID rests on it */
static const struct hash_key key = { 0x1b873593cc9e2d51, 0x85ebca6bc2b2ae35 };
static struct duplicates sights;

static int set_up(void **state)
{
	(void)state;
	return duplicates_open(&sights, &key);
}

static int tear_down(void **state)
{
	(void)state;
	duplicates_close(&sights);
	return 0;
}

static enum sight_verdict see(const struct record *record, unsigned interface, uint64_t ms)
{
	struct sight_hash hash;
	uint64_t id;

	memcpy(&id, record->client_id, sizeof(id));
	hash = duplicates_hash(&sights, record, hash_words(&key, id, record->domain));
	return duplicates_see(&sights, &hash, interface, START + ms * MS);
}

static void test_same_packet_on_another_interface_is_a_duplicate(void **state)
{
	struct record query = record_query("alice", 1), response = record_response(&query);
	struct record refused = record_refused(VERDICT_QTYPE, 77);

	(void)state;
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&query, 2, 0), SIGHT_DUPLICATE);
	assert_int_equal(see(&query, 3, 149), SIGHT_DUPLICATE);
	assert_int_equal(see(&response, 2, 150), SIGHT_FIRST);
	assert_int_equal(see(&response, 1, 150), SIGHT_DUPLICATE);
	assert_int_equal(see(&refused, 1, 200), SIGHT_FIRST);
	assert_int_equal(see(&refused, 2, 201), SIGHT_DUPLICATE);
}

static void test_interfaces_are_told_apart_by_all_their_bits(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		struct record query = record_query("alice", bit);

		assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
		assert_int_equal(see(&query, 1 ^ 1u << bit, 0), SIGHT_DUPLICATE);
	}
}

static void test_duplicates_come_within_a_moment(void **state)
{
	(void)state;
	for (unsigned ms = 148; ms <= 152; ms++) {
		struct record query = record_query("alice", ms);

		assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
		assert_int_equal(see(&query, 2, ms),
				 ms <= 150 ? SIGHT_DUPLICATE : SIGHT_RETRANSMITTED);
	}
}

static void test_query_that_comes_again_is_a_retransmission(void **state)
{
	struct record query = record_query("alice", 1), again = query;

	(void)state;
	again.dns_id++;
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&again, 1, 100), SIGHT_RETRANSMITTED);
	again.port++;
	assert_int_equal(see(&again, 1, 400), SIGHT_RETRANSMITTED);
	/* By another resolver, and on another interface too */
	record_from(&again, "89.160.20.112");
	assert_int_equal(see(&again, 2, 401), SIGHT_RETRANSMITTED);
	/* To the last bit the same, where it was seen before */
	assert_int_equal(see(&query, 1, 402), SIGHT_RETRANSMITTED);
	assert_int_equal(see(&query, 1, 10402), SIGHT_RETRANSMITTED);
	assert_int_equal(see(&query, 1, 30000), SIGHT_STALE);
	assert_int_equal(see(&query, 1, 30001), SIGHT_RETRANSMITTED);
}

static void test_retransmissions_have_duplicates_in_any_order(void **state)
{
	struct record query = record_query("alice", 1), again = query;

	(void)state;
	again.dns_id++;
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&query, 2, 0), SIGHT_DUPLICATE);
	assert_int_equal(see(&again, 1, 10), SIGHT_RETRANSMITTED);
	assert_int_equal(see(&again, 2, 10), SIGHT_DUPLICATE);

	query = record_query("bob", 2);
	again = query;
	again.dns_id++;
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&again, 1, 10), SIGHT_RETRANSMITTED);
	assert_int_equal(see(&query, 2, 11), SIGHT_DUPLICATE);
	assert_int_equal(see(&again, 2, 11), SIGHT_DUPLICATE);

	/* The same packet twice, each on two interfaces */
	query = record_query("carol", 3);
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&query, 1, 1), SIGHT_RETRANSMITTED);
	assert_int_equal(see(&query, 2, 2), SIGHT_DUPLICATE);
	assert_int_equal(see(&query, 2, 3), SIGHT_DUPLICATE);
}

/* What the client wrote tells queries apart, what a resolver chose does not */
static void test_every_field_that_a_client_writes_counts(void **state)
{
	static const size_t written[][2] = {
		{ offsetof(struct record, client_id), RECORD_ID_BYTES },
		{ offsetof(struct record, content), 8 },
		{ offsetof(struct record, domain), 1 },
	};
	struct record query = record_query("alice", 1);
	uint8_t change = 0;

	(void)state;
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	for (size_t i = 0; i < COUNT(written); i++) {
		for (size_t at = 0; at < written[i][1]; at++) {
			struct record other = query;

			((uint8_t *)&other)[written[i][0] + at] ^= ++change;
			assert_int_equal(see(&other, 1, 1), SIGHT_FIRST);
		}
	}
}

static void test_every_field_of_a_packet_tells_it_from_a_duplicate(void **state)
{
	static const size_t sent[][2] = {
		{ offsetof(struct record, resolver), 16 },
		{ offsetof(struct record, port), 2 },
		{ offsetof(struct record, dns_id), 2 },
		{ offsetof(struct record, message_bytes), 2 },
	};

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct record record = record_query("alice", 1);

		if (kind == 1)
			record = record_response(&record);
		if (kind == 2)
			record = record_refused(VERDICT_QTYPE, 5);
		assert_int_equal(see(&record, 1, 0), SIGHT_FIRST);
		for (size_t i = 0; i < COUNT(sent); i++) {
			for (size_t at = 0; at < sent[i][1]; at++) {
				struct record other = record;

				((uint8_t *)&other)[sent[i][0] + at] ^= 0x10;
				assert_int_not_equal(see(&other, 2, 1), SIGHT_DUPLICATE);
			}
		}
	}
}

static void test_response_is_no_duplicate_of_a_query(void **state)
{
	struct record query = record_refused(VERDICT_QTYPE, 5), response = query;

	(void)state;
	response.kind = RECORD_RESPONSE;
	assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&response, 2, 0), SIGHT_FIRST);
}

static void test_refused_query_that_comes_again_is_a_first_one_if_it_differs(void **state)
{
	struct record refused = record_refused(VERDICT_QTYPE, 1), again = refused;

	(void)state;
	again.dns_id++;
	assert_int_equal(see(&refused, 1, 0), SIGHT_FIRST);
	assert_int_equal(see(&again, 1, 1), SIGHT_FIRST);
	again = refused;
	again.verdict = VERDICT_OPCODE;
	assert_int_equal(see(&again, 2, 1), SIGHT_FIRST);
}

/* How many of the queries [first, end) are known as duplicates */
static unsigned duplicates(unsigned first, unsigned end, uint64_t ms)
{
	unsigned count = 0;

	for (unsigned sn = first; sn < end; sn++) {
		struct record query = record_query("alice", sn);

		count += see(&query, 2, ms) == SIGHT_DUPLICATE;
	}
	return count;
}

static void test_ten_thousand_queries_in_a_moment_are_told_apart(void **state)
{
	(void)state;
	for (unsigned sn = 0; sn < 10000; sn++) {
		struct record query = record_query("alice", sn);

		assert_int_equal(see(&query, 1, sn / 100), SIGHT_FIRST);
	}
	/* Of five that meet in the four places of a set, each pushes out the next */
	assert_in_range(duplicates(0, 10000, 100), 9900, 10000);
}

static void test_full_table_keeps_the_latest(void **state)
{
	(void)state;
	for (unsigned sn = 0; sn < 300000; sn++) {
		struct record query = record_query("alice", sn);

		assert_int_equal(see(&query, 1, sn / 3000), SIGHT_FIRST);
	}
	assert_in_range(duplicates(290000, 300000, 100), 9900, 10000);
	assert_int_equal(duplicates(0, 10000, 100), 0);
}

/* Hashes of messages that meet in one set, which has places for four */
static enum sight_verdict see_in_set(uint64_t message, uint32_t packet, unsigned interface,
				     uint64_t ms)
{
	const struct sight_hash hash = { message << 34, packet };

	return duplicates_see(&sights, &hash, interface, START + ms * MS);
}

static void test_packet_that_comes_again_takes_no_other_place(void **state)
{
	(void)state;
	for (unsigned message = 1; message <= 4; message++)
		assert_int_equal(see_in_set(message, message, 1, message), SIGHT_FIRST);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(see_in_set(4, 4, 1, 10 + i), SIGHT_RETRANSMITTED);
	for (unsigned message = 1; message <= 4; message++)
		assert_int_equal(see_in_set(message, message, 2, 30), SIGHT_DUPLICATE);
}

static void test_fifth_message_takes_the_place_of_the_oldest(void **state)
{
	static const unsigned order[] = { 3, 1, 4, 2 };

	(void)state;
	for (unsigned i = 0; i < COUNT(order); i++)
		assert_int_equal(see_in_set(order[i], 0, 1, i), SIGHT_FIRST);
	assert_int_equal(see_in_set(3, 0, 1, 5), SIGHT_RETRANSMITTED);
	assert_int_equal(see_in_set(9, 0, 1, 6), SIGHT_FIRST); /* and 1 is forgotten */
	for (unsigned message = 2; message <= 4; message++)
		assert_int_equal(see_in_set(message, 0, 2, 7), SIGHT_DUPLICATE);
	assert_int_equal(see_in_set(1, 0, 2, 8), SIGHT_FIRST);
}

/* They are of use for a moment only: a query is known again after a second of many of them */
static void test_what_is_never_sent_again_makes_room_first(void **state)
{
	unsigned known = 0;

	(void)state;
	for (unsigned sn = 0; sn < 1000; sn++) {
		struct record query = record_query("alice", sn);

		assert_int_equal(see(&query, 1, 0), SIGHT_FIRST);
	}
	for (unsigned i = 0; i < 200000; i++) {
		struct record refused = record_refused(VERDICT_QTYPE, i);

		refused.port = (uint16_t)(i >> 16);
		assert_int_equal(see(&refused, 1, i / 40), SIGHT_FIRST);
	}
	for (unsigned sn = 0; sn < 1000; sn++) {
		struct record query = record_query("alice", sn);

		query.dns_id++;
		known += see(&query, 1, 5000) == SIGHT_RETRANSMITTED;
	}
	assert_in_range(known, 980, 1000);
}

#define WITH_SIGHTS(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SIGHTS(test_same_packet_on_another_interface_is_a_duplicate),
		WITH_SIGHTS(test_interfaces_are_told_apart_by_all_their_bits),
		WITH_SIGHTS(test_duplicates_come_within_a_moment),
		WITH_SIGHTS(test_query_that_comes_again_is_a_retransmission),
		WITH_SIGHTS(test_retransmissions_have_duplicates_in_any_order),
		WITH_SIGHTS(test_every_field_that_a_client_writes_counts),
		WITH_SIGHTS(test_every_field_of_a_packet_tells_it_from_a_duplicate),
		WITH_SIGHTS(test_response_is_no_duplicate_of_a_query),
		WITH_SIGHTS(test_refused_query_that_comes_again_is_a_first_one_if_it_differs),
		WITH_SIGHTS(test_ten_thousand_queries_in_a_moment_are_told_apart),
		WITH_SIGHTS(test_full_table_keeps_the_latest),
		WITH_SIGHTS(test_packet_that_comes_again_takes_no_other_place),
		WITH_SIGHTS(test_fifth_message_takes_the_place_of_the_oldest),
		WITH_SIGHTS(test_what_is_never_sent_again_makes_room_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
