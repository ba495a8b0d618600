/* SPDX-License-Identifier: MIT */
/* Numbers in text from outside */
#include "base/number.h"

#include <errno.h>
#include <stdlib.h>

int number_parse(const char *text, unsigned long least, unsigned long most,
		 unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 0);
	if (*end != '\0')
		return -EINVAL;
	if (errno != 0 || number < least || number > most)
		return -ERANGE;
	*ret_number = number;
	return 0;
}
