/* SPDX-License-Identifier: MIT */
/* Prints country and AS number of each address on standard input, as the exporter finds them
 *
 *	geoip_lookup COUNTRY-DATABASE ASN-DATABASE	"-" for none
 *
 * One line each: country or "-", AS number or "-".
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "geoip/geoip.h"

static int open_database(enum geoip_kind kind, const char *path, struct geoip_database **database)
{
	struct reason reason;

	if (strcmp(path, "-") == 0)
		return 0;
	if (geoip_read(kind, path, database, &reason) == 0 && geoip_open(*database, &reason) == 0)
		return 0;
	(void)fprintf(stderr, "geoip_lookup: %s\n", reason.text);
	return -1;
}

static int parse(const char *text, uint8_t ret_address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET6, text, ret_address) == 1)
		return 0;
	memcpy(ret_address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, ret_address + sizeof(mapped)) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(geoip_closep))) struct geoip_database *countries = NULL;
	__attribute__((cleanup(geoip_closep))) struct geoip_database *asns = NULL;
	char line[128];

	if (argc != 3) {
		(void)fprintf(stderr, "usage: geoip_lookup COUNTRY-DATABASE ASN-DATABASE\n");
		return 2;
	}
	if (open_database(GEOIP_COUNTRY, argv[1], &countries) < 0 ||
	    open_database(GEOIP_ASN, argv[2], &asns) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		char country[GEOIP_COUNTRY_BYTES] = "-";
		char asn_text[16] = "-";
		uint8_t address[16];
		uint32_t asn;

		line[strcspn(line, "\n")] = '\0';
		if (parse(line, address) < 0) {
			(void)fprintf(stderr, "geoip_lookup: no address: %s\n", line);
			return 1;
		}
		if (countries)
			(void)geoip_country(countries, address, country);
		if (asns) {
			(void)geoip_asn(asns, address, &asn);
			(void)snprintf(asn_text, sizeof(asn_text), "%u", asn);
		}
		(void)printf("%s %s\n", country, asn_text);
	}
	return 0;
}
