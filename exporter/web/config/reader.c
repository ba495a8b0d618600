/* SPDX-License-Identifier: MIT */
/* The web configuration while it is read */
#include "web/config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "web/config/fault.h"

#define KEY_BYTES 160

int reader_fault(struct reader *reader, unsigned line, const char *format, ...)
{
	char key[KEY_BYTES] = "";
	char text[REASON_BYTES];
	size_t used = 0;
	va_list arguments;

	for (unsigned i = 0; i < reader->depth && used < sizeof(key); i++)
		used += (size_t)snprintf(key + used, sizeof(key) - used, "%s%s", i ? "." : "",
					 reader->keys[i]);
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	return fault_at(reader->reason, reader->path, line, *key ? key : NULL, "%s", text);
}

char *reader_store(struct web_config *config, const char *text, size_t bytes)
{
	char *copy = config->pool + config->pool_used;

	if (bytes >= config->pool_bytes - config->pool_used)
		return NULL;
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	config->pool_used += bytes + 1;

	return copy;
}

bool reader_is_null(const struct reader_scalar *scalar)
{
	return scalar->plain &&
	       (!*scalar->text || !strcmp(scalar->text, "~") || !strcmp(scalar->text, "null") ||
		!strcmp(scalar->text, "Null") || !strcmp(scalar->text, "NULL"));
}
