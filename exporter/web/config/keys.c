/* SPDX-License-Identifier: MIT */
/* The keys of the web configuration file: users, headers, rate limit, and what all keys share */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "web/config/reader.h"

int web_no_room(struct web_reader *reader, unsigned line)
{
	return web_fault(reader, line, "too much text in this file; write less into it");
}

int web_too_many(struct web_reader *reader, unsigned line, unsigned most)
{
	return web_fault(reader, line, "more than %u; remove some", most);
}

/* An empty string is as good as none, as in exporter-toolkit. */
int web_take_text(struct web_reader *reader, const struct web_rule *rule,
		  const struct web_scalar *entry, const struct web_scalar *value)
{
	struct web_value *field = web_field(reader, rule);

	(void)entry;
	if (!value->bytes)
		return 0;
	field->text = web_store(reader->config, value->text, value->bytes);
	field->line = value->line;

	return field->text ? 0 : web_no_room(reader, value->line);
}

/* A relative name starts from the folder of the configuration file. */
int web_take_path(struct web_reader *reader, const struct web_rule *rule,
		  const struct web_scalar *entry, const struct web_scalar *value)
{
	struct web_config *config = reader->config;
	const char *slash = strrchr(config->path, '/');
	size_t folder = slash ? (size_t)(slash - config->path) + 1 : 0;
	char *path = config->pool + config->pool_used;

	if (!value->bytes || *value->text == '/' || !folder)
		return web_take_text(reader, rule, entry, value);
	if (!web_store(config, config->path, folder))
		return web_no_room(reader, value->line);
	config->pool_used--; /* the name goes over the NUL */
	if (!web_store(config, value->text, value->bytes))
		return web_no_room(reader, value->line);
	*(struct web_value *)web_field(reader, rule) =
		(struct web_value){ .text = path, .line = value->line };

	return 0;
}

/* YAML 1.1 booleans, as Go's yaml.v2 has them */
int web_take_bool(struct web_reader *reader, const struct web_rule *rule,
		  const struct web_scalar *entry, const struct web_scalar *value)
{
	static const char *const words[] = {
		"true",	 "True",  "TRUE",  "yes", "Yes", "YES", "on",  "On",  "ON",  "y", "Y",
		"false", "False", "FALSE", "no",  "No",	 "NO",	"off", "Off", "OFF", "n", "N",
	};

	(void)entry;
	for (unsigned i = 0; i < ARRAY_LENGTH(words) && value->plain; i++)
		if (!strcmp(words[i], value->text)) {
			*(bool *)web_field(reader, rule) = i < ARRAY_LENGTH(words) / 2;
			return 0;
		}

	return web_fault(reader, value->line, "\"%.*s\" is no boolean; write true or false",
			 WEB_SHOWN, value->text);
}

