#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A tunnel that works, and then does not, live on an interface: what is said of its quality.

A client and a server, which write KCP segments with clocks of their own; the server is then started
again, and knows nothing of the client any more.
"""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
from dnstt import ACK, PUSH, kcp
from exporter import DOMAIN, Exporter

RESOLVER, SERVER = ("192.0.2.53", 5300), ("192.0.2.1", 53)
ROUND_TRIP = 0.35  # in the bucket of 0.25 to 0.5 s
WAIT = 0.75  # 0.5 to 1 s; with the round trip, 1 to 2.5 s
HOLD = 1.2  # 1 to 1.5 s
SILENT = 30
# Clocks of a client and of a server, whose processes began at some time
CLIENT_BEGAN, SERVER_BEGAN = 1234, 98765


def clock(began):
    """Milliseconds."""
    return int(time.monotonic() * 1000) + began


class Tunnel:
    """A client and a server whose packets cross a wire, when and as the test says."""

    def __init__(self, wire):
        self.wire = wire
        self.client = dnstt.Client(ident=b"quality!")
        self.waiting = []  # packets for the client
        self.server = dnstt.Server(downstream=lambda client_id: self.waiting)
        self.answered, self.first, self.last = 0, None, None

    def segment(self, command, sn, una, began, text=b"", ts=None):
        return kcp(self.client.conv, command, sn, text, una, clock(began) if ts is None else ts)

    def ask(self, message):
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.wire.arrive(*packets.packet(RESOLVER, SERVER, message))
        return message

    def send(self, *segments):
        """A query with a KCP datagram."""
        return self.ask(self.client.carry(b"".join(segments)))

    def poll(self):
        return self.ask(self.client.poll())

    def answer(self, message, *segments):
        self.waiting = [b"".join(segments)] if segments else []
        self.wire.leave(*packets.packet(SERVER, RESOLVER, self.server.answer(message)))
        self.answered += 1

    def handshake(self):
        """Two segments each way, as Noise needs; the server's are acknowledged."""
        asked = self.send(self.segment(PUSH, 0, 0, CLIENT_BEGAN, b"n" * 2),
                          self.segment(PUSH, 1, 0, CLIENT_BEGAN, b"n" * 48))
        stamp = clock(SERVER_BEGAN)
        self.answer(asked, self.segment(ACK, 0, 2, SERVER_BEGAN),
                    self.segment(ACK, 1, 2, SERVER_BEGAN),
                    self.segment(PUSH, 0, 2, SERVER_BEGAN, b"n" * 2, stamp),
                    self.segment(PUSH, 1, 2, SERVER_BEGAN, b"n" * 48, stamp))
        time.sleep(ROUND_TRIP)
        self.answer(self.send(self.segment(ACK, 0, 2, CLIENT_BEGAN, ts=stamp),
                              self.segment(ACK, 1, 2, CLIENT_BEGAN, ts=stamp)))

    def talk(self):
        """Data both ways. The server's waited for a query, and is acknowledged."""
        asked = self.send(self.segment(PUSH, 2, 2, CLIENT_BEGAN, b"up" * 10))
        stamp = clock(SERVER_BEGAN) - int(WAIT * 1000)
        self.answer(asked, self.segment(PUSH, 2, 3, SERVER_BEGAN, b"down" * 200, stamp))
        time.sleep(ROUND_TRIP)
        self.answer(self.send(self.segment(ACK, 2, 3, CLIENT_BEGAN, ts=stamp)))


