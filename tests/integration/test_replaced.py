#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files that are replaced are noticed without a signal. It waits for two minutes, so tests/run lets it
run beside the others.
"""

import time
import unittest

import dnstt
import exposition
import host
import mmdb
from web_case import WebCase, certificate

POLL_S = 60  # the exporter looks for replaced files as often


class Replaced(WebCase):
    def test_replaced_files_are_noticed_without_a_signal(self):
        database = self.folder / "country.mmdb"

        def put(content, path):
            (self.folder / "next").write_bytes(content)
            (self.folder / "next").chmod(0o644)
            (self.folder / "next").rename(path)

        def ask(code, count):
            with self.box.udp("127.0.0.1") as resolver:
                resolver.sendto(dnstt.Client().poll(), ("127.0.0.1", 53))
            host.eventually(lambda: self.assertEqual(
                exposition.Scrape(self.get()[2]).by("dnstt_queries_total", "country").get(code), count))

        put(mmdb.one_record(mmdb.value(mmdb.country("DE"))), database)
        self.write()
        exporter = self.start("-geoip.country-database", str(database))
        ask("DE", 1)
        serial = self.serial()
        put(mmdb.one_record(mmdb.value(mmdb.country("SE"))), database)
        certificate(self.folder, "renewed", "ca")
        for suffix in ("pem", "key"):
            put((self.folder / f"renewed.{suffix}").read_bytes(), self.folder / f"server.{suffix}")
        ask("DE", 2)
        self.assertEqual(self.serial(), serial)
        # The first look sees that they changed, the second that they have settled
        time.sleep(POLL_S)

        def taken():
            log = exporter.stderr()
            self.assertIn('msg="GeoIP database was replaced" database=country', log)
            self.assertIn('msg="web configuration was reloaded"', log)

        host.eventually(taken, POLL_S + 10, pause=1)
        self.assertNotEqual(self.serial(), serial)
        ask("SE", 1)
        scrape = exposition.Scrape(self.get()[2])
        self.assertEqual(scrape.by("dnstt_queries_total", "country"), {"DE": 2, "SE": 1})
        self.assertEqual(scrape.by("dnstt_geoip_reloads_total", "result"), {"success": 1})
        self.assertNotIn("level=warn", exporter.stderr())


if __name__ == "__main__":
    unittest.main()
