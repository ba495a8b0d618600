/* SPDX-License-Identifier: MIT */
/* The page: the few numbers that say how it goes, now and in the last hour */
#include "page/parts.h"

#include <string.h>

#define RATE_NS	     (60 * PAGE_SECOND_NS)
#define RATE_MOST_NS (120 * PAGE_SECOND_NS) /* beyond it, it would not be the last minute's */

/* A figure has a name, a value, and a remark in small print */
static void figure(struct text *text, const char *name, bool bad)
{
	text_string(text, "<div><dt>");
	text_string(text, name);
	text_string(text, bad ? "</dt><dd class=\"bad\">" : "</dt><dd>");
}

static void remark(struct text *text)
{
	text_string(text, "</dd><dd class=\"soft\">");
}

static void end_figure(struct text *text)
{
	text_string(text, "</dd></div>\n");
}

/* Of the last minute, or of what there is of it */
static void rate(struct text *text, const struct page_view *view, const char *name,
		 enum page_unit unit, size_t offset)
{
	uint64_t now_ns = view->now.at_ns;
	const struct history_sample *then =
		history_before(view->history, now_ns > RATE_NS ? now_ns - RATE_NS : 0);
	uint64_t span_ns = then ? now_ns - then->at_ns : 0, before = 0, now;

	memcpy(&now, (const char *)&view->now + offset, sizeof(now));
	if (then)
		memcpy(&before, (const char *)then + offset, sizeof(before));
	figure(text, name, false);
	if (span_ns < PAGE_SECOND_NS || span_ns > RATE_MOST_NS)
		text_string(text, "&#8211;"); /* not known */
	else
		page_value(text, unit,
			   (double)(now - before) * (double)PAGE_SECOND_NS / (double)span_ns);
	remark(text);
	if (unit == PAGE_TRAFFIC)
		page_bytes(text, (double)now);
	else
		page_count(text, now);
	text_string(text, " since start");
	end_figure(text);
}

static void clients(struct text *text, const struct page_view *view)
{
	const struct history *history = view->history;
	struct history_sample most = { .clients = 0 };

	for (uint32_t i = 0; i < history->count; i++) {
		const struct history_sample *sample = history_sample(history, i);

		if (view->now.at_ns - sample->at_ns <= HISTORY_HOUR_NS &&
		    sample->clients > most.clients)
			most = *sample;
	}
	if (history->most > most.clients)
		most = (struct history_sample){ .clients = history->most,
						.clients_ns = history->most_ns };
	figure(text, "Clients now", false);
	page_count(text, view->now.clients);
	remark(text);
	text_string(text, "active in the last 30 seconds");
	end_figure(text);
	figure(text, "Peak, last hour", false);
	page_count(text, most.clients);
	remark(text);
	if (most.clients != 0)
		page_ago_ns(text, view, most.clients_ns);
	else
		text_string(text, "no client so far");
	end_figure(text);
}

void page_figures(struct text *text, const struct page_view *view,
		  const struct page_problems *problems)
{
	text_string(text, "<dl class=\"figures\">\n");
	clients(text, view);
	rate(text, view, "Queries", PAGE_QUERIES, offsetof(struct history_sample, queries));
	rate(text, view, "Received", PAGE_TRAFFIC, offsetof(struct history_sample, bytes_in));
	rate(text, view, "Sent", PAGE_TRAFFIC, offsetof(struct history_sample, bytes_out));
	figure(text, "Dropped", problems->drops != 0);
	page_count(text, problems->drops);
	remark(text);
	text_string(text, "in the last hour, ");
	page_count(text, view->now.drops);
	text_string(text, " since start");
	end_figure(text);
	text_string(text, "</dl>\n");
}
