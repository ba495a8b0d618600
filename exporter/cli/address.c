/* SPDX-License-Identifier: MIT */
/* HOST:PORT as -web.listen-address takes it */
#include "cli/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

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
	address.any_family = length == 0;
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
	*ret_address = address;
	return 0;
}
