#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A capture that lies: the exporter says so in one line, kills it, and ends with status 1.

Messages are laid out as common/record.h has them. Those of test_true_messages_are_taken are right,
so whatever is refused here is refused for the one thing in which it differs from them.
"""

import errno
import os
import pathlib
import re
import signal
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import DOMAIN, Exporter

HEADER = pathlib.Path(__file__).resolve().parents[2] / "common" / "record.h"


def constants(text):
    """Members of the enumerations of a C header, by name."""
    found = {}
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    for body in re.findall(r"\benum\s+\w+\s*\{(.*?)\}", text, re.DOTALL):
        number = 0
        for member in filter(None, map(str.strip, body.split(","))):
            name, _, value = (part.strip() for part in member.partition("="))
            number = int(value, 0) if value else number
            found[name] = number
            number += 1
    return found


C = constants(HEADER.read_text())
MAGIC, VERSION = 0x44545358, 2
HELLO, FAILURE, TRAFFIC = C["BATCH_HELLO"], C["BATCH_FAILURE"], C["BATCH_TRAFFIC"]
QUERY, RESPONSE, MORE = C["RECORD_QUERY"], C["RECORD_RESPONSE"], C["RECORD_MORE"]
ACCEPTED, DOMAIN_RULE, QTYPE = C["VERDICT_ACCEPTED"], C["VERDICT_DOMAIN"], C["VERDICT_QTYPE"]
NO_DOMAIN = 255
RCODE3, TRUNCATED, KCP, ECS, SN_0 = 0x03, 0x10, 0x20, 0x40, 0x80
PUSH, ACK = 81, 82

PROGRAM = """#!/usr/bin/python3 -IS
import ctypes, os, signal, socket, time
ctypes.CDLL(None).prctl(1, 0)  # PR_SET_PDEATHSIG: whoever wants its end has to kill it
signal.signal(signal.SIGTERM, signal.SIG_IGN)
ipc = socket.socket(fileno=3)
config = ipc.recv(1 << 20)
for message, descriptors in {messages!r}:
    if descriptors:
        socket.send_fds(ipc, [message], [0])
    else:
        ipc.send(message)
{then}
"""
WAIT = "time.sleep(60)"


def header(kind=TRAFFIC, count=0, sequence=1, *, magic=MAGIC, version=VERSION, packets=0,
           ring_drops=0, stalls=0, reserved=(0, 0, 0)):
    return struct.pack("=IBBHQQQQQQQ", magic, version, kind, count, sequence, packets, ring_drops,
                       stalls, *reserved)


def hello(ring=32 << 20, landlock=0, sealed=0, cuts=0, **more):
    body = struct.pack("=IIII", ring, landlock, sealed, cuts)
    return header(HELLO, **{"sequence": 0, **more}) + body


def record(kind=QUERY, verdict=ACCEPTED, domain=0, flags=0, *, ident=b"CLIENTID", content=b"",
           conv=0, una=0, bytes_=100, payload=24, edns=None, qname=None, segments=0):
    address = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 9])
    is_asked = kind == QUERY and verdict == ACCEPTED
    edns = (1232 if is_asked else 0) if edns is None else edns
    qname = (90 if is_asked else 0) if qname is None else qname
    return struct.pack("=8s16s8sIIIIHHHHHBBBBBB", ident, address, content, conv, una, 1, 0, 5353,
                       4711, bytes_, payload, edns, qname, segments, domain, kind, verdict, flags)


def more(*segments, kind=MORE, domain=0, verdict=0, flags=0):
    """Up to five segments, each (sn, command, bytes, reserved)."""
    packed = b"".join(struct.pack("=IIHBB", 7, sn, carried, command, reserved)
                      for sn, command, carried, reserved in segments)
    return packed.ljust(60, b"\0") + bytes([domain, kind, verdict, flags])


def segments(count, command=PUSH, carried=1):
    return [(sn, command, carried, 0) for sn in range(count)]


def walked(count, **others):
    """A message that says that it has so many segments."""
    return record(**{"flags": KCP, "segments": count, **others})


def refused(**more_fields):
    """A query record that was refused and therefore holds no session."""
    return record(**{"verdict": QTYPE, "ident": b"", "payload": 0, **more_fields})


def traffic(*records, **more):
    return header(TRAFFIC, **{"count": len(records), **more}) + b"".join(records)


class HostileCapture(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.folder = pathlib.Path(folder.name)

    def program(self, *messages, then=WAIT):
        """Path of a program that sends these; a tuple (message, True) carries a descriptor."""
        listed = [m if isinstance(m, tuple) else (m, False) for m in messages]
        path = self.folder / self.folder.name  # a name that no other process has
        path.write_text(PROGRAM.format(messages=listed, then=then))
        path.chmod(0o755)
        return str(path)

    def still_there(self):
        """Processes that run our program, which they no longer do when this returns."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = pathlib.Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"python" in command[0] and command[2:3] == [self.folder.name.encode()]:
                os.kill(int(pid), signal.SIGKILL)
                host.reap(int(pid))
                found.append(int(pid))
        return found

    def caught(self, *messages, words=(), then=WAIT, timeout=5):
        """The exporter ends with status 1 and one line of error, and capture is gone."""
        capture = self.program(*messages, then=then)
        status, text = Exporter.refuse(self.box, capture=capture, timeout=timeout)
        errors = [line for line in text.splitlines() if "level=error" in line.lower()]
        self.assertEqual(status, 1, text)
        self.assertEqual(len(errors), 1, text)
        for word in words:
            self.assertIn(word, errors[0])
        self.assertEqual(self.still_there(), [])

    def test_true_messages_are_taken(self):
        capture = self.program(
            hello(),
            traffic(record(), record(ident=b"CLIENTIE"), refused(), packets=4),
            traffic(record(RESPONSE, bytes_=300), refused(kind=RESPONSE, flags=RCODE3),
                    sequence=2, packets=7, ring_drops=5, stalls=3),
            traffic(sequence=3, packets=7, ring_drops=5, stalls=3),
        )
        exporter = Exporter(self.box, capture=capture)
        self.addCleanup(exporter.kill)

        def counted():
            try:
                counts = exporter.counted()
            except OSError as error:
                raise AssertionError(f"{error}; {exporter.stderr()}") from error
            self.assertEqual(
                counts,
                {"queries": 2, "bytes_in": 200, "bytes_out": 300, "sessions": 2, "active": 2,
                 "responses": {"NOERROR": 1, "NXDOMAIN": 1}, "rejected": {"qtype": 1},
                 "duplicates": 0, "retransmitted": counts["retransmitted"],
                 "drops": {"ring": 5}},
            )

        host.eventually(counted)
        self.assertEqual(exporter.scrape().value("dnstt_capture_packets_total"), 7)
        self.assertEqual(exporter.scrape().value("dnstt_capture_stalls_total"), 3)
        self.assertEqual(exporter.stop(), 0)
        self.assertEqual(self.still_there(), [])

    def test_true_segments_are_taken(self):
        push = walked(6, flags=KCP | SN_0), more(*segments(5)), more((5, PUSH, 24, 0))
        ack = walked(1, una=6), more((0, ACK, 0, 0))
        answer = walked(1, kind=RESPONSE, una=6), more((0, PUSH, 24, 0))
        capture = self.program(
            hello(),
            traffic(*push, *answer, *ack, packets=3),
            traffic(walked(170, kind=RESPONSE, payload=4080, bytes_=5000),
                    *[more(*segments(5))] * 34, sequence=2, packets=4),
        )
        exporter = Exporter(self.box, capture=capture)
        self.addCleanup(exporter.kill)

        def counted():
            try:
                counts = exporter.counted()
            except OSError as error:
                raise AssertionError(f"{error}; {exporter.stderr()}") from error
            self.assertEqual((counts["queries"], counts["responses"]), (2, {"NOERROR": 2}))

        host.eventually(counted)
        self.assertEqual(exporter.scrape().sum("dnstt_kcp_segments_total", direction="in"), 6)
        self.assertEqual(exporter.scrape().sum("dnstt_kcp_segments_total", direction="out"), 171)
        self.assertEqual(exporter.stop(), 0)
        self.assertEqual(self.still_there(), [])

    def test_messages_of_the_wrong_length(self):
        good = traffic(record())
        for wrong in (good[:1], good[:63], good[:64], good[:-1], good + b"\0", good + record(),
                      traffic(record(), count=2), traffic(record(), count=0), hello()[:-1]):
            self.caught(hello(), wrong)
        self.caught(hello() + b"\0")
        self.caught(hello()[:64])

    def test_messages_longer_than_any(self):
        self.caught(hello(), traffic(*[record()] * 512) + record())
        self.caught(hello(), traffic(*[record()] * 513))

    def test_an_empty_message(self):
        self.caught(hello(), b"")
        self.caught(b"")

    def test_headers_with_a_wrong_field(self):
        for field in (
            {"magic": MAGIC ^ 1},
            {"magic": struct.unpack(">I", struct.pack("<I", MAGIC))[0]},
            {"version": 0},
            {"version": 1},
            {"version": 3},
            {"kind": 0},
            {"kind": C["BATCH_TYPES"]},
            {"kind": 255},
            {"count": 513},
            {"count": 65535},
            {"reserved": (1, 0, 0)},
            {"reserved": (0, 1 << 63, 0)},
            {"reserved": (0, 0, 1)},
        ):
            self.caught(hello(), header(**{"packets": 1, **field}))

    def test_sequences(self):
        self.caught(hello(), traffic(sequence=0), words=["sequence"])
        self.caught(hello(), traffic(sequence=2), words=["sequence"])
        self.caught(hello(), traffic(record()), traffic(record()), words=["sequence"])
        self.caught(hello(), traffic(sequence=2**64 - 1), words=["sequence"])
        self.caught(hello(sequence=1), words=["sequence"])

    def test_messages_out_of_place(self):
        self.caught(traffic(sequence=0))
        self.caught(hello(), hello(sequence=1))
        self.caught(hello(), hello(sequence=0))

    def test_hellos_with_unknown_bits(self):
        self.caught(hello(sealed=2))
        self.caught(hello(cuts=2))
        self.caught(hello(count=1))

    def test_counters_that_run_backwards(self):
        for counter in ("packets", "ring_drops", "stalls"):
            self.caught(hello(), traffic(**{counter: 2}), traffic(sequence=2, **{counter: 1}),
                        words=["backwards"])

    def test_records_out_of_range(self):
        for word, wrong in (
            ("kind", record(kind=0)),
            ("kind", record(kind=C["RECORD_MORE"] + 1)),
            ("verdict", refused(verdict=C["VERDICTS"])),
            ("verdict", refused(verdict=255)),
            ("domain", record(domain=1)),
            ("domain", record(domain=64)),
            ("domain", record(domain=NO_DOMAIN)),
            ("domain", refused(verdict=DOMAIN_RULE, domain=0)),
            ("domain", refused(domain=NO_DOMAIN)),
            ("domain", refused(domain=1)),
            ("kind", more()),
            ("header", record(flags=SN_0)),
            ("header", record(RESPONSE, flags=SN_0)),
            ("flags", record(flags=RCODE3)),
            ("flags", record(flags=TRUNCATED)),
            ("flags", record(RESPONSE, flags=ECS)),
            ("payload", record(bytes_=100, payload=101)),
            ("session", refused(ident=b"CLIENTID")),
            ("session", refused(content=b"\x01")),
            ("session", refused(content=b"\0\0\0\0\0\0\0\x01")),
            ("session", refused(payload=1)),
            ("session", refused(flags=KCP)),
            ("session", refused(flags=ECS)),
            ("header", record(conv=1)),
            ("header", record(una=1)),
            ("header", record(segments=1)),
            ("header", refused(una=1)),
            ("client wrote", record(RESPONSE, content=b"\x01")),
            ("asked", record(edns=511)),
            ("asked", record(qname=0)),
            ("asked", record(RESPONSE, edns=512)),
            ("asked", refused(qname=1)),
            ("lacks", walked(1)),
        ):
            self.caught(hello(), traffic(wrong, packets=1), words=[word])
            # The last of a full batch is looked at as the first is.
            self.caught(hello(), traffic(*[record()] * 511, wrong, packets=512), words=[word])

    def test_segments_out_of_range(self):
        four = segments(4)
        for word, *wrong in (
            ("lacks", walked(1)),
            ("lacks", walked(6), more(*segments(5))),
            ("lacks", walked(170), *[more(*segments(5))] * 33),
            ("too many", walked(171), *[more(*segments(5))] * 34, more((0, PUSH, 1, 0))),
            ("too many", walked(255), *[more(*segments(5))] * 51),
            ("kind", more(*segments(5))),
            ("kind", record(), more(*segments(5))),
            ("kind", walked(5), more(*segments(5)), more(*segments(5))),
            ("followed", walked(1), record()),
            ("followed", walked(6), more(*segments(5)), record()),
            ("followed", walked(5), more(*segments(5), kind=QUERY)),
            ("followed", walked(5), more(*segments(5), domain=1)),
            ("followed", walked(5), more(*segments(5), verdict=1)),
            ("followed", walked(5), more(*segments(5), flags=KCP)),
            ("unused", walked(4), more(*segments(5))),
            ("unused", walked(4), more(*four)[:59] + b"\1" + more()[60:]),
            ("unused", walked(6), more(*segments(5)), more(*segments(2))),
            ("command", walked(5), more(*four, (0, 0, 0, 0))),
            ("command", walked(5), more(*four, (0, 80, 0, 0))),
            ("command", walked(5), more(*four, (0, 83, 0, 0))),
            ("command", walked(5, kind=RESPONSE), more(*four, (0, ACK, 0, 0))),
            ("exceeds", walked(5), more(*four, (0, PUSH, 25, 0))),
            ("exceeds", walked(5), more(*four, (0, PUSH, 0, 1))),
            ("header", walked(5, flags=0), more(*segments(5))),
        ):
            self.caught(hello(), traffic(*wrong, packets=1), words=[word])
            before = [record()] * (512 - len(wrong))
            self.caught(hello(), traffic(*before, *wrong, packets=512), words=[word])

    def test_a_descriptor_with_a_message(self):
        self.caught((hello(), True))
        self.caught(hello(), (traffic(record()), True))

    def test_failures_are_told(self):
        for stage in range(1, C["FAILURE_STAGES"]):
            failure = header(FAILURE, sequence=0) + struct.pack("=II", stage, 12)
            self.caught(failure, words=[os.strerror(12)])
            # One that runs can fail too
            failure = header(FAILURE, sequence=1) + struct.pack("=II", stage, 12)
            self.caught(hello(), failure, words=["could not go on", os.strerror(12)])
        none = C["FAILURE_STAGES"]
        for wrong in (struct.pack("=II", 0, 1), struct.pack("=II", none, 1), struct.pack("=I", 1)):
            self.caught(header(FAILURE, sequence=0) + wrong)

    def test_endings_are_told(self):
        self.caught(hello(), then="raise SystemExit(0)")
        self.caught(hello(), then="raise SystemExit(7)", words=["status=7"])
        unsent = 128 + errno.EPERM  # FAILURE_UNSENT
        self.caught(hello(), then=f"raise SystemExit({unsent})", words=["sendto", os.strerror(1)])
        self.caught(then="raise SystemExit(0)")
        for number in (signal.SIGKILL, signal.SIGSYS):
            self.caught(hello(), then=f"os.kill(os.getpid(), {int(number)})",
                        words=[f"signal={number.name[3:]}"])

    def test_a_socket_that_is_closed_by_a_process_that_stays(self):
        self.caught(hello(), then="ipc.close(); time.sleep(60)")

    def test_one_that_never_says_hello(self):
        self.caught(timeout=12)

    def test_a_flood_of_true_messages_stops_nobody(self):
        flood = ("number = 1\nimport struct\nwhile True:\n"
                 f"    ipc.send({traffic(*[record()] * 512)!r}[:8] + struct.pack('=Q', number) +"
                 f" {traffic(*[record()] * 512)!r}[16:])\n    number += 1")
        exporter = Exporter(self.box, capture=self.program(hello(), then=flood))
        self.addCleanup(exporter.kill)

        def answered():
            try:
                self.assertGreater(exporter.counted(DOMAIN)["queries"], 100000)
            except OSError as error:
                raise AssertionError(f"{error}; {exporter.stderr()}") from error

        host.eventually(answered)
        self.assertEqual(exporter.stop(), 0)
        self.assertEqual(self.still_there(), [])


if __name__ == "__main__":
    unittest.main()
