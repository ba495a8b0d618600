#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the kernel lets each process do once it is confined, and that it can work that way."""

import base64
import contextlib
import ctypes
import http.client
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
import traffic
from exporter import ADDRESS, FIXTURES, PORT, Exporter, program

SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
DATABASE = FIXTURES / "GeoLite2-Country-Test.mmdb"


def probes(test, output, least):
    """Every probe ended as it should, and there were enough of them."""
    lines = [line.split() for line in output.splitlines()]
    wrong = [f"{name}: {outcome}, not {expected}" for name, outcome, expected in lines
             if outcome != expected]
    test.assertEqual(wrong, [])
    test.assertGreaterEqual(len([1 for _, _, expected in lines if expected != "done"]), least)


def only_x86_64():
    host.must(platform.machine() == "x86_64", "system call numbers are those of x86-64")


class Probes(unittest.TestCase):
    """A process for each thing that a confined one may not do."""

    def setUp(self):
        only_x86_64()

    def test_what_a_confined_capture_tries_in_vain(self):
        host.must_be_root()
        box = host.Host.make(self, "box")
        child = box.spawn([program("tests/probe_capture")], stdout=subprocess.PIPE, text=True)
        output = child.communicate(timeout=60)[0]
        self.assertEqual(host.end(child, 0), 0)
        probes(self, output, 80)

    def test_what_a_confined_exporter_tries_in_vain(self):
        host.must_be_root()
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            os.chmod(folder, 0o777)
            pathlib.Path(folder, "database").write_bytes(b"x")
            os.symlink("/etc/passwd", f"{folder}/elsewhere")
            output = host.run(program("tests/probe_exporter"), folder)
            self.assertEqual(sorted(os.listdir(folder)), ["database", "elsewhere"])
        probes(self, output, 90)

    def test_the_policies_are_what_they_were(self):
        """After a change that is meant: tests/run golden, and read the difference."""
        for name in ("capture", "exporter"):
            printed = host.run(program(f"tests/probe_{name}"), "--pfc")
            self.assertEqual(printed, (FIXTURES / f"{name}.pfc").read_text(), name)

    def test_a_policy_has_one_rule_for_a_call(self):
        for name in ("capture", "exporter"):
            calls = re.findall(r'filter for syscall "(\w+)"', (FIXTURES / f"{name}.pfc").read_text())
            self.assertEqual(len(calls), len(set(calls)))


# Without a change of the user, which alone would make a process unreachable
AMBIENT = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
           "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--"]


# Calls whose numbers are the same on every architecture
LANDLOCK_CREATE_RULESET, MSEAL = 444, 462
PR_GET_MDWE = 66


def system_call(number, *arguments):
    return ctypes.CDLL(None).syscall(ctypes.c_long(number), *arguments)


class Live(unittest.TestCase):
    """Both processes as they run."""

    @classmethod
    def setUpClass(cls):
        host.must_be_root()
        host.must_have("setpriv")
        cls.box = host.Host.make(cls, "box")
        cls.exporter = Exporter.start(cls, cls.box, before=AMBIENT)
        cls.pids = (cls.exporter.pid, cls.exporter.capture_pid())

    def test_both_are_confined_for_good(self):
        for pid in self.pids:
            status = host.status(pid)
            self.assertEqual({key: int(status[key], 16) for key in SETS}, dict.fromkeys(SETS, 0))
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            for limit in ("processes", "core file size"):
                self.assertRegex(limits, rf"Max {limit} +0 +0")
        self.assertRegex(limits, r"Max open files +2 +2")  # of capture

    def logged(self, words):
        """What the log says of a process's confinement."""
        def line():
            found = re.findall(rf".*{words}.*", self.exporter.stderr())
            self.assertEqual(len(found), 1)
            return found[0]

        return dict(re.findall(r"(\w+)=(\S+)", host.eventually(line)))

    def test_both_have_landlock_where_the_kernel_has(self):
        abi = system_call(LANDLOCK_CREATE_RULESET, None, 0, 1)
        host.must(abi > 0, "this kernel has no Landlock")
        for words in ("capture is confined", "confining this process"):
            self.assertEqual(self.logged(words)["landlock_abi"], str(abi))

    def test_the_ring_is_sealed_where_the_kernel_seals(self):
        host.must(system_call(MSEAL, None, 0, 0) == 0, "this kernel has no mseal()")
        self.assertEqual(self.logged("capture is confined")["ring_sealed"], "yes")

    def test_writable_code_is_refused_where_the_kernel_can(self):
        host.must(ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0,
                  "this kernel does not refuse writable code")
        self.assertEqual(self.logged("confining this process")["writable_code_refused"], "yes")

    def test_nobody_of_their_user_reaches_into_them(self):
        only_x86_64()
        user = host.status(self.pids[0])["Uid"].split()[0]
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            os.chmod(folder, 0o755)
            probe = shutil.copy(program("tests/probe_reach"), folder)
            for pid in self.pids:
                # Of capture, this is the packet socket
                descriptor = max((number for number in os.listdir(f"/proc/{pid}/fd") if "socket:"
                                  in os.readlink(f"/proc/{pid}/fd/{number}")), key=int)
                output = host.run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                                  "--", probe, str(pid), descriptor)
                probes(self, output, 10)

    def test_the_exporter_holds_no_file_that_it_could_write(self):
        folder = pathlib.Path(f"/proc/{self.pids[0]}/fd")
        held = {int(number.name): os.readlink(number) for number in folder.iterdir()}
        files = {number: path for number, path in held.items()
                 if number > 2 and path.startswith("/")}
        self.assertLessEqual(set(files.values()),
                             {f"/proc/{self.pids[0]}/stat", f"/proc/{self.pids[0]}/fd"})
        self.assertNotIn("pipe", " ".join(held[number] for number in held if number > 2))


