/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#include "routes.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "build.h"
#include "http/negotiate.h"
#include "page/page.h"
#include "web/auth/credentials.h"
#include "web/web.h"

#define TEXT_PLAIN	"text/plain; charset=utf-8"
#define TEXT_HTML	"text/html; charset=utf-8"
#define HEADERS_MAX	16
#define STRING_(number) #number
#define STRING(number)	STRING_(number)
#define RETRY_AFTER	STRING(CREDENTIALS_RETRY_S)

static struct MHD_Response *fixed(const char *text, const char *content_type)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	return response;
}

/* The values of a header, which may come several times */
struct values {
	const char *name;
	const char *value[HEADERS_MAX];
	size_t count;
};

static enum MHD_Result add_value(void *context, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	struct values *values = context;

	(void)kind;
	if (strcasecmp(name, values->name) == 0 && value && values->count < HEADERS_MAX)
		values->value[values->count++] = value;
	return MHD_YES;
}

static struct values values_of(const struct http_request *request, const char *name)
{
	struct values values = { .name = name };

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_value, &values);
	return values;
}

/* One for this request, or NULL */
static struct snapshot *take(struct routes *routes, const struct http_request *request,
			     const char *content_type)
{
	struct values accepted = values_of(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	const struct snapshot wanted = {
		.content_type = content_type,
		.compressed = negotiate_gzip(accepted.value, accepted.count),
		.made_ns = request->now_ns,
		.source = request->peer,
		.http = request->http,
	};

	return snapshots_take(&routes->snapshots, &wanted);
}

static struct MHD_Response *too_many(unsigned *status)
{
	*status = MHD_HTTP_SERVICE_UNAVAILABLE;
	return fixed("Limit of concurrent requests reached, try again later.\n", TEXT_PLAIN);
}

static struct MHD_Response *no_room(const char *what, unsigned *status)
{
	log_line(LOG_ERROR, "a response does not fit its buffer", LOG_TEXT("response", what));
	*status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	return fixed("Internal Server Error\n", TEXT_PLAIN);
}

static struct MHD_Response *metrics(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	struct values accepted = values_of(request, MHD_HTTP_HEADER_ACCEPT);
	enum exposition_format format = negotiate_format(accepted.value, accepted.count);
	struct snapshot *snapshot = take(routes, request, negotiate_content_type[format]);
	size_t bytes = 0;

	if (!snapshot) {
		routes->scrapes.unavailable++;
		return too_many(status);
	}
	if (!snapshot->sent) {
		bytes = routes->metrics(routes->context, format,
					snapshots_text(&routes->snapshots, snapshot),
					routes->snapshots.text_bytes);
		if (bytes == 0) {
			routes->scrapes.error++;
			snapshots_release(snapshot);
			return no_room("metrics", status);
		}
	}
	routes->scrapes.ok++;
	return snapshots_respond(&routes->snapshots, snapshot, bytes);
}

static struct MHD_Response *status_page(struct routes *routes, const struct http_request *request,
					unsigned *status)
{
	struct snapshot *snapshot = take(routes, request, TEXT_HTML);
	struct MHD_Response *response;
	struct page_facts facts;
	size_t bytes = 0;

	if (!snapshot)
		return too_many(status);
	if (!snapshot->sent) {
		routes->observe(routes->context, &facts);
		bytes = page_render(routes->page, &facts,
				    snapshots_text(&routes->snapshots, snapshot),
				    routes->snapshots.text_bytes);
		if (bytes == 0) {
			snapshots_release(snapshot);
			return no_room("page", status);
		}
	}
	response = snapshots_respond(&routes->snapshots, snapshot, bytes);
	if (response) {
		MHD_add_response_header(response, "Content-Security-Policy", page_csp());
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	}
	return response;
}

static struct MHD_Response *landing(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	char page[1024];

	if (routes->page)
		return status_page(routes, request, status);
	snprintf(page, sizeof(page),
		 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		 "<title>dnstt_exporter</title></head>\n<body><h1>dnstt_exporter</h1>\n"
		 "<p>Version " BUILD_VERSION "</p>\n<p><a href=\"%s\">Metrics</a></p>\n"
		 "</body></html>\n",
		 routes->telemetry_path);
	return fixed(page, TEXT_HTML);
}

static struct MHD_Response *healthy(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	(void)routes, (void)request, (void)status;
	return fixed("dnstt_exporter is healthy.\n", TEXT_PLAIN);
}

static struct MHD_Response *ready(struct routes *routes, const struct http_request *request,
				  unsigned *status)
{
	(void)request;
	if (routes->ready(routes->context))
		return fixed("dnstt_exporter is ready.\n", TEXT_PLAIN);
	*status = MHD_HTTP_SERVICE_UNAVAILABLE;
	return fixed("Capture is not running.\n", TEXT_PLAIN);
}

struct route {
	const char *path; /* NULL: the telemetry path */
	struct MHD_Response *(*answer)(struct routes *routes, const struct http_request *request,
				       unsigned *status);
	bool is_health;
};

/* The telemetry path comes first, so that it may be any of the others */
static const struct route table[] = {
	{ NULL, metrics, false },
	{ "/", landing, false },
	{ "/-/healthy", healthy, true },
	{ "/-/ready", ready, true },
};

static const struct route *route_of(const struct routes *routes, const char *path)
{
	for (size_t i = 0; i < ARRAY_LENGTH(table); i++)
		if (strcmp(path, table[i].path ? table[i].path : routes->telemetry_path) == 0)
			return &table[i];
	return NULL;
}

/* A response in place of what was asked for, or NULL if it may be served */
static struct MHD_Response *refusal(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	const char *authorization = MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	enum credentials_verdict verdict = CREDENTIALS_ACCEPTED;
	struct MHD_Response *response;
	uint64_t now_ns = clock_monotonic_ns();

	if (web_limited(routes->web, now_ns)) {
		*status = MHD_HTTP_TOO_MANY_REQUESTS;
		return fixed("Too Many Requests\n", TEXT_PLAIN);
	}
	if (routes->web->credentials)
		verdict = credentials_check(routes->web->credentials, authorization, request->peer,
					    now_ns);
	if (verdict == CREDENTIALS_ACCEPTED)
		return NULL;
	*status =
		verdict == CREDENTIALS_REFUSED ? MHD_HTTP_UNAUTHORIZED : MHD_HTTP_TOO_MANY_REQUESTS;
	response = fixed(verdict == CREDENTIALS_REFUSED ? "Unauthorized\n" : "Too Many Requests\n",
			 TEXT_PLAIN);
	if (response && verdict == CREDENTIALS_REFUSED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic");
	else if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER);
	return response;
}

static struct MHD_Response *answer(struct routes *routes, const struct http_request *request,
				   unsigned *status)
{
	const struct route *route = route_of(routes, request->path);
	struct MHD_Response *response;

	if (request->status != 0) {
		*status = request->status;
		return fixed(request->status == MHD_HTTP_URI_TOO_LONG ? "URI Too Long\n"
								      : "Bad Request\n",
			     TEXT_PLAIN);
	}
	if (request->is_busy && !(route && route->is_health)) {
		routes->scrapes.unavailable += route && route->answer == metrics;
		return too_many(status);
	}
	response = refusal(routes, request, status);
	if (response)
		return response;
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		*status = MHD_HTTP_METHOD_NOT_ALLOWED;
		response = fixed("Method Not Allowed\n", TEXT_PLAIN);
		if (response)
			MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		return response;
	}
	if (request->has_body) {
		*status = MHD_HTTP_BAD_REQUEST;
		return fixed("A body is not expected\n", TEXT_PLAIN);
	}
	if (route)
		return route->answer(routes, request, status);
	*status = MHD_HTTP_NOT_FOUND;
	return fixed("Not Found\n", TEXT_PLAIN);
}

struct MHD_Response *routes_answer(void *context, const struct http_request *request,
				   unsigned *ret_status)
{
	struct routes *routes = context;
	struct MHD_Response *response = answer(routes, request, ret_status);

	if (response)
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	/* The page has headers that it doesn't work without, and twice they would not be the same */
	for (unsigned i = 0; response && i < WEBCONFIG_HEADERS; i++) {
		const struct web_header *header = &routes->web->config.headers[i];

		if (header->value && !MHD_get_response_header(response, header->name))
			MHD_add_response_header(response, header->name, header->value);
	}
	return response;
}
