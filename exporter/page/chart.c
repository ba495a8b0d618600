/* SPDX-License-Identifier: MIT */
/* The page: the last hour as lines
 *
 * A drawing is as wide as the hour has seconds and is stretched to the room that there is, so it
 * has no text in it: the scale and the hour stand beside it.
 */
#include "page/parts.h"

#include <string.h>

#include "base/array.h"

#define WIDTH	     3600
#define HEIGHT	     400
#define SMALL_HEIGHT 100

/* A point of the last hour, or none */
static struct page_point *add(struct page_line *line, const struct page_view *view, uint64_t at_ns,
			      double value)
{
	uint64_t age = (view->now.at_ns - at_ns + PAGE_SECOND_NS / 2) / PAGE_SECOND_NS;
	struct page_point *point = &line->point[line->count];

	if (age > WIDTH)
		return NULL;
	*point = (struct page_point){ .value = value, .x = (uint16_t)(WIDTH - age) };
	if (line->count == 0 || value < line->least)
		line->least = value;
	if (line->count == 0 || value > line->most)
		line->most = value;
	line->count++;
	return point;
}

void page_line_rate(const struct page_view *view, size_t offset, struct page_line *ret_line)
{
	bool joined = false;

	ret_line->count = 0;
	ret_line->least = ret_line->most = 0;
	for (uint32_t i = 1; i < view->history->count; i++) {
		const struct history_sample *earlier = history_sample(view->history, i - 1);
		const struct history_sample *later = history_sample(view->history, i);
		struct page_point *point = NULL;
		uint64_t before, after;

		memcpy(&before, (const char *)earlier + offset, sizeof(before));
		memcpy(&after, (const char *)later + offset, sizeof(after));
		if (history_joined(earlier, later))
			point = add(ret_line, view, later->at_ns,
				    (double)(after - before) * (double)PAGE_SECOND_NS /
					    (double)(later->at_ns - earlier->at_ns));
		if (point)
			point->joined = joined;
		joined = point;
	}
}

/* @domain: or CONFIG_DOMAINS for all of them */
static void clients(const struct page_view *view, uint32_t domain, struct page_line *ret_line)
{
	const struct history_sample *before = NULL;

	ret_line->count = 0;
	ret_line->least = ret_line->most = 0;
	for (uint32_t i = 0; i <= view->history->count; i++) {
		const struct history_sample *sample =
			i < view->history->count ? history_sample(view->history, i) : &view->now;
		uint32_t value =
			domain == CONFIG_DOMAINS ? sample->clients : sample->domain_clients[domain];
		struct page_point *point = add(ret_line, view, sample->at_ns, value);

		if (!point)
			continue;
		point->joined = before && history_joined(before, sample);
		before = sample;
	}
}

void page_line_clients(const struct page_view *view, struct page_line *ret_line)
{
	clients(view, CONFIG_DOMAINS, ret_line);
}

void page_line_domain(const struct page_view *view, uint32_t domain, struct page_line *ret_line)
{
	clients(view, domain, ret_line);
}

/* The least end of a scale that leaves nothing out and has a middle that reads well */
static double scale(enum page_unit unit, double most)
{
	static const double steps[] = { 1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10 };
	double end = 1;

	if (unit == PAGE_TRAFFIC) {
		for (end = 64; end < most;)
			end *= 2;
		return end > 64 && end * 3 / 4 >= most ? end * 3 / 4 : end;
	}
	/* Half a client there is not */
	if (unit == PAGE_CLIENTS && most <= 10)
		return most <= 2 ? 2 : (double)(((unsigned)most + 1) / 2 * 2);
	while (most > 10 * end)
		end *= 10;
	for (unsigned i = 0; i < ARRAY_LENGTH(steps) - 1; i++)
		if (steps[i] * end >= most)
			return steps[i] * end;
	return 10 * end;
}

void page_value(struct text *text, enum page_unit unit, double value)
{
	if (unit == PAGE_TRAFFIC)
		page_bytes(text, value);
	else
		page_decimal(text, value);
	if (unit != PAGE_CLIENTS)
		text_string(text, "/s");
}

static int height_of(const struct page_line *line, unsigned i, double end, int height)
{
	return height - (int)(line->point[i].value / end * height + 0.5);
}

static void number(struct text *text, int value)
{
	if (value < 0)
		text_string(text, "-");
	text_number(text, (uint64_t)(value < 0 ? -value : value));
}

static void command(struct text *text, const char *letter, int x, int y)
{
	text_string(text, letter);
	number(text, x);
	if (y >= 0)
		text_string(text, " ");
	number(text, y);
}

