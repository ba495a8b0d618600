#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The two processes: what each may do, how they end, what happens when one is stopped."""

import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
import traffic
from exporter import Exporter

ALLOWED = {"ppoll", "getsockopt", "sendto", "exit_group"}
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


class Processes(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        self.udp = self.box.udp("127.0.0.1", 53)
        traffic.serve(self, self.udp)

    def talk(self, **options):
        with self.box.udp("127.0.0.1") as resolver:
            return traffic.talk(resolver, ("127.0.0.1", 53), **options)

    def gone(self, pid):
        """There is no such process, not even a zombie; an orphan of ours is reaped first."""
        host.reap(pid, os.WNOHANG)
        self.assertEqual(host.status(pid), {})


class Confinement(Processes):
    def test_what_capture_asks_of_the_kernel_once_confined(self):
        host.must_have("strace")
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            log = pathlib.Path(folder, "trace")
            strace = ["strace", "-f", "-qq", "-o", str(log)]
            exporter = Exporter(self.box, before=strace)
            self.addCleanup(exporter.kill)
            (parent,) = host.eventually(lambda: self.only_child(exporter.pid))
            (capture,) = host.eventually(lambda: self.only_child(parent))
            host.eventually(lambda: self.assertEqual(host.status(capture)["Seccomp"], "2"))
            self.talk()
            time.sleep(2.2)  # two quiet seconds, with their signs of life
            os.kill(parent, signal.SIGTERM)
            self.assertEqual(exporter.wait(), 0)
            calls, confined = set(), False
            for line in log.read_text().splitlines():
                call = re.match(rf"{capture} +(\w+)\(", line)
                if call and confined:
                    calls.add(call[1])
                if call and call[1] == "seccomp" and "SECCOMP_SET_MODE_FILTER" in line:
                    # A probe of the kernel's abilities has a NULL filter and changes nothing. A line may
                    # end before the call does, where the other process called meanwhile.
                    confined = confined or not re.search(r"FILTER, [^,]*, NULL", line)
        self.assertTrue(confined)
        self.assertGreaterEqual(calls, {"ppoll", "sendto", "getsockopt"})
        self.assertLessEqual(calls, ALLOWED)

    def only_child(self, pid):
        found = host.children(pid)
        self.assertEqual(len(found), 1)
        return found

    def test_neither_process_has_privileges(self):
        host.must_have("setpriv")
        exporter = Exporter.start(self, self.box, before=["setpriv", "--groups=4,27", "--"])
        for pid in (exporter.pid, exporter.capture_pid()):
            status = host.status(pid)
            self.assertEqual({key: int(status[key], 16) for key in SETS}, dict.fromkeys(SETS, 0))
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Groups"], "")
            for key in ("Uid", "Gid"):
                self.assertNotIn("0", status[key].split())
                self.assertEqual(len(set(status[key].split())), 1)
            self.assertEqual(status["Threads"], "1")
        self.assertEqual(status["Seccomp"], "2")

    def test_capture_holds_five_descriptors(self):
        exporter = Exporter.start(self, self.box)
        folder = f"/proc/{exporter.capture_pid()}/fd"
        held = {int(number): os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}
        self.assertEqual({number for number in held if number < 4}, {0, 1, 2, 3})
        self.assertEqual((held[0], held[1]), ("/dev/null", "/dev/null"))
        self.assertEqual(held[2], os.readlink(f"/proc/{exporter.pid}/fd/2"))
        (packet,) = {number for number in held if number > 3}
        with self.box.inside():
            sockets = pathlib.Path("/proc/thread-self/net/packet").read_text()
        inodes = [line.split()[-1] for line in sockets.splitlines()[1:]]
        self.assertEqual([f"socket:[{inode}]" for inode in inodes], [held[packet]])

    def test_capture_has_an_empty_environment(self):
        exporter = Exporter.start(self, self.box)
        environment = pathlib.Path(f"/proc/{exporter.capture_pid()}/environ").read_bytes()
        self.assertEqual(environment, b"")

    def test_the_exporter_s_user_cannot_reach_into_capture(self):
        host.must_have("setpriv")
        exporter = Exporter.start(self, self.box)
        capture, user = exporter.capture_pid(), host.status(exporter.pid)["Uid"].split()[0]
        for file in ("mem", "fd", "maps", "environ"):
            reader = self.box.spawn(
                ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--",
                 "ls" if file == "fd" else "cat", f"/proc/{capture}/{file}"], stdout=-3, stderr=-3)
            self.assertNotEqual(host.end(reader, 0), 0, file)


