/* SPDX-License-Identifier: MIT */
/* Files that the operator names: opened so that nothing else can take their place, and watched */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

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

/* What a service may not see, by the directives of its unit */
static const struct {
	const char *folder, *directive;
} hidden[] = {
	{ "/home/", "ProtectHome=" },	  { "/root/", "ProtectHome=" },
	{ "/run/user/", "ProtectHome=" }, { "/tmp/", "PrivateTmp=" },
	{ "/var/tmp/", "PrivateTmp=" },
};

static const struct {
	int code;
	const char *text; /* NULL: strerror() says it well */
	const char *remedy;
} faults[] = {
	{ ENOENT, NULL, "check the path, or put the file there" },
	{ ENOTDIR, NULL, "check the path" },
	{ ENAMETOOLONG, NULL, "check the path" },
	{ ELOOP, NULL, "check the links in the path" },
	{ EISDIR, "it is a directory", "name a file in it" },
	{ EINVAL, "it is not a regular file", "name a file that can be read as a whole" },
	{ ETXTBSY, "it was written to while it was read",
	  "rename a new file over the old one instead of writing into it" },
	{ EMFILE, NULL, "let the exporter open more files" },
	{ ENFILE, NULL, "let the system open more files" },
	{ ENOMEM, NULL, "the exporter needs as much memory as the file is large" },
};

static const char *remedy_of_refusal(const struct stat *status)
{
	const bool is_own = status->st_uid == geteuid();

	if (status->st_mode & (is_own ? S_IRUSR : S_IROTH))
		return "its mode lets it be read, but the sandbox does not: restart if its folder "
		       "was replaced or is new since the start, else look at AppArmor and SELinux";
	if (!is_own && status->st_mode & S_IRGRP)
		return "the user that the exporter runs as must be in its group, or restart if its "
		       "folder was replaced or is new since the start";
	return "it must be readable by the user that the exporter runs as";
}

int file_fault(const char *path, int error, struct reason *ret_fault)
{
	const char *text = strerror(error), *directive = NULL;
	const char *remedy = "check the file and the disk that it is on";
	struct stat status;
	const bool is_seen = stat(path, &status) == 0;

	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		if (faults[i].code != error)
			continue;
		text = faults[i].text ? faults[i].text : text;
		remedy = faults[i].remedy;
	}
	if (error == EACCES || error == EPERM)
		remedy = is_seen ? remedy_of_refusal(&status)
				 : "the user that the exporter runs as must be able to enter each "
				   "folder above it";
	for (size_t i = 0; i < ARRAY_LENGTH(hidden) && !is_seen; i++)
		if (strncmp(path, hidden[i].folder, strlen(hidden[i].folder)) == 0)
			directive = hidden[i].directive;
	return reason_set(ret_fault, -error, "%s; %s%s%s%s", text, remedy,
			  directive ? "; a unit with " : "", directive ? directive : "",
			  directive ? " keeps it out of sight" : "");
}

void file_watch_look(struct file_watch *watch, const char *path, struct file_news *news)
{
	struct file_identity now;

	(void)file_identify(path, &now);
	news->moved |= !file_same(&now, &watch->seen);
	news->differs |= !file_same(&now, &watch->loaded);
	watch->seen = now;
}
