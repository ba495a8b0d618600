#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""README.md and SECURITY.md say what is so."""

import base64
import gzip
import ipaddress
import os
import pathlib
import re
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exporter
import host
import packets

TOP = pathlib.Path(__file__).resolve().parents[2]


class Documents(unittest.TestCase):
    def setUp(self):
        self.readme = (TOP / "README.md").read_text()
        self.security = (TOP / "SECURITY.md").read_text()

    def test_security_md_says_what_to_look_for_in_each_privileged_file(self):
        rows = re.findall(r"^\| (`(?:capture|common)/\S+`(?:, `\S+`)*) \| ..", self.security, re.M)
        named = {name for row in rows for name in re.findall(r"`(\S+)`", row)}
        real = {str(path.relative_to(TOP)) for path in (TOP / "capture").glob("*.[ch]")}
        self.assertEqual(real - named, set())

    def test_tests_that_security_md_names_exist(self):
        sources = "".join(path.read_text() for path in (TOP / "tests").rglob("test_*")
                          if path.suffix in (".c", ".py"))
        named = set(re.findall(r"`(test_\w+)`", self.security))
        self.assertGreater(len(named), 0)
        self.assertEqual({name for name in named if name not in sources}, set())

    def test_files_that_security_md_names_exist(self):
        named = set(re.findall(r"`((?:capture|common|exporter|tests)/[\w./]*)`", self.security))
        self.assertGreater(len(named), 30)
        self.assertEqual({name for name in named if not (TOP / name).exists()}, set())

    def test_readme_has_every_metric(self):
        place = host.Host.make(self)
        running = exporter.Exporter.start(
            self, place, "-geoip.country-database", str(exporter.FIXTURES / "GeoLite2-Country-Test.mmdb"))
        shown = set(re.findall(r"^# TYPE (\S+)", running.get("/metrics").text, re.M))
        self.assertGreater(len(shown), 20)
        patterns = re.findall(r"`((?:dnstt|process|promhttp)_[a-z_]*\*?)", self.readme)
        missing = {name for name in shown
                   if not any(re.fullmatch(pattern.replace("*", ".*"), name) for pattern in patterns)}
        self.assertEqual(missing, set())


def part_of(path, begin):
    """The initializer or the macro of a source that begins with these words."""
    text = (TOP / path).read_text()
    start = text.index(begin)
    end = "};" if begin.endswith("{") else "\n\n"
    return text[start:text.index(end, start)]


class Figures(unittest.TestCase):
    """What SECURITY.md counts is counted in the sources."""

    def setUp(self):
        self.security = " ".join((TOP / "SECURITY.md").read_text().split())

    def said(self, pattern):
        found = re.findall(pattern, self.security)
        self.assertEqual(len(found), 1, pattern)
        return found[0]

    def test_calls_of_the_exporter(self):
        rules = part_of("exporter/system/sandbox.c", "const struct confine_rule allowed[] = {")
        self.assertEqual(rules.count("SCMP_SYS("), int(self.said(r"(\d+) calls, by argument")))
        policy = (exporter.FIXTURES / "exporter.pfc").read_text()
        self.assertEqual(policy.count("action ALLOW"), rules.count("SCMP_SYS("))

    def test_calls_that_end_the_exporter(self):
        deadly = part_of("exporter/system/sandbox.c", "static const int deadly[] = {")
        names, number = self.said(r"Calls that only an intruder makes \(([\w, ]+) and (\d+) more\)")
        names = names.split(", ")
        for name in names:
            self.assertIn(f"SCMP_SYS({name})", deadly)
        self.assertEqual(deadly.count("SCMP_SYS("), len(names) + int(number))

    def test_calls_of_capture(self):
        rules = part_of("capture/sandbox.c", "const struct confine_rule allowed[] = {")
        self.assertEqual(rules.count("SCMP_SYS("), 4)
        self.assertIn("four system calls", self.security)

    def probes(self, name):
        """Those that are to fail; the others show that the process can do its work."""
        table = part_of(f"tests/integration/probe_{name}.c", "#define PROBES(X)")
        return len(re.findall(r"^\tX\((?!done)\w+,", table, re.M))

    def test_probes(self):
        for name, claim in (("capture", r"any other call ends it: (\d+) live"),
                            ("exporter", r"interpreted and live: (\d+) probes")):
            self.assertEqual(self.probes(name), int(self.said(claim)), name)


def forms(octets):
    """How these octets could be told, if somebody told them."""
    text = octets.hex()
    pairs = octets.hex(":")
    base32 = base64.b32encode(octets).decode().rstrip("=")
    return {text, text.upper(), pairs, pairs.upper(), base32, base32.lower(),
            base64.b64encode(octets).decode().rstrip("="), str(int.from_bytes(octets, "big")),
            str(int.from_bytes(octets, "little")), octets.decode("latin-1")}


