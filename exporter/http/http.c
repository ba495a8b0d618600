/* SPDX-License-Identifier: MIT */
/* HTTP connections */
#include "http/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/http_internal.h"

#define TICK_MS	 1000
#define EVENTS	 64
#define SLICE_NS (UINT64_C(3) * 1000000) /* in one run; packets wait meanwhile */
#define IDLE_MS	 20

/* So many runs in a row may show no progress. Half a TLS handshake never does; of a head near its limit
 * libmicrohttpd takes 128 bytes in a run, and tells nobody.
 */
#define IDLE_RUNS_TLS	2
#define IDLE_RUNS_PLAIN (2 * HTTP_REQUEST_BYTES / 128)

/* Headers that libmicrohttpd 0.9.75 finds before those of the client, and goes by. It sends two heads where
 * it dislikes a Content-Length, nothing where a Cookie is too long, and mistakes a request behind
 * an "Expect" for a body. Nobody here has use for any of them; look_at_head() judges the client's.
 */
static const struct {
	const char *name;
	char value[2];
} hidden[] = {
	{ MHD_HTTP_HEADER_CONTENT_LENGTH, "0" },
	{ MHD_HTTP_HEADER_COOKIE, " " }, /* of an empty one it reads the byte in front */
	{ MHD_HTTP_HEADER_EXPECT, "" },
};

/* What libmicrohttpd says can be brought about by anyone, so it may not fill a disk */
static void complain(void *context, const char *format, va_list arguments)
{
	struct http *http = context;

	(void)arguments;
	tls_complaint(format);
	http->complaints++;
	if (http->now_ns < http->next_complaint_ns)
		return;
	log_line(LOG_DEBUG, "HTTP requests were cut off or wrong",
		 LOG_NUMBER("count", http->complaints));
	http->complaints = 0;
	http->next_complaint_ns = http->now_ns + HTTP_REQUEST_NS;
}

static struct connection *find(struct http *http, int fd)
{
	for (unsigned i = 0; i < HTTP_CONNECTIONS; i++)
		if (http->connection[i].fd == fd)
			return &http->connection[i];
	return NULL;
}

static struct connection *of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *own =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return own ? own->socket_context : NULL;
}

static void connection_changed(void *context, struct MHD_Connection *mhd, void **socket_context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct connection *connection = *socket_context;
	const union MHD_ConnectionInfo *of_connection;
	struct http *http = context;

	http->has_progress = true;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		of_connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		connection = of_connection ? find(http, of_connection->connect_fd) : NULL;
		*socket_context = connection;
		if (!connection || !http->options.tls)
			return;
		/* Without it the session has no certificate, and its handshake fails */
		of_connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		connection->tls = (struct tls_session){ .gnutls = of_connection->tls_session,
							.fd = connection->fd };
		tls_session_begin(http->options.tls, &connection->tls, http->now_ns);
	} else if (connection) {
		tls_session_end(&connection->tls);
		http->counts.in_flight -= connection->answered;
		connection->fd = -1;
	}
}

/* The request line is there; called before anything else of a request */
static void *request_begins(void *context, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *connection = of(mhd);
	struct http *http = context;
	char *query;

	http->has_progress = true;
	if (!connection || !uri)
		return NULL;
	connection->in_request = true;
	http_begin(http, connection);
	connection->head = (struct head){ .target = uri, .target_bytes = strlen(uri) };
	connection->head.status = head_target(uri, &connection->head.path_at);
	if (!http->is_lenient)
		return NULL;
	/* It is libmicrohttpd's buffer, in which it looks for arguments next. Nobody asks for them, and a
	 * list of more than it has room for would end the connection.
	 */
	query = strchr(uri, '?');
	if (query)
		query[1] = '\0';
	for (size_t i = 0; i < ARRAY_LENGTH(hidden); i++)
		MHD_set_connection_value(mhd, MHD_HEADER_KIND, hidden[i].name, hidden[i].value);
	return NULL;
}

