#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a packet costs in instructions, which are the same however busy the machine is."""

import os
import pathlib
import platform
import re
import subprocess
import tempfile
import unittest

import exporter

# What was measured, and a sixth more; tests/bench/run shows what it takes in time
MOST = {"measured_decode": 1550, "measured_records": 650}
BATCH, BATCHES = 512, 100


class Cost(unittest.TestCase):
    @unittest.skipUnless(platform.machine() == "x86_64", "the figures are of x86_64")
    def test_a_packet_costs_no_more_instructions_than_it_did(self):
        tool = pathlib.Path(exporter.program("tests/bench/decode_cost"))
        for path, most in MOST.items():
            with self.subTest(path), tempfile.TemporaryDirectory() as folder:
                said = subprocess.run(
                    ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--collect-atstart=no",
                     f"--toggle-collect={path}", tool, "--batches", str(BATCHES)],
                    check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}).stderr
                cost = int(re.search(r"Collected : (\d+)", said)[1]) / (BATCH * BATCHES)
                self.assertGreater(cost, 100)
                self.assertLess(cost, most)


if __name__ == "__main__":
    unittest.main()
