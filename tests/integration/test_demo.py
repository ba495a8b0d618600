#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The demo's traffic is what it says: every query it reports is on /metrics."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import Exporter

DEMO = pathlib.Path(__file__).resolve().parent.parent / "demo"


class Demo(unittest.TestCase):
    def test_its_queries_and_responses_are_on_the_metrics(self):
        host.must_be_root()
        box = host.Host.make(self, "box")
        domains = ("t.example.com", "b.example.org")
        exporter = Exporter.start(self, box, port=5300, domains=domains)
        command = [str(DEMO), "--port", "5300", "--seconds", "4", "--seed", "1"]
        for domain in domains:
            command += ["--domain", domain]
        demo = box.spawn(command, stdout=subprocess.PIPE, text=True)
        said = demo.communicate(timeout=20)[0]
        self.assertEqual(host.end(demo), 0)
        sent = int(re.match(r"(\d+) queries sent, \d+ responses received", said)[1])
        self.assertGreater(sent, 50)

        def counted():
            scrape = exporter.scrape()
            total = scrape.sum("dnstt_queries_total") + scrape.sum("dnstt_rejected_queries_total")
            self.assertEqual(total, sent)
            for domain in domains:
                self.assertGreater(scrape.sum("dnstt_active_clients", domain=domain), 0)
            self.assertGreater(scrape.sum("dnstt_responses_total", rcode="NOERROR"), 0)
            self.assertGreater(scrape.sum("dnstt_responses_total", rcode="NXDOMAIN"), 0)

        host.eventually(counted)

    def test_a_taken_port_is_told(self):
        host.must_be_root()
        box = host.Host.make(self, "box")
        with box.udp("127.0.0.1", 5300):
            demo = box.spawn([str(DEMO), "--port", "5300"], stderr=subprocess.PIPE, text=True)
            said = demo.communicate(timeout=20)[1]
        self.assertEqual(host.end(demo), 1)
        self.assertIn("127.0.0.1:5300: Address already in use", said)


if __name__ == "__main__":
    unittest.main()
