/* SPDX-License-Identifier: MIT */
/* A page for tests */
#include "page_fixture.h"

#include <stdio.h>

#include "geoip_fixture.h"
#include "unit.h"

struct page_host page_host;

struct geoip_status *page_host_database(unsigned kind)
{
	return (struct geoip_status *)(uintptr_t)geoip_status(page_host.databases.database[kind]);
}

void page_host_domains(uint32_t domains)
{
	const struct traffic_options options = {
		.domains = domains, .max_sessions = 16, .max_series = PAGE_SERIES, .key = { 3, 4 }
	};

	assert_int_equal(traffic_open(&page_host.traffic, &options), 0);
	assert_int_equal(page_open(&page_host.page, PAGE_SERIES, domains), 0);
	for (uint32_t i = 0; i < domains; i++)
		(void)snprintf(page_host.domains[i], sizeof(page_host.domains[i]),
			       "t%u.example.com", i);
}

int page_host_setup(void **state)
{
	static const char *const files[] = { "GeoLite2-Country-Test.mmdb",
					     "GeoLite2-ASN-Test.mmdb" };

	(void)state;
	memset(&page_host, 0, sizeof(page_host));
	for (unsigned i = 0; i < CONFIG_DOMAINS; i++)
		page_host.names[i] = page_host.domains[i];
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		page_host.databases.database[kind] =
			fixture_open(kind, fixture_path("TEST_FIXTURES", files[kind]));
		page_host_database(kind)->build_epoch = NOW_1970 - 12 * DAY;
	}
	page_host.facts = (struct page_facts){ .traffic = &page_host.traffic,
					       .history = &page_host.history,
					       .capture = &page_host.capture,
					       .databases = &page_host.databases,
					       .names = page_host.names,
					       .telemetry_path = "/metrics",
					       .version = "1.2.3",
					       .revision = "0123456789ab",
					       .now_ns = NOW,
					       .now_realtime_ns = NOW_1970 * SECOND,
					       .start_ns = (NOW_1970 - 3 * DAY) * SECOND,
					       .is_ready = true };
	return 0;
}

int page_host_teardown(void **state)
{
	(void)state;
	page_close(&page_host.page);
	traffic_close(&page_host.traffic);
	databases_close(&page_host.databases);
	return 0;
}

struct series *page_host_series(uint8_t domain, const char *country, uint32_t asn, uint32_t clients)
{
	struct place place = { .asn = asn };
	struct series *made;

	memcpy(place.country, country, sizeof(place.country));
	made = &page_host.traffic.series.series[series_of(&page_host.traffic.series, domain, &place,
							  SERIES_PROVEN)];
	made->active = clients;
	made->queries = 10 * (uint64_t)clients + 1;
	made->sessions = 2 * (uint64_t)clients + 1;
	page_host.traffic.sessions.list[SESSIONS_KNOWN].count += clients;
	return made;
}

/* Fails the test unless every element that begins also ends, in the right order */
static void assert_well_formed(void)
{
	const char *open[32], *at = page_host.text;
	size_t length[32], depth = 0;

	while ((at = strchr(at, '<'))) {
		bool ends = at[1] == '/';
		const char *name = at + 1 + ends, *close = strchr(at, '>');
		size_t bytes = strcspn(name, " />");

		assert_non_null(close);
		at = close;
		if (*name == '!' || close[-1] == '/' || strncmp(name, "meta", bytes) == 0 ||
		    strncmp(name, "br", bytes) == 0)
			continue;
		if (!ends) {
			assert_in_range(depth, 0, COUNT(open) - 1);
			open[depth] = name;
			length[depth++] = bytes;
			continue;
		}
		assert_int_not_equal(depth, 0);
		depth--;
		if (length[depth] != bytes || memcmp(open[depth], name, bytes) != 0)
			fail_msg("%.20s is ended by %.20s", open[depth], name);
	}
	assert_int_equal(depth, 0);
}

void page_host_look(uint64_t seconds_ago)
{
	history_advance(&page_host.history, &page_host.traffic, &page_host.capture,
			page_host.facts.now_ns - seconds_ago * SECOND);
}

void page_host_render(void)
{
	page_host_look(0);
	page_host.bytes =
		page_render(&page_host.page, &page_host.facts, page_host.text, PAGE_BYTES);
	assert_int_not_equal(page_host.bytes, 0);
	page_host.text[page_host.bytes] = '\0';
	assert_int_equal(strlen(page_host.text), page_host.bytes);
	assert_well_formed();
}

void assert_shown(const char *text)
{
	if (!strstr(page_host.text, text))
		fail_msg("\"%s\" is not on the page:\n%s", text, strstr(page_host.text, "<body>"));
}

void assert_not_shown(const char *text)
{
	if (strstr(page_host.text, text))
		fail_msg("\"%s\" is on the page:\n%s", text, strstr(page_host.text, text));
}
