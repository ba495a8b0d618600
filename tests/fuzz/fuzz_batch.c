/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as messages from capture; what is found right is counted, and adds up
 *
 * The input is messages one behind the other. Magic, version and sequence number are put right,
 * since there is nothing behind them otherwise; in the place of the sequence number a byte says how
 * many seconds have passed, and two how many tenths of milliseconds. With an input, 1970 begins.
 *
 * Where a resolver is the first four bits of its address say: more networks than there may be label
 * sets. What was shown of one is never less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/record_check.h"
#include "geoip/geoip.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define DOMAINS	   3
#define MAX_SERIES (DOMAINS + 4)
#define SECOND	   UINT64_C(1000000000)
#define TENTH	   100000 /* of a millisecond */

/* What the records of right batches hold, since the tables are there */
struct seen {
	uint64_t messages;
	uint64_t segments[KCP_DIRECTIONS], carried[KCP_DIRECTIONS]; /* PUSH */
	uint64_t acknowledgements;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

#define NODES	     15
#define RECORD_BYTES 7

/* A MaxMind DB: a tree of 15 nodes, 16 records {"asn": n}, and the metadata */
static size_t write_networks(uint8_t bytes[static 512])
{
	static const char metadata[] = "\253\315\357MaxMind.com\351"
				       "\133binary_format_major_version\241\002"
				       "\133binary_format_minor_version\240"
				       "\113build_epoch\004\002\150\001\001\001"
				       "\115database_type\104test"
				       "\113description\341\102en\104test"
				       "\112ip_version\241\006"
				       "\111languages\001\004\102en"
				       "\112node_count\301\017"
				       "\113record_size\241\030";
	uint8_t *at = bytes;

	for (unsigned below = 1; below <= 2 * NODES; below++) {
		*at++ = 0;
		*at++ = 0;
		*at++ = (uint8_t)(below < NODES ? below
						: NODES + 16 + (below - NODES) * RECORD_BYTES);
	}
	memset(at, 0, 16);
	at += 16;
	for (unsigned i = 1; i <= NODES + 1; i++) {
		memcpy(at, "\341\103asn\301", RECORD_BYTES - 1);
		at[RECORD_BYTES - 1] = (uint8_t)i;
		at += RECORD_BYTES;
	}
	memcpy(at, metadata, sizeof(metadata) - 1);
	return (size_t)(at - bytes) + sizeof(metadata) - 1;
}

static struct geoip_database *networks(void)
{
	static struct geoip_database *database;
	struct reason reason;
	uint8_t bytes[512];
	char path[32];
	size_t size;
	int file;

