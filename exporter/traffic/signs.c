/* SPDX-License-Identifier: MIT */
/* What speaks against zeros that look well */
#include "traffic/signs.h"

#include "base/clock.h"
#include "base/log.h"
#include "common/record_check.h"
#include "traffic/history.h"
#include "traffic/traffic.h"

#define RECENT_NS (60 * CLOCK_SECOND_NS)

/* For how long it has been true, if long enough; 0: it is not */
static uint64_t lasting(uint64_t since_ns, uint64_t now_ns, uint64_t least_ns)
{
	return since_ns != 0 && now_ns - since_ns >= least_ns ? now_ns - since_ns : 0;
}

static uint64_t silent_ns(const struct history *history, const struct traffic_domain *domain,
			  uint32_t index, uint64_t now_ns)
{
	if (now_ns - domain->last_query_ns > RECENT_NS)
		return 0; /* the queries have ceased */
	return lasting(history_unanswered(history, index), now_ns, SIGNS_SILENT_NS);
}

/* Answers since the latest accepted query, and at what rate */
static bool are_answers_alone(const struct traffic_domain *domain, uint64_t now_ns)
{
	return domain->answers_alone >= SIGNS_ALONE &&
	       now_ns - domain->latest_alone_ns <= RECENT_NS &&
	       (now_ns - domain->first_alone_ns) / domain->answers_alone <= RECENT_NS / SIGNS_ALONE;
}

/* Why the queries of such answers are not accepted: what most of them were refused for */
static enum sign why_alone(const struct traffic_domain *domain)
{
	const uint64_t *rejected = domain->rejected;
	const uint64_t edns = rejected[VERDICT_EDNS_SIZE];
	const uint64_t wire = rejected[VERDICT_QTYPE] + rejected[VERDICT_ENCODING] +
			      rejected[VERDICT_SHORT] + rejected[VERDICT_FRAMING];

	if (edns == 0 && wire == 0)
		return SIGN_ELSEWHERE;
	return edns >= wire ? SIGN_EDNS : SIGN_WIRE;
}

static enum sign sign_of(const struct history *history, const struct traffic *traffic,
			 uint32_t index, uint64_t now_ns, uint64_t *ret_ns)
{
	const struct traffic_domain *domain = &traffic->domain[index];

	*ret_ns = silent_ns(history, domain, index, now_ns);
	if (*ret_ns != 0)
		return SIGN_SILENT;
	if (are_answers_alone(domain, now_ns))
		return why_alone(domain);
	if (domain->last_query_ns == 0 &&
	    are_answers_alone(&traffic->domain[traffic->domains], now_ns))
		return SIGN_NAME;
	*ret_ns = lasting(history_not_working(history, index), now_ns, SIGNS_NOT_WORKING_NS);
	return *ret_ns != 0 ? SIGN_NOT_WORKING : SIGN_NONE;
}

void signs_find(const struct history *history, const struct traffic *traffic,
		const struct batch_state *capture, uint64_t now_ns, struct signs *ret_signs)
{
	const uint64_t foreign = traffic->domain[traffic->domains].rejected[VERDICT_DOMAIN];
	struct signs signs = { .foreign = foreign >= SIGNS_FOREIGN ? foreign : 0 };

	for (uint32_t i = 0; i < traffic->domains; i++) {
		uint64_t ns;

		signs.domain[i].sign = sign_of(history, traffic, i, now_ns, &ns);
		signs.domain[i].seconds = ns / CLOCK_SECOND_NS;
		signs.count += signs.domain[i].sign != SIGN_NONE;
		if (traffic->domain[i].last_query_ns != 0)
			signs.foreign = 0;
	}
	/* Where a domain says more, that is enough */
	if (signs.count != 0)
		signs.foreign = 0;
	signs.is_quiet = capture->packets == 0 && capture->ring_drops == 0 &&
			 lasting(traffic->start_ns, now_ns, SIGNS_QUIET_NS) != 0;
	*ret_signs = signs;
}

static bool is_due(uint64_t *logged_ns, uint64_t now_ns)
{
	if (*logged_ns != 0 && now_ns - *logged_ns < SIGNS_AGAIN_NS)
		return false;
	*logged_ns = now_ns;
	return true;
}

void signs_log(struct signs_logged *logged, const struct signs *signs, const char *const *names,
	       uint32_t domains, uint16_t port, uint64_t now_ns)
{
	static const char *const lines[SIGNS] = {
		[SIGN_SILENT] = "the server does not answer queries; is it running?",
		[SIGN_EDNS] = "answers are seen and no queries: correct min-edns=, which is the "
			      "server's -mtu",
		[SIGN_WIRE] = "answers are seen and no queries: correct wire= or its options",
		[SIGN_ELSEWHERE] = "answers are seen and no queries: run the exporter in the "
				   "server's network namespace, or correct min-edns=",
		[SIGN_NAME] = "no query has come, and the server answers under another domain: "
			      "correct -dnstt.domain",
		[SIGN_NOT_WORKING] = "clients poll and none receives data: was the server "
				     "restarted, or is their public key the wrong one?",
	};

	for (uint32_t i = 0; i < domains; i++) {
		const enum sign sign = signs->domain[i].sign;

		if (sign != SIGN_NONE && is_due(&logged->domain[i].at_ns[sign], now_ns))
			log_line(LOG_WARN, lines[sign], LOG_TEXT("domain", names[i]));
		/* Once its answers are a minute ago, the same fault shows by queries alone */
		if (sign == SIGN_NAME)
			logged->foreign_ns = now_ns;
	}
	if (signs->foreign != 0 && is_due(&logged->foreign_ns, now_ns))
		log_line(LOG_WARN,
			 "queries come under no configured domain, and none under one: correct "
			 "-dnstt.domain",
			 LOG_NUMBER("queries", signs->foreign));
	if (signs->is_quiet && is_due(&logged->quiet_ns, now_ns))
		log_line(LOG_WARN,
			 "not a packet has come since the start: correct -dnstt.port, or run the "
			 "exporter in the server's network namespace",
			 LOG_NUMBER("port", port));
}
