/* SPDX-License-Identifier: MIT */
/* Notices that the web configuration, a certificate or a key was replaced */
#include "web/webwatch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "web/config/webconfig.h"

static int64_t ns_of(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct webwatch_stamp stamp_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return (struct webwatch_stamp){ 0 };

	return (struct webwatch_stamp){
		.device = status.st_dev,
		.inode = status.st_ino,
		.bytes = status.st_size,
		.modified_ns = ns_of(status.st_mtim),
		.changed_ns = ns_of(status.st_ctim),
	};
}

/* Five fields of 8 bytes: no padding */
static bool same(const struct webwatch_stamp *one, const struct webwatch_stamp *other)
{
	return !memcmp(one, other, sizeof(*one));
}

static int add(struct webwatch *watch, const char *path)
{
	struct webwatch_file *file = watch->files + watch->count;

	if (strlen(path) >= sizeof(file->path))
		return -ENAMETOOLONG;
	memcpy(file->path, path, strlen(path) + 1);
	file->loaded = stamp_of(path);
	file->seen = file->loaded;
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
	bool differs = false;
	bool moved = false;

	for (unsigned i = 0; i < watch->count; i++) {
		struct webwatch_file *file = watch->files + i;
		struct webwatch_stamp now = stamp_of(file->path);

		moved |= !same(&now, &file->seen);
		differs |= !same(&now, &file->loaded);
		file->seen = now;
	}
	if (!differs || moved)
		return false;
	for (unsigned i = 0; i < watch->count; i++)
		watch->files[i].loaded = watch->files[i].seen;

	return true;
}
