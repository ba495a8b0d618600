#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The reference against documented vectors, the recordings and one message per rule
"""What the reference says has to be right before anything is compared with it."""

import collections
import ipaddress
import json
import struct
import unittest
from pathlib import Path

import contract
import pcap
import reference
from contract import (BASE32, BASE32HEX, FLAG_ECS, FLAG_KCP, FLAG_TC, NO_DOMAIN, SERVER, Config,
                      Record, Sight, Tunnel, Verdict)
from handmade import (DOMAIN, base32, incoming, ipv4, labels_of, message, opt, query, question,
                      response, rr, udp)
from names import wire_name

FIXTURES = Path(__file__).parent.parent / "fixtures"
DNSTT = Config([Tunnel(DOMAIN)])
KCP = bytes(range(100, 124)) + b"data"
HEAD = KCP[:reference.HEAD_BYTES]
POLL = b"\xe8" + bytes(8)
ID = b"CLIENTID"


def judge(payload, config=DNSTT):
    return reference.decode(incoming(ipv4(udp(payload))), config)


def judge_out(payload, config=DNSTT):
    data = ipv4(udp(payload, 53, 4000))
    return reference.decode(Sight(data, 0x0800, True, 7, len(data)), config)


def with_ecs(option, name=labels_of(base32(ID + POLL))):
    rdata = struct.pack("!HH", 8, len(option)) + option
    return judge(query(name, additional=opt(rdata=rdata)), Config([Tunnel(DOMAIN)], use_ecs=True))


