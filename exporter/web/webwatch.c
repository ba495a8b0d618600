/* SPDX-License-Identifier: MIT */
/* Notices that the web configuration, a certificate or a key was replaced */
#include "web/webwatch.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "web/config/webconfig.h"

static int add(struct webwatch *watch, const char *path)
{
	struct webwatch_file *file = watch->files + watch->count;

	if (strlen(path) >= sizeof(file->path))
		return -ENAMETOOLONG;
	memcpy(file->path, path, strlen(path) + 1);
	(void)file_identify(path, &file->watch.loaded);
	file->watch.seen = file->watch.loaded;
	watch->count++;

	return 0;
}

int webwatch_begin(struct webwatch *watch, const char *path)
{
	unsigned others = watch->count > 1 ? watch->count - 1 : 0;
	int r;

	watch->count = 0;
	r = add(watch, path);
	watch->count += r ? 0 : others;

	return r;
}

int webwatch_files(struct webwatch *watch, const struct web_config *config)
{
	const char *const paths[] = {
		config->tls.cert_file.text,
		config->tls.key_file.text,
		config->tls.client_ca_file.text,
	};
	int r = 0;

	watch->count = 1;
	for (unsigned i = 0; i < ARRAY_LENGTH(paths) && !r; i++)
		if (paths[i])
			r = add(watch, paths[i]);

	return r;
}

bool webwatch_changed(struct webwatch *watch)
{
	struct file_news news = { 0 };

	for (unsigned i = 0; i < watch->count; i++)
		file_watch_look(&watch->files[i].watch, watch->files[i].path, &news);
	if (!file_settled(&news))
		return false;
	for (unsigned i = 0; i < watch->count; i++)
		watch->files[i].watch.loaded = watch->files[i].watch.seen;

	return true;
}
