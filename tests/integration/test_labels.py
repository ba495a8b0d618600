#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Label sets, live: forged queries from thousands of networks, and clients that come meanwhile."""

import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
from dnstt import ACK, PUSH, kcp
from exporter import Exporter
from test_abuse import DATABASE

SERVER = ("192.0.2.1", 53)
NETWORKS = 8192  # of the database, each of one address
CLIENTS = 32  # in the last ones of them
POLLERS = 4
LABEL_SETS = 1024
COUNTERS = "queries", "bytes_in", "bytes_out", "sessions", "established_sessions", "session_seconds"


def address(network):
    return f"198.18.{network >> 8}.{network & 255}", 4000


def asn(network):
    return str(4200000000 + network)


class Flood(threading.Thread):
    """A query of a new session from each network in turn, some 3,000 per second."""

    def __init__(self, wire):
        super().__init__(daemon=True)
        self.wire = wire
        self.sent, self.is_over = 0, False

    def run(self):
        while not self.is_over:
            network = self.sent % (NETWORKS - CLIENTS - POLLERS)
            self.wire.arrive(*packets.packet(address(network), SERVER, dnstt.Client().poll()))
            self.sent += 1
            if self.sent % 64 == 0:
                time.sleep(0.02)


class Tunnel:
    """A client in a network of its own."""

    def __init__(self, wire, network):
        self.wire, self.network, self.sent = wire, network, 0
        self.client, self.waiting = dnstt.Client(), []
        self.server = dnstt.Server(downstream=lambda client_id: self.waiting)

    def ask(self, message):
        self.wire.arrive(*packets.packet(address(self.network), SERVER, message))
        self.sent += 1
        return message

    def poll(self):
        self.ask(self.client.poll())

    def segment(self, command, sn, una, text=b""):
        return kcp(self.client.conv, command, sn, text, una)

    def handshake(self):
        asked = self.ask(self.client.carry(self.segment(PUSH, 0, 0, b"n" * 48)))
        self.waiting = [self.segment(PUSH, 0, 1, b"n" * 2) + self.segment(PUSH, 1, 1, b"n" * 48)]
        self.wire.leave(*packets.packet(SERVER, address(self.network), self.server.answer(asked)))
        self.ask(self.client.carry(self.segment(ACK, 1, 2)))


class Labels(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        near, far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(near, "eth0", far, "peer")
        self.wire = host.Wire(near, "eth0", far, "peer")
        self.addCleanup(self.wire.close)
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        database = pathlib.Path(folder.name) / "asn.mmdb"
        subprocess.run(["/usr/bin/perl", "-e", DATABASE, database], check=True)
        self.exporter = Exporter.start(self, near, "-geoip.asn-database", str(database),
                                       "-metrics.max-series", str(LABEL_SETS))
        self.before = {}

    def scrape(self):
        """Every counter of a label set that was there is there still, and none is less."""
        scrape = self.exporter.scrape()
        now = {(name, labels): value for name in COUNTERS
               for labels, value in scrape.series(f"dnstt_{name}_total").items()}
        self.assertEqual([k for k in self.before if now.get(k, -1) < self.before[k]], [])
        self.before = now
        return scrape

    def test_clients_get_their_label_sets_amid_a_flood(self):
        flood = Flood(self.wire)
        flood.start()
        self.addCleanup(lambda: setattr(flood, "is_over", True))
        host.eventually(lambda: self.assertIn("other", self.scrape().by("dnstt_queries_total", "asn")))
        tunnels = [Tunnel(self.wire, NETWORKS - 1 - i) for i in range(CLIENTS)]
        pollers = [Tunnel(self.wire, NETWORKS - 1 - CLIENTS - i) for i in range(POLLERS)]
        for tunnel in tunnels:
            tunnel.handshake()
        for poller in pollers:
            poller.poll()

        def established():
            by_asn = self.scrape().by("dnstt_established_sessions_total", "asn")
            self.assertEqual(by_asn, {asn(tunnel.network): 1 for tunnel in tunnels})

        host.eventually(established)
        begun = time.monotonic()
        while time.monotonic() < begun + 5.2:
            self.scrape()
            time.sleep(0.2)
        for poller in pollers:
            poller.poll()
        flood.is_over = True
        flood.join()
        sent = flood.sent + sum(tunnel.sent for tunnel in tunnels + pollers)
        host.eventually(lambda: self.assertEqual(self.scrape().sum("dnstt_queries_total"), sent))
        scrape = self.scrape()
        self.assertEqual(scrape.sum("dnstt_sessions_total"), flood.sent + CLIENTS + POLLERS)
        for tunnel in tunnels + pollers:
            self.assertEqual(scrape.sum("dnstt_queries_total", asn=asn(tunnel.network)), 1)
            self.assertEqual(scrape.sum("dnstt_active_clients", asn=asn(tunnel.network)), 1)
        # The half that is anybody's is full, and nobody took more
        self.assertEqual(len(scrape.series("dnstt_queries_total")),
                         1 + LABEL_SETS - (LABEL_SETS - 1) // 2 + CLIENTS + POLLERS)


if __name__ == "__main__":
    unittest.main()
