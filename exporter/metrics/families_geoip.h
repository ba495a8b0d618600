/* SPDX-License-Identifier: MIT */
/* Samples of the metric families that are about GeoIP databases, for families.c */
#pragma once

struct exposition;
struct family;
struct text;

void families_geoip_built(struct text *text, const struct family *family,
			  const struct exposition *exposition);
void families_geoip_info(struct text *text, const struct family *family,
			 const struct exposition *exposition);
void families_geoip_reloads(struct text *text, const struct family *family,
			    const struct exposition *exposition);
void families_geoip_lookups(struct text *text, const struct family *family,
			    const struct exposition *exposition);
