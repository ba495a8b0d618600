# SPDX-License-Identifier: MIT
"""Tables, verdicts, and how noisy the machine was."""

import os
import pathlib
import platform
import re
import resource
import statistics
import time

MARKDOWN = False
TARGETS = {
    1: "no packet and no record lost at 50k to 1.0M packets per second, queries and mixed; at 800k on one core",
    2: "CPU of both processes at most twice the counting ring's from 50k up, below dnscap's; 0.6 s per million at 10k",
    3: "stopped 3 s at 1k/s, 400 ms at 200k/s: nothing lost; what a full ring loses is counted exactly",
    4: "packet to page 60 ms at the 99th percentile, tunable down to 2 ms; idle below 0.1 % of a core",
    5: "memory fixed: within 1 MiB of what the start reserved after 10 million clients; below 64 MiB without the ring; sizes by flag",
    6: "200k/s of random ClientIDs: 1,000 real clients stay counted, once, with their labels; collisions cost nothing",
    7: "scrapes each second, and 20 at once, cost no packet at 400k/s",
    8: "cost per packet within 1.5 times of the smallest; memory and scrape time linear",
    9: "an hour at 100k/s with reloads, scrapes and flaps: nothing grows, nothing is lost track of",
}
failed = []
judged = {}  # target: [(reached, text)]


def machine():
    """What the figures are of"""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    print(f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}, {platform.system()} {platform.release()}",
          flush=True)


def table(heads, rows):
    """Columns as wide as what is in them; or Markdown"""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows)]
    edge, gap = ("| ", " | ") if MARKDOWN else ("", "  ")

    numbers = [any(cell[:1].isdigit() for cell in column) for column in zip(*rows)]

    def line(cells):
        text = gap.join(cell.rjust(width) if number else cell.ljust(width)
                        for cell, width, number in zip(cells, widths, numbers))
        return (edge + text + edge[::-1]).rstrip()

    print(line(heads))
    if MARKDOWN:
        print("|" + "|".join("-" * (width + 1) + (":" if number else "-")
                             for width, number in zip(widths, numbers)) + "|")
    for row in rows:
        print(line(row), flush=True)


def title(text):
    print(f"\n{'### ' if MARKDOWN else ''}{text}\n", flush=True)


def targets(*numbers):
    """What the tables that follow are to show"""
    for number in numbers:
        print(f"{'> ' if MARKDOWN else ''}Target {number}: {TARGETS[number]}.", flush=True)
    print()


def verdict(good, text, target):
    """One requirement: reached or not. The text has the figures."""
    if not good:
        failed.append(text)
    judged.setdefault(target, []).append((good, text))
    print(f"{'- ' if MARKDOWN else ''}{'reached' if good else 'NOT reached'}: {text}", flush=True)


def summary():
    """Every target in a line, and what it fell short by"""
    title("Targets")
    for number, text in TARGETS.items():
        found = judged.get(number)
        missed = [text for good, text in found or () if not good]
        word = "not measured" if not found else "NOT reached" if missed else "reached"
        print(f"{number}. **{word}**: {text}" if MARKDOWN else f"{number}. {word:12}  {text}")
        for each in missed:
            print(f"   - {each}")


def figure(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def rate_name(rate):
    return f"{rate / 1e6:g}M" if rate >= 1e6 else f"{rate / 1e3:g}k"


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB"


class Noise:
    """What else ran: of the time of all cores, and how far a fixed loop varies"""

    def __init__(self, core):
        self.core = core
        self.loops = self._loops()
        self.start = self._busy(), self._ours(), time.monotonic()

    @staticmethod
    def _busy():
        """(seconds that any program ran, seconds that the hypervisor kept)"""
        values = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        tick = os.sysconf("SC_CLK_TCK")
        user, nice, system, _, _, irq, softirq, steal = (int(value) / tick for value in values[:8])
        return user + nice + system + irq + softirq, steal

    @staticmethod
    def _ours():
        return sum(usage.ru_utime + usage.ru_stime
                   for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))

    def _loops(self):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.core})
        times = []
        for _ in range(7):
            start = time.perf_counter()
            for _ in range(500_000):
                pass
            times.append(time.perf_counter() - start)
        os.sched_setaffinity(0, before)
        return times

    def line(self, spread=None):
        loops = self.loops + self._loops()
        (busy, stolen), ours, start = self.start
        seconds = (time.monotonic() - start) * os.cpu_count()
        now_busy, now_stolen = self._busy()
        other = max(0.0, now_busy - busy - (self._ours() - ours))
        text = (f"Noise: other programs used {100 * other / seconds:.1f} % of the cores, the hypervisor"
                f" kept {100 * (now_stolen - stolen) / seconds:.1f} %; a fixed loop took"
                f" {1e3 * min(loops):.1f} to {1e3 * max(loops):.1f} ms")
        if spread:
            text += f"; the counting ring's CPU spread {spread[0]:.0%} in the median cell, {spread[1]:.0%} at worst"
        print(f"\n{text}.", flush=True)
