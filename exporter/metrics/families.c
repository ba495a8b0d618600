/* SPDX-License-Identifier: MIT */
/* The metric families */
#include "metrics/families.h"

#include "base/array.h"
#include "build.h"
#include "cli/options.h"
#include "common/record.h"
#include "http/http.h"
#include "metrics/exposition.h"
#include "metrics/families_geoip.h"
#include "metrics/sample.h"
#include "routes.h"
#include "system/process.h"
#include "traffic/traffic.h"
#include "web/web.h"

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

static void place_labels(struct text *text, const struct exposition *exposition,
			 const struct series *series)
{
	if (exposition->country)
		sample_next_label(text, "country", series->other ? "other" : series->place.country);
	if (exposition->asn && series->other) {
		sample_next_label(text, "asn", "other");
	} else if (exposition->asn) {
		text_string(text, ",asn=\"");
		text_number(text, series->place.asn);
		text_string(text, "\"");
	}
}

static void by_series(struct text *text, const struct family *family,
		      const struct exposition *exposition)
{
	const struct series_table *table = &exposition->traffic->series;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct series *series = &table->series[i];

		sample_label(text, family, "domain", exposition->options->domains[series->domain]);
		place_labels(text, exposition, series);
		if (family->type == GAUGE) {
			uint32_t number;

			memcpy(&number, (const char *)series + family->field, sizeof(number));
			sample_end(text, number);
		} else {
			sample_end(text, sample_number(series, family));
		}
	}
}

static void by_domain(struct text *text, const struct family *family,
		      const struct exposition *exposition)
{
	for (uint32_t i = 0; i < exposition->traffic->domains; i++) {
		sample_label(text, family, "domain", exposition->options->domains[i]);
		sample_end(text, sample_number(&exposition->traffic->domain[i], family));
	}
}

static void by_reason(struct text *text, const struct family *family,
		      const struct exposition *exposition)
{
	uint32_t domains = exposition->traffic->domains;

	for (uint32_t i = 0; i <= domains; i++) {
		bool none = i == domains;

		/* The domain is not known before that rule */
		for (unsigned verdict = none ? VERDICT_ACCEPTED + 1 : VERDICT_DOMAIN + 1;
		     verdict < (none ? VERDICT_DOMAIN + 1 : VERDICTS); verdict++) {
			sample_label(text, family, "domain",
				     none ? NO_DOMAIN : exposition->options->domains[i]);
			sample_next_label(text, "reason", reasons[verdict]);
			sample_end(text, exposition->traffic->domain[i].rejected[verdict]);
		}
	}
}

static void by_rcode(struct text *text, const struct family *family,
		     const struct exposition *exposition)
{
	for (uint32_t i = 0; i < exposition->traffic->domains; i++) {
		const uint64_t *responses = exposition->traffic->domain[i].responses;

		for (unsigned rcode = 0; rcode < ARRAY_LENGTH(rcodes); rcode++) {
			if (!rcodes[rcode].always && responses[rcode] == 0)
				continue;
			sample_label(text, family, "domain", exposition->options->domains[i]);
			sample_next_label(text, "rcode", rcodes[rcode].name);
			sample_end(text, responses[rcode]);
		}
	}
}

/* Of a time on the monotonic clock, the time since 1970; 0 for never */
static void by_domain_time(struct text *text, const struct family *family,
			   const struct exposition *exposition)
{
	for (uint32_t i = 0; i < exposition->traffic->domains; i++) {
		uint64_t then = sample_number(&exposition->traffic->domain[i], family);

		sample_label(text, family, "domain", exposition->options->domains[i]);
		text_string(text, "} ");
		text_seconds(text,
			     then == 0 ? 0
				       : exposition->now_realtime_ns - (exposition->now_ns - then));
		text_string(text, "\n");
	}
}

static void of_traffic(struct text *text, const struct family *family,
		       const struct exposition *exposition)
{
	sample_field(text, family, exposition->traffic);
}

static void of_capture(struct text *text, const struct family *family,
		       const struct exposition *exposition)
{
	sample_field(text, family, exposition->capture);
}

static void drops(struct text *text, const struct family *family,
		  const struct exposition *exposition)
{
	sample_label(text, family, "place", "ring");
	sample_end(text, exposition->capture->ring_drops);
}

static void build_info(struct text *text, const struct family *family,
		       const struct exposition *exposition)
{
	(void)exposition;
	sample_label(text, family, "version", BUILD_VERSION);
	sample_next_label(text, "revision", BUILD_REVISION);
	sample_next_label(text, "compiler", BUILD_COMPILER);
	sample_end(text, 1);
}

