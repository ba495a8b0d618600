/* SPDX-License-Identifier: MIT */
/* Notices that the web configuration, a certificate or a key was replaced */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

struct web_config;

#define WEBWATCH_FILES 4 /* configuration, certificate, key, client CA */

struct webwatch_file {
	struct file_watch watch;
	char path[PATH_MAX];
};

struct webwatch {
	struct webwatch_file files[WEBWATCH_FILES];
	unsigned count;
};

/**
 * webwatch_begin() - Watch a configuration file, from now on
 * @watch:	Zeroed before the first call; later ones go on watching what webwatch_files() was given
 * @path:	Of webconfig_read(), which is to be called after this, so that no change is missed
 *
 * For the start and for every reload: webwatch_begin(), webconfig_read(), webwatch_files(),
 * tls_read() or tls_reload(). System calls: newfstatat, here and in the other two.
 *
 * Return: 0, -ENAMETOOLONG
 */
int webwatch_begin(struct webwatch *watch, const char *path);

/**
 * webwatch_files() - Watch the files that the configuration names as well
 * @config:	As read. Where that failed there is nothing to call: the old ones are still watched
 *
 * Return: 0, -ENAMETOOLONG
 */
int webwatch_files(struct webwatch *watch, const struct web_config *config);

/**
 * webwatch_changed() - Whether something is to be loaded again
 *
 * To be called now and then, once a minute or so. It says so once for each change, and only when
 * two calls in a row saw the same: a certificate and its key are seldom replaced at one moment.
 * Symbolic links are followed, so that it sees what certbot does. If the load then fails, the
 * next change is another chance.
 */
bool webwatch_changed(struct webwatch *watch);
