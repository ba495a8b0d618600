#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""TLS on the running program, with OpenSSL as the judge: names, alerts, resumed sessions."""

import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import ADDRESS, PORT
from web_case import WebCase

VERSIONS = "-tls1_2", "-tls1_3"
SERVER = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
REQUEST = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Tls(WebCase):
    def serve(self, *keys):
        self.file.write_text(SERVER + "".join(f"  {key}\n" for key in keys))
        return self.start()

    def client(self, *flags, text=REQUEST):
        """What openssl s_client says, in words and otherwise."""
        with self.box.inside():
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"{ADDRESS}:{PORT}", "-CAfile", "ca.pem",
                 "-ign_eof", *flags], cwd=self.folder, input=text, capture_output=True, timeout=10,
                check=False)
        return (done.stdout + done.stderr).decode(errors="replace")

    def test_any_server_name_is_served(self):
        self.serve()
        for name in ("dnstt_exporter", "my_host", "::1", "example.com", "192.0.2.1"):
            for version in VERSIONS:
                said = self.client(version, "-servername", name)
                self.assertIn("dnstt_exporter is healthy.", said, (name, version))
        self.assertIn("is healthy.", self.client("-noservername"))

    def test_a_failed_handshake_ends_with_an_alert(self):
        self.serve("min_version: TLS13")
        self.assertIn("alert protocol version", self.client("-tls1_2"))
        self.assertIn("alert handshake failure",
                      self.client("-ciphersuites", "TLS_AES_128_CCM_8_SHA256"))
        for text, alert in ((b"\x17\x03\x03\0\5hello" * 2, 10), (b"\0" * 50, 10),
                            (b"\x80\x1c\1\0\2\0\3\0\0\0\x10\1\0\x80" + b"a" * 16, 70)):
            with self.box.tcp(ADDRESS, PORT) as tcp:
                tcp.settimeout(5)
                tcp.sendall(text)
                answer = tcp.recv(100)
                self.assertEqual((answer[0], *answer[5:]), (21, 2, alert), text)
                self.assertEqual(tcp.recv(1), b"")
        self.assertIn("is healthy.", self.client())

    def resumed(self, version, session):
        """How many of five connections that came with a session were resumed."""
        reused = 0
        for _ in range(5):
            said = self.client(version, "-sess_in", session)
            self.assertIn("is healthy.", said)
            reused += bool(re.search("^Reused, ", said, re.M))
        return reused

    def test_sessions_are_resumed_until_a_reload(self):
        exporter = self.serve()
        for version in VERSIONS:
            said = self.client(version, "-sess_out", f"session{version}")
            self.assertTrue(re.search("^New, ", said, re.M), said)
            self.assertEqual(self.resumed(version, f"session{version}"), 5, version)
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertIn("was reloaded", exporter.stderr()))
        for version in VERSIONS:
            self.assertEqual(self.resumed(version, f"session{version}"), 0, version)

    def test_a_certificate_is_asked_for_each_time(self):
        exporter = self.serve()
        for version in VERSIONS:
            self.client(version, "-sess_out", f"session{version}")
        self.file.write_text(SERVER + "  client_auth_type: RequireAndVerifyClientCert\n"
                                      "  client_ca_file: ca.pem\n")
        os.kill(exporter.pid, signal.SIGHUP)
        host.eventually(lambda: self.assertIn("was reloaded", exporter.stderr()))
        who = "-cert", "scraper.pem", "-key", "scraper.key"
        for version in VERSIONS:
            self.assertNotIn("is healthy.", self.client(version, "-sess_in", f"session{version}"))
            new = f"new{version}"
            self.assertIn("is healthy.", self.client(version, *who, "-sess_out", new))
            # TLS 1.2 gives OpenSSL an ID that nobody knows; TLS 1.3 gives it nothing
            if (self.folder / new).exists():
                said = self.client(version, "-sess_in", new)
                self.assertNotIn("is healthy.", said)
                self.assertNotIn("Reused, ", said)


if __name__ == "__main__":
    unittest.main()
