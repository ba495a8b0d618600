/* SPDX-License-Identifier: MIT */
/* How a fault in the web configuration is reported: "FILE:LINE: KEY: what is wrong; what to write" */
#pragma once

#include "base/reason.h"

/**
 * fault_at() - Write a reason in that form
 * @line:	0: the file as a whole
 * @key:	NULL: no key in particular
 *
 * Return: -EINVAL, always
 */
__attribute__((format(printf, 5, 6))) int fault_at(struct reason *reason, const char *path,
						   unsigned line, const char *key,
						   const char *format, ...);
