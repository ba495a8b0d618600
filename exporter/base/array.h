/* SPDX-License-Identifier: MIT */
/* How many elements an array has */
#pragma once

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
