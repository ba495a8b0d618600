#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each system call of the start, refused: it serves all the same, or it ends with a line that says so.

What the start asks of the kernel is taken from a trace of one that goes well, so that a new call is
refused here from the day that it is made. Calls that the loader of programs does without are refused
to both processes by a seccomp filter, as a container or an old kernel does it; the others by strace,
to the exporter, one at a time.
"""

import collections
import errno
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
from exporter import Exporter
from test_confinement import DATABASE

# Runs a program to whom these calls are refused: ERRNO NAME[:ARGUMENT=VALUE]... -- PROGRAM...
REFUSE = """
import ctypes, os, sys
class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("one", ctypes.c_uint64),
                ("other", ctypes.c_uint64)]
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
ALLOW, ERRNO, EQUAL, NO_NEW_PRIVS = 0x7fff0000, 0x50000, 4, 3
policy = ctypes.c_void_p(seccomp.seccomp_init(ALLOW))
name, *tests = sys.argv[2].split(":")
pairs = [test.split("=") for test in tests]
comparisons = (Comparison * 8)(*[Comparison(int(argument), EQUAL, int(value), 0)
                                 for argument, value in pairs])
number = seccomp.seccomp_syscall_resolve_name(name.encode())
if (seccomp.seccomp_attr_set(policy, NO_NEW_PRIVS, 0)
        or seccomp.seccomp_rule_add_array(policy, ctypes.c_uint32(ERRNO | int(sys.argv[1])), number,
                                          len(pairs), comparisons)
        or seccomp.seccomp_load(policy)):
    sys.exit(f"cannot refuse {sys.argv[2]}")
os.execv(sys.argv[4], sys.argv[4:])
"""


# By the value of an argument: prctl() of PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS,
# PR_CAPBSET_READ and _DROP, PR_SET_NO_NEW_PRIVS, PR_SET_THP_DISABLE, PR_CAP_AMBIENT, PR_SET_MDWE;
# limits of data, cores, processes, descriptors, addresses; sockets of AF_UNIX, AF_INET, AF_NETLINK,
# AF_PACKET; F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS; PACKET_RX_RING, PACKET_VERSION (gVisor has no
# TPACKET_V3), PACKET_VNET_HDR_SZ, SO_ATTACH_FILTER, SO_LOCK_FILTER
SPLIT = {"prctl": (0, (1, 4, 8, 23, 24, 38, 41, 47, 65)), "prlimit64": (1, (2, 4, 6, 7, 9)),
         "socket": (0, (1, 2, 16, 17)), "fcntl": (1, (4, 1030, 1033)),
         "setsockopt": (2, (5, 10, 24, 26, 44))}

# What a line calls them
ALIAS = {"clone": "fork", "clone3": "fork", "prlimit64": "limit", "chdir": "enter its directory",
         "recvfrom": "recv",
         "landlock_add_rule": "Landlock", "landlock_restrict_self": "Landlock"}

# Nothing can be said without write(), or after exit_group(); brk() never says that it failed; libc
# ends a process without futex() by itself.
LEFT_OUT = {"write", "exit_group", "brk", "futex"}
# They do no harm, and there are dozens of each
HARMLESS = {"close", "munmap", "mprotect"}


def calls_of(trace):
    """(process, name, arguments and result) of each call in strace's words; a call whose line was cut is whole."""
    begun = {}
    for line in trace.splitlines():
        found = re.match(r"(\d+) +(?:<\.\.\. (\w+) resumed>)?(.*)", line)
        pid, resumed, rest = found.groups()
        if resumed:
            rest = begun.pop(pid, "") + rest
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            continue
        call = re.match(r"(\w+)\((.*)", rest)
        if call:
            yield int(pid), call[1], call[2]


