/* SPDX-License-Identifier: MIT */
/* The page: what is wrong, at the top */
#include "page/parts.h"

#include "common/record.h"
#include "geoip/databases.h"
#include "geoip/geoip.h"
#include "traffic/traffic.h"

#define OLD_DAYS  60
#define DAY	  86400
#define ENDS_DAYS 14 /* a certificate that renews itself has 30 left */

const struct geoip_status *page_database(const struct page_view *view, unsigned kind)
{
	const struct geoip_database *database = view->facts->databases->database[kind];

	return database ? geoip_status(database) : NULL;
}

bool page_knows_work(const struct page_view *view)
{
	const struct traffic *traffic = view->facts->traffic;

	for (uint32_t i = 0; i < traffic->domains; i++)
		if (!(traffic->without_answers >> i & 1))
			return true;
	return false;
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
	signs_find(view->history, traffic, view->facts->capture, now_ns, &problems.signs);
	problems.count = (unsigned)problems.not_ready + problems.overflow + problems.certificate +
			 (problems.drops != 0) + (problems.evictions != 0) + problems.signs.count +
			 problems.signs.is_quiet + (problems.signs.foreign != 0);
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		problems.old_databases |= (unsigned)is_old(view, kind) << kind;
		problems.count += is_old(view, kind);
	}
	*ret_problems = problems;
}

/* What is wrong with a domain: bold, then around its name, and where a time is told, behind that */
static const struct {
	const char *bold, *before, *after, *end;
} words[SIGNS] = {
	[SIGN_SILENT] = { "The server does not answer.", "Queries for ",
			  " arrive, and no answer has left this host for ",
			  ". Is dnstt-server running?" },
	[SIGN_EDNS] = { "Answers are seen and no queries.", "The queries for ",
			" accept smaller responses than is expected here. Correct "
			"<code>min-edns=</code>: it is the server's <code>-mtu</code>.",
			NULL },
	[SIGN_WIRE] = { "Answers are seen and no queries.", "The queries for ",
			" are not written as is expected here. Correct <code>wire=</code> or its "
			"options.",
			NULL },
	[SIGN_ELSEWHERE] = { "Answers are seen and no queries.", "The queries for ",
			     " do not arrive on this host's interfaces. Run the exporter in the "
			     "server's network namespace.",
			     NULL },
	[SIGN_NAME] = { "No query has come.", "There was none for ",
			", and the server answers under another domain. Correct "
			"<code>-dnstt.domain</code>.",
			NULL },
	[SIGN_NOT_WORKING] = { "No tunnel works.", "Of ", ", none has received data for ",
			       ". Was the server restarted, or is their public key the wrong "
			       "one?" },
};

static void tunnel(struct text *text, const struct page_view *view, uint32_t domain,
		   const struct signs *signs)
{
	const enum sign sign = signs->domain[domain].sign;

	text_string(text, "<li><strong>");
	text_string(text, words[sign].bold);
	text_string(text, "</strong> ");
	text_string(text, words[sign].before);
	if (sign == SIGN_NOT_WORKING) {
		page_plural(text, view->facts->traffic->sessions.of_domain[domain].active,
			    "client");
		text_string(text, " of ");
	}
	page_escape(text, view->facts->names[domain]);
	text_string(text, words[sign].after);
	if (words[sign].end) {
		page_span(text, signs->domain[domain].seconds);
		text_string(text, words[sign].end);
	}
	text_string(text, "</li>\n");
}

static void tunnels(struct text *text, const struct page_view *view, const struct signs *signs)
{
	unsigned shown = 0;

	for (uint32_t i = 0; i < view->facts->traffic->domains; i++)
		if (signs->domain[i].sign != SIGN_NONE && shown++ < PAGE_DOMAINS)
			tunnel(text, view, i, signs);
	if (signs->count > PAGE_DOMAINS) {
		text_string(text, "<li>Something is wrong with ");
		page_plural(text, signs->count - PAGE_DOMAINS, "more domain");
		text_string(text, ".</li>\n");
	}
	if (signs->foreign != 0) {
		text_string(text, "<li><strong>No query is for a configured domain.</strong> ");
		page_count(text, signs->foreign);
		text_string(text, " came under others. Correct <code>-dnstt.domain</code>.</li>\n");
	}
	if (signs->is_quiet)
		text_string(text, "<li><strong>Not a packet has come since the start.</strong> "
				  "Correct <code>-dnstt.port</code>, or run the exporter in the "
				  "server's network namespace.</li>\n");
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
	tunnels(text, view, &problems->signs);
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
		text_string(text, "<li><strong>There are many label sets.</strong> "
				  "New countries and networks count as other until a client there "
				  "stays for 5 seconds or completes its handshake. Raise "
				  "<code>-metrics.max-series</code>.</li>\n");
	old(text, view, problems);
	if (problems->certificate)
		certificate(text, view);
	text_string(text, "</ul></section>\n");
}
