/* SPDX-License-Identifier: MIT */
/* Country and AS number of an address, from a MaxMind DB that may be replaced while it is in use
 *
 * Look-ups read a sealed copy in memory (sealed.h), so that nothing which happens to the file can
 * reach them, and the copy was found sound before (mmdb_check.h), so that nothing which is in it
 * can. A file is taken in three steps: copied, checked, put in the place of the one in use. It
 * costs its size in memory, twice while a new one is taken, and then a byte for each node of its
 * tree.
 *
 * The path is opened as it is given each time, so the working directory and what of the file
 * system can be reached must stay as they were. A confined program needs, for geoip_reload_step():
 *
 *	newfstatat, openat	the path: O_RDONLY O_NONBLOCK O_NOCTTY O_CLOEXEC; newfstatat
 *				also of a descriptor (AT_EMPTY_PATH)
 *	memfd_create		MFD_CLOEXEC MFD_ALLOW_SEALING MFD_NOEXEC_SEAL; before Linux
 *				6.3, which does not know it, again without the last
 *	read, write, fcntl	F_ADD_SEALS
 *	openat			"/proc/self/fd/N": O_RDONLY O_CLOEXEC, by MMDB_open()
 *	mmap, munmap, close	PROT_READ of the memfd, MAP_PRIVATE and MAP_SHARED
 *	brk, mmap, munmap	of malloc(3): PROT_READ PROT_WRITE, MAP_PRIVATE MAP_ANONYMOUS
 *
 * Landlock must leave the directory that the path ends in readable, and the one that a link there
 * leads to; /proc/self/fd needs no rule, since memfds are outside of any file system that Landlock
 * knows. geoip_country() and geoip_asn() make no system calls and take no memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

#include "geoip/geoip_record.h"

#define GEOIP_TYPE_BYTES 65 /* database_type, at most, with the zero */

enum geoip_kind {
	GEOIP_COUNTRY, /* -geoip.country-database */
	GEOIP_ASN,     /* -geoip.asn-database */
	GEOIP_KINDS,
};

struct geoip_database;

/* What there is to show of a database. Counters only grow. */
struct geoip_status {
	uint64_t generation;  /* 1 for the first file, one more for each that took its place */
	uint64_t build_epoch; /* seconds since 1970, before the year 10000 */
	uint64_t lookups[GEOIP_RESULTS];
	uint64_t reloads; /* files that took the place of another */
	uint64_t reload_failures;
	char type[GEOIP_TYPE_BYTES]; /* database_type, printable ASCII, '_' for any other byte */
};

/**
 * geoip_read() - Copy a database into memory
 * @path:	Any vendor's .mmdb file; the same one may serve both kinds
 * @ret_database: To be opened with geoip_open(), freed with geoip_close()
 * @ret_reason:	Filled on failure: one line with the path, what is wrong and what to do about it
 *
 * Nothing in the file is looked at, so privileges may still be held. A file that only a privileged
 * user can read can't be reloaded later, though.
 *
 * Return: 0, -ENOMEM, -EISDIR, -EINVAL for a FIFO, a socket or a device, -EBADMSG for an empty
 * file, -EFBIG for one of more than 1 GiB, -EAGAIN if it was written to meanwhile, or what a system
 * call says
 */
int geoip_read(enum geoip_kind kind, const char *path, struct geoip_database **ret_database,
	       struct reason *ret_reason);

/**
 * geoip_open() - Check what geoip_read() copied, and use it
 * @ret_reason:	As for geoip_read()
 *
 * To be called without privileges: this is where the content is first looked at.
 *
 * Return: 0, -EBADMSG if the file is damaged or not a MaxMind DB, -ENODATA if it is one in which no
 * record has a country or an AS number, -ENOMEM, or what a system call says
 */
int geoip_open(struct geoip_database *database, struct reason *ret_reason);

void geoip_close(struct geoip_database *database);

static inline void geoip_closep(struct geoip_database **database)
{
	geoip_close(*database);
}

/**
 * geoip_country() - Country of an address
 * @address:	Network byte order, IPv4 as ::ffff:a.b.c.d; below a prefix of NAT64, 64:ff9b::/96 or
 *		64:ff9b:1::/48, the IPv4 address in it is looked up
 * @ret_country: Filled in any case: two letters A to Z; "ZZ" unless the result is GEOIP_FOUND
 *
 * The database must be of kind GEOIP_COUNTRY, and geoip_open() must have succeeded.
 */
enum geoip_result geoip_country(struct geoip_database *database, const uint8_t address[static 16],
				char ret_country[static GEOIP_COUNTRY_BYTES]);

/**
 * geoip_asn() - AS number of an address
 * @ret_asn:	Filled in any case: 0 unless the result is GEOIP_FOUND
 *
 * As geoip_country(), for GEOIP_ASN.
 */
enum geoip_result geoip_asn(struct geoip_database *database, const uint8_t address[static 16],
			    uint32_t *ret_asn);

/**
 * geoip_changed() - Whether there is a new file to load; to be asked each minute or so
 *
 * Compares what stat(2) says with the file in use. A file must look the same in two calls in a row,
 * so that none is taken while it is being written, and one that was refused is not new again until
 * it is touched.
 *
 * System calls: newfstatat.
 */
bool geoip_changed(struct geoip_database *database);

/**
 * geoip_reload_step() - Go on with loading the file again, or start to
 * @ret_reason:	As for geoip_read()
 *
 * Each call takes a few milliseconds, whatever the file holds, as long as the disk is not slower.
 *
 * Return: 1 if there is more to do, 0 when the new file took the place of the old one, or what
 * geoip_read() or geoip_open() return for a file that can't be used: the old one stays in use
 */
int geoip_reload_step(struct geoip_database *database, struct reason *ret_reason);

/**
 * geoip_status() - What there is to show; valid until geoip_close()
 */
const struct geoip_status *geoip_status(const struct geoip_database *database);
