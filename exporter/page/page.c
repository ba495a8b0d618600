/* SPDX-License-Identifier: MIT */
/* The page at /, from top to bottom */
#include "page/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "common/record.h"
#include "geoip/geoip.h"
#include "page/parts.h"
#include "page/style.h"
#include "traffic/traffic.h"

int page_open(struct page *ret_page, uint32_t series, uint32_t domains)
{
	struct page page = { .mask = 15 };

	/* At most two thirds full */
	while (page.mask < ((uint64_t)series + domains) * 3 / 2)
		page.mask = page.mask * 2 + 1;
	if (page_style_open() < 0)
		return -EIO;
	page.rows = table_make((size_t)page.mask + 1, sizeof(*page.rows));
	if (!page.rows)
		return -ENOMEM;
	*ret_page = page;
	return 0;
}

void page_close(struct page *page)
{
	table_free(page->rows, (size_t)page->mask + 1, sizeof(*page->rows));
	*page = (struct page){ .rows = NULL };
}

/* "3 domains", or the only one */
static void domains(struct text *text, const struct page_view *view)
{
	if (view->facts->traffic->domains == 1)
		page_escape(text, view->facts->names[0]);
	else
		page_plural(text, view->facts->traffic->domains, "domain");
}

/* "2 problems", or what else there is to say */
static void state(struct text *text, const struct page_problems *problems)
{
	text_string(text,
		    problems->count != 0 ? "<span class=\"state bad\">" : "<span class=\"state\">");
	if (problems->count != 0)
		page_plural(text, problems->count, "problem");
	else
		text_string(text, "No problems");
	text_string(text, "</span>");
}

static void head(struct text *text, const struct page_view *view,
		 const struct page_problems *problems)
{
	text_string(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			  "<title>");
	if (problems->count != 0)
		page_plural(text, problems->count, "problem");
	else
		page_plural(text, view->now.clients, "client");
	text_string(text, " - dnstt_exporter</title>\n<meta name=\"viewport\" "
			  "content=\"width=device-width, initial-scale=1\">\n"
			  "<meta http-equiv=\"refresh\" content=\"");
	text_number(text, PAGE_REFRESH_S);
	text_string(text, "\">\n<style>");
	text_string(text, page_style);
	text_string(text, "</style>\n</head>\n<body>\n<header>\n<h1>dnstt_exporter</h1>\n<p>");
	state(text, problems);
	text_string(text, "<span>");
	domains(text, view);
	text_string(text, "</span><time>");
	page_date(text, view->facts->now_realtime_ns / PAGE_SECOND_NS);
	text_string(text, "</time></p>\n</header>\n<main>\n");
}

static void chart(struct text *text, const struct page_chart *chart, const char *heading)
{
	static const char *const samples[] = {
		"<span><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"line\" "
		"d=\"M0 4H24\"/></svg>",
		"<span><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"line second\" "
		"d=\"M0 4H24\"/></svg>",
	};

	text_string(text, "<section class=\"card\"><h2>");
	text_string(text, heading);
	text_string(text, "</h2>\n");
	page_chart(text, chart);
	if (chart->names[0]) {
		text_string(text, "<p class=\"legend soft\">");
		for (unsigned i = 0; i < 2; i++) {
			text_string(text, samples[i]);
			text_string(text, chart->names[i]);
			text_string(text, "</span>");
		}
		text_string(text, "</p>\n");
	}
	text_string(text, "</section>\n");
}

static void charts(struct text *text, const struct page_view *view)
{
	struct page_line line, second;

	page_line_clients(view, &line);
	chart(text,
	      &(struct page_chart){ .id = "clients",
				    .title = "Clients",
				    .unit = PAGE_CLIENTS,
				    .lines = { &line } },
	      "Clients in the last hour");
	text_string(text, "<div class=\"pair\">\n");
	page_line_rate(view, offsetof(struct history_sample, queries), &line);
	chart(text,
	      &(struct page_chart){ .id = "queries",
				    .title = "Queries per second",
				    .unit = PAGE_QUERIES,
				    .lines = { &line } },
	      "Queries per second");
	page_line_rate(view, offsetof(struct history_sample, bytes_out), &line);
	page_line_rate(view, offsetof(struct history_sample, bytes_in), &second);
	chart(text,
	      &(struct page_chart){ .id = "bytes",
				    .title = "Bytes per second",
				    .names = { "Sent", "Received" },
				    .unit = PAGE_TRAFFIC,
				    .lines = { &line, &second } },
	      "Bytes per second");
	text_string(text, "</div>\n");
}

