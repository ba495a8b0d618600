#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""-web.config.file on the running program: TLS, client certificates, passwords, reload, limits."""

import base64
import http.client
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import exposition
import host
from exporter import ADDRESS, DOMAIN, PORT, Exporter
from prometheus import Prometheus

USER, PASSWORD = "prom", "correct horse"


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, issuer=None, days=30):
    """NAME.pem and NAME.key in the folder, self-signed or by an issuer made before."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", folder=folder)
    extension = pathlib.Path(folder, f"{name}.ext")
    extension.write_text("subjectAltName=IP:127.0.0.1,DNS:" + name
                         if issuer else "basicConstraints=critical,CA:TRUE")
    signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else [
        "-signkey", f"{name}.key"]
    openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-days", str(days), "-out", f"{name}.pem",
            "-extfile", extension.name, folder=folder)


class WebConfig(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        host.must_have("openssl", "htpasswd")
        self.box = host.Host.make(self, "box")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        certificate(self.folder, "ca")
        certificate(self.folder, "server", "ca")
        certificate(self.folder, "scraper", "ca")
        certificate(self.folder, "stranger")
        for path in self.folder.iterdir():
            path.chmod(0o644)
        line = subprocess.run(["htpasswd", "-nbBC", "10", USER, PASSWORD], check=True,
                              capture_output=True, text=True).stdout.strip()
        self.hash = line.split(":", 1)[1]
        self.file = self.folder / "web.yml"

    def write(self, *, tls=True, users=True, extra=""):
        text = ""
        if tls:
            text += ("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
                     "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n")
        if users:
            text += f"basic_auth_users:\n  {USER}: {self.hash}\n"
        self.file.write_text(text + extra)

    def start(self, *flags):
        exporter = Exporter(self.box, "-web.config.file", str(self.file), *flags)
        self.addCleanup(exporter.kill)
        host.eventually(exporter.capture_pid)
        return exporter

    def get(self, path="/metrics", *, tls=True, identity="scraper", password=PASSWORD, accept=None):
        connection = http.client.HTTPConnection(ADDRESS, PORT)
        connection.sock = self.box.tcp(ADDRESS, PORT)
        self.addCleanup(connection.close)
        if tls:
            context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
            if identity:
                context.load_cert_chain(self.folder / f"{identity}.pem", self.folder / f"{identity}.key")
            connection.sock = context.wrap_socket(connection.sock, server_hostname=ADDRESS)
            self.addCleanup(connection.sock.close)
        headers = {"Accept": accept} if accept else {}
        if password is not None:
            word = base64.b64encode(f"{USER}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()

    def test_tls_with_client_certificate_and_password(self):
        self.write(extra="http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        self.start()
        status, headers, text = self.get()
        self.assertEqual(status, 200)
        self.assertEqual(headers["X-Frame-Options"], "deny")
        self.assertEqual(exposition.Scrape(text).value("dnstt_active_clients", domain=DOMAIN), 0)
        self.assertEqual(self.get(password=None)[0], 401)
        self.assertEqual(self.get(password=None)[1]["WWW-Authenticate"], "Basic")
        self.assertEqual(self.get("/", password="wrong")[0], 401)
        for identity in (None, "stranger"):
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.get(identity=identity)
        self.assertEqual(self.get()[0], 200)

    def test_wrong_passwords_in_number_are_turned_away(self):
        self.write(tls=False)
        exporter = self.start()
        self.assertEqual(self.get(tls=False)[0], 200)
        statuses = [self.get(tls=False, password=f"wrong {i}")[0] for i in range(30)]
        self.assertEqual(set(statuses), {401, 429})
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
        self.file.write_text("tls_server_config:\n  certfile: server.pem\n")
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertIn("was not taken", exporter.stderr()))
        self.assertIn("web.yml:2", exporter.stderr())
        self.assertEqual(self.serial(), serial)
        self.assertEqual(self.get()[0], 200)

    def serial(self):
        connection = self.box.tcp(ADDRESS, PORT)
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        context.load_cert_chain(self.folder / "scraper.pem", self.folder / "scraper.key")
        with context.wrap_socket(connection, server_hostname=ADDRESS) as tls:
            return tls.getpeercert()["serialNumber"]

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

    def test_prometheus_scrapes_over_tls_with_password_and_certificate(self):
        self.write()
        exporter = self.start()
        prometheus = Prometheus(self, exporter, f"""
  - job_name: both
    scheme: https
    basic_auth: {{username: {USER}, password: {PASSWORD}}}
    tls_config: {{ca_file: ca.pem, cert_file: scraper.pem, key_file: scraper.key}}
    static_configs: [{{targets: ["{ADDRESS}:{PORT}"]}}]
""", self.folder)
        host.eventually(
            lambda: self.assertEqual(len(prometheus.ask("dnstt_active_clients")), 1), 30)
        for accept, content_type in (
            ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
             "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ):
            self.assertEqual(self.get(accept=accept)[1]["Content-Type"], content_type)
        start = time.monotonic()
        self.assertEqual(exporter.stop(), 0)
        self.assertLess(time.monotonic() - start, 5)


if __name__ == "__main__":
    unittest.main()