class Refused(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        host.must_have("strace")
        self.box = host.Host.make(self, "box")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o777)
        self.folder = pathlib.Path(folder.name)
        shutil.copy(DATABASE, self.folder / "country.mmdb")
        (self.folder / "web.yml").write_text(
            "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")

    def flags(self):
        return ("-geoip.country-database", f"{self.folder}/country.mmdb",
                "-web.config.file", f"{self.folder}/web.yml")

    def start(self, before):
        return Exporter(self.box, *self.flags(), before=before)

    def trace(self):
        """(name, arguments) of the exporter's calls before its main(), and from there until it serves;
        names of those of the child and of capture.
        """
        path = self.folder / "trace"
        exporter = self.start(["strace", "-f", "-qq", "-o", str(path)])
        try:
            exporter.wait_ready()
            (pid,) = host.children(exporter.pid)
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(exporter.wait(), 0)
        finally:
            exporter.kill()
        calls = list(calls_of(path.read_text()))
        own = [call[1:] for call in calls if call[0] == pid]
        main = next(at for at, (name, arguments) in enumerate(own)
                    if name == "openat" and '"/dev/null", O_RDWR)' in arguments)
        serves = next(at for at, (name, _) in enumerate(own)
                      if name.startswith("epoll_") and "wait" in name and at > main)
        return own[:main], own[main:serves], {call[1] for call in calls if call[0] != pid}

    def collect(self, wrong, what, before, words, error):
        fault = self.fault(before, words, error)
        if fault:
            wrong.append(f"{what}, {errno.errorcode[error]}: {fault}")

    def test_a_filter_that_refuses_a_call_to_both(self):
        loader, start, other = self.trace()
        needed = {name for name, _ in loader}
        names = sorted({name for name, _ in start} | other - {"getsockopt"})
        found = [(name, name) for name in names
                 if name not in needed | LEFT_OUT and not name.startswith("syscall_")]
        found += [(f"{name}:{argument}={value}", name)
                  for name, (argument, values) in SPLIT.items() for value in values]
        self.assertGreater(len(found), 50)
        wrong = []
        for refused, name in found:
            for error in (errno.EPERM, errno.ENOSYS):
                self.collect(wrong, refused, [sys.executable, "-c", REFUSE, str(error), refused, "--"],
                             [ALIAS.get(name, name.rstrip("0123456789"))], error)
        self.assertEqual("\n".join(wrong), "")

    def test_a_capture_that_may_not_wait_ends(self):
        for error in (errno.EPERM, errno.ENOSYS):
            refuse = [sys.executable, "-c", REFUSE, str(error), "ppoll", "--"]
            status, said = Exporter.refuse(self.box, before=refuse)
            self.assertEqual(status, 1, said)
            for word in ("capture could not go on", "ppoll", os.strerror(error)):
                self.assertIn(word, said)

    def test_a_call_that_fails_once(self):
        loader, start, _ = self.trace()
        needed = {name for name, _ in loader}
        seen, before, wrong = set(), collections.Counter(name for name, _ in loader), []
        files = {}
        for name, arguments in start:
            before[name] += 1
            words = {ALIAS.get(name, name.rstrip("0123456789")), "Landlock"}
            words.update(re.findall(r'"(/[^"]+)"', arguments))
            descriptor = re.match(r"(?:NULL, .*, MAP_\w+, )?(\d+)", arguments)
            opened = re.search(r'"(/[^"]+)".* = (\d+)$', arguments)
            if name == "memfd_create":
                opened = re.search(r'"(geoip)".* = (\d+)$', arguments)
            if opened:
                files[opened[2]] = opened[1].replace("geoip", "country.mmdb")
            elif descriptor:
                words.add(files.get(descriptor[1], name))
            # The same again fails in the same way
            shape = (name, re.sub(r"0x[0-9a-f]+|\d+|\s+", "", arguments))
            if name not in needed - LEFT_OUT - HARMLESS or shape in seen:
                continue
            seen.add(shape)
            strace = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                      f"inject={name}:error=EPERM:when={before[name]}"]
            self.collect(wrong, f"{name}({arguments}", strace, words, errno.EPERM)
        self.assertGreater(len(seen), 50)
        self.assertEqual("\n".join(wrong), "")

    def fault(self, before, words, error):
        """What is wrong with a start to which something is refused, if anything."""
        exporter = self.start(before)
        try:
            exporter.wait_ready(13)  # capture is given ten
            (pid,) = host.children(exporter.pid) if before[0] == "strace" else (exporter.pid,)
            return self.fault_of_serving(exporter, pid)
        except (RuntimeError, OSError):
            # It has ended, or does so while it is asked: capture may need a moment to fail
            return self.fault_of_end(exporter, words, os.strerror(error))
        except AssertionError as wrong:
            return f"it hangs, or works in part: {wrong}"
        finally:
            exporter.kill()

    def fault_of_serving(self, exporter, pid):
        host.eventually(lambda: self.assertEqual(exporter.get("/-/ready").status, 200))
        with self.box.udp("127.0.0.1") as resolver:
            resolver.sendto(dnstt.Client().poll(), ("127.0.0.1", 53))
        host.eventually(lambda: self.assertEqual(exporter.counted()["queries"], 1), 2)
        os.kill(pid, signal.SIGHUP)

        def reloaded():
            said = exporter.stderr()
            self.assertIn("GeoIP database was re", said.replace("was not re", "was re"))
            self.assertIn("web configuration was re", said)

        host.eventually(reloaded, 3)
        os.kill(pid, signal.SIGTERM)
        status = exporter.wait(4)
        return f"status {status} after SIGTERM" if status else None

    @staticmethod
    def fault_of_end(exporter, words, error):
        status, said = exporter.wait(), exporter.stderr()
        lines = [line for line in said.splitlines()
                 if "level=info" not in line and "level=warn" not in line]
        if status != 1 or len(lines) != 1:
            return f"status {status} and {len(lines)} lines: {said}"
        if error not in lines[0] or not any(word in lines[0] for word in words):
            return f"it does not name {words} and {error}: {lines[0]}"
        return None


if __name__ == "__main__":
    unittest.main()
