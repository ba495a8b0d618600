/* SPDX-License-Identifier: MIT */
/* The page: well formed, within its bound, and nothing that comes from outside is markup */
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "page_fixture.h"
#include "unit.h"

#define host	page_host
#define HOSTILE "<script>alert(\"1\")</script>&'\x01\x7f\xff"
#define ESCAPED                                                                       \
	"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;&#xFFFD;&#xFFFD;" \
	"&#xFFFD;"

static void test_without_any_traffic_it_says_so(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_render();
	assert_shown("<title>0 clients - dnstt_exporter</title>");
	assert_shown("No problems");
	assert_shown("t0.example.com");
	assert_shown("No clients so far.");
	assert_shown("no client so far");
	assert_shown("<a href=\"./metrics\">Metrics</a>");
	assert_shown("2026-11-23T17:35:01Z");
	assert_shown(">3 days ago</time>");
	assert_shown("GeoLite2-Country, built <time datetime=\"2026-11-11T17:35:01Z\" "
		     "title=\"2026-11-11T17:35:01Z\">12 days ago</time>");
	assert_not_shown("Clients by domain");
	assert_not_shown("class=\"bar\"");
}

static void test_without_databases_it_says_how_to_get_them(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_series(0, "ZZ", 0, 4);
	databases_close(&host.databases);
	page_host_render();
	assert_shown("-geoip.country-database");
	assert_shown("-geoip.asn-database");
	assert_not_shown("unmapped");
}

static void test_figures_are_of_the_last_minute(void **state)
{
	struct series *of;

	(void)state;
	page_host_domains(1);
	of = page_host_series(0, "DE", 64496, 1234);
	of->queries = of->bytes_in = of->bytes_out = 1000000;
	for (uint64_t ago = 90; ago > 0; ago--) {
		page_host_look(ago);
		if (ago > 60)
			continue;
		of->queries += 20;
		of->bytes_in += 3 * 1024;
		of->bytes_out += 2 << 20;
	}
	page_host_render();
	assert_shown("<dt>Clients now</dt><dd>1,234<");
	assert_shown("<dt>Peak, last hour</dt><dd>1,234<");
	assert_shown("<dt>Queries</dt><dd>20/s<");
	assert_shown("1,001,200 since start");
	assert_shown("<dt>Received</dt><dd>3 KiB/s<");
	assert_shown("<dt>Sent</dt><dd>2 MiB/s<");
	assert_shown("121 MiB since start");
	assert_shown("<dt>Dropped</dt><dd>0<");
}

static void test_the_peak_of_the_hour_is_shown_with_its_time(void **state)
{
	uint32_t *clients = &host.traffic.sessions.list[SESSIONS_KNOWN].count;

	(void)state;
	page_host_domains(1);
	*clients = 9;
	page_host_look(61 * 60);
	*clients = 5;
	page_host_look(30 * 60);
	*clients = 3;
	page_host_render();
	assert_shown("<dt>Peak, last hour</dt><dd>5<");
	assert_shown(">30 minutes ago<");
	assert_shown("<dt>Peak since start</dt><dd>9 clients, ");
	assert_shown(">61 minutes ago<");
	/* Since the latest sample */
	host.facts.now_ns += 10 * SECOND;
	host.facts.now_realtime_ns += 10 * SECOND;
	*clients = 7;
	page_host_look(3);
	*clients = 3;
	page_host_render();
	assert_shown("<dt>Peak, last hour</dt><dd>7<");
	assert_shown(">3 seconds ago<");
}

static void test_what_is_not_known_yet_is_not_shown_as_zero(void **state)
{
	(void)state;
	page_host_domains(1);
	page_host_series(0, "DE", 64496, 5);
	page_host_render();
	assert_shown("<dt>Queries</dt><dd>&#8211;<");
	/* Nor is an average over a gap the last minute's */
	host.facts.now_ns += 3000 * SECOND;
	host.facts.now_realtime_ns += 3000 * SECOND;
	page_host_look(30);
	page_host_render();
	assert_shown("<dt>Queries</dt><dd>&#8211;<");
}

static void test_hostile_text_is_text(void **state)
{
	(void)state;
	page_host_domains(2);
	memcpy(host.domains[0], HOSTILE, sizeof(HOSTILE));
	memcpy(host.domains[1], "\"><b>", 6);
	host.facts.telemetry_path = "/\"onclick='x'><script>";
	memcpy(page_host_database(GEOIP_COUNTRY)->type, "<script>'\"&", 12);
	memcpy(page_host_database(GEOIP_ASN)->type, HOSTILE, sizeof(HOSTILE));
	memcpy(page_host_series(0, "DE", 1, 3)->place.country, "<&", 3);
	/* The problem that names a domain */
	host.traffic.domain[0].last_query_ns = NOW - 100 * SECOND;
	page_host_look(99);
	host.traffic.domain[0].last_query_ns = NOW;
	page_host_render();
	assert_shown("<h3>" ESCAPED "</h3>");
	assert_shown("<h3>&quot;&gt;&lt;b&gt;</h3>");
	assert_shown("Queries for " ESCAPED " arrive");
	assert_shown("href=\"./&quot;onclick=&#39;x&#39;&gt;&lt;script&gt;\"");
	assert_shown("&lt;script&gt;&#39;&quot;&amp;, built");
	assert_shown("<dd>" ESCAPED ", built");
	assert_shown("<th scope=\"row\">&lt;&amp;</th>");
	assert_not_shown("<script");
	for (size_t i = 0; i < host.bytes; i++)
		assert_true(host.text[i] == '\n' || (host.text[i] >= ' ' && host.text[i] <= '~'));
}

