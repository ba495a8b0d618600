#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Folders that are replaced: what a link is turned to is taken, and of the rest the log says what helps."""

import os
import shutil
import signal
import unittest

import host
import mmdb
from web_case import WebCase, certificate


class Folders(WebCase):
    """Both databases, certificate, key, client CA and web configuration are in one folder."""

    def setUp(self):
        super().setUp()
        self.write(users=False)
        self.made = self.folder / "made"
        self.made.mkdir()
        self.put("DE", 64500)

    def put(self, country, asn):
        """What the next generation() is made of."""
        (self.made / "country.mmdb").write_bytes(mmdb.one_record(mmdb.value(mmdb.country(country))))
        (self.made / "asn.mmdb").write_bytes(
            mmdb.one_record(mmdb.value({"autonomous_system_number": asn})))
        for name in ("server.pem", "server.key", "ca.pem", "web.yml"):
            shutil.copy(self.folder / name, self.made)
        for path in self.made.iterdir():
            path.chmod(0o644)

    def generation(self, name):
        folder = self.folder / name
        shutil.copytree(self.made, folder)
        folder.chmod(0o755)
        return folder

    def turn(self, link, target):
        """As "ln -sfn" does, in one moment."""
        os.symlink(target, f"{link}.next")
        os.rename(f"{link}.next", link)

    def serve(self, folder):
        self.file = folder / "web.yml"
        self.exporter = self.start("-geoip.country-database", str(folder / "country.mmdb"),
                                   "-geoip.asn-database", str(folder / "asn.mmdb"))
        self.before = host.eventually(self.serial)

    def renew(self):
        certificate(self.folder, "server", "ca")
        self.put("SE", 64501)

    def hang_up(self, *words):
        os.kill(self.exporter.pid, signal.SIGHUP)

        def said():
            text = self.exporter.stderr()
            for word in words:
                self.assertIn(word, text)

        host.eventually(said)

    def taken(self):
        self.hang_up('msg="GeoIP database was replaced" database=country',
                     'msg="GeoIP database was replaced" database=asn',
                     'msg="web configuration was reloaded"')
        self.assertNotEqual(self.serial(), self.before)
        self.assertNotIn("level=warn", self.exporter.stderr())

    def told(self):
        """Nothing is wrong with the permissions of these files, and the log does not say so."""
        self.hang_up('msg="GeoIP database was not replaced; the old one stays in use" database=country',
                     'msg="GeoIP database was not replaced; the old one stays in use" database=asn',
                     'msg="web configuration was refused; the old one stays in use"')
        lines = [line for line in self.exporter.stderr().splitlines() if "level=warn" in line]
        self.assertEqual(len(lines), 3, lines)
        for line in lines:
            self.assertIn("its mode lets it be read, but the sandbox does not: restart if its folder "
                          "was replaced", line)
        self.assertEqual(self.serial(), self.before)
        # That it helps
        self.assertEqual(self.exporter.stop(), 0)
        self.serve(self.file.parent)
        self.assertNotIn("level=warn", self.exporter.stderr())

    def test_a_dated_folder_behind_a_link(self):
        old = self.generation("2026-11")
        self.turn(self.folder / "current", "2026-11")
        self.serve(self.folder / "current")
        self.renew()
        self.generation("2026-12")
        self.turn(self.folder / "current", "2026-12")
        shutil.rmtree(old)
        self.taken()

    def test_a_generation_behind_a_link(self):
        """As agenix and sops-nix have it."""
        (self.folder / "secrets.d").mkdir()
        (self.folder / "run").mkdir()
        old = self.generation("secrets.d/1")
        self.turn(self.folder / "run/secrets", old)
        self.serve(self.folder / "run/secrets")
        self.renew()
        self.turn(self.folder / "run/secrets", f"{self.generation('secrets.d/2')}/")
        shutil.rmtree(old)
        self.taken()

    def test_links_to_files_of_a_generation(self):
        """As an administrator has it who keeps all names in one place; and a link leads to a link."""
        (self.folder / "releases").mkdir()
        (self.folder / "names").mkdir()
        self.generation("releases/1")
        self.turn(self.folder / "latest", "releases/1")
        self.turn(self.folder / "stable", self.folder / "latest")
        for path in self.made.iterdir():
            self.turn(self.folder / "names" / path.name, f"../stable/{path.name}")
        self.serve(self.folder / "names")
        self.renew()
        self.generation("releases/2")
        self.turn(self.folder / "latest", "releases/2")
        self.taken()

    def test_a_volume_of_kubernetes(self):
        (self.folder / "volume").mkdir()
        self.generation("volume/..1")
        self.turn(self.folder / "volume/..data", "..1")
        for path in self.made.iterdir():
            self.turn(self.folder / "volume" / path.name, f"..data/{path.name}")
        self.serve(self.folder / "volume")
        self.renew()
        self.generation("volume/..2")
        self.turn(self.folder / "volume/..data", "..2")
        self.taken()

    def test_a_folder_that_is_moved_in(self):
        self.generation("plain")
        self.serve(self.folder / "plain")
        self.renew()
        self.generation("next")
        (self.folder / "plain").rename(self.folder / "old")
        (self.folder / "next").rename(self.folder / "plain")
        self.told()

    def test_a_folder_that_is_made_anew(self):
        self.generation("plain")
        self.serve(self.folder / "plain")
        self.renew()
        shutil.rmtree(self.folder / "plain")
        self.generation("plain")
        self.told()

    def test_a_link_directly_below_the_root_opens_nothing_around_it(self):
        """What is beside it may be the whole system."""
        link = f"/dnstt-it-{os.getpid()}"
        folder = self.generation("1")
        os.symlink(folder, link)
        self.addCleanup(os.unlink, link)
        top = f"/dnstt-it-{os.getpid()}.d"
        shutil.copytree(folder, top)
        self.addCleanup(shutil.rmtree, top)
        os.chmod(top, 0o755)
        self.turn(link, top)
        self.serve(self.folder.__class__(link))
        self.renew()
        elsewhere = f"{top}.next"
        shutil.copytree(self.made, elsewhere)
        self.addCleanup(shutil.rmtree, elsewhere)
        os.chmod(elsewhere, 0o755)
        self.turn(link, elsewhere)
        self.told()


if __name__ == "__main__":
    unittest.main()