static void of_http(struct text *text, const struct family *family,
		    const struct exposition *exposition)
{
	sample_field(text, family, exposition->http);
}

static void scrapes_in_flight(struct text *text, const struct family *family,
			      const struct exposition *exposition)
{
	if (!exposition->options->disable_exporter_metrics)
		of_http(text, family, exposition);
}

static void scrapes(struct text *text, const struct family *family,
		    const struct exposition *exposition)
{
	const struct {
		const char *code;
		uint64_t count;
	} codes[] = { { "200", exposition->scrapes->ok },
		      { "500", exposition->scrapes->error },
		      { "503", exposition->scrapes->unavailable } };

	for (size_t i = 0;
	     i < ARRAY_LENGTH(codes) && !exposition->options->disable_exporter_metrics; i++) {
		sample_label(text, family, "code", codes[i].code);
		sample_end(text, codes[i].count);
	}
}

static void web_reloads(struct text *text, const struct family *family,
			const struct exposition *exposition)
{
	if (!exposition->web)
		return;
	sample_label(text, family, "result", "success");
	sample_end(text, exposition->web->reloads);
	sample_label(text, family, "result", "failure");
	sample_end(text, exposition->web->reload_failures);
}

static void certificate(struct text *text, const struct family *family,
			const struct exposition *exposition)
{
	if (exposition->certificate_ends == 0)
		return;
	sample_name(text, family);
	sample_value(text, exposition->certificate_ends);
}

static void process_samples(struct text *text, const struct family *family,
			    const struct exposition *exposition)
{
	struct process_usage usage;

	if (exposition->options->disable_exporter_metrics)
		return;
	process_usage(exposition->process, &usage);
	if (family->type == GAUGE) {
		sample_field(text, family, &usage);
		return;
	}
	sample_name(text, family);
	text_string(text, " ");
	text_seconds(text, usage.cpu_ns);
	text_string(text, "\n");
}

static void process_limits(struct text *text, const struct family *family,
			   const struct exposition *exposition)
{
	if (exposition->options->disable_exporter_metrics)
		return;
	sample_field(text, family, exposition->process);
}

static void process_start(struct text *text, const struct family *family,
			  const struct exposition *exposition)
{
	if (exposition->options->disable_exporter_metrics)
		return;
	sample_name(text, family);
	text_string(text, " ");
	text_seconds(text, exposition->process->start_ns);
	text_string(text, "\n");
}

#define SERIES(member)	offsetof(struct series, member)
#define DOMAIN(member)	offsetof(struct traffic_domain, member)
#define TRAFFIC(member) offsetof(struct traffic, member)
#define CAPTURE(member) offsetof(struct batch_state, member)
#define USAGE(member)	offsetof(struct process_usage, member)
#define HTTP(member)	offsetof(struct http_counts, member)
#define LIMIT(member)	offsetof(struct process, member)

