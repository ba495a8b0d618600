#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a packet costs in instructions, which are the same however busy the machine is."""

import os
import platform
import re
import subprocess
import tempfile
import unittest

import exporter

# What was measured, and a sixth more; tests/bench/run shows what it takes in time
MOST = {"measured_decode": 1800, "measured_records": 1000}
BATCH, BATCHES = 512, 100


PACKETS = exporter.FIXTURES / "costly"
MOST_OF_A_PACKET = 43_000  # the worst that was found takes 38,747; a usual one of 1,500 bytes 2,831


def instructions(path, packets, *options):
    """Those below a function of decode_cost, for one of its packets."""
    tool = exporter.program("tests/bench/decode_cost")
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
             "--collect-atstart=no", f"--toggle-collect={path}", tool, *options],
            check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}).stderr
    return int(re.search(r"Collected : (\d+)", said)[1]) / packets


@unittest.skipUnless(platform.machine() == "x86_64", "the figures are of x86_64")
class Cost(unittest.TestCase):
    def test_a_packet_costs_no_more_instructions_than_it_did(self):
        for path, most in MOST.items():
            with self.subTest(path):
                cost = instructions(path, BATCH * BATCHES, "--batches", str(BATCHES))
                self.assertGreater(cost, 100)
                self.assertLess(cost, most)

    def test_no_packet_costs_more_instructions_than_it_did(self):
        """Those that a search found (tests/bench/costly), and 202 questions that end in one name."""
        def cost(name):
            return instructions("measured_decode", BATCH, "--batches", "1", "--before", "1",
                                "--domains", "64", "--packet", str(PACKETS / f"{name}.packet"))

        self.assertGreater(cost("usual"), 1000)
        for path in PACKETS.glob("*.packet"):
            with self.subTest(path.stem):
                self.assertLess(cost(path.stem), MOST_OF_A_PACKET)


if __name__ == "__main__":
    unittest.main()
