/* SPDX-License-Identifier: MIT */
/* The metrics of -web.config.file */
#include "web/web_metrics.h"

#include "metrics/sample.h"

static void write_reloads(struct text *text, const struct family *family, const void *source)
{
	const struct web_metrics *metrics = source;

	sample_label(text, family, "result", "success");
	sample_end(text, metrics->reloads);
	sample_label(text, family, "result", "failure");
	sample_end(text, metrics->reload_failures);
}

static size_t most_reloads(const void *source)
{
	(void)source;
	return 2;
}

static void write_expiry(struct text *text, const struct family *family, const void *source)
{
	const struct web_metrics *metrics = source;

	if (metrics->certificate_expiry == 0)
		return;
	sample_name(text, family);
	sample_value(text, metrics->certificate_expiry);
}

static const struct family_shape by_result = { write_reloads, most_reloads };
static const struct family_shape expiry = { write_expiry, NULL };

const struct family web_metrics_families[] = {
	{ "dnstt_exporter_web_config_reloads", COUNTER,
	  "Times that the web configuration was reloaded, or refused.", &by_result, 0 },
	{ "dnstt_exporter_tls_certificate_expiry_timestamp_seconds", GAUGE,
	  "When the certificate in use expires.", &expiry, 0 },
	{ 0 },
};
