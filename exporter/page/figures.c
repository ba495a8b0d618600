/* SPDX-License-Identifier: MIT */
/* The page: the few numbers that say how it goes, now and in the last hour */
#include "page/parts.h"

#include <string.h>

#include "traffic/traffic.h"

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
	if (page_knows_work(view)) {
		const uint32_t working = view->facts->traffic->sessions.working;

		figure(text, "Working now", working == 0 && view->now.clients != 0);
		page_count(text, working);
		remark(text);
		text_string(text, "received data in the last 30 seconds");
		end_figure(text);
	}
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

static void add(struct histogram *sum, const struct histogram *more)
{
	sum->scale = more->scale;
	for (uint32_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
		sum->bucket[i] += more->bucket[i];
}

/* Of all domains, since the start */
static void quality(struct text *text, const struct page_view *view)
{
	const struct traffic *traffic = view->facts->traffic;
	struct histogram rtt = { .sum = 0 }, wait = { .sum = 0 };
	uint64_t established = 0, sessions = 0;

	for (uint32_t i = 0; i < traffic->domains; i++) {
		add(&rtt, &traffic->domain[i].kcp.rtt);
		add(&wait, &traffic->domain[i].kcp.wait);
	}
	for (uint32_t i = 0; i < traffic->series.count; i++) {
		established += traffic->series.series[i].established;
		sessions += traffic->series.series[i].sessions;
	}
	figure(text, "Handshakes", false);
	page_count(text, established);
	remark(text);
	text_string(text, "completed, of ");
	page_plural(text, sessions, "session");
	text_string(text, " since start");
	end_figure(text);
	figure(text, "Round trip", false);
	page_median(text, &rtt);
	remark(text);
	text_string(text, "median since start");
	end_figure(text);
	figure(text, "Wait to send", false);
	page_median(text, &wait);
	remark(text);
	text_string(text, "for a query, median since start");
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
	if (page_knows_work(view))
		quality(text, view);
	text_string(text, "</dl>\n");
}
