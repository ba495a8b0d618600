# SPDX-License-Identifier: MIT
"""Two network namespaces joined by a veth: a sender on one core, the host it sends to on another."""

import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLONE_NEWNET = 0x40000000
# What a packet socket on one core offers whatever it sends to. Beyond it the kernel makes the packets
# (inject.h), the same ones; but they come in bursts, and no veth is in their way.
SOCKET_RATE = 200_000
FLOOD_RATE = 200_000

libc = ctypes.CDLL(None, use_errno=True)


def made_in_kernel(rate):
    return rate > SOCKET_RATE


def run(*argv, check=True):
    return subprocess.run(argv, check=check, text=True, capture_output=True).stdout


def set_namespace(handle):
    if libc.setns(handle.fileno(), CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), f"setns {handle.name}")


def enter_namespace(path):
    with open(path, encoding="ascii") as handle:
        set_namespace(handle)


def descendants(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += descendants(int(child))
    return found


def cpu_seconds(pid):
    """Of all threads of a process and its children, to the nanosecond"""
    total = 0
    for process in descendants(pid):
        for stat in pathlib.Path(f"/proc/{process}/task").glob("*/schedstat"):
            total += int(stat.read_text().split()[0])
    return total / 1e9


def resident_bytes(pid):
    """Of one process; smaps_rollup is exact where status lags behind"""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    return 0


def reserved_bytes(pid):
    """What of one process is private and writable, whether it was touched or not"""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def ring_bytes(pid):
    """Of what resident_bytes() says, the memory of packet sockets"""
    found, inside = 0, False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            inside = "socket:" in line
        elif inside and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


class Lab:
    """With it as a context: namespaces, interfaces and the processes in them; all gone after it."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.sender = f"dnstt-bench-{os.getpid()}-s"
        self.host = f"dnstt-bench-{os.getpid()}-h"
        self.cores = sorted(os.sched_getaffinity(0))
        self.sender_core, self.host_core = self.cores[0], self.cores[-1]
        self.processes = []

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *exception):
        self._remove()

    def _make(self):
        for name in (self.sender, self.host):
            run("ip", "netns", "add", name)
            for which in ("all", "default"):  # no neighbour discovery among what is measured
                path = f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6"
                self.inside(name, "sh", "-c", f"test ! -e {path} || echo 1 >{path}")
        run("ip", "link", "add", "va", "netns", self.sender, "type", "veth",
            "peer", "name", "vb", "netns", self.host)
        # Responses that the kernel makes arrive here first
        run("ip", "-n", self.host, "link", "add", "vr", "type", "veth", "peer", "name", "vx")
        run("ip", "-n", self.sender, "link", "set", "va", "up")
        for name in ("vb", "vr", "vx", "lo"):
            run("ip", "-n", self.host, "link", "set", name, "up")
        # No server listens: without this the kernel would spend more on refusing than on receiving.
        # Packet sockets see a packet before this rule does.
        for namespace, name in ((self.host, "vb"), (self.sender, "va")):
            self.inside(namespace, "nft", "add", "table", "netdev", "bench")
            self.inside(namespace, "nft", f"add chain netdev bench unserved {{ type filter hook ingress"
                        f" device {name} priority 0; policy drop; }}")
        self.mac = self.inside(self.host, "cat", "/sys/class/net/vb/address").strip()

    def _remove(self):
        for process in list(reversed(self.processes)):
            try:
                self.end(process)
            except RuntimeError as failure:
                print(failure)
        for name in (self.sender, self.host):
            run("ip", "netns", "del", name, check=False)

    def inside(self, namespace, *argv):
        return run("ip", "netns", "exec", namespace, *argv)

    def link(self, name, state):
        run("ip", "-n", self.host, "link", "set", name, state)

    def start(self, namespace, core, argv, **options):
        """ip and taskset execute in place, so the process is the program itself"""
        process = subprocess.Popen(["ip", "netns", "exec", namespace, "taskset", "-c", str(core),
                                    *map(str, argv)], text=True, **options)
        self.processes.append(process)
        return process

    def end(self, process, number=signal.SIGTERM):
        """What it wrote to its pipes, if it has any"""
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
        try:
            output = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise RuntimeError(f"{process.args[7]} had to be killed: 20 s after signal {number} it still ran") from None
        finally:
            if process in self.processes:
                self.processes.remove(process)
        return output

    def tool(self, name):
        return self.build / "tests" / "bench" / name

    def generator(self, rate, *, mixed=False, in_kernel=None, **options):
        """Start one; options as its command line has them: clients=1000 for --clients 1000"""
        argv = [self.tool("generator"), "--destination-mac", self.mac, "--interface", "va",
                "--host-interface", "vb", "--helper-interface", "vr",
                "--host-namespace", f"/run/netns/{self.host}", "--rate", rate]
        argv += ["--mixed"] if mixed else []
        if in_kernel is None:
            in_kernel = made_in_kernel(rate)
        argv += ["--in-kernel"] if in_kernel else []
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            argv += [flag] if value is True else [flag, value]
        return self.start(self.sender, self.sender_core, argv, stdout=subprocess.PIPE)

    def sent(self, generator, stop=False):
        """Wait for a generator and return its count"""
        if stop:
            generator.send_signal(signal.SIGTERM)
        output, _ = generator.communicate()
        self.processes.remove(generator)
        if generator.returncode:
            raise RuntimeError(f"generator ended with {generator.returncode}")
        return json.loads(output)

    def offer(self, rate, seconds, **options):
        """Send for a time"""
        return self.sent(self.generator(rate, seconds=seconds, **options))

    def received(self):
        """Packets that the veth brought to the host"""
        return int(self.inside(self.host, "cat", "/sys/class/net/vb/statistics/rx_packets"))

    def dropped_before(self):
        """Packets dropped between two cores, before any socket saw them. Not /proc/net/softnet_stat: it
        counts those on their way out too, which sockets have seen.
        """
        paths = [f"/sys/class/net/{name}/statistics/rx_dropped" for name in ("vb", "vr")]
        return sum(map(int, self.inside(self.host, "cat", *paths).split()))

    def receive_on_host_core(self, on):
        """RPS: hand received packets to the core of the receivers"""
        mask = f"{1 << self.host_core if on else 0:x}"
        for queue in ("vb", "vr"):
            self.inside(self.host, "sh", "-c",
                        f"echo {mask} >/sys/class/net/{queue}/queues/rx-0/rps_cpus")

    def socket(self, namespace, *arguments):
        """A socket stays in the namespace that it was made in"""
        with open("/proc/thread-self/ns/net", encoding="ascii") as home:
            enter_namespace(f"/run/netns/{namespace}")
            try:
                return socket.socket(*arguments)
            finally:
                set_namespace(home)


def wait_for(condition, seconds, step=0.01):
    """The first true value of a condition; the last one when time is over"""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)
