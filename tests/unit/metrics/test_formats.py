#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prometheus' own parsers read both formats, to the same samples, and promtool finds no fault."""

import os
import shutil
import subprocess
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

SAMPLE = os.environ["TEST_EXPOSITION_SAMPLE"]
# What this process uses is not the same twice
MOVING = ("process_cpu_seconds_total", "process_virtual_memory_bytes",
          "process_resident_memory_bytes", "process_start_time_seconds")


def sample(form):
    return subprocess.run([SAMPLE, form], check=True, capture_output=True, text=True).stdout


def samples(families):
    return {(each.name, tuple(sorted(each.labels.items()))): float(each.value)
            for family in families for each in family.samples if each.name not in MOVING}


class Formats(unittest.TestCase):
    def test_both_formats_have_the_same_samples(self):
        text = samples(parse_text(sample("text")))
        openmetrics = samples(parse_openmetrics(sample("openmetrics")))
        self.assertEqual(text, openmetrics)
        self.assertGreater(len(text), 100)
        labels = (("asn", "29518"), ("country", "SE"), ("domain", "t.example.com"))
        self.assertEqual(text["dnstt_queries_total", labels], 4)

    def test_families_have_type_and_help(self):
        for family in parse_openmetrics(sample("openmetrics")):
            self.assertIn(family.type, ("counter", "gauge", "histogram", "summary"),
                          family.name)
            self.assertRegex(family.documentation, r"^[A-Z].*\.$|since unix epoch", family.name)
            self.assertGreater(len(family.samples), 0, family.name)

    def test_no_sample_occurs_twice(self):
        lines = [line.rsplit(" ", 1)[0] for line in sample("text").splitlines()
                 if not line.startswith("#")]
        self.assertEqual(len(lines), len(set(lines)))

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_finds_no_fault(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=sample("text"),
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
