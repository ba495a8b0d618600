/* SPDX-License-Identifier: MIT */
/* What capture tells the exporter: batches of 64-byte records over a SOCK_SEQPACKET socketpair
 *
 * Both processes run on one machine and come from one build, so every integer is in host byte
 * order unless it says otherwise. The exporter takes capture for hostile: record_check.c has every rule
 * that a message must pass before anything in it is looked at.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_NO_DOMAIN 255 /* the message is under no configured domain, or was not read so far */
#define RECORD_ID_BYTES	 8   /* ClientID as dnstt has it; shorter ones are padded with zeros */
#define RECORD_KCP_BYTES 24  /* a KCP segment header, kcp-go kcp.go IKCP_OVERHEAD */
#define RECORD_KCP_PUSH	 81  /* its commands: kcp.go IKCP_CMD_PUSH, ..._ACK, ..._WASK, ..._WINS */
#define RECORD_KCP_ACK	 82
#define RECORD_KCP_WINS	 84
#define RECORD_SEGMENTS	 5 /* that one record holds */
/* Of a message: dnstt-server reads 4096 bytes (main.go recvLoop()) */
#define RECORD_SEGMENTS_MAX 170
#define RECORD_MESSAGE_MAX  35 /* records that stand for a message with so many */

enum record_kind {
	RECORD_QUERY = 1,
	RECORD_RESPONSE = 2,
	RECORD_MORE = 3, /* the next segments of the message before it */
};

/* What dnstt-server makes of a query, in the order in which it decides (dnstt-server/main.go
 * recvLoop() and responseFor()); for a response, what its question is. The first two are ours:
 * such a packet never reaches a server as a message.
 */
enum verdict {
	VERDICT_ACCEPTED = 0,
	VERDICT_PACKET,	      /* IP or UDP header broken or inconsistent */
	VERDICT_FRAGMENT,     /* a query's first fragment, or one cut short: not a whole message */
	VERDICT_MALFORMED,    /* rule 1: not a DNS message from its first byte to its last */
	VERDICT_NOT_QUERY,    /* rule 2: QR is set (in a response: it is not) */
	VERDICT_MULTIPLE_OPT, /* rule 3: a second OPT record */
	VERDICT_EDNS_VERSION, /* rule 4: EDNS version is not 0 */
	VERDICT_QDCOUNT,      /* rule 6: not exactly one question */
	VERDICT_DOMAIN,	      /* rule 7: QNAME is under no configured domain */
	VERDICT_OPCODE,	      /* rule 8: OPCODE is not QUERY */
	VERDICT_QTYPE,	      /* rule 9: QTYPE is not the tunnel's (QNAME minimisation) */
	VERDICT_ENCODING,     /* rule 10: the labels before the domain are not base32 */
	VERDICT_EDNS_SIZE, /* rule 11: the resolver takes smaller responses than the server sends */
	VERDICT_SHORT,	   /* rule 12: fewer bytes than a ClientID */
	VERDICT_FRAMING,   /* ours: what follows the ClientID is not what a client sends */
	VERDICTS,
};

#define RECORD_FLAG_RCODE 0x0f /* response: RCODE of the DNS header */
#define RECORD_FLAG_TC	  0x10 /* response: truncated */
#define RECORD_FLAG_KCP	  0x20 /* its first packet begins with kcp-go's header (not dnsttEx's) */
#define RECORD_FLAG_ECS	  0x40 /* resolver is the EDNS Client Subnet prefix, not the address */
#define RECORD_FLAG_SN_0  0x80 /* sn of that header is 0 */

/* A KCP segment, of its header what is needed later (kcp-go kcp.go segment) */
struct segment {
	uint32_t ts;	/* milliseconds on the sender's clock; of an ACK, of what it acknowledges */
	uint32_t sn;	/* number of the segment, or of the one that is acknowledged */
	uint16_t bytes; /* that it carries */
	uint8_t command; /* RECORD_KCP_PUSH; in a query RECORD_KCP_ACK too: others are not passed on */
	uint8_t reserved; /* zero */
};

