/* SPDX-License-Identifier: MIT */
/* A file as a sealed copy in memory: what happens to the file afterwards can't reach who maps it */
#include "geoip/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

#define STEP_BYTES  (1u << 20)
#define CHUNK_BYTES (32u << 10)

/* Linux 6.3; where the administrator asks for it (vm.memfd_noexec=2) nothing else is allowed */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static const struct {
	int code;
	const char *text; /* NULL: strerror() says it well */
	const char *mend;
} faults[] = {
	{ EACCES, NULL, "it must be readable by the user that the exporter runs as" },
	{ EPERM, NULL, "it must be readable by the user that the exporter runs as" },
	{ ENOENT, NULL, "check the path, or put the file there" },
	{ ENOTDIR, NULL, "check the path" },
	{ ENAMETOOLONG, NULL, "check the path" },
	{ ELOOP, NULL, "check the links in the path" },
	{ EISDIR, "it is a directory", "name a file in it" },
	{ EINVAL, "it is not a regular file", "name a file that can be read as a whole" },
	{ EBADMSG, "it is empty", "fetch it again" },
	{ EFBIG, "it is too large", "use a smaller edition of it" },
	{ EAGAIN, "it was written to while it was read",
	  "rename a new file over the old one instead of writing into it" },
	{ EMFILE, NULL, "let the exporter open more files" },
	{ ENFILE, NULL, "let the system open more files" },
	{ ENOMEM, NULL, "the exporter needs as much memory as the file is large" },
};

static int fault(int error, char *ret_fault, size_t fault_bytes)
{
	const char *text = strerror(error);
	const char *mend = "check the file and the disk that it is on";

	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		if (faults[i].code != error)
			continue;
		text = faults[i].text ? faults[i].text : text;
		mend = faults[i].mend;
	}
	(void)snprintf(ret_fault, fault_bytes, "%s; %s", text, mend);
	return -error;
}

static struct sealed_identity identity_of(const struct stat *stat)
{
	return (struct sealed_identity){
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.bytes = stat->st_size,
		.modified = stat->st_mtim,
		.status = stat->st_ctim,
	};
}

static int kind_error(const struct stat *stat)
{
	if (S_ISDIR(stat->st_mode))
		return EISDIR;
	return S_ISREG(stat->st_mode) ? 0 : EINVAL;
}

static int open_source(const char *path, uint64_t bytes_max, struct sealed *sealed)
{
	struct stat found;
	int error;

	if (stat(path, &found) < 0)
		return errno;
	error = kind_error(&found);
	if (error)
		return error;
	sealed->source = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (sealed->source < 0 || fstat(sealed->source, &found) < 0)
		return errno;
	error = kind_error(&found);
	if (error)
		return error;
	if (found.st_size <= 0)
		return EBADMSG;
	if ((uint64_t)found.st_size > bytes_max)
		return EFBIG;
	sealed->identity = identity_of(&found);
	return 0;
}

int sealed_begin(const char *path, uint64_t bytes_max, struct sealed *ret_sealed, char *ret_fault,
		 size_t fault_bytes)
{
	struct sealed sealed = SEALED_EMPTY;
	int error = open_source(path, bytes_max, &sealed);

	if (!error) {
		sealed.copy =
			memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
		if (sealed.copy < 0 && errno == EINVAL)
			sealed.copy = memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		error = sealed.copy < 0 ? errno : 0;
	}
	if (error) {
		sealed_end(&sealed);
		return fault(error, ret_fault, fault_bytes);
	}
	*ret_sealed = sealed;
	return 0;
}

/* Return: bytes copied, 0 at the end of the file, -errno */
static ssize_t copy_chunk(const struct sealed *sealed)
{
	char chunk[CHUNK_BYTES];
	ssize_t got = read(sealed->source, chunk, sizeof(chunk));
	ssize_t put = 0;

	if (got < 0)
		return -errno;
	while (put < got) {
		ssize_t written = write(sealed->copy, chunk + put, (size_t)(got - put));

		if (written < 0)
			return -errno;
		put += written;
	}
	return got;
}

static int seal(struct sealed *sealed)
{
	struct stat found;
	struct sealed_identity now;

	if (fstat(sealed->source, &found) < 0)
		return errno;
	now = identity_of(&found);
	/* Not the status time: a link that is made or a mode that is set changes no content */
	now.status = sealed->identity.status;
	if (sealed->done != (uint64_t)sealed->identity.bytes ||
	    !sealed_same(&now, &sealed->identity))
		return EAGAIN;
	if (fcntl(sealed->copy, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return errno;
	(void)close(sealed->source);
	sealed->source = -1;
	return 0;
}

int sealed_step(struct sealed *sealed, char *ret_fault, size_t fault_bytes)
{
	int error;

	for (uint64_t stop = sealed->done + STEP_BYTES; sealed->done < stop;) {
		ssize_t copied = copy_chunk(sealed);

		if (copied < 0)
			return fault((int)-copied, ret_fault, fault_bytes);
		sealed->done += (uint64_t)copied;
		if (copied && sealed->done <= (uint64_t)sealed->identity.bytes)
			continue;
		error = seal(sealed);
		return error ? fault(error, ret_fault, fault_bytes) : 0;
	}
	return 1;
}

void sealed_end(struct sealed *sealed)
{
	if (sealed->source >= 0)
		(void)close(sealed->source);
	if (sealed->copy >= 0)
		(void)close(sealed->copy);
	*sealed = SEALED_EMPTY;
}

int sealed_identify(const char *path, struct sealed_identity *ret_identity)
{
	struct stat found;

	if (stat(path, &found) < 0)
		return -errno;
	*ret_identity = identity_of(&found);
	return 0;
}

bool sealed_same(const struct sealed_identity *one, const struct sealed_identity *other)
{
	return one->device == other->device && one->inode == other->inode &&
	       one->bytes == other->bytes && one->modified.tv_sec == other->modified.tv_sec &&
	       one->modified.tv_nsec == other->modified.tv_nsec &&
	       one->status.tv_sec == other->status.tv_sec &&
	       one->status.tv_nsec == other->status.tv_nsec;
}