static void entry(struct text *text, const char *name)
{
	text_string(text, "<div><dt>");
	text_string(text, name);
	text_string(text, "</dt><dd>");
}

static void end_entry(struct text *text)
{
	text_string(text, "</dd></div>\n");
}

static void count_entry(struct text *text, const char *name, uint64_t number)
{
	entry(text, name);
	page_count(text, number);
	text_string(text, " since start");
	end_entry(text);
}

static void peak(struct text *text, const struct page_view *view)
{
	entry(text, "Peak since start");
	page_plural(text, view->history->peak, "client");
	if (view->history->peak != 0) {
		text_string(text, ", ");
		page_ago_ns(text, view, view->history->peak_ns);
	}
	end_entry(text);
}

static void databases(struct text *text, const struct page_view *view)
{
	static const char *const names[GEOIP_KINDS] = {
		[GEOIP_COUNTRY] = "Country database", [GEOIP_ASN] = "Network database"
	};

	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		const struct geoip_status *status = page_database(view, kind);

		entry(text, names[kind]);
		if (status) {
			page_escape(text, status->type);
			text_string(text, ", built ");
			page_ago(text, view, status->build_epoch);
		} else {
			text_string(text, "none");
		}
		end_entry(text);
	}
}

static void about(struct text *text, const struct page_view *view)
{
	const struct traffic *traffic = view->facts->traffic;
	uint64_t sessions = 0, refused = 0;

	for (uint32_t i = 0; i < traffic->series.count; i++)
		sessions += traffic->series.series[i].sessions;
	for (uint32_t i = 0; i <= traffic->domains; i++)
		for (unsigned verdict = VERDICT_ACCEPTED + 1; verdict < VERDICTS; verdict++)
			refused += traffic->domain[i].rejected[verdict];
	text_string(text, "<section class=\"card\" aria-labelledby=\"about\">"
			  "<h2 id=\"about\">Exporter</h2>\n<dl class=\"about\">\n");
	entry(text, "Started");
	page_ago(text, view, view->facts->start_ns / PAGE_SECOND_NS);
	end_entry(text);
	peak(text, view);
	count_entry(text, "Sessions", sessions);
	count_entry(text, "Refused queries", refused);
	databases(text, view);
	entry(text, "Version");
	page_escape(text, view->facts->version);
	end_entry(text);
	entry(text, "Revision");
	page_escape(text, view->facts->revision);
	end_entry(text);
	text_string(text, "</dl>\n</section>\n");
}

/* Links are relative to the page, so that they hold behind a proxy that puts it elsewhere */
static void foot(struct text *text, const struct page_view *view)
{
	text_string(text, "</main>\n<footer class=\"soft\"><span><a href=\".");
	page_escape(text, view->facts->telemetry_path);
	text_string(text, "\">Metrics</a></span><span>Refreshes every ");
	page_plural(text, PAGE_REFRESH_S, "second");
	text_string(text, "</span></footer>\n</body>\n</html>\n");
}

size_t page_render(const struct page *page, const struct page_facts *facts, char *buffer,
		   size_t bytes)
{
	struct text text = { .start = buffer, .at = buffer, .end = buffer + bytes };
	struct page_view view = { .facts = facts, .history = facts->history, .page = page };
	struct page_problems problems;

	history_now(facts->traffic, facts->capture, facts->now_ns, &view.now);
	page_problems_find(&view, &problems);
	head(&text, &view, &problems);
	page_problems(&text, &view, &problems);
	page_figures(&text, &view, &problems);
	charts(&text, &view);
	page_domains(&text, &view);
	page_places(&text, &view);
	about(&text, &view);
	foot(&text, &view);
	return text.full ? 0 : (size_t)(text.at - text.start);
}