class Endings(Processes):
    def test_each_signal_ends_both(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            exporter = Exporter.start(self, self.box)
            capture = exporter.capture_pid()
            self.assertEqual(exporter.stop(number), 0, exporter.stderr())
            self.gone(capture)

    def test_control_c_is_for_the_exporter_alone(self):
        exporter = Exporter.start(self, self.box)
        capture = exporter.capture_pid()
        os.kill(exporter.pid, signal.SIGSTOP)
        os.killpg(exporter.pid, signal.SIGINT)
        time.sleep(0.2)
        self.assertEqual(host.status(capture)["State"][0], "S")
        os.kill(exporter.pid, signal.SIGCONT)
        self.assertEqual(exporter.wait(), 0, exporter.stderr())
        self.gone(capture)

    def test_a_killed_capture_ends_the_exporter(self):
        for number in (signal.SIGKILL, signal.SIGSYS, signal.SIGSEGV):
            exporter = Exporter.start(self, self.box)
            capture, before = exporter.capture_pid(), len(exporter.stderr())
            os.kill(capture, number)
            self.assertEqual(exporter.wait(timeout=2), 1)
            said = [line for line in exporter.stderr()[before:].splitlines()
                    if "capture is confined" not in line]  # which may not have been there yet
            self.assertEqual(len(said), 1, said)
            self.assertIn(f"signal={number.name[3:]}", said[0])
            self.gone(capture)

    def test_a_killed_exporter_leaves_no_capture(self):
        exporter = Exporter.start(self, self.box)
        capture = exporter.capture_pid()
        exporter.process.kill()
        self.assertEqual(exporter.wait(timeout=2), -signal.SIGKILL)
        host.eventually(lambda: self.gone(capture), 2)

    def test_a_stopped_capture_still_goes_with_the_exporter(self):
        exporter = Exporter.start(self, self.box)
        capture = exporter.capture_pid()
        os.kill(capture, signal.SIGSTOP)
        self.assertEqual(exporter.stop(), 0, exporter.stderr())
        host.eventually(lambda: self.gone(capture), 2)


class Latency(Processes):
    def test_a_query_is_counted_within_two_tenths_of_a_second(self):
        """It waits for a block's 50 ms, twice at most, and the look at it takes its time too."""
        exporter = Exporter.start(self, self.box)
        waits = []
        for number in range(1, 12):
            time.sleep(0.137)  # at no fixed distance from the last block
            with self.box.udp("127.0.0.1") as resolver:
                resolver.sendto(dnstt.Client().poll(), ("127.0.0.1", 53))
            sent = time.monotonic()
            host.eventually(lambda: self.assertEqual(
                exporter.scrape().sum("dnstt_queries_total"), number), pause=0.002)
            waits.append(time.monotonic() - sent)
        # Half of them, as the machine may be busy with something else for a moment
        self.assertLess(sorted(waits)[len(waits) // 2], 0.2, waits)


class Stalls(Processes):
    """Packets go on while a process is stopped; each is counted, or counted as dropped."""

    def setUp(self):
        super().setUp()
        self.far = host.Host.make(self, "far")
        host.link(self.box, "eth0", self.far, "peer")
        self.wire = host.Wire(self.box, "eth0", self.far, "peer")
        self.addCleanup(self.wire.close)

    def flood(self, count):
        """Queries of one client, each with a DNS ID and a port that no neighbour has."""
        message = dnstt.Client().data(b"x" * 60)
        for number in range(count):
            source = ("198.51.100.7", 20000 + number % 40000)
            ident = bytes([number >> 8 & 255, number & 255])
            if number % 256 == 255:
                time.sleep(0.001)
            if number < 512:
                one = packets.packet(source, ("192.0.2.1", 53), ident + message[2:])
                self.made.append(one)
            self.wire.arrive(*self.made[number % 512])

    def stall(self, which, count, *flags, seconds=1.0):
        """Queries that were counted, and dropped by place, out of count sent during a stop."""
        self.made = []
        exporter = Exporter.start(self, self.box, *flags)
        pid = exporter.pid if which == "exporter" else exporter.capture_pid()
        os.kill(pid, signal.SIGSTOP)
        self.flood(count)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

        def settled():
            counted = exporter.counted()
            total = counted["queries"] + sum(counted["drops"].values())
            self.assertEqual(total, count, counted)
            return counted

        host.eventually(settled, 15)
        time.sleep(0.5)
        return settled()

    def test_a_stopped_exporter_loses_nothing(self):
        self.assertEqual(self.stall("exporter", 5000)["drops"], {})

    def test_a_stopped_capture_loses_nothing(self):
        self.assertEqual(self.stall("capture", 5000)["drops"], {})

    def lossy(self, which, count):
        counted = self.stall(which, count, "-capture.ring-size", "1MiB")
        self.assertGreater(sum(counted["drops"].values()), 0)
        self.assertGreater(counted["queries"], 500)

    def test_what_a_small_ring_loses_is_counted_while_capture_is_stopped(self):
        self.lossy("capture", 20000)

    def test_what_a_small_ring_loses_is_counted_while_the_exporter_is_stopped(self):
        # The socketpair takes some 70,000 records before capture lets the ring fill.
        self.lossy("exporter", 120000)


if __name__ == "__main__":
    unittest.main()
