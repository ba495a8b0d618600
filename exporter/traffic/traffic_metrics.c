/* SPDX-License-Identifier: MIT */
/* The metrics of the traffic */
#include "traffic/traffic_metrics.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "common/record.h"
#include "metrics/sample.h"
#include "traffic/traffic.h"

/* Label values of dnstt_rejected_queries_total, in the order in which dnstt-server decides */
static const char *const reasons[VERDICTS] = {
	[VERDICT_PACKET] = "packet",
	[VERDICT_FRAGMENT] = "fragment",
	[VERDICT_MALFORMED] = "malformed",
	[VERDICT_NOT_QUERY] = "not_query",
	[VERDICT_MULTIPLE_OPT] = "multiple_opt",
	[VERDICT_EDNS_VERSION] = "edns_version",
	[VERDICT_QDCOUNT] = "qdcount",
	[VERDICT_DOMAIN] = "domain",
	[VERDICT_OPCODE] = "opcode",
	[VERDICT_QTYPE] = "qtype",
	[VERDICT_ENCODING] = "encoding",
	[VERDICT_EDNS_SIZE] = "edns_size",
	[VERDICT_SHORT] = "short",
	[VERDICT_FRAMING] = "framing",
};

/* Mnemonics of the IANA registry "DNS RCODEs"; those that dnstt-server sends are shown at zero too */
static const struct {
	const char *name;
	bool always;
} rcodes[TRAFFIC_RCODES] = {
	{ "NOERROR", true },  { "FORMERR", true },  { "SERVFAIL", false }, { "NXDOMAIN", true },
	{ "NOTIMP", true },   { "REFUSED", false }, { "YXDOMAIN", false }, { "YXRRSET", false },
	{ "NXRRSET", false }, { "NOTAUTH", false }, { "NOTZONE", false },  { "DSOTYPENI", false },
	{ "RCODE12", false }, { "RCODE13", false }, { "RCODE14", false },  { "RCODE15", false },
};

/* What a query under no domain is counted by; no domain of more than one label is called so */
#define NO_DOMAIN "none"

#define PREFIX_BYTES 400 /* longest family, and domain (253) */
#define LABEL_BYTES  80	 /* {domain="",country="other",asn="4294967295",reason="edns_version"} */

size_t traffic_metrics_label_bytes(const struct traffic_metrics *metrics)
{
	size_t longest = sizeof(NO_DOMAIN);

	for (uint32_t i = 0; i < metrics->domains; i++)
		if (strlen(metrics->names[i]) > longest)
			longest = strlen(metrics->names[i]);
	return LABEL_BYTES + longest;
}

/* As series.h has them, of those that are shown */
static void place_labels(struct text *text, const struct traffic_metrics *metrics,
			 const struct series *series)
{
	const size_t from = metrics->has_country ? 0 : series->country_bytes;
	const size_t to = metrics->has_asn ? series->label_bytes : series->country_bytes;
	char *at = text_room(text, SERIES_LABEL_BYTES);

	if (!at || !(metrics->has_country || metrics->has_asn))
		return;
	/* All of it, as a copy of fixed size is faster */
	memcpy(at, series->labels, sizeof(series->labels));
	if (from > 0)
		memmove(at, at + from, to - from);
	text->at += to - from;
}

/* Gauges of a label set have 32 bits, counters 64 */
static uint64_t series_number(const struct series *series, const struct family *family)
{
	uint32_t number;

	if (family->type == COUNTER)
		return sample_number(series, family);
	memcpy(&number, (const char *)series + family->field, sizeof(number));
	return number;
}

/* Whether a domain has what only kcp-go's KCP tells */
static bool has_kcp(const struct traffic_metrics *metrics, uint32_t domain)
{
	return !(metrics->traffic->without_kcp >> domain & 1);
}

/* Whether it has what both directions tell */
static bool has_both(const struct traffic_metrics *metrics, uint32_t domain)
{
	return !(metrics->traffic->without_answers >> domain & 1);
}

