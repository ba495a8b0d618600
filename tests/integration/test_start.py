#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every way to start the exporter, and every way to start it wrong."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
import traffic
from exporter import ADDRESS, DOMAIN, PORT, Exporter, program

# A kernel that has no memory for rings of more than two blocks
POOR = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int option, const void *value, socklen_t bytes)
{
	const struct tpacket_req3 *request = value;

	if (level == SOL_PACKET && option == PACKET_RX_RING && request->tp_block_nr > 2) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, option, value, bytes);
}
"""
# A kernel that watches no more listening sockets
BLIND = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	int listens = 0;

	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){ sizeof(listens) });
	if (listens) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}
"""
# Socket 3 is handed over as systemd does it, 4 is a file that is not
HAND_OVER = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 9713))
stray = os.open("/etc/passwd", os.O_RDONLY)
server_copy, stray_copy = os.dup(server.fileno()), os.dup(stray)
for old, new in ((server_copy, 23), (stray_copy, 24), (23, 3), (24, 4)):
    os.dup2(old, new)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[1], sys.argv[1:])
"""
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
NO_CAPABILITY = [*AS_NOBODY, "--inh-caps=-all", "--"]
AMBIENT = [*AS_NOBODY, "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--"]


class Start(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")

    def refused(self, status, words, *flags, before_start=True, **options):
        """It ends with this status and one line that has all these words.

        Before the line that tells of the start, or after it.
        """
        code, text = Exporter.refuse(self.box, *flags, **options)
        said = f"{' '.join(flags)}: {code}: {text}"
        self.assertEqual(code, status, said)
        self.assertEqual(len(text.splitlines()), 1 if before_start else 2, said)
        for word in words:
            self.assertIn(word.lower(), text.lower(), said)


class BadInput(Start):
    def test_unknown_flag(self):
        self.refused(2, ["-dnstt.domian"], "-dnstt.domian", DOMAIN)
        self.refused(2, ["-dnstt.dom"], "-dnstt.dom", DOMAIN)

    def test_flag_without_its_value(self):
        self.refused(2, ["-log.level"], "-log.level")

    def test_leftover_argument(self):
        self.refused(2, ["eth0"], "eth0")

    def test_no_domain(self):
        self.refused(2, ["-dnstt.domain"], domains=())

    def test_bad_domain(self):
        long_label, long_name = "a" * 64 + ".example.com", ".".join(["abcdefg"] * 32)
        for domain in ("", ".", "a..b", long_label, long_name, "exa mple.com"):
            self.refused(2, ["-dnstt.domain"], domains=(domain,))

    def test_a_flag_in_the_place_of_a_domain(self):
        self.refused(2, ["-dnstt.domain"], domains=("-dnstt.port",))

    def test_the_same_domain_twice(self):
        self.refused(2, ["-dnstt.domain"], domains=(DOMAIN, DOMAIN.upper()))

    def test_bad_port(self):
        for port in ("0", "65536", "-1", "dns", "53x", "5 3", "99999999999999999999"):
            self.refused(2, ["-dnstt.port", "65535"], f"-dnstt.port={port}", port=None)

    def test_bad_interface(self):
        for name in ("", "an-interface-name-too-long", "a/b"):
            self.refused(2, ["-capture.interface"], f"-capture.interface={name}")

    def test_bad_address(self):
        for address in ("9713", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "localhost:x",
                        "[::1:9713", "::1:9713", "300.0.0.1:9713", ""):
            self.refused(2, ["-web.listen-address"], f"-web.listen-address={address}", listen=None)

    def test_bad_path(self):
        for path in ("", "metrics", "/a b", "/a?b", '/"'):
            self.refused(2, ["-web.telemetry-path"], f"-web.telemetry-path={path}")

    def test_bad_log_options(self):
        self.refused(2, ["-log.level", "debug", "info", "warn", "error"], "-log.level", "loud")
        self.refused(2, ["-log.format", "logfmt", "json"], "-log.format", "xml")


class CantStart(Start):
    def test_port_taken(self):
        taken = self.box.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        self.refused(1, [f"127.0.0.1:{PORT}", os.strerror(98)], before_start=False)

    def test_address_of_another_host(self):
        self.refused(1, ["192.0.2.77:9713", os.strerror(99)], listen="192.0.2.77:9713",
                     before_start=False)

    def test_no_privilege(self):
        host.must_have("setpriv")
        self.refused(1, ["CAP_NET_RAW", "setcap", "AmbientCapabilities"], before=NO_CAPABILITY)

    def test_no_capture_program(self):
        self.refused(1, ["/nonexistent/capture", os.strerror(2)], capture="/nonexistent/capture",
                     before_start=False)

    def preload(self, source):
        """Path of a shared object that is made of this."""
        host.must_have("cc")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        pathlib.Path(folder.name, "x.c").write_text(source)
        host.run("cc", "-shared", "-fPIC", "-o", f"{folder.name}/x.so", f"{folder.name}/x.c")
        return f"{folder.name}/x.so"

    def test_no_memory_for_the_ring(self):
        poor = pathlib.Path(self.preload(POOR))
        capture = poor.with_name("capture")
        capture.write_text(f"#!/bin/sh\nLD_PRELOAD={poor} "
                           f"exec {program('capture/dnstt_capture')}\n")
        capture.chmod(0o755)
        status, said = Exporter.refuse(self.box, capture=str(capture))
        self.assertEqual(status, 1, said)
        (line,) = (line for line in said.splitlines() if "level=info" not in line)
        for word in ("capture could not start", "-capture.ring-size", os.strerror(12)):
            self.assertIn(word, line)

    def test_a_listening_socket_that_cannot_be_watched(self):
        self.refused(1, [f"{ADDRESS}:{PORT}", os.strerror(28)], before_start=False,
                     before=["env", f"LD_PRELOAD={self.preload(BLIND)}"])

    def test_root_who_may_not_become_another(self):
        host.must_have("setpriv")
        status, said = Exporter.refuse(self.box, before=["setpriv", "--bounding-set=-setgid", "--"])
        self.assertEqual(status, 1, said)
        self.assertIn("change the user: setgroups: Operation not permitted", said)
        self.assertNotIn("-capture.program", said)

    def test_root_of_a_user_namespace_that_has_no_other_user(self):
        host.must_have("unshare")
        status, said = Exporter.refuse(self.box, before=["unshare", "--user", "--map-root-user",
                                                         "--net", "--"])
        self.assertEqual(status, 1, said)
        self.assertIn("change the user: setgroups: Operation not permitted; that takes CAP_SETUID "
                      "and CAP_SETGID, and a user namespace must map the user", said)

    def test_signals_that_were_ignored_work(self):
        before = ["env", "--ignore-signal=CHLD,TERM,HUP,PIPE", "--"]
        exporter = Exporter.start(self, self.box, before=before)
        os.kill(exporter.capture_pid(), signal.SIGKILL)
        self.assertEqual(exporter.wait(), 1, exporter.stderr())
        self.assertIn("capture was killed", exporter.stderr())
        self.assertIn("signal=KILL", exporter.stderr())
        exporter = Exporter.start(self, self.box, before=before)
        self.assertEqual(exporter.stop(), 0, exporter.stderr())


class Ways(Start):
    def serves(self, **options):
        """It counts what passes, and an unprivileged user runs both processes."""
        exporter = Exporter.start(self, self.box, **options)
        traffic.serve(self, self.box.udp("127.0.0.1", 53))
        with self.box.udp("127.0.0.1") as resolver:
            tally = traffic.talk(resolver, ("127.0.0.1", 53))
        exporter.expect(self, tally.counts())
        for pid in (exporter.pid, exporter.capture_pid()):
            self.assertNotIn("0", host.status(pid)["Uid"].split())
            self.assertNotIn("0", host.status(pid)["Gid"].split())
        self.assertEqual(exporter.stop(), 0, exporter.stderr())

    def test_as_root(self):
        self.serves()

    def test_with_an_ambient_capability(self):
        host.must_have("setpriv")
        self.serves(before=AMBIENT)

    def test_with_file_capabilities(self):
        host.must_have("setpriv", "setcap")
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(program("exporter/dnstt_exporter"), folder)
            host.run("setcap", "cap_net_raw+ep", copy)
            self.serves(binary=copy, before=NO_CAPABILITY)

    def test_the_command_line_of_the_original(self):
        command = [program("exporter/dnstt_exporter"), "-dnstt.domain", DOMAIN, "-dnstt.port", "53",
                   "-web.listen-address", ":9713"]
        exporter = Exporter.start(self, self.box, listen=":9713")
        self.assertEqual(set(command) - set(exporter.command), set())
        for address in ("127.0.0.1", "::1"):
            self.assertEqual(exporter.get("/metrics", address=address).status, 200)

    def test_an_unspecified_address_is_every_address(self):
        for listen, more in (("0.0.0.0:9713", ()), ("[::]:9713", ()),
                             ("127.0.0.1:9713", ("-web.listen-address", "[::]:9713",
                                                 "-web.listen-address", "0.0.0.0:9713"))):
            exporter = Exporter.start(self, self.box, *more, listen=listen)
            for address in ("127.0.0.1", "::1"):
                self.assertEqual(exporter.get("/metrics", address=address).status, 200, listen)
            exporter.stop()

    def test_several_addresses_and_another_path(self):
        exporter = Exporter(self.box, "--web.listen-address=[::1]:9714", "-web.telemetry-path=/m")
        self.addCleanup(exporter.kill)
        host.eventually(lambda: self.assertIsNotNone(exporter.capture_pid()))
        self.assertEqual(exporter.get("/m").status, 200)
        self.assertEqual(exporter.get("/m", address="::1", port=9714).status, 200)
        self.assertEqual(exporter.get("/metrics").status, 404)

    def test_metrics_at_the_root(self):
        exporter = Exporter(self.box, "-web.telemetry-path=/")
        self.addCleanup(exporter.kill)
        host.eventually(lambda: self.assertIsNotNone(exporter.capture_pid()))
        self.assertIn("\ndnstt_queries_total{", exporter.get("/").text)

    def test_without_proc(self):
        host.must_have("unshare")
        before = ["unshare", "--mount", "sh", "-c",
                  'mount -t tmpfs none /proc && exec "$@"', "sh"]
        exporter = Exporter.start(self, self.box, before=before)
        names = {name for name in exporter.scrape().families if name.startswith("process_")}
        self.assertEqual(names, {"process_cpu_seconds_total", "process_max_fds",
                                 "process_start_time_seconds", "process_virtual_memory_max_bytes"})
        self.assertEqual(exporter.stop(), 0, exporter.stderr())

    def inherits(self, *flags, **options):
        """Files that it has opened by now, and did not open itself."""
        exporter = Exporter.start(self, self.box, *flags, **options)
        folder = f"/proc/{exporter.pid}/fd"
        held = {}
        for number in os.listdir(folder):
            # The connection of the last scrape may go meanwhile
            with contextlib.suppress(FileNotFoundError):
                held[int(number)] = os.readlink(f"{folder}/{number}")
        self.assertEqual(exporter.stop(), 0)
        return {number for number, file in held.items() if file == "/etc/passwd"}, held

    def test_inherited_descriptors_are_closed(self):
        for variables in ("", "LISTEN_FDS=9", "LISTEN_FDS=9 LISTEN_PID=1",
                          "LISTEN_FDS=9 LISTEN_PID=$$"):
            before = ["sh", "-c", f'{variables} exec "$@" 7</etc/passwd 9</etc/passwd', "sh"]
            self.assertEqual(self.inherits(before=before)[0], set(), variables)

    def test_of_inherited_descriptors_what_systemd_hands_over_is_kept(self):
        stray, held = self.inherits("-web.systemd-socket", listen=None,
                                    before=[sys.executable, "-c", HAND_OVER])
        self.assertEqual(stray, set())
        self.assertTrue(held[3].startswith("socket:"), held)

    def test_version_and_help_need_nothing(self):
        for flag, word in (("-version", "dnstt_exporter, version "), ("-help", "-dnstt.domain")):
            done = subprocess.run([program("exporter/dnstt_exporter"), flag], capture_output=True,
                                  text=True, check=False, timeout=5)
            self.assertEqual(done.returncode, 0)
            self.assertIn(word, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
