/* SPDX-License-Identifier: MIT */
/* What the KCP segments of a session tell */
#include "traffic/kcp.h"

static const struct histogram_scale time_scale = {
	.bound = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000 },
	.le = { "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0" },
	.buckets = 10,
	.per_unit = 1000,
};

/* Whether one number comes after another: both go round (RFC 1982) */
static bool is_after(uint32_t number, uint32_t other)
{
	return (int32_t)(number - other) > 0;
}

/* Note a segment. Return: whether it was seen before; one that is too old to tell was. */
static bool window_see(struct kcp_window *window, uint32_t sn, uint32_t ts)
{
	uint32_t ahead = sn - window->next;
	uint32_t behind = window->next - 1 - sn;
	uint64_t bit;
	bool is_seen;

	if (!is_after(window->next, sn)) {
		window->seen = ahead < 63 ? window->seen << (ahead + 1) : 0;
		window->seen |= 1;
		window->next = sn + 1;
		window->ts = ts;
		return false;
	}
	if (behind >= 64)
		return true;
	bit = UINT64_C(1) << behind;
	is_seen = window->seen & bit;
	window->seen |= bit;
	return is_seen;
}

/* Whether a segment was sent, as far as it was seen */
static bool window_reaches(const struct kcp_window *window, uint32_t sn)
{
	return is_after(window->next, sn);
}

/* What is older than the period before is forgotten, so that the offset follows clocks that drift apart */
static void offset_renew(struct kcp_domain *domain, uint64_t at_ms)
{
	if (at_ms <= domain->offset_since_ms + KCP_OFFSET_KEPT_MS)
		return;
	domain->offset[1] = domain->offset[0];
	domain->has_offset[1] =
		domain->has_offset[0] && at_ms <= domain->offset_since_ms + 2 * KCP_OFFSET_KEPT_MS;
	domain->has_offset[0] = false;
	domain->offset_since_ms = at_ms;
}

static void offset_forget(struct kcp_domain *domain)
{
	domain->has_offset[0] = false;
	domain->has_offset[1] = false;
}

static void offset_learn(struct kcp_domain *domain, uint32_t offset, uint64_t at_ms)
{
	offset_renew(domain, at_ms);
	if (domain->has_offset[0] && !is_after(domain->offset[0], offset))
		return;
	domain->offset[0] = offset;
	domain->has_offset[0] = true;
}

/* Return: false if none was learnt */
static bool offset_of(struct kcp_domain *domain, uint64_t at_ms, uint32_t *ret_offset)
{
	bool is_earlier;

	offset_renew(domain, at_ms);
	is_earlier = !domain->has_offset[0] ||
		     (domain->has_offset[1] && is_after(domain->offset[0], domain->offset[1]));
	*ret_offset = domain->offset[is_earlier];
	return domain->has_offset[is_earlier];
}

/* How long ago the server wrote @ts. Return: false if nobody can tell. */
static bool age_of(struct kcp_domain *domain, uint32_t ts, uint64_t at_ms, uint64_t *ret_age_ms)
{
	uint32_t offset;
	int32_t age;

	if (!offset_of(domain, at_ms, &offset))
		return false;
	age = (int32_t)((uint32_t)at_ms - ts - offset);
	if (age < -KCP_EARLY_MS || age > KCP_PLAUSIBLE_MS) {
		domain->implausible++;
		return false;
	}
	*ret_age_ms = age < 0 ? 0 : (uint64_t)age;
	return true;
}

void kcp_open(struct kcp_domain *ret_domain)
{
	*ret_domain = (struct kcp_domain){ .rtt.scale = &time_scale, .wait.scale = &time_scale };
}

void kcp_join(struct kcp *ret_kcp, const struct record *query)
{
	*ret_kcp = (struct kcp){ .conv = query->conv,
				 .has_conv = true,
				 .una_in = query->una,
				 .out.next = query->una,
				 .is_established = true };
}

static void take_push(struct kcp *kcp, struct kcp_domain *domain, const struct segment *push)
{
	const uint32_t latest_ts = kcp->in.ts;
	const bool in_gap = window_reaches(&kcp->in, push->sn);

	if (window_see(&kcp->in, push->sn, push->ts)) {
		domain->retransmitted[KCP_IN]++;
		return;
	}
	domain->goodput[KCP_IN] += push->bytes;
	domain->refilled += in_gap && is_after(push->ts, latest_ts);
}

