/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as messages from capture; what is found right is counted, and adds up
 *
 * The input is messages one behind the other. Magic, version and sequence number are put right, since
 * there is nothing behind them otherwise; a byte in the place of the sequence number says how many
 * seconds have passed.
 */
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "record.h"
#include "traffic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define DOMAINS 3
#define SECOND	UINT64_C(1000000000)

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The gauges are the sessions in the lists, and every query is counted somewhere */
static void check(const struct traffic *traffic, uint64_t records)
{
	const struct sessions *sessions = &traffic->sessions;
	uint64_t active = 0, begun = 0, counted = traffic->duplicates + traffic->ignored, listed;

	for (uint32_t i = 0; i < traffic->series.count; i++) {
		const struct series *series = &traffic->series.series[i];

		active += series->active;
		begun += series->sessions;
		counted += series->queries;
		must(series->active <= series->peak && series->peak <= sessions->max);
		must(series->payload_in <= series->bytes_in &&
		     series->payload_out <= series->bytes_out);
	}
	for (uint32_t row = 0; row <= traffic->domains; row++) {
		for (unsigned i = 0; i < VERDICTS; i++)
			counted += traffic->domain[row].rejected[i];
		for (unsigned i = 0; i < TRAFFIC_RCODES; i++)
			counted += traffic->domain[row].responses[i];
	}
	listed = sessions->list[SESSIONS_NEW].count + sessions->list[SESSIONS_KNOWN].count;
	must(active == listed);
	listed += sessions->list[SESSIONS_IDLE].count;
	must(listed <= begun && listed <= sessions->max);
	must(counted <= records); /* responses under no domain are not counted at all */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct interfaces all = { .fd = -1 };
	static struct batch batch;
	const struct traffic_options options = { .domains = DOMAINS,
						 .max_sessions = 8,
						 .max_series = DOMAINS,
						 .use_ecs = size % 2,
						 .interfaces = &all,
						 .key = { 1, 2 } };
	struct batch_state state = { .sequence = 0 };
	uint64_t now_ns = SECOND, records = 0;
	struct traffic traffic;

	must(traffic_open(&traffic, &options) == 0);
	while (size >= sizeof(batch.header)) {
		size_t left = size - sizeof(batch.header), count;

		memcpy(&batch.header, bytes, sizeof(batch.header));
		batch.header.magic = BATCH_MAGIC;
		batch.header.version = BATCH_VERSION;
		now_ns += (batch.header.sequence & 0xff) * SECOND;
		batch.header.sequence = state.sequence;
		count = left / sizeof(struct record);
		count = batch.header.count < count ? batch.header.count : count;
		count = count < BATCH_RECORDS ? count : BATCH_RECORDS;
		left = count * sizeof(struct record);
		if (batch.header.type == BATCH_HELLO || batch.header.type == BATCH_FAILURE)
			left = size - sizeof(batch.header) < 16	  ? 0
			       : batch.header.type == BATCH_HELLO ? 16
								  : 8;
		bytes += sizeof(batch.header);
		size -= sizeof(batch.header);
		memcpy(batch.records, bytes, left);
		bytes += left;
		size -= left;
		if (batch_fault(&batch, sizeof(batch.header) + left, DOMAINS, &state))
			break;
		if (batch.header.type != BATCH_TRAFFIC)
			continue;
		traffic_records(&traffic, batch.records, batch.header.count, now_ns);
		records += batch.header.count;
		check(&traffic, records);
	}
	traffic_close(&traffic);
	return 0;
}
