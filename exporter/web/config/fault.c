/* SPDX-License-Identifier: MIT */
/* How a fault in the web configuration is reported */
#include "web/config/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define KEY_BYTES 160

int fault_at(struct reason *reason, const char *path, unsigned line, const char *key,
	     const char *format, ...)
{
	char place[KEY_BYTES + 16] = "";
	char text[REASON_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	if (line && key)
		(void)snprintf(place, sizeof(place), "%u: %.*s: ", line, KEY_BYTES - 1, key);
	else if (line)
		(void)snprintf(place, sizeof(place), "%u: ", line);
	else if (key)
		(void)snprintf(place, sizeof(place), " %.*s: ", KEY_BYTES - 1, key);
	return reason_set(reason, -EINVAL, "%s:%s%s%s", path, place, *place ? "" : " ", text);
}
