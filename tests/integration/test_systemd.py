#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The service manager: what it is told, the sockets it hands over, and the units."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import ADDRESS, DOMAIN, PORT, Exporter, program

DEPLOY = pathlib.Path(__file__).resolve().parent.parent.parent / "exporter/deploy"
EXPOSURE = 17  # tenths; 16 is what it has


class Manager:
    """A service manager's notification socket."""

    def __init__(self, test, address):
        self.socket = test.box.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        test.addCleanup(self.socket.close)
        self.socket.bind(address.replace("@", "\0"))
        if not address.startswith("@"):
            os.chmod(address, 0o777)
        self.environment = {"NOTIFY_SOCKET": address}

    def told(self, timeout=10):
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None


class Notification(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        self.folder = tempfile.mkdtemp(prefix="dnstt-it-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)

    def start(self, manager, *flags, capture=None, **variables):
        pairs = {**manager.environment, **variables}
        exporter = Exporter(self.box, *flags, capture=capture,
                            before=["env", *(f"{key}={value}" for key, value in pairs.items())])
        self.addCleanup(exporter.kill)
        return exporter

    def test_ready_comes_after_capture_is_confined(self):
        for address in (f"{self.folder}/notify", f"@dnstt-it-{os.getpid()}"):
            manager = Manager(self, address)
            exporter = self.start(manager)
            self.assertEqual(manager.told(), "READY=1", exporter.stderr())
            exporter.capture_pid()
            self.assertEqual(exporter.get("/-/ready").status, 200)
            self.assertIsNone(manager.told(1.5))
            self.assertEqual(exporter.stop(), 0)
            self.assertEqual(manager.told(), "STOPPING=1")

    def test_what_cannot_start_is_never_ready(self):
        manager = Manager(self, f"{self.folder}/notify")
        exporter = self.start(manager, capture="/bin/false")
        self.assertEqual(exporter.wait(), 1)
        self.assertNotEqual(manager.told(0.5), "READY=1")

    def test_signs_of_life_stop_with_either_process(self):
        manager = Manager(self, f"{self.folder}/notify")
        exporter = self.start(manager, WATCHDOG_USEC=1500000)
        self.assertEqual(manager.told(), "READY=1")
        for _ in range(4):
            self.assertEqual(manager.told(1.5), "WATCHDOG=1")
        capture = exporter.capture_pid()
        os.kill(capture, signal.SIGSTOP)
        self.assertTrue(self.falls_silent(manager, 14))
        os.kill(capture, signal.SIGCONT)
        self.assertEqual(manager.told(3), "WATCHDOG=1")
        os.kill(exporter.pid, signal.SIGSTOP)
        self.assertTrue(self.falls_silent(manager, 3))
        os.kill(exporter.pid, signal.SIGCONT)
        self.assertEqual(manager.told(3), "WATCHDOG=1")

    def falls_silent(self, manager, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if manager.told(2) is None:
                return True
        return False

    def test_a_manager_that_is_not_there_is_a_warning(self):
        exporter = Exporter.start(self, self.box, before=["env", "NOTIFY_SOCKET=/nonexistent/x"])
        self.assertIn("level=warn", exporter.stderr())
        self.assertEqual(exporter.stop(), 0)


class Activation(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        host.must_have("systemd-socket-activate")
        self.box = host.Host.make(self, "box")

    def test_sockets_that_are_handed_over_are_served(self):
        activate = ["systemd-socket-activate", "-l", f"{ADDRESS}:{PORT}", "-l", "[::1]:9999"]
        exporter = Exporter(self.box, "-web.systemd-socket", listen=None, before=activate)
        self.addCleanup(exporter.kill)
        host.eventually(lambda: self.reached(exporter, ADDRESS, PORT))
        self.assertEqual(exporter.get("/-/healthy", address="::1", port=9999).status, 200)
        with self.assertRaises(OSError):
            exporter.get("/-/healthy", address="::1")
        self.assertEqual(exporter.stop(), 0)

    def reached(self, exporter, address, port):
        try:
            self.assertEqual(exporter.get("/-/ready", address=address, port=port).status, 200)
        except OSError as error:
            raise AssertionError(str(error)) from error

    def test_without_a_socket_it_does_not_start(self):
        status, said = Exporter.refuse(self.box, "-web.systemd-socket", listen=None)
        self.assertEqual(status, 1)
        self.assertIn("no socket was handed over", said)

    def test_a_datagram_socket_is_refused(self):
        activate = ["systemd-socket-activate", "-d", "-l", f"{ADDRESS}:{PORT}"]
        exporter = Exporter(self.box, "-web.systemd-socket", listen=None, before=activate)
        self.addCleanup(exporter.kill)
        with self.box.udp(ADDRESS) as udp:
            def poked():
                udp.sendto(b"x", (ADDRESS, PORT))
                self.assertIsNotNone(exporter.process.poll())

            host.eventually(poked)
        self.assertEqual(exporter.wait(), 1)
        self.assertIn("no listening stream socket", exporter.stderr())


class Units(unittest.TestCase):
    """Nothing is started here: systemd-analyze reads the files as systemd would."""

    def setUp(self):
        host.must_have("systemd-analyze")
        self.folder = tempfile.mkdtemp(prefix="dnstt-it-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("dnstt_exporter.service", "dnstt_exporter.socket"):
            text = (DEPLOY / name).read_text()
            text = text.replace("/usr/local/bin/dnstt_exporter", program("exporter/dnstt_exporter"))
            pathlib.Path(self.folder, name).write_text(text)
        self.service = f"{self.folder}/dnstt_exporter.service"

    def test_they_are_right(self):
        done = subprocess.run(["systemd-analyze", "--man=no", "verify", self.service,
                               f"{self.folder}/dnstt_exporter.socket"],
                              capture_output=True, text=True, check=False)
        said = [line for line in (done.stdout + done.stderr).splitlines()
                if "system call, ignoring: mseal" not in line]  # older than the call
        self.assertEqual((done.returncode, said), (0, []))

    def test_the_service_is_exposed_no_more_than_it_must(self):
        security = ["systemd-analyze", "security", "--offline=true"]
        host.run(*security, f"--threshold={EXPOSURE}", self.service)
        done = subprocess.run([*security, f"--threshold={EXPOSURE - 2}", self.service],
                              capture_output=True, check=False)
        self.assertNotEqual(done.returncode, 0)  # the threshold is no looser than it looks

    def test_no_directive_stands_twice(self):
        text = pathlib.Path(self.service).read_text()
        names = re.findall(r"^(\w+)=", text, re.M)
        self.assertEqual(len([name for name in set(names) if names.count(name) > 1
                              and name != "SystemCallFilter"]), 0)


if __name__ == "__main__":
    unittest.main()
