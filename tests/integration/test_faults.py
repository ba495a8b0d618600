#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Faults of the host and of the processes: what each ends, what it says, what is lost and counted.

test_processes.py has the plain endings and stops of idle processes; here they come under load, and
the host runs out of descriptors, memory, processes, disk and readers.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
import traffic
from exporter import ADDRESS, PORT, Exporter, program

RATE = 20000
# No process of the machine has this user, so that RLIMIT_NPROC counts ours alone.
LONE_USER = 64321
SHELL = ["sh", "-c"]

# Steps back ten years as soon as JUMP_AFTER seconds have passed; monotonic clocks go on.
CLOCK = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t first, after;

__attribute__((constructor)) static void begin(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	first = now.tv_sec;
	after = atoi(getenv("JUMP_AFTER"));
}

static time_t shift(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return now.tv_sec - first >= after ? 10 * 365 * 86400 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		now->tv_sec -= shift();
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &precise);
	*now = (struct timeval){ precise.tv_sec, precise.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *now)
{
	struct timespec precise;

	clock_gettime(CLOCK_REALTIME, &precise);
	if (now)
		*now = precise.tv_sec;
	return precise.tv_sec;
}
"""

# A step that capture's process makes before it is capture, as on a file system that hangs
HANGS = r"""
#include <signal.h>
#include <unistd.h>

int execve(const char *path, char *const argv[], char *const environment[])
{
	(void)path, (void)argv, (void)environment;
	raise(SIGSTOP);
	return -1;
}
"""


def errors(text):
    """Lines that say why something ended."""
    return [line for line in text.splitlines() if "level=error" in line]


def ambient(user):
    """As an unprivileged user who has CAP_NET_RAW and nothing else."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--"]


