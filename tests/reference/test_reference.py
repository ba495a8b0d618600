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
from contract import (ACK, BASE32, BASE32HEX, FLAG_ECS, FLAG_KCP, FLAG_SN_0, FLAG_TC, NO_DOMAIN,
                      PUSH, SERVER, WASK, WINS, Config, Record, Sight, Tunnel, Verdict)
from handmade import (DOMAIN, base32, incoming, ipv4, kcp, labels_of, message, opt, query,
                      question, response, rr, udp)
from names import wire_name

FIXTURES = Path(__file__).parent.parent / "fixtures"
DNSTT = Config([Tunnel(DOMAIN)])
KCP = kcp(sn=9, ts=77, una=5, carried=b"data")
PUSHED = [(77, 9, 4, PUSH)]
POLL = b"\xe8" + bytes(8)
ID = b"CLIENTID"


def judge(payload, config=DNSTT):
    return reference.decode(incoming(ipv4(udp(payload))), config)


def judge_out(payload, config=DNSTT):
    data = ipv4(udp(payload, 53, 4000))
    return reference.decode(Sight(data, 0x0800, True, 7, len(data), 1234567), config)


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
        self.assertEqual((record.conv, record.una, record.segments),
                         (int.from_bytes(b"supe", "little"), int.from_bytes(b"stic", "little"),
                          []))  # "r" is no command
        self.assertEqual((record.qname_bytes, record.edns_size), (93, 1232))
        self.assertEqual(record.payload_bytes, len("supercalifragilisticexpialidocious"))
        self.assertEqual(record.flags, FLAG_KCP)
        self.assertEqual((record.domain, record.dns_id, record.port, record.interface),
                         (0, 0x1234, 4000, 7))
        self.assertEqual(record.time_ms, 1234567)
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
    def assert_accepted(self, record, client_id, payload, body, segments=()):
        self.assertEqual(record.verdict, Verdict.ACCEPTED)
        self.assertEqual(Record.unpack(record.pack()).client_id, client_id.ljust(8, b"\0"))
        self.assertEqual((record.payload_bytes, record.content),
                         (payload, reference.fingerprint(body)))
        self.assertEqual(record.segments, list(segments))

    def test_dnstt_poll(self):
        self.assert_accepted(judge(query(labels_of(base32(ID + POLL)))), ID, 0, POLL)

    def test_dnstt_data(self):
        body = b"\xe3abc" + bytes([len(KCP)]) + KCP
        self.assert_accepted(judge(query(labels_of(base32(ID + body)))), ID, 28, body, PUSHED)
        body = b"\xe0\xe0\x01a" + bytes([len(KCP)]) + KCP  # the first packet is no KCP
        self.assert_accepted(judge(query(labels_of(base32(ID + body)))), ID, 29, body)

    def test_kcp_header_is_24_bytes(self):
        for size, expected in ((23, (0, 0, 0)), (24, (FLAG_KCP, 0x01020304, 5))):
            body = b"\xe0" + bytes([size]) + KCP[:size]
            record = judge(query(labels_of(base32(ID + body))))
            self.assertEqual((record.flags, record.conv, record.una), expected)
            self.assertEqual(record.segments, [])  # what it carries is not there

    def test_dnstt_server_takes_any_framing(self):
        config = Config([Tunnel(DOMAIN, framing=SERVER)])
        body = b"\x02ab\x05cd"
        self.assert_accepted(judge(query(labels_of(base32(ID + body))), config), ID, 2, body)
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
                             body, PUSHED)
        for nonce in (b"\x03abc", b"\xffabc"):
            self.assert_accepted(judge(query(labels_of(base32(b"ID" + nonce))), config), b"ID", 0,
                                 nonce)
        for wrong in (b"", b"\0", b"\x02a", b"\x01ab"):
            self.assertEqual(judge(query(labels_of(base32(b"ID" + wrong))), config).verdict,
                             Verdict.FRAMING)

    def test_empty_packets_are_passed_over(self):
        body = b"\xe0\0\0" + bytes([len(KCP)]) + KCP
        record = judge(query(labels_of(base32(ID + body))))
        self.assert_accepted(record, ID, 28, body, PUSHED)
        self.assertEqual(record.flags, FLAG_KCP)
        self.assert_accepted(judge(query(labels_of(base32(ID + b"\xe0\0\0")))), ID, 0, b"\xe0\0\0")

    def test_dnsttex(self):
        config = Config([contract.dnsttex("t.example.com")])
        packet = bytes([len(KCP)]) + KCP
        for body in (packet, packet + b"ignored", b"\xfd\x02\0" + packet, b"\xe3abc" + packet,
                     b"\xfd\x02\0\xe3abc" + packet):
            record = judge(query(labels_of(base32(ID + body, True))), config)
            self.assert_accepted(record, ID, 28, body)
            self.assertEqual((record.flags, record.una), (0, 0))  # its KCP has another header
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


