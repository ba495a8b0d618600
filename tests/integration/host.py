# SPDX-License-Identifier: MIT
"""Hosts made of network namespaces: links, addresses, sockets inside them, frames on their links.

Every namespace carries the number of the process that made it in its name. It is removed when that
process ends, whatever ends it; what a process killed with SIGKILL left is removed by the next run.
"""

import atexit
import contextlib
import ctypes
import fcntl
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import packets

PREFIX = "dnstt-it-"
CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
RECORDED = {packets.HOST, packets.OUTGOING}

_libc = ctypes.CDLL(None, use_errno=True)
_hosts = []
_children = set()


def must(works, reason):
    """Skip the test for this reason, or fail where MUST_WORK=1 says that all of them can run."""
    if not works:
        if os.environ.get("MUST_WORK") == "1":
            raise AssertionError(reason)
        raise unittest.SkipTest(reason)


def must_be_root():
    if os.environ.get("WITHOUT_ROOT") == "1":
        raise unittest.SkipTest("needs root for network namespaces")
    must(os.geteuid() == 0, "needs root for network namespaces")


def must_have(*programs):
    for program in programs:
        must(shutil.which(program), f"needs {program}")


def eventually(check, timeout=10.0, pause=0.05):
    """Call check until it stops raising AssertionError; its last one counts."""
    end = time.monotonic() + timeout
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(pause)


def run(*command, text=None):
    """Output of a program that has to succeed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr or done.stdout
        raise AssertionError(f"{' '.join(command)}: {done.returncode}: {said}")
    return done.stdout


def spawn(command, **options):
    """A child in a session of its own; it is killed at the end if nobody ended it before."""
    child = subprocess.Popen(command, start_new_session=True, **options)
    _children.add(child)
    return child


def end(child, number=signal.SIGTERM, timeout=10):
    """Send a signal, wait, and give the exit status; one that stays is killed and an error."""
    if child.poll() is None:
        child.send_signal(number)
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired as error:
        kill(child)
        raise AssertionError(f"did not end within {timeout} s of signal {number}") from error
    finally:
        _children.discard(child)


def status(pid):
    """/proc/PID/status as a dict; empty if there is no such process."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}


def children(pid):
    """Process numbers of the children of a process."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and status(entry).get("PPid") == str(pid):
            found.append(int(entry))
    return found


def descendants(pid):
    found = children(pid)
    return found + [below for child in found for below in descendants(child)]


def reap(pid, options=0):
    """Take the status of an orphan that became ours, so that no zombie is left."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, options)


def kill(child):
    """End a child and all that it started."""
    below = descendants(child.pid) if child.poll() is None else []
    child.kill()
    child.wait()
    _children.discard(child)
    for pid in below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        reap(pid)


