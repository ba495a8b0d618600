#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Interfaces that go down, disappear, come back or appear, and interfaces chosen by name."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
import traffic
from exporter import Exporter


class Interfaces(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.server, self.client = host.Host.make(self, "server"), host.Host.make(self, "client")
        traffic.serve(self, self.server.udp("0.0.0.0", 53))
        self.tally = traffic.Tally()

    def connect(self, number, index=None):
        """Link number: eth0, eth1 ... with a network of its own."""
        name = f"eth{number}"
        host.link(self.server, name, self.client, name, index=index)
        self.server.ip(f"address add 192.0.{number}.1/24 dev {name}")
        self.client.ip(f"address add 192.0.{number}.2/24 dev {name}")

    def talk(self, number, tally=None):
        with self.client.udp(f"192.0.{number}.2") as resolver:
            traffic.talk(resolver, (f"192.0.{number}.1", 53), tally=tally or self.tally, queries=3)

    def test_down_and_up(self):
        self.connect(0)
        for flags in ([], ["-capture.interface", "eth0"]):
            with self.subTest(flags):
                self.tally = traffic.Tally()
                exporter = Exporter.start(self, self.server, *flags)
                self.talk(0)
                self.server.ip("link set eth0 down")
                exporter.expect(self, self.tally.counts())
                self.server.ip("link set eth0 up")
                self.talk(0)
                exporter.expect(self, self.tally.counts())
                self.assertEqual(exporter.stop(), 0)

    def test_gone_and_back(self):
        self.connect(0)
        exporter = Exporter.start(self, self.server)
        self.talk(0)
        self.server.ip("link delete eth0")
        exporter.expect(self, self.tally.counts())
        self.connect(0)
        self.talk(0)
        exporter.expect(self, self.tally.counts())

    def test_a_named_one_that_is_gone_and_back(self):
        self.connect(0)
        exporter = Exporter.start(self, self.server, "-capture.interface", "eth0")
        self.talk(0)
        exporter.expect(self, self.tally.counts())
        self.server.ip("link delete eth0")
        self.connect(0)
        self.talk(0)
        exporter.expect(self, self.tally.counts())

    def test_a_named_one_that_comes_after_the_start(self):
        exporter = Exporter.start(self, self.server, "-capture.interface", "eth1")
        self.connect(0)
        self.talk(0, tally=traffic.Tally())
        self.connect(1)
        self.talk(1)
        exporter.expect(self, self.tally.counts())
        self.assertEqual(exporter.stderr().count("is not there yet"), 1)
        self.assertIn("-capture.interface is there", exporter.stderr())

    def test_one_named_by_another_of_its_names(self):
        self.connect(0)
        self.server.ip("link property add dev eth0 altname uplink")
        exporter = Exporter.start(self, self.server, "-capture.interface", "uplink")
        self.talk(0)
        self.server.ip("link set eth0 mtu 1400")  # any change makes the kernel tell of its name
        self.talk(0)
        exporter.expect(self, self.tally.counts())
        self.server.ip("link set eth0 name lan0")
        self.server.ip("link set lan0 up")
        self.talk(0)
        exporter.expect(self, self.tally.counts())
        self.server.ip("link property del dev lan0 altname uplink")
        self.server.ip("link property add dev lan0 altname uplink")
        self.talk(0)
        exporter.expect(self, self.tally.counts())
        for word in ("gone", "there"):
            self.assertRegex(exporter.stderr(), f'-capture.interface is {word}" interface=uplink')

    def test_one_that_was_a_port_of_a_bridge(self):
        self.connect(0)
        exporter = Exporter.start(self, self.server, "-capture.interface", "eth0")
        self.talk(0)
        self.server.ip("link add br0 type bridge", "link set eth0 master br0",
                       "link set eth0 nomaster")
        self.talk(0)
        exporter.expect(self, self.tally.counts())
        self.assertNotIn("is gone", exporter.stderr())

    def test_added_while_running(self):
        exporter = Exporter.start(self, self.server)
        self.connect(0)
        self.talk(0)
        self.connect(1)
        self.talk(1)
        exporter.expect(self, self.tally.counts())

    def test_named_interfaces_and_no_other(self):
        for number in range(3):
            self.connect(number)
        exporter = Exporter.start(
            self, self.server, "-capture.interface", "eth0", "-capture.interface=eth2"
        )
        self.talk(0)
        self.talk(1, tally=traffic.Tally())
        self.talk(2)
        exporter.expect(self, self.tally.counts())

    def test_numbers_of_interfaces_that_differ_by_65536(self):
        # Hosts that start and end containers for months get there.
        self.connect(0, index=70000)
        self.connect(1, index=70000 + 65536)
        exporter = Exporter.start(self, self.server, "-capture.interface", "eth1")
        self.talk(0, tally=traffic.Tally())
        self.talk(1)
        exporter.expect(self, self.tally.counts())

    def test_a_response_that_leaves_by_another_interface_is_no_duplicate(self):
        # It has its query's ID, port and length, and came a moment later.
        self.connect(0)
        self.connect(1)
        exporter = Exporter.start(self, self.server)
        first, second = (host.Wire(self.server, name, self.client, name) for name in ("eth0", "eth1"))
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        resolver, server = ("198.51.100.7", 5353), ("192.0.0.1", 53)
        query = dnstt.refused()["qtype"]
        response = query[:2] + bytes([dnstt.QR >> 8, dnstt.NOERROR]) + query[4:]
        first.arrive(*packets.packet(resolver, server, query))
        second.leave(*packets.packet(server, resolver, response))
        exporter.expect(self, {"rejected": {"qtype": 1}, "responses": {"NOERROR": 1}})


if __name__ == "__main__":
    unittest.main()
