/* SPDX-License-Identifier: MIT */
/* The command line: defaults, every flag, and what is said of a wrong one */
#include "cli/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"

static struct options options;
static struct reason reason;

static int parse_all(int argc, const char *const *argv)
{
	memset(&options, 0xa5, sizeof(options));
	reason.text[0] = '\0';
	return options_parse(argc, (char *const *)(uintptr_t)argv, &options, &reason);
}

/* A domain, and one or two more arguments */
static int parse(const char *first, const char *second)
{
	const char *argv[] = { "program", "-dnstt.domain=t.example.com", first, second, NULL };

	return parse_all(2 + (first != NULL) + (second != NULL), argv);
}

static void assert_taken(const char *first, const char *second)
{
	if (parse(first, second) != 0)
		fail_msg("%s %s: %s", first ? first : "", second ? second : "", reason.text);
	assert_null(config_fault(&options.capture));
}

/* The reason names the flag, and says @why */
static void assert_refused(const char *argument, const char *why)
{
	size_t flag = strcspn(argument, "=");

	if (parse(argument, NULL) != -EINVAL)
		fail_msg("%s is taken", argument);
	if (memcmp(reason.text, argument, flag) != 0 || reason.text[flag] != ':' ||
	    !strstr(reason.text, why))
		fail_msg("%s: %s", argument, reason.text);
}

static void test_defaults_are_those_of_the_help(void **state)
{
	(void)state;
	assert_taken(NULL, NULL);
	assert_int_equal(options.capture.tunnel_count, 1);
	assert_string_equal(options.domains[0], "t.example.com");
	assert_int_equal(options.capture.port, 53);
	assert_int_equal(options.capture.block_bytes * options.capture.blocks,
			 options_ring_auto((uint64_t)sysconf(_SC_PHYS_PAGES) *
					   (uint64_t)sysconf(_SC_PAGESIZE)));
	assert_int_equal(options.capture.latency_ms, 50);
	assert_int_equal(options.capture.use_ecs, 0);
	assert_int_equal(options.interface_count, 0);
	assert_null(options.country_database);
	assert_null(options.asn_database);
	assert_null(options.web_config_file);
	assert_int_equal(options.max_sessions, 131072);
	assert_int_equal(options.max_series, 4096);
	assert_int_equal(options.max_requests, 40);
	assert_string_equal(options.telemetry_path, "/metrics");
	assert_int_equal(options.address_count, 1);
	assert_string_equal(options.addresses[0].text, "127.0.0.1:9713");
	assert_int_equal(options.log_level, LOG_INFO);
	assert_int_equal(options.log_format, LOG_LOGFMT);
	assert_false(options.version);
	assert_false(options.web_systemd_socket);
	assert_false(options.disable_exporter_metrics);
	assert_non_null(strstr(options.capture_program, "/dnstt_capture"));
}

static void test_configuration_goes_to_capture_without_an_index(void **state)
{
	const size_t sent = offsetof(struct config, tunnels) + sizeof(options.capture.tunnels);
	const uint8_t *bytes = (const uint8_t *)&options.capture;

	(void)state;
	assert_taken(NULL, NULL);
	for (size_t i = sent; i < sizeof(options.capture); i++)
		assert_int_equal(bytes[i], 0);
}

static void test_domain_must_be_there(void **state)
{
	const char *argv[] = { "program", "-dnstt.port=53", NULL };

	(void)state;
	assert_int_equal(parse_all(2, argv), -EINVAL);
	assert_non_null(strstr(reason.text, "-dnstt.domain: missing"));
	assert_non_null(strstr(reason.text, "-dnstt.domain t.example.com"));
	assert_int_equal(parse_all(1, argv), -EINVAL);
}

static void test_help_and_version_need_no_domain(void **state)
{
	const char *help[] = { "program", "-help", NULL },
		   *version[] = { "program", "--version", NULL };

	(void)state;
	assert_int_equal(parse_all(2, help), 1);
	assert_int_equal(parse_all(2, version), 0);
	assert_true(options.version);
	version[1] = "-version=false";
	assert_int_equal(parse_all(2, version), -EINVAL);
}

static void test_up_to_64_domains_are_watched(void **state)
{
	static char arguments[CONFIG_DOMAINS + 1][48];
	const char *argv[CONFIG_DOMAINS + 3] = { "program" };

	(void)state;
	for (int i = 0; i <= CONFIG_DOMAINS; i++) {
		(void)snprintf(arguments[i], sizeof(arguments[i]), "-dnstt.domain=d%d.example.com",
			       i);
		argv[1 + i] = arguments[i];
	}
	assert_int_equal(parse_all(1 + CONFIG_DOMAINS, argv), 0);
	assert_int_equal(options.capture.tunnel_count, CONFIG_DOMAINS);
	assert_string_equal(options.domains[63], "d63.example.com");
	assert_null(config_fault(&options.capture));
	assert_int_equal(parse_all(2 + CONFIG_DOMAINS, argv), -EINVAL);
	assert_non_null(strstr(reason.text, "at most 64 domains"));
}

