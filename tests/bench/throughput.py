# SPDX-License-Identifier: MIT
"""All programs side by side: the same rates in the same run, each pair against the counting ring."""

import pathlib
import time

import receivers
import report
from latency import Probe

RATES = (10_000, 50_000, 100_000, 200_000, 400_000, 1_000_000)
ONE_CORE_RATE = 800_000
BACKLOG = "/proc/sys/net/core/netdev_max_backlog"


def backlog_drops():
    """Packets that the kernel dropped between two cores, before any packet socket saw them"""
    lines = pathlib.Path("/proc/net/softnet_stat").read_text().splitlines()
    return sum(int(line.split()[1], 16) for line in lines)


def measure(lab, kind, rate, mixed, seconds):
    """One cell: a fresh process, one rate"""
    receiver = kind(lab)
    receiver.start()
    time.sleep(0.3)
    before = backlog_drops()
    cpu = receiver.cpu_seconds()
    sent = lab.offer(rate, seconds, mixed=mixed)
    time.sleep(receiver.settle)
    cpu = receiver.cpu_seconds() - cpu
    offered = sent["queries"] + sent["responses"]
    ours = isinstance(receiver, receivers.Exporter)
    before = backlog_drops() - before
    found = receiver.settled(offered - before) if ours else None
    resident = receiver.resident_bytes()
    found = receiver.stop() or found
    return {
        "rate": offered / sent["seconds"],
        "offered": offered,
        "lost": None if found["counted"] is None else offered - before - found["counted"],
        "drops": found["drops"],
        "records_lost": found["records_lost"],
        "cpu": cpu / offered * 1e6,
        "latency": found["latency"],
        "resident": resident,
        "before": before,
        "exact": not ours or (found["queries"] == sent["queries"]
                              and found["bytes_in"] == sent["query_bytes"]
                              and found["bytes_out"] == sent["response_bytes"]),
    }


def probed(lab, rate, mixed, seconds):
    """p99 of our two processes from outside while they take this rate, in milliseconds"""
    with Probe(lab) as probe:
        generator = lab.generator(rate, seconds=seconds + 0.5, mixed=mixed)
        times = probe.measure(seconds)
        lab.sent(generator)
    return probe.percentiles(times)[1]


def cells(lab, rate, mixed, options):
    """{label: [cell of each run]}"""
    found = {kind.label: [] for kind in receivers.ALL}
    for turn in range(options.runs):
        # Ours right after the ring of its pair; who goes first changes
        order = receivers.ALL if turn % 2 == 0 else (receivers.ALL[1], receivers.ALL[0]) + receivers.ALL[2:]
        for kind in order:
            found[kind.label].append(measure(lab, kind, rate, mixed, options.seconds))
    latency = probed(lab, rate, mixed, min(options.seconds, 5))
    found["dnstt_exporter"][-1]["latency"] = latency
    return found


def row(rate, label, runs, ring):
    ratio = report.median([run["cpu"] / other["cpu"] for run, other in zip(runs, ring)])
    latency = report.median([run["latency"] for run in runs])
    exact = "" if all(run["exact"] for run in runs) else " (inexact)"

    def most(key):
        values = [run[key] for run in runs if run[key] is not None]
        return f"{max(values):.0f}" if values else "-"

    return [report.rate_name(rate), label, f"{report.median([run['rate'] for run in runs]):,.0f}",
            most("lost") + exact, most("records_lost"), report.figure(report.median([run["cpu"] for run in runs])),
            report.figure(ratio, 2), "-" if latency is None else f"{latency:.1f}",
            f"{report.median([run['resident'] for run in runs]) / (1 << 20):.0f}"]


HEADS = ["rate", "program", "offered/s", "lost", "records lost", "CPU s/M", "of ring", "p99 ms", "MiB"]


def one_core(lab, options):
    """Interrupts, capture and exporter on one core; CPU is then not the programs' alone"""
    report.title("Interrupts and receiver on one core (RPS)")
    backlog = pathlib.Path(BACKLOG)
    before = backlog.read_text()
    rows = []
    try:
        # A queue between cores of 1000 packets is dropped from while the receivers run: not theirs
        backlog.write_text("1000000")
        lab.receive_on_host_core(True)
        for mixed in (False, True):
            for kind in (receivers.CountingRing, receivers.Exporter):
                cell = measure(lab, kind, ONE_CORE_RATE, mixed, options.seconds)
                rows.append(["mixed" if mixed else "queries", kind.label, f"{cell['rate']:,.0f}",
                             f"{cell['lost']:.0f}", f"{cell['drops']:.0f}", f"{cell['before']:.0f}"])
    finally:
        lab.receive_on_host_core(False)
        backlog.write_text(before)
    report.table(["traffic", "program", "offered/s", "lost", "of them in the ring", "before any socket"], rows)
    ours = [row for row in rows if row[1] == receivers.Exporter.label]
    report.verdict(all(row[3] == "0" for row in ours),
                   f"nothing lost at {report.rate_name(ONE_CORE_RATE)}/s on one core")


def judge(name, found):
    """The requirements that a table answers"""
    ours = {rate: runs["dnstt_exporter"] for rate, runs in found.items()}
    ratios = {rate: row(rate, "", ours[rate], runs["counting ring"])[6] for rate, runs in found.items()}
    loss = [report.rate_name(rate) for rate, runs in ours.items()
            if any(run["lost"] or run["records_lost"] or not run["exact"] for run in runs)]
    report.verdict(not loss, f"{name}: no packet and no record lost, every count exact"
                   + (f" (not at {', '.join(loss)})" if loss else ""))
    high = [f"{report.rate_name(rate)}: {ratio}" for rate, ratio in ratios.items()
            if rate >= 50_000 and float(ratio) > 2]
    report.verdict(not high, f"{name}: CPU at most twice the counting ring's from 50k up"
                   + (f" ({', '.join(high)})" if high else ""))
    slow = [report.rate_name(rate) for rate, runs in found.items()
            if report.median([run["cpu"] for run in ours[rate]])
            >= report.median([run["cpu"] for run in runs["dnscap"]])]
    report.verdict(not slow, f"{name}: CPU below dnscap's" + (f" (not at {', '.join(slow)})" if slow else ""))
    if 10_000 in ours:
        cpu = report.median([run["cpu"] for run in ours[10_000]])
        report.verdict(cpu <= 0.6, f"{name}: CPU per million at 10k at most 0.6 s ({cpu:.3f})")


def spread(found):
    """Of the counting ring's CPU, as part of its median: (in the median cell, at worst)"""
    parts = []
    for runs in found:
        values = [run["cpu"] for run in runs["counting ring"]]
        parts.append((max(values) - min(values)) / report.median(values))
    return (report.median(parts), max(parts)) if parts else None


def run(lab, options):
    noise = report.Noise(lab.host_core)
    everything = []
    rates = options.rates or RATES
    for mixed in (False, True):
        name = "Queries with 1 KB responses" if mixed else "Queries"
        report.title(f"{name}: {options.seconds:g} s each; CPU, ratio: median of {options.runs}; losses: worst")
        found = {}
        rows = []
        for rate in rates:
            found[rate] = cells(lab, rate, mixed, options)
            rows += [row(rate, label, runs, found[rate]["counting ring"])
                     for label, runs in found[rate].items()]
        report.table(HEADS, rows)
        print()
        judge(name, found)
        everything += found.values()
    if not options.rates:
        one_core(lab, options)
    noise.line(spread(everything))