def forms_of_address(text):
    one = ipaddress.ip_address(text)
    return forms(one.packed) | {str(one), one.exploded, one.exploded.upper()}


def client_subnet(text, bits):
    """The EDNS option (RFC 7871)."""
    one = ipaddress.ip_address(text)
    octets = one.packed[:(bits + 7) // 8]
    return struct.pack(">HHHBB", 8, 4 + len(octets), 1 if one.version == 4 else 2, bits, 0) + octets


class Privacy(unittest.TestCase):
    """No address and no ClientID leaves the exporter's memory, whoever asks for what."""

    RESOLVERS = {4: ("89.160.20.112", "192.0.2.1"),
                 6: ("2001:218:85a3::8a2e:370:7334", "2001:db8::1")}
    SUBNETS = ("81.2.69.160", 28), ("2001:480:10::", 48)  # of other countries than the resolvers
    IDENTS = b"CLIENTID", bytes.fromhex("f0e1d2c3b4a59687"), b"\xffraw-id\x01"

    def setUp(self):
        host.must_be_root()
        self.box, far = host.Host.make(self, "box"), host.Host.make(self, "far")
        host.link(self.box, "eth0", far, "peer")
        self.wire = host.Wire(self.box, "eth0", far, "peer")
        self.addCleanup(self.wire.close)
        fixtures = exporter.FIXTURES
        self.exporter = exporter.Exporter.start(
            self, self.box, "-log.level", "debug", "-geoip.use-ecs",
            "-geoip.country-database", str(fixtures / "GeoLite2-Country-Test.mmdb"),
            "-geoip.asn-database", str(fixtures / "GeoLite2-ASN-Test.mmdb"))

    def exchange(self, message, version):
        resolver, server = self.RESOLVERS[version]
        answer = dnstt.Server().answer(message)
        self.wire.arrive(*packets.packet((resolver, 5300), (server, 53), message))
        if answer:
            self.wire.leave(*packets.packet((server, 53), (resolver, 5300), answer))

    def talk(self):
        names = []
        for ident in self.IDENTS:
            client = dnstt.Client(ident=ident)
            for version in (4, 6):
                self.exchange(client.poll(), version)
                self.exchange(client.data(b"hello"), version)
                for subnet in self.SUBNETS:
                    names.append(dnstt.question(client.data(b"hello"))[0])
                    self.exchange(dnstt.query(names[-1], options=client_subnet(*subnet)), version)
        for message in dnstt.refused().values():
            self.exchange(message, 4)
        return names

    def test_no_answer_and_no_log_line_holds_an_address_or_a_client_id(self):
        names = self.talk()
        host.eventually(lambda: self.assertEqual(self.exporter.counted()["queries"], 24))
        countries = self.exporter.scrape().by("dnstt_queries_total", "country")
        self.assertEqual(set(countries), {"SE", "JP", "GB", "US"})  # so the subnets were used

        openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        told = {}
        for path, headers in (("/metrics", {}), ("/metrics", openmetrics),
                              ("/metrics", {"Accept-Encoding": "gzip"}),
                              ("/metrics", {**openmetrics, "Accept-Encoding": "gzip"}),
                              ("/", {}), ("/", {"Accept-Encoding": "gzip"}),
                              ("/-/healthy", {}), ("/-/ready", {}), ("/nothing", {})):
            answer = self.exporter.get(path, headers=headers)
            packed = answer.headers.get("Content-Encoding") == "gzip"
            body = gzip.decompress(answer.body) if packed else answer.body
            self.assertEqual(packed, "Accept-Encoding" in headers, path)
            told[path, *headers] = (str(answer.headers).encode() + body).decode("latin-1")
        os.kill(self.exporter.capture_pid(), 11)
        self.assertEqual(self.exporter.wait(), 1)
        told["log"] = self.exporter.stderr()
        self.assertIn("capture was killed", told["log"])

        secrets = set().union(*map(forms, self.IDENTS), *(
            forms_of_address(address) for pair in self.RESOLVERS.values() for address in pair))
        for text, bits in self.SUBNETS:
            secrets |= forms_of_address(text) | forms(packets.address(text)[:(bits + 7) // 8])
        secrets |= {name[1:1 + name[0]].decode("latin-1") for name in names}
        secrets |= {"89.160.", "81.2.69", "2001:218", "2001:480"}
        for where, text in told.items():
            self.assertGreater(len(text), 100, where)
            for secret in secrets:
                self.assertNotIn(secret, text, where)


if __name__ == "__main__":
    unittest.main()
