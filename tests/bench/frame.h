/* SPDX-License-Identifier: MIT */
/* Frames with valid DNSTT queries and responses, made once and given a client per send */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_QUERY_MAX	   384 /* Ethernet frame: 14 + 40 + 8 + 12 + 255 + 4 + 11 = 344 */
#define FRAME_RESPONSE_MAX 1472
#define FRAME_DOMAINS	   64

/* From the UDP header on: the parts of a message that change from send to send, as whole 16-bit words
 * of the checksum. A byte that stays is in front of the ClientID's 13 characters (the length of the
 * first label), and one before and after the 8 of the serial number: the KCP sn, or in a poll five of
 * the eight bytes of padding. So no client ever writes the same twice, as in life.
 */
#define FRAME_ID_AT	   20
#define FRAME_ID_BYTES	   14
#define FRAME_SERIAL_AT	   60
#define FRAME_POLL_AT	   36 /* the serial number in a poll */
#define FRAME_SERIAL_BYTES 10

/* A frame but for who sends it: address, port, DNS ID, ClientID and serial number. They are at the same places in a query and in its response.
 */
struct frame {
	uint8_t *bytes;
	uint16_t length;
	uint16_t address; /* offset of the resolver's address */
	uint16_t port;	  /* offset of the resolver's port */
	uint16_t udp;	  /* offset of the UDP header */
	uint32_t udp_sum; /* of all that stays, for the checksum */
	uint32_t ip_sum;  /* IPv4 only */
	bool ipv6;
	bool poll; /* no KCP packet in the query */
};

/* Who sends */
struct client {
	uint64_t id;	     /* ClientID */
	uint8_t address[16]; /* the resolver's; the first 4 bytes for IPv4 */
	uint32_t serial;     /* of the query; KCP sn */
	uint16_t port;	     /* network byte order, as is dns_id */
	uint16_t dns_id;
};

/* What all frames have in common */
struct link {
	uint8_t host[6];   /* Ethernet address of the side where the server is */
	uint8_t sender[6]; /* of the side where the queries come from */
	uint16_t port;	   /* UDP port of the server */
};

/**
 * frame_random() - Next number of a sequence that is the same in every run
 * @state:	Any start value
 */
uint64_t frame_random(uint64_t *state);

/**
 * frame_mix() - A number that looks random, always the same for the same input
 *
 * No two inputs have the same result.
 */
uint64_t frame_mix(uint64_t number);

/**
 * frame_sum() - Sum of 16-bit words in memory order; an odd last byte counts as if a zero followed
 *
 * Two such sums can be added: RFC 1071.
 */
uint32_t frame_sum(const uint8_t *bytes, size_t count);

/**
 * frame_domain() - Name of a tunnel domain in wire form: the base, then t1.example.com and so on
 * @base:	Name of domain 0 in text form
 * @index:	Below FRAME_DOMAINS
 * @ret_name:	Filled with the name, root included
 *
 * Return: bytes of the name
 */
size_t frame_domain(const char *base, unsigned index, uint8_t ret_name[256]);

/**
 * frame_query() - Frame of a query as dnstt-client sends and a resolver passes on
 * @frame:	bytes must hold FRAME_QUERY_MAX
 * @payload:	Bytes of the KCP packet, 24 or more; 0 for a poll; less if the name has no room
 * @random:	State of frame_random(), for padding and data
 *
 * dnstt-client/lib/dns.go send(): protocol.md 1.1. EDNS size 4096 or 1232.
 */
void frame_query(struct frame *frame, const struct link *link, bool ipv6, const uint8_t *domain,
		 size_t domain_bytes, unsigned payload, uint64_t *random);

/**
 * frame_response() - Frame of the response of dnstt-server to a query
 * @frame:	bytes must hold FRAME_RESPONSE_MAX
 * @message_bytes:	Bytes of the DNS message, up to 1232
 *
 * dnstt-server/main.go sendLoop(): one TXT record with one KCP packet, TTL 60.
 */
void frame_response(struct frame *frame, const struct link *link, const struct frame *query,
		    unsigned message_bytes, uint64_t *random);

/**
 * frame_stamp() - Make a frame that of a client, checksums included
 */
void frame_stamp(struct frame *frame, const struct client *client);