class Faults(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        self.far = host.Host.make(self, "far")
        host.link(self.box, "eth0", self.far, "peer")
        self.udp = self.box.udp("127.0.0.1", 53)
        traffic.serve(self, self.udp)

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        return pathlib.Path(folder.name)

    def load(self, seconds, rate=RATE):
        """A generator that sends this long; ended with the test if it still runs."""
        generator = self.far.spawn(
            [program("tests/bench/generator"), "--interface", "peer", "--destination-mac",
             self.box.mac("eth0"), "--rate", str(rate), "--seconds", str(seconds),
             "--clients", "1000"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.quiet, generator)
        return generator

    @staticmethod
    def quiet(generator):
        host.kill(generator)
        generator.stdout.close()
        generator.stderr.close()

    def sent(self, generator):
        """Queries that a generator has sent by its end."""
        out, err = generator.communicate(timeout=60)
        self.assertEqual(generator.returncode, 0, err)
        return json.loads(out)["queries"]

    def flowing(self, exporter, more=2000):
        """The load arrives: so many more queries are counted."""
        before = exporter.scrape().sum("dnstt_queries_total")
        host.eventually(lambda: self.assertGreater(
            exporter.scrape().sum("dnstt_queries_total"), before + more))

    def accounted(self, exporter, sent):
        """Each query is counted, or counted as dropped, and no more than that; the drops."""
        def settled():
            scrape = exporter.scrape()
            drops = scrape.sum("dnstt_capture_drops_total")
            self.assertEqual(scrape.sum("dnstt_queries_total") + drops, sent)
            return drops

        host.eventually(settled, 20)
        time.sleep(0.3)
        return settled()

    def talk(self):
        with self.box.udp("127.0.0.1") as resolver:
            return traffic.talk(resolver, ("127.0.0.1", 53))

    def works(self, exporter):
        """It counts what passes from now on, and serves."""
        before = exporter.scrape().sum("dnstt_queries_total")
        tally = self.talk()
        host.eventually(lambda: self.assertEqual(
            exporter.scrape().sum("dnstt_queries_total"), before + tally.queries))

    def nothing_left(self, *pids):
        """None of these is there, not even as a zombie, and nobody lives on the host."""
        def gone():
            for pid in pids:
                host.reap(pid, os.WNOHANG)
                self.assertEqual(host.status(pid), {})
            self.assertEqual(host.run("ip", "netns", "pids", self.box.name), "")

        host.eventually(gone, 3)

    def ends_well(self, exporter):
        capture = exporter.capture_pid()
        self.assertEqual(exporter.stop(), 0, exporter.stderr())
        self.assertEqual(errors(exporter.stderr()), [])
        self.nothing_left(exporter.pid, capture)


class Killed(Faults):
    """Each process, by each signal that leaves it no say; what test_processes.py does not have."""

    def capture_is_killed(self, number):
        exporter = Exporter.start(self, self.box)
        capture = exporter.capture_pid()
        self.load(10)
        self.flowing(exporter)
        before = len(exporter.stderr())
        os.kill(capture, number)
        self.assertEqual(exporter.wait(timeout=3), 1)
        said = exporter.stderr()[before:].splitlines()
        self.assertEqual(len(said), 1, said)
        self.assertIn(f"signal={number.name[3:]}", said[0])
        self.nothing_left(exporter.pid, capture)

    def exporter_is_killed(self, number, under_load):
        exporter = Exporter.start(self, self.box)
        capture = exporter.capture_pid()
        if under_load:
            self.load(10)
            self.flowing(exporter)
        before = exporter.stderr()
        os.kill(exporter.pid, number)
        self.assertEqual(exporter.wait(timeout=3), -number)
        self.nothing_left(exporter.pid, capture)
        self.assertEqual(exporter.stderr(), before, "capture has nothing to say to this")

    def test_capture_killed_under_load_ends_the_exporter(self):
        self.capture_is_killed(signal.SIGKILL)

    def test_capture_crashed_under_load_ends_the_exporter(self):
        self.capture_is_killed(signal.SIGSEGV)

    def test_an_exporter_killed_under_load_leaves_no_capture(self):
        self.exporter_is_killed(signal.SIGKILL, True)

    def test_an_idle_exporter_that_crashed_leaves_no_capture(self):
        self.exporter_is_killed(signal.SIGSEGV, False)

    def test_an_exporter_that_crashed_under_load_leaves_no_capture(self):
        self.exporter_is_killed(signal.SIGSEGV, True)


class AtStart(Faults):
    """The same before capture is capture: a script in its place does it, or has it done to it."""

    def launch(self, *lines, **options):
        """An exporter, and the process that runs these lines of sh, then capture."""
        folder = self.folder()
        script, note = folder / "capture", folder / "pid"
        note.touch()
        note.chmod(0o666)
        script.write_text("\n".join(["#!/bin/sh", f"echo $$ >{note}", *lines,
                                     f"exec {program('capture/dnstt_capture')}", ""]))
        script.chmod(0o755)
        exporter = Exporter(self.box, capture=str(script), **options)
        self.addCleanup(exporter.kill)
        host.eventually(lambda: self.assertTrue(note.read_text().endswith("\n")))
        return exporter, int(note.read_text())

    def says(self, exporter, pid, *words, timeout=5):
        """It ends with status 1, and says this in its one line that tells of a fault."""
        self.assertEqual(exporter.wait(timeout), 1, exporter.stderr())
        said = [line for line in exporter.stderr().splitlines() if "level=info" not in line]
        self.assertEqual(len(said), 1, said)
        for word in words:
            self.assertIn(word, said[0])
        self.nothing_left(exporter.pid, pid)

    def test_a_capture_that_is_killed(self):
        for number in (signal.SIGKILL, signal.SIGSEGV):
            for pause in ("", "sleep 1; "):
                exporter, capture = self.launch(f"{pause}kill -{int(number)} $$")
                self.says(exporter, capture, f"signal={number.name[3:]}")

    def test_a_capture_that_is_stopped(self):
        exporter, capture = self.launch("kill -STOP $$")
        self.says(exporter, capture, "capture did not start within 10 seconds", timeout=13)

    def test_a_capture_that_is_stopped_for_a_while(self):
        exporter, capture = self.launch("kill -STOP $$")
        time.sleep(3)
        os.kill(capture, signal.SIGCONT)
        exporter.wait_ready()
        self.works(exporter)
        self.ends_well(exporter)

    def test_an_exporter_that_is_killed(self):
        for number in (signal.SIGKILL, signal.SIGSEGV):
            # It can't be signalled as long as it is root
            exporter, capture = self.launch(f"until kill -{int(number)} $PPID; do :; done",
                                            "kill -STOP $$")
            self.assertEqual(exporter.wait(5), -number)
            self.assertEqual(errors(exporter.stderr()), [])
            self.nothing_left(exporter.pid, capture)

    def test_an_exporter_that_is_stopped(self):
        """For longer than it gives capture, which is there all the time."""
        exporter, _ = self.launch("until kill -STOP $PPID; do :; done")
        time.sleep(11)
        os.kill(exporter.pid, signal.SIGCONT)
        exporter.wait_ready()
        self.works(exporter)
        self.ends_well(exporter)

    def test_a_capture_that_is_not_executed(self):
        host.must_have("cc")
        folder = self.folder()
        (folder / "hangs.c").write_text(HANGS)
        host.run("cc", "-shared", "-fPIC", "-o", str(folder / "hangs.so"), str(folder / "hangs.c"))
        exporter = Exporter(self.box, before=["env", f"LD_PRELOAD={folder}/hangs.so"])
        self.addCleanup(exporter.kill)
        (capture,) = host.eventually(lambda: self.stopped_child(exporter.pid))
        self.says(exporter, capture, "not executed within 10 seconds", timeout=13)

    def stopped_child(self, pid):
        found = [child for child in host.children(pid)
                 if host.status(child).get("State", "").startswith("T")]
        self.assertEqual(len(found), 1)
        return found


class Stopped(Faults):
    def test_a_capture_that_is_stopped_is_missed_and_sends_again(self):
        exporter = Exporter.start(self, self.box)
        capture, before = exporter.capture_pid(), len(exporter.stderr())
        os.kill(capture, signal.SIGSTOP)
        time.sleep(12)
        said = exporter.stderr()[before:].splitlines()
        self.assertEqual(len(said), 1, said)
        self.assertIn("level=warn", said[0])
        self.assertIn("has sent nothing for 10 seconds", said[0])
        os.kill(capture, signal.SIGCONT)
        self.works(exporter)
        said = exporter.stderr()[before:].splitlines()
        self.assertEqual(len(said), 2, said)
        self.assertIn("sends again", said[1])
        self.ends_well(exporter)

    def test_an_exporter_that_is_stopped_misses_nobody(self):
        exporter = Exporter.start(self, self.box)
        host.eventually(lambda: self.assertIn("capture is confined", exporter.stderr()))
        before = exporter.stderr()
        os.kill(exporter.pid, signal.SIGSTOP)
        time.sleep(12)
        os.kill(exporter.pid, signal.SIGCONT)
        self.works(exporter)
        self.assertEqual(exporter.stderr(), before)
        self.ends_well(exporter)

    def idle(self, of):
        exporter = Exporter.start(self, self.box)
        os.kill(of(exporter), signal.SIGSTOP)
        time.sleep(2.5)  # longer than the second after which capture gives a sign of life
        os.kill(of(exporter), signal.SIGCONT)
        self.works(exporter)
        self.ends_well(exporter)

    def loaded(self, of):
        """Stopped for a second amid traffic that the ring and the socketpair can hold."""
        exporter = Exporter.start(self, self.box)
        generator = self.load(4)
        self.flowing(exporter)
        os.kill(of(exporter), signal.SIGSTOP)
        time.sleep(1)
        os.kill(of(exporter), signal.SIGCONT)
        self.assertEqual(self.accounted(exporter, self.sent(generator)), 0)
        self.works(exporter)
        self.ends_well(exporter)

    def test_an_idle_exporter_goes_on_after_a_stop(self):
        self.idle(lambda exporter: exporter.pid)

    def test_an_idle_capture_goes_on_after_a_stop(self):
        self.idle(lambda exporter: exporter.capture_pid())

    def test_a_stop_of_the_exporter_amid_traffic_loses_nothing(self):
        self.loaded(lambda exporter: exporter.pid)

    def test_a_stop_of_capture_amid_traffic_loses_nothing(self):
        self.loaded(lambda exporter: exporter.capture_pid())


class FullSocketpair(Faults):
    """The socketpair takes 70,000 to 130,000 records, by how full the batches are; then capture
    waits, and the ring takes as many more.
    """

    def stall(self, *flags):
        exporter = Exporter.start(self, self.box, *flags)
        generator = self.load(6, 2 * RATE)
        self.flowing(exporter)
        self.assertEqual(exporter.scrape().sum("dnstt_capture_stalls_total"), 0)
        os.kill(exporter.pid, signal.SIGSTOP)
        time.sleep(4.5)
        os.kill(exporter.pid, signal.SIGCONT)
        drops = self.accounted(exporter, self.sent(generator))
        self.assertGreater(exporter.scrape().sum("dnstt_capture_stalls_total"), 0)
        self.works(exporter)
        self.ends_well(exporter)
        return drops

    def test_a_ring_that_has_room_keeps_what_the_socketpair_refuses(self):
        self.assertEqual(self.stall("-capture.ring-size", "128MiB"), 0)

    def test_what_the_ring_has_no_room_for_is_counted(self):
        self.assertGreater(self.stall("-capture.ring-size", "1MiB"), 0)


class Descriptors(Faults):
    def test_too_few_at_the_start_end_it_with_one_line(self):
        host.must_have("prlimit")
        refused = 0
        for limit in range(4, 64):
            exporter = Exporter(self.box, before=["prlimit", f"--nofile={limit}", "--"])
            try:
                status = self.outcome(exporter)
                if status is None:
                    break
                said = exporter.stderr()
                self.assertEqual(status, 1, f"{limit}: {said}")
                self.assertEqual(len(errors(said)), 1, f"{limit}: {said}")
                self.nothing_left(exporter.pid)
                refused += 1
            finally:
                exporter.kill()
        self.assertIsNone(status, "64 descriptors are not enough")
        self.assertGreater(refused, 5)

    @staticmethod
    def outcome(exporter):
        """Exit status of an exporter that does not start; None of one that serves."""
        try:
            exporter.wait_ready()
        except RuntimeError:
            return exporter.process.returncode
        return None

    def test_connections_that_take_all_of_them_stop_no_counting(self):
        host.must_have("prlimit")
        exporter = Exporter.start(self, self.box, before=["prlimit", "--nofile=40", "--"])
        held = [self.box.tcp(ADDRESS, PORT) for _ in range(60)]
        folder = f"/proc/{exporter.pid}/fd"
        host.eventually(lambda: self.assertEqual(len(os.listdir(folder)), 40))
        generator = self.load(2)
        sent = self.sent(generator)
        for tcp in held:
            tcp.close()
        exporter.wait_ready()
        self.assertEqual(self.accounted(exporter, sent), 0)
        self.works(exporter)
        self.ends_well(exporter)

    def test_deadlines_are_kept_amid_traffic(self):
        exporter = Exporter.start(self, self.box)
        self.load(16)
        self.flowing(exporter)
        stalled = self.box.tcp(ADDRESS, PORT, timeout=15)
        self.addCleanup(stalled.close)
        stalled.sendall(b"GET /metrics HTTP/1.1\r\n")
        start = time.monotonic()
        self.assertEqual(stalled.recv(1), b"")
        self.assertLess(time.monotonic() - start, 12)

    def test_standard_descriptors_that_are_closed_are_no_fault(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            exporter = Exporter.start(self, self.box,
                                      before=[*SHELL, f'exec "$@" {closed}', "sh"])
            for number in range(3):
                for pid in (exporter.pid, exporter.capture_pid()):
                    file = os.readlink(f"/proc/{pid}/fd/{number}")
                    # The log, where standard error is open
                    self.assertRegex(file, r"^/dev/null$|/tmp[^/]*/#\d+ \(deleted\)$", closed)
            self.works(exporter)
            self.ends_well(exporter)


class Log(Faults):
    """A log that takes no more lines is no reason to stop counting."""

    def test_a_log_on_a_full_device(self):
        exporter = Exporter.start(self, self.box, before=[*SHELL, 'exec "$@" 2>/dev/full', "sh"])
        self.assertEqual(os.readlink(f"/proc/{exporter.pid}/fd/2"), "/dev/full")
        generator = self.load(1)
        self.assertEqual(self.accounted(exporter, self.sent(generator)), 0)
        self.ends_well(exporter)

    def test_a_log_on_a_full_disk(self):
        host.must_have("unshare", "mount")
        folder = self.folder()
        fill = ('mount -t tmpfs -o size=64k tmpfs "$0" && : >"$0/log" && '
                '{ cat /dev/zero >"$0/filler" 2>/dev/null; exec "$@" 2>>"$0/log"; }')
        exporter = Exporter.start(self, self.box, before=["unshare", "-m", *SHELL, fill, folder])
        inside = pathlib.Path(f"/proc/{exporter.pid}/root", *folder.parts[1:])
        log = open(inside / "log", "rb")
        self.addCleanup(log.close)
        generator = self.load(1)
        self.assertEqual(self.accounted(exporter, self.sent(generator)), 0)
        self.assertEqual(log.read(), b"", "the disk was not full")
        (inside / "filler").unlink()
        capture = exporter.capture_pid()
        self.assertEqual(exporter.stop(), 0)
        self.nothing_left(exporter.pid, capture)
        lines = log.read().decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("msg=ending", lines[0])

    def test_a_log_in_a_pipe_that_nobody_reads(self):
        path = self.folder() / "log"
        os.mkfifo(path)
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        full = 0
        try:
            while True:
                full += os.write(pipe, b"x" * 4096)
        except BlockingIOError:
            pass
        exporter = Exporter.start(self, self.box, "-log.level", "debug",
                                  before=[*SHELL, 'exec "$@" 2<>"$0"', path])
        generator = self.load(1)
        for _ in range(20):
            os.kill(exporter.pid, signal.SIGHUP)
        self.assertEqual(self.accounted(exporter, self.sent(generator)), 0)
        self.ends_well(exporter)
        self.assertGreater(full, 0)
        self.assertEqual(len(os.read(pipe, 1 << 20).strip(b"x")), 0)


class Memory(Faults):
    """RLIMIT_AS, which counts address space: what a program may map, touched or not."""

    def attempt(self, mebibytes, *flags):
        """Exit status and standard error; (None, ...) of an exporter that serves."""
        exporter = Exporter(self.box, *flags,
                            before=["prlimit", f"--as={mebibytes << 20}", "--"])
        try:
            return Descriptors.outcome(exporter), exporter.stderr()
        finally:
            exporter.kill()

    def test_any_limit_ends_it_with_one_line_or_lets_it_serve(self):
        host.must_have("prlimit")
        seen = set()
        for mebibytes in (*range(8, 120, 8), 1024):
            status, said = self.attempt(mebibytes)
            seen.add(status)
            lines = [line for line in said.splitlines() if "level=info" not in line]
            self.assertEqual(len(lines), 0 if status is None else 1, f"{mebibytes} MiB: {said}")
            # 127: the loader of shared libraries, before there is a program
            self.assertIn(status, {None, 1, 127}, f"{mebibytes} MiB: {said}")
            self.nothing_left()
        self.assertGreaterEqual(seen, {None, 1})

    def test_tables_too_large_for_it_name_their_flag(self):
        host.must_have("prlimit")
        status, said = self.attempt(128, "-sessions.max", "10000000")
        self.assertEqual(status, 1, said)
        self.assertEqual(len(errors(said)), 1, said)
        self.assertIn("-sessions.max", errors(said)[0])
        self.nothing_left()


class Cgroup(Faults):
    """Limits of a cgroup, at which the kernel kills who has taken what malloc() promised."""

    LARGE = ("-sessions.max", "5000000")  # 317 MiB

    def refused(self, exporter, flag):
        self.addCleanup(exporter.kill)
        self.assertEqual(exporter.wait(), 1, exporter.stderr())
        said = errors(exporter.stderr())
        self.assertEqual(len(said), 1, said)
        self.assertIn("no memory for the tables", said[0])
        self.assertIn(flag, said[0])
        self.nothing_left(exporter.pid)

    def test_tables_too_large_for_a_real_one(self):
        version_1, version_2 = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")
        if version_1.is_dir():
            parent, file = version_1, "memory.limit_in_bytes"
        else:
            parent, file = version_2, "memory.max"
        cgroup = parent / f"dnstt-it-{os.getpid()}"
        try:
            cgroup.mkdir()
            self.addCleanup(lambda: host.eventually(lambda: self.removed(cgroup)))
            (cgroup / file).write_text(str(128 << 20))
        except OSError as error:
            self.skipTest(f"no memory cgroup can be made: {error}")
        before = [*SHELL, f'echo $$ >{cgroup}/cgroup.procs && exec "$@"', "sh"]
        self.refused(Exporter(self.box, *self.LARGE, before=before), "-sessions.max")
        self.refused(Exporter(self.box, "-metrics.max-series", "500000", before=before),
                     "-metrics.max-series")
        exporter = Exporter.start(self, self.box, before=before)
        self.works(exporter)
        self.ends_well(exporter)

    def removed(self, cgroup):
        try:
            cgroup.rmdir()
        except OSError as error:
            raise AssertionError(error) from error

    def test_tables_too_large_for_a_container(self):
        """Where /sys/fs/cgroup is the container's own."""
        host.must_have("unshare", "mount")
        limit = ('mount -t tmpfs tmpfs /sys/fs/cgroup && '
                 'echo 134217728 >/sys/fs/cgroup/memory.max && exec "$@"')
        before = ["unshare", "-m", *SHELL, limit, "sh"]
        self.refused(Exporter(self.box, *self.LARGE, before=before), "-sessions.max")
        exporter = Exporter.start(self, self.box, before=before)
        self.works(exporter)
        self.ends_well(exporter)


class Processes(Faults):
    def test_no_process_left_for_capture_is_said(self):
        host.must_have("setpriv", "prlimit")
        exporter = Exporter(self.box, before=[*ambient(LONE_USER), "prlimit", "--nproc=1", "--"])
        self.addCleanup(exporter.kill)
        self.assertEqual(exporter.wait(), 1, exporter.stderr())
        said = errors(exporter.stderr())
        self.assertEqual(len(said), 1, exporter.stderr())
        self.assertIn("cannot start capture", said[0])
        self.assertIn("fork: ", said[0])
        self.assertIn(os.strerror(11), said[0])
        self.nothing_left(exporter.pid)


class Signals(Faults):
    def test_a_storm_of_reloads_loses_nothing(self):
        folder = self.folder()
        made = pathlib.Path(os.environ["DNSTT_BUILD"], "tests/databases")
        host.must(made.is_dir(), f"{made} is not built")
        country = shutil.copy(made / "geolite2-country.mmdb", folder)
        exporter = Exporter.start(self, self.box, "-geoip.country-database", str(country))
        generator = self.load(4)
        self.flowing(exporter)
        for _ in range(200):
            os.kill(exporter.pid, signal.SIGHUP)
            time.sleep(0.01)
        self.assertEqual(self.accounted(exporter, self.sent(generator)), 0)
        scrape = exporter.scrape()
        done = scrape.by("dnstt_geoip_reloads_total", "result", database="country")
        self.assertGreater(done.pop("success"), 1)
        self.assertEqual(sum(done.values()), 0, done)
        self.assertEqual(scrape.sum("dnstt_active_clients"), 1000)
        self.works(exporter)
        self.ends_well(exporter)


class Clock(Faults):
    def test_a_clock_set_back_ten_years_changes_no_count_and_no_deadline(self):
        host.must_have("cc")
        folder = self.folder()
        (folder / "clock.c").write_text(CLOCK)
        host.run("cc", "-shared", "-fPIC", "-o", str(folder / "clock.so"), str(folder / "clock.c"))
        exporter = Exporter.start(
            self, self.box, before=["env", f"LD_PRELOAD={folder}/clock.so", "JUMP_AFTER=4"])
        stalled = self.box.tcp(ADDRESS, PORT)
        self.addCleanup(stalled.close)
        stalled.sendall(b"GET /metrics HTTP/1.1\r\n")
        generator = self.load(6)
        self.flowing(exporter)
        started = exporter.scrape().value("process_start_time_seconds")
        self.assertEqual(self.accounted(exporter, self.sent(generator)), 0)
        scrape = exporter.scrape()
        self.assertEqual(scrape.sum("dnstt_active_clients"), 1000)
        self.assertEqual(scrape.value("process_start_time_seconds"), started)
        stalled.settimeout(15)
        self.assertEqual(stalled.recv(1), b"", "the deadline of a request has moved")
        self.works(exporter)
        self.ends_well(exporter)
        year = time.gmtime().tm_year
        last = exporter.stderr().splitlines()[-1]
        self.assertIn(f"time={year - 10}", last, "the clock was not set back")

    def test_capture_asks_for_no_time(self):
        """Nothing that it links gives it one: its waits are lengths, not points in time."""
        host.must_have("nm")
        symbols = host.run("nm", "-D", "--undefined-only", program("capture/dnstt_capture"))
        for name in ("clock_gettime", "gettimeofday", "time", "timerfd_create", "timer_create"):
            self.assertNotRegex(symbols, rf"\b{name}(@|$)")
        self.assertRegex(symbols, r"\bppoll(@|$)")


class Valgrind(unittest.TestCase):
    """The unit tests of what reads strangers' input, without an error or a leak."""

    def test_valgrind(self):
        host.must_have("valgrind")
        tests = pathlib.Path(__file__).resolve().parents[1]
        build = pathlib.Path(os.environ.get("DNSTT_BUILD", ".")).resolve()
        environment = {**os.environ, "TEST_DATABASES": str(build / "tests/databases"),
                       "TEST_FIXTURES": str(tests / "fixtures"), "TEST_UNIT": str(tests / "unit")}
        for name in ("traffic", "exposition", "geoip", "webconfig"):
            with self.subTest(name):
                done = subprocess.run(
                    ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
                     program(f"tests/unit/test_{name}")],
                    env=environment, capture_output=True, text=True, check=False, timeout=300)
                self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])


if __name__ == "__main__":
    unittest.main()
