#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The privileged program stays small: lines of code that are linked into dnstt_capture."""

import os
import pathlib
import re
import subprocess
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
MOST, MOST_OF_A_FILE = 1350, 250  # lines of code; comments and blank lines are free
OBJECTS = "dnstt_capture.p", "libdecoder.a.p", "libconfined.a.p", "libcommon.a.p"
# Of the archives, what capture calls nothing of
NOT_LINKED = {pathlib.PurePath("common/record_check.c"), pathlib.PurePath("common/record_check.h")}


def code_lines(text):
    """Lines that are not blank once comments are gone; an #include is not code."""
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)  # a string may look like a comment
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return sum(1 for line in text.splitlines()
               if line.strip() and not line.startswith(("#include", "#pragma")))


def linked():
    """Files of this tree that the objects of dnstt_capture were compiled from."""
    build = pathlib.Path(os.environ["TEST_BUILD"])
    said = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True,
                          text=True).stdout
    found = set()
    for part in said.split("\n\n"):
        target, *files = part.strip().split("\n")
        if not any(f"/{name}/" in target.split(":")[0] for name in OBJECTS):
            continue
        paths = {pathlib.Path(build, file.strip()).resolve() for file in files}
        found |= {path for path in paths if path.is_relative_to(TOP) and "build" not in path.parts}
    return {path.relative_to(TOP) for path in found} - NOT_LINKED


class Size(unittest.TestCase):
    def test_lines_are_counted_without_comments(self):
        self.assertEqual(code_lines('/* a\n b */\n#include <a.h>\n\nint a; /* c */\n// d\n'
                                    'char *s = "/*";\n'), 2)

    def test_what_is_left_out_is_not_in_the_program(self):
        program = pathlib.Path(os.environ["TEST_BUILD"], "capture/dnstt_capture")
        symbols = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
        self.assertIn(" config_fault", symbols)
        self.assertNotIn("record_check_batch", symbols)

    def test_what_is_linked_is_capture_and_common_alone(self):
        files = linked()
        self.assertEqual({path.parts[0] for path in files}, {"capture", "common"})
        for path in sorted((TOP / "capture").glob("*.[ch]")):
            self.assertIn(path.relative_to(TOP), files)

    def test_the_privileged_program_is_short(self):
        lines = {path: code_lines((TOP / path).read_text()) for path in linked()}
        self.assertLessEqual(sum(lines.values()), MOST, lines)
        for path, count in lines.items():
            self.assertLessEqual(count, MOST_OF_A_FILE, path)
        print(sum(lines.values()), "lines of code")


if __name__ == "__main__":
    unittest.main()