class Host:
    """A network namespace. Use make(), which ties its life to a test."""

    def __init__(self, role):
        self.name = f"{PREFIX}{os.getpid()}-{len(_hosts)}-{role}"
        _hosts.append(self)
        run("ip", "netns", "add", self.name)
        self._namespace = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link set lo up")

    @classmethod
    def make(cls, test, role="host"):
        """A host that is removed after the test, or after the class if test is a class."""
        must_be_root()
        host = cls(role)
        clean = test.addClassCleanup if isinstance(test, type) else test.addCleanup
        clean(host.remove)
        return host

    def remove(self):
        if self._namespace is not None:
            os.close(self._namespace)
            self._namespace = None
            subprocess.run(["ip", "netns", "delete", self.name], check=False)

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens or starts meanwhile belongs to the host."""
        with open("/proc/thread-self/ns/net", "rb") as home:
            self._enter(self._namespace)
            try:
                yield
            finally:
                self._enter(home.fileno())

    @staticmethod
    def _enter(namespace):
        if _libc.setns(namespace, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def ip(self, *commands):
        """ip(8) commands, one per argument."""
        run("ip", "-netns", self.name, "-batch", "-", text="\n".join(commands) + "\n")

    def nft(self, rules):
        with self.inside():
            run("nft", "-f", "-", text=rules)

    def sysctl(self, key, value):
        with self.inside():
            pathlib.Path("/proc/sys/net", key).write_text(f"{value}\n")

    def mac(self, interface):
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            request = struct.pack("16s16x", interface.encode())
            return fcntl.ioctl(any_socket, 0x8927, request)[18:24].hex(":")

    def spawn(self, command, **options):
        with self.inside():
            return spawn(command, **options)

    def socket(self, *arguments):
        with self.inside():
            return socket.socket(*arguments)

    def udp(self, address, port=0):
        """A bound UDP socket; receiving ends after 5 s."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = self.socket(family, socket.SOCK_DGRAM)
        udp.bind((address, port))
        udp.settimeout(5)
        return udp

    def tcp(self, address, port, timeout=5):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        tcp = self.socket(family, socket.SOCK_STREAM)
        tcp.settimeout(timeout)
        try:
            tcp.connect((address, port))
        except OSError:
            tcp.close()
            raise
        return tcp

    def tap(self, interface=None, protocol=ETH_P_ALL, cooked=False):
        """A packet socket on one interface or on all; protocol 0 only sends."""
        with self.inside():
            kind = socket.SOCK_DGRAM if cooked else socket.SOCK_RAW
            tap = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
            if interface:
                tap.bind((interface, protocol))
            return tap

    def sights(self, act):
        """(interface, packet type, ethertype, octets) of what a packet socket sees of act()."""
        seen = []
        with self.tap(cooked=True) as tap:
            tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            act()
            while select.select([tap], [], [], 0.3)[0]:
                octets, (name, ethertype, kind, *_) = tap.recvfrom(65536)
                seen.append((name, kind, ethertype, octets))
        return seen

    def tun(self, interface, *addresses):
        """The descriptor of a tun device that is up and has these addresses."""
        with self.inside():
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            request = struct.pack("16sH14x", interface.encode(), IFF_TUN | IFF_NO_PI)
            fcntl.ioctl(tun, TUNSETIFF, request)
        self.ip(*(f"address add {address} dev {interface}" for address in addresses))
        self.ip(f"link set {interface} up")
        return tun


def link(near, near_name, far, far_name, mtu=1500, index=None):
    """A veth pair between two hosts, up; index is the near interface's number."""
    number = f"index {index}" if index else ""
    peer = f"type veth peer {far_name} mtu {mtu} netns {far.name}"
    near.ip(f"link add {near_name} {number} mtu {mtu} {peer}")
    for host, name in ((near, near_name), (far, far_name)):
        host.ip(f"link set {name} up")


class Wire:
    """Both ends of a veth pair: frames that arrive at near's interface, frames that leave it."""

    def __init__(self, near, near_name, far, far_name):
        self.near, self.near_mac = near, near.mac(near_name)
        self.far_mac = far.mac(far_name)
        self._into, self._out = far.tap(far_name, protocol=0), near.tap(near_name, protocol=0)

    def close(self):
        self._into.close()
        self._out.close()

    def arrive(self, ethertype, octets, tags=(), to_mac=None):
        """A packet for the near host, or for another one's MAC."""
        target = to_mac or self.near_mac
        self._into.send(packets.frame(target, self.far_mac, ethertype, octets, tags))

    def leave(self, ethertype, octets, tags=()):
        """A packet that the near host sends."""
        self._out.send(packets.frame(self.far_mac, self.near_mac, ethertype, octets, tags))

    def replay(self, path):
        """A recording: what was recorded as incoming arrives, what as outgoing leaves."""
        for count, (kind, ethertype, octets) in enumerate(packets.recording(path)):
            if kind not in RECORDED:
                raise ValueError(f"{path}: packet {count} is neither incoming nor outgoing")
            (self.arrive if kind == packets.HOST else self.leave)(ethertype, octets)
            if count % 128 == 127:
                time.sleep(0.002)  # The kernel's queue of a veth end holds 1,000 frames.


def remove_leftovers():
    """Namespaces of runs that are dead, and the processes that still live in them."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if not name.startswith(PREFIX):
            continue
        owner = name[len(PREFIX) :].split("-")[0]
        if status(owner).get("Name", "").startswith("python"):
            continue
        # Another run may be doing the same
        living = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True,
                                check=False).stdout
        for pid in living.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _clean():
    for child in list(_children):
        kill(child)
    for host in _hosts:
        host.remove()


def _on_signal(number, _frame):
    # The one exception that unittest does not take for a failed test; atexit does the rest.
    raise KeyboardInterrupt(f"signal {number}")


if os.geteuid() == 0:
    # What a child leaves behind when it is killed becomes ours, and not a stranger's, to wait for.
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    remove_leftovers()
    atexit.register(_clean)
    for _number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(_number, _on_signal)
