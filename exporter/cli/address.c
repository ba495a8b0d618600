/* SPDX-License-Identifier: MIT */
/* HOST:PORT or unix:PATH as -web.listen-address takes it */
#include "cli/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/number.h"

#define UNIX "unix:" /* as Prometheus' exporters and nginx write it */

/* 0.0.0.0 and [::] are all addresses of this host, as they are for Go's programs */
static bool is_any(const struct sockaddr_storage *socket)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)socket;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)socket;

	return socket->ss_family == AF_INET ? v4->sin_addr.s_addr == htonl(INADDR_ANY)
					    : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

bool address_is_local(const struct address *address)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;

	if (address->socket.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address_is_unix(address) || IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static in_port_t port_of(const struct address *address)
{
	return address->socket.ss_family == AF_INET
		       ? ((const struct sockaddr_in *)&address->socket)->sin_port
		       : ((const struct sockaddr_in6 *)&address->socket)->sin6_port;
}

bool address_covers(const struct address *one, const struct address *other)
{
	if (one->any_family && !address_is_unix(other))
		return port_of(one) == port_of(other);
	return one->bytes == other->bytes && !memcmp(&one->socket, &other->socket, one->bytes);
}

/* Return: 0, -EINVAL if the path is not absolute or too long for a socket (unix(7)) */
static int parse_unix(const char *text, const char *path, struct address *ret_address)
{
	struct address address = { .text = text, .bytes = sizeof(struct sockaddr_un) };
	struct sockaddr_un *socket = (struct sockaddr_un *)&address.socket;

	if (path[0] != '/' || strlen(path) >= sizeof(socket->sun_path))
		return -EINVAL;
	socket->sun_family = AF_UNIX;
	memcpy(socket->sun_path, path, strlen(path) + 1);
	*ret_address = address;
	return 0;
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

	if (strncmp(text, UNIX, strlen(UNIX)) == 0)
		return parse_unix(text, text + strlen(UNIX), ret_address);
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
