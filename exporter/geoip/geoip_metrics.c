/* SPDX-License-Identifier: MIT */
/* The metrics of the GeoIP databases */
#include "geoip/geoip_metrics.h"

#include "geoip/databases.h"
#include "metrics/sample.h"

typedef void write_database(struct text *text, const struct family *family, const char *kind,
			    const struct geoip_status *status);

/* Those that were given, one after the other */
static void each(struct text *text, const struct family *family, const void *source,
		 write_database *write)
{
	static const char *const names[GEOIP_KINDS] = {
		[GEOIP_COUNTRY] = "country", [GEOIP_ASN] = "asn"
	};
	const struct databases *databases = source;

	for (unsigned kind = 0; kind < GEOIP_KINDS; kind++)
		if (databases->database[kind])
			write(text, family, names[kind], geoip_status(databases->database[kind]));
}

static void database_built(struct text *text, const struct family *family, const char *kind,
			   const struct geoip_status *status)
{
	sample_label(text, family, "database", kind);
	sample_end(text, status->build_epoch);
}

static void database_info(struct text *text, const struct family *family, const char *kind,
			  const struct geoip_status *status)
{
	sample_label(text, family, "database", kind);
	text_string(text, ",type=\"");
	for (const char *c = status->type; *c != '\0'; c++)
		text_bytes(text, *c == '"' || *c == '\\' ? "_" : c, 1);
	text_string(text, "\"");
	sample_end(text, 1);
}

static void by_result(struct text *text, const struct family *family, const char *kind,
		      const char *result, uint64_t number)
{
	sample_label(text, family, "database", kind);
	sample_next_label(text, "result", result);
	sample_end(text, number);
}

static void database_reloads(struct text *text, const struct family *family, const char *kind,
			     const struct geoip_status *status)
{
	by_result(text, family, kind, "success", status->reloads);
	by_result(text, family, kind, "failure", status->reload_failures);
}

static void database_lookups(struct text *text, const struct family *family, const char *kind,
			     const struct geoip_status *status)
{
	by_result(text, family, kind, "found", status->lookups[GEOIP_FOUND]);
	by_result(text, family, kind, "unmapped", status->lookups[GEOIP_UNMAPPED]);
	by_result(text, family, kind, "error", status->lookups[GEOIP_ERROR]);
}

static void write_built(struct text *text, const struct family *family, const void *source)
{
	each(text, family, source, database_built);
}

static void write_info(struct text *text, const struct family *family, const void *source)
{
	each(text, family, source, database_info);
}

static void write_reloads(struct text *text, const struct family *family, const void *source)
{
	each(text, family, source, database_reloads);
}

static void write_lookups(struct text *text, const struct family *family, const void *source)
{
	each(text, family, source, database_lookups);
}

static size_t most(const void *source)
{
	(void)source;
	return (size_t)GEOIP_KINDS * GEOIP_RESULTS;
}

static const struct family_shape built = { write_built, most };
static const struct family_shape info = { write_info, most };
static const struct family_shape reloads = { write_reloads, most };
static const struct family_shape lookups = { write_lookups, most };

const struct family geoip_metrics_families[] = {
	{ "dnstt_geoip_database_build_timestamp_seconds", GAUGE,
	  "When the database in use was built, as it says.", &built, 0 },
	{ "dnstt_geoip_database_info", GAUGE, "Type of the database in use; always 1.", &info, 0 },
	{ "dnstt_geoip_reloads", COUNTER, "Databases reloaded or refused.", &reloads, 0 },
	{ "dnstt_geoip_lookups", COUNTER,
	  "Addresses looked up; a small cache answers most of them.", &lookups, 0 },
	{ 0 },
};
