# SPDX-License-Identifier: MIT
"""What must not change with time and abuse: memory, the count of real clients, loss under scrapes."""

import concurrent.futures
import signal
import time

import lab as laboratory
import receivers
import report
from scrape import Connection, percentile, total

MEBIBYTE = 1 << 20
FLOOD_DOMAIN = "f.example.com"


def resident(exporter):
    return [laboratory.resident_bytes(pid) for pid in (exporter.process.pid, exporter.capture_pid)]


def lost(sent, found):
    return sent["queries"] + sent["responses"] - found["counted"]


def memory(lab, options):
    """Ten million ClientIDs from ten million addresses"""
    report.title("Resident memory under random ClientIDs and addresses")
    count = 1_000_000 if options.quick else 10_000_000
    exporter = receivers.Exporter(lab)
    exporter.start()
    exporter.metrics()
    time.sleep(1)
    before = resident(exporter)
    rows = [["at start", "0", *map(report.mebibytes, before), ""]]
    sent = {"queries": 0, "responses": 0}
    for _ in range(4):
        part = lab.sent(lab.generator(laboratory.FLOOD_RATE, count=count // 4, random_ids=True))
        sent = {key: sent[key] + part[key] for key in sent}
        found = exporter.settled(sent["queries"])
        now = resident(exporter)
        rows.append(["flood", f"{sent['queries']:,}", *map(report.mebibytes, now), f"{lost(sent, found):.0f}"])
    growth = max(now - then for now, then in zip(resident(exporter), before))
    exporter.stop()
    report.table(["", "queries", "exporter", "capture", "lost"], rows)
    print()
    report.verdict(growth <= MEBIBYTE, f"memory grows by at most 1 MiB ({report.mebibytes(growth)})")


def flood(lab, options):
    """Real clients poll every 10 s (here on a domain of their own, so that they can be told apart)"""
    report.title("Flood of random ClientIDs from spoofed addresses, among 1,000 real clients")
    seconds = 10 if options.quick else 60
    exporter = receivers.Exporter(lab, (receivers.DOMAIN, FLOOD_DOMAIN))
    exporter.start()
    real = lab.generator(100, clients=1000, polls_only=True)
    time.sleep(21)  # each has polled twice: known, not new
    start = resident(exporter)
    cpu = exporter.cpu_seconds()
    sent = lab.offer(laboratory.FLOOD_RATE, seconds, random_ids=True, domain=FLOOD_DOMAIN, seed=2)
    cpu = exporter.cpu_seconds() - cpu
    during = exporter.metrics()
    time.sleep(11 if not options.quick else 1)
    polls = lab.sent(real, stop=True)
    offered = sent["queries"] + polls["queries"]
    found = exporter.settled(offered)
    metrics = exporter.metrics()
    growth = max(now - then for now, then in zip(resident(exporter), start))
    exporter.stop()
    active = [total(page, "dnstt_active_clients", domain=receivers.DOMAIN) for page in (during, metrics)]
    sessions = total(metrics, "dnstt_sessions_total", domain=receivers.DOMAIN)
    report.table(["", ""], [
        ["flood, queries", f"{sent['queries']:,}"],
        ["polls of real clients", f"{polls['queries']:,}"],
        ["lost", f"{offered - found['counted']:.0f}"],
        ["real clients active at the end of the flood, and after", f"{active[0]:.0f}, {active[1]:.0f}"],
        ["real sessions", f"{sessions:.0f}"],
        ["sessions evicted", f"{total(metrics, 'dnstt_session_evictions_total'):,.0f}"],
        ["CPU s/M", f"{cpu / sent['queries'] * 1e6:.3f}"],
        ["memory growth", report.mebibytes(growth)],
    ])
    print()
    report.verdict(offered == found["counted"], "flood: nothing lost")
    report.verdict(active == [1000, 1000] and sessions == 1000,
                   "flood: the 1,000 real clients stay active and are counted as sessions once")
    report.verdict(growth <= MEBIBYTE, "flood: memory grows by at most 1 MiB")


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
    rows = []
    for count in (1, 20):
        sent, found, times = scrapers(lab, options, count)
        rows.append([count, len(times), f"{sent['queries'] / sent['seconds']:,.0f}", f"{lost(sent, found):.0f}",
                     f"{percentile(times, 50) * 1e3:.1f}", f"{max(times) * 1e3:.1f}"])
    report.table(["at once, each second", "scrapes", "offered/s", "lost", "p50 ms", "longest ms"], rows)
    print()
    report.verdict(all(row[3] == "0" for row in rows), "scrapes cost no packet at 400k/s")


def soak(lab, options):
    """Reloads, scrapes and flaps for as long as was asked for. What the veth brought is the truth: while
    it is down nothing arrives.
    """
    seconds = options.soak_seconds or (30 if options.quick else 3600)
    report.title(f"{seconds:g} s at 100k/s, with reloads, scrapes and interfaces that go down and up")
    exporter = receivers.Exporter(lab)
    exporter.start()
    exporter.metrics()
    time.sleep(1)
    start, arrived = resident(exporter), lab.received()
    generator = lab.generator(100_000, in_kernel=False, seconds=seconds)
    flaps = reloads = scrapes = second = 0
    while generator.poll() is None:
        time.sleep(1)
        second += 1
        exporter.connection.scrape()
        scrapes += 1
        if second % 10 == 0:
            exporter.process.send_signal(signal.SIGHUP)
            reloads += 1
        if second % 15 == 0:
            for name in ("vb", "vr"):
                lab.link(name, "down")
                time.sleep(0.2)
                lab.link(name, "up")
            flaps += 1
    sent = lab.sent(generator)
    arrived = lab.received() - arrived
    found = exporter.settled(arrived)
    growth = max(now - then for now, then in zip(resident(exporter), start))
    exporter.stop()
    report.table(["sent", "arrived", "counted", "dropped", "scrapes", "reloads", "flaps", "memory growth"],
                 [[f"{sent['queries']:,}", f"{arrived:,}", f"{found['counted']:,.0f}",
                   f"{found['drops'] + found['records_lost']:.0f}", scrapes, reloads, flaps,
                   report.mebibytes(growth)]])
    print()
    report.verdict(found["counted"] == arrived, "soak: all that arrived is counted")
    report.verdict(growth <= MEBIBYTE, "soak: memory grows by at most 1 MiB")
