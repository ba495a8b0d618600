/* SPDX-License-Identifier: MIT */
/* What the records add up to */
#include "traffic/traffic.h"

#include <string.h>

#include "traffic/interfaces.h"

#define AHEAD 8 /* records between the look ahead and the count: memory answers meanwhile */

int traffic_open(struct traffic *ret_traffic, const struct traffic_options *options)
{
	struct traffic *traffic = ret_traffic;
	const struct hash_key *key = &options->key;
	int failed;

	memset(traffic, 0, sizeof(*traffic));
	traffic->domains = options->domains;
	traffic->use_ecs = options->use_ecs;
	traffic->interfaces = options->interfaces;
	failed = series_open(&traffic->series, options->domains, options->max_series, key);
	if (!failed)
		failed = sessions_open(&traffic->sessions, &traffic->series, options->max_sessions,
				       key);
	if (!failed)
		failed = resolvers_open(&traffic->resolvers, &traffic->series, options->country,
					options->asn, key);
	if (!failed)
		failed = duplicates_open(&traffic->recent, key);
	if (failed)
		traffic_close(traffic);
	return failed;
}

void traffic_close(struct traffic *traffic)
{
	duplicates_close(&traffic->recent);
	resolvers_close(&traffic->resolvers);
	sessions_close(&traffic->sessions);
	series_close(&traffic->series);
}

/* dnstt-server begins a KCP session with the first packet of a ClientID that has none, or when
 * another conversation starts with its first segment (kcp-go sess.go Listener.packetInput()).
 */
static void count_kcp(struct traffic_domain *domain, struct session *session,
		      const struct record *record)
{
	static const uint8_t first[4] = { 0 };
	uint32_t conv;

	if (!(record->flags & RECORD_FLAG_KCP))
		return;
	memcpy(&conv, record->head, sizeof(conv));
	if (session->has_conv &&
	    (session->conv == conv || memcmp(record->head + 12, first, sizeof(first)) != 0))
		return;
	session->has_conv = true;
	session->conv = conv;
	domain->kcp_sessions++;
}

static void count_query(struct traffic *traffic, const struct record *record, uint64_t hash)
{
	uint32_t index = resolvers_series(&traffic->resolvers, record->domain, record->resolver);
	struct series *series = &traffic->series.series[index];
	struct session *session;
	bool is_new;

	session = sessions_query(&traffic->sessions, hash, record->domain, record->client_id, index,
				 &is_new);
	count_kcp(&traffic->domain[record->domain], session, record);
	series->sessions += is_new;
	series->queries++;
	series->bytes_in += record->message_bytes;
	series->payload_in += record->payload_bytes;
	traffic->domain[record->domain].last_query_ns = traffic->sessions.now_ns;
}

static void count_response(struct traffic *traffic, const struct record *record, uint64_t hash)
{
	struct traffic_domain *domain = &traffic->domain[record->domain];
	const struct session *session = NULL;
	struct series *series;
	uint32_t index;

	domain->responses[record->flags & RECORD_FLAG_RCODE]++;
	domain->truncated += (record->flags & RECORD_FLAG_TC) != 0;
	if (record->verdict != VERDICT_ACCEPTED || (record->flags & RECORD_FLAG_RCODE) != 0)
		return;
	/* With EDNS Client Subnet a session is not where its resolver is */
	if (traffic->use_ecs)
		session =
			sessions_find(&traffic->sessions, hash, record->domain, record->client_id);
	index = session ? session->series
			: resolvers_series(&traffic->resolvers, record->domain, record->resolver);
	series = &traffic->series.series[index];
	series->bytes_out += record->message_bytes;
	series->payload_out += record->payload_bytes;
	domain->last_response_ns = traffic->sessions.now_ns;
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
	} else if (record->kind == RECORD_RESPONSE) {
		count_response(traffic, record, session_hash);
	} else if (record->verdict != VERDICT_ACCEPTED) {
		traffic->domain[row].rejected[record->verdict]++;
	} else {
		traffic->domain[row].retransmitted += sight == SIGHT_RETRANSMITTED;
		count_query(traffic, record, session_hash);
	}
}

void traffic_records(struct traffic *traffic, const struct record *records, uint32_t total,
		     uint64_t now_ns)
{
	struct sight_hash sight_hash[AHEAD];
	uint64_t session_hash[AHEAD];

	sessions_advance(&traffic->sessions, now_ns);
	for (uint32_t i = 0; i < total + AHEAD; i++) {
		uint32_t slot = i % AHEAD;

		if (i >= AHEAD &&
		    !interfaces_wanted(traffic->interfaces, records[i - AHEAD].interface))
			traffic->ignored++;
		else if (i >= AHEAD)
			count(traffic, &records[i - AHEAD], session_hash[slot], &sight_hash[slot]);
		if (i < total) {
			session_hash[slot] = sessions_hash(&traffic->sessions, records[i].domain,
							   records[i].client_id);
			sight_hash[slot] =
				duplicates_hash(&traffic->recent, &records[i], session_hash[slot]);
			sessions_prefetch(&traffic->sessions, session_hash[slot]);
			duplicates_prefetch(&traffic->recent, &sight_hash[slot]);
		}
	}
}
