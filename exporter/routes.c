/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#include "routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "build.h"
#include "credentials.h"
#include "exposition.h"
#include "gzip.h"
#include "log.h"
#include "page.h"
#include "web.h"

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

int routes_open(struct routes *routes, size_t buffer_bytes)
{
	int failed = gzip_make(&routes->gzip);

	if (failed)
		return failed;
	routes->buffer_bytes = buffer_bytes;
	routes->compressed_bytes = gzip_bound(routes->gzip, buffer_bytes);
	routes->buffer = malloc(routes->buffer_bytes);
	routes->compressed = malloc(routes->compressed_bytes);
	if (!routes->buffer || !routes->compressed) {
		routes_close(routes);
		return -ENOMEM;
	}
	/* Written, so that the memory is there from the start and never grows */
	memset(routes->buffer, 0, routes->buffer_bytes);
	memset(routes->compressed, 0, routes->compressed_bytes);
	return 0;
}

void routes_close(struct routes *routes)
{
	gzip_free(routes->gzip);
	free(routes->buffer);
	free(routes->compressed);
	*routes = (struct routes){ 0 };
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

/* A response of what is in the buffer, compressed if the client takes that */
static struct MHD_Response *coded(struct routes *routes, const struct http_request *request,
				  size_t bytes, const char *content_type)
{
	struct values accepted = values_of(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	struct MHD_Response *response;
	void *body = routes->buffer;
	size_t compressed = 0;

	if (negotiate_gzip(accepted.value, accepted.count) &&
	    gzip_compress(routes->gzip, routes->buffer, bytes, routes->compressed,
			  routes->compressed_bytes, &compressed) == 0)
		body = routes->compressed;
	response = MHD_create_response_from_buffer(compressed ? compressed : bytes, body,
						   MHD_RESPMEM_MUST_COPY);
	if (!response)
		return NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, NEGOTIATE_VARY);
	if (compressed)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}

static struct MHD_Response *metrics(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	struct values accepted = values_of(request, MHD_HTTP_HEADER_ACCEPT);
	enum negotiate_format format = negotiate_format(accepted.value, accepted.count);
	struct exposition exposition;
	size_t bytes;

	routes->observe(routes->context, &exposition);
	bytes = exposition_render(&exposition, format, routes->buffer, routes->buffer_bytes);
	if (bytes == 0) {
		log_fields(LOG_ERROR, "metrics do not fit their buffer", NULL);
		routes->counts.error++;
		*status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		return fixed("Internal Server Error\n", TEXT_PLAIN);
	}
	routes->counts.ok++;
	return coded(routes, request, bytes, negotiate_content_type[format]);
}

static struct MHD_Response *status_page(struct routes *routes, const struct http_request *request,
					unsigned *status)
{
	struct exposition exposition;
	struct page_facts facts = { .exposition = &exposition,
				    .history = routes->history,
				    .ready = routes->ready(routes->context) };
	struct MHD_Response *response;
	size_t bytes;

	routes->observe(routes->context, &exposition);
	bytes = page_render(routes->page, &facts, routes->buffer, routes->buffer_bytes);
	if (bytes == 0) {
		log_fields(LOG_ERROR, "the page does not fit its buffer", NULL);
		*status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		return fixed("Internal Server Error\n", TEXT_PLAIN);
	}
	response = coded(routes, request, bytes, TEXT_HTML);
	if (response) {
		MHD_add_response_header(response, "Content-Security-Policy", page_csp());
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
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
	return fixed("Capture has not started yet.\n", TEXT_PLAIN);
}

/* NULL: the telemetry path. It comes first, so that it may be any of the others. */
static const struct {
	const char *path;
	struct MHD_Response *(*answer)(struct routes *routes, const struct http_request *request,
				       unsigned *status);
} table[] = {
	{ NULL, metrics },
	{ "/", landing },
	{ "/-/healthy", healthy },
	{ "/-/ready", ready },
};

/* A response in place of what was asked for, or NULL if it may be served */
static struct MHD_Response *refusal(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	const char *authorization = MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	enum credentials_verdict verdict = CREDENTIALS_ACCEPTED;
	struct MHD_Response *response;
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (web_limited(routes->web, now_ns)) {
		*status = MHD_HTTP_TOO_MANY_REQUESTS;
		return fixed("Too Many Requests\n", TEXT_PLAIN);
	}
	if (routes->web->credentials)
		verdict = credentials_check(routes->web->credentials, authorization,
					    credentials_source(request->client), now_ns);
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
	struct MHD_Response *response = refusal(routes, request, status);

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
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(request->path, table[i].path ? table[i].path : routes->telemetry_path) ==
		    0)
			return table[i].answer(routes, request, status);
	*status = MHD_HTTP_NOT_FOUND;
	return fixed("Not Found\n", TEXT_PLAIN);
}

struct MHD_Response *routes_answer(void *context, const struct http_request *request,
				   unsigned *ret_status)
{
	struct routes *routes = context;
	struct MHD_Response *response = answer(routes, request, ret_status);

	for (unsigned i = 0; response && i < WEBCONFIG_HEADERS; i++)
		if (routes->web->config.headers[i].value)
			MHD_add_response_header(response, routes->web->config.headers[i].name,
						routes->web->config.headers[i].value);
	return response;
}
