/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as messages from capture; what is found right is counted, and adds up
 *
 * The input is messages one behind the other. Magic, version and sequence number are put right,
 * since there is nothing behind them otherwise; a byte in the place of the sequence number says how
 * many seconds have passed.
 */
#include <stdlib.h>
#include <string.h>

#include "common/record.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define DOMAINS 3
#define SECOND	UINT64_C(1000000000)

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The gauges are the sessions in the lists, and every packet is counted somewhere */
static void check(const struct traffic *traffic, uint64_t records)
{
	const struct sessions *sessions = &traffic->sessions;
	uint64_t counted = traffic->duplicates + traffic->ignored + traffic->unmatched;
	uint64_t active = 0, begun = 0, listed;

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
	listed = sessions_active(sessions);
	must(active == listed);
	listed += sessions->list[SESSIONS_IDLE].count;
	must(listed <= begun && listed <= sessions->max);
	must(counted == records);
}

/* The tables are made once, because to empty them takes a thousand times as long as an input does.
 * Between two inputs so much time passes that nothing of the first is left but counters.
 */
static struct traffic *make_traffic(bool use_ecs, uint64_t *ret_now_ns, uint64_t **ret_records)
{
	static struct interfaces all = { .fd = -1 };
	static struct traffic traffic;
	static uint64_t now_ns, records;
	const struct traffic_options options = { .domains = DOMAINS,
						 .max_sessions = 8,
						 .max_series = DOMAINS,
						 .interfaces = &all,
						 .key = { 0x1b873593cc9e2d51,
							  0x85ebca6bc2b2ae35 } };

	if (now_ns == 0 || now_ns > UINT64_MAX / 2) {
		traffic_close(&traffic);
		must(traffic_open(&traffic, &options) == 0);
		now_ns = records = 0;
	}
	now_ns += 100000 * SECOND;
	traffic.use_ecs = use_ecs;
	sessions_advance(&traffic.sessions, now_ns);
	check(&traffic, records);
	*ret_now_ns = now_ns;
	*ret_records = &records;
	return &traffic;
}

/* Bytes of a message's body, as far as they are there */
static size_t body_bytes(const struct batch_header *header, size_t left)
{
	size_t count = left / sizeof(struct record);

	if (header->type == BATCH_HELLO || header->type == BATCH_FAILURE) {
		count = header->type == BATCH_HELLO ? sizeof(struct hello) : sizeof(struct failure);
		return count < left ? count : left;
	}
	count = header->count < count ? header->count : count;
	return (count < BATCH_RECORDS ? count : BATCH_RECORDS) * sizeof(struct record);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct batch batch;
	struct batch_state state = { .sequence = 0 };
	uint64_t now_ns, *records;
	struct traffic *traffic = make_traffic(size % 2, &now_ns, &records);

	while (size >= sizeof(batch.header)) {
		size_t body;

		memcpy(&batch.header, bytes, sizeof(batch.header));
		batch.header.magic = BATCH_MAGIC;
		batch.header.version = BATCH_VERSION;
		now_ns += (batch.header.sequence & 0xff) * SECOND;
		batch.header.sequence = state.sequence;
		bytes += sizeof(batch.header);
		size -= sizeof(batch.header);
		body = body_bytes(&batch.header, size);
		memcpy(batch.records, bytes, body);
		bytes += body;
		size -= body;
		if (record_batch_fault(&batch, sizeof(batch.header) + body, DOMAINS, &state))
			break;
		if (batch.header.type != BATCH_TRAFFIC)
			continue;
		traffic_records(traffic, batch.records, batch.header.count, now_ns);
		*records += batch.header.count;
		check(traffic, *records);
	}
	return 0;
}
