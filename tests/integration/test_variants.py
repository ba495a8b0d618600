#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dnstt's descendants side by side, and what only looks like a session."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import traffic
import wires
from exporter import Exporter

SERVER = ("127.0.0.1", 53)
DOWN = (b"k" * 24, b"data" * 20)  # what a server has for each client


class Tally:
    """What has to be counted for one domain."""

    def __init__(self):
        self.queries = self.bytes_in = self.bytes_out = self.payload_in = self.payload_out = 0

    def exchange(self, message, response, packets):
        self.queries += 1
        self.bytes_in += len(message.query)
        self.bytes_out += len(response)
        self.payload_in += message.payload
        self.payload_out += sum(map(len, packets))


class Variants(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        self.server, self.resolver = self.box.udp(*SERVER), self.box.udp(SERVER[0])
        for udp in (self.server, self.resolver):
            self.addCleanup(udp.close)

    def ask(self, query, packets=()):
        """The response to a query, both of them on the wire."""
        self.resolver.sendto(query, SERVER)
        received, source = self.server.recvfrom(4096)
        self.server.sendto(wires.answer(received, packets), source)
        return self.resolver.recv(4096)

    def send(self, tally, message, packets=()):
        response = self.ask(message.query, packets)
        readable = packets if dnstt.question(message.query)[1] == dnstt.TXT else ()
        tally.exchange(message, response, readable)

    def talk(self, clients):
        """Two polls and three packets of each client, all of which are answered."""
        tally = Tally()
        for client in clients:
            for number in range(5):
                message = client.data(b"text" * number) if number % 2 else client.poll()
                self.send(tally, message, DOWN if number % 2 else ())
        return tally

    def expect(self, exporter, domain, tally, sessions, kcp, rejected=None):
        exporter.expect(self, {
            "queries": tally.queries, "bytes_in": tally.bytes_in, "bytes_out": tally.bytes_out,
            "sessions": sessions, "active": sessions, "responses": {"NOERROR": tally.queries},
            "rejected": rejected or {},
        }, domain=domain)
        scrape = exporter.scrape()
        for name, wanted in (("payload_bytes_in", tally.payload_in),
                             ("payload_bytes_out", tally.payload_out), ("kcp_sessions", kcp)):
            self.assertEqual(scrape.sum(f"dnstt_{name}_total", domain=domain), wanted, name)

    def test_every_wire_has_its_own_domain_and_count(self):
        kinds = (("t.example.com", "", wires.Client, 2, 2),
                 ("n.example.com", ",wire=noizdns", wires.Noizdns, 3, 3),
                 ("a.example.com", ",wire=dnstt-aaaa", wires.Aaaa, 4, 4),
                 ("v.example.com", ",wire=vaydns,id-bytes=2", wires.Vaydns, 5, 5),
                 ("x.example.com", ",wire=dnsttex", wires.Dnsttex, 6, 0))
        exporter = Exporter.start(self, self.box, domains=[kind[0] + kind[1] for kind in kinds])
        tallies = {}
        for domain, _, client, count, _ in kinds:
            tallies[domain] = self.talk([client(domain, f"{domain}{number}")
                                         for number in range(count)])
        for domain, _, _, count, kcp in kinds:
            self.expect(exporter, domain, tallies[domain], count, kcp)

    def test_vaydns_of_each_record_type_and_length_of_id(self):
        types = {"txt": dnstt.TXT, "null": wires.NULL, "cname": wires.CNAME, "a": dnstt.A,
                 "aaaa": wires.AAAA, "mx": wires.MX, "ns": dnstt.NS, "srv": wires.SRV,
                 "caa": wires.CAA}
        kinds = [(f"{name}.example.com", name, qtype, 1 + number % 8)
                 for number, (name, qtype) in enumerate(types.items())]
        exporter = Exporter.start(self, self.box, domains=[
            f"{domain},wire=vaydns,id-bytes={size},record-type={name}"
            for domain, name, _, size in kinds])
        for domain, _, qtype, size in kinds:
            clients = [wires.Vaydns(domain, f"{domain}{number}", bytes([number]) * size, size,
                                    qtype) for number in (1, 2)]
            tally = self.talk(clients)
            self.expect(exporter, domain, tally, 2, 2)

    def test_two_clients_with_one_id_of_two_bytes_are_one_session_of_two_kcp_sessions(self):
        domain = "v.example.com"
        exporter = Exporter.start(self, self.box, domains=[f"{domain},wire=vaydns"])
        tally = self.talk([wires.Vaydns(domain, seed, b"ID") for seed in (1, 2)])
        self.expect(exporter, domain, tally, 1, 2)

    def test_a_hint_of_dnsttex_is_a_session_and_its_pings_are_none(self):
        domain = "x.example.com"
        exporter = Exporter.start(self, self.box, domains=[f"{domain},wire=dnsttex"])
        client, scanner, tally = wires.Dnsttex(domain, 1), wires.Dnsttex(domain, 2), Tally()
        self.send(tally, client.hint())
        for _ in range(20):
            self.resolver.sendto(scanner.ping(), SERVER)
        self.expect(exporter, domain, tally, 1, 0, rejected={"framing": 20})


class LookAlikes(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        rng = random.Random("SlipGate")  # with this seed none has the lengths of a client's query
        self.probes = [dnstt.probe(rng.randbytes(32)) for _ in range(100)]
        self.box = host.Host.make(self, "box")
        traffic.serve(self, self.box.udp(*SERVER))

    def probe(self, domain):
        exporter = Exporter.start(self, self.box, domains=[domain])
        tally = traffic.Tally()
        with self.box.udp(SERVER[0]) as resolver:
            for probe in self.probes:
                resolver.sendto(probe, SERVER)
                tally.query(probe)
                tally.response(probe, resolver.recv(4096))
        return exporter, tally.counts()

    def test_slipgates_probes_are_no_sessions(self):
        exporter, counts = self.probe("t.example.com")
        self.assertEqual(counts["sessions"], 100)  # to dnstt-server
        exporter.expect(self, {"rejected": {"framing": 100}, "responses": {"NOERROR": 100}})

    def test_without_the_framing_check_they_are_what_dnstt_server_takes_them_for(self):
        exporter, counts = self.probe("t.example.com,framing=off")
        exporter.expect(self, counts)


if __name__ == "__main__":
    unittest.main()
