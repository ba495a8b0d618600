/* SPDX-License-Identifier: MIT */
/* The folders that stay readable, so that files which are replaced can be read again
 *
 * Landlock knows folders and what is below them, not paths: what another folder of the same name has is
 * out of reach. So the folder that a file is in is not enough where a path leads through a link to a
 * folder, of which there will be another one tomorrow:
 *
 *	/var/lib/geoip/current -> 2026-11	a dated folder
 *	/run/agenix -> /run/agenix.d/7		a generation
 *
 * There the folder that it is in stays readable as well, here /var/lib/geoip and /run/agenix.d; but not
 * the root folder or one directly below it, like /etc, which has far more than that. And not where there
 * is no link: the folder around a plain one may be anything. What is out of reach is told by
 * file_fault().
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#define FOLDERS_MAX 32 /* further ones are left out */

struct folders {
	char path[FOLDERS_MAX][PATH_MAX];
	const char *list[FOLDERS_MAX + 1]; /* of the paths in use; NULL at the end */
	size_t count;
};

/**
 * folders_add() - Add the folders of a file, and of the links that its path leads through
 * @folders:	Zeroed before the first call
 * @file:	Need not exist
 *
 * A folder that this user can't enter is left out, as is one that is there already. System calls:
 * newfstatat, readlink, open (O_PATH), close.
 */
void folders_add(struct folders *folders, const char *file);

/**
 * folders_allow() - Reading below them, and nothing else, in a Landlock ruleset: see confine_files()
 * @context:	struct folders
 *
 * System calls: open (O_PATH), landlock_add_rule, close.
 *
 * Return: 0, or negative errno of the first that failed
 */
int folders_allow(int ruleset, const void *context);
