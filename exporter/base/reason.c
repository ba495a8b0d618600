/* SPDX-License-Identifier: MIT */
/* Why something failed */
#include "base/reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int reason_set(struct reason *reason, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reason->text, sizeof(reason->text), format, arguments);
	va_end(arguments);
	return error;
}

int reason_call(struct reason *reason, const char *call)
{
	const int error = errno;

	return reason_set(reason, -error, "%s: %s", call, strerror(error));
}
