#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""HTTP clients that mean no good: none of them keeps a scrape from another address out."""

import gzip
import os
import pathlib
import select
import signal
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exposition
import host
import packets
from exporter import DOMAIN, PORT, Exporter
from test_web_config import certificate

SCRAPER = "127.0.0.1"
ATTACKER = "127.0.0.66"
LONG_DOMAIN = "x." * 100 + "example.com"
LABEL_SETS = 4096
DEADLINE = 10

# Every address of 198.18.0.0/19 is in a network of its own
DATABASE = """
use MaxMind::DB::Writer::Tree;
my $tree = MaxMind::DB::Writer::Tree->new(ip_version => 6, record_size => 24,
    database_type => 'GeoLite2-ASN', languages => ['en'], description => { en => 'test' },
    alias_ipv6_to_ipv4 => 0, remove_reserved_networks => 0,
    map_key_type_callback => sub { 'uint32' });
$tree->insert_network(sprintf('198.18.%d.%d/32', $_ >> 8, $_ & 255),
                      { autonomous_system_number => 4200000000 + $_ }) for 0 .. 8191;
open my $file, '>:raw', $ARGV[0] or die;
$tree->write_tree($file);
"""


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
        for begun in (b"", b"GET / HTTP/1.1\r\nX: "):
            for number in range(300):
                self.connect(f"127.0.{1 + number // 50}.{1 + number % 50}", begun)
            self.scrape_is_quick(exporter)
        refused = exporter.scrape().value("dnstt_exporter_http_refused_connections_total")
        self.assertEqual(refused, 0)

    def test_a_whole_request_has_one_deadline(self):
        exporter = self.start("-dnstt.domain", LONG_DOMAIN)
        answered = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
        line, headers = b"GET /metrics HTTP/1.1\r\nHost: x\r\n", b"X-Slow: 1\r\n" * 1000
        slow = {}
        for name, first, rest in (
            ("line", b"", b"GET /" + b"a" * 1000),
            ("headers", line, headers),
            ("line, kept alive", answered, b"GET /" + b"a" * 1000),
            ("headers, kept alive", answered + line, headers),
            ("line long after the first byte", b"GET /metr", None),
        ):
            tcp = self.connect(text=first)
            if first.startswith(answered):
                self.assertTrue(tcp.recv(4096).startswith(b"HTTP/1.1 200"))
            slow[tcp] = (name, rest and iter(rest), time.monotonic())
        unread = self.unread(ATTACKER)
        idle = self.connect(text=answered)
        nothing = self.connect()
        ends = {}
        began = time.monotonic()
        while slow and time.monotonic() - began < 2.5 * DEADLINE:
            for tcp in select.select(list(slow), [], [], 0.2)[0]:
                name, _, start = slow.pop(tcp)
                self.assertEqual(self.rest_of(tcp), b"", name)
                ends[name] = time.monotonic() - start
            for tcp, (name, rest, start) in slow.items():
                if name.startswith("line long") and time.monotonic() - start > DEADLINE - 2:
                    rest = rest or iter(line[9:] + headers)
                    slow[tcp] = (name, rest, start)
                if rest:
                    tcp.sendall(bytes([next(rest)]))
        self.assertEqual(len(ends), 5, f"open after {2.5 * DEADLINE} s: {list(slow.values())}")
        for name, seconds in ends.items():
            self.assertGreater(seconds, DEADLINE - 0.5, name)
            self.assertLess(seconds, DEADLINE + 1.5, name)
        expired = exporter.scrape().value("dnstt_exporter_http_expired_requests_total")
        self.assertEqual(expired, 6, "five slow ones and the one that does not read")
        with self.assertRaises(OSError):
            unread.sendall(b"x")
            time.sleep(0.1)
            unread.sendall(b"x")
        self.assertEqual(nothing.recv(1), b"")
        idle.recv(4096)
        idle.sendall(answered)
        self.assertTrue(idle.recv(4096).startswith(b"HTTP/1.1 200"), "idle is not slow")

    def test_a_body_is_not_waited_for(self):
        exporter = self.start()
        tcp = self.connect(text=b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n")
        start = time.monotonic()
        self.assertIn(b"HTTP/1.1 405", self.rest_of(tcp))
        self.assertLess(time.monotonic() - start, DEADLINE / 2)
        self.scrape_is_quick(exporter)

    @staticmethod
    def rest_of(tcp):
        answer = b""
        try:
            while piece := tcp.recv(1 << 20):
                answer += piece
        except ConnectionResetError:
            pass
        return answer

    def test_slow_reading_stops_nobody(self):
        exporter = self.start("-dnstt.domain", LONG_DOMAIN)
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
                        b"Content-Length : 5\r\n", b"Transfer-Encoding\t: chunked\r\n",
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
        return tcp

    def test_requests_beyond_the_limit_get_503(self):
        exporter = self.start("-web.max-requests", "2", "-dnstt.domain", LONG_DOMAIN)
        first = self.unread(ATTACKER)
        host.eventually(lambda: self.assertEqual(exporter.scrape().value(
            "promhttp_metric_handler_requests_in_flight"), 1))
        self.unread("127.0.0.67")
        host.eventually(lambda: self.assertEqual(exporter.get("/metrics").status, 503))
        # A liveness probe must not fail because of scrapes, nor count as one
        for path, status in (("/-/healthy", 200), ("/-/ready", 200), ("/", 503), ("/x", 503)):
            self.assertEqual(exporter.get(path).status, status, path)
        self.assertEqual(exporter.get("/metrics").status, 503)
        first.close()
        host.eventually(lambda: self.assertEqual(exporter.get("/metrics").status, 200))
        refused = exporter.scrape().value("promhttp_metric_handler_requests_total", code="503")
        self.assertEqual(refused, 2)

    def test_one_host_takes_half_of_the_limit(self):
        exporter = self.start("-web.max-requests", "4", "-dnstt.domain", LONG_DOMAIN)
        for _ in range(6):
            self.unread(ATTACKER)
        time.sleep(0.5)
        self.scrape_is_quick(exporter)

    def test_long_and_broken_requests(self):
        exporter = self.start()
        for text, statuses in (
            (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414",)),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n", (b"431",)),
            (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 4000 + b"\r\n", (b"431",)),
            (b"GET / HTTP/1.1\r\n\r\n", (b"400",)),
            (b"\0\xff\r\n\r\n", (b"400",)),
            (b"GET\t/metrics HTTP/1.1\r\nHost: x\r\n\r\n", (b"400",)),
            (b"GET /metrics?" + b"a&" * 250 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414",)),
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n", (b"400",)),
            (b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", (b"400", b"505")),
        ):
            answer = self.rest_of(self.connect(text=text))
            self.assertIn(answer[9:12], statuses, text[:30])
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, text[:30])
        self.scrape_is_quick(exporter)

    def test_broken_requests_do_not_fill_the_log(self):
        exporter = self.start("-log.level", "debug")
        before = exporter.stderr().count("\n")
        for number in range(1000):
            tcp = self.connect(f"127.0.2.{1 + number % 50}", (
                b"\0\xff\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 20000,
                b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nHost")[number % 4])
            tcp.close()
        self.scrape_is_quick(exporter)
        said = exporter.stderr().splitlines()[before:]
        self.assertLess(len(said), 20, said[:40])
        self.assertIn("HTTP requests were cut off or wrong", "".join(said))

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

        def only_its_own():  # a connection is closed a moment after its client has closed it
            self.assertLessEqual(len(list(descriptors.iterdir())), before)

        before = len(list(descriptors.iterdir()))
        many(100)
        host.eventually(only_its_own)
        memory = exporter.scrape().value("process_resident_memory_bytes")
        many(9900)
        host.eventually(only_its_own)
        self.assertLess(exporter.scrape().value("process_resident_memory_bytes") - memory, 1 << 20)

    def test_slowhttptest_from_one_address(self):
        host.must_have("slowhttptest")
        exporter = self.start("-dnstt.domain", LONG_DOMAIN)
        for mode in (["-H", "-i", "2", "-t", "GET"], ["-B", "-i", "2", "-s", "8192"],
                     ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"],
                     ["-R", "-a", "10", "-b", "3000"]):
            with self.subTest(mode=mode):
                attack = self.box.spawn(
                    ["slowhttptest", *mode, "-c", "400", "-r", "200", "-l", "6",
                     "-u", f"http://127.0.0.1:{PORT}/metrics"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.addCleanup(host.end, attack)
                scrapes = 0
                while attack.poll() is None and scrapes < 40:
                    self.scrape_from_elsewhere()
                    scrapes += 1
                    time.sleep(0.25)
                self.assertGreater(scrapes, 3)
                host.end(attack)
        self.assertIsNone(exporter.process.poll())

    def scrape_from_elsewhere(self):
        """The attack comes from 127.0.0.1, so the scrape comes from another address."""
        start = time.monotonic()
        tcp = self.connect("127.0.0.2", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
                           b"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        head, body = self.rest_of(tcp).split(b"\r\n\r\n", 1)
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
        self.assertIn(b"dnstt_active_clients", gzip.decompress(body))
        self.assertLess(time.monotonic() - start, 5)


class Tls(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        host.must_have("openssl")
        self.box = host.Host.make(self, "box")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.certify("first")
        config = self.folder / "web.yml"
        config.write_text("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n")
        config.chmod(0o644)
        self.exporter = Exporter(self.box, "-web.config.file", str(config))
        self.addCleanup(self.exporter.kill)
        host.eventually(self.exporter.capture_pid)

    def certify(self, name):
        certificate(self.folder, name)
        for suffix in ("key", "pem"):
            (self.folder / f"{name}.{suffix}").chmod(0o644)
        shutil.copy(self.folder / f"{name}.key", self.folder / "key.pem")
        shutil.copy(self.folder / f"{name}.pem", self.folder / "cert.pem")

    def get(self, source=SCRAPER, path="/metrics"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.box.inside():
            plain = socket.create_connection((SCRAPER, PORT), 10, (source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain) as tcp:
            tcp.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            head, body = Abuse.rest_of(tcp).decode().split("\r\n\r\n", 1)
            self.assertTrue(head.startswith("HTTP/1.1 200"), head)
        return body

    def used(self):
        stat = pathlib.Path(f"/proc/{self.exporter.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_half_handshakes_keep_nobody_busy(self):
        hello = bytes.fromhex("160301020001") + b"\0" * 100  # of a record of 512 bytes
        held = []
        with self.box.inside():
            for _ in range(64):
                held.append(socket.create_connection((SCRAPER, PORT), 5, (ATTACKER, 0)))
                held[-1].sendall(hello)
                self.addCleanup(held[-1].close)
        time.sleep(0.5)
        before = self.used()
        time.sleep(3)
        self.assertLess(self.used() - before, 0.3, "a tenth of a processor")
        start = time.monotonic()
        self.assertIn("dnstt_queries_total", self.get())
        self.assertLess(time.monotonic() - start, 1)
        time.sleep(DEADLINE - 3)
        for tcp in held:
            tcp.settimeout(1)
            self.assertIn(Abuse.rest_of(tcp)[:1], (b"", b"\x15"), "still open at the deadline")

    def test_plain_http_is_told_that_this_is_tls(self):
        for request in (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n",
                        b"get / HTTP/1.0\r\n\r\n", b"G"):
            with self.box.tcp(SCRAPER, PORT) as tcp:
                tcp.sendall(request)
                head, body = Abuse.rest_of(tcp).split(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 400 Bad Request\r\n"), head)
            self.assertIn(b"\r\nX-Content-Type-Options: nosniff\r\n", head)
            self.assertEqual(body, b"Client sent an HTTP request to an HTTPS server.\n")
        self.assertIn("dnstt_queries_total", self.get())

    def test_ten_thousand_connections_leave_nothing(self):
        def state():
            scrape = exposition.Scrape(self.get())
            return (scrape.value("process_open_fds"),
                    scrape.value("process_resident_memory_bytes"))

        def many(count):
            for _ in range(count):
                self.get(path="/-/healthy")

        many(200)
        descriptors, memory = state()
        many(5000)
        ends = "dnstt_exporter_tls_certificate_expiry_timestamp_seconds"
        before = exposition.Scrape(self.get()).value(ends)
        self.certify("second")
        os.kill(self.exporter.pid, signal.SIGHUP)
        many(5000)

        def nothing_is_left():  # a connection is closed a moment after its client has closed it
            later = state()
            self.assertLessEqual(later[0], descriptors)
            self.assertLess(later[1] - memory, 1 << 20)

        host.eventually(nothing_is_left)
        scrape = exposition.Scrape(self.get())
        self.assertGreater(scrape.value(ends), before)
        self.assertEqual(scrape.by("dnstt_exporter_web_config_reloads_total", "result"),
                         {"success": 1})


class Large(unittest.TestCase):
    """Scrapes of as many label sets as there may be."""

    @classmethod
    def setUpClass(cls):
        host.must_be_root()
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        database = pathlib.Path(folder.name) / "asn.mmdb"
        subprocess.run(["/usr/bin/perl", "-e", DATABASE, database], check=True)
        cls.box, far = host.Host.make(cls, "box"), host.Host.make(cls, "far")
        # As on a real network; else the kernel takes a whole response at once
        cls.box.ip("link set lo mtu 1500")
        host.link(cls.box, "eth0", far, "peer")
        wire = host.Wire(cls.box, "eth0", far, "peer")
        cls.addClassCleanup(wire.close)
        # A query alone is good for half of them
        cls.exporter = Exporter.start(cls, cls.box, "-geoip.asn-database", str(database),
                                      "-metrics.max-series", str(2 * LABEL_SETS),
                                      listen=f"0.0.0.0:{PORT}")
        query = dnstt.Client(DOMAIN).poll()
        for number in range(LABEL_SETS):
            source = f"198.18.{number >> 8}.{number & 255}"
            wire.arrive(*packets.packet((source, 4000), ("192.0.2.1", 53), query))
            if number % 128 == 127:
                time.sleep(0.02)
        host.eventually(lambda: cls.has_all(cls.exporter.get("/metrics").text))

    @staticmethod
    def has_all(text):
        if text.count("\ndnstt_queries_total{") < LABEL_SETS:
            raise AssertionError(text.count("\ndnstt_queries_total{"))

    def resident(self):
        return int(host.status(self.exporter.pid)["VmRSS"].split()[0]) << 10

    def ask(self, source, *headers):
        tcp = self.box.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(tcp.close)
        tcp.settimeout(15)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        tcp.bind((source, 0))
        tcp.connect((SCRAPER, PORT))
        tcp.sendall(b"\r\n".join([b"GET /metrics HTTP/1.1", b"Host: x", *headers, b"", b""]))
        return tcp

    def test_who_does_not_read_takes_no_memory(self):
        """But that of six responses, which is taken once and used again."""
        text = len(self.exporter.get("/metrics").body)
        before, room = self.resident(), 6 * text
        for coding in (b"identity", b"gzip"):
            accept = {"Accept-Encoding": coding.decode()}
            self.exporter.get("/metrics", headers=accept)
            held = [self.ask(f"127.0.{coding[0]}.{number}", b"Accept-Encoding: " + coding)
                    for number in range(1, 41)]
            time.sleep(0.5)
            self.assertLess(self.resident() - before, room + (4 << 20), coding)
            before, room = self.resident(), 0
            for tcp in held:
                tcp.close()
            host.eventually(lambda a=accept: self.assertEqual(
                self.exporter.get("/metrics", headers=a).status, 200))
        self.assertGreater(self.exporter.scrape().value(
            "promhttp_metric_handler_requests_total", code="503"), 0)

    def test_one_host_that_does_not_read_keeps_nobody_out(self):
        for _ in range(10):
            self.ask(ATTACKER)
            time.sleep(0.1)
        for coding in ("identity", "gzip"):
            answer = self.exporter.get("/metrics", headers={"Accept-Encoding": coding})
            self.assertEqual(answer.status, 200)
        self.has_all(gzip.decompress(answer.body).decode())

    def test_slow_readers_get_all_of_it(self):
        """Though it is compressed while they read."""
        for headers in ([], [b"Accept-Encoding: gzip"]):
            readers = [self.ask(SCRAPER, b"Connection: close", *headers) for _ in range(3)]
            for tcp in readers:
                head, body = Abuse.rest_of(tcp).split(b"\r\n\r\n", 1)
                self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
                if b"chunked" in head:
                    body = self.unchunk(body)
                self.has_all((gzip.decompress(body) if headers else body).decode())

    def test_whoever_comes_at_the_same_moment_gets_the_same(self):
        os.kill(self.exporter.pid, signal.SIGSTOP)
        try:
            readers = [self.ask(SCRAPER, b"Connection: close") for _ in range(10)]
        finally:
            os.kill(self.exporter.pid, signal.SIGCONT)
        bodies = {Abuse.rest_of(tcp).split(b"\r\n\r\n", 1)[1] for tcp in readers}
        self.assertEqual(len(bodies), 1)
        self.has_all(bodies.pop().decode())

    @staticmethod
    def unchunk(text):
        body = b""
        while text:
            size, text = text.split(b"\r\n", 1)
            body, text = body + text[:int(size, 16)], text[int(size, 16) + 2:]
        return body

    def test_http_1_0_gets_it_without_chunks(self):
        tcp = self.ask(SCRAPER)
        tcp.close()
        with self.box.tcp(SCRAPER, PORT) as tcp:
            tcp.sendall(b"GET /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
            head, body = Abuse.rest_of(tcp).split(b"\r\n\r\n", 1)
        self.assertNotIn(b"chunked", head)
        self.has_all(gzip.decompress(body).decode())


if __name__ == "__main__":
    unittest.main()
