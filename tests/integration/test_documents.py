#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""README.md and SECURITY.md say what is so."""

import pathlib
import re
import subprocess
import unittest

import exporter
import host

TOP = pathlib.Path(__file__).resolve().parents[2]
LIMIT, FILE_LIMIT = 1000, 250  # of the privileged part


def lines(path):
    return len(path.read_text().splitlines())


def files(folder):
    return sorted(path for path in (TOP / folder).iterdir() if path.suffix in (".c", ".h"))


class Documents(unittest.TestCase):
    def setUp(self):
        self.readme = (TOP / "README.md").read_text()
        self.security = (TOP / "SECURITY.md").read_text()

    def test_privileged_part_is_as_long_as_security_md_says(self):
        rows = dict(re.findall(r"^\| `((?:capture|common)/\S+)` \| (\d+) \|", self.security, re.M))
        real = {f"{path.parent.name}/{path.name}": str(lines(path))
                for path in files("capture") + files("common")}
        self.assertEqual(rows, real)
        sums = re.search(r"`capture/`, (\d+) lines, and what it takes from `common/`, (\d+) lines",
                         self.security)
        self.assertEqual([sum(map(lines, files(folder))) for folder in ("capture", "common")],
                         [int(number) for number in sums.groups()])

    def test_privileged_part_is_short(self):
        self.assertLessEqual(sum(map(lines, files("capture"))), LIMIT)
        for path in files("capture"):
            self.assertLessEqual(lines(path), FILE_LIMIT, path)

    def test_readme_has_every_flag(self):
        help_text = subprocess.run([exporter.program("exporter/dnstt_exporter"), "-help"],
                                   check=True, capture_output=True, text=True).stdout
        flags = set(re.findall(r"^  -([a-z.-]+)", help_text, re.M))
        self.assertGreater(len(flags), 15)
        documented = set(re.findall(r"`-([a-z.-]+)`", self.readme.split("## Flags")[1].split("## Metrics")[0]))
        self.assertEqual(flags - documented, set())

    def test_tests_that_security_md_names_exist(self):
        sources = "".join(path.read_text() for path in (TOP / "tests").rglob("test_*")
                          if path.suffix in (".c", ".py"))
        named = set(re.findall(r"`(test_\w+)`", self.security))
        self.assertGreater(len(named), 0)
        self.assertEqual({name for name in named if name not in sources}, set())

    def test_readme_has_every_metric(self):
        place = host.Host.make(self)
        running = exporter.Exporter.start(
            self, place, "-geoip.country-database", str(exporter.FIXTURES / "GeoLite2-Country-Test.mmdb"))
        shown = set(re.findall(r"^# TYPE (\S+)", running.get("/metrics").text, re.M))
        self.assertGreater(len(shown), 20)
        patterns = re.findall(r"`((?:dnstt|process|promhttp)_[a-z_]*\*?)", self.readme)
        missing = {name for name in shown
                   if not any(re.fullmatch(pattern.replace("*", ".*"), name) for pattern in patterns)}
        self.assertEqual(missing, set())


if __name__ == "__main__":
    unittest.main()
