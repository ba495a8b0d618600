/* SPDX-License-Identifier: MIT */
/* Durations as Go's time.ParseDuration() reads them */
#include "web/config/duration.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	/* "ms" before "m", which is its start */
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\u00b5s", 1000 },
	{ "\u03bcs", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
};

/* Digits up to the first other character; those after the 18th of a fraction don't matter. */
static int digits(const char **text, bool fraction, uint64_t *ret_number, double *ret_scale)
{
	*ret_number = 0;
	*ret_scale = 1;
	for (; isdigit((unsigned char)**text); (*text)++) {
		if (*ret_number > INT64_MAX / 10 - 1) {
			if (!fraction)
				return -EINVAL;
			continue;
		}
		*ret_number = *ret_number * 10 + (unsigned)(**text - '0');
		*ret_scale *= 10;
	}

	return 0;
}

/* One number with its unit; *text is moved behind them */
static int term(const char **text, uint64_t *ret_ns)
{
	const char *start = *text;
	uint64_t whole;
	uint64_t part = 0;
	double scale = 1;
	bool some;

	if (digits(text, false, &whole, &scale) < 0)
		return -EINVAL;
	some = *text > start;
	scale = 1;
	if (**text == '.') {
		start = ++*text;
		(void)digits(text, true, &part, &scale);
		some |= *text > start;
	}
	for (unsigned i = 0; some && i < ARRAY_LENGTH(units); i++) {
		size_t bytes = strlen(units[i].name);

		if (strncmp(*text, units[i].name, bytes))
			continue;
		*ret_ns = (uint64_t)((double)part * ((double)units[i].ns / scale));
		if (whole > (INT64_MAX - *ret_ns) / units[i].ns)
			return -EINVAL;
		*ret_ns += whole * units[i].ns;
		*text += bytes;
		return 0;
	}

	return -EINVAL;
}

int duration_parse(const char *text, uint64_t *ret_ns)
{
	uint64_t sum = 0;

	if (*text == '+')
		text++;
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	do {
		uint64_t ns;

		if (term(&text, &ns) < 0 || ns > INT64_MAX - sum)
			return -EINVAL;
		sum += ns;
	} while (*text);
	*ret_ns = sum;

	return 0;
}
