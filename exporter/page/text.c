/* SPDX-License-Identifier: MIT */
/* The page: numbers, times, and whatever has to be escaped */
#include "page/parts.h"

#include <time.h>

#include "base/array.h"
#include "traffic/traffic.h"

#define YEAR_10000 UINT64_C(253402300800)

void page_escape(struct text *text, const char *string)
{
	for (; *string != '\0'; string++) {
		switch (*string) {
		case '&': text_string(text, "&amp;"); break;
		case '<': text_string(text, "&lt;"); break;
		case '>': text_string(text, "&gt;"); break;
		case '"': text_string(text, "&quot;"); break;
		case '\'': text_string(text, "&#39;"); break;
		default:
			if (*string >= ' ' && *string <= '~')
				text_bytes(text, string, 1);
			else
				text_string(text, "&#xFFFD;");
		}
	}
}

void page_count(struct text *text, uint64_t number)
{
	char digits[32];
	size_t at = sizeof(digits);

	for (unsigned i = 0; i == 0 || number != 0; i++) {
		if (i != 0 && i % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	}
	text_bytes(text, digits + at, sizeof(digits) - at);
}

void page_plural(struct text *text, uint64_t number, const char *noun)
{
	page_count(text, number);
	text_string(text, " ");
	text_string(text, noun);
	if (number != 1)
		text_string(text, "s");
}

/* One place behind the point where there is but one before it */
void page_decimal(struct text *text, double number)
{
	uint64_t tenths = (uint64_t)(number * 10 + 0.5);

	if (tenths >= 100) {
		page_count(text, (uint64_t)(number + 0.5));
		return;
	}
	text_number(text, tenths / 10);
	if (tenths % 10 != 0) {
		text_string(text, ".");
		text_number(text, tenths % 10);
	}
}

void page_bytes(struct text *text, double bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
	unsigned unit = 0;

	/* Three digits are enough, and short */
	while (bytes >= 999.5 && unit + 1 < ARRAY_LENGTH(units)) {
		bytes /= 1024;
		unit++;
	}
	page_decimal(text, bytes);
	text_string(text, units[unit]);
}

void page_span(struct text *text, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {
		{ UINT64_C(365) * 86400, "year" },
		{ 86400, "day" },
		{ 3600, "hour" },
		{ 60, "minute" },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(units); i++) {
		if (seconds < 2 * units[i].seconds)
			continue;
		page_plural(text, seconds / units[i].seconds, units[i].name);
		return;
	}
	page_plural(text, seconds, "second");
}

bool page_date(struct text *text, uint64_t seconds)
{
	time_t time = (time_t)seconds;
	char date[32];
	struct tm tm;

	if (seconds >= YEAR_10000 || !gmtime_r(&time, &tm))
		return false;
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	text_string(text, date);
	return true;
}

void page_ago(struct text *text, const struct page_view *view, uint64_t seconds)
{
	uint64_t now = view->facts->now_realtime_ns / PAGE_SECOND_NS;

	if (seconds >= YEAR_10000) {
		text_string(text, "at no date");
		return;
	}
	text_string(text, "<time datetime=\"");
	page_date(text, seconds);
	text_string(text, "\" title=\"");
	page_date(text, seconds);
	text_string(text, "\">");
	if (seconds > now) {
		text_string(text, "in the future");
	} else if (seconds + 2 > now) {
		text_string(text, "just now");
	} else {
		page_span(text, now - seconds);
		text_string(text, " ago");
	}
	text_string(text, "</time>");
}

void page_ago_ns(struct text *text, const struct page_view *view, uint64_t at_ns)
{
	const struct page_facts *facts = view->facts;
	uint64_t age_ns = facts->now_ns - at_ns;

	if (at_ns == 0)
		text_string(text, "never");
	else
		page_ago(text, view, (facts->now_realtime_ns - age_ns) / PAGE_SECOND_NS);
}

void page_milliseconds(struct text *text, double ms)
{
	if (ms < 1000) {
		text_number(text, (uint64_t)(ms + 0.5));
		text_string(text, " ms");
	} else {
		page_decimal(text, ms / 1000);
		text_string(text, " s");
	}
}

void page_median(struct text *text, const struct histogram *histogram)
{
	const struct histogram_scale *scale = histogram->scale;
	double half = (double)histogram_count(histogram) / 2, before = 0, lower = 0;

	if (half <= 0) {
		text_string(text, "&#8211;"); /* not known */
		return;
	}
	for (uint32_t i = 0; i < scale->buckets; i++) {
		double count = (double)histogram->bucket[i], upper = (double)scale->bound[i];

		/* As if they lay evenly in their bucket, as Prometheus' histogram_quantile() does */
		if (before + count >= half && count > 0) {
			page_milliseconds(text, lower + (upper - lower) * (half - before) / count);
			return;
		}
		before += count;
		lower = upper;
	}
	text_string(text, "over ");
	page_milliseconds(text, lower);
}
