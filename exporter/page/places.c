/* SPDX-License-Identifier: MIT */
/* The page: countries and networks as bars */
#include "page/parts.h"

#include <string.h>

#include "base/array.h"
#include "geoip/geoip.h"
#include "traffic/series.h"
#include "traffic/traffic.h"

#define BAR 1000 /* length of the longest */

typedef uint64_t key_of(const struct series *series);

struct top {
	struct page_row row[PAGE_TOP]; /* the first ones, most clients first */
	struct page_row rest;	       /* all others */
	uint32_t count, left_out;
};

struct kind {
	enum geoip_kind database;
	const char *id, *heading, *column, *missing;
	key_of *key;
	void (*name)(struct text *text, uint64_t key);
};

static uint64_t country_key(const struct series *series)
{
	return (uint64_t)(uint8_t)series->place.country[0] << 8 | (uint8_t)series->place.country[1];
}

static void country_name(struct text *text, uint64_t key)
{
	char name[] = { (char)(key >> 8), (char)(key & 0xff), '\0' };

	page_escape(text, key == ('Z' << 8 | 'Z') ? "unmapped" : name);
}

static uint64_t network_key(const struct series *series)
{
	return series->place.asn;
}

static void network_name(struct text *text, uint64_t key)
{
	if (key == GEOIP_ASN_UNMAPPED) {
		text_string(text, "unmapped");
	} else {
		text_string(text, "AS");
		text_number(text, key);
	}
}

static bool comes_before(const struct page_row *a, const struct page_row *b)
{
	if (a->clients != b->clients)
		return a->clients > b->clients;
	if (a->queries != b->queries)
		return a->queries > b->queries;
	return a->key < b->key;
}

static void sum(struct page_row *row, const struct page_row *more)
{
	row->clients += more->clients;
	row->sessions += more->sessions;
	row->queries += more->queries;
	row->rtt_count += more->rtt_count;
	row->rtt_ms += more->rtt_ms;
}

/* Each row that is pushed down takes the place of the next; the last one joins the rest */
static void insert(struct top *top, const struct page_row *row)
{
	struct page_row down = *row;

	for (uint32_t i = 0; i < top->count; i++) {
		struct page_row here = top->row[i];

		if (!comes_before(&down, &here))
			continue;
		top->row[i] = down;
		down = here;
	}
	if (top->count < PAGE_TOP) {
		top->row[top->count++] = down;
	} else {
		sum(&top->rest, &down);
		top->left_out++;
	}
}

/* The place of a key in the table; a free one, which has no queries, if the key is new */
static struct page_row *slot(const struct page *page, uint32_t mask, const struct hash_key *secret,
			     uint64_t key)
{
	uint32_t at = (uint32_t)hash_words(secret, key, 0) & mask;

	while (page->rows[at].queries != 0 && page->rows[at].key != key)
		at = (at + 1) & mask;
	return &page->rows[at];
}

/* Exact, in one pass over the series and one over the table */
static void find(const struct page_view *view, key_of *key, struct top *ret_top)
{
	const struct series_table *table = &view->facts->traffic->series;
	struct page_row *rows = view->page->rows;
	uint32_t mask = 15;

	/* As small as the series of now allow, which is all that has to be cleared */
	while (mask < (uint64_t)table->count * 3 / 2 && mask < view->page->mask)
		mask = mask * 2 + 1;
	memset(rows, 0, ((size_t)mask + 1) * sizeof(*rows));
	*ret_top = (struct top){ .count = 0 };
	for (uint32_t i = 0; i < table->count; i++) {
		const struct series *series = &table->series[i];
		uint64_t of = series->other ? PAGE_OTHER : key(series);
		struct page_row row = { .key = of,
					.sessions = series->sessions,
					.queries = series->queries,
					.rtt_count = series->rtt.count,
					.rtt_ms = series->rtt.ms,
					.clients = series->active };
		struct page_row *to;

		if (series->queries == 0)
			continue;
		to = slot(view->page, mask, &table->key, of);
		to->key = of;
		sum(to, &row);
	}
	for (uint32_t i = 0; i <= mask; i++)
		if (rows[i].queries != 0)
			insert(ret_top, &rows[i]);
}

