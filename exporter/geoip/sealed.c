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
	const char *remedy;
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

static int fault(int error, struct reason *ret_fault)
{
	const char *text = strerror(error);
	const char *remedy = "check the file and the disk that it is on";

	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		if (faults[i].code != error)
			continue;
		text = faults[i].text ? faults[i].text : text;
		remedy = faults[i].remedy;
	}
	return reason_set(ret_fault, -error, "%s; %s", text, remedy);
}

static int open_source(const char *path, uint64_t bytes_max, struct sealed *sealed)
{
	sealed->source = file_open(path, &sealed->identity);
	if (sealed->source < 0)
		return -sealed->source;
	if (sealed->identity.bytes <= 0)
		return EBADMSG;
	return (uint64_t)sealed->identity.bytes > bytes_max ? EFBIG : 0;
}

int sealed_begin(const char *path, uint64_t bytes_max, struct sealed *ret_sealed,
		 struct reason *ret_fault)
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
		return fault(error, ret_fault);
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
	struct file_identity now;
	int failed = file_identify_open(sealed->source, &now);

	if (failed)
		return -failed;
	/* Not the status time: a link that is made or a mode that is set changes no content */
	now.status_ns = sealed->identity.status_ns;
	if (sealed->done != (uint64_t)sealed->identity.bytes || !file_same(&now, &sealed->identity))
		return EAGAIN;
	if (fcntl(sealed->copy, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return errno;
	(void)close(sealed->source);
	sealed->source = -1;
	return 0;
}

int sealed_step(struct sealed *sealed, struct reason *ret_fault)
{
	int error;

	for (uint64_t stop = sealed->done + STEP_BYTES; sealed->done < stop;) {
		ssize_t copied = copy_chunk(sealed);

		if (copied < 0)
			return fault((int)-copied, ret_fault);
		sealed->done += (uint64_t)copied;
		if (copied && sealed->done <= (uint64_t)sealed->identity.bytes)
			continue;
		error = seal(sealed);
		return error ? fault(error, ret_fault) : 0;
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
