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

#define STEP_BYTES  (1u << 20)
#define CHUNK_BYTES (32u << 10)

/* Linux 6.3; where the administrator asks for it (vm.memfd_noexec=2) nothing else is allowed */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int open_source(const char *path, uint64_t bytes_max, struct sealed *sealed,
		       struct reason *ret_fault)
{
	sealed->source = file_open(path, &sealed->identity);
	if (sealed->source < 0)
		return file_fault(path, -sealed->source, ret_fault);
	if (sealed->identity.bytes <= 0)
		return reason_set(ret_fault, -EBADMSG, "it is empty; fetch it again");
	if ((uint64_t)sealed->identity.bytes > bytes_max)
		return reason_set(ret_fault, -EFBIG,
				  "it is too large; use a smaller edition of it");
	return 0;
}

/* Not the file's fault */
static int open_copy(struct sealed *sealed, struct reason *ret_fault)
{
	sealed->copy = memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (sealed->copy < 0 && errno == EINVAL)
		sealed->copy = memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return sealed->copy < 0 ? reason_call(ret_fault, "memfd_create") : 0;
}

int sealed_begin(const char *path, uint64_t bytes_max, struct sealed *ret_sealed,
		 struct reason *ret_fault)
{
	struct sealed sealed = SEALED_EMPTY;
	int failed = open_source(path, bytes_max, &sealed, ret_fault);

	if (!failed)
		failed = open_copy(&sealed, ret_fault);
	if (failed) {
		sealed_end(&sealed);
		return failed;
	}
	*ret_sealed = sealed;
	return 0;
}

/* Return: bytes copied, 0 at the end of the file, -errno */
static ssize_t copy_chunk(const struct sealed *sealed, struct reason *ret_fault)
{
	char chunk[CHUNK_BYTES];
	ssize_t got = read(sealed->source, chunk, sizeof(chunk));
	ssize_t put = 0;

	if (got < 0)
		return reason_call(ret_fault, "read");
	while (put < got) {
		ssize_t written = write(sealed->copy, chunk + put, (size_t)(got - put));

		if (written < 0)
			return reason_call(ret_fault, "write to its copy in memory");
		put += written;
	}
	return got;
}

static int seal(struct sealed *sealed, struct reason *ret_fault)
{
	struct file_identity now;

	if (file_identify_open(sealed->source, &now) < 0)
		return reason_call(ret_fault, "fstat");
	/* Not the status time: a link that is made or a mode that is set changes no content */
	now.status_ns = sealed->identity.status_ns;
	if (sealed->done != (uint64_t)sealed->identity.bytes || !file_same(&now, &sealed->identity))
		return reason_set(ret_fault, -EAGAIN,
				  "it was written to while it was read; rename a new file over the "
				  "old one instead of writing into it");
	if (fcntl(sealed->copy, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return reason_call(ret_fault, "fcntl F_ADD_SEALS");
	(void)close(sealed->source);
	sealed->source = -1;
	return 0;
}

int sealed_step(struct sealed *sealed, struct reason *ret_fault)
{
	for (uint64_t stop = sealed->done + STEP_BYTES; sealed->done < stop;) {
		ssize_t copied = copy_chunk(sealed, ret_fault);

		if (copied < 0)
			return (int)copied;
		sealed->done += (uint64_t)copied;
		if (copied && sealed->done <= (uint64_t)sealed->identity.bytes)
			continue;
		return seal(sealed, ret_fault);
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
