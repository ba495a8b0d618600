/* SPDX-License-Identifier: MIT */
/* The last hour of this process, for the page */
#include "traffic/history.h"

#include <string.h>

#include "common/record_check.h"
#include "traffic/traffic.h"

void history_open(struct history *ret_history)
{
	memset(ret_history, 0, sizeof(*ret_history));
}

void history_now(const struct traffic *traffic, const struct batch_state *capture, uint64_t now_ns,
		 struct history_sample *ret_sample)
{
	*ret_sample = (struct history_sample){ .at_ns = now_ns,
					       .drops = capture->ring_drops,
					       .evictions = traffic->sessions.evictions,
					       .clients = sessions_active(&traffic->sessions),
					       .clients_ns = now_ns };
	for (uint32_t i = 0; i < traffic->series.count; i++) {
		const struct series *series = &traffic->series.series[i];

		ret_sample->queries += series->queries;
		ret_sample->bytes_in += series->bytes_in;
		ret_sample->bytes_out += series->bytes_out;
		ret_sample->domain_clients[series->domain] += series->active;
	}
}

static void watch_clients(struct history *history, const struct traffic *traffic, uint64_t now_ns)
{
	uint32_t now = sessions_active(&traffic->sessions);

	if (now > history->most) {
		history->most = now;
		history->most_ns = now_ns;
	}
	if (now > history->peak) {
		history->peak = now;
		history->peak_ns = now_ns;
	}
}

static void watch_answers(struct history *history, const struct traffic *traffic)
{
	for (uint32_t i = 0; i < traffic->domains; i++) {
		const struct traffic_domain *domain = &traffic->domain[i];
		uint64_t *since_ns = &history->unanswered_ns[i];

		if (domain->last_response_ns >= *since_ns)
			*since_ns = 0;
		if (*since_ns == 0 && domain->last_query_ns > domain->last_response_ns)
			*since_ns = domain->last_query_ns;
	}
}

static void watch_work(struct history *history, const struct traffic *traffic, uint64_t now_ns)
{
	for (uint32_t i = 0; i < traffic->domains; i++) {
		/* Where no segment can be read, as with error correction, nobody knows */
		const bool is_idle = traffic->domain[i].kcp.segments[KCP_IN] > 0 &&
				     traffic->sessions.of_domain[i].active > 0 &&
				     traffic->sessions.of_domain[i].working == 0 &&
				     !(traffic->without_answers >> i & 1);

		if (!is_idle)
			history->idle_ns[i] = 0;
		else if (history->idle_ns[i] == 0)
			history->idle_ns[i] = now_ns;
	}
}

void history_advance(struct history *history, const struct traffic *traffic,
		     const struct batch_state *capture, uint64_t now_ns)
{
	struct history_sample *sample;

	watch_clients(history, traffic, now_ns);
	watch_answers(history, traffic);
	watch_work(history, traffic, now_ns);
	if (history->count != 0 && now_ns < history->due_ns)
		return;
	/* As long as nobody is late the times stay on one grid, and 240 samples are an hour */
	history->due_ns += HISTORY_INTERVAL_NS;
	if (history->due_ns <= now_ns || history->count == 0)
		history->due_ns = now_ns + HISTORY_INTERVAL_NS;
	if (history->count < HISTORY_SAMPLES)
		history->count++;
	else
		history->oldest = (history->oldest + 1) % HISTORY_SAMPLES;
	sample = &history->sample[(history->oldest + history->count - 1) % HISTORY_SAMPLES];
	history_now(traffic, capture, now_ns, sample);
	/* After a gap, what was seen before it is not of this interval */
	if (history->count > 1 &&
	    !history_joined(history_sample(history, history->count - 2), sample))
		history->most = 0;
	if (history->most >= sample->clients) {
		sample->clients = history->most;
		sample->clients_ns = history->most_ns;
	}
	history->most = sessions_active(&traffic->sessions);
	history->most_ns = now_ns;
}

const struct history_sample *history_sample(const struct history *history, uint32_t index)
{
	return &history->sample[(history->oldest + index) % HISTORY_SAMPLES];
}

const struct history_sample *history_before(const struct history *history, uint64_t at_ns)
{
	const struct history_sample *found = NULL;

	for (uint32_t i = 0; i < history->count; i++) {
		const struct history_sample *sample = history_sample(history, i);

		if (found && sample->at_ns > at_ns)
			break;
		found = sample;
	}
	return found;
}

bool history_joined(const struct history_sample *earlier, const struct history_sample *later)
{
	return later->at_ns - earlier->at_ns <= HISTORY_INTERVAL_NS * 3 / 2;
}

uint64_t history_unanswered(const struct history *history, uint32_t domain)
{
	return history->unanswered_ns[domain];
}

uint64_t history_not_working(const struct history *history, uint32_t domain)
{
	return history->idle_ns[domain];
}
