#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""exporter/quickstart, both ways: it serves, it ends with all that it started, it says what fails.

It runs from a folder that has its build already, so that only what it does after that is new.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import exposition
import host
import traffic

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PARTS = ("exporter/quickstart", "exporter/install-packages", "exporter/packages", "tests/demo",
         "tests/integration/dnstt.py", "tests/support/messages.py")


class Quickstart(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        build = os.environ.get("DNSTT_BUILD")
        host.must(build, "DNSTT_BUILD does not name the build directory")
        self.box = host.Host.make(self, "box")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dnstt-it-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        for part in PARTS:
            (self.folder / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / part, self.folder / part)
        (self.folder / "build").symlink_to(pathlib.Path(build).resolve())

    def start(self, *flags, before=()):
        command = [*before, self.folder / "exporter/quickstart", *flags]
        started = self.box.spawn(command, cwd="/", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.clean, started)
        return started

    def clean(self, started):
        """Nothing stays, even where the script forgot it."""
        host.kill(started)
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        for pipe in (started.stdout, started.stderr):
            pipe.close()

    def left(self):
        return [int(pid) for pid in host.run("ip", "netns", "pids", self.box.name).split()]

    def get(self, path):
        """The body of what is served there."""
        try:
            connection = self.box.tcp("127.0.0.1", 9713)
        except OSError as error:
            raise AssertionError(f"nobody serves: {error}") from error
        with connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head)
        return body.decode()

    def scrape(self):
        return exposition.Scrape(self.get("/metrics"))

    def wait_ready(self):
        host.eventually(lambda: self.get("/-/ready"), 120)

    def assert_nothing_is_left(self):
        self.assertEqual(self.left(), [])

    def interrupt(self, started, number=signal.SIGINT):
        """What Ctrl-C does: everything that was started gets the signal. Gives the exit status."""
        os.killpg(started.pid, number)
        return started.wait(20)

    def test_demo_shows_sessions_and_ends_with_ctrl_c(self):
        started = self.start()

        def sessions():
            scrape = self.scrape()
            for name in ("sessions", "queries", "bytes_in", "bytes_out"):
                self.assertGreater(scrape.sum(f"dnstt_{name}_total", domain="t.example.com"), 0)

        host.eventually(sessions, 120)
        self.assertEqual(self.interrupt(started), 130)
        self.assert_nothing_is_left()
        self.assertIn("http://127.0.0.1:9713/metrics", started.stdout.read())

    def test_demo_ends_with_the_script_alone(self):
        started = self.start()
        self.wait_ready()
        started.terminate()
        self.assertEqual(started.wait(20), 143)
        self.assert_nothing_is_left()

    def ends_in_the_background(self, number, status, *flags):
        """By a signal to it alone, started with "&" of a shell that has SIGINT ignored for that."""
        started = self.start(*flags, before=["sh", "-c", '"$@" & echo $! && wait $!', "sh"])
        pid = int(started.stdout.readline())
        self.wait_ready()
        os.kill(pid, number)
        self.assertEqual(started.wait(20), status)
        self.assert_nothing_is_left()

    def test_demo_in_the_background_ends_by_sigint(self):
        self.ends_in_the_background(signal.SIGINT, 130)

    def test_demo_in_the_background_ends_by_sigterm(self):
        self.ends_in_the_background(signal.SIGTERM, 143)

    def test_exporter_in_the_background_ends_by_either(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.ends_in_the_background(number, 0, "-dnstt.domain", "t.example.com",
                                        "-dnstt.port", "5353")

    def test_flags_are_the_exporters(self):
        started = self.start("-dnstt.domain", "t.example.com", "-dnstt.port", "5353")
        self.wait_ready()
        traffic.serve(self, self.box.udp("127.0.0.1", 5353))
        with self.box.udp("127.0.0.1") as resolver:
            tally = traffic.talk(resolver, ("127.0.0.1", 5353), clients=3)

        def counted():
            scrape = self.scrape()
            self.assertEqual(scrape.sum("dnstt_queries_total", domain="t.example.com"),
                             tally.queries)
            self.assertEqual(scrape.sum("dnstt_sessions_total", domain="t.example.com"), 3)

        host.eventually(counted)
        self.assertEqual(self.interrupt(started), 0)
        self.assert_nothing_is_left()

    def test_wrong_flag_is_told_by_the_exporter(self):
        started = self.start("-dnstt.domain")
        self.assertEqual(started.wait(120), 2)
        self.assert_nothing_is_left()
        self.assertIn("-dnstt.domain", started.stderr.read())

    def test_port_of_the_demo_that_is_taken_is_told_and_ends_all(self):
        with self.box.udp("127.0.0.1", 5300):
            started = self.start()
            self.assertEqual(started.wait(120), 1)
        self.assert_nothing_is_left()
        self.assertIn("127.0.0.1:5300: Address already in use", started.stderr.read())

    def test_http_port_that_is_taken_is_told_and_ends_all(self):
        with self.box.socket() as taken:
            taken.bind(("127.0.0.1", 9713))
            taken.listen()
            started = self.start()
            self.assertEqual(started.wait(120), 1)
        self.assert_nothing_is_left()
        self.assertIn("9713", started.stderr.read())


if __name__ == "__main__":
    unittest.main()
