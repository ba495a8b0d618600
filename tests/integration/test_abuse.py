#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""HTTP clients that mean no good: none of them keeps a scrape from another address out."""

import gzip
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import PORT, Exporter

SCRAPER = "127.0.0.1"
ATTACKER = "127.0.0.66"


class Abuse(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")

    def start(self, *flags):
        return Exporter.start(self, self.box, *flags, listen=f"0.0.0.0:{PORT}")

    def connect(self, source=ATTACKER, text=b""):
        tcp = self.box.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(tcp.close)
        tcp.settimeout(15)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        tcp.bind((source, 0))
        tcp.connect((SCRAPER, PORT))
        if text:
            tcp.sendall(text)
        return tcp

    def scrape_is_quick(self, exporter):
        start = time.monotonic()
        self.assertEqual(exporter.get("/metrics").status, 200)
        self.assertLess(time.monotonic() - start, 5)

    def test_connections_of_one_host_leave_room_for_others(self):
        exporter = self.start()
        held = [self.connect(text=b"GET /metrics HTTP/1.1\r\n") for _ in range(300)]
        self.scrape_is_quick(exporter)
        refused = exporter.scrape().value("dnstt_exporter_http_refused_connections_total")
        self.assertGreaterEqual(refused, 300 - 64)
        self.assertEqual(len(held), 300)

    def test_connections_of_many_hosts_make_room_for_another(self):
        exporter = self.start()
        for number in range(300):
            self.connect(f"127.0.{1 + number // 50}.{1 + number % 50}")
        self.scrape_is_quick(exporter)

    def test_slow_headers_end_at_the_deadline(self):
        exporter = self.start()
        slow = self.connect(text=b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        start = time.monotonic()
        slow.settimeout(0.5)
        ended = False
        while not ended and time.monotonic() - start < 25:
            try:
                slow.sendall(b"X-Slow: 1\r\n")
                ended = slow.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
        self.assertTrue(ended, "still open after 25 s")
        self.assertGreater(time.monotonic() - start, 5)
        expired = exporter.scrape().value("dnstt_exporter_http_expired_requests_total")
        self.assertEqual(expired, 1)

    def test_slow_reading_stops_nobody(self):
        exporter = self.start("-dnstt.domain", "x." * 100 + "example.com")
        for _ in range(40):
            self.unread(ATTACKER)
        for _ in range(5):
            self.scrape_is_quick(exporter)

    def test_nothing_behind_a_body_is_a_request(self):
        exporter = self.start()
        smuggled = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
        for headers in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                        b"Content-Length: 5\r\nContent-Length: 0\r\n",
                        b"Content-Length: 0\r\nContent-Length: 5\r\n",
                        b"Transfer-Encoding: chunked\r\n"):
            for body in (b"0\r\n\r\n" + smuggled, smuggled):
                tcp = self.connect(text=b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + headers +
                                   b"\r\n" + body)
                answer = b""
                while piece := tcp.recv(65536):
                    answer += piece
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer[:200])
                self.assertNotIn(b"is healthy", answer)
        self.scrape_is_quick(exporter)

    def unread(self, source):
        """A connection whose responses get stuck, because nobody reads them."""
        tcp = self.connect(source)
        tcp.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 400)

    def test_requests_beyond_the_limit_get_503(self):
        exporter = self.start("-web.max-requests", "2", "-dnstt.domain", "x." * 100 + "example.com")
        self.unread(ATTACKER)
        host.eventually(lambda: self.assertEqual(exporter.scrape().value(
            "promhttp_metric_handler_requests_in_flight"), 1))
        self.unread("127.0.0.67")
        host.eventually(lambda: self.assertEqual(exporter.get("/metrics").status, 503))

    def test_one_host_takes_half_of_the_limit(self):
        exporter = self.start("-web.max-requests", "4", "-dnstt.domain", "x." * 100 + "example.com")
        for _ in range(6):
            self.unread(ATTACKER)
        time.sleep(0.5)
        self.scrape_is_quick(exporter)

    def test_long_and_broken_requests(self):
        exporter = self.start()
        for text, statuses in (
            (b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414", b"431", b"400")),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 60000 + b"\r\n\r\n", (b"431", b"400")),
            (b"GET / HTTP/1.1\r\n\r\n", (b"400",)),
            (b"\0\xff\r\n\r\n", (b"400", b"505")),
            (b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", (b"400", b"505")),
        ):
            tcp = self.connect(text=text)
            answer = b""
            try:
                while piece := tcp.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
            if answer:
                self.assertIn(answer[9:12], statuses, text[:30])
        self.scrape_is_quick(exporter)

    def test_ten_thousand_connections_leave_nothing(self):
        exporter = self.start()
        descriptors = pathlib.Path(f"/proc/{exporter.pid}/fd")

        def many(count):
            with self.box.inside():
                for _ in range(count):
                    with socket.create_connection((SCRAPER, PORT), 5) as tcp:
                        tcp.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
                        while tcp.recv(4096):
                            pass

        many(100)
        before = len(list(descriptors.iterdir()))
        memory = exporter.scrape().value("process_resident_memory_bytes")
        many(9900)
        self.assertEqual(len(list(descriptors.iterdir())), before)
        self.assertLess(exporter.scrape().value("process_resident_memory_bytes") - memory, 1 << 20)

    def test_slowhttptest_from_one_address(self):
        host.must_have("slowhttptest")
        exporter = self.start()
        attack = self.box.spawn(
            ["slowhttptest", "-H", "-c", "400", "-r", "200", "-i", "2", "-l", "8", "-t", "GET",
             "-u", f"http://127.0.0.1:{PORT}/metrics"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(host.end, attack)
        time.sleep(3)
        for _ in range(4):
            # The attack comes from 127.0.0.1, so the scrape comes from another address
            tcp = self.connect("127.0.0.2", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
                               b"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := tcp.recv(65536):
                answer += piece
            head, body = answer.split(b"\r\n\r\n", 1)
            self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
            self.assertIn(b"dnstt_active_clients", gzip.decompress(body))
            time.sleep(1)
        self.assertIsNone(exporter.process.poll())


if __name__ == "__main__":
    unittest.main()
