#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a scraper and a browser get: status, headers, the text format, the series that exist."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exposition
import host
import traffic
from exporter import ADDRESS, CORE, DOMAIN, PORT, Exporter

INNER = "a." + DOMAIN
BEFORE_THE_NAME = {"packet", "fragment", "malformed", "not_query", "multiple_opt", "edns_version",
                   "qdcount", "domain"}
AFTER_THE_NAME = {"opcode", "qtype", "encoding", "edns_size", "short", "framing"}
RCODES = {"NOERROR", "FORMERR", "NXDOMAIN", "NOTIMP"}


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host.must_be_root()
        cls.box = host.Host.make(cls, "box")
        cls.exporter = Exporter.start(cls, cls.box)

    def test_metrics_are_text_0_0_4(self):
        answer = self.exporter.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))

    def test_the_page_at_the_root_links_to_the_metrics(self):
        answer = self.exporter.get("/")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/html"))
        self.assertIn('href="./metrics"', answer.text)

    def test_any_other_path_is_not_found(self):
        for path in ("/metric", "/metrics/", "/metrics/x", "/favicon.ico", "/%2e%2e/passwd", "//"):
            self.assertEqual(self.exporter.get(path).status, 404, path)

    def test_a_query_string_does_not_matter(self):
        self.assertEqual(self.exporter.get("/metrics?x=1").status, 200)

    def test_a_proxy_names_the_host_in_the_target(self):
        host.must_have("curl")
        proxy = f"http://{ADDRESS}:{PORT}"
        for url in ("http://t.example.com/metrics", "http://[2001:db8::1]:99/metrics?x=1"):
            with self.box.inside():
                done = subprocess.run(["curl", "-sS", "-f", "-g", "-x", proxy, url],
                                      capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), url)
            self.assertIn("dnstt_active_clients", done.stdout)

    def test_nothing_is_to_be_sniffed(self):
        for path, method in (("/metrics", "GET"), ("/", "GET"), ("/none", "GET"), ("/", "POST"),
                             ("/-/healthy", "GET"), ("/-/ready", "HEAD"), ("/metrics%00", "GET")):
            answer = self.exporter.get(path, method)
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff", path)

    def test_other_methods_are_told_which_are_allowed(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = self.exporter.get("/metrics", method)
            self.assertEqual(answer.status, 405, method)
            self.assertEqual(answer.headers["Allow"], "GET, HEAD", method)

    def test_head_is_get_without_a_body(self):
        for path, status in (("/metrics", 200), ("/", 200), ("/none", 404)):
            answer = self.exporter.get(path, "HEAD")
            self.assertEqual(answer.status, status, path)
            self.assertEqual(answer.body, b"", path)
        head, get = self.exporter.get("/metrics", "HEAD"), self.exporter.get("/metrics")
        self.assertEqual(head.headers["Content-Type"], get.headers["Content-Type"])
        self.assertGreater(int(head.headers["Content-Length"]), 0)

    def test_a_connection_serves_many_scrapes(self):
        with self.box.tcp(ADDRESS, PORT) as tcp, tcp.makefile("rb") as answers:
            for _ in range(3):
                tcp.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertEqual(answers.readline(), b"HTTP/1.1 200 OK\r\n")
                length = 0
                while (line := answers.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                exposition.read(answers.read(length).decode())

    def test_promtool_has_nothing_to_say(self):
        host.must_have("promtool")
        text = self.exporter.get("/metrics").body
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_every_core_series_is_there_at_zero_from_the_start(self):
        scrape = self.exporter.scrape()
        for name in (*CORE.values(), "dnstt_peak_clients"):
            self.assertEqual(scrape.series(name), {frozenset({("domain", DOMAIN)}): 0}, name)
        rejected = {(dict(labels)["domain"], dict(labels)["reason"]): value for labels, value in
                    scrape.series("dnstt_rejected_queries_total").items()}
        self.assertEqual(rejected, {
            **{("none", reason): 0 for reason in BEFORE_THE_NAME},
            **{(DOMAIN, reason): 0 for reason in AFTER_THE_NAME},
        })
        responses = {(dict(labels)["domain"], dict(labels)["rcode"]): value for labels, value in
                     scrape.series("dnstt_responses_total").items()}
        self.assertEqual(responses, {(DOMAIN, rcode): 0 for rcode in RCODES})
        for name in ("dnstt_duplicate_packets_total", "dnstt_retransmitted_queries_total"):
            self.assertEqual(set(scrape.series(name).values()), {0}, name)
        self.assertEqual(set(scrape.series("dnstt_capture_drops_total").values()), {0})

    def test_types_are_what_dashboards_expect(self):
        families = self.exporter.scrape().families
        types = {name: families[name].kind for name in (*CORE.values(), "dnstt_peak_clients")}
        self.assertEqual({name for name, kind in types.items() if kind == "gauge"},
                         {"dnstt_active_clients", "dnstt_peak_clients"})
        self.assertEqual(set(types.values()), {"gauge", "counter"})

    def test_build_and_process_are_told(self):
        scrape = self.exporter.scrape()
        (build,) = scrape.series("dnstt_exporter_build_info").items()
        self.assertEqual(build[1], 1)
        self.assertIn("version", dict(build[0]))
        for name in ("process_start_time_seconds", "process_resident_memory_bytes",
                     "process_open_fds", "process_max_fds"):
            self.assertGreater(scrape.value(name) or 0, 0, name)
        self.assertIsNotNone(scrape.value("process_cpu_seconds_total"))


class Health(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")

    def expect(self, exporter, ready):
        """The process is healthy; whether capture works is another question."""
        self.assertEqual(exporter.get("/-/healthy").status, 200)
        answer = exporter.get("/-/ready")
        self.assertEqual(answer.status, 200 if ready else 503)
        page = exporter.get("/").text
        self.assertEqual("Capture is not running." in page, not ready)
        self.assertEqual("Capture is not running." in answer.text, not ready)

    def test_not_ready_before_capture_is(self):
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        slow = pathlib.Path(folder.name, "slow")
        slow.write_text("#!/bin/sh\nexec sleep 60\n")
        slow.chmod(0o755)
        exporter = Exporter(self.box, capture=str(slow))
        self.addCleanup(exporter.kill)

        def answers():
            try:
                self.expect(exporter, ready=False)
            except OSError as error:
                raise AssertionError(error) from error

        host.eventually(answers, 8)

    def test_not_ready_while_capture_stands_still(self):
        exporter = Exporter.start(self, self.box)
        self.expect(exporter, ready=True)
        capture = exporter.capture_pid()
        os.kill(capture, signal.SIGSTOP)
        try:
            start = time.monotonic()
            host.eventually(lambda: self.expect(exporter, ready=False), 15)
            self.assertGreater(time.monotonic() - start, 8)
        finally:
            os.kill(capture, signal.SIGCONT)
        host.eventually(lambda: self.expect(exporter, ready=True), 3)


class Counts(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")

    def talk(self, server, **options):
        with self.box.udp("127.0.0.1") as resolver:
            return traffic.talk(resolver, ("127.0.0.1", 53), tally=traffic.Tally(server), **options)

    def longest(self, *domains):
        exporter = Exporter.start(self, self.box, domains=domains)
        server = dnstt.Server(*domains)
        traffic.serve(self, self.box.udp("127.0.0.1", 53), server=server)
        outer = self.talk(server, clients=2, queries=4, domain=DOMAIN)
        inner = self.talk(server, clients=3, queries=5, domain=INNER.upper())
        exporter.expect(self, outer.counts(), domain=DOMAIN)
        exporter.expect(self, inner.counts(), domain=INNER)

    def test_the_longer_of_two_domains_gets_the_query(self):
        self.longest(DOMAIN, INNER)

    def test_the_longer_of_two_domains_gets_the_query_in_any_order(self):
        self.longest(INNER, DOMAIN)

    def test_each_refused_query_counts_under_its_reason(self):
        exporter = Exporter.start(self, self.box)
        wanted = {}
        with self.box.udp("127.0.0.1", 53), self.box.udp("127.0.0.1") as resolver:
            for count, (reason, message) in enumerate(dnstt.refused().items(), 1):
                wanted[reason] = count
                for _ in range(count):
                    resolver.sendto(message, ("127.0.0.1", 53))
        exporter.expect(self, {"rejected": wanted})
        series = exporter.scrape().series("dnstt_rejected_queries_total")
        for labels, value in series.items():
            labels = dict(labels)
            named = labels["reason"] in AFTER_THE_NAME
            self.assertEqual(labels["domain"], DOMAIN if named else "none")
            self.assertEqual(value, wanted.get(labels["reason"], 0))

    def test_each_rcode_counts_under_its_name(self):
        exporter = Exporter.start(self, self.box)
        server = dnstt.Server()
        traffic.serve(self, self.box.udp("127.0.0.1", 53), server=server)
        tally = traffic.Tally()
        with self.box.udp("127.0.0.1") as resolver:
            for rule in ("opcode", "qtype", "edns_size", "encoding", "short"):
                message = dnstt.refused()[rule]
                resolver.sendto(message, ("127.0.0.1", 53))
                tally.query(message)
                tally.response(message, resolver.recv(4096))
        self.assertEqual(dict(tally.responses), {"NOTIMP": 1, "NXDOMAIN": 3, "FORMERR": 1})
        exporter.expect(self, tally.counts())

    def test_active_clients_go_after_30_s_and_the_peak_stays(self):
        exporter = Exporter.start(self, self.box)
        traffic.serve(self, self.box.udp("127.0.0.1", 53))
        self.talk(dnstt.Server(), clients=5, queries=2)
        last = time.monotonic()
        host.eventually(lambda: self.assertEqual(exporter.counted()["active"], 5))
        time.sleep(last + 29 - time.monotonic())
        self.assertEqual(exporter.counted()["active"], 5)
        host.eventually(lambda: self.assertEqual(exporter.counted()["active"], 0), 2.5)
        scrape = exporter.scrape()
        self.assertEqual(scrape.value("dnstt_peak_clients", domain=DOMAIN), 5)
        self.assertEqual(scrape.value("dnstt_sessions_total", domain=DOMAIN), 5)


if __name__ == "__main__":
    unittest.main()
