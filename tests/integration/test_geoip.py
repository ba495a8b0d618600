#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Countries and AS numbers on the running program: labels, reload, bad databases, client subnets."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bad_databases
import dnstt
import host
import packets
from exporter import ADDRESS, DOMAIN, FIXTURES, PORT, Exporter

MAKE = FIXTURES / "make-databases.pl"
# What every database of make-databases.pl has for these resolvers
PLACES = {
    "192.0.2.1": ("DE", "64496"),
    "198.51.100.7": ("IR", "4200000000"),
    "2001:db8::53": ("JP", "64511"),
    "240.0.0.1": ("ZZ", "0"),
}
OTHERS, NOBODY = 4711, 65534  # users
AMBIENT = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
           "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--"]
AT_ONCE = 6  # exporters that start
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
        for failures, (spoil, words) in enumerate((
            (lambda: path.write_bytes(b""), "it is empty; fetch it again"),
            (lambda: path.write_bytes((self.made / "geolite2-country.mmdb").read_bytes()[:-300]),
             "it does not end in the metadata of a MaxMind DB; it is damaged, cut short or not a MaxMind "
             "DB: fetch it again"),
            (path.unlink, "No such file or directory; check the path, or put the file there"),
            (path.mkdir, "it is a directory; name a file in it"),
            (lambda: (path.rmdir(), os.mkfifo(path)), "it is not a regular file"),
        ), 1):
            spoil()
            self.assertEqual(self.reload(exporter), "failure")
            refused = self.refusals(exporter)
            self.assertEqual(len(refused), failures)
            self.assertIn(f"{path}: {words}", refused[-1])
        self.ask("192.0.2.1")
        self.expect(exporter, 1, country="DE")

    def reload(self, exporter, database="country"):
        """Tells it to load its databases again; the result of one of them."""
        def done():
            return exporter.scrape().by("dnstt_geoip_reloads_total", "result", database=database)

        before = done()
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertNotEqual(done(), before), pause=0.01)
        changed = {result for result, count in done().items() if count != before.get(result, 0)}
        self.assertEqual(len(changed), 1)
        return changed.pop()

    def refusals(self, exporter):
        """Log lines about databases that did not take over."""
        return [line for line in exporter.stderr().splitlines()
                if "level=warn" in line and "was not replaced; the old one stays in use" in line]

    def bad_set(self):
        """Name, content, and words of the reason; None where it is not known to be bad."""
        yield from bad_databases.crafted()
        for name in ("GeoLite2-Country-Test.mmdb", "GeoLite2-ASN-Test.mmdb"):
            content = (FIXTURES / name).read_bytes()
            yield from ((*spoiled, None) for spoiled in bad_databases.spoiled(name, content))

    def assert_refused(self, line, path, words):
        """The line names path, reason and mend."""
        match = re.search(r'reason="(cannot (?:use|read) (\S+): ([^:;]+)[;:] ?[^"]*)"', line)
        self.assertTrue(match, line)
        self.assertEqual(match[2], str(path), line)
        self.assertIn(words or "", match[1])
        self.assertRegex(match[1], "fetch it again|unpack it first|name a database that has one")

    def test_no_file_of_the_bad_set_crashes_or_hangs_a_start(self):
        waiting = list(self.bad_set())
        started, taken = [], 0
        while waiting or started:
            while waiting and len(started) < AT_ONCE:
                name, content, words = waiting.pop()
                path = self.folder / name
                path.write_bytes(content)
                which = "asn" if "ASN" in name else "country"
                port = PORT + len(waiting)
                exporter = Exporter(self.near, f"-geoip.{which}-database", str(path),
                                    listen=f"{ADDRESS}:{port}")
                self.addCleanup(exporter.kill)
                started.append((exporter, path, words, port))
            exporter, path, words, port = started.pop(0)
            with self.subTest(file=path.name):
                if self.has_started(exporter, port):
                    taken += 1
                    self.assertIsNone(words, "was taken")
                    self.assertEqual(exporter.stop(), 0)
                else:
                    self.assertEqual(exporter.wait(), 1, exporter.stderr())
                    lines = [line for line in exporter.stderr().splitlines()
                             if "level=info" not in line]
                    self.assertEqual(len(lines), 1, exporter.stderr())
                    self.assertIn("level=error", lines[0])
                    self.assert_refused(lines[0], path, words)
        self.assertGreater(taken, 0, "no flipped bit was harmless: too many are flipped")

    def has_started(self, exporter, port):
        """False if it ended; an error if it does neither."""
        def known():
            if exporter.process.poll() is not None:
                return False
            try:
                self.assertEqual(exporter.get("/-/ready", port=port).status, 200)
            except OSError as error:
                raise AssertionError(f"{error}: {exporter.stderr()}") from error
            return True

        return host.eventually(known, 20, pause=0.02)

    @contextlib.contextmanager
    def naming(self, name):
        """Says which file it was. Unlike subTest() it ends the test: a dead program fails for all."""
        try:
            yield
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error

    def test_no_file_of_the_bad_set_takes_over(self):
        path, good = self.folder / "used.mmdb", (self.made / "ipinfo-lite.mmdb").read_bytes()

        def put(content):
            (self.folder / "next").write_bytes(content)
            (self.folder / "next").rename(path)

        put(good)
        exporter = Exporter.start(self, self.near, "-geoip.country-database", str(path))
        asked = refused = 0
        for number, (name, content, words) in enumerate(self.bad_set(), 1):
            put(content)
            with self.naming(name):
                if self.reload(exporter) == "success":
                    self.assertIsNone(words, "was taken")
                    put(good)
                    self.assertEqual(self.reload(exporter), "success")
                else:
                    refused += 1
                    lines = self.refusals(exporter)
                    self.assertEqual(len(lines), refused)
                    self.assert_refused(lines[-1], path, words)
                # Addresses that no look-up is remembered of
                self.ask(f"192.0.2.{number}")
                self.ask(f"2001:db8::{number:x}")
                asked += 1
                self.expect(exporter, asked, country="DE")
                self.expect(exporter, asked, country="JP")
        self.assertEqual(self.queries(exporter), 2 * asked)
        self.assertEqual(exporter.scrape().value(
            "dnstt_geoip_lookups_total", database="country", result="error"), 0)
        self.assertGreater(refused, 100)
        self.assertEqual(exporter.stop(), 0)

    def test_a_file_of_another_user_at_a_start_without_root(self):
        path = self.folder / "country.mmdb"
        shutil.copy(self.made / "geolite2-country.mmdb", path)
        os.chown(path, OTHERS, OTHERS)
        path.chmod(0o600)
        flags = ("-geoip.country-database", str(path))
        code, text = Exporter.refuse(self.near, *flags, before=AMBIENT)
        self.assertEqual(code, 1, text)
        lines = [line for line in text.splitlines() if "level=info" not in line]
        self.assertEqual(len(lines), 1, text)
        self.assertIn(f"cannot read {path}: Permission denied; it must be readable by the user that "
                      "the exporter runs as", lines[0])
        # Neither root's capabilities nor its own user help it later
        path.chmod(0o644)
        exporter = Exporter.start(self, self.near, *flags, before=AMBIENT)
        path.chmod(0o600)
        self.assertEqual(self.reload(exporter), "failure")
        self.assertIn(f"cannot read {path}: Permission denied; it must", self.refusals(exporter)[-1])
        self.ask("192.0.2.1")
        self.expect(exporter, 1, country="DE")
        path.chmod(0o644)
        self.assertEqual(self.reload(exporter), "success")

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
