/* SPDX-License-Identifier: MIT */
/* Samples of the metric families that are about GeoIP databases */
#include "metrics/families_geoip.h"

#include "geoip/geoip.h"
#include "metrics/exposition.h"
#include "metrics/sample.h"

typedef void database_samples(struct text *text, const struct family *family, const char *kind,
			      const struct geoip_status *status);

/* Those that were given, one after the other */
static void each(struct text *text, const struct family *family,
		 const struct exposition *exposition, database_samples *samples)
{
	if (exposition->country)
		samples(text, family, "country", geoip_status(exposition->country));
	if (exposition->asn)
		samples(text, family, "asn", geoip_status(exposition->asn));
}

static void built(struct text *text, const struct family *family, const char *kind,
		  const struct geoip_status *status)
{
	sample_label(text, family, "database", kind);
	sample_end(text, status->build_epoch);
}

static void info(struct text *text, const struct family *family, const char *kind,
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

static void reloads(struct text *text, const struct family *family, const char *kind,
		    const struct geoip_status *status)
{
	by_result(text, family, kind, "success", status->reloads);
	by_result(text, family, kind, "failure", status->reload_failures);
}

static void lookups(struct text *text, const struct family *family, const char *kind,
		    const struct geoip_status *status)
{
	by_result(text, family, kind, "found", status->lookups[GEOIP_FOUND]);
	by_result(text, family, kind, "unmapped", status->lookups[GEOIP_UNMAPPED]);
	by_result(text, family, kind, "error", status->lookups[GEOIP_ERROR]);
}

void families_geoip_built(struct text *text, const struct family *family,
			  const struct exposition *exposition)
{
	each(text, family, exposition, built);
}

void families_geoip_info(struct text *text, const struct family *family,
			 const struct exposition *exposition)
{
	each(text, family, exposition, info);
}

void families_geoip_reloads(struct text *text, const struct family *family,
			    const struct exposition *exposition)
{
	each(text, family, exposition, reloads);
}

void families_geoip_lookups(struct text *text, const struct family *family,
			    const struct exposition *exposition)
{
	each(text, family, exposition, lookups);
}
