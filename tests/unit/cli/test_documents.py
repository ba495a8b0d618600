#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""README and the manual page say of each flag and each wire what the program's own tables say."""

import os
import pathlib
import re
import subprocess
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
INSTALLED = "capture.program"  # its default is a path of the build


def plain(text):
    """Text without markup and line breaks: of Markdown, or of mdoc(7)."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(text.replace("`", "").replace("\\|", "|").split())


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.help = subprocess.run([os.environ["TEST_EXPORTER"], "-help"], check=True,
                                  capture_output=True, text=True).stdout
        cls.readme = (TOP / "README.md").read_text()
        cls.manual = (TOP / "exporter/deploy/dnstt_exporter.8").read_text()
        # name: (argument, help, default)
        cls.flags = {
            name: (argument or "", plain(text), default)
            for name, argument, text, default in re.findall(
                r"^  -([a-z.-]+)(?: ([A-Z]+))?\n    \t(.*?)(?: \(default ([^)]+)\))?$(?=\n  -|\n\n)",
                cls.help, re.M | re.S)}
        cls.wires = dict(re.findall(r"^  ([a-z-]+) +(.+)$", cls.help.split("WIRE is")[1], re.M))

    def test_the_tables_are_read(self):
        self.assertGreater(len(self.flags), 20)
        self.assertEqual(self.flags["dnstt.port"][2], "53")
        self.assertEqual(len(self.flags), len(re.findall(r"^  -", self.help, re.M)))
        self.assertGreater(len(self.wires), 4)

    def test_readme_has_every_flag_with_its_default_and_its_help(self):
        rows = {name: (plain(default), plain(text)) for name, default, text in re.findall(
            r"^\| `-([a-z.-]+)` \| (.*?) ?\| (.*?) \|$", self.readme, re.M)}
        self.assertEqual(set(rows), set(self.flags))
        for name, (_, text, default) in self.flags.items():
            with self.subTest(flag=name):
                if name != INSTALLED:
                    self.assertEqual(rows[name][0], default)
                self.assertTrue(rows[name][1].startswith(text), (rows[name][1], text))

    def test_the_manual_page_has_every_flag_with_its_default(self):
        items = dict(re.findall(r"^\.It Fl ([a-z.-]+)((?:.|\n)*?)(?=^\.It Fl |^\.El\n\.S)",
                                self.manual, re.M))
        self.assertEqual(set(items) - {"help"}, set(self.flags))
        for name, (argument, _, default) in self.flags.items():
            with self.subTest(flag=name):
                first = items[name].split("\n")[0]
                self.assertEqual(first, f" Ar {argument}" if argument else "")
                if default not in ("", "false") and name != INSTALLED:
                    self.assertRegex(items[name], rf"(?i)(?<!\w){re.escape(default)}(?!\w)")

    def test_both_have_every_wire(self):
        rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", self.readme, re.M))
        for name, server in self.wires.items():
            with self.subTest(wire=name):
                self.assertTrue(plain(rows.get(name, "")).startswith(server))
                self.assertRegex(self.manual, rf"(?m)^\.Cm {name}\b")
        known = re.search(r"\.It Cm wire((?:.|\n)*?)\.It ", self.manual).group(1)
        self.assertEqual(set(re.findall(r"^\.Cm ([a-z-]+)", known, re.M)), set(self.wires))


if __name__ == "__main__":
    unittest.main()
