/* SPDX-License-Identifier: MIT */
/* Accept and Accept-Encoding as clients send them, and gzip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <zlib.h>

#include "http/gzip.h"
#include "http/negotiate.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static enum exposition_format format(const char *accept)
{
	return negotiate_format(&accept, 1);
}

static bool gzip(const char *encoding)
{
	return negotiate_gzip(&encoding, 1);
}

static void test_prometheus_gets_openmetrics(void **state)
{
	static const char *const sent[] = {
		/* 2.42, captured */
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		"version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		/* 2.42 with native histograms, captured */
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
		"delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/"
		"openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		/* 3.x */
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
		"openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-"
		"8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(sent); i++)
		assert_int_equal(format(sent[i]), OPENMETRICS_1_0_0);
}

static void test_prometheus_set_to_text_gets_text(void **state)
{
	(void)state;
	assert_int_equal(format("text/plain;version=0.0.4;q=0.6,*/*;q=0.5"), TEXT_0_0_4);
	/* 3.x, scrape_protocols: [PrometheusText1.0.0, PrometheusText0.0.4] */
	assert_int_equal(format("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,"
				"text/plain;version=0.0.4;q=0.5,*/*;q=0.4"),
			 TEXT_0_0_4);
}

static void test_openmetrics_0_0_1_is_not_answered_with_1_0_0(void **state)
{
	(void)state;
	/* Prometheus 2.5 to 2.22 */
	assert_int_equal(format("application/openmetrics-text; version=0.0.1,"
				"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
			 TEXT_0_0_4);
	assert_int_equal(format("application/openmetrics-text;version=0.0.1"), TEXT_0_0_4);
	assert_int_equal(format("application/openmetrics-text;version=2.0.0"), TEXT_0_0_4);
}

static void test_any_version_of_a_type_is_that_type(void **state)
{
	(void)state;
	assert_int_equal(format("application/openmetrics-text"), OPENMETRICS_1_0_0);
	assert_int_equal(format("application/openmetrics-text,text/plain;q=0.9"),
			 OPENMETRICS_1_0_0);
	assert_int_equal(format("text/plain,application/openmetrics-text;q=0.9"), TEXT_0_0_4);
}

static void test_what_nobody_asked_for_is_text(void **state)
{
	static const char *const sent[] = {
		"",
		" ",
		",,,",
		";;;",
		"*/*",
		"text/html",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"text/plain;q=0",
		"*/*;q=0",
		"application/openmetrics-text;version=1.0.0;q=0",
		"application/openmetrics-text;version=1.0.0;q=nonsense",
		"application/openmetrics-text;version=1.0.0;q=",
		"application/openmetrics-text;version=1.0.0;q=2",
		"application/openmetrics-text;version=1.0.0;q=-1",
		"application/openmetrics-text;version=1.0.0;q=1.001",
		"application/openmetrics-text;version=\"1.0.0",
		"application/openmetrics-textual",
		"application/openmetrics",
	};

	(void)state;
	assert_int_equal(negotiate_format(NULL, 0), TEXT_0_0_4);
	for (unsigned i = 0; i < COUNT(sent); i++)
		assert_int_equal(format(sent[i]), TEXT_0_0_4);
}

static void test_quality_is_compared_to_the_third_digit(void **state)
{
	(void)state;
	assert_int_equal(format("text/plain;q=0.500,application/openmetrics-text;q=0.501"),
			 OPENMETRICS_1_0_0);
	assert_int_equal(format("text/plain;q=0.501,application/openmetrics-text;q=0.5"),
			 TEXT_0_0_4);
	assert_int_equal(format("text/plain;q=0.999,application/openmetrics-text;q=1.000"),
			 OPENMETRICS_1_0_0);
	assert_int_equal(format("text/plain;q=0.2,application/openmetrics-text;q=0.30000000"),
			 OPENMETRICS_1_0_0);
}

static void test_zero_takes_a_format_out_of_a_wildcard(void **state)
{
	(void)state;
	assert_int_equal(format("text/plain;q=0,*/*"), OPENMETRICS_1_0_0);
	assert_int_equal(format("*/*, text/plain;q=0"), OPENMETRICS_1_0_0);
	assert_int_equal(format("text/*;q=0,*/*;q=0.1"), OPENMETRICS_1_0_0);
	assert_int_equal(format("application/openmetrics-text;q=0,*/*"), TEXT_0_0_4);
}

static void test_the_more_specific_range_counts(void **state)
{
	(void)state;
	assert_int_equal(format("text/plain;q=0.9,text/plain;version=0.0.4;q=0.1,"
				"application/openmetrics-text;q=0.5"),
			 OPENMETRICS_1_0_0);
	assert_int_equal(format("application/*;q=0.9,text/*;q=0.5"), OPENMETRICS_1_0_0);
	assert_int_equal(format("application/*"), OPENMETRICS_1_0_0);
	assert_int_equal(format("text/*,application/*"), TEXT_0_0_4);
}

static void test_of_equals_the_first_named_counts(void **state)
{
	(void)state;
	assert_int_equal(format("text/plain,application/openmetrics-text"), TEXT_0_0_4);
	assert_int_equal(format("application/openmetrics-text,text/plain"), OPENMETRICS_1_0_0);
	assert_int_equal(format("*/*,application/openmetrics-text"), OPENMETRICS_1_0_0);
}

static void test_case_spaces_order_and_quotes_do_not_matter(void **state)
{
	static const char *const sent[] = {
		"APPLICATION/OpenMetrics-Text;VERSION=1.0.0",
		"application/openmetrics-text;q=1;version=1.0.0",
		"\t application/openmetrics-text \t;\t version=1.0.0 ; q=0.7 ,text/plain;q=0.6",
		"application/openmetrics-text;version=\"1.0.0\"",
		"application/openmetrics-text;x=\"a,b;q=0\\\",\";version=1.0.0",
		"application/openmetrics-text;charset=utf-8;version=1.0.0;escaping=underscores",
		"application/openmetrics-text;flag;version=1.0.0",
		",,application/openmetrics-text,",
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(sent); i++)
		assert_int_equal(format(sent[i]), OPENMETRICS_1_0_0);
}

static void test_several_headers_are_one_list(void **state)
{
	const char *const accept[] = { "text/plain;q=0.5", "application/openmetrics-text;q=0.6" };
	const char *const equal[] = { "text/plain", "application/openmetrics-text" };

	(void)state;
	assert_int_equal(negotiate_format(accept, 2), OPENMETRICS_1_0_0);
	assert_int_equal(negotiate_format(accept, 1), TEXT_0_0_4);
	assert_int_equal(negotiate_format(equal, 2), TEXT_0_0_4);
}

static void test_a_huge_header_is_read_to_its_end(void **state)
{
	static const char last[] = "application/openmetrics-text";
	const size_t bytes = 1 << 20;
	char *accept = malloc(bytes + sizeof(last));

	(void)state;
	assert_non_null(accept);
	memset(accept, ',', bytes);
	memcpy(accept + bytes, last, sizeof(last));
	assert_int_equal(format(accept), OPENMETRICS_1_0_0);
	memset(accept, ';', bytes);
	accept[bytes - 1] = ',';
	assert_int_equal(format(accept), OPENMETRICS_1_0_0);
	memset(accept, '"', bytes);
	accept[bytes - 1] = ',';
	assert_int_equal(format(accept), TEXT_0_0_4); /* the comma is inside of a quoted string */
	accept[0] = ' ';
	assert_int_equal(format(accept), OPENMETRICS_1_0_0);
	free(accept);
}

static void test_gzip_is_used_when_it_is_allowed(void **state)
{
	static const char *const yes[] = {
		"gzip",
		"GZIP",
		"x-gzip",
		"gzip, deflate, br",
		"deflate;q=1, gzip;q=0.1",
		"*",
		"identity,*",
		"gzip;q=1.0, identity;q=0.5",
		"*;q=0, gzip;q=0.001",
	};
	static const char *const no[] = {
		"",
		"identity",
		"deflate",
		"gzip;q=0",
		"gzip;q=0.000",
		"*;q=0",
		"gzipped",
		"gzip;q=0, *",
		"*, gzip;q=0",
		"identity, gzip;q=0.5",
		"x-gzip;q=0 ",
	};
	const char *const several[] = { "deflate", "gzip" };

	(void)state;
	for (unsigned i = 0; i < COUNT(yes); i++)
		assert_true(gzip(yes[i]));
	for (unsigned i = 0; i < COUNT(no); i++)
		assert_false(gzip(no[i]));
	assert_true(negotiate_gzip(several, 2));
	assert_false(negotiate_gzip(several, 1));
	assert_false(negotiate_gzip(NULL, 0));
}

static void inflate_whole(const uint8_t *in, size_t bytes, const uint8_t *wanted,
			  size_t wanted_bytes)
{
	uint8_t *out = malloc(wanted_bytes + 1);
	z_stream stream = { 0 };

	assert_non_null(out);
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (uint8_t *)(uintptr_t)in;
	stream.avail_in = (unsigned)bytes;
	stream.next_out = out;
	stream.avail_out = (unsigned)wanted_bytes + 1;
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, wanted_bytes);
	assert_int_equal(stream.avail_in, 0);
	assert_memory_equal(out, wanted, wanted_bytes);
	inflateEnd(&stream);
	free(out);
}