class Quality(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        near, far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(near, "eth0", far, "peer")
        wire = host.Wire(near, "eth0", far, "peer")
        self.addCleanup(wire.close)
        self.exporter = Exporter.start(self, near)
        self.tunnel = Tunnel(wire)

    def told(self, scrape, *names):
        return {name: scrape.sum(f"dnstt_{name}", domain=DOMAIN) for name in names}

    def expect(self, timeout=5, **wanted):
        def equal():
            self.assertEqual(self.told(self.exporter.scrape(), *wanted), wanted)

        host.eventually(equal, timeout)

    def by_direction(self, name):
        return self.exporter.scrape().by(f"dnstt_{name}_total", "direction", domain=DOMAIN)

    def buckets(self, name):
        """Samples in each bucket by its upper bound, without those that are empty."""
        below = self.exporter.scrape().by(f"dnstt_{name}_bucket", "le", domain=DOMAIN)
        samples, before = {}, 0
        for bound in sorted(below, key=float):
            if below[bound] > before:
                samples[float(bound)] = below[bound] - before
            before = below[bound]
        return samples

    def works(self):
        tunnel = self.tunnel
        tunnel.handshake()
        self.expect(established_sessions_total=1, kcp_sessions_total=1, working_clients=1)
        tunnel.talk()
        worked = time.monotonic()
        held = tunnel.poll()
        time.sleep(HOLD)
        tunnel.answer(held)
        self.expect(queries_total=5, poll_queries_total=1, empty_responses_total=3,
                    unanswered_queries_total=0, working_clients=1, active_clients=1,
                    implausible_samples_total=0, network_rtt_seconds_count=3,
                    response_delay_seconds_count=tunnel.answered)
        self.assertEqual(self.by_direction("kcp_segments"), {"in": 3, "out": 3})
        self.assertEqual(self.by_direction("goodput_bytes"), {"in": 50 + 20, "out": 50 + 800})
        self.assertEqual(self.by_direction("kcp_retransmitted_segments"), {})
        self.assertEqual(self.buckets("kcp_rtt_seconds"), {0.5: 2, 2.5: 1})
        self.assertEqual(self.buckets("downstream_wait_seconds").get(1.0), 1)
        self.assertEqual(self.buckets("response_delay_seconds").get(1.5), 1)
        return worked

    def loses_its_server(self):
        """It has begun again, acknowledges, waits for segment 0, and has nothing to say."""
        tunnel = self.tunnel
        asked = tunnel.send(tunnel.segment(PUSH, 3, 3, CLIENT_BEGAN, b"lost"))
        tunnel.answer(asked, tunnel.segment(ACK, 3, 0, SERVER_BEGAN))
        self.expect(kcp_sessions_total=2, established_sessions_total=1)
        # The very same datagram is a resolver's doing; one with a later stamp is the client's
        tunnel.answer(tunnel.ask(dnstt.query(dnstt.question(asked)[0])))
        time.sleep(0.01)
        tunnel.answer(tunnel.send(tunnel.segment(PUSH, 3, 3, CLIENT_BEGAN, b"lost")))
        self.expect(retransmitted_queries_total=1, queries_total=8)
        self.assertEqual(self.by_direction("kcp_retransmitted_segments"), {"in": 1})

    def is_unanswered(self):
        """One query has no answer, which is known after five seconds and not before."""
        self.tunnel.poll()
        began = time.monotonic()
        time.sleep(3.5)
        unanswered = self.told(self.exporter.scrape(), "unanswered_queries_total")
        if time.monotonic() - began < 4.8:
            self.assertEqual(unanswered, {"unanswered_queries_total": 0})
        self.expect(8, unanswered_queries_total=1)

    def poll_until(self, end):
        while time.monotonic() < end:
            self.tunnel.answer(self.tunnel.poll())
            time.sleep(1)

    def test_a_tunnel_works_until_its_server_is_started_again(self):
        worked = self.works()
        self.loses_its_server()
        self.is_unanswered()
        self.poll_until(worked + SILENT - 3)
        self.expect(working_clients=1, active_clients=1)
        self.poll_until(worked + SILENT + 1)
        self.expect(working_clients=0, active_clients=1, established_sessions_total=1,
                    kcp_sessions_total=2, sessions_total=1, unanswered_queries_total=1)

        # What the server never sent can't have been received
        tunnel = self.tunnel
        tunnel.answer(tunnel.send(tunnel.segment(PUSH, 4, 99, CLIENT_BEGAN, b"forged")))
        self.expect(implausible_samples_total=1, working_clients=0,
                    response_delay_seconds_count=tunnel.answered)
        # Of a session: all the time from its first query to its last
        seconds = self.exporter.scrape().sum("dnstt_session_seconds_total", domain=DOMAIN)
        self.assertAlmostEqual(seconds, tunnel.last - tunnel.first, delta=0.5)


if __name__ == "__main__":
    unittest.main()
