/* SPDX-License-Identifier: MIT */
/* MaxMind DB files put together byte by byte, right or wrong as a test needs them */
#include "mmdb_craft.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void require(bool held, const char *what)
{
	if (held)
		return;
	perror(what);
	abort();
}

void craft_bytes(struct craft *craft, const void *bytes, size_t size)
{
	if (craft->size + size > craft->room) {
		craft->room = (craft->size + size) * 2;
		craft->bytes = realloc(craft->bytes, craft->room);
		require(craft->bytes, "realloc");
	}
	memcpy(craft->bytes + craft->size, bytes, size);
	craft->size += size;
}

void craft_begin_wide(struct craft *craft, uint32_t nodes, uint32_t record_bits)
{
	static const uint8_t zeros[16];

	*craft = (struct craft){ .nodes = nodes, .record_bits = record_bits };
	for (uint32_t node = 0; node < nodes; node++) {
		craft_bytes(craft, zeros, record_bits / 4);
		craft_node(craft, node, CRAFT_EMPTY(craft), CRAFT_EMPTY(craft));
	}
	craft_bytes(craft, zeros, sizeof(zeros));
	craft->data = craft->size;
}

void craft_begin(struct craft *craft, uint32_t nodes)
{
	craft_begin_wide(craft, nodes, 24);
}

void craft_begin_one_record(struct craft *craft)
{
	craft_begin(craft, 1);
	craft_node(craft, 0, CRAFT_DATA(craft, 0), CRAFT_DATA(craft, 0));
}

void craft_end(struct craft *craft)
{
	free(craft->bytes);
	*craft = (struct craft){ 0 };
}

void craft_node(struct craft *craft, uint32_t node, uint32_t left, uint32_t right)
{
	uint8_t *at = craft->bytes + (size_t)node * (craft->record_bits / 4);
	unsigned whole = craft->record_bits / 8;

	for (unsigned i = 0; i < whole; i++) {
		at[i] = (uint8_t)(left >> 8 * (whole - 1 - i));
		at[craft->record_bits / 4 - whole + i] = (uint8_t)(right >> 8 * (whole - 1 - i));
	}
	if (craft->record_bits == 28)
		at[3] = (uint8_t)(left >> 24 << 4 | right >> 24);
}

void craft_control(struct craft *craft, enum craft_type type, uint32_t size)
{
	uint8_t out[5];
	size_t count = 1;
	uint8_t low = (uint8_t)size;
	unsigned extra = 0;

	if (size >= 65821)
		low = 31, extra = 3, size -= 65821;
	else if (size >= 285)
		low = 30, extra = 2, size -= 285;
	else if (size >= 29)
		low = 29, extra = 1, size -= 29;
	out[0] = (uint8_t)(type < 8 ? (unsigned)type << 5 | low : low);
	if (type >= 8)
		out[count++] = (uint8_t)(type - 7);
	while (extra-- > 0)
		out[count++] = (uint8_t)(size >> 8 * extra);
	craft_bytes(craft, out, count);
}

void craft_fill(struct craft *craft, uint8_t byte, uint32_t count)
{
	while (count-- > 0)
		craft_bytes(craft, &byte, 1);
}

void craft_string(struct craft *craft, const char *text)
{
	craft_control(craft, CRAFT_STRING, (uint32_t)strlen(text));
	craft_bytes(craft, text, strlen(text));
}

void craft_number(struct craft *craft, enum craft_type type, uint64_t number, uint32_t width)
{
	craft_control(craft, type, width);
	while (width-- > 0) {
		uint8_t byte = (uint8_t)(width < 8 ? number >> 8 * width : 0);

		craft_bytes(craft, &byte, 1);
	}
}

void craft_pointer(struct craft *craft, uint32_t target)
{
	uint8_t out[5] = { 0x38, (uint8_t)(target >> 24), (uint8_t)(target >> 16),
			   (uint8_t)(target >> 8), (uint8_t)target };

	craft_bytes(craft, out, sizeof(out));
}

uint32_t craft_here(const struct craft *craft)
{
	return (uint32_t)(craft->size - craft->data);
}

void craft_record(struct craft *craft)
{
	craft_control(craft, CRAFT_MAP, 1);
	craft_string(craft, "country");
	craft_control(craft, CRAFT_MAP, 1);
	craft_string(craft, "iso_code");
	craft_string(craft, "DE");
}

static bool is_entry(const char *wanted, const char *name)
{
	return wanted && strcmp(wanted, name) == 0;
}

