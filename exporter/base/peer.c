/* SPDX-License-Identifier: MIT */
/* Who counts as one client of the HTTP server */
#include "base/peer.h"

#include <netinet/in.h>
#include <string.h>

/* The upper 16 bits tell the kinds apart */
#define NO_ADDRESS (UINT64_C(1) << 48)
#define IPV4	   (UINT64_C(4) << 48)
#define IPV6	   (UINT64_C(6) << 48)

uint64_t peer_key(const struct sockaddr *address)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	uint64_t site = 0;
	uint32_t ipv4;

	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return IPV4 | in.sin_addr.s_addr;
	}
	if (address->sa_family != AF_INET6)
		return NO_ADDRESS;
	memcpy(&in6, address, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		memcpy(&ipv4, in6.sin6_addr.s6_addr + 12, sizeof(ipv4));
		return IPV4 | ipv4;
	}
	for (unsigned i = 0; i < 6; i++)
		site = site << 8 | in6.sin6_addr.s6_addr[i];
	return IPV6 | site;
}