	if (database)
		return database;
	size = write_networks(bytes);
	file = memfd_create("networks", MFD_CLOEXEC);
	must(file >= 0 && write(file, bytes, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	must(geoip_read(GEOIP_ASN, path, &database, &reason) == 0);
	must(geoip_open(database, &reason) == 0);
	(void)close(file);
	return database;
}

/* Label sets as they stood before */
static struct series shown[MAX_SERIES + DOMAINS];
static uint32_t shown_count;

static void check_series(const struct traffic *traffic)
{
	const struct series_table *table = &traffic->series;

	must(table->count >= shown_count && table->others <= DOMAINS);
	must(table->count - table->others <= MAX_SERIES);
	for (uint32_t i = 0; i < shown_count; i++) {
		const struct series *now = &table->series[i], *then = &shown[i];

		must(now->domain == then->domain && now->other == then->other);
		must(strcmp(now->labels, then->labels) == 0);
		must(now->queries >= then->queries && now->sessions >= then->sessions);
		must(now->bytes_in >= then->bytes_in && now->bytes_out >= then->bytes_out);
		must(now->established >= then->established && now->peak >= then->peak);
		must(now->session_us >= then->session_us && now->unanswered >= then->unanswered);
		must(now->rtt.count >= then->rtt.count && now->rtt.ms >= then->rtt.ms);
	}
	shown_count = table->count;
	memcpy(shown, table->series, shown_count * sizeof(*shown));
}

/* What the segments of all sessions of a domain add up to */
static void check_kcp(const struct kcp_domain *kcp, const struct seen *seen)
{
	for (unsigned way = 0; way < KCP_DIRECTIONS; way++) {
		must(kcp->segments[way] <= seen->segments[way]);
		must(kcp->goodput[way] <= seen->carried[way]);
		must(kcp->retransmitted[way] <= kcp->segments[way]);
	}
	must(kcp->refilled <= kcp->segments[KCP_IN]);
	must(histogram_count(&kcp->wait) <= kcp->segments[KCP_OUT]);
	must(histogram_count(&kcp->rtt) <= seen->acknowledgements);
}

/* Totals of all label sets of a domain, or of all domains */
struct totals {
	uint64_t queries, begun, established, unanswered, session_us, round_trips, round_trip_ms;
	uint64_t active, working;
};

static void add_series(struct totals *totals, const struct series *series)
{
	totals->queries += series->queries;
	totals->begun += series->sessions;
	totals->established += series->established;
	totals->unanswered += series->unanswered;
	totals->session_us += series->session_us;
	totals->round_trips += series->rtt.count;
	totals->round_trip_ms += series->rtt.ms;
	totals->active += series->active;
	totals->working += series->working;
}

/* Each figure of a domain is that of its label sets, and no larger than what it is a part of */
static void check_domain(const struct traffic *traffic, uint32_t index)
{
	const struct traffic_domain *domain = &traffic->domain[index];
	const struct sessions_ended *ended = &traffic->sessions.ended[index];
	struct totals totals = { .queries = 0 };

	for (uint32_t i = 0; i < traffic->series.count; i++)
		if (traffic->series.series[i].domain == index)
			add_series(&totals, &traffic->series.series[i]);
	must(totals.unanswered <= totals.queries);
	must(totals.established <= domain->kcp.conversations);
	must(totals.session_us <= totals.queries * (SESSIONS_ACTIVE_NS / 1000));
	must(totals.round_trips == histogram_count(&domain->kcp.rtt));
	must(totals.round_trip_ms == domain->kcp.rtt.sum);
	must(domain->polls <= totals.queries && domain->retransmitted <= totals.queries);
	must(histogram_count(&domain->query_name) == totals.queries);
	must(histogram_count(&domain->query_edns) == totals.queries);
	must(domain->empty_responses <= domain->responses[0]);
	must(histogram_count(&domain->response_delay) <= totals.queries);
	must(histogram_count(&domain->response_delay) <= domain->responses[0]);
	must(histogram_count(&ended->duration) == histogram_count(&ended->bytes));
	must(histogram_count(&ended->bytes) <= totals.queries);
}

/* The gauges are the sessions in the lists, and every packet is counted somewhere */
static void check(const struct traffic *traffic, const struct seen *seen)
{
	const struct sessions *sessions = &traffic->sessions;
	uint64_t counted = traffic->duplicates + traffic->ignored + traffic->unmatched;
	struct totals totals = { .queries = 0 };
	uint64_t listed;

	check_series(traffic);
	for (uint32_t i = 0; i < traffic->series.count; i++) {
		const struct series *series = &traffic->series.series[i];

		add_series(&totals, series);
		must(series->active <= series->peak && series->peak <= sessions->max);
		must(series->working <= series->active);
		must(series->payload_in <= series->bytes_in &&
		     series->payload_out <= series->bytes_out);
	}
	counted += totals.queries;
	for (uint32_t row = 0; row <= traffic->domains; row++) {
		for (unsigned i = 0; i < VERDICTS; i++)
			counted += traffic->domain[row].rejected[i];
		for (unsigned i = 0; i < TRAFFIC_RCODES; i++)
			counted += traffic->domain[row].responses[i];
	}
	for (uint32_t i = 0; i < traffic->domains; i++) {
		check_domain(traffic, i);
		check_kcp(&traffic->domain[i].kcp, seen);
	}
	listed = sessions_active(sessions);
	must(totals.active == listed);
	must(totals.working == sessions->working);
	listed += sessions->list[SESSIONS_IDLE].count;
	must(listed <= sessions->max && totals.begun <= totals.queries);
	must(counted == seen->messages);
	must(traffic->pending.oldest <= traffic->pending.due &&
	     traffic->pending.due <= traffic->pending.added &&
	     traffic->pending.added - traffic->pending.oldest <= PENDING_QUERIES);
}

/* A batch that was found right */
static void see(struct seen *seen, const struct batch *batch)
{
	for (unsigned at = 0; at < batch->header.count;) {
		const struct record *message = &batch->records[at];
		const unsigned way = message->kind == RECORD_QUERY ? KCP_IN : KCP_OUT;

		for (unsigned i = 0; i < message->segments; i++) {
			const struct segment *segment = record_segment(message, i);

			if (segment->command == RECORD_KCP_PUSH) {
				seen->segments[way]++;
				seen->carried[way] += segment->bytes;
			} else {
				seen->acknowledgements++;
			}
		}
		seen->messages++;
		at += record_of_message(message);
	}
}

/* Counters and label sets as they are at the start; nothing points to a label set by now */
static void begin_anew(struct traffic *traffic, const struct traffic_options *options,
		       const struct traffic *fresh, struct seen *seen)
{
	traffic->start_ns = 0;
	traffic->duplicates = traffic->ignored = traffic->unmatched = 0;
	memcpy(traffic->domain, fresh->domain, (DOMAINS + 1) * sizeof(*fresh->domain));
	memcpy(traffic->sessions.ended, fresh->sessions.ended, sizeof(fresh->sessions.ended));
	series_close(&traffic->series);
	must(series_open(&traffic->series, DOMAINS, MAX_SERIES, &options->key) == 0);
	resolvers_forget(&traffic->resolvers);
	shown_count = 0;
	*seen = (struct seen){ .messages = 0 };
}

/* The other tables are made once, because to empty them takes a thousand times as long as an input
 * does. Between two inputs so much time passes that nothing of the first is left in them.
 */
static struct traffic *make_traffic(bool use_ecs, uint64_t *ret_now_ns, struct seen **ret_seen)
{
	static struct interfaces all = { .fd = -1 };
	static struct traffic traffic, fresh;
	static struct seen seen;
	static uint64_t now_ns;
	const struct traffic_options options = { .domains = DOMAINS,
						 .max_sessions = 8,
						 .max_series = MAX_SERIES,
						 .interfaces = &all,
						 .asn = networks(),
						 .key = { 0x1b873593cc9e2d51,
							  0x85ebca6bc2b2ae35 } };

	if (now_ns == 0 || now_ns > UINT64_MAX / 2) {
		traffic_close(&traffic);
		must(traffic_open(&traffic, &options) == 0);
		fresh = traffic;
		begin_anew(&traffic, &options, &fresh, &seen);
		now_ns = 0;
	}
	now_ns += 100000 * SECOND;
	traffic.use_ecs = use_ecs;
	traffic_records(&traffic, NULL, 0, (struct moment){ now_ns, 0 });
	check(&traffic, &seen);
	must(sessions_active(&traffic.sessions) == 0 &&
	     traffic.sessions.list[SESSIONS_IDLE].count == 0 && traffic.sessions.working == 0);
	must(traffic.pending.due == traffic.pending.added);
	begin_anew(&traffic, &options, &fresh, &seen);
	*ret_now_ns = now_ns;
	*ret_seen = &seen;
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
	uint64_t now_ns, begun_ns;
	struct seen *seen;
	struct traffic *traffic = make_traffic(size % 2, &now_ns, &seen);

	begun_ns = now_ns;
	while (size >= sizeof(batch.header)) {
		size_t body;

		memcpy(&batch.header, bytes, sizeof(batch.header));
		batch.header.magic = BATCH_MAGIC;
		batch.header.version = BATCH_VERSION;
		now_ns += (batch.header.sequence & 0xff) * SECOND;
		now_ns += (batch.header.sequence >> 8 & 0xffff) * TENTH;
		batch.header.sequence = state.sequence;
		bytes += sizeof(batch.header);
		size -= sizeof(batch.header);
		body = body_bytes(&batch.header, size);
		memcpy(batch.records, bytes, body);
		bytes += body;
		size -= body;
		if (record_check_batch(&batch, sizeof(batch.header) + body, DOMAINS, &state))
			break;
		if (batch.header.type != BATCH_TRAFFIC)
			continue;
		see(seen, &batch);
		traffic_records(traffic, batch.records, batch.header.count,
				(struct moment){ now_ns, now_ns - begun_ns });
		check(traffic, seen);
	}
	return 0;
}