const struct family families[] = {
	{ "dnstt_active_clients", GAUGE, "Sessions with an accepted query in the last 30 seconds.",
	  by_series, SERIES(active) },
	{ "dnstt_peak_clients", GAUGE, "Most sessions active at one time since start.", by_series,
	  SERIES(peak) },
	{ "dnstt_queries", COUNTER, "Queries that dnstt-server accepts.", by_series,
	  SERIES(queries) },
	{ "dnstt_bytes_in", COUNTER, "Bytes of DNS messages of accepted queries.", by_series,
	  SERIES(bytes_in) },
	{ "dnstt_bytes_out", COUNTER, "Bytes of DNS messages that answer accepted queries.",
	  by_series, SERIES(bytes_out) },
	{ "dnstt_sessions", COUNTER,
	  "Sessions begun: ClientIDs not seen in the 4 minutes before their query.", by_series,
	  SERIES(sessions) },
	{ "dnstt_payload_bytes_in", COUNTER, "Bytes of tunnel packets in accepted queries.",
	  by_series, SERIES(payload_in) },
	{ "dnstt_payload_bytes_out", COUNTER, "Bytes of tunnel packets in responses.", by_series,
	  SERIES(payload_out) },
	{ "dnstt_kcp_sessions", COUNTER, "KCP sessions begun, as dnstt-server logs them.",
	  by_domain, DOMAIN(kcp_sessions) },
	{ "dnstt_rejected_queries", COUNTER,
	  "Queries that dnstt-server refuses, by the rule they break.", by_reason, 0 },
	{ "dnstt_retransmitted_queries", COUNTER,
	  "Accepted queries that a resolver sent again, contained in dnstt_queries_total.",
	  by_domain, DOMAIN(retransmitted) },
	{ "dnstt_responses", COUNTER, "Responses by RCODE.", by_rcode, 0 },
	{ "dnstt_truncated_responses", COUNTER, "Responses with the TC bit, which carry no data.",
	  by_domain, DOMAIN(truncated) },
	{ "dnstt_unmatched_responses", COUNTER,
	  "Responses under no domain, or of which none could be read.", of_traffic,
	  TRAFFIC(unmatched) },
	{ "dnstt_last_query_timestamp_seconds", GAUGE,
	  "When the latest query was accepted, 0 for never.", by_domain_time,
	  DOMAIN(last_query_ns) },
	{ "dnstt_last_response_timestamp_seconds", GAUGE,
	  "When the latest query was answered with data, 0 for never.", by_domain_time,
	  DOMAIN(last_response_ns) },
	{ "dnstt_duplicate_packets", COUNTER,
	  "Packets seen once more on another interface, and not counted again.", of_traffic,
	  TRAFFIC(duplicates) },
	{ "dnstt_ignored_packets", COUNTER,
	  "Packets on interfaces that -capture.interface leaves out.", of_traffic,
	  TRAFFIC(ignored) },
	{ "dnstt_series_overflow", COUNTER,
	  "Resolvers counted as other because there were -metrics.max-series label sets.",
	  of_traffic, TRAFFIC(series.overflow) },
	{ "dnstt_session_evictions", COUNTER,
	  "Sessions forgotten early because there were -sessions.max.", of_traffic,
	  TRAFFIC(sessions.evictions) },
	{ "dnstt_capture_packets", COUNTER, "Packets that the kernel handed to capture.",
	  of_capture, CAPTURE(packets) },
	{ "dnstt_capture_drops", COUNTER,
	  "Packets lost, by place; ring: the kernel had no room for them in the packet ring.",
	  drops, 0 },
	{ "dnstt_capture_stalls", COUNTER,
	  "Times that capture waited for the exporter; nothing is lost by it.", of_capture,
	  CAPTURE(stalls) },
	{ "dnstt_geoip_database_build_timestamp_seconds", GAUGE,
	  "When the database in use was built, as it says.", families_geoip_built, 0 },
	{ "dnstt_geoip_database_info", GAUGE, "Type of the database in use; always 1.",
	  families_geoip_info, 0 },
	{ "dnstt_geoip_reloads", COUNTER,
	  "Databases that took the place of another, or were refused.", families_geoip_reloads, 0 },
	{ "dnstt_geoip_lookups", COUNTER,
	  "Addresses looked up; a small cache answers most of them.", families_geoip_lookups, 0 },
	{ "dnstt_exporter_build_info", GAUGE, "Version of dnstt_exporter; always 1.", build_info,
	  0 },
	{ "dnstt_exporter_http_refused_connections", COUNTER,
	  "Connections closed at once: too many, in all or from one host.", of_http,
	  HTTP(refused) },
	{ "dnstt_exporter_http_expired_requests", COUNTER,
	  "Requests broken off because they took longer than 10 seconds.", of_http, HTTP(expired) },
	{ "dnstt_exporter_web_config_reloads", COUNTER,
	  "Times that the web configuration was read again, or refused.", web_reloads, 0 },
	{ "dnstt_exporter_tls_certificate_expiry_timestamp_seconds", GAUGE,
	  "When the certificate in use ends to be valid.", certificate, 0 },
	{ "promhttp_metric_handler_requests", COUNTER,
	  "Total number of scrapes by HTTP status code.", scrapes, 0 },
	{ "promhttp_metric_handler_requests_in_flight", GAUGE,
	  "Current number of scrapes being served.", scrapes_in_flight, HTTP(in_flight) },
	{ "process_cpu_seconds", COUNTER, "Total user and system CPU time spent in seconds.",
	  process_samples, USAGE(cpu_ns) },
	{ "process_max_fds", GAUGE, "Maximum number of open file descriptors.", process_limits,
	  LIMIT(max_descriptors) },
	{ "process_open_fds", GAUGE, "Number of open file descriptors.", process_samples,
	  USAGE(descriptors) },
	{ "process_resident_memory_bytes", GAUGE, "Resident memory size in bytes.", process_samples,
	  USAGE(resident_bytes) },
	{ "process_start_time_seconds", GAUGE,
	  "Start time of the process since unix epoch in seconds.", process_start, 0 },
	{ "process_virtual_memory_bytes", GAUGE, "Virtual memory size in bytes.", process_samples,
	  USAGE(virtual_bytes) },
	{ "process_virtual_memory_max_bytes", GAUGE,
	  "Maximum amount of virtual memory available in bytes.", process_limits,
	  LIMIT(max_virtual_bytes) },
	{ 0 },
};
