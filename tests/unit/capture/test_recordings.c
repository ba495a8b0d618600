/* SPDX-License-Identifier: MIT */
/* Recordings of the real dnstt client and server: what is counted is what dnstt-server did */
#include <arpa/inet.h>
#include <stdio.h>

#include "capture/decode.h"
#include "common/config.h"
#include "common/record_check.h"
#include "packet_craft.h"
#include "pcap.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"
#include "unit.h"

#define MINIMISED "dnstt-unbound-qmin-0x20"
#define OVER_IPV6 "dnstt-unbound-ipv6"
#define CLIENTS	  64

/* What an observer has of one resolver, or of all of them */
struct tally {
	unsigned long queries, bytes_in, responses, bytes_out, sessions;
	uint8_t clients[CLIENTS][8];
};

static void tally_client(struct tally *tally, const uint8_t id[8])
{
	for (unsigned i = 0; i < tally->sessions; i++)
		if (memcmp(tally->clients[i], id, 8) == 0)
			return;
	assert_true(tally->sessions < CLIENTS);
	memcpy(tally->clients[tally->sessions++], id, 8);
}

static void tally_record(struct tally *tally, const struct record *record)
{
	if (record->kind == RECORD_QUERY) {
		tally->queries++;
		tally->bytes_in += record->message_bytes;
	} else {
		tally->responses++;
		tally->bytes_out += record->message_bytes;
	}
	tally_client(tally, record->client_id);
}

static void assert_tally(const struct tally *tally, const char *recording, const char *resolver)
{
	assert_int_equal(tally->queries, pcap_expected(recording, resolver, "queries"));
	assert_int_equal(tally->bytes_in, pcap_expected(recording, resolver, "bytes_in"));
	assert_int_equal(tally->responses, pcap_expected(recording, resolver, "responses"));
	assert_int_equal(tally->bytes_out, pcap_expected(recording, resolver, "bytes_out"));
	assert_int_equal(tally->sessions, pcap_expected(recording, resolver, "sessions"));
}

/* A recording through decode(); @resolvers: as the file of expected numbers calls them */
static void assert_decoded(const char *recording, const char *const resolvers[2])
{
	struct tally total = { .queries = 0 }, by_resolver[2] = { { .queries = 0 } };
	uint8_t addresses[2][16];
	struct config config;
	struct sight sight;
	struct pcap pcap;

	for (unsigned i = 0; i < 2; i++) {
		char mapped[64];

		(void)snprintf(mapped, sizeof(mapped), "%s%s",
			       strchr(resolvers[i], ':') ? "" : "::ffff:", resolvers[i]);
		assert_int_equal(inet_pton(AF_INET6, mapped, addresses[i]), 1);
	}
	craft_config(&config, CRAFT_DOMAIN);
	pcap_open(&pcap, recording);
	while (pcap_next(&pcap, &sight)) {
		struct record record;

		record = craft_see(&sight, &config);
		if (record.verdict != VERDICT_ACCEPTED || record.flags & RECORD_FLAG_RCODE)
			continue;
		tally_record(&total, &record);
		for (unsigned i = 0; i < 2; i++)
			if (memcmp(addresses[i], record.resolver, 16) == 0)
				tally_record(&by_resolver[i], &record);
	}
	pcap_close(&pcap);
	assert_tally(&total, recording, "total");
	for (unsigned i = 0; i < 2; i++)
		assert_tally(&by_resolver[i], recording, resolvers[i]);
}

