# SPDX-License-Identifier: MIT
"""One process stopped while packets come: what the ring holds is kept, what it doesn't is counted."""

import os
import signal
import time

import receivers
import report

LARGE = ("-capture.ring-size", "64MiB")  # twice the default: 400 ms of queries and responses at 200k/s

# who is stopped, mixed, packets per second, seconds, flags, whether all must be kept
CASES = (
    ("capture", False, 1_000, 3.0, (), True),
    ("capture", False, 200_000, 0.4, (), True),
    ("capture", False, 200_000, 2.0, (), False),
    ("capture", True, 1_000, 3.0, (), True),
    ("capture", True, 200_000, 0.4, LARGE, True),
    ("capture", True, 200_000, 0.4, (), False),
    ("capture", True, 200_000, 2.0, (), False),
    ("exporter", False, 1_000, 3.0, (), True),
    ("exporter", False, 200_000, 0.4, (), True),
    ("exporter", False, 200_000, 2.0, (), False),
    ("exporter", True, 200_000, 0.4, (), True),
    ("exporter", True, 200_000, 2.0, (), False),
)


def stopped(pid, seconds):
    """By a descriptor of the process: if it ends meanwhile, no other gets its signals"""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGSTOP)
        time.sleep(seconds)
        signal.pidfd_send_signal(process, signal.SIGCONT)
    finally:
        os.close(process)


def stall(lab, who, mixed, rate, seconds, flags):
    exporter = receivers.Exporter(lab, flags=flags)
    exporter.start()
    pid = exporter.capture_pid if who == "capture" else exporter.process.pid
    generator = lab.generator(rate, seconds=seconds + 1.5, mixed=mixed)
    time.sleep(0.7)
    stopped(pid, seconds)
    sent = lab.sent(generator)
    offered = sent["queries"] + sent["responses"]
    found = exporter.settled(offered)
    exporter.stop()
    return offered, found


def run(lab, options):
    del options
    report.title("One process stopped (SIGSTOP)")
    report.targets(3)
    rows = []
    lossy, inexact = [], []
    for who, mixed, rate, seconds, flags, keep in CASES:
        offered, found = stall(lab, who, mixed, rate, seconds, flags)
        lost = found["drops"]
        missing = offered - found["counted"] - lost
        traffic, ring = "mixed" if mixed else "queries", flags[1] if flags else "32MiB"
        rows.append([who, traffic, report.rate_name(rate), f"{seconds:g} s", ring, f"{offered:,}",
                     f"{found['counted']:,.0f}", f"{lost:.0f}", f"{found['stalls']:.0f}",
                     f"{missing:.0f}", "none" if keep else "counted"])
        name = f"{who}, {traffic}, {report.rate_name(rate)}/s for {seconds:g} s, {ring}"
        if keep and lost:
            lossy.append(f"{name}: {lost:.0f} lost")
        if missing:
            inexact.append(f"{name}: {missing:.0f} missing")
    report.table(["stopped", "traffic", "rate", "for", "ring", "sent", "counted", "lost in ring", "stalls",
                  "missing", "loss allowed"], rows)
    print()
    report.verdict(not lossy, "; ".join(lossy) or "nothing lost in 3 s at 1k/s and in 400 ms at 200k/s, queries in the"
                   " default ring, mixed in one of 64 MiB", 3)
    report.verdict(not inexact, "; ".join(inexact) or "sent = counted + dropped in every case", 3)
