#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The service manager: what it is told, the sockets it hands over, and the units."""

import json
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
import traffic
from exporter import ADDRESS, DOMAIN, FIXTURES, PORT, Exporter, program

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
        self.assertIn("not a listening stream socket", exporter.stderr())


# Run by Python as the service's user with its capability: it loads the filters that systemd would, and
# becomes the exporter. The table of calls comes on its command line.
LAUNCHER = """
import ctypes, ctypes.util, errno, json, os, resource, sys

table = json.loads(sys.argv[1])
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
KILL, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
NE, LE, EQ, GE, GT, MASKED_EQ = 1, 3, 4, 5, 6, 7

class Test(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int),
                ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]

def check(result):
    if result < 0:
        sys.exit(f"libseccomp: {os.strerror(-result)}")

def number(name):
    return seccomp.seccomp_syscall_resolve_name(name.encode())

def rule(context, action, name, *tests):
    if number(name) >= 0:
        check(seccomp.seccomp_rule_add_exact_array(
            context, ctypes.c_uint32(action), number(name), len(tests), (Test * len(tests))(*tests)))

def filter_of(default):
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(default)))
    check(seccomp.seccomp_attr_set(context, 2, ctypes.c_uint32(KILL)))  # another ABI
    return context

def load(context):
    check(seccomp.seccomp_load(context))

refused = KILL if table["kill"] else ERRNO | errno.EPERM
calls = filter_of(ERRNO | errno.ENOSYS)  # what systemd does not know
for name in table["known"]:
    rule(calls, ALLOW if name in table["allowed"] else refused, name)

families = filter_of(ALLOW)  # RestrictAddressFamilies=
last = max(table["families"])
for family in range(last):
    if family not in table["families"]:
        rule(families, ERRNO | errno.EAFNOSUPPORT, "socket", Test(0, EQ, family, 0))
rule(families, ERRNO | errno.EAFNOSUPPORT, "socket", Test(0, GT, last, 0))

code = filter_of(ALLOW)  # MemoryDenyWriteExecute=
for name, argument, bits in (("mmap", 2, 6), ("mprotect", 2, 4), ("pkey_mprotect", 2, 4),
                             ("shmat", 2, 0o100000)):
    rule(code, ERRNO | errno.EPERM, name, Test(argument, MASKED_EQ, bits, bits))

spaces = filter_of(ALLOW)  # RestrictNamespaces=, RestrictRealtime=, LockPersonality=
for name in ("unshare", "setns", "sched_setscheduler", "personality"):
    rule(spaces, ERRNO | errno.EPERM, name)
rule(spaces, ERRNO | errno.ENOSYS, "clone3")
for bit in (0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x00020000):
    rule(spaces, ERRNO | errno.EPERM, "clone", Test(0, MASKED_EQ, bit, bit))

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
os.umask(0o077)
for one in (families, code, spaces, calls):
    load(one)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Filtered(unittest.TestCase):
    """No systemd runs here, so what its unit does to system calls is done by libseccomp."""

    def setUp(self):
        host.must_be_root()
        host.must_have("systemd-analyze", "setpriv")
        self.unit = (DEPLOY / "dnstt_exporter.service").read_text()
        self.box = host.Host.make(self, "box")

    def calls(self, name, seen=None):
        """Calls of a set, those of its sets among them; or the one call."""
        if not name.startswith("@"):
            return {name}
        lines = host.run("systemd-analyze", "--no-pager", "syscall-filter", name).splitlines()[1:]
        words = {line.strip() for line in lines if re.fullmatch(r" +@?\w[\w-]*", line)}
        return set().union(*map(self.calls, words))

    def table(self, kill):
        allowed, known = set(), self.calls("@known")
        for line in re.findall(r"^SystemCallFilter=(.*)$", self.unit, re.M):
            found = set().union(*map(self.calls, line.lstrip("~").split()))
            allowed = allowed - found if line.startswith("~") else allowed | found
        (families,) = re.findall(r"^RestrictAddressFamilies=(.*)$", self.unit, re.M)
        return {"allowed": sorted(allowed), "known": sorted(known | allowed), "kill": kill,
                "families": [int(getattr(socket, name)) for name in families.split()]}

    def launched(self, kill):
        """What stands before the program's command: the unit's user, capability and filters."""
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw",
                "--bounding-set=-all,+net_raw", "--", sys.executable, "-c", LAUNCHER, json.dumps(self.table(kill))]

    def serves(self, kill):
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            os.chmod(folder, 0o755)
            database = shutil.copy(FIXTURES / "GeoLite2-Country-Test.mmdb", folder)
            exporter = Exporter.start(self, self.box, "-geoip.country-database", database,
                                      "-capture.interface", "lo", before=self.launched(kill))
            for pid in (exporter.pid, exporter.capture_pid()):
                host.eventually(lambda pid=pid: self.assertEqual(  # this launcher's four, its own
                    host.status(pid).get("Seccomp_filters", "5"), "5"))
            host.eventually(lambda: self.assertIn("capture is confined", exporter.stderr()))
            tally = self.talk()
            exporter.expect(self, tally.counts())
            os.utime(database)
            os.kill(exporter.pid, signal.SIGHUP)
            host.eventually(lambda: self.assertIn("database was replaced", exporter.stderr()))
            exporter.expect(self, tally.counts())
            self.assertEqual(exporter.stop(), 0, exporter.stderr())

    def talk(self):
        udp = self.box.udp("127.0.0.1", 53)
        traffic.serve(self, udp)
        with self.box.udp("127.0.0.1") as resolver:
            return traffic.talk(resolver, ("127.0.0.1", 53))

    def test_it_serves_under_the_unit_as_shipped(self):
        self.serves(kill=False)

    def test_no_call_that_the_unit_refuses_is_ever_made(self):
        self.serves(kill=True)

    def test_the_last_line_of_the_filter_is_needed(self):
        """So the filter here refuses what systemd's would."""
        self.unit = re.sub(r"^SystemCallFilter=capset .*\n", "", self.unit, flags=re.M)
        status, said = Exporter.refuse(self.box, before=self.launched(kill=False))
        self.assertEqual(status, 1, said)
        self.assertIn("could not pass CAP_NET_RAW on: capset: Operation not permitted", said)


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

    def test_each_directive_has_its_reason_above_it(self):
        for name in ("dnstt_exporter.service", "dnstt_exporter.socket"):
            reasons, above, seen = "", False, 0
            for line in (DEPLOY / name).read_text().splitlines():
                if line.startswith("#"):
                    reasons, above = (reasons if above else "") + line[1:], True
                    continue
                above = False
                reasons = reasons if line else ""
                directive = re.match(r"\w+=", line)
                if directive:
                    self.assertRegex(reasons, rf"\b{directive[0]}.*: ", f"{name}: {line}")
                    seen += 1
            self.assertGreater(seen, 5, name)

    def test_no_directive_stands_twice(self):
        text = pathlib.Path(self.service).read_text()
        names = re.findall(r"^(\w+)=", text, re.M)
        self.assertEqual(len([name for name in set(names) if names.count(name) > 1
                              and name != "SystemCallFilter"]), 0)


if __name__ == "__main__":
    unittest.main()
