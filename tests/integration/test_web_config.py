#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""-web.config.file on the running program: TLS, client certificates, passwords, reload, limits."""

import base64
import collections
import http.client
import os
import pathlib
import random
import signal
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exposition
import host
from exporter import ADDRESS, DOMAIN, PORT, Exporter
from load import Load
from prometheus import Prometheus, Relay
from web_case import PASSWORD, USER, WebCase, certificate

try:
    from prometheus_client.openmetrics import parser as openmetrics
except ImportError:
    openmetrics = None

RELAY_PORT = PORT + 1
FLOOD_RATE = 50_000


class WebConfig(WebCase):
    def test_tls_with_client_certificate_and_password(self):
        self.write(extra="http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        self.start()
        status, headers, text = self.get()
        self.assertEqual(status, 200)
        self.assertEqual(headers["X-Frame-Options"], "deny")
        self.assertEqual(exposition.Scrape(text).value("dnstt_active_clients", domain=DOMAIN), 0)
        self.assertEqual(self.get(password=None)[0], 401)
        self.assertEqual(self.get(password=None)[1]["WWW-Authenticate"], "Basic")
        self.refused("/", password="wrong")
        for identity in (None, "stranger"):
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.get(identity=identity)
        self.assertEqual(self.get()[0], 200)

    def test_an_address_that_is_open_to_anyone_is_warned_of(self):
        def lines(listen, *flags):
            exporter = Exporter(self.box, *flags, listen=listen)
            self.addCleanup(exporter.kill)
            host.eventually(exporter.capture_pid)
            said = exporter.stderr()
            exporter.stop()
            return [line for line in said.splitlines() if "anyone who can reach" in line]

        self.assertEqual(len(lines(":9713")), 1)
        self.assertIn("address=0.0.0.0:9713", lines("0.0.0.0:9713")[0])
        for local in ("127.0.0.1:9713", "127.1.2.3:9713", "[::1]:9713", "localhost:9713"):
            self.assertEqual(lines(local), [], local)
        for tls, users in ((True, False), (False, True)):
            self.write(tls=tls, users=users)
            self.assertEqual(lines(":9713", "-web.config.file", str(self.file)), [])
        self.write(tls=False, users=False, extra="http_server_config: {}\n")
        self.assertEqual(len(lines(":9713", "-web.config.file", str(self.file))), 1)

    def test_wrong_passwords_in_number_are_turned_away(self):
        self.write(tls=False)
        exporter = self.start()
        self.assertEqual(self.get(tls=False)[0], 200)
        self.refused(tls=False, password="wrong")
        statuses = [self.get(tls=False, password=f"wrong {i}")[0] for i in range(30)]
        self.assertLessEqual(set(statuses), {401, 429})
        self.assertGreater(statuses.count(429), 20)
        self.assertEqual(self.get(tls=False)[0], 200, "a password that was right before")
        self.assertIsNone(exporter.process.poll())

    def test_half_a_handshake_keeps_nobody_busy(self):
        self.write()
        exporter = self.start()
        hello = bytes.fromhex("160301020001") + b"\0" * 100  # of a record of 512 bytes
        for _ in range(5):
            tcp = self.box.tcp(ADDRESS, PORT)
            self.addCleanup(tcp.close)
            tcp.sendall(hello)

        def used():
            fields = pathlib.Path(f"/proc/{exporter.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        time.sleep(0.2)
        before = used()
        time.sleep(2)
        self.assertLess(used() - before, 1)
        self.assertEqual(self.get()[0], 200)

    def test_certificate_and_users_are_replaced(self):
        self.write()
        exporter = self.start()
        serial = self.serial()
        certificate(self.folder, "server", "ca")
        self.write(users=False)
        for path in self.folder.iterdir():
            path.chmod(0o644)
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertNotEqual(self.serial(), serial))
        self.assertEqual(self.get(password=None)[0], 200)

    def test_a_bad_file_leaves_what_is_in_use(self):
        self.write()
        exporter = self.start()
        serial = self.serial()
        pair = "tls_server_config:\n  cert_file: {}.pem\n  key_file: server.key\n"

        def write(text):
            self.file.write_text(text)

        for refused, (spoil, words) in enumerate((
            (lambda: write("tls_server_config:\n  certfile: server.pem\n"),
             "web.yml:2: tls_server_config.certfile: unknown"),
            (lambda: write(pair.format("stranger")),
             "server.key: does not belong to the certificate; write the path of its key"),
            (lambda: write(pair.format("missing")), "missing.pem: can't be read: No such file"),
            (lambda: write("basic_auth_users: {a: plain}\n"), "not a bcrypt hash; write what"),
            (lambda: write(""), "TLS can't be turned on or off while it runs; restart"),
            (self.file.unlink, "web.yml: can't be read: No such file or directory; check the path"),
            (self.file.mkdir, "web.yml: can't be read: it is a directory"),
            (self.file.rmdir, "web.yml: can't be read: No such file"),
            # Nobody writes to it: opening it or reading from it could wait for ever
            (lambda: os.mkfifo(self.file), "web.yml: is not a regular file; name a file that can be"),
        ), 1):
            spoil()
            os.kill(exporter.pid, signal.SIGHUP)

            def said(count=refused):
                lines = [line for line in exporter.stderr().splitlines() if "level=warn" in line
                         and "was refused; the old one stays in use" in line]
                self.assertEqual(len(lines), count)
                return lines[-1]

            self.assertIn(words, host.eventually(said))
            self.assertEqual(self.serial(), serial)
            self.assertEqual(self.get()[0], 200)
        self.file.unlink()
        self.write(users=False)
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertEqual(self.get(password=None)[0], 200))

    def test_only_allowed_names_of_client_certificates_are_served(self):
        certificate(self.folder, "other", "ca")
        self.write(sans="prometheus.example, scraper")
        exporter = self.start()
        self.assertEqual(self.get()[0], 200)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.get(identity="other")
        self.write(sans="other")
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertIn("was reloaded", exporter.stderr()))
        self.assertEqual(self.get(identity="other")[0], 200)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.get()
        self.write(sans="127.0.0.1")  # both have it
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertEqual(exporter.stderr().count("was reloaded"), 2))
        for identity in ("scraper", "other"):
            self.assertEqual(self.get(identity=identity)[0], 200)

    def test_wrong_passwords_of_many_do_not_stop_the_packets(self):
        far = host.Host.make(self, "far")
        host.link(self.box, "eth0", far, "peer")
        self.write(tls=False, extra=f"  second: {self.hash}\n")
        self.start()
        self.assertEqual(self.get(tls=False)[0], 200)
        load = Load(self, self.box, "eth0", far, "peer", FLOOD_RATE, 8)
        statuses = collections.Counter()
        while load.is_on:
            self.flood(40, statuses)
            self.assertEqual(self.get(tls=False)[0], 200, "a password that was right before")
        arrived = load.arrived(self)
        self.assertLessEqual(set(statuses), {401, 429})
        self.assertGreater(statuses[401], 4, "hardly one of them was looked at")
        self.assertGreater(statuses[429], 100)

        def settled():
            scrape = exposition.Scrape(self.get(tls=False)[2])
            self.assertEqual(scrape.by("dnstt_capture_drops_total", "place"), {})
            self.assertEqual(scrape.sum("dnstt_queries_total"), arrived)

        host.eventually(settled)

    def flood(self, count, statuses):
        """Wrong passwords at one time, each from a source of its own."""
        requests = []
        for _ in range(count):
            tcp = self.box.socket(socket.AF_INET, socket.SOCK_STREAM)
            requests.append(tcp)
            tcp.settimeout(5)
            tcp.bind((f"127.{random.randrange(1, 255)}.{random.randrange(255)}.1", 0))
            tcp.connect((ADDRESS, PORT))
            user = random.choice((USER, "second", "nobody"))
            word = base64.b64encode(f"{user}:{random.random()}".encode()).decode()
            tcp.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {word}\r\n"
                        "Connection: close\r\n\r\n".encode())
        for tcp in requests:
            with tcp:
                statuses[int(tcp.recv(65536).split()[1])] += 1

    def test_a_key_that_only_root_can_read_is_warned_of(self):
        self.write()
        (self.folder / "server.key").chmod(0o600)
        exporter = self.start()
        warnings = [line for line in exporter.stderr().splitlines() if "level=warn" in line]
        self.assertEqual(len(warnings), 1, exporter.stderr())
        self.assertIn(f"{self.folder}/server.key", warnings[0])
        self.assertIn("can't be read again", warnings[0])
        self.assertEqual(self.get()[0], 200)

    def test_bad_files_at_the_start(self):
        certificate(self.folder, "other")
        for text, word in (
            ("tls_server_config:\n  cert_file: server.pem\n  key_file: other.key\n", "key"),
            ("tls_server_config:\n  cert_file: missing.pem\n  key_file: server.key\n", "missing.pem"),
            ("basic_auth_users:\n  a: plaintext\n", "bcrypt"),
            ("basic_auth_user:\n  a: b\n", "basic_auth_user"),
            ("{", "web.yml:"),
        ):
            self.file.write_text(text)
            code, stderr = Exporter.refuse(self.box, "-web.config.file", str(self.file))
            self.assertEqual(code, 1, stderr)
            errors = [line for line in stderr.splitlines() if "level=error" in line]
            self.assertEqual(len(errors), 1, stderr)
            self.assertIn(word, errors[0])

    def test_rate_limit(self):
        self.write(tls=False, users=False, extra="rate_limit:\n  interval: 1m\n  burst: 3\n")
        self.start()
        statuses = [self.get(tls=False, password=None)[0] for _ in range(5)]
        self.assertEqual(statuses, [200, 200, 200, 429, 429])

    def test_rate_limit_fills_again(self):
        self.write(tls=False, users=False, extra="rate_limit:\n  interval: 3s\n  burst: 2\n")
        self.start()

        def ask(count):
            return [self.get(tls=False, password=None)[0] for _ in range(count)]

        self.assertEqual(ask(3), [200, 200, 429])
        time.sleep(3.1)
        self.assertEqual(ask(2), [200, 429], "one came back")
        time.sleep(6.1)
        self.assertEqual(ask(3), [200, 200, 429], "as many as it holds")

    def test_prometheus_scrapes_over_tls_with_password_and_certificate(self):
        self.write()
        exporter = self.start()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        server.load_verify_locations(self.folder / "ca.pem")
        server.verify_mode = ssl.CERT_REQUIRED
        relay = Relay(self, self.box, RELAY_PORT, server, self.context(), "text/plain;version=0.0.4")
        with self.box.udp("127.0.0.1", 53) as silent, self.box.udp("127.0.0.1") as resolver:
            for client in [dnstt.Client() for _ in range(3)]:
                for _ in range(7):
                    resolver.sendto(client.poll(), silent.getsockname())
        job = f"""
    scheme: https
    basic_auth: {{username: {USER}, password: {PASSWORD}}}
    tls_config: {{ca_file: ca.pem, cert_file: scraper.pem, key_file: scraper.key}}
"""
        prometheus = Prometheus(self, exporter, f"""
  - job_name: openmetrics{job}    static_configs: [{{targets: ["{ADDRESS}:{PORT}"]}}]
  - job_name: text{job}    static_configs: [{{targets: ["{ADDRESS}:{RELAY_PORT}"]}}]
""", self.folder)

        def scraped(name):
            found = {"openmetrics": {}, "text": {}}
            for sample in prometheus.ask(name):
                labels = sample["metric"]
                job, _ = labels.pop("job"), labels.pop("instance")
                found[job][tuple(sorted(labels.items()))] = float(sample["value"][1])
            return found

        def both_are_up():
            up = {job: list(values.values()) for job, values in scraped("up").items()}
            self.assertEqual(up, {"openmetrics": [1], "text": [1]})

        def both_have_the_same():
            found = scraped('{__name__=~"dnstt_.+",__name__!~"dnstt_exporter_.+"}')
            self.assertEqual(found["openmetrics"], found["text"])
            self.assertGreater(len(found["text"]), 20)
            for name, value in (("dnstt_queries_total", 21), ("dnstt_sessions_total", 3),
                                ("dnstt_active_clients", 3)):
                key = (("__name__", name), ("domain", DOMAIN))
                self.assertEqual(found["text"][key], value)

        host.eventually(both_are_up, 30)
        host.eventually(both_have_the_same, 15)
        both_are_up()
        # What each of the two was given
        self.assertEqual(relay.answered, {"text/plain; version=0.0.4; charset=utf-8"})
        self.assertEqual(len(relay.asked), 1)
        _, headers, body = self.get(accept=relay.asked.pop())
        self.assertEqual(headers["Content-Type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        host.must(openmetrics, "needs python3-prometheus-client")
        strict = {sample.name: sample.value for family in
                  openmetrics.text_string_to_metric_families(body) for sample in family.samples}
        self.assertEqual(strict["dnstt_queries_total"], 21)
        start = time.monotonic()
        self.assertEqual(exporter.stop(), 0)
        self.assertLess(time.monotonic() - start, 5)


if __name__ == "__main__":
    unittest.main()