static void test_domain_is_given_once(void **state)
{
	(void)state;
	assert_taken("-dnstt.domain", "u.example.com,wire=vaydns");
	assert_int_equal(options.capture.tunnel_count, 2);
	assert_int_equal(options.capture.tunnels[1].id_bytes, 2);
	assert_refused("-dnstt.domain=T.Example.com.", "t.example.com is given twice");
	assert_refused("-dnstt.domain=t.example.com,wire=vaydns", "is given twice");
	assert_refused("-dnstt.domain=a..b", "1 to 63 characters");
	assert_refused("-dnstt.domain=a.b,wire=x", "known are dnstt");
}

static void test_numbers_have_limits(void **state)
{
	(void)state;
	assert_taken("-dnstt.port=65535", "-sessions.max=1");
	assert_int_equal(options.capture.port, 65535);
	assert_int_equal(options.max_sessions, 1);
	assert_taken("-dnstt.port=0x35", "-sessions.max=16777216");
	assert_int_equal(options.capture.port, 53);
	assert_taken("-web.max-requests=0", "-metrics.max-series=1048576");
	assert_int_equal(options.max_requests, 0);
	assert_int_equal(options.max_series, 1048576);
	assert_refused("-dnstt.port=0", "number from 1 to 65535");
	assert_refused("-dnstt.port=65536", "number from 1 to 65535");
	assert_refused("-dnstt.port=dns", "\"dns\" is not a UDP port");
	assert_refused("-dnstt.port=", "number from 1 to 65535");
	assert_refused("-sessions.max=0", "number from 1 to 16777216");
	assert_refused("-sessions.max=16777217", "number from 1 to 16777216");
	assert_refused("-metrics.max-series=0", "number from 1 to 1048576");
	assert_refused("-metrics.max-series=1048577", "number from 1 to 1048576");
	assert_refused("-web.max-requests=-1", "number");
}

static void test_every_domain_has_a_series(void **state)
{
	(void)state;
	assert_taken("-dnstt.domain=u.example.com", "-metrics.max-series=1");
	assert_int_equal(options.max_series, 2);
}

static void test_ring_is_as_large_as_asked_for(void **state)
{
	static const struct {
		const char *text;
		uint32_t bytes;
	} good[] = { { "1MiB", 1 << 20 },   { "1048576", 1 << 20 }, { "1024KiB", 1 << 20 },
		     { "64MiB", 64 << 20 }, { "1024MiB", 1 << 30 }, { "1048576KiB", 1 << 30 },
		     { "3000000", 3000000 } };
	static const char *const bad[] = { "0",
					   "1048575",
					   "1023KiB",
					   "1025MiB",
					   "4097MiB",
					   "1GiB",
					   "",
					   "MiB",
					   "-1MiB",
					   "1 MiB",
					   "1mib",
					   "1.5MiB",
					   "0x100000",
					   "18446744073709551617",
					   "-1",
					   "4194305KiB",
					   "17592186044417MiB",
					   "18014398509483008KiB",
					   " 2MiB",
					   "+2MiB" };
	char argument[64];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		const struct config *config = &options.capture;
		uint32_t bytes;

		assert_taken("-capture.ring-size", good[i].text);
		bytes = config->block_bytes * config->blocks;
		assert_true(bytes <= good[i].bytes && bytes > good[i].bytes - config->block_bytes);
		/* Each block holds the longest packet; where that leaves room, there are many */
		assert_true(config->block_bytes >= CONFIG_BLOCK_MIN);
		assert_true(config->blocks >= (bytes >= 8 << 20 ? 64 : 8));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)snprintf(argument, sizeof(argument), "-capture.ring-size=%s", bad[i]);
		assert_refused(argument, "1MiB to 1024MiB");
	}
}

static void test_ring_fits_the_host_by_itself(void **state)
{
	static const struct {
		uint64_t memory;
		uint32_t bytes;
	} hosts[] = { { 0, 4 << 20 },	       { 256u << 20, 4 << 20 }, { 512u << 20, 8 << 20 },
		      { 481u << 20, 7 << 20 }, { 1u << 30, 16 << 20 },	{ 2ull << 30, 32 << 20 },
		      { UINT64_MAX, 32 << 20 } };
	const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	const struct config *config = &options.capture;

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++)
		assert_int_equal(options_ring_auto(hosts[i].memory), hosts[i].bytes);
	assert_taken("-capture.ring-size=1MiB", "-capture.ring-size=auto");
	assert_int_equal(config->block_bytes * config->blocks, options_ring_auto(memory));
	assert_true(config->blocks >= 64);
}

