#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What "meson install" puts in place works from there."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host
from exporter import Exporter

TOP = pathlib.Path(__file__).resolve().parents[2]


class Install(unittest.TestCase):
    def test_an_installed_exporter_finds_its_capture(self):
        host.must_be_root()
        host.must_have("meson", "ninja")
        box = host.Host.make(self, "box")
        with tempfile.TemporaryDirectory(prefix="dnstt-it-") as folder:
            os.chmod(folder, 0o755)
            build, prefix = pathlib.Path(folder, "build"), pathlib.Path(folder, "prefix")
            quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
            subprocess.run(["meson", "setup", build, TOP, f"--prefix={prefix}", "-Doptimization=0"], **quiet)
            subprocess.run(["ninja", "-C", build, "exporter/dnstt_exporter", "capture/dnstt_capture"], **quiet)
            subprocess.run(["meson", "install", "-C", build, "--no-rebuild"], **quiet)
            capture = prefix / "libexec" / "dnstt_exporter" / "dnstt_capture"
            self.assertTrue(os.access(capture, os.X_OK))
            self.assertTrue((prefix / "share" / "man" / "man8" / "dnstt_exporter.8").exists())
            exporter = Exporter.start(self, box, binary=str(prefix / "bin" / "dnstt_exporter"),
                                      capture=str(capture))
            self.assertEqual(exporter.stop(), 0)
            command = [word for word in exporter.command
                       if word not in ("-capture.program", str(capture))]
            child = box.spawn(command, stdin=-3, stdout=-3, stderr=-3)
            self.addCleanup(host.end, child)
            host.eventually(lambda: self.assertTrue(
                any(host.status(pid).get("Seccomp") == "2" for pid in host.children(child.pid))))


if __name__ == "__main__":
    unittest.main()