/* @area: closed down to zero, to be filled */
static void path(struct text *text, const struct page_line *line, double end, int height, bool area)
{
	int x = 0, y = 0;

	for (unsigned i = 0; i < line->count; i++) {
		const struct page_point *point = &line->point[i];
		bool last = i + 1 == line->count || !point[1].joined;
		int to = height_of(line, i, end, height);

		if (!point->joined && area) {
			command(text, "M", point->x, height);
			text_string(text, "V");
			number(text, to);
		} else if (!point->joined) {
			command(text, "M", point->x, to);
			text_string(text, last ? "h0" : ""); /* alone: a dot */
		} else if (last || to != y || height_of(line, i + 1, end, height) != y) {
			command(text, "l", point->x - x, to - y);
		} else {
			continue; /* on the way along a level stretch */
		}
		if (last && area) {
			text_string(text, "V");
			number(text, height);
			text_string(text, "z");
		}
		x = point->x;
		y = to;
	}
	text_string(text, "\"/>");
}

/* What the drawing says, for those who don't see it */
static void description(struct text *text, enum page_unit unit, const struct page_line *line)
{
	if (line->count == 0) {
		text_string(text, "Nothing yet.");
		return;
	}
	text_string(text, "From ");
	page_value(text, unit, line->least);
	text_string(text, " to ");
	page_value(text, unit, line->most);
	text_string(text, ", at the end ");
	page_value(text, unit, line->point[line->count - 1].value);
	text_string(text, ".");
}

static void drawing(struct text *text, const struct page_chart *chart, double end)
{
	text_string(text, "<svg viewBox=\"0 0 3600 400\" preserveAspectRatio=\"none\" role=\"img\" "
			  "aria-labelledby=\"");
	text_string(text, chart->id);
	text_string(text, "-title\" aria-describedby=\"");
	text_string(text, chart->id);
	text_string(text, "-desc\"><title id=\"");
	text_string(text, chart->id);
	text_string(text, "-title\">");
	text_string(text, chart->title);
	text_string(text, " in the last hour</title><desc id=\"");
	text_string(text, chart->id);
	text_string(text, "-desc\">");
	for (unsigned i = 0; i == 0 || (i < 2 && chart->lines[i]); i++) {
		text_string(text, i == 0 ? "" : " ");
		if (chart->names[i]) {
			text_string(text, chart->names[i]);
			text_string(text, ": ");
		}
		description(text, chart->unit, chart->lines[i]);
	}
	text_string(text, "</desc>\n<path class=\"grid\" d=\"M0 0H3600M0 200H3600M0 400H3600"
			  "M900 0V400M1800 0V400M2700 0V400\"/>\n<path class=\"area\" d=\"");
	path(text, chart->lines[0], end, HEIGHT, true);
	for (unsigned i = 0; i == 0 || (i < 2 && chart->lines[i]); i++) {
		text_string(text, i == 0 ? "\n<path class=\"line\" d=\""
					 : "\n<path class=\"line second\" d=\"");
		path(text, chart->lines[i], end, HEIGHT, false);
	}
	text_string(text, "\n</svg>");
}

void page_chart(struct text *text, const struct page_chart *chart)
{
	double most = chart->lines[0]->most, end;

	if (chart->lines[1] && chart->lines[1]->most > most)
		most = chart->lines[1]->most;
	end = scale(chart->unit, most);
	text_string(text, "<div class=\"plot\"><div class=\"scale\" aria-hidden=\"true\">");
	for (int half = 2; half >= 0; half--) {
		text_string(text, "<span>");
		page_value(text, chart->unit, end * half / 2);
		text_string(text, "</span>");
	}
	text_string(text, "</div>\n");
	drawing(text, chart, end);
	text_string(text, "\n<div class=\"hour\" aria-hidden=\"true\"><span>60 min</span>"
			  "<span>45</span><span>30</span><span>15</span>"
			  "<span>now</span></div></div>\n");
}

void page_sparkline(struct text *text, const struct page_line *line)
{
	text_string(text, "<svg viewBox=\"0 0 3600 100\" preserveAspectRatio=\"none\" role=\"img\">"
			  "<title>Clients in the last hour. ");
	description(text, PAGE_CLIENTS, line);
	text_string(text, "</title><path class=\"grid\" d=\"M0 100H3600\"/>"
			  "<path class=\"line\" d=\"");
	path(text, line, line->most > 0 ? line->most : 1, SMALL_HEIGHT, false);
	text_string(text, "</svg>");
}
