/* SPDX-License-Identifier: MIT */
/* A database file on its way into use: copied, checked, opened, in short steps */
#include "geoip/geoip_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "geoip/mmdb_check.h"

#define BUILD_EPOCH_MAX UINT64_C(253402300799) /* the last second that has a date (RFC 3339) */
#define CHECK_STEPS	50000		       /* nodes and values in one geoip_load_step() */

struct geoip_load {
	enum geoip_kind kind;
	const char *path;
	struct sealed sealed;
	bool is_copied;
	void *bytes; /* the copy, mapped for the check */
	size_t size;
	struct mmdb_check *check;
	struct geoip_edition *edition;
	bool is_usable; /* a record has what this kind of database is asked for */
};

static const char *const asked_for[GEOIP_KINDS] = {
	[GEOIP_COUNTRY] = "country",
	[GEOIP_ASN] = "AS number",
};

void geoip_edition_free(struct geoip_edition *edition)
{
	if (edition && edition->is_open)
		MMDB_close(&edition->mmdb);
	free(edition);
}

void geoip_load_end(struct geoip_load *load)
{
	if (!load)
		return;
	mmdb_check_free(load->check);
	geoip_edition_free(load->edition);
	if (load->bytes)
		(void)munmap(load->bytes, load->size);
	sealed_end(&load->sealed);
	free(load);
}

int geoip_load_begin(enum geoip_kind kind, const char *path, struct geoip_load **ret_load,
		     struct reason *ret_reason)
{
	struct geoip_load *load = calloc(1, sizeof(*load));
	struct reason fault;
	int r;

	if (!load)
		return reason_set(ret_reason, -ENOMEM, "cannot read %s: %s", path,
				  strerror(ENOMEM));
	load->kind = kind;
	load->path = path;
	load->sealed = SEALED_EMPTY;
	r = sealed_begin(path, MMDB_BYTES_MAX, &load->sealed, &fault);
	if (r < 0) {
		geoip_load_end(load);
		return reason_set(ret_reason, r, "cannot read %s: %s", path, fault.text);
	}
	*ret_load = load;
	return 0;
}

int geoip_load_copy(struct geoip_load *load, struct reason *ret_reason)
{
	struct reason fault;
	int r;

	if (load->is_copied)
		return 0;
	r = sealed_step(&load->sealed, &fault);
	if (r < 0)
		return reason_set(ret_reason, r, "cannot read %s: %s", load->path, fault.text);
	load->is_copied = r == 0;
	return r;
}

static void note_record(void *context, uint32_t offset)
{
	struct geoip_load *load = context;
	char country[GEOIP_COUNTRY_BYTES];
	uint32_t asn;

	if (load->is_usable)
		return;
	load->is_usable =
		(load->kind == GEOIP_COUNTRY
			 ? geoip_record_country(&load->edition->mmdb, offset, country)
			 : geoip_record_asn(&load->edition->mmdb, offset, &asn)) == GEOIP_FOUND;
}

static int refuse(const struct geoip_load *load, const char *fault, struct reason *ret_reason)
{
	const uint8_t *bytes = load->bytes;
	const char *remedy = "it is damaged, cut short or not a MaxMind DB: fetch it again";

	/* As vendors deliver it */
	if (load->size > 2 && (memcmp(bytes, "\x1f\x8b", 2) == 0 || memcmp(bytes, "PK", 2) == 0)) {
		fault = "it is packed";
		remedy = "unpack it first (gunzip, tar or unzip)";
	}
	return reason_set(ret_reason, -EBADMSG, "cannot use %s: %s; %s", load->path, fault, remedy);
}

/* The library opens files by their path only */
static int open_library(struct geoip_load *load, const struct mmdb_layout *layout,
			struct reason *ret_reason)
{
	MMDB_s *mmdb = &load->edition->mmdb;
	char path[32];
	int status;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", load->sealed.copy);
	status = MMDB_open(path, MMDB_MODE_MMAP, mmdb);
	if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR)
		return reason_set(ret_reason, -errno,
				  "cannot use %s: no way to %s, its copy in memory: %s; /proc must "
				  "be mounted",
				  load->path, path, strerror(errno));
	if (status == MMDB_OUT_OF_MEMORY_ERROR)
		return reason_set(ret_reason, -ENOMEM, "cannot use %s: %s", load->path,
				  strerror(ENOMEM));
	if (status != MMDB_SUCCESS)
		return refuse(load, MMDB_strerror(status), ret_reason);
	load->edition->is_open = true;

	/* What was checked is what the library reads, or nothing was checked */
	if (mmdb->metadata.node_count != layout->node_count ||
	    mmdb->full_record_byte_size != layout->node_bytes ||
	    mmdb->depth != layout->address_bits ||
	    mmdb->data_section - mmdb->file_content != (ptrdiff_t)layout->data_offset)
		return refuse(load, "its metadata can be read in two ways", ret_reason);
	if (mmdb->metadata.build_epoch > BUILD_EPOCH_MAX)
		return refuse(load, "its build_epoch lies beyond the year 9999", ret_reason);
	return 0;
}

static void name_type(struct geoip_edition *edition)
{
	const char *type = edition->mmdb.metadata.database_type;
	size_t i;

	for (i = 0; i < sizeof(edition->type) - 1 && type[i]; i++)
		edition->type[i] = type[i] >= ' ' && type[i] <= '~' ? type[i] : '_';
	edition->type[i] = '\0';
}

static int begin_check(struct geoip_load *load, struct reason *ret_reason)
{
	struct mmdb_layout layout;
	const char *fault;
	void *bytes;
	int r;

	/* Private: before Linux 6.7 a sealed file can't be mapped shared through a descriptor that
	 * could write before it was sealed.
	 */
	load->size = (size_t)load->sealed.done;
	bytes = mmap(NULL, load->size, PROT_READ, MAP_PRIVATE, load->sealed.copy, 0);
	if (bytes == MAP_FAILED)
		return reason_set(ret_reason, -errno, "cannot use %s: mmap: %s", load->path,
				  strerror(errno));
	load->bytes = bytes;
	fault = mmdb_check_metadata(bytes, load->size, &layout);
	if (fault)
		return refuse(load, fault, ret_reason);

	load->edition = calloc(1, sizeof(*load->edition));
	r = load->edition ? 0 : -ENOMEM;
	if (!r)
		r = mmdb_check_new(bytes, &layout, note_record, load, &load->check);
	if (r < 0)
		return reason_set(ret_reason, r, "cannot use %s: %s", load->path, strerror(-r));
	load->edition->identity = load->sealed.identity;
	r = open_library(load, &layout, ret_reason);
	if (r < 0)
		return r;
	name_type(load->edition);
	return 1;
}

int geoip_load_step(struct geoip_load *load, struct geoip_edition **ret_edition,
		    struct reason *ret_reason)
{
	const char *fault;
	int r;

	if (!load->is_copied) {
		r = geoip_load_copy(load, ret_reason);
		return r < 0 ? r : 1;
	}
	if (!load->check)
		return begin_check(load, ret_reason);
	r = mmdb_check_step(load->check, CHECK_STEPS, &fault);
	if (r < 0)
		return refuse(load, fault, ret_reason);
	if (r > 0)
		return r;
	if (!load->is_usable)
		return reason_set(
			ret_reason, -ENODATA,
			"cannot use %s: no record in it has a known %s (its type is %s); name a "
			"database that has one",
			load->path, asked_for[load->kind], load->edition->type);
	*ret_edition = load->edition;
	load->edition = NULL;
	return 0;
}
