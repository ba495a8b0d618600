/* SPDX-License-Identifier: MIT */
/* Country and AS number of an address, from a MaxMind DB that may be replaced while it is in use */
#include "geoip/geoip.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geoip/geoip_load.h"

struct geoip_database {
	enum geoip_kind kind;
	struct geoip_edition *edition; /* in use; NULL before geoip_open() */
	struct geoip_load *load;       /* under way, or NULL */
	struct file_watch watch;       /* by geoip_changed() */
	struct file_identity refused;  /* of the latest file that can't be used */
	struct geoip_status status;
	char path[];
};

int geoip_read(enum geoip_kind kind, const char *path, struct geoip_database **ret_database,
	       struct reason *ret_reason)
{
	size_t path_bytes = strlen(path) + 1;
	__attribute__((cleanup(geoip_closep))) struct geoip_database *database =
		calloc(1, sizeof(*database) + path_bytes);
	int r;

	if (!database) {
		(void)reason_set(ret_reason, -ENOMEM, "cannot read %s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	database->kind = kind;
	memcpy(database->path, path, path_bytes);
	r = geoip_load_begin(kind, database->path, &database->load, ret_reason);
	if (r < 0)
		return r;
	do
		r = geoip_load_copy(database->load, ret_reason);
	while (r > 0);
	if (r < 0)
		return r;
	*ret_database = database;
	database = NULL;
	return 0;
}

void geoip_close(struct geoip_database *database)
{
	if (!database)
		return;
	geoip_load_end(database->load);
	geoip_edition_free(database->edition);
	free(database);
}

static void take_over(struct geoip_database *database, struct geoip_edition *edition)
{
	struct geoip_status *status = &database->status;

	geoip_edition_free(database->edition);
	database->edition = edition;
	database->watch.loaded = edition->identity;
	status->build_epoch = edition->mmdb.metadata.build_epoch;
	memcpy(status->type, edition->type, sizeof(status->type));
	status->generation++;
}

/* Return: as geoip_reload_step() */
static int step(struct geoip_database *database, struct reason *ret_reason)
{
	struct geoip_edition *edition;
	int r = geoip_load_step(database->load, &edition, ret_reason);

	if (r > 0)
		return r;
	geoip_load_end(database->load);
	database->load = NULL;
	if (r == 0)
		take_over(database, edition);
	return r;
}

int geoip_open(struct geoip_database *database, struct reason *ret_reason)
{
	int r;

	do
		r = step(database, ret_reason);
	while (r > 0);
	return r;
}

int geoip_reload_step(struct geoip_database *database, struct reason *ret_reason)
{
	int r;

	if (!database->load) {
		/* Known before it is opened: a file that may not be opened should not be tried each time
		 */
		(void)file_identify(database->path, &database->refused);
		r = geoip_load_begin(database->kind, database->path, &database->load, ret_reason);
		r = r < 0 ? r : 1;
	} else {
		r = step(database, ret_reason);
	}
	if (r > 0)
		return r;
	if (r == 0)
		database->status.reloads++;
	else
		database->status.reload_failures++;
	/* What the file is not to blame for is tried again */
	if (r == 0 || r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EIO)
		database->refused = (struct file_identity){ 0 };
	return r;
}

bool geoip_changed(struct geoip_database *database)
{
	static const struct file_identity gone = { 0 };
	struct file_news news = { 0 };

	if (database->load)
		return false;
	file_watch_look(&database->watch, database->path, &news);
	return file_settled(&news) && !file_same(&database->watch.seen, &gone) &&
	       !file_same(&database->watch.seen, &database->refused);
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
	uint8_t any = 0;

	for (size_t i = 0; i < count; i++)
		any |= bytes[i];
	return any == 0;
}

/* The IPv4 address in one of IPv6, which is what a resolver has that is behind NAT64 or that a socket
 * for both families shows. Files have little or nothing below these prefixes: those that were not made
 * by MaxMind's writer not even below ::ffff:0:0/96.
 */
static bool ipv4_in(const uint8_t address[16], uint8_t ret_ipv4[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t well_known[12] = { 0, 0x64, 0xff, 0x9b }; /* RFC 6052, 2.1 */
	static const uint8_t local[6] = { 0, 0x64, 0xff, 0x9b, 0, 1 }; /* RFC 8215 */
	const bool is_local = memcmp(address, local, sizeof(local)) == 0;

	/* A /48 (RFC 6052, 2.2): two bytes, an empty one, two bytes, and nothing up to the end */
	if (is_local && address[8] == 0 && is_zero(address + 11, 5)) {
		memcpy(ret_ipv4, address + 6, 2);
		memcpy(ret_ipv4 + 2, address + 9, 2);
		return true;
	}
	/* A /96; of the local ones there are many */
	if (memcmp(address, mapped, sizeof(mapped)) == 0 ||
	    memcmp(address, well_known, sizeof(well_known)) == 0 ||
	    (is_local && is_zero(address + 8, 4))) {
		memcpy(ret_ipv4, address + 12, 4);
		return true;
	}
	return false;
}

/* Return: GEOIP_FOUND with the offset of the record, GEOIP_UNMAPPED, GEOIP_ERROR */
static enum geoip_result find(const struct geoip_database *database, const uint8_t address[16],
			      uint32_t *ret_offset)
{
	uint8_t ipv4[4];
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} socket = { 0 };
	MMDB_lookup_result_s found;
	int status;

	if (ipv4_in(address, ipv4)) {
		socket.ipv4.sin_family = AF_INET;
		memcpy(&socket.ipv4.sin_addr, ipv4, sizeof(ipv4));
	} else {
		socket.ipv6.sin6_family = AF_INET6;
		memcpy(&socket.ipv6.sin6_addr, address, 16);
	}
	found = MMDB_lookup_sockaddr(&database->edition->mmdb, &socket.any, &status);
	if (status == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
		return GEOIP_UNMAPPED;
	if (status != MMDB_SUCCESS)
		return GEOIP_ERROR;
	if (!found.found_entry)
		return GEOIP_UNMAPPED;
	*ret_offset = found.entry.offset;
	return GEOIP_FOUND;
}

enum geoip_result geoip_country(struct geoip_database *database, const uint8_t address[static 16],
				char ret_country[static GEOIP_COUNTRY_BYTES])
{
	uint32_t offset;
	enum geoip_result result = find(database, address, &offset);

	if (result == GEOIP_FOUND)
		result = geoip_record_country(&database->edition->mmdb, offset, ret_country);
	else
		memcpy(ret_country, GEOIP_COUNTRY_UNMAPPED, GEOIP_COUNTRY_BYTES);
	database->status.lookups[result]++;
	return result;
}

enum geoip_result geoip_asn(struct geoip_database *database, const uint8_t address[static 16],
			    uint32_t *ret_asn)
{
	uint32_t offset;
	enum geoip_result result = find(database, address, &offset);

	if (result == GEOIP_FOUND)
		result = geoip_record_asn(&database->edition->mmdb, offset, ret_asn);
	else
		*ret_asn = GEOIP_ASN_UNMAPPED;
	database->status.lookups[result]++;
	return result;
}

const struct geoip_status *geoip_status(const struct geoip_database *database)
{
	return &database->status;
}
