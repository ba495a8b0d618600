/* SPDX-License-Identifier: MIT */
/* The metrics as text: what each family shows, and that there is always room for it */
#include "metrics/exposition.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "exposition_craft.h"
#include "record_craft.h"
#include "unit.h"
#include "web/web.h"

static struct exposition_craft craft;

/* No numbers of this process, which are different in each run */
static int set_up(void **state)
{
	(void)state;
	exposition_craft_open(&craft,
			      (const char *const[]){ "-web.disable-exporter-metrics", NULL });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exposition_craft_close(&craft);
	return 0;
}

/* Whether a line is in the text, from its beginning to its end */
static bool has(const char *text, const char *line)
{
	const size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

static void assert_line(const char *line)
{
	char *text = exposition_craft_render(&craft, TEXT_0_0_4);

	if (!has(text, line))
		fail_msg("no line is %s", line);
	free(text);
}

static void assert_no_line_begins(const char *start)
{
	char *text = exposition_craft_render(&craft, TEXT_0_0_4), line[128];

	(void)snprintf(line, sizeof(line), "\n%s", start);
	if (strstr(text, line))
		fail_msg("a line begins with %s", start);
	free(text);
}

/* The next line of a text, without its end; NULL after the last */
static char *next_line(char **text)
{
	return **text ? strsep(text, "\n") : NULL;
}

static void test_golden_text(void **state)
{
	const char *folder = getenv("TEST_UNIT");
	char path[PATH_MAX], golden[400], *text, *rest, *line;
	unsigned number = 0;
	FILE *file;

	(void)state;
	if (!folder)
		fail_msg("TEST_UNIT is not set");
	exposition_craft_traffic(&craft);
	text = rest = exposition_craft_render(&craft, TEXT_0_0_4);
	(void)snprintf(path, sizeof(path), "%s/exposition.txt", folder);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((line = next_line(&rest))) {
		if (strncmp(line, "dnstt_exporter_build_info{", 26) == 0)
			continue; /* another one in each build */
		number++;
		if (!fgets(golden, sizeof(golden), file))
			fail_msg("exposition.txt ends before %s", line);
		golden[strcspn(golden, "\n")] = '\0';
		if (strcmp(line, golden) != 0)
			fail_msg("line %u is\n%s\nand not\n%s", number, line, golden);
	}
	assert_null(fgets(golden, sizeof(golden), file));
	fclose(file);
	free(text);
}

static void test_tls_and_the_web_configuration_are_told_of_where_they_are(void **state)
{
	(void)state;
	assert_no_line_begins("dnstt_exporter_web_config");
	assert_no_line_begins("dnstt_exporter_tls");
	craft.collect.has_web = true;
	craft.collect.web = (struct web_metrics){ .reloads = 3, .reload_failures = 1 };
	assert_line("dnstt_exporter_web_config_reloads_total{result=\"success\"} 3");
	assert_line("dnstt_exporter_web_config_reloads_total{result=\"failure\"} 1");
	assert_no_line_begins("dnstt_exporter_tls");
	craft.collect.web.certificate_expiry = 1800000000;
	assert_line("dnstt_exporter_tls_certificate_expiry_timestamp_seconds 1800000000");
}

static void test_openmetrics_names_a_counters_family_without_total(void **state)
{
	char *text, *open, *text_rest, *open_rest, *line, *other;

	(void)state;
	exposition_craft_traffic(&craft);
	text = text_rest = exposition_craft_render(&craft, TEXT_0_0_4);
	open = open_rest = exposition_craft_render(&craft, OPENMETRICS_1_0_0);
	while ((line = next_line(&text_rest))) {
		char wanted[400], *total;

		(void)snprintf(wanted, sizeof(wanted), "%s", line);
		total = line[0] == '#' ? strstr(wanted, "_total ") : NULL;
		if (total)
			memmove(total, total + 6, strlen(total + 6) + 1);
		other = next_line(&open_rest);
		assert_non_null(other);
		assert_string_equal(other, wanted);
	}
	other = next_line(&open_rest);
	assert_non_null(other);
	assert_string_equal(other, "# EOF");
	assert_string_equal(open_rest, "");
	free(text);
	free(open);
}

static void test_everything_known_in_advance_is_shown_at_zero(void **state)
{
	static const char *const shown[][3] = {
		{ "active_clients", ",country=\"ZZ\",asn=\"0\"", "0" },
		{ "queries_total", ",country=\"ZZ\",asn=\"0\"", "0" },
		{ "kcp_sessions_total", "", "0" },
		{ "rejected_queries_total", ",reason=\"qtype\"", "0" },
		{ "responses_total", ",rcode=\"NXDOMAIN\"", "0" },
		{ "last_query_timestamp_seconds", "", "0.000" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(shown); i++) {
		const char *const *parts = shown[i / 2];
		char line[160];

		(void)snprintf(line, sizeof(line), "dnstt_%s{domain=\"%s.example.com\"%s} %s",
			       parts[0], i % 2 ? "t" : "u", parts[1], parts[2]);
		assert_line(line);
	}
	assert_line("dnstt_rejected_queries_total{domain=\"none\",reason=\"packet\"} 0");
	assert_line("dnstt_rejected_queries_total{domain=\"none\",reason=\"domain\"} 0");
	assert_no_line_begins("dnstt_rejected_queries_total{domain=\"none\",reason=\"opcode\"");
	assert_no_line_begins(
		"dnstt_rejected_queries_total{domain=\"t.example.com\",reason=\"domain\"");
	assert_no_line_begins("dnstt_responses_total{domain=\"t.example.com\",rcode=\"SERVFAIL\"");
	assert_line("dnstt_capture_drops_total{place=\"ring\"} 0");
}

static void test_labels_are_those_of_the_databases_given(void **state)
{
	struct geoip_database *country = craft.databases.database[GEOIP_COUNTRY];
	struct geoip_database *asn = craft.databases.database[GEOIP_ASN];

	(void)state;
	craft.databases.database[GEOIP_COUNTRY] = NULL;
	craft.collect.traffic.has_country = false;
	assert_line("dnstt_queries_total{domain=\"t.example.com\",asn=\"0\"} 0");
	assert_no_line_begins("dnstt_geoip_database_info{database=\"country\"");
	craft.databases.database[GEOIP_ASN] = NULL;
	craft.collect.traffic.has_asn = false;
	assert_line("dnstt_queries_total{domain=\"t.example.com\"} 0");
	assert_no_line_begins("dnstt_geoip");
	assert_no_line_begins("# TYPE dnstt_geoip");
	craft.databases.database[GEOIP_COUNTRY] = country;
	craft.collect.traffic.has_country = true;
	assert_line("dnstt_queries_total{domain=\"t.example.com\",country=\"ZZ\"} 0");
	craft.databases.database[GEOIP_ASN] = asn;
}

static void test_label_sets_beyond_the_limit_are_other(void **state)
{
	struct record query = record_query("alice", 1);

	(void)state;
	tear_down(NULL);
	exposition_craft_open(&craft, (const char *const[]){ "-web.disable-exporter-metrics",
							     "-metrics.max-series=2", NULL });
	traffic_records(&craft.traffic, &query, 1,
			(struct moment){ craft.collect.traffic.now_ns, 0 });
	assert_line(
		"dnstt_queries_total{domain=\"t.example.com\",country=\"other\",asn=\"other\"} 1");
	assert_line("dnstt_series_overflow_total 1");
	craft.collect.traffic.has_asn = false;
	assert_line("dnstt_queries_total{domain=\"t.example.com\",country=\"other\"} 1");
}

/* What a wire does not tell is absent, not zero */
static void test_domains_without_kcp_are_left_out_of_its_families(void **state)
{
	static const char *const both[] = {
		"dnstt_working_clients",	 "dnstt_established_sessions",
		"dnstt_network_rtt_seconds",	 "dnstt_kcp_rtt_seconds",
		"dnstt_downstream_wait_seconds", "dnstt_session_duration_seconds",
		"dnstt_session_bytes",
	};
	char line[100];

	(void)state;
	exposition_craft_traffic(&craft);
	assert_line("dnstt_kcp_segments_total{domain=\"u.example.com\",direction=\"out\"} 0");
	craft.traffic.without_answers = 2;
	assert_line("dnstt_kcp_segments_total{domain=\"u.example.com\",direction=\"in\"} 0");
	assert_no_line_begins(
		"dnstt_kcp_segments_total{domain=\"u.example.com\",direction=\"out\"}");
	assert_line("dnstt_kcp_sessions_total{domain=\"u.example.com\"} 0");
	for (size_t i = 0; i < COUNT(both); i++) {
		(void)snprintf(line, sizeof(line), "%s{domain=\"u.example.com\"", both[i]);
		assert_no_line_begins(line);
		(void)snprintf(line, sizeof(line), "%s_total{domain=\"u.example.com\"", both[i]);
		assert_no_line_begins(line);
		(void)snprintf(line, sizeof(line), "%s_count{domain=\"u.example.com\"", both[i]);
		assert_no_line_begins(line);
	}
	craft.traffic.without_kcp = 2;
	assert_no_line_begins("dnstt_kcp_segments_total{domain=\"u.example.com\"");
	assert_no_line_begins("dnstt_kcp_sessions_total{domain=\"u.example.com\"");
	/* Where no domain has any, the family goes, with its help */
	craft.traffic.without_kcp = craft.traffic.without_answers = 3;
	assert_no_line_begins("dnstt_working_clients");
	assert_no_line_begins("# HELP dnstt_working_clients");
	assert_no_line_begins("# TYPE dnstt_kcp_rtt_seconds");
	assert_line("dnstt_unanswered_queries_total{domain=\"u.example.com\",country=\"ZZ\",asn="
		    "\"0\"} 0");
}

static void test_numbers_are_shown_in_full(void **state)
{
	(void)state;
	craft.traffic.series.series[0].bytes_in = UINT64_MAX;
	craft.traffic.series.series[0].active = UINT32_MAX;
	assert_line("dnstt_bytes_in_total{domain=\"t.example.com\",country=\"ZZ\",asn=\"0\"} "
		    "18446744073709551615");
	assert_line("dnstt_active_clients{domain=\"t.example.com\",country=\"ZZ\",asn=\"0\"} "
		    "4294967295");
}

static void test_times_are_those_of_the_clock_on_the_wall(void **state)
{
	struct record query = record_query("alice", 1);

	(void)state;
	/* A minute and 1.5 milliseconds ago */
	traffic_records(&craft.traffic, &query, 1,
			(struct moment){ craft.collect.traffic.now_ns - UINT64_C(60001500000), 0 });
	craft.collect.traffic.now_realtime_ns = UINT64_C(1777000100002000000);
	assert_line("dnstt_last_query_timestamp_seconds{domain=\"t.example.com\"} 1777000040.000");
	craft.collect.traffic.now_realtime_ns += 7000000;
	assert_line("dnstt_last_query_timestamp_seconds{domain=\"t.example.com\"} 1777000040.007");
	assert_line("dnstt_last_query_timestamp_seconds{domain=\"u.example.com\"} 0.000");
}

static void fill_histogram(struct histogram *histogram)
{
	memset(histogram->bucket, 0xff, sizeof(histogram->bucket));
	histogram->sum = UINT64_MAX;
}

/* The longest names and numbers there can be, everywhere */
static void fill(void)
{
	struct options *options = &craft.options;

	for (unsigned i = 0; i < CONFIG_DOMAINS; i++) {
		memset(options->domains[i], 'a', 253);
		options->domains[i][253] = '\0';
	}
	for (uint32_t i = 0; i < craft.traffic.series.count; i++) {
		struct series *series = &craft.traffic.series.series[i];

		series->queries = series->sessions = series->bytes_in = series->bytes_out =
			series->payload_in = series->payload_out = UINT64_MAX;
		series->established = series->session_us = series->unanswered = UINT64_MAX;
		series->rtt = (struct series_sum){ UINT64_MAX, UINT64_MAX };
		series->active = series->peak = series->working = UINT32_MAX;
		memcpy(series->labels, ",country=\"other\",asn=\"4294967295\"", 33);
		series->country_bytes = 16;
		series->label_bytes = 33;
	}
	for (unsigned i = 0; i < CONFIG_DOMAINS; i++) {
		struct sessions_ended *ended = &craft.traffic.sessions.ended[i];
		struct traffic_domain *domain = &craft.traffic.domain[i], scales;

		fill_histogram(&ended->duration);
		fill_histogram(&ended->bytes);
		/* A clock at which all of this can be: the counters count times as well */
		scales = *domain;
		memset(domain, 0xff, sizeof(*domain));
		domain->kcp.rtt.scale = scales.kcp.rtt.scale;
		domain->kcp.wait.scale = scales.kcp.wait.scale;
		domain->response_delay.scale = scales.response_delay.scale;
		domain->query_name.scale = scales.query_name.scale;
		domain->query_edns.scale = scales.query_edns.scale;
	}
	craft.traffic.duplicates = craft.traffic.ignored = craft.traffic.unmatched = UINT64_MAX;
	craft.traffic.series.overflow = craft.traffic.sessions.evictions = UINT64_MAX;
	craft.traffic.pending.overflow = UINT64_MAX;
	memset(&craft.capture, 0xff, sizeof(craft.capture));
	memset(&craft.collect.http, 0xff, sizeof(craft.collect.http));
	memset(&craft.collect.scrapes, 0xff, sizeof(craft.collect.scrapes));
}

static void test_bound_is_enough_for_the_largest_of_all(void **state)
{
	char domain[CONFIG_DOMAINS][40];
	const char *arguments[CONFIG_DOMAINS] = { NULL };
	struct place place = { .country = "AA" };
	char *text;

	(void)state;
	tear_down(NULL);
	/* As many domains as the command line of exposition_craft_open() has room for */
	for (unsigned i = 0; i < 12; i++) {
		(void)snprintf(domain[i], sizeof(domain[i]), "-dnstt.domain=d%u", i);
		arguments[i] = domain[i];
	}
	arguments[12] = "-metrics.max-series=1000";
	exposition_craft_open(&craft, arguments);
	for (place.asn = 0; craft.traffic.series.count < 1000 + 14; place.asn++)
		series_of(&craft.traffic.series, (uint8_t)(place.asn % 14), &place, SERIES_PROVEN);
	fill();
	text = exposition_craft_render(&craft, OPENMETRICS_1_0_0);
	assert_non_null(strstr(text, "} 18446744073709551615\n"));
	/* Nor is it much more than that: each snapshot takes so much memory */
	assert_in_range(collect_bound(&craft.collect), strlen(text), strlen(text) * 5 / 4);
	free(text);
}

static void test_buffer_that_is_too_small_is_no_answer(void **state)
{
	size_t whole;
	char *text;

	(void)state;
	exposition_craft_traffic(&craft);
	text = exposition_craft_render(&craft, OPENMETRICS_1_0_0);
	whole = strlen(text);
	for (size_t bytes = 0; bytes < whole; bytes += bytes + 50 < whole ? 37 : 1) {
		char *small = malloc(bytes + 1); /* so that a sanitizer sees a write past it */

		assert_non_null(small);
		assert_int_equal(
			collect_render(&craft.collect, OPENMETRICS_1_0_0, small + 1, bytes), 0);
		free(small);
	}
	free(text);
}

static void test_families_are_named_once(void **state)
{
	char *text, *rest, *line, *names[200];
	size_t count = 0;

	(void)state;
	craft.collect.has_web = true;
	craft.collect.web.certificate_expiry = 1;
	craft.collect.is_without_itself = false;
	text = rest = exposition_craft_render(&craft, TEXT_0_0_4);
	while ((line = next_line(&rest))) {
		if (strncmp(line, "# TYPE ", 7) != 0)
			continue;
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(line, names[i]);
		assert_in_range(count, 0, COUNT(names) - 1);
		names[count++] = line;
	}
	assert_in_range(count, 30, COUNT(names));
	free(text);
}

#define SHOWN(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWN(test_golden_text),
		SHOWN(test_openmetrics_names_a_counters_family_without_total),
		SHOWN(test_tls_and_the_web_configuration_are_told_of_where_they_are),
		SHOWN(test_everything_known_in_advance_is_shown_at_zero),
		SHOWN(test_labels_are_those_of_the_databases_given),
		SHOWN(test_label_sets_beyond_the_limit_are_other),
		SHOWN(test_domains_without_kcp_are_left_out_of_its_families),
		SHOWN(test_numbers_are_shown_in_full),
		SHOWN(test_times_are_those_of_the_clock_on_the_wall),
		SHOWN(test_bound_is_enough_for_the_largest_of_all),
		SHOWN(test_buffer_that_is_too_small_is_no_answer),
		SHOWN(test_families_are_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
