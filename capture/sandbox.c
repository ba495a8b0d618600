/* SPDX-License-Identifier: MIT */
/* Confinement: after it, four system calls are left */
#include "capture/sandbox.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/confine.h"

scmp_filter_ctx sandbox_policy(int ring_fd)
{
	/* clang-format off */
	const struct confine_rule allowed[] = {
		/* wait for packets, for room, and for the exporter's end */
		{ SCMP_SYS(ppoll), 2, { CONFINE_IS(1, 2), CONFINE_IS(3, 0) } },
		/* read the drop counters */
		{ SCMP_SYS(getsockopt), 3, { CONFINE_IS(0, ring_fd), CONFINE_IS(1, SOL_PACKET),
					     CONFINE_IS(2, PACKET_STATISTICS) } },
		/* a batch to the exporter; to no address */
		{ SCMP_SYS(sendto), 4, { CONFINE_IS(0, SANDBOX_IPC), CONFINE_IS(4, 0), CONFINE_IS(5, 0),
					 CONFINE_IS(3, MSG_DONTWAIT | MSG_NOSIGNAL) } },
		{ SCMP_SYS(exit_group), 0, { { 0 } } },
	};
	/* clang-format on */

	return confine_policy(SCMP_ACT_KILL_PROCESS, allowed, sizeof(allowed) / sizeof(allowed[0]));
}

int sandbox_enter(int ring_fd, uint32_t *ret_landlock)
{
	/* ppoll() of two descriptors needs a limit of two; those that are open stay open */
	static const struct rlimit none = { 0, 0 }, two = { 2, 2 };
	int landlock = confine_files(NULL, NULL, false);
	scmp_filter_ctx filter;

	if (landlock < 0)
		return landlock;
	*ret_landlock = (uint32_t)landlock;
	if (setrlimit(RLIMIT_NPROC, &none) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &two) < 0)
		return -errno;
	filter = sandbox_policy(ring_fd);
	/* Never released: freeing it could need a call that is no longer there */
	return filter ? seccomp_load(filter) : -ENOMEM;
}
