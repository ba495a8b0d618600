# SPDX-License-Identifier: MIT
"""How the cost grows with sessions, label sets and domains."""

import databases
import instructions
import receivers
import report

SESSIONS = (1_000, 10_000, 100_000, 1_000_000)
LABEL_SETS = (1, 16, 256, 4096)
LABEL_SET_CLIENTS = 40_000  # so many that each of the resolvers has some
DOMAINS = (1, 8, 64)
RATE = 200_000
MOST = 1.5  # times the smallest


class Row:
    """What was measured with one number of one thing"""

    def __init__(self, lab, count, seconds, instructions_of, domains=1, flags=(), **options):
        self.count = count
        self.instructions = instructions_of
        names = [receivers.DOMAIN] + [f"t{index}.example.com" for index in range(1, domains)]
        exporter = receivers.Exporter(lab, names, flags)
        exporter.start()
        cpu = exporter.cpu_seconds()
        sent = lab.offer(RATE, seconds, domains=domains, **options)
        self.cpu = (exporter.cpu_seconds() - cpu) / sent["queries"] * 1e6
        found = exporter.settled(sent["queries"])
        self.lost = sent["queries"] - found["counted"]
        pages = [exporter.connection.timed() for _ in range(9)]
        self.scrape = min(took for _, took in pages)
        self.page = len(pages[0][0])
        self.resident = exporter.resident_bytes()
        exporter.stop()

    def cells(self, thing, first):
        return [thing, f"{self.count:,}", f"{self.instructions:.0f}", f"{self.instructions / first.instructions:.2f}",
                f"{self.cpu:.3f}", f"{self.cpu / first.cpu:.2f}", f"{self.lost:.0f}", report.mebibytes(self.resident),
                f"{self.scrape * 1e3:.2f}", f"{self.page:,}"]


def sessions(lab, options, seconds):
    """Long enough that each comes back, in a table with room for twice as many"""
    for count in SESSIONS[:3] if options.quick else SESSIONS:
        record = instructions.cost(lab, "measured_records", "--clients", count, "--sessions", 2 * count,
                                   "--before", 2 * count // instructions.BATCH + 100)
        yield Row(lab, count, max(seconds, 2.5 * count / RATE), record, clients=count, seed=3,
                  flags=("-sessions.max", str(2 * count)))


def label_sets(lab, _, seconds):
    for count in LABEL_SETS:
        with databases.asn_database(count) as path:
            record = instructions.cost(lab, "measured_records", "--clients", LABEL_SET_CLIENTS, "--resolvers", count,
                                       "--asn", path)
            yield Row(lab, count, seconds, record, clients=LABEL_SET_CLIENTS, resolvers=count,
                      flags=("-geoip.asn-database", str(path), "-metrics.max-series", "8192"))


def domains(lab, _, seconds):
    for count in DOMAINS:
        both = [instructions.cost(lab, path, "--domains", count) for path in ("measured_decode", "measured_records")]
        yield Row(lab, count, seconds, sum(both), domains=count)


def slopes(rows, of):
    """Growth per one more, from each row to the next"""
    return [(of(after) - of(before)) / (after.count - before.count) for before, after in zip(rows, rows[1:])]


def judge(found):
    for thing, rows in found.items():
        for name, of in (("instructions", lambda row: row.instructions), ("CPU", lambda row: row.cpu)):
            ratio = max(map(of, rows)) / min(map(of, rows))
            why = "" if ratio <= MOST or name == "instructions" else ": what the instructions do not show are cache misses"
            report.verdict(ratio <= MOST, f"{thing}: {name} of a packet at most {MOST} times the smallest"
                           f" ({ratio:.2f}){why}", 8)
    lost = sum(row.lost for rows in found.values() for row in rows)
    report.verdict(lost == 0, f"scaling: {lost:.0f} packets lost", 8)
    memory = slopes(found["sessions"], lambda row: row.resident)[1:]
    report.verdict(max(memory) <= MOST * min(memory), "sessions: memory linear, bytes for one more: "
                   + ", ".join(f"{slope:.0f}" for slope in memory), 8)
    scrapes = slopes(found["label sets"], lambda row: row.scrape * 1e6)[1:]
    report.verdict(scrapes[1] <= MOST * scrapes[0], "label sets: scrape time linear, microseconds for one more: "
                   + ", ".join(f"{slope:.2f}" for slope in scrapes), 8)


def run(lab, options):
    report.title(f"Scaling at {report.rate_name(RATE)}/s")
    report.targets(8)
    seconds = 1 if options.quick else 5
    found = {"sessions": [], "label sets": [], "domains": []}
    for thing, rows in zip(found, (sessions, label_sets, domains)):
        found[thing] += rows(lab, options, seconds)
    report.table(["", "", "instructions", "of first", "CPU s/M", "of first", "lost", "resident", "scrape ms", "page bytes"],
                 [row.cells(thing, rows[0]) for thing, rows in found.items() for row in rows])
    print("\ninstructions: of the record path, once all are known; of decoder and record path for domains.\n")
    judge(found)
