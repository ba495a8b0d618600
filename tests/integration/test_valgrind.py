#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The exporter under load in valgrind: no byte read before it was written, nothing lost, all closed."""

import gzip
import os
import re
import shutil
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exposition
import host
import traffic
from exporter import ADDRESS, DOMAIN, PORT, program
from test_confinement import DATABASE, Server

CLIENTS, QUERIES = 100, 100
OPEN = re.compile(r"^==\d+== Open (.+?) \d+: ?(.*)$", re.MULTILINE)

# What the exporter holds from its start to its end: the loop, signals; what
# process_* metrics are read from; news of interfaces
HELD = [("file descriptor", "")] * 2 + [
    ("file descriptor", "/proc/self/fd"), ("file descriptor", "/proc/self/stat"),
    ("pf-16 socket", "")]


class Valgrind(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        host.must_have("valgrind")
        self.box = host.Host.make(self, "box")
        folder = tempfile.mkdtemp(prefix="dnstt-it-")
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o777)  # the log is opened as root, but written by whom the exporter becomes
        self.log = f"{folder}/log"
        self.server = Server(
            self, binary=program("tests/unconfined_exporter"),
            before=["valgrind", "--quiet", "--vgdb=no", f"--log-file={self.log}", "--error-exitcode=99",
                    "--leak-check=full", "--errors-for-leak-kinds=definite", "--track-fds=yes"])
        self.exporter = self.server.exporter

    def hang_up(self, words):
        before = self.exporter.stderr().count(words)
        os.kill(self.exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertEqual(self.exporter.stderr().count(words), before + 1))

    def reload(self):
        """Everything that can be replaced, once well and once badly"""
        database = self.server.files / "country.mmdb"
        shutil.copy(DATABASE, self.server.files / "new.mmdb")
        os.rename(self.server.files / "new.mmdb", database)
        self.server.certify("second")
        self.server.allow("another")
        self.hang_up("GeoIP database was replaced")
        self.assertEqual(self.server.get()[:2], (200, "gzip"))
        config = self.server.files / "web.yml"
        right = config.read_text()
        config.write_text("nonsense: 1\n")
        database.write_bytes(b"damaged")
        self.hang_up("GeoIP database was not replaced")
        self.assertEqual(self.server.get()[0], 200)
        config.write_text(right)

    def refuse(self):
        """What clients get wrong"""
        right = self.server.password
        self.server.password = "wrong"
        self.assertEqual(self.server.get()[0], 401)
        self.server.password = right
        self.assertEqual(self.server.get("/none")[0], 404)
        with self.box.tcp(ADDRESS, PORT) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")  # no TLS

    def connect_often(self):
        connections = [self.server.connect() for _ in range(50)]
        for connection in connections:
            self.assertEqual(self.server.get(connection=connection)[0], 200)
            connection.close()

    def test_no_errors_no_leaks_nothing_left_open(self):
        server = dnstt.Server(downstream=lambda _client_id: [b"answer"])
        with self.box.udp("127.0.0.1", 53) as udp, self.box.udp("127.0.0.1") as resolver:
            traffic.serve(self, udp, server=server)
            tally = traffic.Tally(server)
            for turn, act in enumerate((self.refuse, self.connect_often, self.reload)):
                traffic.talk(resolver, ("127.0.0.1", 53), CLIENTS // 4, QUERIES, tally)
                act()
                self.assertEqual(self.server.get("/")[:2], (200, "gzip"), turn)
            traffic.talk(resolver, ("127.0.0.1", 53), CLIENTS // 4, QUERIES, tally)
        self.assertGreater(tally.queries, 9000)
        host.eventually(lambda: self.assertEqual(self.queries(), tally.queries))
        self.assertEqual(self.exporter.stop(), 0, self.told())
        self.assertEqual(sorted(OPEN.findall(self.told())), sorted(HELD), self.told())

    def queries(self):
        scrape = exposition.Scrape(gzip.decompress(self.server.get()[2]).decode())
        return scrape.sum("dnstt_queries_total", domain=DOMAIN)

    def told(self):
        with open(self.log, encoding="utf-8") as log:
            return self.exporter.stderr() + log.read()


if __name__ == "__main__":
    unittest.main()
