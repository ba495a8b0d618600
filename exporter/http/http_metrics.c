/* SPDX-License-Identifier: MIT */
/* The metrics of the HTTP server */
#include "http/http_metrics.h"

#include "http/http.h"
#include "metrics/exposition.h"

#define HTTP(member) offsetof(struct http_counts, member)

const struct family http_metrics_families[] = {
	{ "dnstt_exporter_http_refused_connections", COUNTER,
	  "Connections closed at once because there were too many, in all or from one host.",
	  &exposition_number, HTTP(refused) },
	{ "dnstt_exporter_http_expired_requests", COUNTER,
	  "Requests cut off because they took longer than 10 seconds.", &exposition_number,
	  HTTP(expired) },
	{ 0 },
};
