/* SPDX-License-Identifier: MIT */
/* Taking values that many keys have: text, paths, booleans */
#include "web/config/take.h"

#include <string.h>

#include "base/array.h"

int take_no_room(struct reader *reader, unsigned line)
{
	return reader_fault(reader, line, "too much text in this file; write less into it");
}

int take_too_many(struct reader *reader, unsigned line, unsigned most)
{
	return reader_fault(reader, line, "more than %u; remove some", most);
}

/* An empty string is as good as none, as in exporter-toolkit. */
int take_text(struct reader *reader, const struct reader_rule *rule,
	      const struct reader_scalar *entry, const struct reader_scalar *value)
{
	struct web_value *field = reader_field(reader, rule);

	(void)entry;
	if (!value->bytes)
		return 0;
	field->text = reader_store(reader->config, value->text, value->bytes);
	field->line = value->line;

	return field->text ? 0 : take_no_room(reader, value->line);
}

/* A relative name starts from the folder of the configuration file. */
int take_path(struct reader *reader, const struct reader_rule *rule,
	      const struct reader_scalar *entry, const struct reader_scalar *value)
{
	struct web_config *config = reader->config;
	const char *slash = strrchr(config->path, '/');
	size_t folder = slash ? (size_t)(slash - config->path) + 1 : 0;
	char *path = config->pool + config->pool_used;

	if (!value->bytes || *value->text == '/' || !folder)
		return take_text(reader, rule, entry, value);
	if (!reader_store(config, config->path, folder))
		return take_no_room(reader, value->line);
	config->pool_used--; /* the name goes over the NUL */
	if (!reader_store(config, value->text, value->bytes))
		return take_no_room(reader, value->line);
	*(struct web_value *)reader_field(reader, rule) =
		(struct web_value){ .text = path, .line = value->line };

	return 0;
}

/* YAML 1.1 booleans, as Go's yaml.v2 has them */
int take_bool(struct reader *reader, const struct reader_rule *rule,
	      const struct reader_scalar *entry, const struct reader_scalar *value)
{
	static const char *const words[] = {
		"true",	 "True",  "TRUE",  "yes", "Yes", "YES", "on",  "On",  "ON",  "y", "Y",
		"false", "False", "FALSE", "no",  "No",	 "NO",	"off", "Off", "OFF", "n", "N",
	};

	(void)entry;
	for (unsigned i = 0; i < ARRAY_LENGTH(words) && value->plain; i++)
		if (!strcmp(words[i], value->text)) {
			*(bool *)reader_field(reader, rule) = i < ARRAY_LENGTH(words) / 2;
			return 0;
		}

	return reader_fault(reader, value->line, "\"%.*s\" is not a boolean; write true or false",
			    READER_SHOWN, value->text);
}
