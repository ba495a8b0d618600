/* SPDX-License-Identifier: MIT */
/* The keys of the web configuration file: users, headers, rate limit */
#include "web/config/keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "web/config/duration.h"
#include "web/config/keys_tls.h"
#include "web/config/take.h"

static int take_header(struct reader *reader, const struct reader_rule *rule,
		       const struct reader_scalar *entry, const struct reader_scalar *value)
{
	/* In the order of header_rules */
	static const char *const allowed[WEBCONFIG_HEADERS][2] = {
		{ NULL }, { "nosniff" }, { "deny", "sameorigin" }, { NULL }, { NULL },
	};
	struct web_header *header = reader_field(reader, rule);
	const char *const *values = allowed[header - reader->config->headers];

	(void)entry;
	if (values[0] && strcmp(values[0], value->text) &&
	    (!values[1] || strcmp(values[1], value->text)))
		return reader_fault(reader, value->line,
				    "\"%.*s\" is not a value of this header; write %s%s%s",
				    READER_SHOWN, value->text, values[0], values[1] ? " or " : "",
				    values[1] ? values[1] : "");
	for (size_t i = 0; i < value->bytes; i++)
		if (iscntrl((unsigned char)value->text[i]))
			return reader_fault(reader, value->line,
					    "a line break or another control character; "
					    "write the value on one line");
	if (!value->bytes)
		return 0;
	header->name = rule->key;
	header->value = reader_store(reader->config, value->text, value->bytes);

	return header->value ? 0 : take_no_room(reader, value->line);
}

/* What crypt_r() would not take for bcrypt it takes for DES, and a hash that is cut can match
 * nothing; so every character counts.
 */
static bool bcrypt_hash(const char *hash, size_t bytes, unsigned *ret_cost)
{
	static const char alphabet[] =
		"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	if (bytes != WEBCONFIG_HASH_BYTES || hash[0] != '$' || hash[1] != '2' ||
	    !strchr("aby", hash[2]) || hash[3] != '$' || hash[4] < '0' || hash[4] > '3' ||
	    hash[5] < '0' || hash[5] > '9' || hash[6] != '$' ||
	    strspn(hash + 7, alphabet) != WEBCONFIG_HASH_BYTES - 7)
		return false;
	*ret_cost = (unsigned)(hash[4] - '0') * 10 + (unsigned)(hash[5] - '0');

	return *ret_cost >= 4 && *ret_cost <= 31;
}

static int take_user(struct reader *reader, const struct reader_rule *rule,
		     const struct reader_scalar *entry, const struct reader_scalar *value)
{
	struct web_config *config = reader->config;
	struct web_user *user = config->users + config->user_count;
	unsigned cost;

	(void)rule;
	if (entry->bytes > WEBCONFIG_USER_BYTES)
		return reader_fault(reader, entry->line, "a name of more than %u bytes; shorten it",
				    WEBCONFIG_USER_BYTES);
	if (strchr(entry->text, ':'))
		return reader_fault(reader, entry->line,
				    "a name with a colon can't log in (RFC 7617, 2); take it out");
	for (unsigned i = 0; i < config->user_count; i++)
		if (!strcmp(config->users[i].name.text, entry->text))
			return reader_fault(reader, entry->line, "given twice; keep one of them");
	if (!bcrypt_hash(value->text, value->bytes, &cost))
		return reader_fault(reader, value->line,
				    "not a bcrypt hash; write what htpasswd -nBC 10 prints after "
				    "the colon");
	if (cost > WEBCONFIG_BCRYPT_MAX)
		return reader_fault(
			reader, value->line,
			"bcrypt cost %u takes too long; write a hash of cost %u or less", cost,
			WEBCONFIG_BCRYPT_MAX);
	if (config->user_count == ARRAY_LENGTH(config->users))
		return take_too_many(reader, entry->line, ARRAY_LENGTH(config->users));
	user->name.line = entry->line;
	user->name.text = reader_store(config, entry->text, entry->bytes);
	user->hash = reader_store(config, value->text, value->bytes);
	config->user_count++;
	if (config->bcrypt_cost < cost)
		config->bcrypt_cost = cost;

	return user->name.text && user->hash ? 0 : take_no_room(reader, value->line);
}

static int take_interval(struct reader *reader, const struct reader_rule *rule,
			 const struct reader_scalar *entry, const struct reader_scalar *value)
{
	(void)rule;
	(void)entry;
	if (duration_parse(value->text, &reader->config->rate_interval_ns))
		return reader_fault(
			reader, value->line,
			"\"%.*s\" is not a duration; write a number and a unit, like 100ms "
			"or 1s, or 0 for no limit",
			READER_SHOWN, value->text);

	return 0;
}

static int take_burst(struct reader *reader, const struct reader_rule *rule,
		      const struct reader_scalar *entry, const struct reader_scalar *value)
{
	(void)rule;
	(void)entry;
	if (!value->bytes || value->bytes > 9 || strspn(value->text, "0123456789") != value->bytes)
		return reader_fault(reader, value->line,
				    "\"%.*s\" is not a number of requests; write one, like 5",
				    READER_SHOWN, value->text);
	reader->config->rate_burst = strtoull(value->text, NULL, 10);

	return 0;
}

#define FIELD(field_) offsetof(struct web_config, field_)

/* exporter-toolkit has these five and no other, so that exporters stay alike. */
static const struct reader_rule header_rules[] = {
	{ "Strict-Transport-Security", READER_TEXT, FIELD(headers[0]), take_header, NULL },
	{ "X-Content-Type-Options", READER_TEXT, FIELD(headers[1]), take_header, NULL },
	{ "X-Frame-Options", READER_TEXT, FIELD(headers[2]), take_header, NULL },
	{ "X-XSS-Protection", READER_TEXT, FIELD(headers[3]), take_header, NULL },
	{ "Content-Security-Policy", READER_TEXT, FIELD(headers[4]), take_header, NULL },
	{ .key = NULL },
};

static const struct reader_rule http_rules[] = {
	{ "http2", READER_SCALAR, FIELD(http2), take_bool, NULL },
	{ "headers", READER_MAPPING, FIELD(header_line), NULL, header_rules },
	{ .key = NULL },
};

static const struct reader_rule rate_rules[] = {
	{ "interval", READER_SCALAR, FIELD(rate_interval_ns), take_interval, NULL },
	{ "burst", READER_SCALAR, FIELD(rate_burst), take_burst, NULL },
	{ .key = NULL },
};

const struct reader_rule keys_rules[] = {
	{ "tls_server_config", READER_MAPPING, FIELD(tls.line), NULL, keys_tls_rules },
	{ "http_server_config", READER_MAPPING, FIELD(http_line), NULL, http_rules },
	{ "basic_auth_users", READER_ENTRIES, FIELD(users), take_user, NULL },
	{ "rate_limit", READER_MAPPING, FIELD(rate_line), NULL, rate_rules },
	{ .key = NULL },
};

int keys_check(struct reader *reader)
{
	const struct web_config *config = reader->config;

	if (config->rate_interval_ns && !config->rate_burst) {
		reader->keys[0] = "rate_limit";
		reader->keys[1] = "burst";
		reader->depth = 2;
		return reader_fault(reader, config->rate_line,
				    "missing or 0, so that no request would be served; write 1 or "
				    "more");
	}

	return keys_tls_check(reader);
}