/* What lines of one domain begin with. There are thousands of them in a scrape. */
struct prefix {
	const char *part; /* of the family: what follows its name */
	size_t bytes;	  /* 0: nothing so far */
	uint32_t domain;
	char text[PREFIX_BYTES];
};

/* name_part{domain="...",country="...",asn="..." */
static void series_labels(struct text *text, const struct family *family, struct prefix *prefix,
			  const struct traffic_metrics *metrics, const struct series *series)
{
	if (prefix->bytes == 0 || prefix->domain != series->domain) {
		struct text begin = { prefix->text, prefix->text,
				      prefix->text + sizeof(prefix->text), false };

		sample_part(&begin, family, prefix->part, "domain", metrics->names[series->domain]);
		prefix->bytes = (size_t)(begin.at - begin.start);
		prefix->domain = series->domain;
		text->full |= begin.full;
	}
	text_bytes(text, prefix->text, prefix->bytes);
	place_labels(text, metrics, series);
}

static void write_some_series(struct text *text, const struct family *family,
			      const struct traffic_metrics *metrics, bool needs_both)
{
	const struct series_table *table = &metrics->traffic->series;
	struct prefix prefix = { .part = family->type == COUNTER ? "_total" : "" };

	for (uint32_t i = 0; i < table->count; i++) {
		const struct series *series = &table->series[i];

		if (needs_both && !has_both(metrics, series->domain))
			continue;
		series_labels(text, family, &prefix, metrics, series);
		sample_end(text, series_number(series, family));
	}
}

static void write_series(struct text *text, const struct family *family, const void *source)
{
	write_some_series(text, family, source, false);
}

static void write_kcp_series(struct text *text, const struct family *family, const void *source)
{
	write_some_series(text, family, source, true);
}

/* In seconds, of microseconds */
static void write_series_time(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;
	const struct series_table *table = &metrics->traffic->series;
	struct prefix prefix = { .part = "_total" };

	for (uint32_t i = 0; i < table->count; i++) {
		const struct series *series = &table->series[i];

		series_labels(text, family, &prefix, metrics, series);
		sample_end_thousandths(text, series_number(series, family) / 1000);
	}
}

/* Summaries without quantiles, in seconds */
static void write_series_sum(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;
	const struct series_table *table = &metrics->traffic->series;
	struct prefix sums = { .part = "_sum" }, counts = { .part = "_count" };

	for (uint32_t i = 0; i < table->count; i++) {
		const struct series *series = &table->series[i];
		const struct series_sum *sum = (const void *)((const char *)series + family->field);

		if (!has_both(metrics, series->domain))
			continue;
		series_labels(text, family, &sums, metrics, series);
		sample_end_thousandths(text, sum->ms);
		series_labels(text, family, &counts, metrics, series);
		sample_end(text, sum->count);
	}
}

/* Each domain may have one more, see series.h */
static size_t most_series(const void *source)
{
	const struct traffic_metrics *metrics = source;

	return (size_t)metrics->max_series + metrics->domains;
}

static size_t most_series_sums(const void *source)
{
	return 2 * most_series(source);
}

static void write_domains(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++) {
		sample_label(text, family, "domain", metrics->names[i]);
		sample_end(text, sample_number(&metrics->traffic->domain[i], family));
	}
}

static size_t most_domains(const void *source)
{
	const struct traffic_metrics *metrics = source;

	return metrics->domains;
}

static void write_kcp_domains(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++) {
		if (!has_kcp(metrics, i))
			continue;
		sample_label(text, family, "domain", metrics->names[i]);
		sample_end(text, sample_number(&metrics->traffic->domain[i], family));
	}
}

/* The field is an array of KCP_DIRECTIONS */
static void write_directions(struct text *text, const struct family *family, const void *source)
{
	static const char *const directions[KCP_DIRECTIONS] = {
		[KCP_IN] = "in", [KCP_OUT] = "out"
	};
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < KCP_DIRECTIONS * metrics->domains; i++) {
		const uint32_t domain = i / KCP_DIRECTIONS, direction = i % KCP_DIRECTIONS;
		const uint64_t *numbers =
			(const void *)((const char *)&metrics->traffic->domain[domain] +
				       family->field);

		if (direction == KCP_IN ? !has_kcp(metrics, domain) : !has_both(metrics, domain))
			continue;
		sample_label(text, family, "domain", metrics->names[domain]);
		sample_next_label(text, "direction", directions[direction]);
		sample_end(text, numbers[direction]);
	}
}