/* A recording through decode(), record_check_batch() and traffic_records(), packet by packet */
static void count(const char *recording, struct traffic *ret_traffic)
{
	static struct interfaces all;
	const struct traffic_options options = {
		.domains = 1,
		.max_sessions = 1000,
		.max_series = 10,
		.interfaces = &all,
		.key = { 0x1b873593cc9e2d51, 0x85ebca6bc2b2ae35 },
	};
	struct batch_state state = { .sequence = 1 };
	struct config config;
	struct sight sight;
	struct pcap pcap;

	assert_int_equal(traffic_open(ret_traffic, &options), 0);
	craft_config(&config, CRAFT_DOMAIN);
	pcap_open(&pcap, recording);
	while (pcap_next(&pcap, &sight)) {
		static struct batch batch;

		batch.header = (struct batch_header){ .magic = BATCH_MAGIC,
						      .version = BATCH_VERSION,
						      .type = BATCH_TRAFFIC,
						      .sequence = state.sequence };
		craft_see(&sight, &config);
		batch.header.count = (uint16_t)record_of_message(&craft_seen[0]);
		memcpy(batch.records, craft_seen, sizeof(craft_seen));
		assert_null(record_check_batch(
			&batch, sizeof(batch.header) + batch.header.count * sizeof(struct record),
			1, &state));
		traffic_records(ret_traffic, batch.records, batch.header.count,
				(struct moment){ pcap.now_ns, pcap.now_ns });
	}
	pcap_close(&pcap);
}

static void assert_counted(const char *recording)
{
	static struct traffic traffic;
	const struct series *series;
	unsigned long sessions = pcap_expected(recording, "total", "sessions");

	count(recording, &traffic);
	series = &traffic.series.series[0];
	assert_int_equal(traffic.series.count, 1);
	assert_int_equal(series->queries, pcap_expected(recording, "total", "queries"));
	assert_int_equal(series->bytes_in, pcap_expected(recording, "total", "bytes_in"));
	assert_int_equal(series->bytes_out, pcap_expected(recording, "total", "bytes_out"));
	assert_int_equal(series->sessions, sessions);
	/* Each client of the recordings began one KCP session, as dnstt-server's log would say */
	assert_int_equal(traffic.domain[0].kcp.conversations, sessions);
	assert_in_range(series->peak, 1, sessions);
	assert_int_equal(traffic.domain[0].responses[0],
			 pcap_expected(recording, "total", "responses"));
	assert_int_equal(traffic.duplicates, 0);
	assert_int_equal(traffic.ignored, 0);
	/* Five minutes later everyone is gone */
	sessions_advance(&traffic.sessions, traffic.sessions.now_ns + UINT64_C(300000000000));
	assert_int_equal(series->active, 0);
	traffic_close(&traffic);
}

static void test_minimised_and_randomised_names_are_decoded_exactly(void **state)
{
	static const char *const resolvers[] = { "81.2.69.160", "89.160.20.112" };

	(void)state;
	assert_decoded(MINIMISED, resolvers);
}

static void test_resolver_over_ipv6_is_decoded_exactly(void **state)
{
	static const char *const resolvers[] = { "81.2.69.160", "2001:218::53" };

	(void)state;
	assert_decoded(OVER_IPV6, resolvers);
}

static void test_recordings_are_counted_exactly(void **state)
{
	(void)state;
	assert_counted(MINIMISED);
	assert_counted(OVER_IPV6);
}

static void test_minimised_queries_are_refused_by_their_type(void **state)
{
	static struct traffic traffic;

	(void)state;
	count(MINIMISED, &traffic);
	assert_true(traffic.domain[0].rejected[VERDICT_QTYPE] > 100);
	for (unsigned verdict = 1; verdict < VERDICTS; verdict++)
		if (verdict != VERDICT_QTYPE)
			assert_int_equal(traffic.domain[0].rejected[verdict], 0);
	assert_true(traffic.domain[0].responses[3] >=
		    traffic.domain[0].rejected[VERDICT_QTYPE] - 1);
	traffic_close(&traffic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimised_and_randomised_names_are_decoded_exactly),
		cmocka_unit_test(test_resolver_over_ipv6_is_decoded_exactly),
		cmocka_unit_test(test_recordings_are_counted_exactly),
		cmocka_unit_test(test_minimised_queries_are_refused_by_their_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