/* @most: clients of the longest bar; 0: none is to be drawn */
static void cells(struct text *text, const struct page_row *row, uint32_t most)
{
	text_string(text, "</th><td class=\"bar\">");
	if (row->clients != 0 && most != 0) {
		text_string(text, "<svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" "
				  "aria-hidden=\"true\"><rect height=\"10\" width=\"");
		text_number(text, (uint64_t)row->clients * BAR / most);
		text_string(text, "\"/></svg>");
	}
	text_string(text, "</td><td>");
	page_count(text, row->clients);
	text_string(text, "</td><td>");
	page_count(text, row->sessions);
	text_string(text, "</td><td>");
	if (row->rtt_count != 0)
		page_milliseconds(text, (double)row->rtt_ms / (double)row->rtt_count);
	else
		text_string(text, "&#8211;");
	text_string(text, "</td></tr>\n");
}

static void rows(struct text *text, const struct kind *kind, const struct top *top)
{
	for (uint32_t i = 0; i < top->count; i++) {
		text_string(text, "<tr><th scope=\"row\">");
		if (top->row[i].key == PAGE_OTHER)
			text_string(text, "other");
		else
			kind->name(text, top->row[i].key);
		cells(text, &top->row[i], top->row[0].clients);
	}
	if (top->left_out == 0)
		return;
	text_string(text, "<tr class=\"rest\"><th scope=\"row\">");
	page_count(text, top->left_out);
	text_string(text, " more");
	/* A sum among single ones would only make their bars shorter */
	cells(text, &top->rest, 0);
}

static void table_of(struct text *text, const struct page_view *view, const struct kind *kind)
{
	struct top top;

	find(view, kind->key, &top);
	if (top.count == 0) {
		text_string(text, "<p class=\"soft\">No clients so far.</p>\n");
		return;
	}
	text_string(text, view->facts->traffic->use_ecs
				  ? "<p class=\"soft\">Where their networks are, or else their "
				    "resolvers</p>\n"
				  : "<p class=\"soft\">Where their resolvers are</p>\n");
	text_string(text, "<table><thead><tr><th scope=\"col\">");
	text_string(text, kind->column);
	text_string(text,
		    "</th><td class=\"bar\"></td><th scope=\"col\">Clients</th>"
		    "<th scope=\"col\">Sessions</th>"
		    "<th scope=\"col\" title=\"mean since start\">Round trip</th></tr></thead>"
		    "<tbody>\n");
	rows(text, kind, &top);
	text_string(text, "</tbody></table>\n");
}

static void section(struct text *text, const struct page_view *view, const struct kind *kind)
{
	text_string(text, "<section class=\"card\" aria-labelledby=\"");
	text_string(text, kind->id);
	text_string(text, "\"><h2 id=\"");
	text_string(text, kind->id);
	text_string(text, "\">");
	text_string(text, kind->heading);
	text_string(text, "</h2>\n");
	if (page_database(view, kind->database))
		table_of(text, view, kind);
	else
		text_string(text, kind->missing);
	text_string(text, "</section>\n");
}

void page_places(struct text *text, const struct page_view *view)
{
	static const struct kind kinds[] = {
		{ GEOIP_COUNTRY, "countries", "Clients by country", "Country",
		  "<p class=\"soft\">Shown with <code>-geoip.country-database</code>.</p>\n",
		  country_key, country_name },
		{ GEOIP_ASN, "networks", "Clients by network", "Network",
		  "<p class=\"soft\">Shown with <code>-geoip.asn-database</code>.</p>\n",
		  network_key, network_name },
	};

	text_string(text, "<div class=\"pair\">\n");
	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
		section(text, view, &kinds[i]);
	text_string(text, "</div>\n");
}
