# SPDX-License-Identifier: MIT
"""One process stopped while packets come: what the ring holds is kept, what it doesn't is counted."""

import os
import signal
import time

import receivers
import report

# who is stopped, packets per second, seconds, whether all must be kept
CASES = (
    ("capture", 1_000, 3.0, True),
    ("capture", 200_000, 0.4, True),
    ("capture", 200_000, 2.0, False),
    ("exporter", 1_000, 3.0, True),
    ("exporter", 200_000, 0.4, True),
    ("exporter", 200_000, 2.0, False),
)


def stall(lab, who, rate, seconds, mixed):
    exporter = receivers.Exporter(lab)
    exporter.start()
    pid = exporter.capture_pid if who == "capture" else exporter.process.pid
    generator = lab.generator(rate, seconds=seconds + 1.5, mixed=mixed)
    time.sleep(0.7)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
    sent = lab.sent(generator)
    offered = sent["queries"] + sent["responses"]
    found = exporter.settled(offered)
    exporter.stop()
    return offered, found


def run(lab, options):
    report.title("One process stopped (SIGSTOP)")
    rows = []
    kept = {False: True, True: True}
    exact = True
    for mixed in (False, True):
        for who, rate, seconds, keep in CASES:
            offered, found = stall(lab, who, rate, seconds, mixed)
            lost = found["drops"] + found["records_lost"]
            missing = offered - found["counted"] - lost
            rows.append([who, "mixed" if mixed else "queries", report.rate_name(rate), f"{seconds:g} s", offered,
                         f"{found['counted']:.0f}", f"{found['drops']:.0f}", f"{found['records_lost']:.0f}",
                         f"{missing:.0f}", "none" if keep else "counted"])
            kept[mixed] &= not keep or lost == 0
            exact &= missing == 0
    report.table(["stopped", "traffic", "rate", "for", "sent", "counted", "lost in ring", "records lost", "missing",
                  "loss allowed"], rows)
    print()
    for mixed, good in kept.items():
        report.verdict(good, f"{'queries with 1 KB responses' if mixed else 'queries'}: nothing lost in 3 s at 1k/s"
                             " and in 400 ms at 200k/s")
    report.verdict(exact, "sent = counted + dropped in every case")
