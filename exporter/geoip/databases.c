/* SPDX-License-Identifier: MIT */
/* The GeoIP databases of the command line */
#include "geoip/databases.h"

#include "base/log.h"

static const char *const names[GEOIP_KINDS] = { [GEOIP_COUNTRY] = "country", [GEOIP_ASN] = "asn" };

int databases_read(struct databases *ret_databases, const char *const paths[GEOIP_KINDS],
		   struct reason *ret_reason)
{
	*ret_databases = (struct databases){ 0 };
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		int failed = 0;

		if (paths[kind])
			failed = geoip_read((enum geoip_kind)kind, paths[kind],
					    &ret_databases->database[kind], ret_reason);
		if (failed)
			return failed;
	}
	return 0;
}

static void log_loaded(unsigned kind, const struct geoip_database *database, const char *message)
{
	const struct geoip_status *status = geoip_status(database);

	log_line(LOG_INFO, message, LOG_TEXT("database", names[kind]),
		 LOG_TEXT("type", status->type), LOG_NUMBER("build_epoch", status->build_epoch));
}

int databases_open(struct databases *databases, struct reason *ret_reason)
{
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		struct geoip_database *database = databases->database[kind];
		int failed = database ? geoip_open(database, ret_reason) : 0;

		if (failed)
			return failed;
		if (database)
			log_loaded(kind, database, "GeoIP database is loaded");
	}
	return 0;
}

void databases_close(struct databases *databases)
{
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++)
		if (databases->database[kind])
			geoip_close(databases->database[kind]);
	*databases = (struct databases){ 0 };
}

void databases_reload(struct databases *databases)
{
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++)
		databases->wanted[kind] = databases->database[kind];
}

/* Return: true if a load is under way. One that is asked for meanwhile waits for the end of it: the
 * file may have been replaced after it was opened.
 */
static bool begin(struct databases *databases, unsigned kind)
{
	if (!databases->loading[kind] && databases->wanted[kind]) {
		databases->loading[kind] = true;
		databases->wanted[kind] = false;
	}
	return databases->loading[kind];
}

bool databases_run(struct databases *databases, uint64_t now_ns, bool *ret_replaced)
{
	bool poll = now_ns >= databases->next_poll_ns, more = false;
	struct reason reason;

	*ret_replaced = false;
	if (poll)
		databases->next_poll_ns = now_ns + DATABASES_POLL_NS;
	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++) {
		struct geoip_database *database = databases->database[kind];
		int result;

		if (poll && database && geoip_changed(database))
			databases->wanted[kind] = true;
		if (!begin(databases, kind))
			continue;
		result = geoip_reload_step(database, &reason);
		databases->loading[kind] = result > 0;
		more |= result > 0 || databases->wanted[kind];
		if (result < 0)
			log_line(LOG_WARN,
				 "GeoIP database was not replaced; the old one stays in use",
				 LOG_TEXT("database", names[kind]),
				 LOG_TEXT("reason", reason.text));
		if (result != 0)
			continue;
		*ret_replaced = true;
		log_loaded(kind, database, "GeoIP database was replaced");
	}
	return more;
}
