#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Databases are replaced under load: every query that was sent is counted, and by one of them."""

import json
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
from exporter import FIXTURES, Exporter, program

RATE, SECONDS = 20000, 4


class Reload(unittest.TestCase):
    def test_a_reload_under_load_loses_nothing(self):
        host.must_be_root()
        near, far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(near, "eth0", far, "peer")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        made = pathlib.Path(folder.name)
        made.chmod(0o755)
        subprocess.run(["/usr/bin/perl", FIXTURES / "make-databases.pl", made], check=True)
        country, asn = made / "geolite2-country.mmdb", made / "geolite2-asn.mmdb"
        shutil.copy(country, made / "first.mmdb")
        # "newer" has other countries for the same networks
        shutil.copy(made / "newer.mmdb", made / "second.mmdb")
        exporter = Exporter.start(self, near, "-geoip.country-database", str(country),
                                  "-geoip.asn-database", str(asn))
        generator = far.spawn(
            [program("tests/bench/generator"), "--interface", "peer", "--destination-mac",
             near.mac("eth0"), "--rate", str(RATE), "--seconds", str(SECONDS), "--clients", "1000"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(host.end, generator)
        reloads = 0
        while generator.poll() is None:
            replacement = made / "next.mmdb"
            shutil.copy(made / ("second.mmdb", "first.mmdb")[reloads % 2], replacement)
            replacement.rename(country)
            os.kill(exporter.pid, signal.SIGHUP)
            reloads += 1
            time.sleep(0.2)
        out, err = generator.communicate()
        self.assertEqual(generator.returncode, 0, err)
        sent = json.loads(out)["queries"]
        self.assertGreater(sent, RATE)
        host.eventually(lambda: self.assertEqual(
            exporter.scrape().sum("dnstt_queries_total")
            + exporter.scrape().sum("dnstt_capture_drops_total"), sent))
        scrape = exporter.scrape()
        self.assertEqual(scrape.sum("dnstt_capture_drops_total"), 0)
        self.assertEqual(scrape.sum("dnstt_sessions_total"), 1000)
        self.assertEqual(scrape.sum("dnstt_active_clients"), 1000)
        for database in ("country", "asn"):
            done = scrape.value("dnstt_geoip_reloads_total", database=database, result="success")
            self.assertGreater(done, 5)


if __name__ == "__main__":
    unittest.main()
