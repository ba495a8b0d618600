/* SPDX-License-Identifier: MIT */
/* What both processes do to themselves before they read a byte from outside */
#include "common/confine.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of this system may be older than the kernel, so its numbers stand here */
#define LANDLOCK_VERSION    1	      /* LANDLOCK_CREATE_RULESET_VERSION */
#define LANDLOCK_SOCKETS    (1u << 0) /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET */
#define LANDLOCK_SIGNALS    (1u << 1) /* LANDLOCK_SCOPE_SIGNAL */
#define LANDLOCK_ABI_FILES  6	      /* the last that has rights this file knows of */
#define LANDLOCK_ABI_NET    4
#define LANDLOCK_ABI_SCOPED 6

int confine_drop_capabilities(void)
{
	cap_t none = cap_init(), now;
	bool clean;

	if (!none || cap_reset_ambient() < 0 || cap_set_proc(none) < 0)
		return -errno;
	now = cap_get_proc();
	clean = now && cap_compare(now, none) == 0 && cap_get_ambient(CAP_NET_RAW) == 0;
	cap_free(now);
	cap_free(none);
	if (!clean || socket(AF_PACKET, SOCK_DGRAM, 0) >= 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int confine_files(confine_allow *allow, const void *context, bool signals)
{
	/* LANDLOCK_ACCESS_FS_..., by ABI */
	static const uint8_t rights[] = { 0, 13, 14, 15, 15, 16, 16 };
	struct {
		uint64_t files, net, scoped;
	} deny = { 0 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	int ruleset, failed;

	if (abi < 1)
		return 0;
	deny.files = (1u << rights[abi < LANDLOCK_ABI_FILES ? abi : LANDLOCK_ABI_FILES]) - 1;
	deny.net = abi >= LANDLOCK_ABI_NET ? 3 : 0;
	if (abi >= LANDLOCK_ABI_SCOPED)
		deny.scoped = LANDLOCK_SOCKETS | (signals ? 0 : LANDLOCK_SIGNALS);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &deny, sizeof(deny), 0);
	if (ruleset < 0)
		return -errno;
	failed = allow ? allow(ruleset, context) : 0;
	if (!failed && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		failed = -errno;
	close(ruleset);
	return failed ? failed : (int)abi;
}

scmp_filter_ctx confine_policy(uint32_t otherwise, const struct confine_rule *rules, size_t count)
{
	scmp_filter_ctx filter = seccomp_init(otherwise);

	if (!filter ||
	    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0 ||
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, rules[i].call,
						 rules[i].tests, rules[i].test) < 0)
			return NULL;
	return filter;
}
