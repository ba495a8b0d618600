/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a GeoIP database, opened, checked and looked up in
 *
 * Seeds: tests/fixtures/GeoLite2-*.mmdb and what make-databases.pl writes. What was found sound must
 * not make the library fail: a look-up in it finds something or does not, and that is all.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "geoip/geoip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool held)
{
	if (!held)
		abort();
}

/* The library has to do what the check promised, for every path that is asked for and more */
static void ask_library(const MMDB_s *mmdb, const struct sockaddr *address)
{
	static const char *const paths[][3] = {
		{ "country", "iso_code" },
		{ "country_code" },
		{ "traits", "none" },
		{ "asn" },
		{ "0", "1" },
		{ NULL },
	};
	MMDB_lookup_result_s found;
	int status;

	found = MMDB_lookup_sockaddr(mmdb, address, &status);
	require(status == MMDB_SUCCESS || status == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR);
	if (status != MMDB_SUCCESS || !found.found_entry)
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		MMDB_entry_data_s value;

		status = MMDB_aget_value(&found.entry, &value, paths[i]);
		require(status == MMDB_SUCCESS ||
			status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR);
	}
}

static void ask(struct geoip_database *country, struct geoip_database *asn, const MMDB_s *mmdb,
		uint8_t seed)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} socket = { 0 };
	char text[GEOIP_COUNTRY_BYTES];
	uint32_t number;

	if (seed % 2) {
		memset(address + 12, seed, 4);
		address[12] = (uint8_t)(seed * 5);
		socket.ipv4.sin_family = AF_INET;
		memcpy(&socket.ipv4.sin_addr, address + 12, 4);
	} else {
		memset(address, seed, 16);
		address[0] = seed % 4 ? 0 : (uint8_t)(seed * 5);
		socket.ipv6.sin6_family = AF_INET6;
		memcpy(&socket.ipv6.sin6_addr, address, 16);
	}
	ask_library(mmdb, &socket.any);
	if (country) {
		(void)geoip_country(country, address, text);
		require(text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z' &&
			!text[2]);
	}
	if (asn)
		require(geoip_asn(asn, address, &number) == GEOIP_FOUND || number == 0);
}

static struct geoip_database *try(enum geoip_kind kind, const char *path)
{
	struct geoip_database *database = NULL;
	struct reason reason;

	if (geoip_read(kind, path, &database, &reason) == 0 && geoip_open(database, &reason) == 0)
		return database;
	require(reason.text[0] && !strchr(reason.text, '\n'));
	geoip_close(database);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	__attribute__((cleanup(geoip_closep))) struct geoip_database *country = NULL;
	__attribute__((cleanup(geoip_closep))) struct geoip_database *asn = NULL;
	char path[32];
	MMDB_s mmdb;
	int file = memfd_create("fuzz", MFD_CLOEXEC);

	require(file >= 0 && write(file, bytes, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	country = try(GEOIP_COUNTRY, path);
	asn = try(GEOIP_ASN, path);
	if (country || asn) {
		require(MMDB_open(path, MMDB_MODE_MMAP, &mmdb) == MMDB_SUCCESS);
		for (unsigned seed = 0; seed < 64; seed++)
			ask(country, asn, &mmdb, (uint8_t)seed);
		MMDB_close(&mmdb);
	}
	(void)close(file);
	return 0;
}
