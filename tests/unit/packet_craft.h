/* SPDX-License-Identifier: MIT */
/* Packets as a client and a server make them, and what capture sees in them */
#pragma once

#include "capture/dns.h"
#include "common/record.h"
#include "craft.h"

struct config;
struct sight;

#define CRAFT_DOMAIN "t.example.com"
#define CRAFT_ID     "CLIENTID"

/* What a client writes behind its ClientID when it has nothing to say (dnstt-client/lib/dns.go) */
#define CRAFT_POLL	 "\xe8padding!"
#define CRAFT_POLL_BYTES 9

/* A query as a resolver delivers it: TXT, one OPT of 1232 bytes */
void craft_query(struct craft *craft, const char *name);

/* A poll of CRAFT_ID under CRAFT_DOMAIN */
void craft_poll(struct craft *craft);

/* @name as the QNAME of a message, valid until the next call; an OPT follows unless it @is_last */
struct dns_name craft_qname(const char *name, bool is_last);

/* A response to @name with one TXT record that holds @text; flags 0x8400 */
void craft_response(struct craft *craft, const char *name, const void *text, size_t bytes);

/* The UDP datagram of a poll */
struct craft craft_datagram(void);

/* The same in a packet from 1.1.1.1 to 2.2.2.2, and the like in IPv6 */
struct craft craft_poll_ipv4(void);
struct craft craft_poll_ipv6(void);

/* A configuration for one dnstt domain; another one added to it */
void craft_config(struct config *ret_config, const char *domain);
struct tunnel *craft_config_add(struct config *config, const char *domain);

/* The configuration for CRAFT_DOMAIN */
const struct config *craft_dnstt(void);

/* The record of a packet; in craft_seen too, with its segments behind it */
extern struct record craft_seen[RECORD_MESSAGE_MAX];
struct record craft_see(const struct sight *sight, const struct config *config);

/* The record of a packet that lies in memory of exactly its size */
struct record craft_decode(const struct craft *packet, bool outgoing, const struct config *config);

/* The record of a message from 192.192.192.192 port 4000, or to there if it is a response */
struct record craft_judge(const struct craft *message, bool outgoing, const struct config *config);
