/* SPDX-License-Identifier: MIT */
/* What the records add up to */
#include "traffic/traffic.h"

#include <string.h>

#include "traffic/interfaces.h"

#define AHEAD	 8 /* records between the look ahead and the count: memory answers meanwhile */
#define US_NS	 1000
#define MS_NS	 1000000
#define QUIET_MS 1000 /* after which capture sends a batch without records */
#define RECORD_LATE_MS \
	60000 /* a record that is older has a time of no use; capture waits no longer */
#define RECORD_EARLY_MS 1000 /* the clock was set while it was on its way */

static const struct histogram_scale delay_scale = {
	.bound = { 1, 5, 10, 50, 100, 250, 500, 750, 1000, 1500, 2500, 5000 },
	.le = { "0.001", "0.005", "0.01", "0.05", "0.1", "0.25", "0.5", "0.75", "1.0", "1.5", "2.5",
		"5.0" },
	.buckets = 12,
	.per_unit = 1000,
};

static const struct histogram_scale name_scale = {
	.bound = { 32, 64, 96, 128, 160, 192, 224, 255 },
	.le = { "32.0", "64.0", "96.0", "128.0", "160.0", "192.0", "224.0", "255.0" },
	.buckets = 8,
	.per_unit = 1,
};

/* Around what dnstt-server asks for, and what resolvers are known to say */
static const struct histogram_scale edns_scale = {
	.bound = { 512, 1231, 1232, 1399, 1400, 1452, 4096 },
	.le = { "512.0", "1231.0", "1232.0", "1399.0", "1400.0", "1452.0", "4096.0" },
	.buckets = 7,
	.per_unit = 1,
};

int traffic_open(struct traffic *ret_traffic, const struct traffic_options *options)
{
	struct traffic *traffic = ret_traffic;
	const struct hash_key *key = &options->key;
	int failed;

	memset(traffic, 0, sizeof(*traffic));
	traffic->domains = options->domains;
	traffic->without_kcp = options->without_kcp;
	traffic->without_answers = options->without_kcp | options->without_answers;
	traffic->use_ecs = options->use_ecs;
	traffic->interfaces = options->interfaces;
	for (uint32_t i = 0; i < options->domains; i++) {
		kcp_open(&traffic->domain[i].kcp);
		traffic->domain[i].response_delay.scale = &delay_scale;
		traffic->domain[i].query_name.scale = &name_scale;
		traffic->domain[i].query_edns.scale = &edns_scale;
	}
	failed = series_open(&traffic->series, options->domains, options->max_series, key);
	if (!failed)
		failed = sessions_open(&traffic->sessions, &traffic->series, options->max_sessions,
				       key);
	if (!failed)
		failed = resolvers_open(&traffic->resolvers, &traffic->series, options->country,
					options->asn, key);
	if (!failed)
		failed = duplicates_open(&traffic->recent, key);
	if (!failed)
		failed = pending_open(&traffic->pending, key);
	if (failed)
		traffic_close(traffic);
	return failed;
}

void traffic_close(struct traffic *traffic)
{
	pending_close(&traffic->pending);
	duplicates_close(&traffic->recent);
	resolvers_close(&traffic->resolvers);
	sessions_close(&traffic->sessions);
	series_close(&traffic->series);
}

/* When capture saw the packet, on the monotonic clock */
static struct kcp_time time_of(const struct traffic *traffic, const struct record *record)
{
	const int32_t age_ms = (int32_t)(traffic->realtime_ms - record->time_ms);

	if (age_ms < -RECORD_EARLY_MS || age_ms > RECORD_LATE_MS)
		return (struct kcp_time){ .ms = traffic->now_ms };
	return (struct kcp_time){ .ms = traffic->now_ms - (uint64_t)(age_ms < 0 ? 0 : age_ms),
				  .is_known = true };
}

/* A session that dnstt-server begins with this query. What it remembers from before the start shows
 * itself by a conversation that is past its beginning, and does so while the server remembers it.
 */
static bool is_begun(const struct traffic *traffic, const struct record *query)
{
	return traffic->sessions.now_ns - traffic->start_ns > SESSIONS_REMEMBERED_NS ||
	       !(query->flags & RECORD_FLAG_KCP) || !kcp_is_under_way(query);
}

