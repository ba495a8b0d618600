/* SPDX-License-Identifier: MIT */
/* The tunnel packets in what a client wrote and in an answer, and the KCP segments in them */
#pragma once

#include <stdbool.h>

#include "capture/cursor.h"
#include "common/config.h"
#include "common/record.h"

/* Tunnel packets (KCP datagrams), without their framing. The first two fields say what is wanted, the
 * others are zero before the packets are read.
 */
struct tunnel_packets {
	struct record *more;  /* for up to RECORD_SEGMENTS_MAX segments; NULL: none is looked for */
	uint8_t last_command; /* RECORD_KCP_PUSH, or RECORD_KCP_ACK for both */
	uint8_t segments;     /* that are in @more */
	uint8_t flags;	      /* RECORD_FLAG_KCP, ..._SN_0: of the first packet that is not empty */
	uint16_t bytes;	      /* of all */
	uint32_t conv, una;   /* of its header */
};

/* Of a query, for each framing: from the @rest behind the ClientID (main.go nextPacket()), see enum
 * framing. No system calls.
 * Return: false if it is not what a client sends; then @packets is of no use
 */
typedef bool tunnel_reader(struct cursor rest, struct tunnel_packets *packets);
extern tunnel_reader *const tunnel_upstream[FRAMINGS];

/* Of a TXT answer (main.go sendLoop()); @txt may be cut short. No system calls. */
void tunnel_downstream(struct cursor txt, struct tunnel_packets *packets);
