#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A real Prometheus scrapes the exporter and answers queries with the right numbers."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
import traffic
from exporter import DOMAIN, Exporter
from prometheus import Prometheus


class Scraped(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        self.exporter = Exporter.start(self, self.box)
        self.prometheus = Prometheus(self, self.exporter)

    def ask(self, expression):
        """Value of a PromQL expression that gives one sample."""
        result = self.prometheus.ask(expression)
        self.assertEqual(len(result), 1, f"{expression}: {result}")
        return float(result[0]["value"][1])

    def test_it_is_scraped_and_gives_the_right_numbers(self):
        host.eventually(lambda: self.assertEqual(self.ask("up"), 1), 30)
        host.eventually(lambda: self.assertEqual(self.ask("dnstt_queries_total"), 0), 5)
        traffic.serve(self, self.box.udp("127.0.0.1", 53))
        with self.box.udp("127.0.0.1") as resolver:
            counts = traffic.talk(resolver, ("127.0.0.1", 53), clients=4, queries=5).counts()
        select = f'{{job="dnstt",domain="{DOMAIN}"}}'
        answers = {
            f"dnstt_queries_total{select}": 20,
            f"dnstt_bytes_in_total{select}": counts["bytes_in"],
            f"dnstt_bytes_out_total{select}": counts["bytes_out"],
            f"dnstt_sessions_total{select}": 4,
            f"sum by (domain) (dnstt_active_clients{select})": 4,
            'sum(dnstt_responses_total{rcode="NOERROR"})': 20,
            f"dnstt_queries_total{select} offset 1s <= bool 20": 1,
        }
        for expression, value in answers.items():
            host.eventually(lambda e=expression, v=value: self.assertEqual(self.ask(e), v, e), 10)
        # Born at 0 before the first query, so that increase() loses nothing.
        increase = f"increase(dnstt_queries_total{select}[1m])"
        host.eventually(lambda: self.assertGreaterEqual(self.ask(increase), 20))


if __name__ == "__main__":
    unittest.main()
