/* SPDX-License-Identifier: MIT */
/* What the KCP segments of a session tell: whether the tunnel works, and how well
 *
 * dnstt carries KCP (kcp-go) in clear: each side numbers its segments (sn), says which one it waits
 * for (una), and stamps them with the milliseconds of its own clock (ts). An acknowledgement repeats
 * the sn and the ts of the segment that it acknowledges. The Noise handshake takes the segments 0 and
 * 1 of each direction.
 *
 * Anybody can send queries with any header. So what a client claims counts only as far as the server
 * has sent it: an una or an acknowledgement beyond that is not believed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/record_check.h"
#include "metrics/histogram.h"

#define KCP_HANDSHAKE	   2	  /* una of a client that has the server's half of the handshake */
#define KCP_PLAUSIBLE_MS   300000 /* no session lives that long without an acknowledgement */
#define KCP_EARLY_MS	   50	  /* what the least offset may still be wrong by */
#define KCP_OFFSET_KEPT_MS UINT64_C(600000)
#define KCP_SAMPLES	   8	 /* of a PUSH: its acknowledgement, and copies by resolvers */
#define KCP_ANSWER_MS	   20000 /* within which a server answers a handshake */

/* One direction of a conversation: which segments were seen */
struct kcp_window {
	uint64_t seen; /* bit i: next - 1 - i */
	uint32_t next; /* highest sn + 1 */
	uint32_t ts;   /* of that one */
};

/* Of a session: its conversation. Zero before the first segment. */
struct kcp {
	struct kcp_window in, out;
	uint32_t conv;
	uint32_t una_in;  /* of the client's latest header that was believed */
	uint32_t una_out; /* of the server's latest */
	bool has_conv : 1, has_una_out : 1, is_established : 1;
	uint16_t samples; /* of round trips that may still come */
};

/* Direction, as an index */
enum { KCP_IN, KCP_OUT, KCP_DIRECTIONS };

/* Of a domain */
struct kcp_domain {
	uint64_t conversations; /* begun, and begun again by a server that forgot them */
	uint64_t segments[KCP_DIRECTIONS], retransmitted[KCP_DIRECTIONS], goodput[KCP_DIRECTIONS];
	uint64_t refilled;	    /* in: gaps that a later copy filled */
	uint64_t implausible;	    /* claims and samples that can't be true */
	struct histogram rtt, wait; /* ms */
	/* Our clock less the server's, modulo 2^32 ms: the least of this period and of the last */
	uint32_t offset[2];
	uint64_t offset_since_ms;
	bool has_offset[2];
};

/* When a packet was seen */
struct kcp_time {
	uint64_t ms;   /* on a clock that does not step */
	bool is_known; /* else it is of no use for a sample */
};

/* What a query brought about */
struct kcp_news {
	bool is_established; /* the handshake is complete, and was not before */
	bool took_data;	     /* the client has received something new */
	uint32_t rtt_count;
	uint64_t rtt_sum_ms;
};

/**
 * kcp_open() - Nothing seen so far
 */
void kcp_open(struct kcp_domain *ret_domain);

/* Whether a query is of a conversation that is past the handshake. Its sn does not tell: the first
 * segments of a client leave together, and a resolver may reorder them.
 * @query: with a KCP header
 */
static inline bool kcp_is_under_way(const struct record *query)
{
	return query->una >= KCP_HANDSHAKE;
}

/**
 * kcp_join() - A conversation that began before anybody watched: nothing of it is counted as begun
 * @ret_kcp:	Of the session
 * @query:	Its first one
 */
void kcp_join(struct kcp *ret_kcp, const struct record *query);

/**
 * kcp_query() - An accepted query with a KCP header
 * @kcp:	Of its session
 * @query:	With its segments behind it
 * @at:		When it arrived
 * @is_copy:	A resolver sent the very same datagram again
 */
struct kcp_news kcp_query(struct kcp *kcp, struct kcp_domain *domain, const struct record *query,
			  struct kcp_time at, bool is_copy);

/**
 * kcp_response() - The same for a NOERROR response
 * @kcp:	NULL: of a session that is not known
 */
void kcp_response(struct kcp *kcp, struct kcp_domain *domain, const struct record *response,
		  struct kcp_time at);
