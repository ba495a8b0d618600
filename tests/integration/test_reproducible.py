#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who builds the same sources gets the same programs, wherever, and they say which sources."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import host

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = "capture/dnstt_capture", "exporter/dnstt_exporter"
# What git would take from the surroundings; with these, the same files are the same commit
COMMIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
for role in ("AUTHOR", "COMMITTER"):
    COMMIT |= {f"GIT_{role}_NAME": "test", f"GIT_{role}_EMAIL": "test@localhost",
               f"GIT_{role}_DATE": "2020-01-01T00:00:00Z"}


def not_sources(folder, names):
    """For copytree(): git's own folder, build directories and what Python leaves."""
    return [name for name in names if name in (".git", "__pycache__")
            or (pathlib.Path(folder) / name / "meson-private").is_dir()]


def run(folder, *command, **variables):
    done = subprocess.run(command, cwd=folder, env={**os.environ, **COMMIT, **variables},
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def commit(source):
    """Make a repository of these files, and give its revision."""
    run(source, "git", "init", "-q")
    run(source, "git", "add", "-A")
    run(source, "git", "commit", "-q", "-m", "Sources")
    return run(source, "git", "rev-parse", "--short=12", "HEAD").strip()


def built(source, build, **variables):
    """The programs, with debugging information, which is where paths end up first."""
    run(source, "meson", "setup", build, "-Ddebug=true", **variables)
    run(source, "ninja", "-C", build, *PROGRAMS, **variables)
    return {name: pathlib.Path(build, name) for name in PROGRAMS}


class Reproducible(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host.must_have("meson", "ninja", "git")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name).resolve()
        cls.sources = cls.folder / "one", cls.folder / "another one/with a longer name"
        for source in cls.sources:
            shutil.copytree(TOP, source, ignore=not_sources)
        cls.revisions = [commit(source) for source in cls.sources]
        # One within its sources and one beside them, at another time of another place
        cls.first = built(cls.sources[0], cls.sources[0] / "build")
        cls.second = built(cls.sources[1], cls.folder / "elsewhere",
                           TZ="Asia/Tehran", LC_ALL="C.UTF-8", USER="nobody", HOME="/nonexistent")

    def test_two_folders_give_the_same_programs(self):
        for name in PROGRAMS:
            first, second = (programs[name].read_bytes() for programs in (self.first, self.second))
            # Not assertEqual(), which would print both
            self.assertTrue(first == second, f"{name} differs")

    def test_no_program_names_the_folder_it_was_built_in(self):
        for path in self.first.values():
            self.assertFalse(str(self.folder).encode() in path.read_bytes(), path.name)

    def test_version_is_that_of_the_sources(self):
        self.assertEqual(self.revisions[0], self.revisions[1])
        for programs in (self.first, self.second):
            said = run("/", str(programs["exporter/dnstt_exporter"]), "-version")
            self.assertIn(f"(revision: {self.revisions[0]})", said)

    def revision(self, name, **variables):
        """What a build of sources without a repository would say."""
        source = self.folder / name
        shutil.copytree(TOP, source, ignore=not_sources)
        run(source, "meson", "setup", "build", **variables)
        header = (source / "build/exporter/build.h").read_text()
        return [line for line in header.splitlines() if "BUILD_REVISION" in line]

    def test_sources_without_a_repository_have_no_revision(self):
        self.assertEqual(self.revision("tarball"), ['#define BUILD_REVISION "unknown"'])

    def test_repository_around_the_sources_is_not_theirs(self):
        around = self.folder / "around"
        around.mkdir()
        (around / "file").write_text("not these sources\n")
        commit(around)
        self.assertEqual(self.revision("around/tarball"), ['#define BUILD_REVISION "unknown"'])

    def test_git_is_not_needed(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for place in ("/usr/bin", "/usr/sbin"):
            for tool in pathlib.Path(place).iterdir():
                if tool.name != "git" and not (tools / tool.name).exists():
                    (tools / tool.name).symlink_to(tool)
        self.assertEqual(self.revision("no-git", PATH=str(tools)),
                         ['#define BUILD_REVISION "unknown"'])


if __name__ == "__main__":
    unittest.main()
