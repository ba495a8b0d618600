#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Countries and AS numbers on the running program: labels, reload, bad databases, client subnets."""

import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
from exporter import DOMAIN, FIXTURES, Exporter

MAKE = FIXTURES / "make-databases.pl"
# What every database of make-databases.pl has for these resolvers
PLACES = {
    "192.0.2.1": ("DE", "64496"),
    "198.51.100.7": ("IR", "4200000000"),
    "2001:db8::53": ("JP", "64511"),
    "240.0.0.1": ("ZZ", "0"),
}
SERVER = {4: "203.0.113.200", 6: "fd00::1"}


def subnet(family, prefix, octets):
    """EDNS Client Subnet (RFC 7871, 6)."""
    return struct.pack(">HHHBB", 8, 4 + len(octets), family, prefix, 0) + octets


class Geoip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host.must_be_root()
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        cls.addClassCleanup(folder.cleanup)
        cls.made = pathlib.Path(folder.name)
        cls.made.chmod(0o755)
        subprocess.run(["/usr/bin/perl", MAKE, cls.made], check=True)

    def setUp(self):
        self.near, self.far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", self.far, "peer")
        self.wire = host.Wire(self.near, "eth0", self.far, "peer")
        self.addCleanup(self.wire.close)
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)

    def ask(self, resolver, message=None):
        """A query that arrives through a resolver."""
        version = 6 if ":" in resolver else 4
        ethertype, octets = packets.packet((resolver, 5353), (SERVER[version], 53),
                                           message or dnstt.Client().poll())
        self.wire.arrive(ethertype, octets)

    def queries(self, exporter, **labels):
        return exporter.scrape().sum("dnstt_queries_total", **labels)

    def expect(self, exporter, count, **labels):
        host.eventually(lambda: self.assertEqual(self.queries(exporter, **labels), count))

    def test_every_schema_gives_its_labels(self):
        for name, kinds in (("geolite2-country", "c"), ("geolite2-city", "c"), ("geoip2-enterprise", "ca"),
                            ("geolite2-asn", "a"), ("geoip2-isp", "a"), ("dbip-country", "c"),
                            ("dbip-isp", "ca"), ("ipinfo-lite", "ca"), ("ipinfo-country-asn", "ca"),
                            ("sapics-country", "c"), ("sapics-asn", "a"), ("ip66", "ca"),
                            ("geo-open", "ca")):
            path = str(self.made / f"{name}.mmdb")
            flags = ["-geoip.country-database", path] * ("c" in kinds)
            flags += ["-geoip.asn-database", path] * ("a" in kinds)
            with self.subTest(schema=name):
                exporter = Exporter.start(self, self.near, *flags)
                for resolver in PLACES:
                    self.ask(resolver)
                self.expect(exporter, len(PLACES))
                for country, asn in PLACES.values():
                    labels = {"country": country} if "c" in kinds else {}
                    labels |= {"asn": asn} if "a" in kinds else {}
                    value = exporter.scrape().value("dnstt_queries_total", domain=DOMAIN, **labels)
                    self.assertEqual(value, 1, labels)
                self.assertEqual(exporter.stop(), 0)

    def test_a_new_database_on_sighup(self):
        path = self.folder / "country.mmdb"
        shutil.copy(self.made / "geolite2-country.mmdb", path)
        exporter = Exporter.start(self, self.near, "-geoip.country-database", str(path))
        self.ask("192.0.2.1")
        self.expect(exporter, 1, country="DE")
        # In place, and not by rename: what is in use is a copy
        shutil.copy(FIXTURES / "GeoLite2-Country-Test.mmdb", path)
        self.ask("192.0.2.1")
        self.expect(exporter, 2, country="DE")
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertEqual(exporter.scrape().value(
            "dnstt_geoip_reloads_total", database="country", result="success"), 1))
        self.ask("192.0.2.1")
        self.ask("81.2.69.160")
        self.expect(exporter, 1, country="GB")
        self.assertEqual(self.queries(exporter, country="DE"), 2)
        self.assertEqual(self.queries(exporter, country="ZZ"), 1)
        self.assertEqual(self.queries(exporter), 4)

    def test_a_bad_database_on_sighup_leaves_the_old_one(self):
        path = self.folder / "country.mmdb"
        shutil.copy(self.made / "geolite2-country.mmdb", path)
        exporter = Exporter.start(self, self.near, "-geoip.country-database", str(path))
        for failures, spoil in enumerate((
            lambda: path.write_bytes(b""),
            lambda: path.write_bytes((self.made / "geolite2-country.mmdb").read_bytes()[:-300]),
            path.unlink,
            path.mkdir,
        ), 1):
            spoil()
            os.kill(exporter.pid, signal.SIGHUP)
            host.eventually(lambda n=failures: self.assertEqual(exporter.scrape().value(
                "dnstt_geoip_reloads_total", database="country", result="failure"), n))
            self.assertEqual(exporter.stderr().count("was not replaced"), failures)
        self.ask("192.0.2.1")
        self.expect(exporter, 1, country="DE")

    def test_bad_databases_at_the_start(self):
        good = (self.made / "geolite2-country.mmdb").read_bytes()
        bad = {
            "empty": b"",
            "text": b"GeoLite2" * 100,
            "cut": good[: len(good) // 2],
            "without-metadata": good[:-200],
            "no-country": (self.made / "geolite2-asn.mmdb").read_bytes(),
        }
        for name, content in bad.items():
            (self.folder / name).write_bytes(content)
        (self.folder / "directory").mkdir()
        os.mkfifo(self.folder / "fifo")
        for name in (*bad, "directory", "fifo", "missing"):
            path = str(self.folder / name)
            with self.subTest(file=name):
                code, text = Exporter.refuse(self.near, "-geoip.country-database", path)
                self.assertEqual(code, 1, text)
                lines = [line for line in text.splitlines() if "level=error" in line]
                self.assertEqual(len(lines), 1, text)
                self.assertIn(path, lines[0])

    def test_what_only_root_can_read_is_warned_of(self):
        path = self.folder / "both.mmdb"
        shutil.copy(self.made / "ipinfo-lite.mmdb", path)
        flags = ("-geoip.country-database", str(path), "-geoip.asn-database", str(path))
        exporter = Exporter.start(self, self.near, *flags)
        self.assertNotIn("level=warn", exporter.stderr())
        self.assertEqual(exporter.stop(), 0)
        path.chmod(0o600)
        exporter = Exporter.start(self, self.near, *flags)
        warnings = [line for line in exporter.stderr().splitlines() if "can't be read again" in line]
        self.assertEqual(len(warnings), 1, exporter.stderr())
        self.assertIn("level=warn", warnings[0])
        self.assertIn(str(path), warnings[0])
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertEqual(
            exporter.scrape().sum("dnstt_geoip_reloads_total", result="failure"), 2))
        path.chmod(0o644)
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertEqual(
            exporter.scrape().sum("dnstt_geoip_reloads_total", result="success"), 2))

    def test_series_beyond_the_limit_are_other(self):
        path = str(self.made / "geolite2-country.mmdb")
        exporter = Exporter.start(self, self.near, "-geoip.country-database", path,
                                  "-metrics.max-series", "2")
        for resolver in ("192.0.2.1", "198.51.100.7", "2001:db8::53", "240.0.0.1"):
            self.ask(resolver)
        self.expect(exporter, 4)
        self.assertEqual(exporter.scrape().by("dnstt_queries_total", "country"),
                         {"DE": 1, "ZZ": 1, "other": 2})
        self.assertEqual(exporter.scrape().value("dnstt_series_overflow_total"), 2)

    def test_client_subnet_only_where_it_is_asked_for(self):
        path = str(self.made / "geolite2-country.mmdb")
        client = dnstt.Client()
        name = dnstt.question(client.poll())[0]
        v4 = dnstt.query(name, options=subnet(1, 24, bytes([192, 0, 2])))
        v6 = dnstt.query(name, options=subnet(2, 32, bytes.fromhex("20010db8")))
        for flags, counts in (((), {"ZZ": 2}), (("-geoip.use-ecs",), {"DE": 1, "JP": 1})):
            with self.subTest(flags=flags):
                exporter = Exporter.start(self, self.near, "-geoip.country-database", path, *flags)
                self.ask("240.0.0.1", v4)
                self.ask("240.0.0.1", v6)
                self.expect(exporter, 2)
                self.assertEqual(exporter.scrape().by("dnstt_queries_total", "country"), counts)
                self.assertEqual(exporter.scrape().sum("dnstt_active_clients"), 1)
                self.assertEqual(exporter.stop(), 0)


if __name__ == "__main__":
    unittest.main()