class Documented(unittest.TestCase):
    def test_example_of_the_dnstt_source(self):
        name = ("ingesrkokreujy6zumkse43vobsxey3bnruwm4tbm5uwy2ltoruwgzlyobuwc3d.jmrxwg2lpovzq."
                "t.example.com")
        record = judge(query(contract.domain(name)))
        self.assertEqual(record.verdict, Verdict.ACCEPTED)
        self.assertEqual(record.client_id, ID)
        self.assertEqual(record.head, b"supercalifragilisticexpi"[:reference.HEAD_BYTES])
        self.assertEqual(record.payload_bytes, len("supercalifragilisticexpialidocious"))
        self.assertEqual(record.flags, FLAG_KCP)
        self.assertEqual((record.domain, record.dns_id, record.port, record.interface),
                         (0, 0x1234, 4000, 7))
        self.assertEqual(ipaddress.ip_address(record.resolver).ipv4_mapped,
                         ipaddress.ip_address("192.0.2.1"))
        self.assertEqual(record.message_bytes, 12 + 93 + 4 + 11)

    def test_base32_lengths_as_go_has_them(self):
        sizes = [0, 0, 1, 0, 2, 3, 0, 4, 5, 5, 6, 5, 7, 8, 5, 9, 10]
        for chars, size in enumerate(sizes):
            self.assertEqual(len(reference.decode_base32([b"a" * chars], BASE32)), size, chars)

    def test_base32hex_lengths_as_dnsttex_has_them(self):
        for chars in range(17):
            decoded = reference.decode_base32([b"v" * chars], BASE32HEX)
            self.assertEqual(decoded, b"\xff" * (chars * 5 // 8))

    def test_base32_skips_line_ends_and_folds_as_go_does(self):
        plain = reference.decode_base32([b"SISI"], BASE32)
        self.assertEqual(reference.decode_base32([b"\xc5\xbf\xc4", b"\xb1\r\nsi"], BASE32), plain)
        for wrong in (b"s=", b"s1", b"\xc5\r\xbf", b"\xc5", b"s\x00"):
            with self.assertRaises(reference.Refused):
                reference.decode_base32([wrong], BASE32)


class Recordings(unittest.TestCase):
    def assert_expected(self, name):
        found = collections.defaultdict(collections.Counter)
        sessions = collections.defaultdict(set)
        for sight in pcap.sights(FIXTURES / f"{name}.pcap"):
            record = reference.decode(sight, DNSTT)
            address = ipaddress.ip_address(record.resolver)
            if record.verdict != Verdict.ACCEPTED or record.flags & 15:
                continue
            way = ("responses", "bytes_out") if sight.outgoing else ("queries", "bytes_in")
            for key in (str(address.ipv4_mapped or address), "total"):
                found[key].update({way[0]: 1, way[1]: record.message_bytes})
                sessions[key].add(record.client_id)
        for key, clients in sessions.items():
            found[key]["sessions"] = len(clients)
        expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())
        self.assertEqual({key: dict(value) for key, value in found.items()}, expected)

    def test_qname_minimisation_and_0x20(self):
        self.assert_expected("dnstt-unbound-qmin-0x20")

    def test_ipv6_resolver(self):
        self.assert_expected("dnstt-unbound-ipv6")


class Variants(unittest.TestCase):
    def assert_accepted(self, record, client_id, payload, head):
        self.assertEqual(record.verdict, Verdict.ACCEPTED)
        self.assertEqual(Record.unpack(record.pack()).client_id, client_id.ljust(8, b"\0"))
        self.assertEqual((record.payload_bytes, record.head), (payload, head))

    def test_dnstt_poll(self):
        self.assert_accepted(judge(query(labels_of(base32(ID + POLL)))), ID, 0, POLL)

    def test_dnstt_data(self):
        body = b"\xe3abc" + bytes([len(KCP)]) + KCP
        self.assert_accepted(judge(query(labels_of(base32(ID + body)))), ID, 28, HEAD)
        body = b"\xe0\xe0\x01a" + bytes([len(KCP)]) + KCP
        self.assert_accepted(judge(query(labels_of(base32(ID + body)))), ID, 29, b"a")

    def test_kcp_header_is_24_bytes(self):
        for size, flags in ((23, 0), (24, FLAG_KCP)):
            body = b"\xe0" + bytes([size]) + KCP[:size]
            record = judge(query(labels_of(base32(ID + body))))
            self.assertEqual((record.head, record.flags), (HEAD, flags))

    def test_dnstt_server_takes_any_framing(self):
        config = Config([Tunnel(DOMAIN, framing=SERVER)])
        body = b"\x02ab\x05cd"
        self.assert_accepted(judge(query(labels_of(base32(ID + body))), config), ID, 2, b"ab")
        for wrong in (body, b"\x02ab"):
            self.assertEqual(judge(query(labels_of(base32(ID + wrong)))).verdict, Verdict.FRAMING)

    def test_aaaa_of_the_multipath_server(self):
        config = Config([Tunnel(DOMAIN, qtypes=(16, 28))])
        name = labels_of(base32(ID + POLL))
        self.assert_accepted(judge(query(name, 28), config), ID, 0, POLL)
        self.assertEqual(judge(query(name, 28)).verdict, Verdict.QTYPE)

    def test_vaydns(self):
        config = Config([contract.vaydns("t.example.com")])
        body = bytes([len(KCP)]) + KCP
        self.assert_accepted(judge(query(labels_of(base32(b"ID" + body))), config), b"ID", 28,
                             HEAD)
        for nonce in (b"\x03abc", b"\xffabc"):
            self.assert_accepted(judge(query(labels_of(base32(b"ID" + nonce))), config), b"ID", 0,
                                 nonce)
        for wrong in (b"", b"\0", b"\x02a", b"\x01ab"):
            self.assertEqual(judge(query(labels_of(base32(b"ID" + wrong))), config).verdict,
                             Verdict.FRAMING)

    def test_empty_packets_are_passed_over(self):
        body = b"\xe0\0\0" + bytes([len(KCP)]) + KCP
        record = judge(query(labels_of(base32(ID + body))))
        self.assert_accepted(record, ID, 28, HEAD)
        self.assertEqual(record.flags, FLAG_KCP)
        self.assert_accepted(judge(query(labels_of(base32(ID + b"\xe0\0\0")))), ID, 0, b"\xe0\0\0")

    def test_dnsttex(self):
        config = Config([contract.dnsttex("t.example.com")])
        packet = bytes([len(KCP)]) + KCP
        for body in (packet, packet + b"ignored", b"\xfd\x02\0" + packet, b"\xe3abc" + packet,
                     b"\xfd\x02\0\xe3abc" + packet):
            record = judge(query(labels_of(base32(ID + body, True))), config)
            self.assert_accepted(record, ID, 28, HEAD)
            self.assertEqual(record.flags, 0)  # its KCP has a header of its own
        for poll in (b"\x00noise", b"\xfe\x02\x00noise", b"\xe8" + bytes(8),
                     b"\xfd\x02\0\0noise", b"\xfd\x02\0\xe1a"):
            self.assert_accepted(judge(query(labels_of(base32(ID + poll, True))), config), ID, 0,
                                 poll)
        ping = b"\xff"  # the server answers it and keeps nothing
        for wrong in (b"", b"\x02a", b"\xe1ab", b"\xfd\x02\0", b"\xfd\x02\0\x02a",
                      b"\xfd\x02\0\xfe", packet[:-1], ping, ping + bytes(6),
                      ping + b"\x04\xd0" + bytes(6), ping + bytes(31)):
            self.assertEqual(judge(query(labels_of(base32(ID + wrong, True))), config).verdict,
                             Verdict.FRAMING)


class Rules(unittest.TestCase):
    name = labels_of(base32(ID + POLL))

    def assert_verdict(self, payload, verdict, domain=NO_DOMAIN):
        record = judge(payload)
        self.assertEqual((record.verdict, record.domain), (verdict, domain))
        self.assertEqual(record.message_bytes, len(payload))
        self.assertEqual((record.client_id, record.head, record.payload_bytes), (b"", b"", 0))

    def test_message_is_read_to_its_last_byte(self):
        whole = query(self.name)
        for cut in range(len(whole)):
            self.assert_verdict(whole[:cut], Verdict.MALFORMED)
        self.assert_verdict(whole + b"\0", Verdict.MALFORMED)

    def test_there_is_no_id_without_a_whole_header(self):
        header = message(b"")
        self.assertEqual(judge(header).dns_id, 0x1234)
        self.assertEqual(judge(header[:-1]).dns_id, 0)
        self.assertEqual(judge_out(header).dns_id, 0x1234)
        self.assertEqual(judge_out(header[:-1]).dns_id, 0)

    def test_nonce_is_the_third_and_fourth_byte_behind_the_client_id(self):
        self.assertEqual(judge(query(labels_of(base32(ID + b"\xe3abc")))).nonce, b"bc")
        self.assertEqual(judge(query(labels_of(base32(ID + b"\xe2ab")))).nonce, b"")

    def test_pointers_in_one_name(self):
        for pointers, verdict in ((10, Verdict.ACCEPTED), (11, Verdict.MALFORMED)):
            base = 12 + 2 + 4 + 11
            pool = b"".join(struct.pack("!H", 0xC000 | base + 2 * number)
                            for number in range(1, pointers)) + wire_name(self.name)
            payload = message(struct.pack("!HHH", 0xC000 | base, 16, 1)
                              + rr(16, 1, 0, pool) + opt(), counts=(1, 0, 0, 2))
            self.assertEqual(judge(payload).verdict, verdict)

    def test_reserved_label_types(self):
        for first in (b"\x40", b"\x80", b"\xbf"):
            label = first + b"a" * first[0]
            self.assert_verdict(message(label + question(DOMAIN) + opt()), Verdict.MALFORMED)

    def test_longest_name(self):
        config = Config([Tunnel(DOMAIN, framing=SERVER)])
        for chars, verdict in ((236, Verdict.ACCEPTED), (237, Verdict.MALFORMED)):
            name = labels_of(b"a" * chars)
            self.assertEqual(len(wire_name(name)), chars + 4 + 15)
            self.assertEqual(judge(query(name), config).verdict, verdict)

    def test_order_of_the_rules(self):
        short = labels_of(b"a")
        self.assert_verdict(query(short, flags=0x8000, additional=opt() * 2, counts=(1, 0, 0, 2)),
                            Verdict.NOT_QUERY)
        self.assert_verdict(message(opt() + opt(version=1), counts=(0, 0, 0, 2)),
                            Verdict.MULTIPLE_OPT)
        self.assert_verdict(message(opt(version=1) + opt(), counts=(0, 0, 0, 2)),
                            Verdict.EDNS_VERSION)
        self.assert_verdict(message(opt(), counts=(0, 0, 0, 1)), Verdict.QDCOUNT)
        self.assert_verdict(message(question(short) * 2 + opt(), counts=(2, 0, 0, 1)),
                            Verdict.QDCOUNT)
        self.assert_verdict(query([b"xt", b"example", b"com"], flags=0x0800), Verdict.DOMAIN)
        self.assert_verdict(query(short, qtype=1, flags=0x0800), Verdict.OPCODE, 0)
        self.assert_verdict(query(labels_of(b"1"), qtype=1), Verdict.QTYPE, 0)
        self.assert_verdict(query(labels_of(b"1"), additional=opt(512)), Verdict.ENCODING, 0)
        self.assert_verdict(query(short, additional=opt(1231)), Verdict.EDNS_SIZE, 0)
        self.assert_verdict(query(short, additional=b"", counts=(1, 0, 0, 0)), Verdict.EDNS_SIZE, 0)
        self.assert_verdict(query(short, counts=(1, 1, 0, 0)), Verdict.EDNS_SIZE, 0)
        self.assert_verdict(query(labels_of(base32(ID[:7]))), Verdict.SHORT, 0)
        self.assert_verdict(query(list(DOMAIN)), Verdict.SHORT, 0)
        self.assert_verdict(query(labels_of(base32(ID))), Verdict.FRAMING, 0)
        self.assert_verdict(query(labels_of(base32(ID + b"\xe1"))), Verdict.FRAMING, 0)

    def test_small_edns_sizes_are_512(self):
        config = Config([Tunnel(DOMAIN, edns_min=512)])
        for payload in (query(self.name, additional=opt(0)),
                        query(self.name, additional=b"", counts=(1, 0, 0, 0))):
            self.assertEqual(judge(payload, config).verdict, Verdict.ACCEPTED)

    def test_longest_domain_wins(self):
        nested = Config([Tunnel(contract.domain(name))
                         for name in ("t.example.com", "b.a.t.example.com", "a.t.example.com")])
        for name, index in (("a.t.example.com", 2), ("b.a.t.example.com", 1), ("t.example.com", 0)):
            labels = labels_of(base32(ID + POLL).upper(), contract.domain(name.upper()))
            self.assertEqual(judge(query(labels), nested).domain, index)

    def test_domain_folds_as_go_does(self):
        config = Config([Tunnel((b"kilo", b"x"))])
        labels = labels_of(base32(ID + POLL), (b"\xe2\x84\xaa\xc4\xb0lO", b"X"))
        self.assertEqual(judge(query(labels), config).verdict, Verdict.ACCEPTED)
        labels[-2] = b"k\xc4\xb1lo"
        self.assertEqual(judge(query(labels), config).verdict, Verdict.DOMAIN)

    def test_server_reads_4096_bytes(self):
        filler = 4096 - len(query(self.name)) - 11
        whole = query(self.name, additional=opt() + rr(250, 255, 0, bytes(filler)),
                      counts=(1, 0, 0, 2))
        record = judge(whole + b"never seen")
        self.assertEqual((record.verdict, record.message_bytes), (Verdict.ACCEPTED, 4106))
        data = ipv4(udp(whole + b"never seen"))
        for snapped, verdict in ((10, Verdict.ACCEPTED), (11, Verdict.FRAGMENT)):
            sight = incoming(data[:len(data) - snapped], wire=len(data))
            self.assertEqual(reference.decode(sight, DNSTT).verdict, verdict)

    def test_client_subnet(self):
        record = with_ecs(struct.pack("!HBB3s", 1, 20, 0, bytes([203, 0, 127])))
        self.assertEqual((record.verdict, record.flags), (Verdict.ACCEPTED, FLAG_ECS))
        self.assertEqual(ipaddress.ip_address(record.resolver).ipv4_mapped,
                         ipaddress.ip_address("203.0.112.0"))
        record = with_ecs(struct.pack("!HBB7s", 2, 56, 0, bytes.fromhex("20010db8123456")))
        self.assertEqual(ipaddress.ip_address(record.resolver),
                         ipaddress.ip_address("2001:db8:1234:5600::"))
        for option in (b"", struct.pack("!HBB", 1, 0, 0), struct.pack("!HBB5s", 1, 33, 0, b"1"),
                       struct.pack("!HBB2s", 1, 24, 0, b"1"),
                       struct.pack("!HBB3s", 3, 24, 0, b"1")):
            self.assertEqual(with_ecs(option).flags, 0)


class Responses(unittest.TestCase):
    name = labels_of(base32(ID + POLL))
    text = struct.pack("!H", len(KCP)) + KCP

    def test_packets_of_an_answer(self):
        record = judge_out(response(self.name, self.text + b"\0\x01a\0\x05cut"))
        self.assertEqual((record.verdict, record.client_id), (Verdict.ACCEPTED, ID))
        self.assertEqual((record.payload_bytes, record.head), (29, HEAD))
        self.assertEqual(record.flags, FLAG_KCP)
        self.assertEqual(ipaddress.ip_address(record.resolver).ipv4_mapped,
                         ipaddress.ip_address("192.0.2.53"))

    def test_packet_over_two_strings(self):
        record = judge_out(response(self.name, struct.pack("!H", 300) + bytes(300)))
        self.assertEqual(record.payload_bytes, 300)

    def test_answer_without_packets(self):
        record = judge_out(response(self.name, b""))
        self.assertEqual((record.verdict, record.payload_bytes, record.head),
                         (Verdict.ACCEPTED, 0, b""))

    def test_refusal_carries_no_packets(self):
        record = judge_out(response(self.name, self.text, 0x8403))
        self.assertEqual((record.verdict, record.payload_bytes, record.flags),
                         (Verdict.ACCEPTED, 0, 3))

    def test_only_a_txt_answer_carries_packets(self):
        text = bytes([len(self.text)]) + self.text
        for rtype, answers, payload in ((16, 1, 28), (28, 1, 0), (16, 0, 0)):
            answer = question(self.name) + rr(rtype, 1, 60, text)
            record = judge_out(message(answer, 0x8400, (1, answers, 0, 0)))
            self.assertEqual((record.verdict, record.payload_bytes), (Verdict.ACCEPTED, payload))

    def test_cut_answer(self):
        whole = response(self.name, self.text + self.text, 0x8600)
        record = judge_out(whole[:-len(opt()) - 1])
        self.assertEqual((record.verdict, record.payload_bytes), (Verdict.ACCEPTED, 28))
        self.assertEqual(record.flags, FLAG_TC | FLAG_KCP)

    def test_long_text_is_read_to_its_end(self):
        text = struct.pack("!H", 4000) + bytes(4000)
        self.assertEqual(judge_out(response(self.name, text * 15)).payload_bytes, 60000)

    def test_refused_questions(self):
        good = response(self.name, self.text)
        for payload, verdict in (
                (good[:11], Verdict.MALFORMED), (good[:40], Verdict.MALFORMED),
                (response(self.name, b"", 0x0400), Verdict.NOT_QUERY),
                (good[:4] + b"\0\0" + good[6:12], Verdict.QDCOUNT),
                (good[:4] + b"\0\2" + good[6:], Verdict.QDCOUNT),
                (good[:4] + b"\0\2" + good[6:12], Verdict.MALFORMED),
                (good[:2] + b"\0\0\0\2" + good[6:12], Verdict.MALFORMED),
                (good[:2] + b"\0\0\0\2" + good[6:], Verdict.NOT_QUERY),
                (response([b"x"], b""), Verdict.DOMAIN),
                (response(self.name, b"", 0x8C00), Verdict.OPCODE),
                (message(question(self.name, 1), 0x8403, (1, 0, 0, 0)), Verdict.QTYPE),
                (response(labels_of(b"1"), b""), Verdict.ENCODING),
                (response(labels_of(b"a"), b""), Verdict.SHORT),
                (response(labels_of(base32(ID)), b""), Verdict.FRAMING)):
            self.assertEqual(judge_out(payload).verdict, verdict)

    def test_flags_need_a_whole_header(self):
        header = message(b"", 0x8603)
        self.assertEqual(judge_out(header).flags, FLAG_TC | 3)
        self.assertEqual(judge_out(header[:-1]).flags, 0)


if __name__ == "__main__":
    unittest.main()