static void take_acknowledgement(struct kcp *kcp, struct kcp_domain *domain,
				 const struct segment *ack, uint64_t at_ms, struct kcp_news *news)
{
	uint64_t rtt_ms;

	/* Of what the server sent before anybody watched, nothing is known */
	if (kcp->is_established && kcp->out.seen == 0)
		return;
	/* No more samples than the server gave occasion for */
	if (!window_reaches(&kcp->out, ack->sn) || kcp->samples == 0) {
		domain->implausible++;
		return;
	}
	kcp->samples--;
	if (!age_of(domain, ack->ts, at_ms, &rtt_ms))
		return;
	histogram_observe(&domain->rtt, rtt_ms);
	news->rtt_count++;
	news->rtt_sum_ms += rtt_ms;
}

static void take_una(struct kcp *kcp, struct kcp_domain *domain, uint32_t una,
		     struct kcp_news *news)
{
	if (is_after(una, kcp->out.next)) {
		domain->implausible++;
		return;
	}
	if (!is_after(una, kcp->una_in))
		return;
	kcp->una_in = una;
	news->took_data = true;
	news->is_established = !kcp->is_established && una >= KCP_HANDSHAKE;
	kcp->is_established |= news->is_established;
}

struct kcp_news kcp_query(struct kcp *kcp, struct kcp_domain *domain, const struct record *query,
			  struct kcp_time at, bool is_copy)
{
	struct kcp_news news = { .rtt_count = 0 };

	/* As kcp-go's sess.go Listener.packetInput() begins a session, or another in its place */
	if (!kcp->has_conv || (kcp->conv != query->conv && query->flags & RECORD_FLAG_SN_0)) {
		*kcp = (struct kcp){ .conv = query->conv, .has_conv = true };
		domain->conversations++;
	}
	if (kcp->conv == query->conv)
		take_una(kcp, domain, query->una, &news);
	for (unsigned i = 0; i < query->segments; i++) {
		const struct segment *segment = record_segment(query, i);

		domain->segments[KCP_IN] += segment->command == RECORD_KCP_PUSH;
		if (kcp->conv != query->conv)
			continue; /* a straggler of an earlier conversation */
		if (segment->command == RECORD_KCP_PUSH && !is_copy)
			take_push(kcp, domain, segment);
		else if (segment->command == RECORD_KCP_ACK && at.is_known)
			take_acknowledgement(kcp, domain, segment, at.ms, &news);
	}
	return news;
}

/* A stamp of the server: how far its clock is from ours, and how long the segment waited */
static void take_stamp(struct kcp_domain *domain, const struct segment *push, bool is_answer,
		       uint64_t at_ms)
{
	const uint32_t offset = (uint32_t)at_ms - push->ts;
	uint64_t wait_ms;

	/* Its half of the handshake leaves with the client's next query, which comes within 10 s:
	 * one that seems older is of a server that was started again.
	 */
	if (is_answer && age_of(domain, push->ts, at_ms, &wait_ms) && wait_ms > KCP_ANSWER_MS)
		offset_forget(domain);
	offset_learn(domain, offset, at_ms);
	if (age_of(domain, push->ts, at_ms, &wait_ms))
		histogram_observe(&domain->wait, wait_ms);
}

void kcp_response(struct kcp *kcp, struct kcp_domain *domain, const struct record *response,
		  struct kcp_time at)
{
	const bool is_known = kcp && kcp->has_conv && kcp->conv == response->conv;

	/* A server never waits for less than it did, unless it has forgotten the conversation */
	if (is_known && kcp->has_una_out && is_after(kcp->una_out, response->una)) {
		domain->conversations++;
		offset_forget(domain);
	}
	if (is_known) {
		kcp->una_out = response->una;
		kcp->has_una_out = true;
	}
	for (unsigned i = 0; i < response->segments; i++) {
		const struct segment *push = record_segment(response, i);
		const bool is_answer = is_known && kcp->out.next == 0 && push->sn == 0;

		domain->segments[KCP_OUT]++;
		if (at.is_known)
			take_stamp(domain, push, is_answer, at.ms);
		if (!is_known)
			continue;
		if (kcp->samples <= UINT16_MAX - KCP_SAMPLES)
			kcp->samples += KCP_SAMPLES;
		if (window_see(&kcp->out, push->sn, push->ts))
			domain->retransmitted[KCP_OUT]++;
		else
			domain->goodput[KCP_OUT] += push->bytes;
	}
}
