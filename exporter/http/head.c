/* SPDX-License-Identifier: MIT */
/* What libmicrohttpd doesn't look at in the head of a request */
#include "http/head.h"

#include <ctype.h>
#include <microhttpd.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

/* RFC 9110, 5.6.2, and what may be in a Host header by RFC 3986; beside letters and digits */
#define OF_TOKEN "!#$%&'*+-.^_`|~"
#define OF_HOST	 "!$%&'()*+,-.:;=[]_~"

/* A line ends with one or two bytes, which libmicrohttpd has made NULs */
#define LINE_END_MIN 1u
#define LINE_END_MAX 2u

static bool is_one_of(char c, const char *others)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr(others, c));
}

static size_t span(const char *text, size_t bytes, const char *others)
{
	size_t length = 0;

	while (length < bytes && is_one_of(text[length], others))
		length++;
	return length;
}

/* Neither a blank nor a control character */
static bool is_of_target(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f;
}

/* "HTTP/1.1" and a line's end, as far as it is there */
static unsigned version_begins(const char *text, size_t bytes)
{
	static const char form[] = "HTTP/0.0\r\n";
	size_t at = 0;

	for (size_t i = 0; form[i] != '\0' && at < bytes; i++) {
		if (form[i] == '\r' && text[at] == '\n')
			return 0;
		if (form[i] == '0' ? !isdigit((unsigned char)text[at]) : text[at] != form[i])
			return MHD_HTTP_BAD_REQUEST;
		if (i == 5 && text[at] != '1')
			return MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED;
		at++;
	}
	return 0;
}

unsigned head_begins(const char *text, size_t bytes, bool all)
{
	const char *end = text + bytes;
	size_t method;

	/* Empty lines in front are for clients that end a body with one (RFC 9112, 2.2) */
	while (text < end && (*text == '\r' || *text == '\n'))
		text++;
	method = span(text, (size_t)(end - text), OF_TOKEN);
	text += method;
	if (text < end && (method == 0 || *text++ != ' '))
		return MHD_HTTP_BAD_REQUEST;
	while (text < end && is_of_target(*text))
		text++;
	if (text == end)
		return all ? MHD_HTTP_URI_TOO_LONG : 0;
	return *text == ' ' ? version_begins(text + 1, (size_t)(end - text - 1))
			    : MHD_HTTP_BAD_REQUEST;
}

/* Length of "http://host" in front of a path, 0 if it isn't there, or SIZE_MAX if it is wrong */
static size_t origin_of(const char *target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
		size_t scheme = strlen(schemes[i]), host;

		if (strncasecmp(target, schemes[i], scheme) != 0)
			continue;
		host = strcspn(target + scheme, "/?");
		/* Without escapes, so that it keeps its length when they are decoded */
		return host > 0 && !memchr(target + scheme, '%', host) &&
				       span(target + scheme, host, OF_HOST) == host
			       ? scheme + host
			       : SIZE_MAX;
	}
	return 0;
}

unsigned head_target(const char *target, size_t *ret_path_at)
{
	size_t path_at = origin_of(target), length = strcspn(target, "?"), arguments = 1;

	for (const char *at = target; *at; at++)
		if (!is_of_target(*at))
			return MHD_HTTP_BAD_REQUEST;
	for (size_t i = 0; i < length; i++)
		if (target[i] == '%' && (!isxdigit((unsigned char)target[i + 1]) ||
					 !isxdigit((unsigned char)target[i + 2]) ||
					 (target[i + 1] == '0' && target[i + 2] == '0')))
			return MHD_HTTP_BAD_REQUEST;
	for (const char *at = target + length; *at; at++)
		arguments += *at == '&';
	if (arguments > HEAD_ARGUMENTS)
		return MHD_HTTP_URI_TOO_LONG;
	if (path_at == SIZE_MAX)
		return MHD_HTTP_BAD_REQUEST;
	*ret_path_at = path_at;
	return 0;
}

static void refuse(struct head *head)
{
	if (head->status == 0)
		head->status = MHD_HTTP_BAD_REQUEST;
}

/* That a part begins as far behind the last one as lines or blanks are apart */
static void follow(struct head *head, const char *begin, size_t least, size_t most)
{
	uintptr_t distance = (uintptr_t)begin - (uintptr_t)head->end;

	if (head->is_exact && (distance < least || distance > most))
		refuse(head);
}

void head_line(struct head *head)
{
	if (span(head->method, strlen(head->method), OF_TOKEN) != strlen(head->method))
		refuse(head);
	head->end = head->method + strlen(head->method);
	follow(head, head->target, 1, 1);
	head->end = head->target + head->target_bytes;
	follow(head, head->version, 1, 1);
	head->end = head->version + strlen(head->version);
}

static bool is_value(const char *value)
{
	for (; *value; value++)
		if (*value != '\t' && ((unsigned char)*value < ' ' || *value == 0x7f))
			return false;
	return true;
}

static bool is_host(const char *value)
{
	size_t length = strlen(value);

	while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
		length--;
	return span(value, length, OF_HOST) == length;
}

/* Every Content-Length counts. What a proxy that goes by another one takes for a body would be a second
 * request here (RFC 9112, 11.2).
 */
static void content_length(struct head *head, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (digits == 0 || value[digits + strspn(value + digits, " \t")] != '\0')
		refuse(head);
	if (digits != 1 || *value != '0')
		head->has_body = true;
}

void head_field(struct head *head, const char *name, const char *value)
{
	size_t length = strlen(name);

	follow(head, name, LINE_END_MIN, LINE_END_MAX);
	head->end = value + strlen(value);
	/* A blank in a name is for a proxy to refuse or to pass over (RFC 9112, 5.1), not to trust */
	if (length == 0 || span(name, length, OF_TOKEN) != length || !is_value(value))
		refuse(head);
	if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
		head->has_body = true;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
		content_length(head, value);
	if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		head->hosts++;
		if (!is_host(value))
			refuse(head);
	}
}

void head_ends(struct head *head, size_t bytes)
{
	bool needs_host = strcmp(head->version, MHD_HTTP_VERSION_1_0) != 0;

	/* Its last line, and the empty one */
	follow(head, head->method + bytes, LINE_END_MIN + LINE_END_MIN,
	       LINE_END_MAX + LINE_END_MAX);
	if (head->hosts > 1 || (needs_host && head->hosts == 0))
		refuse(head);
}
