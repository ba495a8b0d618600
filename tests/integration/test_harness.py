#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The test tools themselves: what they send, what arrives, what they would let pass."""

import collections
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exposition
import host
import packets
import traffic
from exporter import FIXTURES

TESTS = pathlib.Path(__file__).resolve().parent.parent
RECORDINGS = sorted(FIXTURES.glob("*.pcap"))


class Messages(unittest.TestCase):
    def test_documented_example(self):
        payload = b"CLIENTID\xe3\xd9\xa3\x15\x22supercalifragilisticexpialidocious"
        name = dnstt.split_name(dnstt.tunnel_name(payload, "t.example.com"))
        self.assertEqual(
            b".".join(name).decode(),
            "ingesrkokreujy6zumkse43vobsxey3bnruwm4tbm5uwy2ltoruwgzlyobuwc3d."
            "jmrxwg2lpovzq.t.example.com",
        )

    def test_server_answers_the_recorded_queries_as_dnstt_server_did(self):
        server = dnstt.Server()
        for path in RECORDINGS:
            asked, compared = {}, collections.Counter()
            for kind, ethertype, octets in packets.recording(path):
                source, target, message = packets.udp_message(ethertype, octets)
                if kind == packets.HOST:
                    asked[source, message[:2]] = message
                    continue
                answer = server.answer(asked[target, message[:2]])
                compared[dnstt.rcode(message)] += 1
                if dnstt.rcode(message):
                    self.assertEqual(answer, message)
                else:
                    # What follows the answer's TTL depends on what waited for the client.
                    same = dnstt.read_name(message, 12)[1] + 4 + 10
                    self.assertEqual(answer[:same], message[:same])
            self.assertGreater(compared[0], 700)
            self.assertGreater(compared[3], 200)

    def test_each_rule_has_a_query_that_breaks_it(self):
        server = dnstt.Server()
        for verdict, message in dnstt.refused().items():
            wanted = "accepted" if verdict == "framing" else verdict
            self.assertEqual(server.judge(message)[0], wanted)


class Exposition(unittest.TestCase):
    GOOD = "# HELP a_total A.\n# TYPE a_total counter\na_total{d=\"x\\\"y\"} 1\na_total 2.5\n"

    def test_values_and_labels(self):
        scrape = exposition.Scrape(self.GOOD)
        self.assertEqual(scrape.value("a_total", d='x"y'), 1)
        self.assertEqual(scrape.sum("a_total"), 3.5)

    def test_what_is_refused(self):
        for wrong in (
            self.GOOD[:-1],
            self.GOOD + "\n",
            self.GOOD + "a_total 3\n",
            self.GOOD + "b_total 3\n",
            self.GOOD + "# HELP a_total A.\n# TYPE a_total counter\n",
            self.GOOD.replace("# HELP a_total A.\n", ""),
            self.GOOD.replace("# TYPE a_total counter\n", ""),
            self.GOOD.replace("a_total", "a"),
            self.GOOD.replace("counter", "gauge"),
            self.GOOD.replace("2.5", "two"),
            self.GOOD.replace("\n", "\r\n"),
            self.GOOD.replace('{d="x\\"y"}', '{d="x",d="y"}'),
            self.GOOD.replace('{d="x\\"y"}', '{d="x\\q"}'),
            self.GOOD.replace('{d="x\\"y"}', '{d=""}'),
            self.GOOD + "# HELP b B.\n",
        ):
            with self.assertRaises(ValueError, msg=wrong):
                exposition.read(wrong)


