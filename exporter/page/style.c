/* SPDX-License-Identifier: MIT */
/* The page: its style sheet, and the policy that allows it
 *
 * The policy has the hash of the very text that is sent, made when the program starts, so the two
 * can't part. Attributes named style would be refused: drawings get their sizes by those of SVG.
 */
#include "page/parts.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>

#define SHA256_BYTES 32

/* Pairs of ink and ground have a contrast of 4.5 to 1 or more, lines and bars of 3 to 1 (WCAG 2.1,
 * 1.4.3 and 1.4.11), in light and in dark
 */
const char page_style[] =
	":root{color-scheme:light dark;--ground:#f5f7f8;--card:#fff;--ink:#17212b;--soft:#55626f;"
	"--rule:#dfe4e8;--accent:#0b6e7f;--second:#6b7783;--wash:#0b6e7f1c;--warn:#8a4300;"
	"--warn-card:#fff4e3;--warn-rule:#c76a00}\n"
	"@media(prefers-color-scheme:dark){:root{--ground:#0f1417;--card:#171d21;--ink:#e7ecef;"
	"--soft:#9aa8b3;--rule:#2b343a;--accent:#4fc3d5;--second:#93a1ac;--wash:#4fc3d526;"
	"--warn:#ffc069;--warn-card:#2a2012;--warn-rule:#c98a2b}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:1.5rem 1rem 2.5rem;max-width:70rem;background:var(--ground);"
	"color:var(--ink);font:1rem/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums;"
	"overflow-wrap:anywhere}\n"
	"h1,h2,h3,p,ul,dl,dd{margin:0;padding:0}\n"
	"ul{list-style:none}\n"
	"h1{font-size:1.375rem;line-height:1.3}\n"
	"h2{font-size:1rem;margin-bottom:.75rem}\n"
	"h3{font-size:.9375rem}\n"
	"a{color:var(--accent)}\n"
	"code{font-family:ui-monospace,monospace;font-size:.9em;white-space:nowrap}\n"
	".soft,header p,dt,th{color:var(--soft)}\n"
	".soft,header p,footer{font-size:.875rem}\n"
	"header,header p,footer{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;"
	"align-items:baseline}\n"
	"header{justify-content:space-between;margin-bottom:1.25rem}\n"
	".state{font-weight:600;color:var(--accent)}\n"
	".state::before{content:\"\";display:inline-block;width:.625rem;height:.625rem;"
	"margin-right:.5rem;border-radius:50%;background:currentColor}\n"
	".bad{color:var(--warn)}\n"
	".problems{padding:1rem;margin-bottom:1rem;background:var(--warn-card);"
	"border-left:.25rem solid var(--warn-rule);border-radius:.5rem}\n"
	".problems li+li{margin-top:.5rem}\n"
	".problems strong{color:var(--warn)}\n"
	".card,.figures>div{background:var(--card);border:1px solid var(--rule);"
	"border-radius:.75rem;padding:1rem;min-width:0}\n"
	".card{margin-bottom:1rem}\n"
	".figures{display:grid;grid-template-columns:repeat(2,1fr);gap:.75rem;"
	"margin-bottom:1rem}\n"
	".figures dt{font-size:.875rem}\n"
	".figures dd{font-size:1.375rem;line-height:1.4;font-weight:600}\n"
	".figures .soft{font-size:.8125rem;font-weight:400}\n"
	".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));"
	"column-gap:1rem}\n"
	"svg{display:block;width:100%;overflow:visible}\n"
	"path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round;"
	"stroke-linecap:round}\n"
	".grid{stroke:var(--rule)}\n"
	".line{stroke:var(--accent);stroke-width:2}\n"
	".second{stroke:var(--second);stroke-dasharray:4 4}\n"
	".area{fill:var(--wash)}\n"
	"rect{fill:var(--accent)}\n"
	".plot{display:grid;grid-template-columns:auto 1fr;gap:.375rem .75rem}\n"
	".plot svg{height:10rem}\n"
	".scale,.hour{color:var(--soft);font-size:.75rem;line-height:1;white-space:nowrap}\n"
	".scale{display:flex;flex-direction:column;justify-content:space-between;"
	"text-align:right;margin:-.375rem 0}\n"
	".hour{grid-column:2;display:grid;grid-template-columns:repeat(8,1fr);"
	"text-align:center}\n"
	".hour span{grid-column:span 2}\n"
	".hour :first-child{grid-column:span 1;text-align:left}\n"
	".hour :last-child{grid-column:span 1;text-align:right}\n"
	".legend{display:flex;gap:1.5rem;margin-top:.75rem}\n"
	".legend svg{display:inline-block;width:1.5rem;height:.5rem;margin-right:.5rem}\n"
	".domains{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));"
	"column-gap:2rem;margin-bottom:-1rem}\n"
	".domains li{display:grid;grid-row:span 4;grid-template-rows:subgrid;"
	"margin-bottom:1.5rem}\n"
	".domains h3{align-self:end}\n"
	".domains svg{height:3rem;margin:.5rem 0}\n"
	".about{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));"
	"gap:.25rem 1rem;font-size:.875rem}\n"
	".about>div{display:grid;grid-template-columns:9rem 1fr;gap:1rem}\n"
	"table{width:100%;border-collapse:collapse}\n"
	".soft+table{margin-top:.5rem}\n"
	"th,td{padding:.25rem 0 .25rem 1rem;text-align:right;font-weight:400;"
	"white-space:nowrap}\n"
	"th:first-child{padding-left:0;text-align:left}\n"
	"thead th{font-size:.8125rem}\n"
	"tbody th,td{font-size:.9375rem}\n"
	"tbody tr:not(.rest) th{color:var(--ink)}\n"
	".bar{width:50%}\n"
	".bar svg{height:.625rem}\n"
	"@media(min-width:40rem){.card,.problems{padding:1.25rem}"
	".figures{grid-template-columns:repeat(3,1fr);gap:1rem}.figures dd{font-size:1.5rem}}\n"
	"@media(min-width:64rem){.figures{grid-template-columns:repeat(6,1fr)}}\n";

static char policy[192];

/* RFC 4648, 4; 32 bytes are ten groups of three and two over */
static void base64(const uint8_t hash[SHA256_BYTES], char ret_text[PAGE_BASE_BYTES])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = ret_text;

	for (unsigned i = 0; i < SHA256_BYTES; i += 3) {
		uint32_t bits = (uint32_t)hash[i] << 16 | (uint32_t)hash[i + 1] << 8 |
				(i + 2 < SHA256_BYTES ? hash[i + 2] : 0u);

		for (int shift = 18; shift >= 0; shift -= 6)
			*at++ = alphabet[bits >> shift & 63];
	}
	at[-1] = '=';
	*at = '\0';
}

int page_style_open(void)
{
	uint8_t hash[SHA256_BYTES];
	char text[PAGE_BASE_BYTES];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, page_style, sizeof(page_style) - 1, hash) < 0)
		return -EIO;
	base64(hash, text);
	snprintf(policy, sizeof(policy),
		 "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
		 "frame-ancestors 'none'",
		 text);
	return 0;
}

const char *page_csp(void)
{
	return policy;
}
