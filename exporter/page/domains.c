/* SPDX-License-Identifier: MIT */
/* The page: domain by domain, where there are several */
#include "page/parts.h"

#include "traffic/traffic.h"

/* What is summed up over a domain's series */
struct sums {
	uint64_t queries[CONFIG_DOMAINS], sessions[CONFIG_DOMAINS], established[CONFIG_DOMAINS];
};

static void add_up(const struct page_view *view, struct sums *ret_sums)
{
	const struct series_table *table = &view->facts->traffic->series;

	*ret_sums = (struct sums){ .queries = { 0 } };
	for (uint32_t i = 0; i < table->count; i++) {
		ret_sums->queries[table->series[i].domain] += table->series[i].queries;
		ret_sums->sessions[table->series[i].domain] += table->series[i].sessions;
		ret_sums->established[table->series[i].domain] += table->series[i].established;
	}
}

/* Where a domain stands among all, most clients first; those alike in the order given */
static uint32_t rank(const struct page_view *view, const struct sums *sums, uint32_t domain)
{
	const uint32_t *clients = view->now.domain_clients;
	uint32_t better = 0;

	for (uint32_t i = 0; i < view->facts->traffic->domains; i++) {
		if (clients[i] != clients[domain])
			better += clients[i] > clients[domain];
		else if (sums->queries[i] != sums->queries[domain])
			better += sums->queries[i] > sums->queries[domain];
		else
			better += i < domain;
	}
	return better;
}

static void card(struct text *text, const struct page_view *view, const struct sums *sums,
		 uint32_t domain)
{
	const struct traffic_domain *of = &view->facts->traffic->domain[domain];
	const bool has_kcp = !(view->facts->traffic->without_answers >> domain & 1);
	struct page_line line;

	page_line_domain(view, domain, &line);
	text_string(text, "<li><h3>");
	page_escape(text, view->facts->names[domain]);
	text_string(text, "</h3>\n<p><strong>");
	page_count(text, view->now.domain_clients[domain]);
	text_string(text, "</strong> now, ");
	if (has_kcp) {
		page_count(text, view->facts->traffic->sessions.of_domain[domain].working);
		text_string(text, " working, ");
	}
	text_string(text, "at most ");
	page_count(text, (uint64_t)line.most);
	text_string(text, " in the last hour</p>\n");
	page_sparkline(text, &line);
	text_string(text, "\n<p class=\"soft\">Last query ");
	page_ago_ns(text, view, of->last_query_ns);
	text_string(text, ", last answer ");
	page_ago_ns(text, view, of->last_response_ns);
	text_string(text, "<br>\n");
	page_plural(text, sums->sessions[domain], "session");
	text_string(text, " with ");
	page_count(text, sums->queries[domain]);
	text_string(text, sums->queries[domain] == 1 ? " query" : " queries");
	if (has_kcp) {
		text_string(text, "<br>\n");
		page_plural(text, sums->established[domain], "handshake");
		text_string(text, ", round trip ");
		page_median(text, &of->kcp.rtt);
		text_string(text, ", wait ");
		page_median(text, &of->kcp.wait);
	}
	text_string(text, "</p></li>\n");
}

void page_domains(struct text *text, const struct page_view *view)
{
	uint32_t domains = view->facts->traffic->domains, rest = 0;
	struct sums sums;

	if (domains < 2)
		return;
	add_up(view, &sums);
	text_string(text, "<section class=\"card\" aria-labelledby=\"domains\">"
			  "<h2 id=\"domains\">Clients by domain</h2>\n<ul class=\"domains\">\n");
	/* In the order given, so that none moves when the page is refreshed */
	for (uint32_t i = 0; i < domains; i++) {
		if (rank(view, &sums, i) < PAGE_DOMAINS)
			card(text, view, &sums, i);
		else
			rest += view->now.domain_clients[i];
	}
	text_string(text, "</ul>\n");
	if (domains > PAGE_DOMAINS) {
		text_string(text, "<p class=\"soft\">");
		page_plural(text, domains - PAGE_DOMAINS, "more domain");
		text_string(text, " with ");
		page_plural(text, rest, "client");
		text_string(text, " now.</p>\n");
	}
	text_string(text, "</section>\n");
}
