#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What both processes take: at a start, with clients, in a flood; and that none of it grows any more."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import Exporter, program

MIB = 1 << 20
SMALL = ("-sessions.max", "2048", "-metrics.max-series", "256", "-capture.ring-size", "4MiB")
# Enough of them to go through every table that all queries have in common
QUERIES = 150_000


def resident(pid):
    """Bytes; smaps_rollup is exact where status lags behind."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Rss: +(\d+) kB$", file.read(), re.M)[1]) << 10


def reserved(pid):
    """Bytes that are private and writable, whether touched or not: what RLIMIT_DATA counts."""
    return int(host.status(pid)["VmData"].split()[0]) << 10


class Resident(unittest.TestCase):
    def start(self, *flags):
        host.must_be_root()
        self.box, self.far = host.Host.make(self, "box"), host.Host.make(self, "far")
        host.link(self.box, "eth0", self.far, "peer")
        self.exporter = Exporter.start(self, self.box, *flags)
        self.pids = self.exporter.pid, self.exporter.capture_pid()
        ring = re.search(r"ring_bytes=(\d+)", self.exporter.stderr())
        self.ring = int(ring[1])
        self.reserved = [reserved(pid) for pid in self.pids]

    def send(self, *options):
        """Queries, all of them counted, and then everything that is served."""
        before = self.exporter.scrape().sum("dnstt_queries_total")
        generator = self.far.spawn(
            [program("tests/bench/generator"), "--interface", "peer", "--destination-mac",
             self.box.mac("eth0"), "--rate", "40000", "--count", str(QUERIES), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = generator.communicate(timeout=60)
        self.assertEqual(generator.returncode, 0, err)
        self.assertEqual(json.loads(out)["queries"], QUERIES)

        def come():
            scrape = self.exporter.scrape()
            counted = scrape.sum("dnstt_queries_total") - before
            self.assertGreater(counted, QUERIES * 0.9)

        host.eventually(come)
        for path in ("/metrics", "/"):
            for coding in ("gzip", "identity"):
                answer = self.exporter.get(path, headers={"Accept-Encoding": coding})
                self.assertEqual(answer.status, 200)

    def assert_resident(self, most):
        found = [resident(pid) for pid in self.pids]
        self.assertLess(sum(found), most, found)

    def assert_nothing_grew(self):
        """Beyond what was reserved, which was checked against what there is."""
        for before, pid in zip(self.reserved, self.pids):
            self.assertLess(reserved(pid), before + MIB // 4)

    def test_a_small_server_takes_16_mib(self):
        self.start(*SMALL)
        self.assertEqual(self.ring, 4 * MIB)
        self.assert_resident(13 * MIB)
        self.send("--clients", "1000")
        self.assert_resident(16 * MIB)
        self.send("--random-ids")
        self.assertGreater(self.exporter.scrape().sum("dnstt_session_evictions_total"), 0)
        self.assert_resident(16 * MIB)
        self.assert_nothing_grew()

    def test_a_start_with_defaults_takes_what_it_uses(self):
        self.start()
        self.assert_resident(self.ring + 10 * MIB)
        self.send("--clients", "30")
        self.assert_resident(self.ring + 14 * MIB)
        self.assert_nothing_grew()

    def test_a_flood_takes_what_was_reserved(self):
        self.start()
        before = resident(self.exporter.pid)
        self.send("--random-ids")
        self.assertGreater(self.exporter.scrape().sum("dnstt_session_evictions_total"), 0)
        self.assertGreater(resident(self.exporter.pid), before + 10 * MIB)
        self.assert_resident(self.ring + 32 * MIB)
        self.assert_nothing_grew()
        full = resident(self.exporter.pid)
        self.send("--random-ids", "--seed", "2")
        # Where one response is still on its way, the next one is made elsewhere
        self.assertLess(resident(self.exporter.pid), full + MIB)

    def test_no_huge_page_is_behind_a_byte(self):
        """Where "always" stands in /sys/kernel/mm/transparent_hugepage/enabled, each table would be whole."""
        self.start()
        status = host.status(self.exporter.pid)
        host.must("THP_enabled" in status, "this kernel does not tell of huge pages")
        self.assertEqual(status["THP_enabled"], "0")


if __name__ == "__main__":
    unittest.main()
