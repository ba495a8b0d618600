# SPDX-License-Identifier: MIT
"""What must not change with time and abuse: memory, the count of real clients, loss under scrapes."""

import concurrent.futures
import os
import resource
import signal
import subprocess
import time

import databases
import lab as laboratory
import receivers
import report
from scrape import Connection, percentile, total

MEBIBYTE = 1 << 20
WITHOUT_RING = 64 * MEBIBYTE
MEMORY_RATE = 1_000_000
FLOOD_DOMAIN = "f.example.com"
REAL_CLIENTS = 1_000
SESSIONS_MAX = 131_072  # by default
KNOWN_SECONDS = 5  # that one has to be there to be kept before others
LITTLE_MEMORY = 256 * MEBIBYTE  # of address space, for who asks for more


def resident(exporter):
    return [laboratory.resident_bytes(pid) for pid in (exporter.process.pid, exporter.capture_pid)]


def reserved(exporter):
    """Private and writable, touched or not: tables take their memory as they are used"""
    return [laboratory.reserved_bytes(pid) for pid in (exporter.process.pid, exporter.capture_pid)]


def descriptors(exporter):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in (exporter.process.pid, exporter.capture_pid))


def lost(sent, found):
    return sent["queries"] + sent["responses"] - found["counted"]


def refused(lab, *flags):
    """Whether it ends with one clear line if the memory for these is not to be had; and what it says"""
    def little():
        resource.setrlimit(resource.RLIMIT_AS, (LITTLE_MEMORY, LITTLE_MEMORY))
    process = lab.start(lab.host, lab.host_core, [lab.build / "exporter" / "dnstt_exporter", "-capture.program",
                        lab.build / "capture" / "dnstt_capture", "-web.listen-address", "127.0.0.1:9713",
                        "-dnstt.domain", receivers.DOMAIN, *flags], stderr=subprocess.PIPE, preexec_fn=little)
    laboratory.wait_for(lambda: process.poll() is not None, 5)
    ended = process.poll()
    _, text = lab.end(process)
    errors = [line for line in text.splitlines() if "level=error" in line]
    return ended not in (None, 0) and len(errors) == 1, errors[-1] if errors else f"it runs, or ended with {ended}"