class Death(unittest.TestCase):
    def test_a_stopped_capture_goes_with_a_killed_exporter(self):
        """It can't see that the socketpair was closed: this is the kernel's doing."""
        host.must_be_root()
        exporter = Exporter.start(self, host.Host.make(self, "box"))
        capture = exporter.capture_pid()
        os.kill(capture, signal.SIGSTOP)
        exporter.process.kill()
        self.assertEqual(exporter.wait(timeout=2), -signal.SIGKILL)

        def gone():
            host.reap(capture, os.WNOHANG)
            self.assertEqual(host.status(capture), {})

        host.eventually(gone, 2)


class Server:
    """An exporter with TLS, users and a database, all of which can be replaced."""

    def __init__(self, test, *flags, **options):
        host.must_have("openssl", "htpasswd")
        self.test, self.folder = test, tempfile.mkdtemp(prefix="dnstt-it-")
        test.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        self.files = pathlib.Path(self.folder)
        shutil.copy(DATABASE, self.files / "country.mmdb")
        self.certify("first")
        self.allow("secret")
        self.exporter = Exporter(
            test.box, "-web.config.file", str(self.files / "web.yml"), "-geoip.country-database",
            str(self.files / "country.mmdb"), "-capture.interface", "lo", *flags, **options)
        test.addCleanup(self.exporter.kill)
        self.password = "secret"
        host.eventually(self.answers)

    def answers(self):
        try:
            self.test.assertEqual(self.get("/-/ready")[0], 200)
        except OSError as error:
            raise AssertionError(f"{error}: {self.exporter.stderr()}") from error

    def certify(self, name):
        host.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                 "-keyout", f"{self.folder}/key.new", "-out", f"{self.folder}/cert.new")
        os.chmod(f"{self.folder}/key.new", 0o644)
        for file in ("key", "cert"):
            os.rename(f"{self.folder}/{file}.new", f"{self.folder}/{file}.pem")

    def allow(self, password):
        user = host.run("htpasswd", "-nbBC", "6", "u", password).strip().replace(":", ": ", 1)
        (self.files / "web.yml").write_text(
            "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
            f"basic_auth_users:\n  {user}\n")
        self.password = password

    def connect(self, source=None, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if version:
            context.maximum_version = version
        with self.test.box.inside():
            plain = socket.create_connection((ADDRESS, PORT), 10, source and (source, 0))
        return context.wrap_socket(plain)

    def get(self, path="/metrics", connection=None, **options):
        token = base64.b64encode(f"u:{self.password}".encode()).decode()
        client = http.client.HTTPSConnection(ADDRESS, PORT)
        client.sock = connection or self.connect(**options)
        client.request("GET", path, headers={"Authorization": f"Basic {token}",
                                             "Accept-Encoding": "gzip"})
        response = client.getresponse()
        body = response.read()
        if not connection:
            client.close()
        return response.status, response.headers.get("Content-Encoding"), body

    def subject(self):
        with self.connect() as tls:
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))


