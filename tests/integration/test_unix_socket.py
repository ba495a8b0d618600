#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""-web.listen-address unix:PATH: who may connect, what is replaced, and what is left alone."""

import grp
import http.client
import os
import pathlib
import pwd
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import Exporter


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(self.path)


class UnixSocket(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.path = pathlib.Path(folder.name, "metrics.sock")

    def start(self, **options):
        return Exporter.start(self, self.box, f"-web.listen-address=unix:{self.path}", **options)

    def metrics(self, path=None):
        connection = Connection(path or self.path)
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def refused(self):
        status, said = Exporter.refuse(self.box, f"-web.listen-address=unix:{self.path}",
                                       listen=None)
        self.assertEqual(status, 1)
        lines = [line for line in said.splitlines() if "level=error" in line]
        self.assertEqual(len(lines), 1, said)
        self.assertIn(f"unix:{self.path}", lines[0])
        return lines[0]

    def test_it_serves_its_group_and_nobody_else(self):
        host.must_have("curl")
        self.start()
        status, text = self.metrics()
        self.assertEqual(status, 200)
        self.assertIn("dnstt_exporter_build_info", text)
        state = self.path.stat()
        self.assertEqual(stat.S_IMODE(state.st_mode), 0o660)
        try:
            user = pwd.getpwnam("dnstt_exporter")
        except KeyError:
            user = pwd.getpwnam("nobody")
        self.assertEqual(state.st_gid, user.pw_gid)
        curl = ["curl", "-sS", "--unix-socket", self.path, "http://localhost/metrics"]
        done = subprocess.run(curl, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("dnstt_exporter_build_info", done.stdout)
        strangers = next(group.gr_gid for group in grp.getgrall()
                         if group.gr_gid not in (0, user.pw_gid))
        other = ["setpriv", "--reuid=4711", f"--regid={strangers}", "--clear-groups", *curl]
        done = subprocess.run(other, capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        member = ["setpriv", "--reuid=4711", f"--regid={user.pw_gid}", "--clear-groups", *curl]
        self.assertEqual(subprocess.run(member, capture_output=True, check=False).returncode, 0)

    def test_tcp_is_served_beside_it(self):
        exporter = self.start()
        self.assertEqual(exporter.get("/metrics").status, 200)
        self.assertEqual(self.metrics()[0], 200)

    def test_a_socket_that_a_killed_exporter_left_is_replaced(self):
        exporter = self.start()
        host.kill(exporter.process)
        self.assertTrue(self.path.is_socket())
        self.start()
        self.assertEqual(self.metrics()[0], 200)

    def test_a_live_socket_is_an_error(self):
        self.start()
        self.assertIn("another process listens there", self.refused())
        self.assertEqual(self.metrics()[0], 200)

    def test_nothing_else_is_replaced(self):
        self.path.write_text("precious")
        self.assertIn("something else than a socket is there", self.refused())
        self.assertEqual(self.path.read_text(), "precious")
        self.path.unlink()
        self.path.symlink_to("/etc/passwd")
        self.assertIn("something else than a socket is there", self.refused())

    def test_a_folder_that_is_not_there_is_an_error(self):
        self.path = self.path.parent / "missing" / "metrics.sock"
        self.assertIn("bind", self.refused())


if __name__ == "__main__":
    unittest.main(verbosity=2)
