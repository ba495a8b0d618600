# SPDX-License-Identifier: MIT
"""All programs side by side: the same rates in the same run, each pair against the counting ring."""

import time

import lab as laboratory
import receivers
import report
from latency import Probe

RATES = (10_000, 50_000, 100_000, 200_000, 400_000, 1_000_000)
QUICK_RATES = (10_000, 200_000, 1_000_000)
ONE_CORE_RATES = (800_000, 700_000, 600_000, 500_000, 400_000)  # the first is wanted; with loss, the next is tried
OTHERS_SECONDS = 4.0  # of a cell of a program that nothing is required of
OFFERED_ENOUGH = 0.95  # of the rate that was asked for; with less nothing is shown for that rate


def measure(lab, kind, rate, mixed, seconds):
    """One cell: a fresh process, one rate"""
    receiver = kind(lab)
    receiver.start()
    time.sleep(0.3)
    before = lab.dropped_before()
    cpu = receiver.cpu_seconds()
    sent = lab.offer(rate, seconds, mixed=mixed)
    time.sleep(receiver.settle)
    cpu = receiver.cpu_seconds() - cpu
    offered = sent["queries"] + sent["responses"]
    ours = isinstance(receiver, receivers.Exporter)
    before = lab.dropped_before() - before
    found = receiver.settled(offered - before) if ours else None
    resident = receiver.resident_bytes()
    found = receiver.stop() or found
    return {
        "rate": offered / sent["seconds"],
        "offered": offered,
        "lost": None if found["counted"] is None else offered - before - found["counted"],
        "drops": found["drops"],
        "stalls": found["stalls"],
        "cpu": cpu / offered * 1e6,
        "latency": found["latency"],
        "resident": resident,
        "before": before,
        "enough": offered / sent["seconds"] >= OFFERED_ENOUGH * rate,
        "exact": not ours or before > 0 or (found["queries"] == sent["queries"]
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
            paired = kind in receivers.PAIRED
            found[kind.label].append(measure(lab, kind, rate, mixed, options.seconds if paired
                                             else min(options.seconds, OTHERS_SECONDS)))
    latency = probed(lab, rate, mixed, min(options.seconds, 4))
    found["dnstt_exporter"][-1]["latency"] = latency
    return found


def row(rate, label, runs, ring):
    ratio = report.median([run["cpu"] / other["cpu"] for run, other in zip(runs, ring)])
    latency = report.median([run["latency"] for run in runs])
    exact = "" if all(run["exact"] for run in runs) else " (inexact)"

    def most(key):
        values = [run[key] for run in runs if run[key] is not None]
        return f"{max(values):.0f}" if values else "-"

    return [report.rate_name(rate), "kernel" if laboratory.made_in_kernel(rate) else "socket",
            label, f"{report.median([run['rate'] for run in runs]):,.0f}",
            most("before"), most("lost") + exact, most("stalls"), report.figure(report.median([run["cpu"] for run in runs])),
            report.figure(ratio, 2), "-" if latency is None else f"{latency:.1f}",
            f"{report.median([run['resident'] for run in runs]) / (1 << 20):.0f}"]


HEADS = ["rate", "sender", "program", "offered/s", "before", "lost", "stalls", "CPU s/M", "of ring", "p99 ms", "MiB"]


def one_core_cell(lab, kind, rate, mixed, options):
    """Row and whether all that was asked for was offered and counted"""
    cell = measure(lab, kind, rate, mixed, options.seconds)
    unknown = cell["lost"] - cell["drops"]
    row = ["mixed" if mixed else "queries", kind.label, report.rate_name(rate), f"{cell['rate']:,.0f}",
           f"{cell['before']:.0f}", f"{cell['drops']:.0f}", f"{unknown:.0f}"]
    return row, cell["enough"] and not cell["before"] and not cell["lost"], unknown


def one_core(lab, options):
    """Interrupts, capture and exporter on one core; CPU is then not the programs' alone. What the queue
    between the cores drops no program could have seen, and a longer queue would only hide that.
    """
    report.title(f"Interrupts and receiver on one core (RPS): {options.seconds:g} s each")
    report.targets(1)
    rows, reached, missing = [], {}, 0
    try:
        lab.receive_on_host_core(True)
        for mixed in (False, True):
            for rate in ONE_CORE_RATES:
                row, _, _ = one_core_cell(lab, receivers.CountingRing, rate, mixed, options)
                rows.append(row)
                all_good = True
                for _ in range(options.runs if rate == ONE_CORE_RATES[0] else 1):
                    row, good, unknown = one_core_cell(lab, receivers.Exporter, rate, mixed, options)
                    rows.append(row)
                    missing = max(missing, abs(unknown))
                    all_good &= good
                if all_good:
                    reached[mixed] = rate
                    break
    finally:
        lab.receive_on_host_core(False)
    report.table(["traffic", "program", "rate", "offered/s", "before any socket", "in the ring", "not accounted for"],
                 rows)
    print()
    for mixed in (False, True):
        found = reached.get(mixed, 0)
        text = f"one core, {'mixed' if mixed else 'queries'}: {report.rate_name(ONE_CORE_RATES[0])}/s offered, nothing lost"
        if found < ONE_CORE_RATES[0]:
            text += f" ({report.rate_name(found)}/s)" if found else f" (nor at {report.rate_name(ONE_CORE_RATES[-1])}/s)"
        report.verdict(found == ONE_CORE_RATES[0], text, 1)
    report.verdict(missing == 0, "one core: sent = counted + dropped" + (f" ({missing:.0f} missing)" if missing else ""), 1)


def listed(rates):
    return ", ".join(map(report.rate_name, rates))


def judge(name, found):
    """The requirements that a table answers"""
    ours = {rate: runs["dnstt_exporter"] for rate, runs in found.items()}
    shown = [rate for rate, runs in ours.items() if all(run["enough"] for run in runs)]
    weak = [f"{report.rate_name(rate)}: {min(run['rate'] for run in runs):,.0f}/s" for rate, runs in ours.items()
            if rate not in shown]
    loss = [rate for rate, runs in ours.items()
            if any(run["lost"] or not run["exact"] for run in runs)]
    before = sum(run["before"] for runs in ours.values() for run in runs)
    report.verdict(not loss, f"{name}: no packet lost, every count exact, of what reached the packet sockets"
                   + (f" (not at {listed(loss)})" if loss else ""), 1)
    report.verdict(not before, f"{name}: every packet reached them"
                   + (f" (but for {before}, which the queue between the cores had no room for)" if before else ""), 1)
    report.verdict(not weak, f"{name}: every rate was offered"
                   + (f" (not {', '.join(weak)}: the sender fell short, so nothing is shown beyond)" if weak else ""), 1)
    ratios = {rate: float(row(rate, "", runs, found[rate]["counting ring"])[8]) for rate, runs in ours.items()
              if rate >= 50_000}
    empty = {rate: row(rate, "", runs["two empty processes"], runs["counting ring"])[8]
             for rate, runs in found.items() if rate >= 50_000}
    if ratios:
        report.verdict(all(ratio <= 2 for ratio in ratios.values()),
                       f"{name}: CPU at most twice the counting ring's from 50k up ("
                       + ", ".join(f"{report.rate_name(rate)}: {ratio:.2f}" for rate, ratio in ratios.items())
                       + "; two processes that read nothing and count nothing: " + ", ".join(empty.values()) + ")", 2)
    slow = [rate for rate in ours if report.median([run["cpu"] for run in ours[rate]])
            >= report.median([run["cpu"] for run in found[rate]["dnscap"]])]
    report.verdict(not slow, f"{name}: CPU below dnscap's at {listed(ours)}"
                   + (f" (not at {listed(slow)})" if slow else ""), 2)
    if 10_000 in ours:
        cpu = report.median([run["cpu"] for run in ours[10_000]])
        report.verdict(cpu <= 0.6, f"{name}: CPU per million at 10k at most 0.6 s ({cpu:.3f})", 2)


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
    rates = options.rates or (QUICK_RATES if options.quick else RATES)
    for mixed in (False, True):
        name = "Queries with 1 KB responses" if mixed else "Queries"
        report.title(f"{name}: {options.seconds:g} s each; CPU, ratio: median of {options.runs}; losses: worst")
        report.targets(1, 2)
        found = {}
        rows = []
        for rate in rates:
            found[rate] = cells(lab, rate, mixed, options)
            rows += [row(rate, label, runs, found[rate]["counting ring"])
                     for label, runs in found[rate].items()]
        report.table(HEADS, rows)
        print("\nbefore: packets dropped on their way to any socket. stalls: times that capture waited for the exporter;"
              " no record is ever\nlost between the two. of ring: CPU of the counting ring in the same turn is 1. p99: of the tapping programs over all or many"
              " packets;\nof dnstt_exporter over single probes until the page shows them, few of them.\n")
        judge(name, found)
        everything += found.values()
    noise.line(spread(everything) if options.runs > 1 else None)
