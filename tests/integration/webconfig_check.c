/* SPDX-License-Identifier: MIT */
/* What the exporter makes of a web configuration file: status 0 if it would start with it */
#include <stdio.h>
#include <time.h>

#include "web/auth/credentials.h"
#include "web/config/webconfig.h"
#include "web/tls/tls.h"

int main(int argc, char **argv)
{
	static struct web_config config;
	struct reason reason;
	struct credentials *credentials = NULL;
	struct tls *tls = NULL;
	const char *notice;
	int r;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: webconfig_check FILE\n");
		return 2;
	}
	r = webconfig_read(argv[1], &config, &reason);
	if (!r && config.tls.enabled)
		r = tls_read(&config, &tls, &reason);
	if (!r && tls)
		r = tls_open(tls, &config, time(NULL), &reason);
	if (!r) {
		r = credentials_load(&config, &credentials);
		if (r < 0)
			(void)reason_set(&reason, r, "credentials: error %d", -r);
	}
	for (unsigned i = 0; !r && (notice = webconfig_notice(&config, i)); i++)
		(void)printf("notice: %s\n", notice);
	(void)printf("%s\n", r < 0 ? reason.text : "good");

	credentials_free(credentials);
	tls_free(tls);
	webconfig_free(&config);
	return r < 0;
}