void craft_add_metadata(struct craft *craft, const struct craft_metadata *metadata)
{
	const struct {
		const char *name;
		enum craft_type type;
		uint64_t number;
		uint32_t width;
	} numbers[] = {
		{ "node_count", CRAFT_UINT32, metadata->node_count, 4 },
		{ "record_size", CRAFT_UINT16, metadata->record_size, 2 },
		{ "ip_version", CRAFT_UINT16, metadata->ip_version, 2 },
		{ "binary_format_major_version", CRAFT_UINT16, metadata->major, 2 },
		{ "binary_format_minor_version", CRAFT_UINT16, 0, 2 },
		{ "build_epoch", CRAFT_UINT64, 1700000000, 8 },
	};
	static const char *const others[] = { "database_type", "languages", "description" };

	craft_bytes(craft, "\xab\xcd\xefMaxMind.com", 14);
	craft_control(craft, CRAFT_MAP,
		      9u - (metadata->without ? 1 : 0) + (metadata->extra_depth ? 1 : 0));
	if (metadata->extra_depth) {
		craft_string(craft, "extra");
		for (uint32_t i = 0; i < metadata->extra_depth; i++)
			craft_control(craft, CRAFT_ARRAY, 1);
		craft_string(craft, "deep");
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (is_entry(metadata->without, numbers[i].name))
			continue;
		craft_string(craft, numbers[i].name);
		if (is_entry(metadata->as_text, numbers[i].name))
			craft_string(craft, "text");
		else
			craft_number(craft, numbers[i].type, numbers[i].number, numbers[i].width);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (is_entry(metadata->without, others[i]))
			continue;
		craft_string(craft, others[i]);
		if (i == 1 && !is_entry(metadata->as_text, others[i])) {
			for (uint32_t depth = 0; depth <= metadata->language_depth; depth++)
				craft_control(craft, CRAFT_ARRAY, 1);
		} else if (i == 2 && !is_entry(metadata->as_text, others[i])) {
			craft_control(craft, CRAFT_MAP, 1);
			craft_string(craft, "en");
		}
		craft_string(craft, "crafted");
	}
}

void craft_finish(struct craft *craft)
{
	craft_add_metadata(craft, &(struct craft_metadata){ CRAFT_METADATA(craft) });
}

void craft_look_around(enum geoip_kind kind, struct geoip_database *database)
{
	for (unsigned i = 0; i < 512; i++) {
		uint8_t address[16] = { [10] = 0xff, [11] = 0xff };
		char country[GEOIP_COUNTRY_BYTES];
		uint32_t asn;

		if (i < 256) {
			address[12] = (uint8_t)i;
			address[13] = (uint8_t)(i * 7);
		} else {
			address[0] = (uint8_t)i;
			address[1] = (uint8_t)(i * 3);
			address[10] = address[11] = 0;
		}
		if (kind == GEOIP_COUNTRY) {
			(void)geoip_country(database, address, country);
			if (country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' ||
			    country[1] > 'Z' || country[2])
				abort();
		} else {
			(void)geoip_asn(database, address, &asn);
		}
	}
}

int craft_try(enum geoip_kind kind, const uint8_t *bytes, size_t size, struct reason *ret_reason)
{
	__attribute__((cleanup(geoip_closep))) struct geoip_database *database = NULL;
	char path[32];
	int file = memfd_create("craft", MFD_CLOEXEC);
	int r;

	require(file >= 0 && write(file, bytes, size) == (ssize_t)size, "memfd");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	r = geoip_read(kind, path, &database, ret_reason);
	(void)close(file);
	if (r == 0)
		r = geoip_open(database, ret_reason);
	if (r == 0)
		craft_look_around(kind, database);
	return r;
}

void craft_assert_taken(const struct craft *craft)
{
	struct reason reason;

	if (craft_try(GEOIP_COUNTRY, craft->bytes, craft->size, &reason) < 0)
		fail_msg("%s", reason.text);
}

void craft_assert_refused(const struct craft *craft, const char *why)
{
	struct reason reason;
	int r = craft_try(GEOIP_COUNTRY, craft->bytes, craft->size, &reason);

	if (r != -EBADMSG || !strstr(reason.text, why))
		fail_msg("%d, \"%s\" and not \"%s\"", r, reason.text, why);
}

uint8_t *craft_load(const char *path, size_t *ret_size)
{
	struct stat stat;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes;

	require(file >= 0 && fstat(file, &stat) == 0, path);
	bytes = malloc((size_t)stat.st_size + 1);
	require(bytes && read(file, bytes, (size_t)stat.st_size) == stat.st_size, path);
	(void)close(file);
	*ret_size = (size_t)stat.st_size;
	return bytes;
}
