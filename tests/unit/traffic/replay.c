/* SPDX-License-Identifier: MIT */
/* Replays a recording by its own clock and prints what is counted, for test_quality.py
 *
 * usage: replay NAME DOMAIN, where DOMAIN is what -dnstt.domain takes and NAME a recording of
 * TEST_FIXTURES. Prints "clients SECOND WORKING ACTIVE" each five seconds, then the metrics.
 */
#include <stdio.h>
#include <stdlib.h>

#include "capture/decode.h"
#include "cli/wires.h"
#include "common/record_check.h"
#include "metrics/exposition.h"
#include "packet_craft.h"
#include "pcap.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"
#include "traffic/traffic_metrics.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define START  (1000 * SECOND) /* of the clock that does not step */
#define EACH   (5 * SECOND)
#define TEXT   (1 << 20)

static struct traffic traffic;

/* What a page would have shown at this time */
static void print_clients(uint64_t since_ns)
{
	uint32_t working = 0, active = 0;

	sessions_advance(&traffic.sessions, START + since_ns);
	for (uint32_t i = 0; i < traffic.series.count; i++) {
		working += traffic.series.series[i].working;
		active += traffic.series.series[i].active;
	}
	printf("clients %u %u %u\n", (unsigned)(since_ns / SECOND), working, active);
}

static void print_metrics(const char *name)
{
	static char text[TEXT];
	const char *const names[] = { name };
	struct traffic_metrics source = {
		.traffic = &traffic, .names = names, .domains = 1, .max_series = 4
	};
	const struct collector collector = { traffic_metrics_families, &source,
					     traffic_metrics_label_bytes(&source) };
	size_t bytes = exposition_render(&collector, 1, TEXT_0_0_4, text, sizeof(text));

	assert_true(bytes > 0);
	fwrite(text, 1, bytes, stdout);
}

int main(int argc, char **argv)
{
	static struct interfaces all;
	static struct config config;
	const struct traffic_options options = {
		.domains = 1,
		.max_sessions = 1000,
		.max_series = 4,
		.interfaces = &all,
		.key = { 0x1b873593cc9e2d51, 0x85ebca6bc2b2ae35 },
	};
	char name[WIRES_NAME_BYTES];
	uint64_t first_ns = 0, due_ns = EACH, since_ns;
	struct reason reason;
	struct sight sight;
	struct pcap pcap;

	if (argc != 3)
		return 2;
	craft_config(&config, CRAFT_DOMAIN);
	if (wires_parse(argv[2], &config.tunnels[0], name, &reason) < 0) {
		fprintf(stderr, "%s\n", reason.text);
		return 2;
	}
	assert_int_equal(traffic_open(&traffic, &options), 0);
	pcap_open(&pcap, argv[1]);
	while (pcap_next(&pcap, &sight)) {
		if (first_ns == 0)
			first_ns = pcap.now_ns;
		since_ns = pcap.now_ns - first_ns;
		for (; due_ns <= since_ns; due_ns += EACH)
			print_clients(due_ns);
		craft_see(&sight, &config);
		traffic_records(&traffic, craft_seen, record_of_message(&craft_seen[0]),
				(struct moment){ START + since_ns, pcap.now_ns });
	}
	/* Capture says that nothing comes any more, until whoever waits has waited long enough */
	for (unsigned i = 1; i <= 10; i++)
		traffic_records(&traffic, NULL, 0,
				(struct moment){ traffic.sessions.now_ns + SECOND, pcap.now_ns });
	print_metrics(name);
	pcap_close(&pcap);
	traffic_close(&traffic);
	return 0;
}