static struct kcp_news see_kcp(struct traffic *traffic, const struct session *session,
			       const struct record *query, struct kcp_time at, bool is_copy)
{
	struct kcp *kcp = sessions_kcp(&traffic->sessions, session);

	if (!(query->flags & RECORD_FLAG_KCP))
		return (struct kcp_news){ .rtt_count = 0 };
	if (!kcp->has_conv && !is_begun(traffic, query))
		kcp_join(kcp, query);
	return kcp_query(kcp, &traffic->domain[query->domain].kcp, query, at, is_copy);
}

/* What a session has shown by now. That it took data is believed only as far as the server sent it:
 * one that was joined has shown nothing by its first query. It speaks for one label set, or else
 * whoever has a session could send its ClientID from everywhere.
 */
static enum series_claim claim_of(const struct traffic *traffic, const struct session *session,
				  const struct kcp_news *news)
{
	if (session->has_added)
		return SERIES_QUERY;
	if (sessions_kcp(&traffic->sessions, session)->is_established &&
	    (news->took_data || session->working))
		return SERIES_PROVEN;
	return session->list == SESSIONS_KNOWN ? SERIES_STAYED : SERIES_QUERY;
}

/* The label set of a query, made if what its session has shown is good for it */
static uint32_t place_query(struct traffic *traffic, struct session *session,
			    const struct record *query, const struct kcp_news *news)
{
	const enum series_claim claim = claim_of(traffic, session, news);
	const uint32_t before = traffic->series.count;
	const uint32_t index =
		resolvers_series(&traffic->resolvers, query->domain, query->resolver, claim);

	if (claim != SERIES_QUERY && index == before && !traffic->series.series[index].other)
		session->has_added = true;
	sessions_place(&traffic->sessions, session, index);
	return index;
}

static void count_query(struct traffic *traffic, const struct record *query, uint64_t hash,
			bool is_copy)
{
	struct traffic_domain *domain = &traffic->domain[query->domain];
	const struct kcp_time at = time_of(traffic, query);
	struct session *session;
	struct series *series;
	struct kcp_news news;
	uint64_t silent_ns;
	uint32_t index;

	session = sessions_query(&traffic->sessions, hash, query->domain, query->client_id,
				 &silent_ns);
	news = see_kcp(traffic, session, query, at, is_copy);
	index = place_query(traffic, session, query, &news);
	if (news.took_data)
		sessions_took_data(&traffic->sessions, session);
	series = &traffic->series.series[index];
	if (silent_ns == SESSIONS_BEGUN)
		series->sessions += is_begun(traffic, query);
	else if (silent_ns <= SESSIONS_ACTIVE_NS)
		series->session_us += silent_ns / US_NS;
	series->established += news.is_established;
	series->rtt.count += news.rtt_count;
	series->rtt.ms += news.rtt_sum_ms;
	session->bytes += query->message_bytes;
	series->queries++;
	series->bytes_in += query->message_bytes;
	series->payload_in += query->payload_bytes;
	domain->polls += query->payload_bytes == 0;
	domain->answers_alone = 0;
	domain->last_query_ns = traffic->sessions.now_ns;
	histogram_observe(&domain->query_name, query->qname_bytes);
	histogram_observe(&domain->query_edns, query->edns_size);
	pending_add(&traffic->pending, pending_hash(&traffic->pending, query, hash), at.ms, index,
		    session->list != SESSIONS_KNOWN);
}

/* An answer whose query nobody saw, so far */
static void count_alone(const struct traffic *traffic, struct traffic_domain *domain,
			const struct record *response)
{
	if ((response->flags & RECORD_FLAG_RCODE) != 0)
		return;
	if (domain->answers_alone++ == 0)
		domain->first_alone_ns = traffic->sessions.now_ns;
	domain->latest_alone_ns = traffic->sessions.now_ns;
}