class Contents(unittest.TestCase):
    def test_fingerprint_is_of_length_and_32_bytes(self):
        body = bytes(range(40))
        prints = {reference.fingerprint(body[:size]) for size in range(41)}
        prints |= {reference.fingerprint(body[:at] + b"\xff" + body[at + 1:]) for at in range(32)}
        prints |= {reference.fingerprint(bytes(size)) for size in range(1, 40)}
        self.assertEqual(len(prints), 41 + 32 + 38)  # one zero is in two of them
        self.assertEqual(reference.fingerprint(body[:32] + b"anything"),
                         reference.fingerprint(body))

    def test_how_a_query_was_asked(self):
        for edns, size in ((opt(1400), 1400), (opt(65535), 65535)):
            record = judge(query(labels_of(base32(ID + POLL)), additional=edns))
            self.assertEqual((record.edns_size, record.qname_bytes),
                             (size, 1 + 28 + len(b"\x01t\x07example\x03com\0")))
        config = Config([Tunnel(DOMAIN, edns_min=0)])
        record = judge(query(labels_of(base32(ID + POLL)), additional=opt(100)), config)
        self.assertEqual(record.edns_size, 512)
        answered = judge_out(response(labels_of(base32(ID + POLL)), b""))
        self.assertEqual((answered.edns_size, answered.qname_bytes, answered.content), (0, 0, b""))

    def test_longest_name(self):
        name = labels_of(base32(ID + b"\xe0\x91" + bytes(145)), (b"k",))
        record = judge(query(name), Config([Tunnel((b"k",))]))
        self.assertEqual((record.verdict, record.qname_bytes), (Verdict.ACCEPTED, 255))


