#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Recordings of the real dnstt client and server, live on an interface: exact counts."""

import collections
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
from exporter import DOMAIN, FIXTURES, Exporter

COUNTRIES = {"81.2.69.160": "GB", "89.160.20.112": "SE", "2001:218::53": "JP"}


def fixture(name):
    return FIXTURES / f"{name}.pcap", json.loads((FIXTURES / f"{name}.expected.json").read_text())


def recorded(path):
    """What expected.json leaves out: responses by RCODE, queries that are no TXT query, and those
    that carry what an earlier one carried (a resolver asked again).
    """
    rcodes, refused, written = collections.Counter(), 0, []
    for kind, ethertype, octets in packets.recording(path):
        message = packets.udp_message(ethertype, octets)[2]
        if kind == packets.OUTGOING:
            rcodes[dnstt.rcode(message)] += 1
            continue
        name, qtype = dnstt.question(message)
        if qtype == dnstt.TXT:
            written.append(dnstt.decode(dnstt.split_name(name)[:-3]))
        else:
            refused += 1
    return {
        "responses": {"NOERROR": rcodes[0], "NXDOMAIN": rcodes[3]},
        "rejected": {"qtype": refused},
        "retransmitted": len(written) - len(set(written)),
    }


class Recordings(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.near, self.far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", self.far, "peer")
        self.wire = host.Wire(self.near, "eth0", self.far, "peer")
        self.addCleanup(self.wire.close)

    def replay(self, name, *flags):
        path, expected = fixture(name)
        exporter = Exporter.start(self, self.near, *flags)
        self.wire.replay(path)
        total = expected["total"]
        rest = recorded(path)
        self.assertEqual(rest["responses"]["NOERROR"], total["responses"])
        self.assertGreater(rest["retransmitted"], 0)
        exporter.expect(
            self,
            {
                "queries": total["queries"],
                "bytes_in": total["bytes_in"],
                "bytes_out": total["bytes_out"],
                "sessions": total["sessions"],
                "active": total["sessions"],
                **rest,
            },
        )
        scrape = exporter.scrape()
        self.assertEqual(scrape.sum("dnstt_peak_clients", domain=DOMAIN), total["sessions"])
        seen = sum(rest["responses"].values()) + total["queries"] + rest["rejected"]["qtype"]
        self.assertEqual(scrape.value("dnstt_capture_packets_total"), seen)
        return scrape, expected

    def test_ipv6_recording(self):
        self.replay("dnstt-unbound-ipv6")

    def test_recording_with_minimisation_and_0x20(self):
        self.replay("dnstt-unbound-qmin-0x20")

    def countries(self, name):
        database = FIXTURES / "GeoLite2-Country-Test.mmdb"
        scrape, expected = self.replay(name, "-geoip.country-database", str(database))
        for resolver in expected.keys() - {"total"}:
            labels = {"domain": DOMAIN, "country": COUNTRIES[resolver]}
            for key in ("queries", "bytes_in", "bytes_out", "sessions"):
                value = scrape.value(f"dnstt_{key}_total", **labels)
                self.assertEqual(value, expected[resolver][key], f"{key} of {resolver}")

    def test_countries_of_the_ipv6_recording(self):
        self.countries("dnstt-unbound-ipv6")

    def test_countries_of_the_recording_with_minimisation_and_0x20(self):
        self.countries("dnstt-unbound-qmin-0x20")


if __name__ == "__main__":
    unittest.main()
