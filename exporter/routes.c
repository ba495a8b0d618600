/* SPDX-License-Identifier: MIT */
/* What is served under which path */
#include "routes.h"

#include <stdio.h>
#include <string.h>

#include "build.h"
#include "exposition.h"
#include "log.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML  "text/html; charset=utf-8"

static struct MHD_Response *fixed(const char *text, const char *content_type)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	return response;
}

static struct MHD_Response *metrics(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	struct exposition exposition;
	struct MHD_Response *response;
	size_t bytes;

	(void)request;
	routes->observe(routes->context, &exposition);
	bytes = exposition_render(&exposition, TEXT_0_0_4, routes->buffer, routes->buffer_bytes);
	if (bytes == 0) {
		log_line(LOG_ERROR, "metrics do not fit their buffer");
		*status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		return fixed("Internal Server Error\n", TEXT_PLAIN);
	}
	response = MHD_create_response_from_buffer(bytes, routes->buffer, MHD_RESPMEM_MUST_COPY);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					negotiate_content_type[TEXT_0_0_4]);
	return response;
}

static struct MHD_Response *landing(struct routes *routes, const struct http_request *request,
				    unsigned *status)
{
	char page[1024];

	(void)request, (void)status;
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

struct MHD_Response *routes_answer(void *context, const struct http_request *request,
				   unsigned *ret_status)
{
	struct routes *routes = context;
	struct MHD_Response *response;

	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		*ret_status = MHD_HTTP_METHOD_NOT_ALLOWED;
		response = fixed("Method Not Allowed\n", TEXT_PLAIN);
		if (response)
			MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		return response;
	}
	if (request->has_body) {
		*ret_status = MHD_HTTP_BAD_REQUEST;
		return fixed("A body is not expected\n", TEXT_PLAIN);
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(request->path, table[i].path ? table[i].path : routes->telemetry_path) == 0)
			return table[i].answer(routes, request, ret_status);
	*ret_status = MHD_HTTP_NOT_FOUND;
	return fixed("Not Found\n", TEXT_PLAIN);
}
