/* SPDX-License-Identifier: MIT */
/* Country and AS number of a database record, whichever vendor's it is
 *
 *	country			MaxMind Country, City, Enterprise; DB-IP; ip66; Geo-Open:
 *				country.iso_code
 *				IPinfo Lite, sapics, IPLocate: country_code
 *				IPinfo's old files: country, where it is a code and not a name
 *	AS number		MaxMind ASN, ISP; sapics; ip66: autonomous_system_number
 *				MaxMind Enterprise, DB-IP ISP: traits.autonomous_system_number
 *				IPinfo ("AS123"), IPLocate (123): asn
 *				Geo-Open ("123"): country.AutonomousSystemNumber
 *
 * The first one of them that says something decides. registered_country is not asked: it is the
 *country of the holder of the block, not the one that the address is used in, and readers of
 *country.iso_code (the program that this one follows among them) show nothing there.
 */
#pragma once

#include <maxminddb.h>
#include <stdint.h>

enum geoip_result {
	GEOIP_FOUND,
	GEOIP_UNMAPPED, /* the database has nothing for the address, or says that it is unknown */
	GEOIP_ERROR,	/* it has something other than a country or an AS number */
	GEOIP_RESULTS,
};

#define GEOIP_COUNTRY_BYTES    3 /* two letters and a zero */
#define GEOIP_COUNTRY_UNMAPPED "ZZ"
#define GEOIP_ASN_UNMAPPED     0

/**
 * geoip_record_country() - Country of a record
 * @mmdb:	Found sound by mmdb_check_step()
 * @offset:	Of the record, in the data section
 * @ret_country: Filled in any case: two letters A to Z, "ZZ" if the result is not GEOIP_FOUND
 *
 * No system calls, no memory taken.
 */
enum geoip_result geoip_record_country(const MMDB_s *mmdb, uint32_t offset,
				       char ret_country[static GEOIP_COUNTRY_BYTES]);

/**
 * geoip_record_asn() - AS number of a record
 * @ret_asn:	Filled in any case: 0 if the result is not GEOIP_FOUND
 *
 * As geoip_record_country().
 */
enum geoip_result geoip_record_asn(const MMDB_s *mmdb, uint32_t offset, uint32_t *ret_asn);
