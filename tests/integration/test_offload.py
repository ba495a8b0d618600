#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""UDP offload: what is sent in one call, or arrives together, is seen as one packet and counts as many."""

import mmap
import os
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
import traffic
from exporter import Exporter

UDP_SEGMENT = 103
SERVER, RESOLVER = {4: "192.0.2.1", 6: "2001:db8::1"}, {4: "192.0.2.7", 6: "2001:db8::7"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
MOST = 64  # datagrams in one call, on every kernel
SOL_PACKET, PACKET_VERSION, PACKET_TX_RING, TPACKET_V2, SEND_REQUEST = 263, 10, 13, 1, 1


def send_joined(udp, address, messages):
    """Messages of one length, the last may be shorter, in one call."""
    size = struct.pack("=H", len(messages[0]))
    udp.sendmsg([b"".join(messages)], [(socket.IPPROTO_UDP, UDP_SEGMENT, size)], 0, address)


def batches(messages):
    """Runs of messages that can go in one call: one length, and one that is shorter."""
    batch = []
    for message in messages:
        if batch and (len(batch) == MOST or len(batch[-1]) < len(batch[0])
                      or len(message) > len(batch[0])
                      or sum(map(len, batch)) + len(message) > 65000):
            yield batch
            batch = []
        batch.append(message)
    if batch:
        yield batch


class Offload(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        host.must_have("ethtool")
        self.near, self.far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", self.far, "peer")
        for place, interface, addresses in ((self.near, "eth0", SERVER), (self.far, "peer", RESOLVER)):
            place.ip(f"address add {addresses[4]}/24 dev {interface}",
                     f"address add {addresses[6]}/64 dev {interface} nodad")
        self.exporter = Exporter.start(self, self.near)
        self.tally = traffic.Tally()

    def features(self, place, interface, *switches):
        with place.inside():
            host.run("ethtool", "-K", interface, *switches)

    def socket(self, place, address, port=0):
        udp = place.udp(address, port)
        udp.setsockopt(socket.SOL_SOCKET, host.SO_RCVBUFFORCE, 16 << 20)
        self.addCleanup(udp.close)
        return udp

    def largest(self, place, act):
        """Of the packets that a tap sees meanwhile, the longest: whether datagrams were joined."""
        return max(len(octets) for *_, octets in place.sights(act))

    def messages(self, count, text=b""):
        """Queries of one client, all of one length."""
        client = dnstt.Client()
        return [client.data(text) if text else client.poll() for _ in range(count)]

    def exchange(self, server, resolver, queries, send=send_joined, answer=send_joined):
        """The server gets each query for itself, and the resolver each answer."""
        for batch in batches(queries):
            send(resolver, server.getsockname()[:2], batch)
            received = []
            for _ in batch:
                message, source = server.recvfrom(65535)
                received.append(message)
            self.assertEqual(sorted(received), sorted(batch))
            for message in received:
                self.tally.query(message)
            answers = [(message, self.tally.server.answer(message)) for message in received]
            for message, response in answers:
                self.tally.response(message, response)
            responses = sorted((response for _, response in answers), key=len, reverse=True)
            for joined in batches(responses):
                answer(server, source[:2], joined)
            self.assertEqual(sorted(resolver.recv(65535) for _ in responses), sorted(responses))

    def expect(self, **more):
        self.exporter.expect(self, self.tally.counts(**more))

    def test_sent_in_one_call_on_the_loopback(self):
        for family in (4, 6):
            server = self.socket(self.near, LOOPBACK[family], 53)
            resolver = self.socket(self.near, LOOPBACK[family])
            for count in (1, 2, 8, MOST):
                queries = self.messages(count) + self.messages(count, b"x" * 60)
                seen = self.largest(self.near, lambda: self.exchange(server, resolver, queries))
                self.assertGreater(seen, count * 60)
        self.expect()

    def test_sent_in_one_call_over_a_link(self):
        for family in (4, 6):
            server = self.socket(self.near, SERVER[family], 53)
            resolver = self.socket(self.far, RESOLVER[family])
            queries = self.messages(752 // 2, b"y" * 40)
            seen = self.largest(self.near, lambda: self.exchange(server, resolver, queries))
            self.assertGreater(seen, 4608)
        self.assertEqual(self.tally.queries, 752)
        self.expect()

    def test_the_last_is_shorter(self):
        server = self.socket(self.near, SERVER[4], 53)
        resolver = self.socket(self.far, RESOLVER[4])
        for count in (1, 7):
            self.exchange(server, resolver, self.messages(count, b"z" * 50) + self.messages(1))
        self.expect()

    def test_joined_on_arrival(self):
        """As one call's datagrams come apart on a link without offload, and are put together again."""
        self.features(self.far, "peer", "tx-udp-segmentation", "off", "gso", "off")
        for switches in (("rx-udp-gro-forwarding", "on"),
                         ("rx-gro-list", "on", "rx-udp-gro-forwarding", "off")):
            self.features(self.near, "eth0", "gro", "on", *switches)
            for family in (4, 6):
                server = self.socket(self.near, SERVER[family], 53)
                resolver = self.socket(self.far, RESOLVER[family])
                queries = self.messages(MOST) + self.messages(MOST, b"y" * 40)
                seen = self.largest(self.near, lambda: self.exchange(server, resolver, queries))
                self.assertGreater(seen, 1500, switches)
                server.close()
        self.expect()

    def test_all_that_a_packet_can_hold(self):
        server = self.socket(self.near, LOOPBACK[6], 53)
        resolver = self.socket(self.near, LOOPBACK[6])
        queries = self.messages(44)
        for message in queries:
            resolver.sendto(message, server.getsockname()[:2])
            self.assertEqual(server.recv(65535), message)
            self.tally.query(message)
        joined = []
        for message in queries:
            name, kind = dnstt.question(message)
            answer = dnstt.record(dnstt.TXT, 1, 60, dnstt.strings(b"\x05\x00" + bytes(1280)),
                                  b"\xc0\x0c")
            response = (message[:2] + struct.pack(">HHHHH", 0x8400, 1, 1, 0, 0) + name
                        + struct.pack(">HH", kind, 1) + answer)
            response += bytes(1480 - len(response))
            self.tally.response(message, response)
            joined.append(response)
        seen = self.largest(self.near, lambda: send_joined(server, resolver.getsockname()[:2], joined))
        self.assertGreater(seen, 65000)
        self.expect()
        payload = self.exporter.scrape().sum("dnstt_payload_bytes_out_total")
        self.assertEqual(payload, 44 * 1280)

    def test_all_of_a_long_response_counts(self):
        server = self.socket(self.near, LOOPBACK[4], 53)
        resolver = self.socket(self.near, LOOPBACK[4])
        (query,) = self.messages(1)
        resolver.sendto(query, server.getsockname()[:2])
        self.assertEqual(server.recv(65535), query)
        name, kind = dnstt.question(query)
        text = b"".join(struct.pack(">H", 1300) + bytes(1300) for _ in range(6))
        response = (query[:2] + struct.pack(">HHHHH", 0x8400, 1, 1, 0, 0) + name
                    + struct.pack(">HH", kind, 1)
                    + dnstt.record(dnstt.TXT, 1, 60, dnstt.strings(text), b"\xc0\x0c"))
        server.sendto(response, resolver.getsockname()[:2])
        self.tally.query(query)
        self.tally.response(query, response)
        self.expect()
        self.assertEqual(self.exporter.scrape().sum("dnstt_payload_bytes_out_total"), 7800)

    def test_messages_glued_by_the_sender_are_one_for_the_server_too(self):
        server = self.socket(self.near, LOOPBACK[4], 53)
        resolver = self.socket(self.near, LOOPBACK[4])
        queries = self.messages(8)
        pairs = [queries[at] + queries[at + 1] for at in range(0, 8, 2)]
        send_joined(resolver, server.getsockname()[:2], pairs)
        resolver.sendto(pairs[0], server.getsockname()[:2])
        for pair in [*pairs, pairs[0]]:
            self.assertEqual(server.recv(65535), pair)
            self.tally.query(pair)
        self.expect()
        self.assertEqual(self.tally.rejected["malformed"], 5)

    def test_headers_that_are_not_in_the_first_piece_of_memory(self):
        """As some network cards deliver frames: only the Ethernet header stands there. From Linux 6.16 on a
        filter may look for the others in any way; test_filter.c has the kernels before.
        """
        for family in (4, 6):
            for message in self.messages(4):
                ethertype, octets = packets.packet((RESOLVER[family], 4000), (SERVER[family], 53),
                                                   message)
                self.send_in_pieces(packets.frame(self.near.mac("eth0"), self.far.mac("peer"),
                                                  ethertype, octets))
                self.tally.query(message)
        self.expect()

    def send_in_pieces(self, frame):
        """The kernel copies the link header of what stands in a ring, and refers to the rest."""
        with self.far.tap("peer", protocol=0) as tap:
            tap.setsockopt(SOL_PACKET, PACKET_VERSION, struct.pack("=i", TPACKET_V2))
            tap.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("=IIII", 4096, 1, 2048, 2))
            with mmap.mmap(tap.fileno(), 4096) as ring:
                ring[32:32 + len(frame)] = frame  # behind struct tpacket2_hdr
                ring[:8] = struct.pack("=II", SEND_REQUEST, len(frame))
                tap.send(b"")


if __name__ == "__main__":
    unittest.main()
