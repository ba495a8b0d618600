/* SPDX-License-Identifier: MIT */
/* -dnstt.domain: a tunnel domain, and which of dnstt's descendants writes to it */
#include "cli/wires.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "base/text.h"
#include "common/config.h"

#define TYPE_TXT  16
#define TYPE_AAAA 28

/* What differs between the servers that carry a session ID in clear. edns_min is the response size
 * that the server insists on (its -mtu, 1232 unless set otherwise).
 */
#define DNSTT_WIRE \
	.id_bytes = 8, .alphabet = ALPHABET_BASE32, .framing = FRAMING_DNSTT, .edns_min = 1232

static const struct wire {
	const char *name;
	const char *server; /* for -help and README */
	struct tunnel tunnel;
} wires[] = {
	{ "dnstt",
	  "dnstt-server and all forks with its wire format",
	  { DNSTT_WIRE, .qtypes = { TYPE_TXT }, .qtype_count = 1 } },
	/* it cuts its labels elsewhere */
	{ "noizdns", "NoizDNS", { DNSTT_WIRE, .qtypes = { TYPE_TXT }, .qtype_count = 1 } },
	{ "dnstt-aaaa",
	  "forks whose clients also poll by AAAA",
	  { DNSTT_WIRE, .qtypes = { TYPE_TXT, TYPE_AAAA }, .qtype_count = 2 } },
	/* -clientid-size and -record-type of vaydns-server are id-bytes and record-type here */
	{ "vaydns",
	  "VayDNS without -dnstt-compat",
	  { .id_bytes = 2,
	    .alphabet = ALPHABET_BASE32,
	    .framing = FRAMING_VAYDNS,
	    .edns_min = 1232,
	    .qtypes = { TYPE_TXT },
	    .qtype_count = 1 } },
	/* its "base36" is base32hex; it takes small responses */
	{ "dnsttex",
	  "dnsttEx",
	  { .id_bytes = 8,
	    .alphabet = ALPHABET_BASE32HEX,
	    .framing = FRAMING_DNSTTEX,
	    .edns_min = 512,
	    .qtypes = { TYPE_TXT },
	    .qtype_count = 1 } },
};

static const struct {
	const char *name;
	uint16_t qtype;
} record_types[] = {
	{ "txt", TYPE_TXT }, { "null", 10 }, { "cname", 5 }, { "a", 1 },     { "aaaa", TYPE_AAAA },
	{ "mx", 15 },	     { "ns", 2 },    { "srv", 33 },  { "caa", 257 },
};

static int set_wire(struct tunnel *tunnel, const char *value, struct reason *reason)
{
	char names[256] = "";
	struct text known = { .start = names, .at = names, .end = names + sizeof(names) - 1 };

	for (size_t i = 0; i < ARRAY_LENGTH(wires); i++) {
		if (strcmp(wires[i].name, value) == 0) {
			*tunnel = wires[i].tunnel;
			return 0;
		}
		text_string(&known, i ? ", " : " ");
		text_string(&known, wires[i].name);
	}
	return reason_set(reason, -EINVAL, "wire \"%.32s\" is not known; known are%s", value,
			  names);
}

static int set_id_bytes(struct tunnel *tunnel, const char *value, struct reason *reason)
{
	unsigned long number;

	if (number_parse(value, 1, 8, &number) < 0)
		return reason_set(reason, -EINVAL, "id-bytes takes a number from 1 to 8");
	tunnel->id_bytes = (uint8_t)number;
	return 0;
}

static int set_edns_min(struct tunnel *tunnel, const char *value, struct reason *reason)
{
	unsigned long number;

	if (number_parse(value, 512, 65535, &number) < 0)
		return reason_set(reason, -EINVAL,
				  "min-edns takes dnstt-server's -mtu, 512 to 65535");
	tunnel->edns_min = (uint16_t)number;
	return 0;
}

static int set_record_type(struct tunnel *tunnel, const char *value, struct reason *reason)
{
	for (size_t i = 0; i < ARRAY_LENGTH(record_types); i++) {
		if (strcmp(record_types[i].name, value) != 0)
			continue;
		tunnel->qtypes[0] = record_types[i].qtype;
		tunnel->qtype_count = 1;
		return 0;
	}
	return reason_set(reason, -EINVAL,
			  "record-type takes txt, null, cname, a, aaaa, mx, ns, srv or caa");
}