static size_t most_directions(const void *source)
{
	return KCP_DIRECTIONS * most_domains(source);
}

static void write_histogram(struct text *text, const struct family *family, const char *domain,
			    const struct histogram *histogram)
{
	const struct histogram_scale *scale = histogram->scale;
	uint64_t count = 0;

	for (uint32_t i = 0; i < scale->buckets; i++) {
		count += histogram->bucket[i];
		sample_part(text, family, "_bucket", "domain", domain);
		sample_next_label(text, "le", scale->le[i]);
		sample_end(text, count);
	}
	count = histogram_count(histogram);
	sample_part(text, family, "_bucket", "domain", domain);
	sample_next_label(text, "le", "+Inf");
	sample_end(text, count);
	sample_part(text, family, "_sum", "domain", domain);
	if (scale->per_unit == 1000)
		sample_end_thousandths(text, histogram->sum);
	else
		sample_end(text, histogram->sum);
	sample_part(text, family, "_count", "domain", domain);
	sample_end(text, count);
}

static void write_histograms(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++)
		write_histogram(
			text, family, metrics->names[i],
			(const void *)((const char *)&metrics->traffic->domain[i] + family->field));
}

static void write_kcp_histograms(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++)
		if (has_both(metrics, i))
			write_histogram(text, family, metrics->names[i],
					(const void *)((const char *)&metrics->traffic->domain[i] +
						       family->field));
}

/* Of sessions that have ended */
static void write_ended(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++)
		if (has_both(metrics, i))
			write_histogram(
				text, family, metrics->names[i],
				(const void *)((const char *)&metrics->traffic->sessions.ended[i] +
					       family->field));
}

static size_t most_histograms(const void *source)
{
	return (HISTOGRAM_BUCKETS + 3) * most_domains(source);
}

static void write_reasons(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i <= metrics->domains; i++) {
		bool none = i == metrics->domains;

		/* The domain is not known before that rule */
		for (unsigned verdict = none ? VERDICT_ACCEPTED + 1 : VERDICT_DOMAIN + 1;
		     verdict < (none ? VERDICT_DOMAIN + 1 : VERDICTS); verdict++) {
			sample_label(text, family, "domain", none ? NO_DOMAIN : metrics->names[i]);
			sample_next_label(text, "reason", reasons[verdict]);
			sample_end(text, metrics->traffic->domain[i].rejected[verdict]);
		}
	}
}

static size_t most_reasons(const void *source)
{
	return (most_domains(source) + 1) * VERDICTS;
}

static void write_rcodes(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++) {
		const uint64_t *responses = metrics->traffic->domain[i].responses;

		for (unsigned rcode = 0; rcode < ARRAY_LENGTH(rcodes); rcode++) {
			if (!rcodes[rcode].always && responses[rcode] == 0)
				continue;
			sample_label(text, family, "domain", metrics->names[i]);
			sample_next_label(text, "rcode", rcodes[rcode].name);
			sample_end(text, responses[rcode]);
		}
	}
}

static size_t most_rcodes(const void *source)
{
	return most_domains(source) * TRAFFIC_RCODES;
}

/* Of a time on the monotonic clock, the time since 1970; 0 for never */
static void write_times(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	for (uint32_t i = 0; i < metrics->domains; i++) {
		uint64_t then = sample_number(&metrics->traffic->domain[i], family);
		uint64_t age_ns = metrics->now_ns - then;

		sample_label(text, family, "domain", metrics->names[i]);
		text_string(text, "} ");
		text_seconds(text, then == 0 ? 0 : metrics->now_realtime_ns - age_ns);
		text_string(text, "\n");
	}
}

static void write_total(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;

	sample_field(text, family, metrics->traffic);
}

