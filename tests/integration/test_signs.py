#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an exporter says that was told something wrong, where its zeros would look well.

One tunnel, and beside each other exporters of which each has one thing wrong: every one shows a
problem on its page and writes a line, once; the one that is right has neither.
"""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
from exporter import ADDRESS, DOMAIN, Exporter

RESOLVER, SERVER = ("192.0.2.53", 5300), ("192.0.2.1", 53)
OTHER = "v.example.com"

# What is wrong: the domain it is told, further flags, what its page and its log say
WRONG = {
    "name": (f"u.{DOMAIN}", (), "No query has come.", "correct -dnstt.domain"),
    "wire": (f"{DOMAIN},wire=vaydns", (), "Correct <code>wire=</code>", "correct wire="),
    "edns": (f"{DOMAIN},min-edns=4000", (), "Correct <code>min-edns=</code>", "correct min-edns="),
    # Its server is in another network namespace: only its answers pass here
    "elsewhere": (OTHER, (), "do not arrive on this host", "network namespace"),
    "port": (DOMAIN, ("-dnstt.port", "5353"), "Not a packet has come", "correct -dnstt.port"),
}


class Signs(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.near, far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", far, "peer")
        self.wire = host.Wire(self.near, "eth0", far, "peer")
        self.addCleanup(self.wire.close)
        self.port = 9713

    def start(self, domain, flags=()):
        self.port += 1
        exporter = Exporter(self.near, *flags, domains=(domain,), port=None if flags else 53,
                            listen=f"{ADDRESS}:{self.port}")
        self.addCleanup(exporter.kill)
        return exporter

    def test_what_is_wrong_is_told_on_the_page_and_once_in_the_log(self):
        right = self.start(DOMAIN)
        wrong = {name: self.start(domain, flags)
                 for name, (domain, flags, _, _) in WRONG.items()}
        for exporter in (right, *wrong.values()):
            exporter.wait_ready()
        started = time.monotonic()
        client, other = dnstt.Client(), dnstt.Client(OTHER)
        server, hidden = dnstt.Server(), dnstt.Server(OTHER)
        for _ in range(20):
            message = client.poll()
            self.wire.arrive(*packets.packet(RESOLVER, SERVER, message))
            self.wire.leave(*packets.packet(SERVER, RESOLVER, server.answer(message)))
            self.wire.leave(*packets.packet(SERVER, RESOLVER, hidden.answer(other.poll())))
            time.sleep(0.05)

        def told(name):
            _, _, shown, line = WRONG[name]
            self.assertIn(shown, wrong[name].get("/").text, name)
            self.assertEqual(wrong[name].stderr().count(line), 1, name)

        for name in WRONG:
            if name != "port":
                host.eventually(lambda: told(name))
        self.assertIn("No problems", right.get("/").text)
        host.eventually(lambda: told("port"), timeout=70)
        self.assertGreater(time.monotonic() - started, 55)
        for name, exporter in wrong.items():
            self.assertEqual(exporter.stderr().count("level=warn"), 1, name)
        self.assertNotIn("level=warn", right.stderr())
        self.assertNotIn(client.ident.hex(), right.stderr())


if __name__ == "__main__":
    unittest.main(verbosity=2)
