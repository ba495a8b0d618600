/* SPDX-License-Identifier: MIT */
/* The page's style sheet: style.css, which embed.py turns into C when the program is built */
#pragma once

#include <stddef.h>

extern const char page_style[];
extern const size_t page_style_bytes;
