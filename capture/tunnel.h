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

/* Of a query, for each framing: from the @rest behind the ClientID (main.go nextPacket()), see enum
 * framing. No system calls.
 * @packets: zero before
 * Return: false if it is not what a client sends; then @packets is of no use
 */
typedef bool tunnel_reader(const uint8_t *rest, size_t bytes, struct tunnel_packets *packets);
extern tunnel_reader *const tunnel_upstream[FRAMINGS];

/* Of a TXT answer (main.go sendLoop()); @txt may be cut short. No system calls. */
void tunnel_downstream(struct cursor txt, struct tunnel_packets *ret_packets);