class Segments(unittest.TestCase):
    config = Config([Tunnel((b"k",))])

    def asked(self, *packets):
        body = b"\xe0" + b"".join(bytes([len(packet)]) + packet for packet in packets)
        return judge(query(labels_of(base32(ID + body), (b"k",))), self.config)

    def answered(self, *packets):
        text = b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)
        return judge_out(response(labels_of(base32(ID + POLL)), text))

    def test_a_query_has_pushes_and_acknowledgements(self):
        packet = kcp(WASK) + kcp(ACK, 3, ts=33) + kcp(WINS) + kcp(PUSH, 4, b"new", ts=44)
        self.assertEqual(self.asked(packet).segments, [(33, 3, 0, ACK), (44, 4, 3, PUSH)])

    def test_a_response_has_pushes(self):
        packet = kcp(WASK) + kcp(ACK, 3, ts=33) + kcp(WINS) + kcp(PUSH, 4, b"new", ts=44)
        record = self.answered(packet)
        self.assertEqual(record.segments, [(44, 4, 3, PUSH)])
        self.assertEqual((record.flags, record.conv, record.una),
                         (FLAG_KCP | FLAG_SN_0, 0x01020304, 0))

    def test_conversation_is_that_of_the_first_header(self):
        record = self.asked(kcp(0, sn=0, conv=7, una=8), kcp(sn=1, conv=9, una=10))
        self.assertEqual((record.conv, record.una, record.flags), (7, 8, FLAG_KCP | FLAG_SN_0))
        self.assertEqual(record.segments, [(0, 1, 0, PUSH)])
        self.assertEqual(self.asked(kcp(sn=1), kcp(sn=0)).flags, FLAG_KCP)
        self.assertEqual(self.answered(kcp(sn=0)).flags, FLAG_KCP | FLAG_SN_0)

    def test_a_walk_ends_with_what_kcp_refuses(self):
        for wrong, why in ((kcp(80), "with a wrong command"), (kcp(85), "with a wrong command"),
                           (kcp(size=49), "with a segment cut short"),
                           (kcp(size=1 << 31), "with a segment cut short"),
                           (kcp(size=0xFFFFFFFF), "with a segment cut short")):
            record = self.answered(kcp(sn=1) + wrong + kcp(sn=2) + kcp(sn=3), kcp(sn=4))
            self.assertEqual(record.segments, [(0, 1, 0, PUSH), (0, 4, 0, PUSH)])
            self.assertEqual(record.ends, {why})
        self.assertEqual(self.answered(kcp(size=48) + kcp(sn=1) + kcp(sn=2)).segments,
                         [(0, 0, 48, PUSH)])
        self.assertEqual(self.answered(kcp(sn=1) + kcp(sn=2)[:23]).segments, [(0, 1, 0, PUSH)])

    def test_packets_behind_one_that_is_no_kcp(self):
        record = self.answered(kcp()[:23], kcp())
        self.assertEqual((record.flags, record.segments, record.payload_bytes), (0, [], 47))
        record = self.answered(b"", kcp(sn=1), b"short", kcp(sn=2))
        self.assertEqual((record.flags, record.segments),
                         (FLAG_KCP, [(0, 1, 0, PUSH), (0, 2, 0, PUSH)]))

    def test_170_segments_are_kept(self):
        for pushes, kept, ends in ((169, 169, set()), (170, 170, set()),
                                   (171, 170, {"with more segments than are kept"})):
            packet = b"".join(kcp(ACK) + kcp(sn=number) for number in range(pushes))
            record = self.answered(packet)
            self.assertEqual(record.segments, [(0, number, 0, PUSH) for number in range(kept)])
            self.assertEqual(record.ends, ends)
            self.assertEqual(len(record.pack()), 64 * 35)
        record = self.answered(*[kcp()] * 200)
        self.assertEqual((len(record.segments), record.payload_bytes), (170, 4800))

    def test_records_hold_five_each(self):
        for count, records in ((0, 1), (1, 2), (5, 2), (6, 3)):
            record = self.asked(b"".join(kcp(ACK, number, ts=9) for number in range(count)))
            packed = record.pack()
            self.assertEqual((len(record.segments), len(packed)), (count, 64 * records))
            self.assertEqual(Record.unpack(packed).segments, record.segments)
            for at in range(64, len(packed), 64):
                self.assertEqual(packed[at + 60:at + 64], bytes([0, contract.MORE, 0, 0]))
        self.assertEqual(packed[128 + 12:128 + 60], bytes(48))
        self.assertEqual(packed[128:128 + 12], struct.pack("=IIHBB", 9, 5, 0, ACK, 0))


class Rules(unittest.TestCase):
    name = labels_of(base32(ID + POLL))

    def assert_verdict(self, payload, verdict, domain=NO_DOMAIN):
        record = judge(payload)
        self.assertEqual((record.verdict, record.domain), (verdict, domain))
        self.assertEqual(record.message_bytes, len(payload))
        self.assertEqual(record, Record(b"", record.resolver, interface=7, time_ms=1234567,
                                        port=4000, dns_id=record.dns_id, verdict=verdict,
                                        message_bytes=len(payload), domain=domain))

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
        self.assertEqual((record.payload_bytes, record.segments), (29, PUSHED))
        self.assertEqual((record.flags, record.una, record.content), (FLAG_KCP, 5, b""))
        self.assertEqual(ipaddress.ip_address(record.resolver).ipv4_mapped,
                         ipaddress.ip_address("192.0.2.53"))

    def test_packet_over_two_strings(self):
        record = judge_out(response(self.name, struct.pack("!H", 300) + bytes(300)))
        self.assertEqual(record.payload_bytes, 300)

    def test_answer_without_packets(self):
        record = judge_out(response(self.name, b""))
        self.assertEqual((record.verdict, record.payload_bytes, record.segments),
                         (Verdict.ACCEPTED, 0, []))

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
