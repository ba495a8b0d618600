/* SPDX-License-Identifier: MIT */
/* Log lines on standard error, as Prometheus exporters write them: logfmt or JSON */
#pragma once

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* A key and its value after the message. The list ends with a NULL key. */
struct log_field {
	const char *key;
	const char *text; /* NULL: number is the value */
	int64_t number;
};

#define LOG_TEXT(key_, text_) ((struct log_field){ .key = (key_), .text = (text_) })
#define LOG_NUMBER(key_, number_) \
	((struct log_field){ .key = (key_), .number = (int64_t)(number_) })

/**
 * log_configure() - Lowest level to show, and how lines look
 */
void log_configure(enum log_level lowest, enum log_format format);

/**
 * log_level_from() - Level of its name: debug, info, warn, error
 *
 * Return: 0, -EINVAL if there is no such level
 */
int log_level_from(const char *name, enum log_level *ret_level);

/**
 * log_format_from() - Format of its name: logfmt, json
 *
 * Return: 0, -EINVAL if there is no such format
 */
int log_format_from(const char *name, enum log_format *ret_format);

/**
 * log_fields() - One line, in one write; cut if it is longer than 1 KiB
 * @fields:	Ends with a NULL key; may be NULL
 *
 * Control characters and bytes that are not UTF-8 are escaped. A line that can't be written is
 * dropped: nothing waits for a log.
 */
void log_fields(enum log_level level, const char *message, const struct log_field *fields);

/* With one field at least; with none, log_fields(level, message, NULL) */
#define log_line(level, message, ...) \
	log_fields((level), (message), (const struct log_field[]){ __VA_ARGS__, { .key = NULL } })
