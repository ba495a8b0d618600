#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes C of a style sheet, without its comments: embed.py STYLE.css STYLE.c"""

import re
import sys

source, target = sys.argv[1:]
with open(source, encoding="ascii") as file:
    style = re.sub(r"/\*.*?\*/\n?", "", file.read(), flags=re.S)
lines = (line.replace("\\", "\\\\").replace('"', '\\"') for line in style.splitlines())
with open(target, "w", encoding="ascii") as file:
    file.write('#include "page/style.h"\n\nconst char page_style[] =\n')
    file.write("\n".join(f'\t"{line}\\n"' for line in lines) + ";\n")
    file.write("const size_t page_style_bytes = sizeof(page_style) - 1;\n")
