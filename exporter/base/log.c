/* SPDX-License-Identifier: MIT */
/* Log lines on standard error */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"

#define LINE_BYTES 1024

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const format_names[] = { "logfmt", "json" };

static struct {
	enum log_level lowest;
	enum log_format format;
} shown = { LOG_INFO, LOG_LOGFMT };

/* The line as it grows; room for the closing brace and the line end is kept */
struct line {
	char text[LINE_BYTES + 4];
	size_t length;
};

void log_configure(enum log_level lowest, enum log_format format)
{
	shown.lowest = lowest;
	shown.format = format;
}

static int index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

int log_level_from(const char *name, enum log_level *ret_level)
{
	int index = index_of(level_names, ARRAY_LENGTH(level_names), name);

	if (index < 0)
		return index;
	*ret_level = (enum log_level)index;
	return 0;
}

int log_format_from(const char *name, enum log_format *ret_format)
{
	int index = index_of(format_names, ARRAY_LENGTH(format_names), name);

	if (index < 0)
		return index;
	*ret_format = (enum log_format)index;
	return 0;
}

static void add(struct line *line, const char *text)
{
	size_t length = strlen(text), room = LINE_BYTES - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

/* Control characters, quotes and bytes outside ASCII escaped, which suits logfmt and JSON alike */
static void add_quoted(struct line *line, const char *text)
{
	add(line, "\"");
	for (; *text != '\0' && line->length < LINE_BYTES - 8; text++) {
		unsigned char c = (unsigned char)*text;
		char piece[8];

		if (c == '"' || c == '\\')
			snprintf(piece, sizeof(piece), "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			snprintf(piece, sizeof(piece), "\\u%04x", c);
		else
			snprintf(piece, sizeof(piece), "%c", c);
		add(line, piece);
	}
	add(line, "\"");
}

static bool is_word(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '=' || *c == '\\')
			return false;
	return *text != '\0';
}

static void add_pair(struct line *line, const char *key, const char *text)
{
	/* A field that has no room for more than its name is left out */
	if (line->length + strlen(key) + 16 > LINE_BYTES)
		return;
	if (shown.format == LOG_JSON) {
		add(line, line->length > 1 ? "," : "");
		add_quoted(line, key);
		add(line, ":");
		add_quoted(line, text);
		return;
	}
	add(line, line->length > 0 ? " " : "");
	add(line, key);
	add(line, "=");
	if (is_word(text))
		add(line, text);
	else
		add_quoted(line, text);
}

static void add_time(struct line *line)
{
	struct timespec now;
	struct tm tm;
	char text[80];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(now.tv_nsec / 1000000));
	add_pair(line, "time", text);
}

void log_fields(enum log_level level, const char *message, const struct log_field *fields)
{
	struct line line = { .length = 0 };
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t written;
	int ready;

	if (level < shown.lowest)
		return;
	/* A pipe that nobody reads has no room for a line, and nothing waits for a log. Where poll()
	 * itself is refused, the line may say so.
	 */
	ready = poll(&room, 1, 0);
	if (ready == 0 || (ready > 0 && !(room.revents & POLLOUT)))
		return;
	add(&line, shown.format == LOG_JSON ? "{" : "");
	add_time(&line);
	add_pair(&line, "level", level_names[level]);
	add_pair(&line, "msg", message);
	for (; fields && fields->key; fields++) {
		char number[24];

		snprintf(number, sizeof(number), "%" PRId64, fields->number);
		add_pair(&line, fields->key, fields->text ? fields->text : number);
	}
	if (shown.format == LOG_JSON)
		line.text[line.length++] = '}';
	line.text[line.length++] = '\n';
	do {
		written = write(STDERR_FILENO, line.text, line.length);
	} while (written < 0 && errno == EINTR);
}
