/* SPDX-License-Identifier: MIT */
/* The page: what is wrong, at the top */
#include "page/parts.h"

#include "common/record.h"
#include "geoip/databases.h"
#include "geoip/geoip.h"
#include "traffic/traffic.h"

#define SILENT_NS      (30 * PAGE_SECOND_NS) /* a healthy server takes 1.5 s at most */
#define NOT_WORKING_NS (30 * PAGE_SECOND_NS)
#define RECENT_NS      (60 * PAGE_SECOND_NS)
#define ANSWERS_ALONE  10 /* more than can be under way when the last query came */
#define OLD_DAYS       60
#define DAY	       86400
#define ENDS_DAYS      14 /* a certificate that renews itself has 30 left */

const struct geoip_status *page_database(const struct page_view *view, unsigned kind)
{
	const struct geoip_database *database = view->facts->databases->database[kind];

	return database ? geoip_status(database) : NULL;
}

/* Queries arrive, and none of them is answered */
static uint64_t silent_ns(const struct page_view *view, uint32_t domain)
{
	const struct traffic_domain *of = &view->facts->traffic->domain[domain];
	uint64_t since_ns = history_unanswered(view->history, domain);

	if (since_ns == 0 || view->now.at_ns - since_ns < SILENT_NS ||
	    view->now.at_ns - of->last_query_ns > RECENT_NS)
		return 0;
	return view->now.at_ns - since_ns;
}

static uint64_t not_working_ns(const struct page_view *view, uint32_t domain)
{
	uint64_t since_ns = history_not_working(view->history, domain);

	if (since_ns == 0 || view->now.at_ns - since_ns < NOT_WORKING_NS)
		return 0;
	return view->now.at_ns - since_ns;
}

static bool are_answers_alone(const struct page_view *view, uint32_t domain)
{
	const struct traffic_domain *of = &view->facts->traffic->domain[domain];

	return of->answers_alone >= ANSWERS_ALONE &&
	       view->now.at_ns - of->last_response_ns <= RECENT_NS;
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

static bool is_wrong(const struct page_tunnel *tunnel)
{
	return tunnel->silent != 0 || tunnel->not_working != 0 || tunnel->answers_alone;
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
		problems.tunnel[i] = (struct page_tunnel){
			.silent = silent_ns(view, i) / PAGE_SECOND_NS,
			.not_working = not_working_ns(view, i) / PAGE_SECOND_NS,
			.answers_alone = are_answers_alone(view, i),
		};
		problems.tunnel_count += is_wrong(&problems.tunnel[i]);
	}
	problems.count = (unsigned)problems.not_ready + problems.overflow + problems.certificate +
			 (problems.drops != 0) + (problems.evictions != 0) + problems.tunnel_count;
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		problems.old_databases |= (unsigned)is_old(view, kind) << kind;
		problems.count += is_old(view, kind);
	}
	*ret_problems = problems;
}

static void silent(struct text *text, const struct page_view *view, uint32_t domain,
		   uint64_t seconds)
{
	text_string(text, "<li><strong>The server does not answer.</strong> Queries for ");
	page_escape(text, view->facts->names[domain]);
	text_string(text, " arrive, and no answer has left this host for ");
	page_span(text, seconds);
	text_string(text, ". Is dnstt-server running?</li>\n");
}

static void not_working(struct text *text, const struct page_view *view, uint32_t domain,
			uint64_t seconds)
{
	const uint32_t clients = view->facts->traffic->sessions.of_domain[domain].active;

	text_string(text, "<li><strong>No tunnel works.</strong> ");
	page_plural(text, clients, "client");
	text_string(text, clients == 1 ? " polls " : " poll ");
	page_escape(text, view->facts->names[domain]);
	text_string(text, clients == 1 ? ", and it has received no data for "
				       : ", and none has received data for ");
	page_span(text, seconds);
	text_string(text,
		    ". Was the server restarted, or is their public key the wrong one?</li>\n");
}

static void answers_alone(struct text *text, const struct page_view *view, uint32_t domain)
{
	const struct traffic_domain *of = &view->facts->traffic->domain[domain];

	text_string(text,
		    "<li><strong>Answers are seen and no queries.</strong> The server answers "
		    "queries for ");
	page_escape(text, view->facts->names[domain]);
	text_string(text,
		    of->rejected[VERDICT_EDNS_SIZE] != 0
			    ? " that do not count here: correct <code>min-edns=</code>, which "
			      "is the server's <code>-mtu</code>.</li>\n"
			    : ", which do not arrive on this host's interfaces: run the exporter "
			      "in the server's network namespace.</li>\n");
}

static void tunnels(struct text *text, const struct page_view *view,
		    const struct page_problems *problems)
{
	unsigned shown = 0;

	for (uint32_t i = 0; i < view->facts->traffic->domains; i++) {
		const struct page_tunnel *tunnel = &problems->tunnel[i];

		if (!is_wrong(tunnel) || shown++ >= PAGE_DOMAINS)
			continue;
		if (tunnel->silent != 0)
			silent(text, view, i, tunnel->silent);
		else if (tunnel->answers_alone)
			answers_alone(text, view, i);
		else
			not_working(text, view, i, tunnel->not_working);
	}
	if (problems->tunnel_count <= PAGE_DOMAINS)
		return;
	text_string(text, "<li>Something like that is true of ");
	page_plural(text, problems->tunnel_count - PAGE_DOMAINS, "more domain");
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
	tunnels(text, view, problems);
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
