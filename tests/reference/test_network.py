#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The reference's way from a packet to a message, and the reader of recordings
"""Headers that have to be seen through, and those that make a packet one that nobody counts."""

import struct
import tempfile
import unittest

import pcap
import reference
from contract import Config, Record, Sight, Tunnel, Verdict
from handmade import (DOMAIN, base32, incoming, ipv4, ipv6, labels_of, opt, query, response, rr,
                      udp)

DNSTT = Config([Tunnel(DOMAIN)])
NAME = labels_of(base32(b"CLIENTID" + b"\xe8" + bytes(8)))


class Packets(unittest.TestCase):
    payload = query(NAME)

    def assert_verdict(self, sight, verdict):
        record = reference.decode(sight, DNSTT)
        self.assertEqual(record.verdict, verdict)
        if verdict == Verdict.PACKET:
            self.assertEqual(record, Record(interface=7, time_ms=1234567, kind=1 + sight.outgoing))

    def test_headers_in_front_of_udp(self):
        datagram = udp(self.payload)
        hop = bytes([17, 0]) + bytes(6)
        atomic = bytes([17, 0, 0, 0]) + bytes(4)
        tag = b"\x00\x05"
        for sight in (incoming(ipv4(datagram, options=bytes(40))),
                      incoming(ipv4(datagram) + b"padding"),
                      incoming(ipv4(datagram + b"padding")),
                      incoming(ipv6(datagram), 0x86DD),
                      incoming(ipv6(hop + datagram, 0), 0x86DD),
                      incoming(ipv6(atomic + datagram, 44), 0x86DD),
                      incoming(ipv6(bytes([60, 0, *bytes(6)]) * 3 + hop + datagram, 60), 0x86DD),
                      incoming(tag + b"\x08\x00" + ipv4(datagram), 0x8100),
                      incoming(tag + b"\x81\x00" + tag + b"\x86\xdd" + ipv6(datagram), 0x88A8)):
            self.assert_verdict(sight, Verdict.ACCEPTED)

    def test_inconsistent_packets(self):
        datagram = udp(self.payload)
        good = ipv4(datagram)
        five = ipv6(bytes([60, 0, *bytes(6)]) * 4 + bytes([17, 0, *bytes(6)]) + datagram, 60)
        tagged = b"\0\0\x81\0" * 2 + b"\0\0\x08\0" + good
        self.assert_verdict(incoming(good[:27], wire=len(good)), Verdict.PACKET)
        for data, protocol in ((b"", 0x0800), (b"\x55" + good[1:], 0x0800),
                               (b"\x44" + good[1:16] + datagram + bytes(4), 0x0800),
                               (good[:2] + b"\0\x13" + good[4:], 0x0800),
                               (good[:2] + b"\xff\xff" + good[4:], 0x0800),
                               (good[:9] + b"\x06" + good[10:], 0x0800),
                               (ipv4(datagram, 1), 0x0800), (ipv4(datagram, 0x2001), 0x0800),
                               (good[:-1], 0x0800),
                               (b"\0\0\x86\xdd" + good, 0x8100),
                               (ipv4(udp(self.payload, 53, 54)), 0x0800),
                               (ipv4(datagram[:4] + b"\0\x07" + datagram[6:]), 0x0800),
                               (five, 0x86DD), (ipv6(datagram, 6), 0x86DD),
                               (ipv6(datagram)[:-1], 0x86DD),
                               (ipv6(bytes([17, 0, 0, 8]) + bytes(4) + datagram, 44), 0x86DD),
                               (ipv6(b"\x11\xff" + datagram, 0), 0x86DD), (tagged, 0x8100)):
            self.assert_verdict(incoming(data, protocol), Verdict.PACKET)

    def test_first_fragment_of_a_query(self):
        datagram = udp(self.payload)
        self.assert_verdict(incoming(ipv4(datagram, 0x2000)), Verdict.ACCEPTED)
        self.assert_verdict(incoming(ipv4(datagram[:48], 0x2000)), Verdict.FRAGMENT)
        self.assert_verdict(incoming(ipv4(datagram[:48], 0x2000) + datagram[48:]), Verdict.FRAGMENT)
        more = bytes([17, 0, 0, 1]) + bytes(4)
        self.assert_verdict(incoming(ipv6(more + datagram[:48], 44), 0x86DD), Verdict.FRAGMENT)
        # nor is there more of one that only says that there is
        self.assert_verdict(incoming(ipv4(datagram[:48])), Verdict.FRAGMENT)
        self.assert_verdict(incoming(ipv6(datagram[:48]), 0x86DD), Verdict.FRAGMENT)
        record = reference.decode(incoming(ipv4(datagram[:48], 0x2000)), DNSTT)
        self.assertEqual((record.message_bytes, record.dns_id), (len(self.payload), 0))

    def test_first_fragment_that_holds_all_the_server_reads(self):
        filler = rr(250, 255, 0, bytes(4096 - len(self.payload) - 11))
        whole = query(NAME, additional=opt() + filler, counts=(1, 0, 0, 2))
        self.assertEqual(len(whole), 4096)
        datagram = udp(whole + b"never seen")
        self.assert_verdict(incoming(ipv4(datagram[:8 + 4096], 0x2000)), Verdict.ACCEPTED)
        self.assert_verdict(incoming(ipv4(datagram[:8 + 4088], 0x2000)), Verdict.FRAGMENT)

    def test_fragment_of_a_response(self):
        text = struct.pack("!H", 28) + bytes(28)
        whole = udp(response(NAME, text * 9), 53, 4000)
        data = ipv4(whole[:168], 0x2000) + whole[168:200]  # the latter is link padding
        record = reference.decode(Sight(data, 0x0800, True, 7, len(data)), DNSTT)
        self.assertEqual((record.verdict, record.payload_bytes), (Verdict.ACCEPTED, 56))
        self.assertGreater(record.message_bytes, 160)

    def test_responses_come_from_the_port(self):
        data = ipv4(udp(response(NAME, b""), 4000, 53))
        self.assert_verdict(Sight(data, 0x0800, True, 7, len(data), 1234567), Verdict.PACKET)

    def test_snapped_query(self):
        good = ipv4(udp(self.payload))
        self.assert_verdict(incoming(good[:-1], wire=len(good)), Verdict.FRAGMENT)


class Files(unittest.TestCase):
    def test_link_types(self):
        data = ipv4(udp(b"reply", 53, 4000))
        cooked = struct.pack("!HHH8sH", 4, 1, 0, b"", 0x0800)
        cooked2 = struct.pack("!HHIHBB8s", 0x0800, 0, 9, 1, 4, 0, b"")
        for linktype, link, interface in ((1, bytes(12) + b"\x08\x00", 1), (101, b"", 1),
                                          (113, cooked, 1), (276, cooked2, 9)):
            for order in "<>":
                frame = link + data
                file = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype)
                file += struct.pack(order + "IIII", 1 << 23, 7999, len(frame), len(frame) + 5)
                file += frame
                with tempfile.NamedTemporaryFile() as saved:
                    saved.write(file)
                    saved.flush()
                    self.assertEqual(pcap.sights(saved.name),
                                     [Sight(data, 0x0800, True, interface, len(data) + 5,
                                            ((1 << 23) * 1000 + 7) % 2**32)])


if __name__ == "__main__":
    unittest.main()
