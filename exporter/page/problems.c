/* SPDX-License-Identifier: MIT */
/* The page: what is wrong, at the top */
#include "page/parts.h"

#include "common/record.h"
#include "geoip/databases.h"
#include "geoip/geoip.h"
#include "traffic/traffic.h"

#define SILENT_NS (60 * PAGE_SECOND_NS)
#define OLD_DAYS  60
#define DAY	  86400
#define ENDS_DAYS 14 /* a certificate that renews itself has 30 left */

const struct geoip_status *page_database(const struct page_view *view, unsigned kind)
{
	const struct geoip_database *database = view->facts->databases->database[kind];

	return database ? geoip_status(database) : NULL;
}

/* Queries arrive, and for a minute none of them was answered */
static uint64_t silent_ns(const struct page_view *view, uint32_t domain)
{
	const struct traffic_domain *of = &view->facts->traffic->domain[domain];
	uint64_t since_ns = history_unanswered(view->history, domain);

	if (since_ns == 0 || view->now.at_ns - since_ns < SILENT_NS ||
	    view->now.at_ns - of->last_query_ns > SILENT_NS)
		return 0;
	return view->now.at_ns - since_ns;
}

static bool is_old(const struct page_view *view, unsigned kind)
{
	const struct geoip_status *status = page_database(view, kind);
	uint64_t now = view->facts->now_realtime_ns / PAGE_SECOND_NS;

	return status && now > status->build_epoch &&
	       now - status->build_epoch > (uint64_t)OLD_DAYS * DAY;
}

static bool ends_soon(const struct page_view *view)
{
	uint64_t now = view->facts->now_realtime_ns / PAGE_SECOND_NS;
	uint64_t ends = view->facts->certificate_expiry;

	return ends != 0 && ends < now + (uint64_t)ENDS_DAYS * DAY;
}

void page_problems_find(const struct page_view *view, struct page_problems *ret_problems)
{
	const struct traffic *traffic = view->facts->traffic;
	uint64_t now_ns = view->now.at_ns;
	uint64_t hour_ago_ns = now_ns > HISTORY_HOUR_NS ? now_ns - HISTORY_HOUR_NS : 0;
	const struct history_sample *then = history_before(view->history, hour_ago_ns);
	struct page_problems problems = { .not_ready = !view->facts->is_ready,
					  .overflow = traffic->series.overflow != 0,
					  .certificate = ends_soon(view) };

	if (then) {
		problems.drops = view->now.drops - then->drops;
		problems.evictions = view->now.evictions - then->evictions;
	}
	for (uint32_t i = 0; i < traffic->domains; i++) {
		problems.silent[i] = silent_ns(view, i) / PAGE_SECOND_NS;
		problems.silent_count += problems.silent[i] != 0;
	}
	problems.count = (unsigned)problems.not_ready + problems.overflow + problems.certificate +
			 (problems.drops != 0) + (problems.evictions != 0) + problems.silent_count;
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		problems.old_databases |= (unsigned)is_old(view, kind) << kind;
		problems.count += is_old(view, kind);
	}
	*ret_problems = problems;
}

static void silent(struct text *text, const struct page_view *view,
		   const struct page_problems *problems)
{
	unsigned shown = 0;

	for (uint32_t i = 0; i < view->facts->traffic->domains; i++) {
		if (problems->silent[i] == 0 || shown++ >= PAGE_DOMAINS)
			continue;
		text_string(text, "<li><strong>The server does not answer.</strong> Queries for ");
		page_escape(text, view->facts->names[i]);
		text_string(text, " arrive, and no answer has left this host for ");
		page_span(text, problems->silent[i]);
		text_string(text, ". Is dnstt-server running?</li>\n");
	}
	if (problems->silent_count <= PAGE_DOMAINS)
		return;
	text_string(text, "<li>The same is true of ");
	page_plural(text, problems->silent_count - PAGE_DOMAINS, "more domain");
	text_string(text, ".</li>\n");
}

static void old(struct text *text, const struct page_view *view,
		const struct page_problems *problems)
{
	static const char *const names[GEOIP_KINDS] = {
		[GEOIP_COUNTRY] = "country", [GEOIP_ASN] = "network"
	};

	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		if (!(problems->old_databases & 1u << kind))
			continue;
		text_string(text, "<li><strong>The ");
		text_string(text, names[kind]);
		text_string(text, " database is old.</strong> It was built ");
		page_ago(text, view, page_database(view, kind)->build_epoch);
		text_string(text,
			    ". Put a newer file in its place; it is loaded automatically.</li>\n");
	}
}

static void certificate(struct text *text, const struct page_view *view)
{
	uint64_t now = view->facts->now_realtime_ns / PAGE_SECOND_NS;
	uint64_t ends = view->facts->certificate_expiry;

	if (ends <= now) {
		text_string(text, "<li><strong>The certificate has expired.</strong> It expired ");
		page_ago(text, view, ends);
	} else {
		text_string(text,
			    "<li><strong>The certificate expires soon.</strong> It is valid for "
			    "another ");
		page_span(text, ends - now);
	}
	text_string(text, ". Put a new one in its place; it is loaded automatically.</li>\n");
}

void page_problems(struct text *text, const struct page_view *view,
		   const struct page_problems *problems)
{
	if (problems->count == 0)
		return;
	text_string(text, "<section class=\"problems\" aria-label=\"Problems\"><ul>\n");
	if (problems->not_ready)
		text_string(text, "<li><strong>Capture is not running.</strong> "
				  "Nothing is counted until it is.</li>\n");
	silent(text, view, problems);
	if (problems->drops != 0) {
		text_string(text, "<li><strong>");
		page_plural(text, problems->drops, "packet");
		text_string(text, " dropped in the last hour.</strong> The kernel had no room for "
				  "them, so the counts are too low. Raise "
				  "<code>-capture.ring-size</code>.</li>\n");
	}
	if (problems->evictions != 0) {
		text_string(text, "<li><strong>");
		page_plural(text, problems->evictions, "session");
		text_string(text, " forgotten early in the last hour.</strong> The table was full, "
				  "so clients may be missing or counted twice. Raise "
				  "<code>-sessions.max</code>.</li>\n");
	}
	if (problems->overflow)
		text_string(text, "<li><strong>There are too many label sets.</strong> "
				  "New countries and networks are counted as other. Raise "
				  "<code>-metrics.max-series</code>.</li>\n");
	old(text, view, problems);
	if (problems->certificate)
		certificate(text, view);
	text_string(text, "</ul></section>\n");
}
