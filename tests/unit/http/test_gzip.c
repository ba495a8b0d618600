/* SPDX-License-Identifier: MIT */
/* Compression piece by piece, and in the text's own place */
#include "http/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/table.h"
#include "unit.h"

#define GUARD 0xa5

static struct gzip *gzip;

static int set_up(void **state)
{
	(void)state;
	return gzip_make(&gzip);
}

static int tear_down(void **state)
{
	(void)state;
	gzip_free(gzip);
	return 0;
}

static void assert_inflates_to(const uint8_t *compressed, size_t bytes, const uint8_t *wanted,
			       size_t wanted_bytes)
{
	uint8_t *out = malloc(wanted_bytes + 1);
	z_stream stream = { 0 };

	assert_non_null(out);
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (uint8_t *)(uintptr_t)compressed;
	stream.avail_in = (unsigned)bytes;
	stream.next_out = out;
	stream.avail_out = (unsigned)wanted_bytes + 1;
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	assert_int_equal(stream.total_out, wanted_bytes);
	assert_memory_equal(out, wanted, wanted_bytes);
	inflateEnd(&stream);
	free(out);
}

static void fill(uint8_t *text, size_t bytes, bool is_random)
{
	for (size_t i = 0; i < bytes; i++)
		text[i] = (uint8_t)(is_random ? random() : "dnstt_queries_total 1\n"[i % 22]);
}

/* At the end of a buffer that gzip_bound() says is enough, with a guard on both sides of it */
static void in_place(size_t bytes, size_t piece, bool is_random)
{
	size_t room = gzip_bound(gzip, bytes), ready = 0, before = 0;
	uint8_t *guarded = malloc(room + 2), *buffer = guarded + 1;
	uint8_t *text = malloc(bytes + 1), *sent = malloc(room);
	int more;

	assert_true(guarded && text && sent);
	fill(text, bytes, is_random);
	guarded[0] = buffer[room] = GUARD;
	memcpy(buffer + room - bytes, text, bytes);
	gzip_begin(gzip, buffer + room - bytes, bytes, buffer, room);
	do {
		more = gzip_more(gzip, piece, &ready);
		assert_in_range(more, 0, 1);
		assert_in_range(ready, before, room);
		memcpy(sent + before, buffer + before, ready - before);
		before = ready;
	} while (more);
	assert_int_equal(guarded[0], GUARD);
	assert_int_equal(buffer[room], GUARD);
	assert_inflates_to(sent, ready, text, bytes);
	free(guarded);
	free(text);
	free(sent);
}

static void test_a_text_is_compressed_in_its_own_place(void **state)
{
	static const size_t sizes[] = { 1, 100, 65536, 300001, 3000003 };
	static const size_t pieces[] = { 7, 4096, 65536, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < COUNT(pieces); j++) {
			if (sizes[i] / pieces[j] > 100000)
				continue;
			in_place(sizes[i], pieces[j], false);
			in_place(sizes[i], pieces[j], true);
		}
}

static void test_a_text_that_was_left_leaves_nothing_to_the_next(void **state)
{
	static uint8_t text[200000], out[210000];
	size_t ready;

	(void)state;
	fill(text, sizeof(text), true);
	gzip_begin(gzip, text, sizeof(text), out, sizeof(out));
	assert_int_equal(gzip_more(gzip, 150000, &ready), 1);
	in_place(100, SIZE_MAX, false);
}

static void test_too_little_room_is_told_and_not_exceeded(void **state)
{
	static uint8_t text[100000], out[60001];
	size_t ready = 77;

	(void)state;
	fill(text, sizeof(text), true);
	out[60000] = GUARD;
	gzip_begin(gzip, text, sizeof(text), out, 60000);
	assert_int_equal(gzip_more(gzip, SIZE_MAX, &ready), -ENOBUFS);
	assert_int_equal(ready, 77);
	assert_int_equal(out[60000], GUARD);
}

static void test_many_that_wait_take_no_memory(void **state)
{
	const long before = unit_resident(), most = (4 << 20) / sysconf(_SC_PAGESIZE);
	struct gzip *many[64];
	bool is_little;

	(void)state;
	for (unsigned i = 0; i < COUNT(many); i++)
		assert_int_equal(gzip_make(&many[i]), 0);
	is_little = unit_resident() - before < most;
	for (unsigned i = 0; i < COUNT(many); i++)
		gzip_free(many[i]);
	assert_true(is_little || TABLE_IS_WATCHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_text_is_compressed_in_its_own_place),
		cmocka_unit_test(test_a_text_that_was_left_leaves_nothing_to_the_next),
		cmocka_unit_test(test_too_little_room_is_told_and_not_exceeded),
		cmocka_unit_test(test_many_that_wait_take_no_memory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
