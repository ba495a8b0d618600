/* SPDX-License-Identifier: MIT */
/* HOST:PORT as -web.listen-address takes it */
#include "cli/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* 0.0.0.0 and [::] are all addresses of this host, as they are for Go's programs */
static bool is_any(const struct sockaddr_storage *socket)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)socket;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)socket;

	return socket->ss_family == AF_INET ? v4->sin_addr.s_addr == htonl(INADDR_ANY)
					    : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

static in_port_t port_of(const struct address *address)
{
	return address->socket.ss_family == AF_INET
		       ? ((const struct sockaddr_in *)&address->socket)->sin_port
		       : ((const struct sockaddr_in6 *)&address->socket)->sin6_port;
}

bool address_covers(const struct address *one, const struct address *other)
{
	if (one->any_family)
		return port_of(one) == port_of(other);
	return one->bytes == other->bytes && !memcmp(&one->socket, &other->socket, one->bytes);
}

int address_parse(const char *text, struct address *ret_address)
{
	struct address address = { .text = text };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.socket;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.socket;
	const char *colon = strrchr(text, ':');
	unsigned long port;
	char host[64];
	size_t length;

	if (!colon || number_parse(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	length = (size_t)(colon - text);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)(length - 2), text + 1);
	else if (memchr(text, ':', length))
		return -EINVAL;
	else
		snprintf(host, sizeof(host), "%.*s", (int)length, text);
	if (length == 0 || inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		address.bytes = sizeof(*v6);
	} else if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
			     &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		address.bytes = sizeof(*v4);
	} else {
		return -EINVAL;
	}
	if (is_any(&address.socket)) {
		*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					     .sin6_port = htons((uint16_t)port) };
		address.bytes = sizeof(*v6);
		address.any_family = true;
	}
	*ret_address = address;
	return 0;
}