class Run(unittest.TestCase):
    """tests/run, in a folder with tests of its own"""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dnstt-it-"))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copy(TESTS / "run", self.put("tests/run", ""))
        self.put("exporter/install-packages", "#!/bin/sh\n").chmod(0o755)
        for name in ("exporter/packages", "tests/packages"):
            self.put(name, "")

    def put(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_step(self, step, must_work, **more):
        """(exit status, what it said)"""
        environment = {**os.environ, "MUST_WORK": must_work, **more}
        done = subprocess.run([self.folder / "tests/run", step], capture_output=True, text=True,
                              check=False, env=environment)
        return done.returncode, done.stdout + done.stderr

    def put_test(self, body):
        self.put("tests/integration/test_it.py",
                 "import unittest\nclass It(unittest.TestCase):\n"
                 f"    def test_that(self): {body}\n"
                 "    def test_other(self): pass\nunittest.main()\n")

    def test_what_is_skipped_is_told_and_a_failure_where_all_must_work(self):
        host.must_be_root()
        self.put_test("self.skipTest('no such program')")
        for must_work, status, verdict in (("0", 0, "passed"), ("1", 1, "FAILED")):
            returned, said = self.run_step("integration", must_work)
            self.assertEqual(returned, status, said)
            self.assertRegex(said, rf"{verdict} +integration \(")
            self.assertRegex(said, r"skipped: test_it.py: test_that \(.*\): no such program")

    def test_nothing_is_told_of_tests_that_pass(self):
        host.must_be_root()
        self.put_test("pass")
        returned, said = self.run_step("integration", "1")
        self.assertEqual(returned, 0, said)
        self.assertRegex(said, r"^passed  integration \(\d+ s\)\n1 passed, 0 failed, 0 skipped\n$")

    def test_what_a_failed_test_says_is_shown(self):
        host.must_be_root()
        self.put_test("self.fail('for a reason')")
        returned, said = self.run_step("integration", "0")
        self.assertEqual(returned, 1)
        self.assertIn("FAILED  integration", said)
        self.assertIn("AssertionError: for a reason", said)

    def test_files_run_beside_each_other_but_for_this_one(self):
        host.must_be_root()
        beside = [f"test_{i}" for i in range(3)] + ["test_web_config"]
        for name in (*beside, "test_harness"):
            self.put(f"tests/integration/{name}.py",
                     "import pathlib, time, unittest\nclass It(unittest.TestCase):\n"
                     "    def test_that(self):\n"
                     f"        mark = pathlib.Path('{self.folder}/{name}.runs')\n"
                     "        mark.touch()\n        time.sleep(2)\n"
                     "        seen = len(list(mark.parent.glob('*.runs')))\n"
                     "        mark.unlink()\n        with open(mark.parent / 'most', 'a') as most:\n"
                     f"            print('{name}', seen, file=most)\n"
                     "unittest.main()\n")
        for step in "integration", "alone":
            returned, said = self.run_step(step, "1", BESIDE="4")
            self.assertEqual(returned, 0, said)
        lines = (self.folder / "most").read_text().splitlines()
        seen = dict(line.split() for line in lines)
        self.assertEqual(len(lines), 5)
        self.assertEqual(seen["test_harness"], "1")
        self.assertEqual(max(int(seen[name]) for name in beside), 4)

    def test_what_waits_for_minutes_is_a_part_of_long_alone(self):
        host.must_be_root()
        self.put("tests/integration/test_replaced.py", "raise SystemExit('it ran')\n")
        self.put_test("pass")
        returned, said = self.run_step("integration", "1")
        self.assertEqual(returned, 0, said)
        returned, said = self.run_step("waiting", "1")
        self.assertEqual(returned, 1, said)
        self.assertIn("it ran", said)

    def put_build(self, *tests):
        """A meson and a ninja that do nothing but write their arguments down."""
        for name in "meson", "ninja":
            self.put(f"bin/{name}", f'#!/bin/sh\necho {name} "$@" >>{self.folder}/called\n'
                     'mkdir -p build-quick/meson-logs; : >build-quick/meson-logs/testlog.txt\n'
                     ).chmod(0o755)
        for test in tests:
            self.put(test, "#!/bin/sh\necho new\n").chmod(0o755)
        return {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def test_quick_says_what_it_lacks_and_how_to_get_it(self):
        environment = self.put_build()
        self.put("bin/pkg-config", "#!/bin/sh\nexit 1\n").chmod(0o755)
        returned, said = self.run_step("quick", "0", **environment)
        self.assertEqual(returned, 1)
        self.assertRegex(said, r"^missing: cmocka; install .* libcmocka-dev\n$")
        self.assertFalse((self.folder / "called").exists())

    def test_quick_says_what_it_left_out(self):
        environment = self.put_build()
        self.put("bin/pkg-config", "#!/bin/sh\n").chmod(0o755)
        self.put("tests/unit/test_module.c", "")
        for name in "tests/rooms", "tests/reference/differential.py":
            self.put(name, "#!/usr/bin/python3\n").chmod(0o755)
        returned, said = self.run_step("quick", "0", **environment)
        self.assertEqual(returned, 0, said)
        self.assertIn("skipped: test_module: not built, as what it needs is missing", said)
        self.assertRegex(said, r"skipped quick_format: needs clang-format, and git")
        self.assertRegex(said, r"left out: .* \(sudo tests/run\)\n$")

    def test_nothing_is_tested_without_a_build(self):
        environment = self.put_build()
        self.put("bin/pkg-config", "#!/bin/sh\n").chmod(0o755)
        self.put("bin/ninja", "#!/bin/sh\necho no such file; exit 1\n").chmod(0o755)
        returned, said = self.run_step("quick", "0", **environment)
        self.assertEqual(returned, 1)
        self.assertIn("no such file", said)
        self.assertIn("0 passed, 1 failed, 0 skipped", said)

    def test_golden_writes_what_the_build_prints(self):
        programs = {"tests/unit/exposition.txt": "tests/unit/exposition_sample",
                    "tests/fixtures/capture.pfc": "tests/probe_capture",
                    "tests/fixtures/exporter.pfc": "tests/probe_exporter"}
        environment = self.put_build(*(f"build-quick/{name}" for name in programs.values()))
        self.put("bin/pkg-config", "#!/bin/sh\n").chmod(0o755)
        for name in programs:
            self.put(name, "old\n")
        returned, said = self.run_step("golden", "0", **environment)
        self.assertEqual(returned, 0, said)
        self.assertEqual([(self.folder / name).read_text() for name in programs], ["new\n"] * 3)

    def test_golden_leaves_a_file_alone_whose_program_fails(self):
        environment = self.put_build("build-quick/tests/unit/exposition_sample")
        self.put("bin/pkg-config", "#!/bin/sh\n").chmod(0o755)
        self.put("build-quick/tests/unit/exposition_sample", "#!/bin/sh\necho half; exit 3\n")
        self.put("tests/unit/exposition.txt", "old\n")
        returned, said = self.run_step("golden", "0", **environment)
        self.assertEqual(returned, 1, said)
        self.assertIn("status 3", said)
        self.assertEqual((self.folder / "tests/unit/exposition.txt").read_text(), "old\n")

    def test_seed_is_told_of_a_step_that_passes(self):
        self.put("tests/reference/differential.py", "import sys\nprint(*sys.argv)\n")
        returned, said = self.run_step("differential", "1", SEED="4711", DIFFERENTIAL="12")
        self.assertEqual(returned, 0, said)
        self.assertRegex(said, r"passed  differential \(.*\)\n +note: SEED=4711 DIFFERENTIAL=12\n")


class Hosts(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.near, self.far = host.Host.make(self, "near"), host.Host.make(self, "far")
        host.link(self.near, "eth0", self.far, "peer")
        self.wire = host.Wire(self.near, "eth0", self.far, "peer")
        self.addCleanup(self.wire.close)

    def test_replay_gives_each_packet_its_direction(self):
        for path in RECORDINGS:
            recorded = list(packets.recording(path))
            seen = self.near.sights(lambda: self.wire.replay(path))
            got = [(kind, ethertype, octets) for _, kind, ethertype, octets in seen
                   if 53 in (packets.udp_message(ethertype, octets) or ())[:2]]
            self.assertEqual(len(got), len(recorded))
            self.assertEqual(got, recorded)

    def test_tcpdump_reads_the_built_packets(self):
        host.must_have("tcpdump")
        message = dnstt.Client().poll()
        v4 = ("192.0.2.9", 5000), ("192.0.2.1", 53)
        v6 = ("2001:db8::9", 5000), ("2001:db8::1", 53)
        built = [
            packets.packet(*v4, message),
            packets.packet(*v4, message, options=b"\x94\x04\0\0"),
            packets.packet(*v6, message),
            packets.packet(*v6, message, extensions=[(0, bytes(2) + b"\x01\x04" + bytes(4)),
                                                     (60, bytes(2) + b"\x01\x04" + bytes(4))]),
        ]
        with self.near.inside():
            dump = host.spawn(
                ["tcpdump", "-ni", "eth0", "-vv", "-c", "4", "-Q", "in", "udp or ip6"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        self.assertIn("listening", dump.stderr.readline())
        for one in built:
            self.wire.arrive(*one)
        text = dump.communicate(timeout=10)[0]
        host.end(dump)
        self.assertEqual(text.count("TXT? "), 4)
        self.assertEqual(text.count("udp sum ok"), 4)
        self.assertNotIn("bad", text)

    def test_a_real_talk_is_tallied(self):
        self.near.ip("address add 192.0.2.1/24 dev eth0")
        self.far.ip("address add 192.0.2.2/24 dev peer")
        traffic.serve(self, self.near.udp("192.0.2.1", 53))
        with self.far.udp("192.0.2.2") as resolver:
            counts = traffic.talk(resolver, ("192.0.2.1", 53), clients=2, queries=3).counts()
        self.assertEqual(counts["queries"], 6)
        self.assertEqual(counts["sessions"], 2)
        minimised = counts["rejected"]["qtype"]
        self.assertEqual(counts["responses"], {"NOERROR": 6, "NXDOMAIN": minimised})

    def test_a_run_that_was_killed_is_cleaned_up_by_the_next(self):
        code = ("import host, os; h = host.Host('dead');"
                "h.spawn(['sleep', '60'], stdout=-3, stderr=-3);"
                "print(h.name, flush=True); os.kill(os.getpid(), 9)")
        here = os.path.dirname(os.path.abspath(__file__))
        dead = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True,
                              text=True, check=False)
        name = dead.stdout.strip()
        self.assertIn(name, os.listdir("/run/netns"))
        self.assertNotEqual(host.run("ip", "netns", "pids", name), "")
        host.remove_leftovers()
        self.assertNotIn(name, os.listdir("/run/netns"))


if __name__ == "__main__":
    unittest.main()