static void request_ends(void *context, struct MHD_Connection *mhd, void **request_context,
			 enum MHD_RequestTerminationCode code)
{
	struct connection *connection = of(mhd);
	struct http *http = context;

	(void)request_context, (void)code;
	http->has_progress = true;
	if (!connection || !connection->in_request)
		return;
	http->counts.in_flight -= connection->answered;
	connection->has_begun = connection->in_request = connection->answered = false;
	connection->deadline_ns = http->now_ns + HTTP_IDLE_NS;
	http_watch(http, connection);
}

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name,
				     const char *value)
{
	(void)kind;
	for (size_t i = 0; i < ARRAY_LENGTH(hidden); i++)
		if (value == hidden[i].value)
			return MHD_YES;
	head_field(context, name, value ? value : "");
	return MHD_YES;
}

static void look_at_head(struct MHD_Connection *mhd, bool is_lenient, struct head *head)
{
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	head->is_exact = size && is_lenient;
	head_line(head);
	MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_field, head);
	head_ends(head, size ? size->header_size : 0);
}

/* The limit is there for all; one host, whose clients may be slow to read, can take half of it */
static bool is_busy(const struct http *http, const struct connection *asking)
{
	uint32_t limit = http->options.max_requests, from_there = 0;

	for (unsigned i = 0; i < HTTP_CONNECTIONS && asking; i++)
		from_there += http->connection[i].fd >= 0 && http->connection[i].answered &&
			      http->connection[i].peer == asking->peer;
	return limit != 0 && (http->counts.in_flight >= limit || from_there >= (limit + 1) / 2);
}

static struct http_request request_of(const struct http *http, struct MHD_Connection *mhd,
				      const struct connection *connection, const char *url)
{
	const struct head *head = &connection->head;
	const char *path = url + (head->status == 0 ? head->path_at : 0);

	return (struct http_request){
		.connection = mhd,
		.now_ns = http->now_ns,
		.peer = connection->peer,
		.method = head->method,
		.path = *path ? path : "/",
		.status = head->status,
		.has_body = head->has_body,
		.is_busy = is_busy(http, connection),
	};
}

static enum MHD_Result request(void *context, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_bytes, void **request_context)
{
	struct connection *connection = of(mhd);
	struct http *http = context;
	struct http_request asked;
	struct MHD_Response *response;
	unsigned status = MHD_HTTP_OK;
	enum MHD_Result result;

	(void)upload;
	*upload_bytes = 0;
	http->has_progress = true;
	if (!connection)
		return MHD_NO;
	/* The first call comes after the headers. A response then closes the connection, which is right
	 * where a body follows: nothing behind it is taken for a request.
	 */
	if (!*request_context) {
		*request_context = http;
		connection->head.method = method;
		connection->head.version = version;
		look_at_head(mhd, http->is_lenient, &connection->head);
		if (connection->head.status == 0 && !connection->head.has_body)
			return MHD_YES;
	}
	asked = request_of(http, mhd, connection, url);
	asked.http = http;
	response = http->options.answer(http->options.context, &asked, &status);
	if (!response)
		return MHD_NO;
	result = MHD_queue_response(mhd, status, response);
	if (status != MHD_HTTP_SERVICE_UNAVAILABLE) {
		connection->answered = true;
		http->counts.in_flight++;
	}
	MHD_destroy_response(response);
	return result;
}

