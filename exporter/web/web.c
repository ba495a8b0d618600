/* SPDX-License-Identifier: MIT */
/* -web.config.file in use */
#include "web/web.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "web/auth/credentials.h"
#include "web/config/fault.h"
#include "web/tls/tls.h"

/* Read the file into @config, and watch it and what it names from before that */
static int read_all(struct web *web, struct web_config *config, struct reason *reason)
{
	int failed = webwatch_begin(&web->watch, web->path);

	if (failed) {
		(void)reason_set(reason, failed, "%s: the path is too long", web->path);
		return failed;
	}
	failed = webconfig_read(web->path, config, reason);
	if (failed)
		return failed;
	failed = webwatch_files(&web->watch, config);
	if (failed)
		(void)reason_set(reason, failed, "%s: a path in it is too long", web->path);
	return failed;
}

/* As golang.org/x/time/rate has it; full at first */
static void set_limit(struct web *web)
{
	const struct web_config *config = &web->config;

	web->limit =
		bucket_make(config->rate_interval_ns, config->rate_burst ? config->rate_burst : 1);
}

static void log_notices(const struct web_config *config)
{
	const char *notice;

	for (unsigned i = 0; (notice = webconfig_notice(config, i)); i++)
		log_line(LOG_WARN, "web configuration", LOG_TEXT("notice", notice));
}

int web_read(struct web *ret_web, const char *path, struct reason *ret_reason)
{
	struct web *web = ret_web;
	int failed;

	*web = (struct web){ .path = path };
	if (!path)
		return 0;
	failed = read_all(web, &web->config, ret_reason);
	if (!failed && web->config.tls.enabled)
		failed = tls_read(&web->config, &web->tls, ret_reason);
	return failed;
}

int web_open(struct web *web, struct reason *ret_reason)
{
	int failed;

	if (!web->path)
		return 0;
	set_limit(web);
	failed = credentials_load(&web->config, &web->credentials);
	if (failed) {
		return reason_set(ret_reason, failed,
				  "passwords can't be checked (malloc, getrandom, crypt): %s",
				  strerror(-failed));
	}
	if (web->tls)
		failed = tls_open(web->tls, &web->config, time(NULL), ret_reason);
	if (!failed)
		log_notices(&web->config);
	return failed;
}

void web_close(struct web *web)
{
	if (web->tls)
		tls_free(web->tls);
	credentials_free(web->credentials);
	webconfig_free(&web->config);
	*web = (struct web){ 0 };
}

static int reload(struct web *web, struct reason *reason)
{
	struct web_config config = { 0 };
	int failed = read_all(web, &config, reason);

	if (!failed && config.tls.enabled != (web->tls != NULL)) {
		failed = fault_at(reason, web->path, config.tls.line, "tls_server_config",
				  "TLS can't be turned on or off while it runs; restart");
	}
	if (!failed && web->tls)
		failed = tls_reload(web->tls, &config, time(NULL), reason);
	if (failed) {
		webconfig_free(&config);
		return failed;
	}
	credentials_reload(web->credentials, &config);
	webconfig_free(&web->config);
	web->config = config;
	set_limit(web);
	log_notices(&web->config);
	return 0;
}

void web_reload(struct web *web)
{
	struct reason reason;

	if (!web->path)
		return;
	if (reload(web, &reason) == 0) {
		web->reloads++;
		log_line(LOG_INFO, "web configuration was reloaded", LOG_TEXT("file", web->path));
		return;
	}
	web->reload_failures++;
	log_line(LOG_WARN, "web configuration was refused; the old one stays in use",
		 LOG_TEXT("reason", reason.text));
}

void web_run(struct web *web, uint64_t now_ns)
{
	if (!web->path || now_ns < web->next_poll_ns)
		return;
	web->next_poll_ns = now_ns + WEB_POLL_NS;
	if (webwatch_changed(&web->watch))
		web_reload(web);
}

bool web_limited(struct web *web, uint64_t now_ns)
{
	return !bucket_take(&web->limit, now_ns);
}

uint64_t web_certificate_expiry(const struct web *web)
{
	time_t expiry = web->tls ? tls_not_after(web->tls) : 0;

	return expiry > 0 ? (uint64_t)expiry : 0;
}
