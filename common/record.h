/* SPDX-License-Identifier: MIT */
/* What capture tells the exporter: batches of 64-byte records over a SOCK_SEQPACKET socketpair
 *
 * Both processes run on one machine and come from one build, so every integer is in host byte
 * order unless it says otherwise. The exporter takes capture for hostile: record.c has every rule
 * that a message must pass before anything in it is looked at.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_NO_DOMAIN  255 /* the message is under no configured domain, or was not read so far */
#define RECORD_ID_BYTES	  8   /* ClientID as dnstt has it; shorter ones are padded with zeros */
#define RECORD_KCP_BYTES  24  /* a KCP segment header, kcp-go kcp.go IKCP_OVERHEAD */
#define RECORD_HEAD_BYTES 22  /* of it: its last field is a length below 65536, little-endian */

enum record_kind {
	RECORD_QUERY = 1,
	RECORD_RESPONSE = 2,
	RECORD_KINDS,
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
#define RECORD_FLAG_KCP	  0x20 /* head is kcp-go's header, of 24 bytes (not dnsttEx) */
#define RECORD_FLAG_ECS	  0x40 /* resolver is the EDNS Client Subnet prefix, not the address */

struct record {
	/* Accepted: as sent. Zero otherwise, as are head, nonce and payload_bytes. */
	uint8_t client_id[RECORD_ID_BYTES];
	/* Source of a query, destination of a response; IPv4 as ::ffff:a.b.c.d */
	uint8_t resolver[16];
	/* First bytes of the first tunnel packet that is not empty; in a query without one, of what
	 * follows the ClientID; zeros after their end
	 */
	uint8_t head[RECORD_HEAD_BYTES];
	/* Query: bytes 2 and 3 behind the ClientID, random in dnstt, which tell it from others with the
	 * same head
	 */
	uint8_t nonce[2];
	uint32_t interface;	/* index of the one that saw the packet */
	uint16_t port;		/* the resolver's UDP port */
	uint16_t dns_id;	/* ID of the DNS header */
	uint16_t message_bytes; /* UDP payload, whole even where a fragment holds less */
	uint16_t payload_bytes; /* tunnel packets (KCP datagrams), without their framing */
	uint8_t domain;		/* index of the configured domain, or RECORD_NO_DOMAIN */
	uint8_t kind;		/* enum record_kind */
	uint8_t verdict;	/* enum verdict */
	uint8_t flags;		/* RECORD_FLAG_... */
};

static_assert(sizeof(struct record) == 64, "a record is one cache line");
static_assert(offsetof(struct record, interface) == 48, "no padding");

#define BATCH_MAGIC   0x44545358u /* "DTSX" */
#define BATCH_VERSION 1
#define BATCH_RECORDS 512 /* at most, in one message */

enum batch_type {
	BATCH_HELLO = 1, /* the first message: capture is confined and the ring runs */
	BATCH_FAILURE,	 /* in its place, and the last: capture could not start */
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
	uint32_t reserved;     /* zero */
};

/* How far capture came */
enum failure_stage {
	FAILURE_SOCKET = 1, /* opening the packet socket */
	FAILURE_FILTER,	    /* attaching and locking the kernel filter */
	FAILURE_RING,	    /* mapping the packet ring */
	FAILURE_BIND,	    /* binding the packet socket */
	FAILURE_PRIVILEGES, /* giving up every capability */
	FAILURE_CONFINE,    /* rlimits, Landlock or seccomp */
	FAILURE_STAGES,
};

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

/* What the receiver remembers from one message to the next; zero at start. */
struct batch_state {
	uint64_t sequence; /* of the next message; 0 until the hello came */
	uint64_t packets;
	uint64_t ring_drops;
	uint64_t stalls;
};

/**
 * record_batch_fault() - What is wrong with a message, if anything
 * @batch:	The message
 * @bytes:	Its length as received
 * @domains:	Configured domains: no record may name another
 * @state:	Brought up to date when the message is right
 *
 * Return: NULL if every rule holds, else a short description that names no content
 */
const char *record_batch_fault(const struct batch *batch, size_t bytes, unsigned domains,
			       struct batch_state *state);
