/* SPDX-License-Identifier: MIT */
/* A database file on its way into use: copied, checked, opened, in short steps */
#pragma once

#include <maxminddb.h>
#include <stddef.h>

#include "geoip/geoip.h"
#include "geoip/sealed.h"

/* A file that was found sound, as look-ups need it */
struct geoip_edition {
	MMDB_s mmdb;
	struct file_identity identity; /* of the file when it was opened */
	bool is_open;		       /* mmdb has to be closed */
	char type[GEOIP_TYPE_BYTES];   /* as struct geoip_status has it */
};

void geoip_edition_free(struct geoip_edition *edition);

struct geoip_load;

/**
 * geoip_load_begin() - Open a file to be loaded
 * @path:	Must stay valid until geoip_load_end()
 * @ret_load:	To be freed with geoip_load_end()
 * @ret_reason:	As for geoip_read(); for the same errors
 */
int geoip_load_begin(enum geoip_kind kind, const char *path, struct geoip_load **ret_load,
		     struct reason *ret_reason);

/**
 * geoip_load_copy() - Copy a part of it
 *
 * Return: 1 if there is more to copy, 0 once all of it is, or as geoip_read()
 */
int geoip_load_copy(struct geoip_load *load, struct reason *ret_reason);

/**
 * geoip_load_step() - Copy a part of it, or check one
 * @ret_edition: The file ready for use, on 0; to be freed with geoip_edition_free()
 *
 * Return: 1 if there is more to do, 0, or as geoip_read() and geoip_open()
 */
int geoip_load_step(struct geoip_load *load, struct geoip_edition **ret_edition,
		    struct reason *ret_reason);

void geoip_load_end(struct geoip_load *load);
