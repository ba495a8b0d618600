/* SPDX-License-Identifier: MIT */
/* The web configuration file as YAML: walks libyaml's events along the table of keys */
#include "web/config/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AUTO_EVENT __attribute__((cleanup(yaml_event_delete))) yaml_event_t

static unsigned line_of(const yaml_event_t *event)
{
	return (unsigned)event->start_mark.line + 1;
}

/* What a file of this kind has no use for, though YAML has it */
static const char *refused_syntax(const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	if (event->type == YAML_ALIAS_EVENT)
		return "an alias";
	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
			return "a NUL byte";
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	}

	return anchor ? "an anchor" : tag ? "a tag" : NULL;
}

static int next_event(struct reader *reader, yaml_event_t *ret_event)
{
	yaml_parser_t *parser = reader->parser;
	const char *refused;

	if (!yaml_parser_parse(parser, ret_event)) {
		if (parser->error == YAML_MEMORY_ERROR)
			return -ENOMEM;
		reader->depth = 0;
		return reader_fault(reader, (unsigned)parser->problem_mark.line + 1,
				    "not YAML: %s; look at the indentation, quotes and colons here",
				    parser->problem ? parser->problem : "can't be read");
	}

	refused = refused_syntax(ret_event);
	return refused ? reader_fault(reader, line_of(ret_event), "%s; write the value itself",
				      refused)
		       : 0;
}

static struct reader_scalar scalar_of(const yaml_event_t *event)
{
	return (struct reader_scalar){
		.text = (const char *)event->data.scalar.value,
		.bytes = event->data.scalar.length,
		.line = line_of(event),
		.plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
	};
}

/* Up to the end of a list whose start has been read */
static int read_list(struct reader *reader, const struct reader_rule *rule)
{
	for (;;) {
		AUTO_EVENT event = { 0 };
		struct reader_scalar item;
		int r = next_event(reader, &event);

		if (r < 0 || event.type == YAML_SEQUENCE_END_EVENT)
			return r;
		if (event.type != YAML_SCALAR_EVENT)
			return reader_fault(
				reader, line_of(&event),
				"an item of more than one value; write one after each -");
		item = scalar_of(&event);
		if (reader_is_null(&item))
			return reader_fault(reader, item.line,
					    "an empty item; write a value after -");
		r = rule->take(reader, rule, NULL, &item);
		if (r < 0)
			return r;
	}
}

static int read_mapping(struct reader *reader, const struct reader_rule *rules, unsigned *ret_line);
static int read_entries(struct reader *reader, const struct reader_rule *rule);

/* What stands behind a key */
static int read_value(struct reader *reader, const struct reader_rule *rule)
{
	static const char *const wanted[] = {
		[READER_SCALAR] = "one value after the colon",
		[READER_TEXT] = "one value after the colon",
		[READER_LIST] = "a list, one value after each -",
		[READER_MAPPING] = "keys with their values below it",
		[READER_ENTRIES] = "names with their values below it",
	};
	AUTO_EVENT event = { 0 };
	int r = next_event(reader, &event);

	if (r < 0)
		return r;
	if (event.type == YAML_SCALAR_EVENT) {
		struct reader_scalar value = scalar_of(&event);

		if (reader_is_null(&value) && rule->kind != READER_TEXT)
			return 0;
		if (reader_is_null(&value))
			value = (struct reader_scalar){ .text = "", .line = value.line };
		if (rule->kind == READER_SCALAR || rule->kind == READER_TEXT)
			return rule->take(reader, rule, NULL, &value);
	}
	if (event.type == YAML_SEQUENCE_START_EVENT && rule->kind == READER_LIST) {
		r = rule->take(reader, rule, NULL, NULL);
		return r < 0 ? r : read_list(reader, rule);
	}
	if (event.type == YAML_MAPPING_START_EVENT && rule->kind == READER_MAPPING)
		return read_mapping(reader, rule->child, reader_field(reader, rule));
	if (event.type == YAML_MAPPING_START_EVENT && rule->kind == READER_ENTRIES)
		return read_entries(reader, rule);

	return reader_fault(reader, line_of(&event), "%s; write %s",
			    event.type == YAML_SCALAR_EVENT	      ? "a single value"
			    : event.type == YAML_SEQUENCE_START_EVENT ? "a list"
								      : "keys and values",
			    wanted[rule->kind]);
}

