/* SPDX-License-Identifier: MIT */
/* Numbers in text from outside */
#pragma once

/**
 * number_parse() - A number in base 10, or 16 after 0x, or 8 after 0, as Go's flag package reads it
 *
 * Return: 0, -EINVAL for anything else, -ERANGE if it is less than @least or more than @most
 */
int number_parse(const char *text, unsigned long least, unsigned long most,
		 unsigned long *ret_number);