class Works(unittest.TestCase):
    """Everything that the exporter does, confined: what it asks for is on the list."""

    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")

    def reload(self, server, words, count=1):
        before = server.exporter.stderr().count(words)
        self.hang_up(server)
        host.eventually(lambda: self.assertEqual(server.exporter.stderr().count(words),
                                                 before + count, server.exporter.stderr()))

    def hang_up(self, server):
        os.kill(server.exporter.pid, signal.SIGHUP)

    def everything(self, server):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(server.get(version=version)[:2], (200, "gzip"))
        server.password = "wrong"
        self.assertEqual(server.get()[0], 401)
        with self.box.tcp(ADDRESS, PORT) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")  # no TLS
            with contextlib.suppress(OSError):
                plain.recv(100)
        server.allow("another")
        first = server.subject()
        server.certify("second")
        os.utime(server.files / "country.mmdb")
        self.reload(server, "web configuration was reloaded")
        self.assertNotEqual(server.subject(), first)
        self.assertEqual(server.get()[0], 200)
        shutil.copy(DATABASE, server.files / "new.mmdb")
        os.rename(server.files / "new.mmdb", server.files / "country.mmdb")
        self.reload(server, "GeoIP database was replaced")
        (server.files / "country.mmdb").write_bytes(b"damaged")
        self.reload(server, "GeoIP database was not replaced")
        (server.files / "web.yml").write_text("nonsense: 1\n")
        self.reload(server, "nonsense")
        self.box.ip("link add v0 type veth peer v1", "link delete v0")
        connections = []
        for number in range(200):  # whose first requests have a deadline
            connections.append(server.connect(source=f"127.0.0.{2 + number // 50}"))
            self.assertEqual(server.get(connection=connections[-1])[0], 200)
        for connection in connections[::10]:
            self.assertEqual(server.get(connection=connection)[0], 200)
        for connection in connections:
            connection.close()

    def test_all_that_it_does(self):
        server = Server(self, "-log.level=debug")
        self.everything(server)
        with self.box.udp("127.0.0.1", 53) as udp:
            traffic.serve(self, udp)
            with self.box.udp("127.0.0.1") as resolver:
                traffic.talk(resolver, ("127.0.0.1", 53))
            host.eventually(lambda: self.assertRegex(
                server.get()[2].hex(), "^1f8b"))  # gzip
        self.assertEqual(server.exporter.stop(), 0, server.exporter.stderr())

    def test_nothing_that_it_does_is_refused(self):
        """strace shows a refused call as ENOSYS."""
        host.must_have("strace")
        log = tempfile.NamedTemporaryFile(prefix="dnstt-it-")
        self.addCleanup(log.close)
        server = Server(self, before=["strace", "-f", "-qq", "-o", log.name])
        (exporter,) = host.children(server.exporter.pid)
        self.hang_up = lambda _server: os.kill(exporter, signal.SIGHUP)
        self.everything(server)
        os.kill(exporter, signal.SIGTERM)
        self.assertEqual(server.exporter.wait(), 0, server.exporter.stderr())
        lines = [line for line in pathlib.Path(log.name).read_text().splitlines()
                 if line.startswith(f"{exporter} ")]
        # not libseccomp's questions to the kernel, which have no program
        loads = [number for number, line in enumerate(lines)
                 if "SECCOMP_SET_MODE_FILTER" in line and "{len=" in line]
        self.assertEqual(len(loads), 1)
        after = lines[loads[0] + 1:]
        self.assertEqual([line for line in after if "ENOSYS" in line or "SIGSYS" in line], [])
        calls = {call[1] for call in (re.match(r"\d+ +(\w+)\(", line) for line in after) if call}
        self.assertGreaterEqual(calls, {"accept4", "openat", "memfd_create", "mmap", "recvmsg"})
        policy = (FIXTURES / "exporter.pfc").read_text()
        allowed = set(re.findall(r'filter for syscall "(\w+)"[^#]*ALLOW', policy))
        self.assertLessEqual(calls, allowed)

    def test_a_file_that_moves_to_another_folder_is_out_of_reach(self):
        server = Server(self)
        away = tempfile.mkdtemp(prefix="dnstt-it-")
        self.addCleanup(shutil.rmtree, away)
        os.chmod(away, 0o755)
        shutil.copy(DATABASE, away)
        os.unlink(server.files / "country.mmdb")
        os.symlink(f"{away}/{DATABASE.name}", server.files / "country.mmdb")
        self.reload(server, "Permission denied")
        self.assertEqual(server.get()[0], 200)

    def test_the_folder_that_a_link_leads_to_stays_readable(self):
        """As certbot has it: live/NAME/cert.pem is a link into archive/NAME."""
        away = tempfile.mkdtemp(prefix="dnstt-it-")
        self.addCleanup(shutil.rmtree, away)
        os.chmod(away, 0o755)
        shutil.copy(DATABASE, f"{away}/1.mmdb")
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            os.chmod(folder, 0o755)
            os.symlink(f"{away}/1.mmdb", f"{folder}/link.mmdb")
            exporter = Exporter.start(self, self.box, "-geoip.country-database",
                                      f"{folder}/link.mmdb")
            shutil.copy(DATABASE, f"{away}/2.mmdb")
            os.symlink(f"{away}/2.mmdb", f"{folder}/new")
            os.rename(f"{folder}/new", f"{folder}/link.mmdb")
            os.kill(exporter.pid, signal.SIGHUP)
            host.eventually(lambda: self.assertIn("database was replaced", exporter.stderr()))


if __name__ == "__main__":
    unittest.main()
