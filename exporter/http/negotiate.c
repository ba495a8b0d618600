/* SPDX-License-Identifier: MIT */
/* Which exposition format and which coding a client gets (RFC 9110, 12.5) */
#include "http/negotiate.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

const char *const negotiate_content_type[EXPOSITION_FORMATS] = {
	[TEXT_0_0_4] = "text/plain; version=0.0.4; charset=utf-8",
	[OPENMETRICS_1_0_0] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

#define QUALITY_ONE 1000

/* A part of a header, without the spaces around it */
struct span {
	const char *text;
	size_t bytes;
};

/* One member of the list, like "text/plain;version=0.0.4;q=0.5" */
struct member {
	struct span range;   /* up to the first ; */
	struct span version; /* text NULL: none */
	unsigned quality;    /* thousandths; 0: not acceptable */
};

/* What the ranges have said of one format so far */
struct wish {
	unsigned specificity; /* 0: nothing yet */
	unsigned quality;
	size_t named_at; /* number of the first member that named it without a wildcard */
};

static bool equal(struct span span, const char *text)
{
	return span.bytes == strlen(text) && !strncasecmp(span.text, text, span.bytes);
}

static struct span trim(struct span span)
{
	while (span.bytes && (*span.text == ' ' || *span.text == '\t')) {
		span.text++;
		span.bytes--;
	}
	while (span.bytes &&
	       (span.text[span.bytes - 1] == ' ' || span.text[span.bytes - 1] == '\t'))
		span.bytes--;

	return span;
}

/* Up to a separator that is outside of quoted strings, or to the end; *text is moved behind it */
static struct span next(const char **text, const char *end, const char *separators)
{
	const char *start = *text;
	const char *at = start;
	bool quoted = false;

	for (; at < end && (quoted || !strchr(separators, *at)); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\' && at + 1 < end)
			at++;
	}
	*text = at;

	return trim((struct span){ start, (size_t)(at - start) });
}

/* weight: 1, 1.000, 0, 0.5 or 0.125 (RFC 9110, 12.4.2); what is none of these counts as 0. Digits
 * after the third are passed over.
 */
static unsigned quality_of(struct span span)
{
	unsigned quality = 0;
	unsigned place = QUALITY_ONE;

	if (!span.bytes || (span.bytes > 1 && span.text[1] != '.'))
		return 0;
	for (size_t i = 0; i < span.bytes; i++) {
		if (i == 1)
			continue;
		if (span.text[i] < '0' || span.text[i] > '9')
			return 0;
		quality += (unsigned)(span.text[i] - '0') * place;
		place /= 10;
	}

	return quality <= QUALITY_ONE ? quality : 0;
}

static struct span unquote(struct span span)
{
	if (span.bytes >= 2 && *span.text == '"' && span.text[span.bytes - 1] == '"') {
		span.text++;
		span.bytes -= 2;
	}

	return span;
}

/* Read one member; *text is moved to the comma behind it, or to the end */
static struct member next_member(const char **text, const char *end)
{
	struct member member = { .range = next(text, end, ";,"), .quality = QUALITY_ONE };

	while (*text < end && **text == ';') {
		struct span name;
		struct span value = { 0 };

		(*text)++;
		name = next(text, end, "=;,");
		if (*text < end && **text == '=') {
			(*text)++;
			value = unquote(next(text, end, ";,"));
		}
		if (equal(name, "q"))
			member.quality = quality_of(value);
		else if (equal(name, "version"))
			member.version = value;
	}

	return member;
}

static void wish_for(struct wish *wish, unsigned specificity, unsigned quality, size_t number)
{
	if (specificity > 2 && number < wish->named_at)
		wish->named_at = number;
	if (!specificity || specificity < wish->specificity ||
	    (specificity == wish->specificity && quality <= wish->quality))
		return;
	wish->specificity = specificity;
	wish->quality = quality;
}

/* How exactly a member means a format: 4 with its version, 3 by its type, 2 and 1 by wildcards,
 * 0 not at all
 */
static unsigned specificity_of(const struct member *member, const char *type, const char *group,
			       const char *version)
{
	if (equal(member->range, "*/*"))
		return 1;
	if (equal(member->range, group))
		return 2;
	if (!equal(member->range, type))
		return 0;
	if (!member->version.text)
		return 3;

	return equal(member->version, version) ? 4 : 0;
}

enum exposition_format negotiate_format(const char *const *accept, size_t count)
{
	static const struct {
		const char *type;
		const char *group;
		const char *version;
	} formats[EXPOSITION_FORMATS] = {
		[TEXT_0_0_4] = { "text/plain", "text/*", "0.0.4" },
		[OPENMETRICS_1_0_0] = { "application/openmetrics-text", "application/*", "1.0.0" },
	};
	struct wish wishes[EXPOSITION_FORMATS];
	const struct wish *text = wishes + TEXT_0_0_4;
	const struct wish *openmetrics = wishes + OPENMETRICS_1_0_0;
	size_t number = 0;

	for (unsigned i = 0; i < EXPOSITION_FORMATS; i++)
		wishes[i] = (struct wish){ .named_at = SIZE_MAX };
	for (size_t i = 0; i < count; i++) {
		const char *at = accept[i];
		const char *end = at + strlen(at);

		for (; at < end; at += at < end, number++) {
			struct member member = next_member(&at, end);

			for (unsigned j = 0; j < EXPOSITION_FORMATS; j++)
				wish_for(wishes + j,
					 specificity_of(&member, formats[j].type, formats[j].group,
							formats[j].version),
					 member.quality, number);
		}
	}
	if (openmetrics->quality != text->quality)
		return openmetrics->quality > text->quality ? OPENMETRICS_1_0_0 : TEXT_0_0_4;

	return openmetrics->quality && openmetrics->named_at < text->named_at ? OPENMETRICS_1_0_0
									      : TEXT_0_0_4;
}

bool negotiate_gzip(const char *const *accept_encoding, size_t count)
{
	struct wish gzip = { 0 };
	struct wish identity = { 0 };

	for (size_t i = 0; i < count; i++) {
		const char *at = accept_encoding[i];
		const char *end = at + strlen(at);

		for (; at < end; at += at < end) {
			struct member member = next_member(&at, end);

			if (equal(member.range, "gzip") || equal(member.range, "x-gzip"))
				wish_for(&gzip, 2, member.quality, i);
			else if (equal(member.range, "*"))
				wish_for(&gzip, 1, member.quality, i);
			else if (equal(member.range, "identity"))
				wish_for(&identity, 2, member.quality, i);
		}
	}

	return gzip.quality && gzip.quality >= identity.quality;
}
