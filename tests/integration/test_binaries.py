#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The programs as they were linked: what hardens them, what they load, what they may call."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host

CAPTURE, EXPORTER = "capture/dnstt_capture", "exporter/dnstt_exporter"
FRAME = 8192

# Everything that an object of the privileged part calls outside itself. The lists are short on
# purpose: an addition is a decision about what runs beside the packets, and belongs in SECURITY.md.
GUARDS = {"__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}
COPIES = {"memcpy", "memset", "memcmp", "strlen", "__memcpy_chk", "__memset_chk"}
DECODER = {
    "base32": set(),
    "decode": {"base32_decode", "dns_read", "domains_match", "packet_read", "tunnel_downstream",
               "tunnel_upstream"},
    "dns": set(),
    "domains": set(),
    "packet": set(),
    "tunnel": set(),
}
LOOP = {
    "capture/dnstt_capture.p/main.c.o": {
        # Until the sandbox is up: dprintf() says why it could not be
        "__dprintf_chk", "config_fault", "confine_drop_capabilities", "prctl", "recv", "ring_open",
        "sandbox_enter",
        "__errno_location", "_exit", "decode", "domains_index", "ppoll", "ring_count", "ring_next",
        "sendto",
    },
    "capture/libconfined.a.p/filter.c.o": set(),
    "capture/libconfined.a.p/ring.c.o": {
        "bind", "filter_program", "getsockopt", "mmap64", "setsockopt", "socket", "syscall",
    },
    "capture/libconfined.a.p/sandbox.c.o": {
        "__errno_location", "confine_files", "confine_policy", "seccomp_load", "setrlimit64",
    },
    "common/libcommon.a.p/config.c.o": set(),
}
HEAP_AND_STDIO = re.compile(
    r"_*(?:[cm]alloc|realloc(?:array)?|free|posix_memalign|aligned_alloc|s?brk|strn?dup"
    r"|v?[adfs]?n?printf|f?put[cs]|puts|putchar|fwrite|fopen(?:64)?|syslog)(?:_chk)?")


def build():
    """The build directory itself: objects and commands are there, not only programs."""
    path = os.environ.get("DNSTT_BUILD")
    host.must(path, "DNSTT_BUILD does not name the build directory")
    path = pathlib.Path(path).resolve()
    for name in (CAPTURE, EXPORTER):
        host.must(os.access(path / name, os.X_OK), f"{path / name} is not built")
    return path


def read(tool, *arguments):
    return host.run("env", "LC_ALL=C", tool, *map(str, arguments))


def segments(path):
    """(type, flags) of each program header; flags as readelf has them, such as "R E"."""
    row = r"^  ([A-Z_]+) +(?:0x[0-9a-f]+ ){5}([R ][W ][E ]) 0x"
    return re.findall(row, read("readelf", "-lW", path), re.M)


def dynamic(path, tag):
    """Values of the entries of the dynamic section that have this tag."""
    row = rf"^ 0x[0-9a-f]+ \({tag}\) +(.*)$"
    return re.findall(row, read("readelf", "-dW", path), re.M)


def undefined(path, *options):
    names = (line.split()[-1] for line in read("nm", "-u", *options, path).splitlines() if line)
    return {name.split("@")[0] for name in names}


class Programs(unittest.TestCase):
    def setUp(self):
        host.must_have("readelf", "nm")

        self.programs = build() / CAPTURE, build() / EXPORTER

    def test_they_are_loaded_anywhere(self):
        for path in self.programs:
            self.assertRegex(read("readelf", "-hW", path), r"Type: +DYN ", path)
            self.assertIn("PIE", " ".join(dynamic(path, "FLAGS_1")).split(), path)

    def test_their_symbols_are_bound_and_read_only_before_main(self):
        for path in self.programs:
            self.assertIn("GNU_RELRO", dict(segments(path)), path)
            self.assertIn("BIND_NOW", " ".join(dynamic(path, "FLAGS")).split(), path)

    def test_no_data_is_code(self):
        for path in self.programs:
            found = segments(path)
            self.assertEqual([flags for kind, flags in found if kind == "GNU_STACK"],
                             ["RW "], path)
            self.assertGreater(len([kind for kind, _ in found if kind == "LOAD"]), 3, path)
            self.assertEqual([one for one in found if "W" in one[1] and "E" in one[1]], [],
                             path)
            self.assertEqual([flags for _, flags in found if "E" in flags], ["R E"], path)
            self.assertEqual(dynamic(path, "TEXTREL"), [], path)

    def test_an_overwritten_stack_or_buffer_ends_them(self):
        for path in self.programs:
            calls = undefined(path, "-D")
            self.assertIn("__stack_chk_fail", calls, path)
            checked = {name for name in calls if re.fullmatch(r"__\w+_chk", name)}
            # capture clears nothing whose length it does not know when it is compiled
            self.assertLess({"__memcpy_chk"}, checked, path)

    def test_libraries_come_from_the_system_only(self):
        for path in self.programs:
            self.assertEqual(dynamic(path, "RPATH") + dynamic(path, "RUNPATH"), [], path)

    def test_capture_loads_three_libraries(self):
        names = {re.search(r"\[(.*)\]", entry)[1] for entry in dynamic(self.programs[0], "NEEDED")}
        names = {name for name in names if not name.startswith("ld-linux")}
        self.assertEqual(names, {"libc.so.6", "libcap.so.2", "libseccomp.so.2"})


class PrivilegedPart(unittest.TestCase):
    def setUp(self):
        host.must_have("nm")
        self.build = build()

    def test_the_decoder_only_copies_and_compares(self):
        objects = {path.name[:-len(".c.o")]: path
                   for path in (self.build / "capture/libdecoder.a.p").glob("*.o")}
        self.assertEqual(set(objects), set(DECODER))
        for name, path in objects.items():
            self.assertEqual(undefined(path) - DECODER[name] - COPIES - GUARDS, set(), name)

    def test_the_rest_calls_what_is_listed(self):
        for name, calls in LOOP.items():
            self.assertEqual(undefined(self.build / name) - calls - COPIES - GUARDS, set(), name)

    def test_no_list_has_grown_stale(self):
        for name, calls in {**{f"capture/libdecoder.a.p/{name}.c.o": calls
                               for name, calls in DECODER.items()}, **LOOP}.items():
            self.assertEqual(calls - undefined(self.build / name), set(), name)

    def test_nothing_it_calls_is_heap_or_stdio_but_a_word_before_the_sandbox(self):
        calls = undefined(self.build / CAPTURE, "-D")
        self.assertGreater(len(calls), 10)
        heap = {name for name in calls if HEAP_AND_STDIO.fullmatch(name)}
        self.assertEqual(heap, {"__dprintf_chk"})


class Stack(unittest.TestCase):
    """Compiled again, with the flags of the build, for the sizes of its frames."""

    @classmethod
    def setUpClass(cls):
        cls.commands = {}
        for entry in json.loads((build() / "compile_commands.json").read_text()):
            source = pathlib.Path(entry["directory"], entry["file"]).resolve()
            if entry["output"].startswith("capture/") and source.parent.name == "capture":
                cls.commands[source.name] = (entry["directory"], shlex.split(entry["command"]))

    def frames(self, name):
        """(function, octets, kind) of every function of a file."""
        directory, command = self.commands[name]
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            command = [*command]
            for option, value in (("-o", "frames.o"), ("-MF", "frames.d")):
                command[command.index(option) + 1] = f"{folder}/{value}"
            done = subprocess.run([*command, "-fstack-usage", f"-Werror=stack-usage={FRAME}"],
                                  cwd=directory, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = pathlib.Path(folder, "frames.su").read_text().splitlines()
        return [(place.rsplit(":", 1)[-1], int(size), kind)
                for place, size, kind in (row.split("\t") for row in rows)]

    def test_every_file_of_capture_is_looked_at(self):
        source = pathlib.Path(__file__).resolve().parents[2] / "capture"
        self.assertEqual(set(self.commands), {path.name for path in source.glob("*.c")})

    def test_frames_of_capture_are_static_and_small(self):
        for name in self.commands:
            frames = self.frames(name)
            self.assertGreater(len(frames), 0, name)
            wrong = [frame for frame in frames if frame[1] >= FRAME or frame[2] != "static"]
            self.assertEqual(wrong, [], name)

    def test_the_build_bounds_frames_itself(self):
        for name, (_, command) in self.commands.items():
            bounds = [flag for flag in command if flag.startswith("-Wstack-usage=")]
            self.assertGreater(len(bounds), 0, name)
            if name[:-len(".c")] in DECODER:
                self.assertEqual(bounds[-1], f"-Wstack-usage={FRAME}", name)


if __name__ == "__main__":
    unittest.main()