int http_open(const struct http_options *options, struct http **ret_http, struct reason *ret_reason)
{
	const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
			       MHD_USE_ERROR_LOG | (options->tls ? MHD_USE_TLS : 0);
	static const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	struct http *http = calloc(1, sizeof(*http));
	const union MHD_DaemonInfo *inner;
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = OF_DAEMON };
	int failed = 0;

	if (!http)
		return reason_call(ret_reason, "malloc");
	http->options = *options;
	/* 1.0 reads a head in another way, and refuses itself what the checks of memory are for */
	http->is_lenient = strncmp(MHD_get_version(), "0.9.", 4) == 0;
	for (unsigned i = 0; i < HTTP_CONNECTIONS; i++)
		http->connection[i].fd = -1;
	http->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (http->epoll < 0) {
		failed = reason_call(ret_reason, "epoll_create1");
		http_close(http);
		return failed;
	}
	http->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, request, http, MHD_OPTION_EXTERNAL_LOGGER, complain, http,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, http, MHD_OPTION_NOTIFY_COMPLETED,
		request_ends, http, MHD_OPTION_URI_LOG_CALLBACK, request_begins, http,
		MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_ARRAY, options->tls ? tls_mhd_options() : none, MHD_OPTION_END);
	inner = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!inner)
		failed = reason_call(ret_reason,
				     "libmicrohttpd (epoll_create1, epoll_ctl, eventfd)");
	else if (epoll_ctl(http->epoll, EPOLL_CTL_ADD, inner->epoll_fd, &event) < 0)
		failed = reason_call(ret_reason, "epoll_ctl");
	if (failed) {
		http_close(http);
		return failed;
	}
	*ret_http = http;
	return 0;
}

void http_close(struct http *http)
{
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	for (unsigned i = 0; i < HTTP_CONNECTIONS; i++)
		if (http->connection[i].fd >= 0)
			http_end(&http->connection[i]);
	for (unsigned i = 0; i < http->listener_count; i++)
		close(http->listeners[i]);
	if (http->epoll >= 0)
		close(http->epoll);
	free(http);
}

int http_fd(const struct http *http)
{
	return http->epoll;
}

static void expire(struct http *http)
{
	for (unsigned i = 0; i < HTTP_CONNECTIONS; i++) {
		struct connection *connection = &http->connection[i];

		if (connection->fd < 0 || http->now_ns < connection->deadline_ns)
			continue;
		http->counts.expired += connection->has_begun;
		connection->deadline_ns = UINT64_MAX;
		http_end(connection);
	}
}

/* Run until there is nothing to do, or enough was done in this turn of the loop */
static int run_slice(struct http *http, int longest)
{
	const unsigned patience = http->options.tls ? IDLE_RUNS_TLS : IDLE_RUNS_PLAIN;
	MHD_UNSIGNED_LONG_LONG wait;

	do {
		http->has_progress = false;
		MHD_run(http->daemon);
		if (MHD_get_timeout(http->daemon, &wait) != MHD_YES || wait > (unsigned)longest)
			wait = (unsigned)longest;
		http->idle_runs = http->has_progress || wait > 0 ? 0 : http->idle_runs + 1;
		if (wait > 0)
			return (int)wait;
	} while (http->idle_runs < patience && clock_monotonic_ns() < http->slice_end_ns);
	/* It would go on at once, and does so without end for half a TLS handshake. The other half
	 * is an event, so that there is no need to look for it.
	 */
	return http->idle_runs < patience ? 0 : IDLE_MS;
}

int http_run(struct http *http, uint64_t now_ns)
{
	struct epoll_event events[EVENTS];
	int ready = epoll_wait(http->epoll, events, EVENTS, 0);

	http->now_ns = now_ns;
	http->slice_end_ns = clock_monotonic_ns() + SLICE_NS;
	if (http->paused_until_ns != 0 && now_ns >= http->paused_until_ns)
		http_resume(http);
	/* First of all, while each connection is the one that the event was of */
	for (int i = 0; i < ready; i++)
		if (events[i].data.u32 >= OF_CONNECTIONS)
			http_first_bytes(http,
					 &http->connection[events[i].data.u32 - OF_CONNECTIONS]);
	for (int i = 0; i < ready; i++)
		if (events[i].data.u32 >= OF_LISTENERS && events[i].data.u32 < OF_CONNECTIONS)
			http_accept(http, http->listeners[events[i].data.u32 - OF_LISTENERS]);
	expire(http);
	return run_slice(http, http->paused_until_ns != 0 ? HTTP_PAUSE_MS : TICK_MS);
}

bool http_has_time(struct http *http)
{
	http->has_progress = true;
	return clock_monotonic_ns() < http->slice_end_ns;
}

struct http_counts http_counts(const struct http *http)
{
	return http->counts;
}