static int compress_whole(struct gzip *gzip, const uint8_t *in, size_t bytes, uint8_t *out,
			  size_t room, size_t *ret_bytes)
{
	gzip_begin(gzip, in, bytes, out, room);
	return gzip_more(gzip, bytes, ret_bytes);
}

static void test_gzip_gives_back_what_went_in(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 65535, 65536, 1000003 };
	struct gzip *compressor;

	(void)state;
	assert_int_equal(gzip_make(&compressor), 0);
	for (unsigned i = 0; i < 2 * COUNT(sizes); i++) {
		size_t bytes = sizes[i / 2];
		size_t room = gzip_bound(compressor, bytes);
		uint8_t *in = malloc(bytes + 1);
		uint8_t *out = malloc(room);
		size_t got = 0;

		assert_non_null(in);
		assert_non_null(out);
		for (size_t j = 0; j < bytes; j++) /* the odd ones can't be compressed */
			in[j] = (uint8_t)(i % 2 ? random() : "dnstt_queries_total 1\n"[j % 22]);
		assert_int_equal(compress_whole(compressor, in, bytes, out, room, &got), 0);
		assert_true(got <= room);
		inflate_whole(out, got, in, bytes);
		free(in);
		free(out);
	}
	gzip_free(compressor);
}

static void test_gzip_without_room_fails_and_works_again(void **state)
{
	static uint8_t in[10000];
	static uint8_t out[12000];
	struct gzip *compressor;
	size_t got = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)random();
	assert_int_equal(gzip_make(&compressor), 0);
	assert_int_equal(compress_whole(compressor, in, sizeof(in), out, 5000, &got), -ENOBUFS);
	assert_int_equal(compress_whole(compressor, in, sizeof(in), out, 0, &got), -ENOBUFS);
	assert_int_equal(got, 77);
	assert_int_equal(compress_whole(compressor, in, sizeof(in), out, sizeof(out), &got), 0);
	inflate_whole(out, got, in, sizeof(in));
	gzip_free(compressor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prometheus_gets_openmetrics),
		cmocka_unit_test(test_prometheus_set_to_text_gets_text),
		cmocka_unit_test(test_openmetrics_0_0_1_is_not_answered_with_1_0_0),
		cmocka_unit_test(test_any_version_of_a_type_is_that_type),
		cmocka_unit_test(test_what_nobody_asked_for_is_text),
		cmocka_unit_test(test_quality_is_compared_to_the_third_digit),
		cmocka_unit_test(test_zero_takes_a_format_out_of_a_wildcard),
		cmocka_unit_test(test_the_more_specific_range_counts),
		cmocka_unit_test(test_of_equals_the_first_named_counts),
		cmocka_unit_test(test_case_spaces_order_and_quotes_do_not_matter),
		cmocka_unit_test(test_several_headers_are_one_list),
		cmocka_unit_test(test_a_huge_header_is_read_to_its_end),
		cmocka_unit_test(test_gzip_is_used_when_it_is_allowed),
		cmocka_unit_test(test_gzip_gives_back_what_went_in),
		cmocka_unit_test(test_gzip_without_room_fails_and_works_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
