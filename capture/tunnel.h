/* SPDX-License-Identifier: MIT */
/* The tunnel packets in what a client wrote, and in an answer */
#pragma once

#include <stdbool.h>

#include "capture/cursor.h"
#include "common/config.h"

#define TUNNEL_HEAD_BYTES 24 /* a KCP segment header, kcp-go kcp.go IKCP_OVERHEAD */

/* Tunnel packets (KCP datagrams), without their framing */
struct tunnel_packets {
	const uint8_t *first; /* that is not empty; of an answer, its first TUNNEL_HEAD_BYTES, in
				 * static memory until the next call
				 */
	uint16_t first_bytes; /* of that one; 0: there is none */
	uint16_t bytes;	      /* of all */
};

/* What a client of each framing writes, see enum framing. @packets: zero before; false: of no use */
extern bool (*const tunnel_framings[FRAMINGS])(const uint8_t *rest, size_t bytes,
					       struct tunnel_packets *packets);

/* Of a query, from the @rest behind the ClientID (main.go nextPacket()). No system calls.
 * Return: false if it is not what a client sends
 */
static inline bool tunnel_upstream(const uint8_t *rest, size_t bytes, enum framing framing,
				   struct tunnel_packets *ret_packets)
{
	struct tunnel_packets packets = { .bytes = 0 };

	if (!tunnel_framings[framing](rest, bytes, &packets))
		return false;
	*ret_packets = packets;
	return true;
}

/* Of a TXT answer (main.go sendLoop()); @txt may be cut short. No system calls. */
void tunnel_downstream(struct cursor txt, struct tunnel_packets *ret_packets);