def memory(lab, options):
    """Ten million ClientIDs from ten million addresses"""
    report.title("Resident memory under random ClientIDs and addresses")
    report.targets(5)
    count = 1_000_000 if options.quick else 10_000_000
    exporter = receivers.Exporter(lab)
    exporter.start()
    exporter.metrics()
    time.sleep(1)
    before = reserved(exporter)
    rows = [["at start", "0", *map(report.mebibytes, resident(exporter)), ""]]
    sent = {"queries": 0, "responses": 0}
    for turn in range(1, 5):
        part = lab.sent(lab.generator(MEMORY_RATE, count=count // 4, random_ids=True, seed=turn))
        sent = {key: sent[key] + part[key] for key in sent}
        found = exporter.settled(sent["queries"])
        now = resident(exporter)
        taken = found["drops"]
        rows.append(["flood", f"{sent['queries']:,}", *map(report.mebibytes, now), f"{lost(sent, found):.0f}"])
    without_ring = sum(resident(exporter)) - laboratory.ring_bytes(exporter.capture_pid)
    growth = max(now - then for now, then in zip(reserved(exporter), before))
    exporter.stop()
    report.table(["", "queries", "exporter", "capture", "lost"], rows)
    print()
    report.verdict(growth <= MEBIBYTE, f"memory grows by at most 1 MiB beyond the tables under {sent['queries']:,} random clients"
                   f" ({report.mebibytes(growth)})", 5)
    report.verdict(lost(sent, found) == taken, f"random clients: sent = counted + dropped, dropped {taken:.0f}", 5)
    report.verdict(without_ring <= WITHOUT_RING,
                   f"both processes below 64 MiB without the ring ({report.mebibytes(without_ring)})", 5)
    for flags in (("-sessions.max", "16777216"), ("-metrics.max-series", "1048576"),
                  ("-capture.ring-size", "1024MiB")):
        good, text = refused(lab, *flags)
        report.verdict(good, f"{' '.join(flags)} with {report.mebibytes(LITTLE_MEMORY)} refused: {text}", 5)


def active(metrics):
    """{AS number: real clients}"""
    found = {}
    for labels, value in metrics.get("dnstt_active_clients", ()):
        if labels["domain"] == receivers.DOMAIN and value:
            found[labels["asn"]] = found.get(labels["asn"], 0) + value
    return found


def flooded(lab, options, each):
    """Real clients poll every 10 s (here on a domain of their own, so that they can be told apart), while
    strangers send each random ClientID so often
    """
    seconds, period = (10, 2) if options.quick else (60, 10)
    with databases.asn_database(256) as path:
        exporter = receivers.Exporter(lab, (receivers.DOMAIN, FLOOD_DOMAIN), ("-geoip.asn-database", str(path)))
        exporter.start()
    real = lab.generator(REAL_CLIENTS / period, clients=REAL_CLIENTS, polls_only=True)
    time.sleep(max(2 * period, KNOWN_SECONDS + period) + 1)  # each is known, and not new
    start = reserved(exporter)
    before = active(exporter.metrics())
    cpu = exporter.cpu_seconds()
    sent = lab.offer(laboratory.FLOOD_RATE, seconds, random_ids=True, each=each, domain=FLOOD_DOMAIN, seed=2)
    cpu = exporter.cpu_seconds() - cpu
    during = active(exporter.metrics())
    time.sleep(period + 1)
    polls = lab.sent(real, stop=True)
    offered = sent["queries"] + polls["queries"]
    found = exporter.settled(offered)
    metrics = exporter.metrics()
    growth = max(now - then for now, then in zip(reserved(exporter), start))
    exporter.stop()
    sessions = total(metrics, "dnstt_sessions_total", domain=receivers.DOMAIN)
    evicted = total(metrics, "dnstt_session_evictions_total")
    too_many = total(metrics, "dnstt_sessions_total") - SESSIONS_MAX
    taken = found["drops"]
    name = f"flood, {each} of each" if each > 1 else "flood"
    report.table([name, ""], [
        ["queries", f"{sent['queries']:,}"],
        ["polls of real clients", f"{polls['queries']:,}"],
        ["lost, and counted as dropped", f"{offered - found['counted']:.0f}, {taken:.0f}"],
        ["real clients active before the flood, at its end, and after",
         ", ".join(f"{sum(page.values()):.0f}" for page in (before, during, active(metrics)))],
        ["AS numbers that they have", f"{len(before)}, {len(during)}, {len(active(metrics))}"],
        ["real sessions", f"{sessions:.0f}"],
        ["sessions more than there is room for, and evicted", f"{too_many:,.0f}, {evicted:,.0f}"],
        ["CPU s/M", f"{cpu / sent['queries'] * 1e6:.3f}"],
        ["memory growth", report.mebibytes(growth)],
    ])
    print()
    report.verdict(offered == found["counted"], f"{name}: {offered - found['counted']:.0f} packets lost", 6)
    report.verdict(sum(before.values()) == REAL_CLIENTS == sessions and before == during == active(metrics),
                   f"{name}: the real clients stay active, are counted as sessions once and keep their label sets", 6)
    report.verdict(evicted == too_many, f"{name}: {evicted:,.0f} evictions counted of {too_many:,.0f}", 6)
    report.verdict(growth <= MEBIBYTE, f"{name}: memory grows by at most 1 MiB beyond the tables ({report.mebibytes(growth)})", 5)


def flood(lab, options):
    report.title(f"Flood of random ClientIDs from spoofed addresses, among {REAL_CLIENTS:,} real clients")
    report.targets(6)
    flooded(lab, options, 1)
    print()
    flooded(lab, options, 2)


def scrapers(lab, options, count, rate=400_000):
    """One cell: so many scrape at once, each second"""
    exporter = receivers.Exporter(lab)
    exporter.start()
    connections = [Connection(lab) for _ in range(count)]
    for connection in connections:
        connection.scrape()
    times = []
    generator = lab.generator(rate, seconds=options.seconds)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        while generator.poll() is None:
            times += [took for _, took in pool.map(Connection.timed, connections)]
            time.sleep(1)
    sent = lab.sent(generator)
    found = exporter.settled(sent["queries"])
    for connection in connections:
        connection.close()
    exporter.stop()
    return sent, found, times


def scrape(lab, options):
    report.title("Scrapes at 400k/s")
    report.targets(7)
    rows = []
    for count in (1, 20):
        sent, found, times = scrapers(lab, options, count)
        rows.append([count, len(times), f"{sent['queries'] / sent['seconds']:,.0f}", f"{lost(sent, found):.0f}",
                     f"{percentile(times, 50) * 1e3:.1f}", f"{max(times) * 1e3:.1f}"])
    report.table(["at once, each second", "scrapes", "offered/s", "lost", "p50 ms", "longest ms"], rows)
    print()
    for row in rows:
        report.verdict(row[3] == "0", f"{row[0]} at once, each second, at {row[2]}/s: {row[3]} packets lost", 7)


def flap(lab):
    for name in ("vb", "vr"):
        lab.link(name, "down")
        time.sleep(0.2)
        lab.link(name, "up")


def soak(lab, options):
    """Reloads, scrapes and flaps for as long as was asked for. What the veth brought is the truth: while
    it is down nothing arrives.
    """
    seconds = options.soak_seconds or (30 if options.quick else 3600)
    report.title(f"{seconds:g} s at 100k/s, with reloads, scrapes and interfaces that go down and up")
    report.targets(9)
    with databases.asn_database(256) as path:
        exporter = receivers.Exporter(lab, flags=("-geoip.asn-database", str(path)))
        exporter.start()
        exporter.process.send_signal(signal.SIGHUP)  # the first one takes memory that the next ones use again
        time.sleep(2)
        exporter.metrics()
        start, arrived, opened = reserved(exporter), lab.received(), descriptors(exporter)
        generator = lab.generator(100_000, seconds=seconds)
        flaps = scrapes = second = 0
        reloads = 1
        while generator.poll() is None:
            time.sleep(1)
            second += 1
            exporter.connection.scrape()
            scrapes += 1
            if second % 10 == 0:
                exporter.process.send_signal(signal.SIGHUP)
                reloads += 1
            if second % 15 == 0:
                flap(lab)
                flaps += 1
        sent = lab.sent(generator)
        arrived = lab.received() - arrived
        found = exporter.settled(arrived)
        metrics = exporter.metrics()
        growth = max(now - then for now, then in zip(reserved(exporter), start))
        opened = descriptors(exporter) - opened
        exporter.stop()
    done = total(metrics, "dnstt_geoip_reloads_total", result="success")
    missing = arrived - found["counted"] - found["drops"]
    report.table(["sent", "arrived", "counted", "dropped", "scrapes", "reloads", "flaps", "memory growth", "descriptors"],
                 [[f"{sent['queries']:,}", f"{arrived:,}", f"{found['counted']:,.0f}", f"{found['drops']:.0f}",
                   scrapes, f"{done:.0f}", flaps, report.mebibytes(growth), f"{opened:+d}"]])
    print()
    report.verdict(missing == 0, f"soak: {missing:.0f} packets not accounted for of {arrived:,} that arrived;"
                   f" {found['drops']:.0f} counted as dropped", 9)
    report.verdict(done == reloads, f"soak: {done:.0f} reloads of {reloads}", 9)
    report.verdict(growth <= MEBIBYTE and opened == 0,
                   f"soak: memory grows by at most 1 MiB ({report.mebibytes(growth)}), descriptors by {opened}", 9)
    report.verdict(seconds >= 3600, f"soak: an hour ({seconds:g} s)", 9)