static int unknown_key(struct reader *reader, const struct reader_rule *rules,
		       const struct reader_scalar *key)
{
	char known[512] = "";
	size_t used = 0;

	for (; rules->key && used < sizeof(known); rules++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", rules->key);
	reader->keys[reader->depth++] = key->text;

	return reader_fault(reader, key->line, "unknown key; known here: %s", known);
}

/* Up to the end of a mapping whose start has been read; ret_line is that of its last key */
static int read_mapping(struct reader *reader, const struct reader_rule *rules, unsigned *ret_line)
{
	uint32_t seen = 0;

	for (;;) {
		AUTO_EVENT event = { 0 };
		const struct reader_rule *rule = rules;
		struct reader_scalar key;
		int r = next_event(reader, &event);

		if (r < 0 || event.type == YAML_MAPPING_END_EVENT)
			return r;
		if (event.type != YAML_SCALAR_EVENT)
			return reader_fault(
				reader, line_of(&event),
				"a list or mapping for a key; write a name and a colon");
		key = scalar_of(&event);
		while (rule->key && strcmp(rule->key, key.text))
			rule++;
		if (!rule->key)
			return unknown_key(reader, rules, &key);

		reader->keys[reader->depth++] = rule->key;
		if (seen & 1u << (rule - rules))
			return reader_fault(reader, key.line, "given twice; keep one of them");
		seen |= 1u << (rule - rules);
		*ret_line = key.line;
		r = read_value(reader, rule);
		if (r < 0)
			return r;
		reader->depth--;
	}
}

/* Up to the end of a mapping with any keys */
static int read_entries(struct reader *reader, const struct reader_rule *rule)
{
	for (;;) {
		AUTO_EVENT name_event = { 0 };
		AUTO_EVENT event = { 0 };
		struct reader_scalar name;
		struct reader_scalar value;
		int r = next_event(reader, &name_event);

		if (r < 0 || name_event.type == YAML_MAPPING_END_EVENT)
			return r;
		if (name_event.type != YAML_SCALAR_EVENT)
			return reader_fault(
				reader, line_of(&name_event),
				"a list or mapping for a name; write a name and a colon");
		name = scalar_of(&name_event);
		reader->keys[reader->depth++] = name.text;
		r = next_event(reader, &event);
		if (r < 0)
			return r;
		if (event.type != YAML_SCALAR_EVENT)
			return reader_fault(reader, line_of(&event),
					    "more than one value; write one value after the colon");
		value = scalar_of(&event);
		r = rule->take(reader, rule, &name, &value);
		if (r < 0)
			return r;
		reader->depth--;
	}
}

static int read_root(struct reader *reader, const struct reader_rule *rules)
{
	AUTO_EVENT event = { 0 };
	unsigned line;
	int r = next_event(reader, &event);

	if (r < 0)
		return r;
	if (event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader, rules, &line);
	if (event.type == YAML_SCALAR_EVENT) {
		struct reader_scalar scalar = scalar_of(&event);

		if (reader_is_null(&scalar))
			return 0;
	}

	return reader_fault(reader, line_of(&event),
			    "no keys; write tls_server_config: or another");
}

int yaml_walk(struct reader *reader, const struct reader_rule *rules)
{
	unsigned documents = 0;

	for (;;) {
		AUTO_EVENT event = { 0 };
		int r = next_event(reader, &event);

		if (r < 0 || event.type == YAML_STREAM_END_EVENT)
			return r; /* without a document: an empty file configures nothing */
		if (event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (documents++)
			return reader_fault(reader, line_of(&event),
					    "a second document; only one is read, remove the ---");
		r = read_root(reader, rules);
		if (r < 0)
			return r;
	}
}