static void test_the_only_domain_is_text_too(void **state)
{
	(void)state;
	page_host_domains(1);
	memcpy(host.domains[0], HOSTILE, sizeof(HOSTILE));
	page_host_render();
	assert_shown("<span>" ESCAPED "</span>");
}

static void test_a_link_stays_on_this_host(void **state)
{
	(void)state;
	page_host_domains(1);
	host.facts.telemetry_path = "//example.org/metrics";
	page_host_render();
	assert_shown("href=\".//example.org/metrics\"");
}

/* Any page that there can be: all domains as long as they get, all label sets there are room for,
 * lines that never rest, every number as long as numbers get, and everything wrong at once
 */
static void test_the_largest_page_fits_its_bound(void **state)
{
	(void)state;
	page_host_domains(CONFIG_DOMAINS);
	for (uint32_t i = 0; i < CONFIG_DOMAINS; i++) {
		memset(host.domains[i], 'w', 253);
		host.traffic.domain[i].rejected[VERDICT_QTYPE] = UINT64_MAX / 128;
	}
	for (uint32_t i = 0; host.traffic.series.count < PAGE_SERIES + CONFIG_DOMAINS; i++) {
		char country[3] = { (char)('A' + i % 26), (char)('A' + i / 26 % 26), '\0' };
		struct series *of =
			page_host_series((uint8_t)(i % CONFIG_DOMAINS), country, UINT32_MAX - i, 0);

		of->active = UINT32_MAX / 8192;
		of->queries = of->sessions = UINT64_MAX / 8192;
	}
	for (unsigned i = 0; i < HISTORY_SAMPLES; i++) {
		uint64_t ago = (HISTORY_SAMPLES - 1 - i) * 15;

		for (uint32_t domain = 0; domain < CONFIG_DOMAINS; domain++) {
			struct series *of = &host.traffic.series.series[domain];

			host.traffic.domain[domain].last_query_ns = NOW - ago * SECOND;
			of->active =
				(i % 2 == 0 ? 0 : UINT32_MAX / 2) + (uint32_t)rand() % 1000000000;
			of->bytes_in += i % 2 == 0 ? 0 : UINT64_MAX / 65536 / HISTORY_SAMPLES;
			of->bytes_out += i % 2 != 0 ? 0 : UINT64_MAX / 65536 / HISTORY_SAMPLES;
		}
		host.traffic.sessions.list[SESSIONS_NEW].count = (uint32_t)rand();
		host.capture.ring_drops = UINT64_MAX / HISTORY_SAMPLES * i;
		host.traffic.sessions.evictions = host.capture.ring_drops;
		page_host_look(ago);
	}
	host.facts.is_ready = false;
	host.traffic.series.overflow = 1;
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		memset(page_host_database(kind)->type, '&', GEOIP_TYPE_BYTES - 1);
		page_host_database(kind)->build_epoch = 0;
	}
	page_host_render();
	assert_shown("70 problems");
	assert_shown("44 more domains");
	print_message("the largest page has %zu bytes\n", host.bytes);
	/* Something is left for what was not thought of */
	assert_in_range(host.bytes, PAGE_BYTES / 2, PAGE_BYTES / 10 * 9);
}

static void test_a_buffer_too_small_is_refused(void **state)
{
	char *exact;

	(void)state;
	page_host_domains(1);
	host.facts.is_ready = false;
	page_host_render();
	for (size_t bytes = 0; bytes < host.bytes; bytes += bytes < 512 ? 1 : 97) {
		char *small = malloc(bytes + 1);

		assert_non_null(small);
		small[bytes] = 'x';
		assert_int_equal(page_render(&host.page, &host.facts, small, bytes), 0);
		assert_int_equal(small[bytes], 'x');
		free(small);
	}
	exact = malloc(host.bytes);
	assert_non_null(exact);
	assert_int_equal(page_render(&host.page, &host.facts, exact, host.bytes), host.bytes);
	free(exact);
}

static void test_the_policy_allows_the_style_of_the_page(void **state)
{
	char expected[256];
	gnutls_datum_t base64;
	const char *style, *end;
	uint8_t hash[32];

	(void)state;
	page_host_domains(1);
	page_host_render();
	style = strstr(host.text, "<style>") + 7;
	end = strstr(style, "</style>");
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, style, (size_t)(end - style), hash),
			 0);
	assert_int_equal(gnutls_base64_encode2(&(gnutls_datum_t){ hash, sizeof(hash) }, &base64),
			 0);
	(void)snprintf(expected, sizeof(expected),
		       "default-src 'none'; style-src 'sha256-%.*s'; base-uri 'none'; "
		       "form-action 'none'; frame-ancestors 'none'",
		       (int)base64.size, base64.data);
	gnutls_free(base64.data);
	assert_string_equal(page_csp(), expected);
	/* Neither of these would be let through */
	assert_not_shown(" style=");
	assert_not_shown(" on");
	assert_null(strstr(end + 1, "<style"));
}

#define ON_HOST(test_) cmocka_unit_test_setup_teardown(test_, page_host_setup, page_host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(test_without_any_traffic_it_says_so),
		ON_HOST(test_without_databases_it_says_how_to_get_them),
		ON_HOST(test_figures_are_of_the_last_minute),
		ON_HOST(test_the_peak_of_the_hour_is_shown_with_its_time),
		ON_HOST(test_what_is_not_known_yet_is_not_shown_as_zero),
		ON_HOST(test_hostile_text_is_text),
		ON_HOST(test_the_only_domain_is_text_too),
		ON_HOST(test_a_link_stays_on_this_host),
		ON_HOST(test_the_largest_page_fits_its_bound),
		ON_HOST(test_a_buffer_too_small_is_refused),
		ON_HOST(test_the_policy_allows_the_style_of_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
