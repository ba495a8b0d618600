#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Frames made by hand: VLAN tags, options, extension headers, other hosts' MACs, repetitions."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
import traffic
from exporter import Exporter

V4 = ("198.51.100.7", 40000), ("192.0.2.1", 53)
V6 = ("2001:db8:7::7", 40000), ("2001:db8::1", 53)
PADDING = b"\0\0\x01\x04\0\0\0\0"  # an extension header that holds one PadN option
HOP, ROUTING, DESTINATION = (0, PADDING), (43, bytes(8)), (60, PADDING)
ATOMIC = (packets.FRAGMENT, bytes(8))
ROUTER_ALERT = b"\x94\x04\0\0"


class Frames(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.near, self.far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", self.far, "peer")
        self.wire = host.Wire(self.near, "eth0", self.far, "peer")
        self.addCleanup(self.wire.close)
        self.exporter = Exporter.start(self, self.near)
        self.tally = traffic.Tally()

    def exchange(self, path, tags=(), **extra):
        """Two clients' queries arrive, the server's responses leave."""
        resolver, server = path
        for client in (dnstt.Client(), dnstt.Client()):
            messages = [client.data(b"x" * 40), client.poll(), *client.minimised_data(b"y" * 80)]
            for message in messages:
                response = self.tally.server.answer(message)
                self.wire.arrive(*packets.packet(resolver, server, message, **extra), tags=tags)
                self.wire.leave(*packets.packet(server, resolver, response, **extra), tags=tags)
                self.tally.query(message)
                self.tally.response(message, response)

    def expect(self, **more):
        self.exporter.expect(self, self.tally.counts(**more))

    def test_802_1q(self):
        for path in (V4, V6):
            self.exchange(path, tags=[(packets.ETH_8021Q, 5)])
        self.expect()

    def test_priority_tag_of_vlan_0(self):
        self.exchange(V4, tags=[(packets.ETH_8021Q, 0xE000)])
        self.expect()

    def test_qinq(self):
        for outer in (packets.ETH_8021AD, packets.ETH_8021Q):
            for path in (V4, V6):
                self.exchange(path, tags=[(outer, 5), (packets.ETH_8021Q, 7)])
        self.expect()

    def test_qinq_whose_tag_looks_like_an_ip_header(self):
        # Priority and number of the inner tag are the octets 45 07 or 60 07.
        for path, tag in ((V4, 0x4507), (V6, 0x6007)):
            self.exchange(path, tags=[(packets.ETH_8021AD, 5), (packets.ETH_8021Q, tag)])
        self.expect()

    def test_ipv4_options(self):
        self.exchange(V4, options=ROUTER_ALERT)
        self.exchange(V4, options=ROUTER_ALERT + b"\x01" * 36)
        self.expect()

    def test_ipv6_extension_headers(self):
        for chain in ([HOP], [DESTINATION], [ROUTING], [ATOMIC], [HOP, DESTINATION],
                      [HOP, ROUTING, ATOMIC, DESTINATION]):
            self.exchange(V6, extensions=chain)
        self.expect()

    def test_padding_behind_a_short_packet(self):
        message = dnstt.query(dnstt.wire_name("a.t.example.com"), dnstt.A, edns=None)
        ethertype, octets = packets.packet(*V4, message)
        self.wire.arrive(ethertype, octets + bytes(18))
        self.tally.query(message)
        self.expect()

    def test_frames_for_other_hosts_do_not_count(self):
        # A promiscuous port of a hub or of a bridge that floods.
        self.near.ip("link set eth0 promisc on")
        message = dnstt.Client().poll()
        for target in ("02:00:00:00:00:99", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb"):
            self.wire.arrive(*packets.packet(*V4, message), to_mac=target)
        self.wire.arrive(*packets.packet(*V6, message))
        self.tally.query(message)
        self.expect()

    def test_queries_that_leave_and_responses_that_arrive_do_not_count(self):
        # What a resolver on this host exchanges with other servers.
        message = dnstt.Client().poll()
        response = self.tally.server.answer(message)
        for resolver, server in (V4, V6):
            self.wire.leave(*packets.packet(resolver, server, message))
            self.wire.arrive(*packets.packet(server, resolver, response))
        self.expect()
        self.assertEqual(self.exporter.scrape().value("dnstt_capture_packets_total"), 0)

    def test_other_ports_and_protocols_do_not_count(self):
        message = dnstt.Client().poll()
        for resolver, server in (V4, V6):
            self.wire.arrive(*packets.packet(resolver, (server[0], 5353), message))
            self.wire.leave(*packets.packet((server[0], 5353), resolver, message))
        tcp = packets.udp(*V4, message)
        self.wire.arrive(packets.ETH_IPV4, packets.ipv4(V4[0][0], V4[1][0], tcp, proto=6))
        self.expect()
        self.assertEqual(self.exporter.scrape().value("dnstt_capture_packets_total"), 0)

    def test_a_retransmission_is_a_query_and_no_duplicate(self):
        # The same message again on the same interface, at once: dnstt-server answers both.
        message = dnstt.Client().data(b"again")
        for _ in range(3):
            self.wire.arrive(*packets.packet(*V4, message))
            self.tally.query(message)
        self.expect(retransmitted=2)

    def test_a_fragmented_query_is_refused(self):
        datagram = packets.udp(*V4, dnstt.Client().data(b"x" * 50))
        first, second = datagram[:64], datagram[64:]
        addresses = V4[0][0], V4[1][0]
        self.wire.arrive(packets.ETH_IPV4, packets.ipv4(*addresses, first, ident=7, more=True))
        self.wire.arrive(packets.ETH_IPV4, packets.ipv4(*addresses, second, ident=7, offset=64))

        self.exporter.expect(self, {"rejected": {"fragment": 1}})

    def test_broken_packets_do_no_harm(self):
        """Each that the kernel filter passes, which needs to see the port, is counted once."""
        message = dnstt.Client().poll()
        refused = unmatched = 0
        for (resolver, server), header in ((V4, 20), (V6, 40)):
            ethertype, octets = packets.packet(resolver, server, message)
            for cut in range(len(octets)):
                self.wire.arrive(ethertype, octets[:cut])
            refused += len(octets) - (header + 4)
            ethertype, octets = packets.packet(server, resolver, message)
            for cut in range(len(octets)):
                self.wire.leave(ethertype, octets[:cut])
            unmatched += len(octets) - (header + 2)
        for cut in range(len(message)):
            self.wire.arrive(*packets.packet(*V4, message[:cut]))
        self.exchange(V4)
        expected = self.tally.counts()
        expected["rejected"].update(packet=refused, malformed=len(message))
        self.exporter.expect(self, expected)
        scrape = self.exporter.scrape()
        self.assertEqual(scrape.value("dnstt_unmatched_responses_total"), unmatched)
        self.assertEqual(
            scrape.value("dnstt_capture_packets_total"),
            sum(scrape.sum(f"dnstt_{name}_total") for name in (
                "queries", "rejected_queries", "responses", "unmatched_responses",
                "duplicate_packets", "ignored_packets")))


if __name__ == "__main__":
    unittest.main()
