/* SPDX-License-Identifier: MIT */
/* DNS messages and packets put together piece by piece, right or wrong as a test needs them */
#include "craft.h"

#include <assert.h>
#include <string.h>
#include <sys/param.h>

#define LABEL_MAX 63

void craft_bytes(struct craft *craft, const void *bytes, size_t count)
{
	assert(count <= CRAFT_BYTES - craft->size);
	memcpy(craft->at + craft->size, bytes, count);
	craft->size += count;
}

void craft_zeros(struct craft *craft, size_t count)
{
	static const uint8_t zeros[CRAFT_BYTES];

	craft_bytes(craft, zeros, count);
}

void craft_8(struct craft *craft, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	craft_bytes(craft, &byte, 1);
}

void craft_16(struct craft *craft, unsigned value)
{
	craft_8(craft, value >> 8);
	craft_8(craft, value);
}

void craft_32(struct craft *craft, uint32_t value)
{
	craft_16(craft, value >> 16);
	craft_16(craft, value);
}

void craft_header(struct craft *craft, unsigned flags, unsigned qdcount, unsigned ancount,
		  unsigned nscount, unsigned arcount)
{
	craft_16(craft, 0x1234);
	craft_16(craft, flags);
	craft_16(craft, qdcount);
	craft_16(craft, ancount);
	craft_16(craft, nscount);
	craft_16(craft, arcount);
}

void craft_name(struct craft *craft, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, ".");

		assert(length > 0 && length <= LABEL_MAX);
		craft_8(craft, (unsigned)length);
		craft_bytes(craft, text, length);
		text += length + (text[length] == '.');
	}
	craft_8(craft, 0);
}

void craft_question(struct craft *craft, const char *name, unsigned qtype)
{
	craft_name(craft, name);
	craft_16(craft, qtype);
	craft_16(craft, 1);
}

void craft_rr(struct craft *craft, unsigned type, unsigned class, uint32_t ttl, const void *rdata,
	      size_t bytes)
{
	craft_8(craft, 0);
	craft_16(craft, type);
	craft_16(craft, class);
	craft_32(craft, ttl);
	craft_16(craft, (unsigned)bytes);
	craft_bytes(craft, rdata, bytes);
}

void craft_opt(struct craft *craft, unsigned size)
{
	craft_rr(craft, 41, size, 0, "", 0);
}

void craft_base32(struct craft *craft, const void *bytes, size_t count, bool hex)
{
	const char *digits =
		hex ? "0123456789abcdefghijklmnopqrstuv" : "abcdefghijklmnopqrstuvwxyz234567";
	const uint8_t *from = bytes;

	for (size_t bit = 0; bit < count * 8; bit += 5) {
		unsigned pair = (unsigned)from[bit / 8] << 8;

		if (bit / 8 + 1 < count)
			pair |= from[bit / 8 + 1];
		craft_8(craft, (unsigned)digits[pair >> (11 - bit % 8) & 31]);
	}
}

void craft_labels(struct craft *craft, const struct craft *text)
{
	for (size_t at = 0; at < text->size; at += LABEL_MAX) {
		size_t length = MIN(text->size - at, LABEL_MAX);

		craft_8(craft, (unsigned)length);
		craft_bytes(craft, text->at + at, length);
	}
}

void craft_strings(struct craft *craft, const void *text, size_t bytes)
{
	for (size_t at = 0; at < MAX(bytes, 1); at += 255) {
		size_t length = MIN(bytes - at, 255);

		craft_8(craft, (unsigned)length);
		craft_bytes(craft, (const uint8_t *)text + at, length);
	}
}

const char *craft_client_name(char name[CRAFT_NAME], const void *id, size_t id_bytes,
			      const void *body, size_t bytes, const char *domain, bool hex)
{
	struct craft written = { .size = 0 }, text = { .size = 0 };
	size_t out = 0;

	craft_bytes(&written, id, id_bytes);
	craft_bytes(&written, body, bytes);
	craft_base32(&text, written.at, written.size, hex);
	assert(text.size + text.size / LABEL_MAX + strlen(domain) + 2 < CRAFT_NAME);
	for (size_t i = 0; i < text.size; i++) {
		if (i > 0 && i % LABEL_MAX == 0)
			name[out++] = '.';
		name[out++] = (char)text.at[i];
	}
	if (out > 0)
		name[out++] = '.';
	strcpy(name + out, domain);
	return name;
}

void craft_front(struct craft *craft, const void *bytes, size_t count)
{
	assert(count <= CRAFT_BYTES - craft->size);
	memmove(craft->at + count, craft->at, craft->size);
	memcpy(craft->at, bytes, count);
	craft->size += count;
}

void craft_udp(struct craft *craft, unsigned source, unsigned destination)
{
	struct craft header = { .size = 0 };

	craft_16(&header, source);
	craft_16(&header, destination);
	craft_16(&header, (unsigned)(8 + craft->size));
	craft_16(&header, 0);
	craft_front(craft, header.at, header.size);
}

void craft_extension(struct craft *craft, unsigned next, unsigned length, unsigned third,
		     unsigned fourth, size_t more)
{
	struct craft header = { .size = 0 };

	craft_8(&header, next);
	craft_8(&header, length);
	craft_8(&header, third);
	craft_8(&header, fourth);
	craft_zeros(&header, 4 + more);
	craft_front(craft, header.at, header.size);
}

void craft_tag(struct craft *craft, unsigned protocol)
{
	struct craft header = { .size = 0 };

	craft_16(&header, 5);
	craft_16(&header, protocol);
	craft_front(craft, header.at, header.size);
}

static void address(struct craft *header, unsigned byte, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		craft_8(header, byte);
}

void craft_ipv4(struct craft *craft, unsigned source, unsigned destination)
{
	struct craft header = { .size = 0 };

	craft_16(&header, 0x4500);
	craft_16(&header, (unsigned)(20 + craft->size));
	craft_32(&header, 0);
	craft_32(&header, 0x40110000); /* TTL 64, UDP */
	address(&header, source, 4);
	address(&header, destination, 4);
	craft_front(craft, header.at, header.size);
}

void craft_ipv6(struct craft *craft, unsigned source, unsigned destination)
{
	struct craft header = { .size = 0 };

	craft_32(&header, 0x60000000);
	craft_16(&header, (unsigned)craft->size);
	craft_16(&header, 0x1140); /* UDP, hop limit 64 */
	address(&header, source, 16);
	address(&header, destination, 16);
	craft_front(craft, header.at, header.size);
}