static void test_latency_is_in_milliseconds(void **state)
{
	static const char *const bad[] = { "0ms",
					   "101ms",
					   "50",
					   "50s",
					   "ms",
					   "",
					   "-1ms",
					   "50 ms",
					   "50msx",
					   "0x10ms",
					   "18446744073709551666ms",
					   " 5ms",
					   "+5ms" };
	char argument[64];

	(void)state;
	assert_taken("-capture.latency", "1ms");
	assert_int_equal(options.capture.latency_ms, 1);
	assert_taken("-capture.latency", "100ms");
	assert_int_equal(options.capture.latency_ms, 100);
	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)snprintf(argument, sizeof(argument), "-capture.latency=%s", bad[i]);
		assert_refused(argument, "1ms to 100ms");
	}
}

static void test_switches_and_files_are_noted(void **state)
{
	(void)state;
	assert_taken("-geoip.use-ecs", "-geoip.country-database=c.mmdb");
	assert_int_equal(options.capture.use_ecs, 1);
	assert_string_equal(options.country_database, "c.mmdb");
	assert_taken("-geoip.use-ecs=false", "-geoip.asn-database=a.mmdb");
	assert_int_equal(options.capture.use_ecs, 0);
	assert_string_equal(options.asn_database, "a.mmdb");
	assert_taken("-web.systemd-socket", "-web.config.file=web.yml");
	assert_true(options.web_systemd_socket);
	assert_string_equal(options.web_config_file, "web.yml");
	assert_taken("-web.disable-exporter-metrics", "-web.disable-page");
	assert_true(options.disable_exporter_metrics);
	assert_true(options.disable_page);
	assert_taken("-log.level=debug", "-log.format=json");
	assert_int_equal(options.log_level, LOG_DEBUG);
	assert_int_equal(options.log_format, LOG_JSON);
	assert_taken("-capture.program=./dnstt_capture", "-capture.interface=lo");
	assert_string_equal(options.capture_program, "./dnstt_capture");
	assert_int_equal(options.interface_count, 1);
	assert_refused("-geoip.country-database=", "path");
	assert_refused("-geoip.asn-database=", "path");
	assert_refused("-web.config.file=", "path");
	assert_refused("-capture.program=dnstt_capture", "slash");
	assert_refused("-capture.program=", "slash");
	assert_taken("-capture.interface=no-such0", "-capture.interface=lo"); /* it may come */
	assert_refused("-capture.interface=", "ip link");
	assert_refused("-capture.interface=a-name-of-sixteen", "\"a-name-of-sixteen\"");
	assert_refused("-capture.interface=a/b", "\"a/b\"");
	assert_refused("-log.level=loud", "debug, info, warn or error");
	assert_refused("-log.format=xml", "logfmt or json");
}

static void test_telemetry_path_is_a_plain_path(void **state)
{
	char path[160] = "-web.telemetry-path=/";

	(void)state;
	assert_taken("-web.telemetry-path", "/");
	assert_taken("-web.telemetry-path", "/a/b-c_d.e~");
	assert_string_equal(options.telemetry_path, "/a/b-c_d.e~");
	assert_refused("-web.telemetry-path=", "starts with a slash");
	assert_refused("-web.telemetry-path=metrics", "starts with a slash");
	for (const char *c = "?#% \"<>&\\\t\r\n"; *c != '\0'; c++) {
		path[21] = *c;
		assert_refused(path, "starts with a slash");
	}
	memset(path + 21, 'x', 127);
	assert_taken(path, NULL);
	path[148] = 'x';
	assert_refused(path, "starts with a slash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_those_of_the_help),
		cmocka_unit_test(test_configuration_goes_to_capture_without_an_index),
		cmocka_unit_test(test_domain_must_be_there),
		cmocka_unit_test(test_help_and_version_need_no_domain),
		cmocka_unit_test(test_up_to_64_domains_are_watched),
		cmocka_unit_test(test_domain_is_given_once),
		cmocka_unit_test(test_numbers_have_limits),
		cmocka_unit_test(test_every_domain_has_a_series),
		cmocka_unit_test(test_ring_is_as_large_as_asked_for),
		cmocka_unit_test(test_ring_fits_the_host_by_itself),
		cmocka_unit_test(test_latency_is_in_milliseconds),
		cmocka_unit_test(test_switches_and_files_are_noted),
		cmocka_unit_test(test_telemetry_path_is_a_plain_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