static int set_framing(struct tunnel *tunnel, const char *value, struct reason *reason)
{
	if (strcmp(value, "on") == 0)
		return 0;
	if (strcmp(value, "off") != 0 || tunnel->framing != FRAMING_DNSTT)
		return reason_set(
			reason, -EINVAL,
			"framing takes on or off, and off only where the wire is dnstt's");
	tunnel->framing = FRAMING_SERVER;
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct tunnel *tunnel, const char *value, struct reason *reason);
} keys[] = {
	{ "wire", set_wire },	      { "id-bytes", set_id_bytes },
	{ "min-edns", set_edns_min }, { "record-type", set_record_type },
	{ "framing", set_framing },
};

static int set_key(struct tunnel *tunnel, const char *pair, struct reason *reason)
{
	const char *equals = strchr(pair, '=');
	size_t length = equals ? (size_t)(equals - pair) : 0;

	for (size_t i = 0; i < ARRAY_LENGTH(keys) && equals; i++)
		if (strlen(keys[i].key) == length && memcmp(keys[i].key, pair, length) == 0)
			return keys[i].set(tunnel, equals + 1, reason);
	return reason_set(
		reason, -EINVAL,
		"\"%.32s\" is not known; after the domain come wire=, id-bytes=, record-type=, "
		"min-edns= or framing=",
		pair);
}

/* Letters, digits, '-' and '_' in labels of 1 to 63, as resolvers deliver them */
static int set_name(struct tunnel *tunnel, const char *text, char name[WIRES_NAME_BYTES],
		    struct reason *reason)
{
	size_t length = strlen(text), label = 0;

	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length == 0 || length > 253)
		return reason_set(reason, -EINVAL, "a domain has 1 to 253 characters");
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = i < length ? (unsigned char)tolower((unsigned char)text[i]) : '.';

		if (c == '.') {
			if (i == label || i - label > 63 || name[label] == '-' ||
			    name[i - 1] == '-')
				return reason_set(
					reason, -EINVAL,
					"a label of a domain has 1 to 63 characters and no dash "
					"at its ends");
			tunnel->name[label] = (uint8_t)(i - label);
			tunnel->labels++;
			label = i + 1;
		} else if (!isalnum(c) && c != '-' && c != '_') {
			return reason_set(
				reason, -EINVAL,
				"a domain has letters, digits, dots, - and _; write it as in "
				"t.example.com");
		} else {
			tunnel->name[i + 1] = c;
		}
		name[i] = (char)c;
	}
	name[length] = '\0';
	tunnel->name_bytes = (uint8_t)(length + 2);
	return 0;
}

int wires_parse(const char *text, struct tunnel *ret_tunnel, char ret_name[WIRES_NAME_BYTES],
		struct reason *ret_reason)
{
	struct tunnel tunnel = wires[0].tunnel;
	char copy[WIRES_NAME_BYTES + 128], name[WIRES_NAME_BYTES] = "", *rest = copy;
	const char *domain, *pair;
	int failed;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return reason_set(ret_reason, -EINVAL, "the value is too long");
	domain = strsep(&rest, ",");
	/* wire= sets everything, so it must come first */
	for (bool first = true; (pair = strsep(&rest, ",")); first = false) {
		if (!first && strncmp(pair, "wire=", 5) == 0)
			return reason_set(ret_reason, -EINVAL,
					  "wire= comes right after the domain");
		failed = set_key(&tunnel, pair, ret_reason);
		if (failed)
			return failed;
	}
	failed = set_name(&tunnel, domain, name, ret_reason);
	if (failed)
		return failed;
	*ret_tunnel = tunnel;
	memcpy(ret_name, name, sizeof(name));
	return 0;
}

void wires_help(void)
{
	for (size_t i = 0; i < ARRAY_LENGTH(wires); i++)
		printf("  %-12s%s\n", wires[i].name, wires[i].server);
}

bool wires_has_kcp(const struct tunnel *tunnel)
{
	return tunnel->framing != FRAMING_DNSTTEX;
}

bool wires_has_readable_answers(const struct tunnel *tunnel)
{
	for (unsigned i = 0; i < tunnel->qtype_count; i++)
		if (tunnel->qtypes[i] == TYPE_TXT)
			return true;
	return false;
}
