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

#define LABEL_BYTES 80 /* {domain="",country="other",asn="4294967295",reason="edns_version"} */

size_t traffic_metrics_label_bytes(const struct traffic_metrics *metrics)
{
	size_t longest = sizeof(NO_DOMAIN);

	for (uint32_t i = 0; i < metrics->domains; i++)
		if (strlen(metrics->names[i]) > longest)
			longest = strlen(metrics->names[i]);
	return LABEL_BYTES + longest;
}

static void place_labels(struct text *text, const struct traffic_metrics *metrics,
			 const struct series *series)
{
	if (metrics->has_country)
		sample_next_label(text, "country", series->other ? "other" : series->place.country);
	if (metrics->has_asn && series->other) {
		sample_next_label(text, "asn", "other");
	} else if (metrics->has_asn) {
		text_string(text, ",asn=\"");
		text_number(text, series->place.asn);
		text_string(text, "\"");
	}
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

static void write_series(struct text *text, const struct family *family, const void *source)
{
	const struct traffic_metrics *metrics = source;
	const struct series_table *table = &metrics->traffic->series;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct series *series = &table->series[i];

		sample_label(text, family, "domain", metrics->names[series->domain]);
		place_labels(text, metrics, series);
		sample_end(text, series_number(series, family));
	}
}

/* Each domain may have one more, see series.h */
static size_t most_series(const void *source)
{
	const struct traffic_metrics *metrics = source;

	return (size_t)metrics->max_series + metrics->domains;
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
static const struct family_shape by_reason = { write_reasons, most_reasons };
static const struct family_shape by_rcode = { write_rcodes, most_rcodes };
static const struct family_shape by_domain_time = { write_times, most_domains };
static const struct family_shape in_all = { write_total, NULL };

#define SERIES(member)	offsetof(struct series, member)
#define DOMAIN(member)	offsetof(struct traffic_domain, member)
#define TRAFFIC(member) offsetof(struct traffic, member)

const struct family traffic_metrics_families[] = {
	{ "dnstt_active_clients", GAUGE, "Sessions with an accepted query in the last 30 seconds.",
	  &by_series, SERIES(active) },
	{ "dnstt_peak_clients", GAUGE, "Most sessions active at one time since start.", &by_series,
	  SERIES(peak) },
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
	{ "dnstt_kcp_sessions", COUNTER, "KCP sessions begun, as dnstt-server logs them.",
	  &by_domain, DOMAIN(kcp_sessions) },
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
	  "Look-ups counted as other because -metrics.max-series was reached.", &in_all,
	  TRAFFIC(series.overflow) },
	{ "dnstt_session_evictions", COUNTER,
	  "Sessions forgotten early because -sessions.max was reached.", &in_all,
	  TRAFFIC(sessions.evictions) },
	{ 0 },
};
