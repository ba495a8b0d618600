/* SPDX-License-Identifier: MIT */
/* What libmicrohttpd doesn't look at in the head of a request (RFC 9112)
 *
 * libmicrohttpd 0.9.75 takes much that is not HTTP, and a proxy in front may understand that in another
 * way: a text with a NUL ends there, a folded line goes into the name of the header before it,
 * and a header without a name ends the head. Nothing here reads HTTP a second time: what is looked
 * at is what it has split, and that nothing is left between the parts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* More of them are 414. Nothing here is asked with any, and libmicrohttpd would keep a list of them. */
#define HEAD_ARGUMENTS 200

struct head {
	const char *method, *target, *version;
	size_t target_bytes, path_at; /* the path begins there */
	bool is_exact; /* the parts lie side by side in memory, as 0.9.75 leaves them */
	/* Filled on the way */
	const char *end; /* of the last part */
	unsigned status; /* to be answered; 0: nothing is wrong so far */
	unsigned hosts;
	bool has_body; /* one is announced */
};

/**
 * head_begins() - Judge the first bytes of a request, before libmicrohttpd sees them
 * @all:	There will be no more of them: a line that isn't complete is too long
 *
 * A request line that it can't read it answers with the end of the connection.
 *
 * Return: status to be answered; 0: they are the beginning of a request line, or all of it
 */
unsigned head_begins(const char *text, size_t bytes, bool all);

/**
 * head_target() - Judge a request target, before anything in it is decoded
 * @ret_path_at:	Where its path begins, which is not at once in "http://host/path" (RFC 9112,
 *			3.2.2); at the end: it is "/"
 *
 * Return: 0, or the status to be answered
 */
unsigned head_target(const char *target, size_t *ret_path_at);

/**
 * head_line() - Judge the request line as a whole; the first call for a head
 * @head:	Its first line; the rest zeroed, but for a status that head_target() found
 */
void head_line(struct head *head);

/**
 * head_field() - Judge a header; to be called for each, in their order
 * @value:	Without the blanks in front
 */
void head_field(struct head *head, const char *name, const char *value);

/**
 * head_ends() - Judge the head as a whole; the last call
 * @bytes:	Of it, from the method to the end of the empty line
 */
void head_ends(struct head *head, size_t bytes);