static int take_header(struct web_reader *reader, const struct web_rule *rule,
		       const struct web_scalar *entry, const struct web_scalar *value)
{
	/* In the order of header_rules */
	static const char *const allowed[WEBCONFIG_HEADERS][2] = {
		{ NULL }, { "nosniff" }, { "deny", "sameorigin" }, { NULL }, { NULL },
	};
	struct web_header *header = web_field(reader, rule);
	const char *const *values = allowed[header - reader->config->headers];

	(void)entry;
	if (values[0] && strcmp(values[0], value->text) &&
	    (!values[1] || strcmp(values[1], value->text)))
		return web_fault(reader, value->line,
				 "\"%.*s\" is no value of this header; write %s%s%s", WEB_SHOWN,
				 value->text, values[0], values[1] ? " or " : "",
				 values[1] ? values[1] : "");
	for (size_t i = 0; i < value->bytes; i++)
		if (iscntrl((unsigned char)value->text[i]))
			return web_fault(reader, value->line,
					 "a line break or another control character; "
					 "write the value on one line");
	if (!value->bytes)
		return 0;
	header->name = rule->key;
	header->value = web_store(reader->config, value->text, value->bytes);

	return header->value ? 0 : web_no_room(reader, value->line);
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

static int take_user(struct web_reader *reader, const struct web_rule *rule,
		     const struct web_scalar *entry, const struct web_scalar *value)
{
	struct web_config *config = reader->config;
	struct web_user *user = config->users + config->user_count;
	unsigned cost;

	(void)rule;
	if (entry->bytes > WEBCONFIG_USER_BYTES)
		return web_fault(reader, entry->line, "a name of more than %u bytes; shorten it",
				 WEBCONFIG_USER_BYTES);
	if (strchr(entry->text, ':'))
		return web_fault(reader, entry->line,
				 "a name with a colon can't log in (RFC 7617, 2); take it out");
	for (unsigned i = 0; i < config->user_count; i++)
		if (!strcmp(config->users[i].name.text, entry->text))
			return web_fault(reader, entry->line, "given twice; keep one of them");
	if (!bcrypt_hash(value->text, value->bytes, &cost))
		return web_fault(reader, value->line,
				 "not a bcrypt hash; write what htpasswd -nBC 10 prints after "
				 "the colon");
	if (cost > WEBCONFIG_BCRYPT_MAX)
		return web_fault(reader, value->line,
				 "bcrypt cost %u takes too long; write a hash of cost %u or less",
				 cost, WEBCONFIG_BCRYPT_MAX);
	if (config->user_count == ARRAY_LENGTH(config->users))
		return web_too_many(reader, entry->line, ARRAY_LENGTH(config->users));
	user->name.line = entry->line;
	user->name.text = web_store(config, entry->text, entry->bytes);
	user->hash = web_store(config, value->text, value->bytes);
	config->user_count++;
	if (config->bcrypt_cost < cost)
		config->bcrypt_cost = cost;

	return user->name.text && user->hash ? 0 : web_no_room(reader, value->line);
}

static int take_interval(struct web_reader *reader, const struct web_rule *rule,
			 const struct web_scalar *entry, const struct web_scalar *value)
{
	(void)rule;
	(void)entry;
	if (web_duration(value->text, &reader->config->rate_interval_ns))
		return web_fault(reader, value->line,
				 "\"%.*s\" is no duration; write a number and a unit, like 100ms "
				 "or 1s, or 0 for no limit",
				 WEB_SHOWN, value->text);

	return 0;
}

static int take_burst(struct web_reader *reader, const struct web_rule *rule,
		      const struct web_scalar *entry, const struct web_scalar *value)
{
	(void)rule;
	(void)entry;
	if (!value->bytes || value->bytes > 9 || strspn(value->text, "0123456789") != value->bytes)
		return web_fault(reader, value->line,
				 "\"%.*s\" is no number of requests; write one, like 5", WEB_SHOWN,
				 value->text);
	reader->config->rate_burst = strtoull(value->text, NULL, 10);

	return 0;
}

#define FIELD(field_) offsetof(struct web_config, field_)

/* exporter-toolkit has these five and no other, so that exporters stay alike. */
static const struct web_rule header_rules[] = {
	{ "Strict-Transport-Security", WEB_TEXT, FIELD(headers[0]), take_header, NULL },
	{ "X-Content-Type-Options", WEB_TEXT, FIELD(headers[1]), take_header, NULL },
	{ "X-Frame-Options", WEB_TEXT, FIELD(headers[2]), take_header, NULL },
	{ "X-XSS-Protection", WEB_TEXT, FIELD(headers[3]), take_header, NULL },
	{ "Content-Security-Policy", WEB_TEXT, FIELD(headers[4]), take_header, NULL },
	{ .key = NULL },
};

static const struct web_rule http_rules[] = {
	{ "http2", WEB_SCALAR, FIELD(http2), web_take_bool, NULL },
	{ "headers", WEB_MAPPING, FIELD(header_line), NULL, header_rules },
	{ .key = NULL },
};

static const struct web_rule rate_rules[] = {
	{ "interval", WEB_SCALAR, FIELD(rate_interval_ns), take_interval, NULL },
	{ "burst", WEB_SCALAR, FIELD(rate_burst), take_burst, NULL },
	{ .key = NULL },
};

const struct web_rule web_rules[] = {
	{ "tls_server_config", WEB_MAPPING, FIELD(tls.line), NULL, web_tls_rules },
	{ "http_server_config", WEB_MAPPING, FIELD(http_line), NULL, http_rules },
	{ "basic_auth_users", WEB_ENTRIES, FIELD(users), take_user, NULL },
	{ "rate_limit", WEB_MAPPING, FIELD(rate_line), NULL, rate_rules },
	{ .key = NULL },
};

int web_check(struct web_reader *reader)
{
	const struct web_config *config = reader->config;

	if (config->rate_interval_ns && !config->rate_burst) {
		reader->keys[0] = "rate_limit";
		reader->keys[1] = "burst";
		reader->depth = 2;
		return web_fault(reader, config->rate_line,
				 "missing or 0, so that no request would be served; write 1 or "
				 "more");
	}

	return web_check_tls(reader);
}