static void count_response(struct traffic *traffic, const struct record *response, uint64_t hash)
{
	struct traffic_domain *domain = &traffic->domain[response->domain];
	const struct kcp_time at = time_of(traffic, response);
	struct session *session;
	struct series *series;
	uint64_t delay_ms;
	uint32_t index;

	domain->responses[response->flags & RECORD_FLAG_RCODE]++;
	count_alone(traffic, domain, response);
	domain->truncated += (response->flags & RECORD_FLAG_TC) != 0;
	if (response->verdict != VERDICT_ACCEPTED || (response->flags & RECORD_FLAG_RCODE) != 0)
		return;
	session = sessions_find(&traffic->sessions, hash, response->domain, response->client_id);
	/* With EDNS Client Subnet a session is not where its resolver is */
	index = session && traffic->use_ecs
			? session->series
			: resolvers_series(&traffic->resolvers, response->domain,
					   response->resolver, SERIES_QUERY);
	series = &traffic->series.series[index];
	series->bytes_out += response->message_bytes;
	series->payload_out += response->payload_bytes;
	if (session)
		session->bytes += response->message_bytes;
	domain->empty_responses += response->payload_bytes == 0;
	domain->last_response_ns = traffic->sessions.now_ns;
	if (response->flags & RECORD_FLAG_KCP)
		kcp_response(session ? sessions_kcp(&traffic->sessions, session) : NULL,
			     &domain->kcp, response, at);
	if (pending_answer(&traffic->pending, pending_hash(&traffic->pending, response, hash),
			   at.ms, &delay_ms))
		histogram_observe(&domain->response_delay, delay_ms);
}

static void count(struct traffic *traffic, const struct record *record, uint64_t session_hash,
		  const struct sight_hash *sight_hash)
{
	uint32_t row = record->domain == RECORD_NO_DOMAIN ? traffic->domains : record->domain;
	enum sight_verdict sight;

	sight = duplicates_see(&traffic->recent, sight_hash, record->interface,
			       traffic->sessions.now_ns);
	if (sight == SIGHT_DUPLICATE) {
		traffic->duplicates++;
	} else if (record->kind == RECORD_RESPONSE && record->domain == RECORD_NO_DOMAIN) {
		traffic->unmatched++;
		if (record->verdict == VERDICT_DOMAIN)
			count_alone(traffic, &traffic->domain[row], record);
	} else if (record->kind == RECORD_RESPONSE) {
		count_response(traffic, record, session_hash);
	} else if (record->verdict != VERDICT_ACCEPTED) {
		traffic->domain[row].rejected[record->verdict]++;
	} else {
		traffic->domain[row].retransmitted += sight == SIGHT_RETRANSMITTED;
		count_query(traffic, record, session_hash, sight != SIGHT_FIRST);
	}
}

/* Queries that had their time for an answer, up to the latest packet that was seen */
static void count_unanswered(struct traffic *traffic, const struct record *records, uint32_t total)
{
	uint64_t seen_ms = traffic->now_ms - QUIET_MS;
	const struct pending_query *query;

	while (total > 0 && records[total - 1].kind == RECORD_MORE)
		total--;
	if (total > 0)
		seen_ms = time_of(traffic, &records[total - 1]).ms;
	while ((query = pending_late(&traffic->pending, seen_ms)))
		traffic->series.series[query->series].unanswered++;
}

void traffic_records(struct traffic *traffic, const struct record *records, uint32_t total,
		     struct moment now)
{
	struct sight_hash sight_hash[AHEAD] = { 0 };
	uint64_t session_hash[AHEAD] = { 0 };

	sessions_advance(&traffic->sessions, now.monotonic_ns);
	traffic->now_ms = traffic->sessions.now_ns / MS_NS;
	traffic->realtime_ms = (uint32_t)(now.realtime_ns / MS_NS);
	if (traffic->start_ns == 0)
		traffic->start_ns = traffic->sessions.now_ns;
	for (uint32_t i = 0; i < total + AHEAD; i++) {
		uint32_t slot = i % AHEAD;

		if (i >= AHEAD && records[i - AHEAD].kind != RECORD_MORE &&
		    interfaces_wanted(traffic->interfaces, records[i - AHEAD].interface))
			count(traffic, &records[i - AHEAD], session_hash[slot], &sight_hash[slot]);
		else if (i >= AHEAD && records[i - AHEAD].kind != RECORD_MORE)
			traffic->ignored++;
		if (i < total && records[i].kind != RECORD_MORE) {
			session_hash[slot] = sessions_hash(&traffic->sessions, records[i].domain,
							   records[i].client_id);
			sight_hash[slot] =
				duplicates_hash(&traffic->recent, &records[i], session_hash[slot]);
			sessions_prefetch(&traffic->sessions, session_hash[slot]);
			duplicates_prefetch(&traffic->recent, &sight_hash[slot]);
		}
	}
	count_unanswered(traffic, records, total);
}
