/* SPDX-License-Identifier: MIT */
/* Country and AS number of a database record, whichever vendor's it is */
#include "geoip/geoip_record.h"

#include <stdbool.h>
#include <string.h>

#include "base/array.h"

/* Keys from the record down to the value */
typedef const char *const field_keys[3];

static const field_keys country_fields[] = {
	{ "country", "iso_code" },
	{ "country_code" },
	{ "country" },
};

static const field_keys asn_fields[] = {
	{ "autonomous_system_number" },
	{ "traits", "autonomous_system_number" },
	{ "asn" },
	{ "country", "AutonomousSystemNumber" },
};

static bool is_letter(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* Files that need something in every record put one of these where they know nothing */
static bool says_nothing(const MMDB_entry_data_s *value)
{
	static const char *const words[] = { "", "-", "ZZ", "zz", "AS0", "0" };

	if (value->type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (strlen(words[i]) == value->data_size &&
		    memcmp(words[i], value->utf8_string, value->data_size) == 0)
			return true;
	return false;
}

static bool read_country(const MMDB_entry_data_s *value, char ret_country[GEOIP_COUNTRY_BYTES])
{
	if (value->type != MMDB_DATA_TYPE_UTF8_STRING || value->data_size != 2 ||
	    !is_letter(value->utf8_string[0]) || !is_letter(value->utf8_string[1]))
		return false;
	ret_country[0] = (char)(value->utf8_string[0] & ~0x20);
	ret_country[1] = (char)(value->utf8_string[1] & ~0x20);
	ret_country[2] = '\0';
	return true;
}

static bool parse_asn(const char *text, size_t bytes, uint64_t *ret_asn)
{
	uint64_t asn = 0;

	if (bytes > 2 && (text[0] & ~0x20) == 'A' && (text[1] & ~0x20) == 'S') {
		text += 2;
		bytes -= 2;
	}
	if (!bytes || bytes > 10)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		asn = asn * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_asn = asn;
	return true;
}

static bool read_asn(const MMDB_entry_data_s *value, uint32_t *ret_asn)
{
	uint64_t asn;

	switch (value->type) {
	case MMDB_DATA_TYPE_UINT16: asn = value->uint16; break;
	case MMDB_DATA_TYPE_UINT32: asn = value->uint32; break;
	case MMDB_DATA_TYPE_UINT64: asn = value->uint64; break;
	case MMDB_DATA_TYPE_INT32:
		asn = value->int32 < 0 ? UINT64_MAX : (uint64_t)value->int32;
		break;
	case MMDB_DATA_TYPE_UTF8_STRING:
		if (!parse_asn(value->utf8_string, value->data_size, &asn))
			return false;
		break;
	default: return false;
	}
	if (asn > UINT32_MAX)
		return false;
	*ret_asn = (uint32_t)asn;
	return true;
}

/* Return: GEOIP_FOUND with the value of the field, GEOIP_UNMAPPED if there is none or it stands for
 * none, GEOIP_ERROR
 */
static enum geoip_result value_at(const MMDB_s *mmdb, uint32_t offset, const field_keys field,
				  MMDB_entry_data_s *ret_value)
{
	MMDB_entry_s entry = { .mmdb = mmdb, .offset = offset };
	int status = MMDB_aget_value(&entry, ret_value, field);

	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR)
		return GEOIP_UNMAPPED;
	if (status != MMDB_SUCCESS || !ret_value->has_data)
		return GEOIP_ERROR;
	return says_nothing(ret_value) ? GEOIP_UNMAPPED : GEOIP_FOUND;
}

enum geoip_result geoip_record_country(const MMDB_s *mmdb, uint32_t offset,
				       char ret_country[static GEOIP_COUNTRY_BYTES])
{
	enum geoip_result worst = GEOIP_UNMAPPED;

	for (size_t i = 0; i < ARRAY_LENGTH(country_fields); i++) {
		MMDB_entry_data_s value;
		enum geoip_result result = value_at(mmdb, offset, country_fields[i], &value);

		if (result == GEOIP_FOUND && read_country(&value, ret_country))
			return GEOIP_FOUND;
		/* Not so for a map: that is what "country" is where the code in it is not known */
		if (result != GEOIP_UNMAPPED && value.type != MMDB_DATA_TYPE_MAP)
			worst = GEOIP_ERROR;
	}
	memcpy(ret_country, GEOIP_COUNTRY_UNMAPPED, GEOIP_COUNTRY_BYTES);
	return worst;
}

enum geoip_result geoip_record_asn(const MMDB_s *mmdb, uint32_t offset, uint32_t *ret_asn)
{
	enum geoip_result worst = GEOIP_UNMAPPED;
	uint32_t asn = GEOIP_ASN_UNMAPPED;

	for (size_t i = 0; i < ARRAY_LENGTH(asn_fields); i++) {
		MMDB_entry_data_s value;
		enum geoip_result result = value_at(mmdb, offset, asn_fields[i], &value);

		if (result == GEOIP_FOUND && read_asn(&value, &asn)) {
			/* No AS has number 0 (RFC 7607) */
			*ret_asn = asn;
			return asn == GEOIP_ASN_UNMAPPED ? GEOIP_UNMAPPED : GEOIP_FOUND;
		}
		if (result != GEOIP_UNMAPPED)
			worst = GEOIP_ERROR;
	}
	*ret_asn = GEOIP_ASN_UNMAPPED;
	return worst;
}