static const struct family_shape by_series = { write_series, most_series };
static const struct family_shape by_domain = { write_domains, most_domains };
static const struct family_shape by_kcp_series = { write_kcp_series, most_series };
static const struct family_shape by_series_time = { write_series_time, most_series };
static const struct family_shape by_series_sum = { write_series_sum, most_series_sums };
static const struct family_shape by_kcp_domain = { write_kcp_domains, most_domains };
static const struct family_shape by_direction = { write_directions, most_directions };
static const struct family_shape histograms = { write_histograms, most_histograms };
static const struct family_shape kcp_histograms = { write_kcp_histograms, most_histograms };
static const struct family_shape ended = { write_ended, most_histograms };
static const struct family_shape by_reason = { write_reasons, most_reasons };
static const struct family_shape by_rcode = { write_rcodes, most_rcodes };
static const struct family_shape by_domain_time = { write_times, most_domains };
static const struct family_shape in_all = { write_total, NULL };

#define SERIES(member)	offsetof(struct series, member)
#define DOMAIN(member)	offsetof(struct traffic_domain, member)
#define ENDED(member)	offsetof(struct sessions_ended, member)
#define TRAFFIC(member) offsetof(struct traffic, member)

const struct family traffic_metrics_families[] = {
	{ "dnstt_active_clients", GAUGE, "Sessions with an accepted query in the last 30 seconds.",
	  &by_series, SERIES(active) },
	{ "dnstt_peak_clients", GAUGE, "Most sessions active at one time since start.", &by_series,
	  SERIES(peak) },
	{ "dnstt_working_clients", GAUGE,
	  "Sessions whose client received new data in the last 30 seconds.", &by_kcp_series,
	  SERIES(working) },
	{ "dnstt_queries", COUNTER, "Queries that dnstt-server accepts.", &by_series,
	  SERIES(queries) },
	{ "dnstt_bytes_in", COUNTER, "Bytes of DNS messages of accepted queries.", &by_series,
	  SERIES(bytes_in) },
	{ "dnstt_bytes_out", COUNTER, "Bytes of DNS messages that answer accepted queries.",
	  &by_series, SERIES(bytes_out) },
	{ "dnstt_sessions", COUNTER,
	  "Sessions begun: ClientIDs not seen in the 4 minutes before their query.", &by_series,
	  SERIES(sessions) },
	{ "dnstt_payload_bytes_in", COUNTER, "Bytes of tunnel packets in accepted queries.",
	  &by_series, SERIES(payload_in) },
	{ "dnstt_payload_bytes_out", COUNTER, "Bytes of tunnel packets in responses.", &by_series,
	  SERIES(payload_out) },
	{ "dnstt_established_sessions", COUNTER, "Handshakes completed.", &by_kcp_series,
	  SERIES(established) },
	{ "dnstt_session_seconds", COUNTER,
	  "Time between queries of a session that are at most 30 seconds apart.", &by_series_time,
	  SERIES(session_us) },
	{ "dnstt_unanswered_queries", COUNTER,
	  "Accepted queries without a NOERROR answer within 5 seconds.", &by_series,
	  SERIES(unanswered) },
	{ "dnstt_network_rtt_seconds", SUMMARY,
	  "Round trips from the server to a client and back, its wait for a query included.",
	  &by_series_sum, SERIES(rtt) },
	{ "dnstt_kcp_sessions", COUNTER, "KCP sessions begun, as dnstt-server logs them.",
	  &by_kcp_domain, DOMAIN(kcp.conversations) },
	{ "dnstt_kcp_segments", COUNTER, "KCP PUSH segments, every one seen.", &by_direction,
	  DOMAIN(kcp.segments) },
	{ "dnstt_kcp_retransmitted_segments", COUNTER,
	  "KCP PUSH segments whose number was seen before in their conversation.", &by_direction,
	  DOMAIN(kcp.retransmitted) },
	{ "dnstt_kcp_refilled_segments", COUNTER,
	  "Gaps in what a client sent that a later copy filled: an estimate of loss on the way up.",
	  &by_kcp_domain, DOMAIN(kcp.refilled) },
	{ "dnstt_goodput_bytes", COUNTER, "Bytes in KCP PUSH segments whose number is new.",
	  &by_direction, DOMAIN(kcp.goodput) },
	{ "dnstt_poll_queries", COUNTER, "Accepted queries without a tunnel packet.", &by_domain,
	  DOMAIN(polls) },
	{ "dnstt_empty_responses", COUNTER, "NOERROR responses without a tunnel packet.",
	  &by_domain, DOMAIN(empty_responses) },
	{ "dnstt_implausible_samples", COUNTER,
	  "Times and acknowledgements that cannot be true, and are in no histogram.",
	  &by_kcp_domain, DOMAIN(kcp.implausible) },
	{ "dnstt_kcp_rtt_seconds", HISTOGRAM,
	  "From a KCP segment of the server to its acknowledgement.", &kcp_histograms,
	  DOMAIN(kcp.rtt) },
	{ "dnstt_downstream_wait_seconds", HISTOGRAM,
	  "From a KCP segment of the server to the response that takes it along.", &kcp_histograms,
	  DOMAIN(kcp.wait) },
	{ "dnstt_response_delay_seconds", HISTOGRAM, "From an accepted query to its answer.",
	  &histograms, DOMAIN(response_delay) },
	{ "dnstt_session_duration_seconds", HISTOGRAM,
	  "From the first query of a session to its latest, once it is forgotten.", &ended,
	  ENDED(duration) },
	{ "dnstt_session_bytes", HISTOGRAM,
	  "Bytes of DNS messages of a session in both directions, once it is forgotten.", &ended,
	  ENDED(bytes) },
	{ "dnstt_query_name_bytes", HISTOGRAM, "Lengths of the names of accepted queries.",
	  &histograms, DOMAIN(query_name) },
	{ "dnstt_query_edns_bytes", HISTOGRAM,
	  "Response sizes that resolvers accept, in accepted queries.", &histograms,
	  DOMAIN(query_edns) },
	{ "dnstt_rejected_queries", COUNTER,
	  "Queries that dnstt-server refuses, by the rule they break.", &by_reason, 0 },
	{ "dnstt_retransmitted_queries", COUNTER,
	  "Accepted queries that a resolver sent again, contained in dnstt_queries_total.",
	  &by_domain, DOMAIN(retransmitted) },
	{ "dnstt_responses", COUNTER, "Responses by RCODE.", &by_rcode, 0 },
	{ "dnstt_truncated_responses", COUNTER, "Responses with the TC bit, which carry no data.",
	  &by_domain, DOMAIN(truncated) },
	{ "dnstt_unmatched_responses", COUNTER,
	  "Responses under no domain, or of which none could be read.", &in_all,
	  TRAFFIC(unmatched) },
	{ "dnstt_last_query_timestamp_seconds", GAUGE,
	  "When the latest query was accepted, 0 for never.", &by_domain_time,
	  DOMAIN(last_query_ns) },
	{ "dnstt_last_response_timestamp_seconds", GAUGE,
	  "When the latest query was answered with data, 0 for never.", &by_domain_time,
	  DOMAIN(last_response_ns) },
	{ "dnstt_duplicate_packets", COUNTER,
	  "Packets seen again on another interface, and counted once.", &in_all,
	  TRAFFIC(duplicates) },
	{ "dnstt_ignored_packets", COUNTER,
	  "Packets on interfaces that -capture.interface leaves out.", &in_all, TRAFFIC(ignored) },
	{ "dnstt_series_overflow", COUNTER,
	  "Look-ups counted as other because of -metrics.max-series.", &in_all,
	  TRAFFIC(series.overflow) },
	{ "dnstt_pending_overflow", COUNTER,
	  "Queries of which nobody will know whether they were answered: too many waited.", &in_all,
	  TRAFFIC(pending.overflow) },
	{ "dnstt_session_evictions", COUNTER,
	  "Sessions forgotten early because -sessions.max was reached.", &in_all,
	  TRAFFIC(sessions.evictions) },
	{ 0 },
};
