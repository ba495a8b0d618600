/* SPDX-License-Identifier: MIT */
/* A small exporter to be shown: two domains, two databases, three label sets, a little traffic */
#include "exposition_craft.h"

#include <stdlib.h>

#include "geoip_fixture.h"
#include "record_craft.h"
#include "unit.h"

#define SECOND	  UINT64_C(1000000000)
#define START	  (1000 * SECOND)
#define NOW	  (START + 10 * SECOND)
#define EPOCH	  (1777000000 * SECOND) /* what the clock on the wall says at START */
#define ARGUMENTS 20

void exposition_craft_open(struct exposition_craft *ret_craft, const char *const *arguments)
{
	struct exposition_craft *craft = ret_craft;
	const char *argv[ARGUMENTS] = { "program", "-dnstt.domain=t.example.com",
					"-dnstt.domain=u.example.com" };
	struct reason reason;
	int argc = 3;

	for (; *arguments; arguments++)
		argv[argc++] = *arguments;
	memset(craft, 0, sizeof(*craft));
	if (options_parse(argc, (char *const *)(uintptr_t)argv, &craft->options, &reason) != 0)
		fail_msg("%s", reason.text);
	for (unsigned i = 0; i < craft->options.capture.tunnel_count; i++)
		craft->names[i] = craft->options.domains[i];
	craft->databases.database[GEOIP_COUNTRY] = fixture_open(
		GEOIP_COUNTRY, fixture_path("TEST_FIXTURES", "GeoLite2-Country-Test.mmdb"));
	craft->databases.database[GEOIP_ASN] =
		fixture_open(GEOIP_ASN, fixture_path("TEST_FIXTURES", "GeoLite2-ASN-Test.mmdb"));
	assert_int_equal(traffic_open(&craft->traffic,
				      &(struct traffic_options){
					      .domains = craft->options.capture.tunnel_count,
					      .max_sessions = 64,
					      .max_series = craft->options.max_series,
					      .interfaces = &craft->interfaces,
					      .country = craft->databases.database[GEOIP_COUNTRY],
					      .asn = craft->databases.database[GEOIP_ASN],
					      .key = { 1, 2 } }),
			 0);
	process_open(&craft->process);
	process_usage(&craft->process, &craft->collect.process);
	craft->collect.traffic =
		(struct traffic_metrics){ .traffic = &craft->traffic,
					  .names = craft->names,
					  .domains = craft->options.capture.tunnel_count,
					  .max_series = craft->options.max_series,
					  .has_country = true,
					  .has_asn = true,
					  .now_ns = NOW,
					  .now_realtime_ns = EPOCH + NOW - START };
	craft->collect.capture = &craft->capture;
	craft->collect.databases = &craft->databases;
	craft->collect.is_without_itself = craft->options.disable_exporter_metrics;
}

void exposition_craft_close(struct exposition_craft *craft)
{
	traffic_close(&craft->traffic);
	databases_close(&craft->databases);
}

static void count(struct exposition_craft *craft, struct record record, uint64_t ms)
{
	const uint64_t now_ns = START + ms * 1000000;

	traffic_records(&craft->traffic, &record, 1,
			(struct moment){ now_ns, record.time_ms * UINT64_C(1000000) });
}

void exposition_craft_traffic(struct exposition_craft *craft)
{
	for (unsigned i = 0; i < 4; i++) {
		struct record query = record_query(i % 2 ? "alice" : "bob", i);
		struct record response;

		if (i % 2)
			record_from(&query, "89.160.20.112");
		response = record_response(&query);
		count(craft, query, i * 1000);
		count(craft, response, i * 1000 + 250);
		response.flags = RECORD_FLAG_TC | 3;
		response.payload_bytes = 0;
		count(craft, response, i * 1000 + 251);
		query.dns_id++; /* the resolver asks again, */
		count(craft, query, i * 1000 + 500);
		query.interface++; /* by way of a bridge */
		count(craft, query, i * 1000 + 500);
	}
	for (unsigned verdict = 1; verdict < VERDICTS; verdict++)
		for (unsigned i = 0; i < verdict; i++)
			count(craft, record_refused(verdict, i), 5000);
	craft->capture = (struct batch_state){ .packets = 1234, .ring_drops = 5, .stalls = 6 };
	craft->collect.http = (struct http_counts){ .in_flight = 1, .refused = 3, .expired = 4 };
	craft->collect.scrapes =
		(struct hall_scrapes){ .ok = 5, .error = 6, .unavailable = 2, .in_flight = 1 };
}

char *exposition_craft_render(const struct exposition_craft *craft, enum exposition_format format)
{
	size_t bound = collect_bound(&craft->collect), bytes;
	char *text = malloc(bound + 1);

	assert_non_null(text);
	bytes = collect_render(&craft->collect, format, text, bound);
	assert_in_range(bytes, 1, bound);
	text[bytes] = '\0';
	return text;
}