/* A message; or, behind a message, some of its segments */
struct record {
	union {
		struct {
			/* Accepted: as sent. Zero otherwise, as are content, edns_size, payload_bytes,
			 * qname_bytes, conv, una, and segments.
			 */
			uint8_t client_id[RECORD_ID_BYTES];
			/* Source of a query, destination of a response; IPv4 as ::ffff:a.b.c.d */
			uint8_t resolver[16];
			uint8_t content[8]; /* query: fingerprint of what the client wrote */
			/* Of the first KCP header; zero without RECORD_FLAG_KCP */
			uint32_t conv, una;
			uint32_t interface; /* index of the one that saw the packet */
			uint32_t time_ms;   /* when, since 1970, modulo 2^32 */
			uint16_t port;	    /* the resolver's UDP port */
			uint16_t dns_id;    /* ID of the DNS header */
			/* UDP payload, whole even where a fragment holds less */
			uint16_t message_bytes;
			/* Tunnel packets (KCP datagrams), without framing */
			uint16_t payload_bytes;
			uint16_t edns_size;  /* query: as dnstt-server reads it, 512 or more */
			uint8_t qname_bytes; /* query: as on the wire, with the root */
			uint8_t segments;    /* that follow, RECORD_SEGMENTS in each record */
		};
		struct segment segment[RECORD_SEGMENTS]; /* RECORD_MORE; zero where there is none */
	};
	uint8_t domain; /* index of the configured domain, or RECORD_NO_DOMAIN; zero with RECORD_MORE */
	uint8_t kind;	 /* enum record_kind */
	uint8_t verdict; /* enum verdict; zero with RECORD_MORE */
	uint8_t flags;	 /* RECORD_FLAG_...; zero with RECORD_MORE */
};

static_assert(sizeof(struct record) == 64, "a record is one cache line");
static_assert(offsetof(struct record, domain) == 60, "no padding");

/* Records that stand for a message */
static inline unsigned record_of_message(const struct record *message)
{
	return 1 + (message->segments + RECORD_SEGMENTS - 1u) / RECORD_SEGMENTS;
}

#define BATCH_MAGIC   0x44545358u /* "DTSX" */
#define BATCH_VERSION 2
#define BATCH_RECORDS 512 /* at most, in one batch; what stands for one message is in one batch */

enum batch_type {
	BATCH_HELLO = 1, /* the first message: capture is confined and the ring runs */
	BATCH_FAILURE,	 /* in its place, or later; the last: capture could not start, or go on */
	BATCH_TRAFFIC, /* records; none in a quiet second, for the counters and as a sign of life */
	BATCH_TYPES,
};

/* Starts every message. The counters only ever grow, and stand for everything since start. */
struct batch_header {
	uint32_t magic;
	uint8_t version;
	uint8_t type;	      /* enum batch_type */
	uint16_t count;	      /* records that follow */
	uint64_t sequence;    /* 0 for the first message, then one more each */
	uint64_t packets;     /* packets the kernel put into the ring */
	uint64_t ring_drops;  /* packets it had no room for */
	uint64_t stalls;      /* times that capture waited for the exporter */
	uint64_t reserved[3]; /* zero */
};

static_assert(sizeof(struct batch_header) == 64, "the header is one cache line");

/* Follows the header of the hello */
struct hello {
	uint32_t ring_bytes;   /* as configured */
	uint32_t landlock_abi; /* 0: the kernel has none */
	uint32_t sealed;       /* 0 or 1: mseal(2) of the ring */
	uint32_t cuts;	       /* 0 or 1: super-packets are known, and cut into their datagrams */
};

/* How far capture came */
enum failure_stage {
	FAILURE_CONFIG = 1, /* receiving the configuration */
	FAILURE_SOCKET,	    /* opening the packet socket */
	FAILURE_FILTER,	    /* attaching and locking the kernel filter */
	FAILURE_VERSION,    /* choosing TPACKET_V3 */
	FAILURE_RING,	    /* making the packet ring */
	FAILURE_BIND,	    /* binding the packet socket */
	FAILURE_PRIVILEGES, /* giving up every capability */
	FAILURE_CONFINE,    /* rlimits, Landlock or seccomp */
	FAILURE_WAIT,	    /* waiting for packets, or for room; comes later than the hello */
	FAILURE_STAGES,
};

/* Exit status, and the errno above it: no message could be sent any more, nor one about that */
#define FAILURE_UNSENT 128

/* Follows the header of a failure */
struct failure {
	uint32_t stage; /* enum failure_stage */
	uint32_t error; /* errno */
};

/* A message as the receiver reads it. */
struct batch {
	struct batch_header header;
	union {
		struct hello hello;
		struct failure failure;
		struct record records[BATCH_RECORDS];
	};
};
