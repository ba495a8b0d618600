#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Databases are replaced under load: every query that was sent is counted, and by one of them."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
import mmdb
from exporter import FIXTURES, Exporter
from load import Load

RATE, SECONDS, RELOADS = 100_000, 8, 6


class Reload(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.near, self.far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", self.far, "peer")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        subprocess.run(["/usr/bin/perl", FIXTURES / "make-databases.pl", self.folder], check=True)
        self.country, self.asn = self.folder / "country.mmdb", self.folder / "geolite2-asn.mmdb"
        self.last = None

    def start(self):
        self.exporter = Exporter.start(self, self.near, "-geoip.country-database",
                                       str(self.country), "-geoip.asn-database", str(self.asn))

    def scrape(self):
        """A scrape that agrees with itself and with the one before."""
        scrape = self.exporter.scrape()
        active = scrape.series("dnstt_active_clients")
        peak = scrape.series("dnstt_peak_clients")
        self.assertEqual(set(active), set(peak))
        for labels, clients in active.items():
            self.assertLessEqual(clients, peak[labels], labels)
        self.assertLessEqual(sum(active.values()), scrape.sum("dnstt_sessions_total"))
        for family in self.last.families.values() if self.last else ():
            for (name, labels), value in family.samples.items():
                # No series ever goes, and what can only grow does not shrink
                self.assertIn(labels, scrape.series(name), name)
                if family.kind != "gauge" or name == "dnstt_peak_clients":
                    self.assertGreaterEqual(scrape.series(name)[labels], value, (name, labels))
        self.last = scrape
        return scrape

    def reloads(self, database, result="success"):
        return self.scrape().value("dnstt_geoip_reloads_total", database=database, result=result)

    def put(self, content):
        """Replaces the country database as geoipupdate does."""
        self.folder.joinpath("next").write_bytes(content)
        self.folder.joinpath("next").rename(self.country)

    def test_a_reload_under_load_loses_nothing(self):
        content = {code: mmdb.large(code) for code in ("DE", "SE")}
        self.put(content["DE"])
        self.start()
        load = Load(self, self.near, "eth0", self.far, "peer", RATE, SECONDS)

        def all_in(code):
            host.eventually(lambda: self.assertEqual(
                self.scrape().sum("dnstt_active_clients", country=code), Load.CLIENTS))

        all_in("DE")
        for count in range(1, RELOADS + 1):
            code = ("DE", "SE")[count % 2]
            self.put(content[code])
            os.kill(self.exporter.pid, signal.SIGHUP)
            all_in(code)
            self.assertGreaterEqual(self.reloads("country"), count)
        self.assertTrue(load.is_on, "the load ended before the last reload")
        while load.is_on:
            self.scrape()
            time.sleep(0.05)
        arrived = load.arrived(self)

        def settled():
            scrape = self.scrape()
            self.assertEqual(scrape.sum("dnstt_queries_total")
                             + scrape.sum("dnstt_capture_drops_total"), arrived)

        host.eventually(settled)
        scrape = self.scrape()
        self.assertEqual(scrape.by("dnstt_capture_drops_total", "place"), {})
        self.assertEqual(scrape.sum("dnstt_queries_total"), arrived)
        self.assertEqual(scrape.sum("dnstt_sessions_total"), Load.CLIENTS)
        self.assertEqual(scrape.sum("dnstt_active_clients"), Load.CLIENTS)
        self.assertEqual(scrape.by("dnstt_active_clients", "country"), {code: Load.CLIENTS})
        # What was counted under the old one lives on, and nothing is anywhere else
        peaks = scrape.by("dnstt_peak_clients", "country")
        self.assertEqual(set(peaks), {"DE", "SE"})
        for code, clients in peaks.items():
            self.assertGreaterEqual(clients, Load.CLIENTS, code)
        self.assertEqual(set(scrape.by("dnstt_queries_total", "country")), {"DE", "SE"})
        for database in ("country", "asn"):
            self.assertEqual(self.reloads(database), RELOADS)
            self.assertEqual(self.reloads(database, "failure"), 0)


if __name__ == "__main__":
    unittest.main()
