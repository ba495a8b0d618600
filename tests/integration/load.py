# SPDX-License-Identifier: MIT
"""Many queries a second into a host's interface, and how many of them reached it."""

import json
import subprocess

import host
from exporter import program


class Load:
    """The generator of tests/bench, until it ends by itself. Its clients are 1000, their resolvers
    256 of either family.
    """

    CLIENTS = 1000

    def __init__(self, test, near, near_name, far, far_name, rate, seconds):
        self._near, self._near_name, self.rate = near, near_name, rate
        # The generator does not run after what it missed while others had its core. So it goes
        # before them, and a little faster.
        self._process = far.spawn(
            ["nice", "-n", "-19", program("tests/bench/generator"), "--interface", far_name,
             "--destination-mac", near.mac(near_name), "--rate", str(int(rate * 1.2)),
             "--seconds", str(seconds), "--clients", str(self.CLIENTS)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        test.addCleanup(host.end, self._process)

    @property
    def is_on(self):
        return self._process.poll() is None

    def _dropped(self):
        """By the queue between two cores, where no socket has seen them"""
        with self._near.inside():
            links = json.loads(host.run("ip", "-json", "-stats", "link", "show", self._near_name))
        return links[0]["stats64"]["rx"]["dropped"]

    def arrived(self, test):
        """Queries that were sent and reached the interface, at the rate that was asked for"""
        out, err = self._process.communicate(timeout=60)
        test.assertEqual(self._process.returncode, 0, err)
        said = json.loads(out)
        test.assertGreaterEqual(said["queries"] / said["seconds"], self.rate, said)
        return said["queries"] - self._dropped()
