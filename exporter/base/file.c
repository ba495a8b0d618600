/* SPDX-License-Identifier: MIT */
/* Files that the operator names: opened so that nothing else can take their place, and watched */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t ns_of(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct file_identity identity_of(const struct stat *status)
{
	return (struct file_identity){
		.device = status->st_dev,
		.inode = status->st_ino,
		.bytes = status->st_size,
		.modified_ns = ns_of(status->st_mtim),
		.status_ns = ns_of(status->st_ctim),
	};
}

int file_identify(const char *path, struct file_identity *ret_identity)
{
	struct stat status;

	*ret_identity = (struct file_identity){ 0 };
	if (stat(path, &status) < 0)
		return -errno;
	*ret_identity = identity_of(&status);
	return 0;
}

int file_identify_open(int fd, struct file_identity *ret_identity)
{
	struct stat status;

	*ret_identity = (struct file_identity){ 0 };
	if (fstat(fd, &status) < 0)
		return -errno;
	*ret_identity = identity_of(&status);
	return 0;
}

/* Five fields of 8 bytes: no padding */
bool file_same(const struct file_identity *one, const struct file_identity *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

static int kind_error(const struct stat *status)
{
	if (S_ISDIR(status->st_mode))
		return -EISDIR;
	return S_ISREG(status->st_mode) ? 0 : -EINVAL;
}

int file_open(const char *path, struct file_identity *ret_identity)
{
	struct stat status;
	int fd, failed;

	if (stat(path, &status) < 0)
		return -errno;
	failed = kind_error(&status);
	if (failed)
		return failed;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	failed = fstat(fd, &status) < 0 ? -errno : kind_error(&status);
	if (failed) {
		(void)close(fd);
		return failed;
	}
	*ret_identity = identity_of(&status);
	return fd;
}

/* Return: bytes read, which are less than @room where the file ends; -errno */
static ssize_t read_up_to(int fd, char *text, size_t room)
{
	size_t bytes = 0;
	ssize_t got;

	do {
		got = read(fd, text + bytes, room - bytes);
		bytes += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && bytes < room) || (got < 0 && errno == EINTR));
	return got < 0 ? -errno : (ssize_t)bytes;
}

int file_read(const char *path, size_t most, char **ret_text, size_t *ret_bytes)
{
	struct file_identity identity = { 0 };
	int fd = file_open(path, &identity);
	ssize_t bytes;
	size_t room;
	char *text;

	if (fd < 0)
		return fd;
	if ((uint64_t)identity.bytes > most) {
		(void)close(fd);
		return -EFBIG;
	}
	room = (size_t)identity.bytes + 1; /* one more shows whether it has grown */
	text = malloc(room + 1);
	bytes = text ? read_up_to(fd, text, room) : -ENOMEM;
	(void)close(fd);
	if (bytes == (ssize_t)room)
		bytes = -ETXTBSY;
	if (bytes < 0) {
		file_free(text, room);
		return (int)bytes;
	}
	text[bytes] = '\0';
	*ret_text = text;
	*ret_bytes = (size_t)bytes;
	return 0;
}

void file_free(char *text, size_t bytes)
{
	if (text)
		explicit_bzero(text, bytes);
	free(text);
}

void file_watch_look(struct file_watch *watch, const char *path, struct file_news *news)
{
	struct file_identity now;

	(void)file_identify(path, &now);
	news->moved |= !file_same(&now, &watch->seen);
	news->differs |= !file_same(&now, &watch->loaded);
	watch->seen = now;
}
