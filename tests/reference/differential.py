#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Feeds generated packets to the reference and to a decoder and demands the same records
"""Every record has to be the same, byte for byte, and every verdict has to occur.

The decoder is decoder.c, linked with the code under test. It gets batches, each with a
configuration of its own; what a batch holds follows from the seed and its number alone.
"""

import argparse
import collections
import itertools
import multiprocessing
import os
import random
import struct
import subprocess
import sys
import traceback

import contract
import generate
import pcap
import reference
from contract import (FLAG_ECS, FLAG_KCP, FLAG_SN_0, FLAG_TC, QUERY, RESPONSE, SEGMENTS, SENT,
                      Record, Verdict)

BATCH = 5000
SHOWN = 20
RECORDED_CONFIG = contract.Config([contract.dnstt("t.example.com")])

RESPONSE_VERDICTS = set(Verdict) - {Verdict.FRAGMENT, Verdict.MULTIPLE_OPT, Verdict.EDNS_VERSION,
                                    Verdict.EDNS_SIZE}
REQUIRED = ([(QUERY, verdict.name) for verdict in Verdict]
            + [(RESPONSE, verdict.name) for verdict in sorted(RESPONSE_VERDICTS)]
            + [(QUERY, "with payload"), (QUERY, "with KCP"), (QUERY, "with ECS"),
               (RESPONSE, "with payload"), (RESPONSE, "with KCP"), (RESPONSE, "with TC"),
               (RESPONSE, "with more segments than are kept"),
               (QUERY, "of a super-packet"), (RESPONSE, "of a super-packet")]
            + [(kind, name) for kind in (QUERY, RESPONSE) for name in (
                "with SN_0", "with segments", "with more than five segments", "with una",
                "with a segment cut short", "with a wrong command")])

decoder_path = None
recorded = []


def frame(sight):
    return struct.pack("=IIIIHHBxxx", len(sight.data), sight.wire, sight.interface, sight.time_ms,
                       sight.protocol, sight.segment, sight.outgoing) + sight.data


def split(output):
    """For each packet, the records of each datagram in one piece; no records end a packet"""
    found, pieces = [], []
    at = 0
    while at + 4 <= len(output):
        end = at + 4 + 64 * int.from_bytes(output[at:at + 4], sys.byteorder)
        if end == at + 4:
            found.append(pieces)
            pieces = []
        else:
            pieces.append(output[at + 4:end])
        at = end
    return found if at == len(output) and not pieces else []


def run_decoder(config, sights):
    """(records, why it ended early or None)"""
    done = subprocess.run([decoder_path], input=config.pack() + b"".join(map(frame, sights)),
                          capture_output=True, check=False)
    found = split(done.stdout)
    if done.returncode == 0 and len(found) == len(sights):
        return found, None
    return [], f"status {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"


def describe(config, sight):
    lines = [f"ethertype 0x{sight.protocol:04x}, {'outgoing' if sight.outgoing else 'incoming'}, "
             f"interface {sight.interface}, time {sight.time_ms}, segments of {sight.segment}, "
             f"{len(sight.data)} of {sight.wire} bytes:",
             f"  {sight.data.hex()}",
             f"port {config.port}, ECS {'on' if config.use_ecs else 'off'}, domains:"]
    lines += [f"  {index}: {tunnel}" for index, tunnel in enumerate(config.tunnels)]
    return "\n".join(lines)


def name_of(verdict):
    return Verdict(verdict).name if verdict in set(Verdict) else str(verdict)


def way(kind):
    return "query" if kind == QUERY else "response"


def summarise(wanted, found):
    """What is different, in a line that many differences of one cause share"""
    fields = [name for name in SENT if getattr(wanted, name) != getattr(found, name)]
    return (f"{way(wanted.kind)}: reference {name_of(wanted.verdict)}, "
            f"decoder {name_of(found.verdict)}, different: "
            f"{', '.join(fields) or 'what is around the segments'}")


def compare(wanted, found):
    """Both records, field by field"""
    lines = [f"  {'':14}{'reference':52}decoder"]
    for name in SENT:
        values = []
        for value in (getattr(wanted, name), getattr(found, name)):
            if isinstance(value, bytes):
                values.append(value.hex())
            elif name == "verdict":
                values.append(f"{value} {name_of(value)}")
            else:
                values.append(f"{value}")
        mark = "!" if values[0] != values[1] else " "
        lines.append(f"{mark} {name:14}{values[0]:52}{values[1]}")
    return "\n".join(lines)


def tally(counts, record):
    kind = record.kind
    counts[kind, Verdict(record.verdict).name] += 1
    if record.verdict != Verdict.ACCEPTED:
        return
    traits = {"with payload": record.payload_bytes, "with KCP": record.flags & FLAG_KCP,
              "with ECS": kind == QUERY and record.flags & FLAG_ECS,
              "with TC": kind == RESPONSE and record.flags & FLAG_TC,
              "with SN_0": record.flags & FLAG_SN_0,
              "with segments": record.segments, "with una": record.una,
              "with more than five segments": len(record.segments) > SEGMENTS}
    for name, value in traits.items():
        if value:
            counts[kind, name] += 1
    for name in record.ends:
        counts[kind, name] += 1


def failed(counts, sights, cause, text):
    return counts, collections.Counter({cause: len(sights)}), {cause: text}


def check(config, sights):
    """(tally, failures by what they have in common, the first of each in full)"""
    counts = collections.Counter()
    expected = []
    for sight in sights:
        try:
            found = reference.decode_all(sight, config)
        except Exception:
            return failed(counts, sights, "the reference fails",
                          traceback.format_exc() + describe(config, sight))
        for record in found:
            tally(counts, record)
            counts[record.kind, "of a super-packet"] += len(found) > 1
        expected.append([record.pack() for record in found])

    found, ended = run_decoder(config, sights)
    if ended:
        for sight in sights:
            _, alone = run_decoder(config, [sight])
            if alone:
                return failed(counts, sights, "the decoder ends",
                              f"{alone}\n{describe(config, sight)}")
        return failed(counts, sights, "the decoder ends, but with no packet alone", ended)

    failures = collections.Counter()
    examples = {}
    for sight, records, pieces in zip(sights, expected, found):
        if len(records) != len(pieces):
            cause = "another number of datagrams"
            text = f"  reference {len(records)}, decoder {len(pieces)}"
        elif records != pieces:
            pair = next(pair for pair in zip(records, pieces) if pair[0] != pair[1])
            wanted, got = map(Record.unpack, pair)
            cause, text = summarise(wanted, got), compare(wanted, got)
        else:
            continue
        failures[cause] += 1
        examples.setdefault(cause, f"{describe(config, sight)}\n{text}")
    return counts, failures, examples


def check_batch(job):
    seed, count = job
    generator = generate.Generator(seed, recorded)
    return f"batch {seed}", count, *check(generator.config,
                                          [generator.sight() for _ in range(count)])


def check_recorded(_):
    """The recordings as they are"""
    return "recordings", len(recorded), *check(RECORDED_CONFIG, recorded)


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="packets to generate")
    parser.add_argument("--seed", default=str(random.SystemRandom().getrandbits(32)))
    parser.add_argument("--decoder", required=True, help="decoder.c, linked with what is tested")
    parser.add_argument("--pcap", nargs="*", default=[], help="recordings to start from, too")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count()))
    return parser.parse_args()


def main():
    global decoder_path, recorded
    chosen = options()
    decoder_path = chosen.decoder
    recorded = [sight for path in chosen.pcap for sight in pcap.sights(path)]
    print(f"seed {chosen.seed}", flush=True)

    sizes = [BATCH] * (chosen.count // BATCH)
    sizes += [chosen.count % BATCH] if chosen.count % BATCH else []
    jobs = [(f"{chosen.seed}-{number}", size) for number, size in enumerate(sizes)]
    total = collections.Counter()
    causes = collections.Counter()
    tested = 0
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        results = [pool.imap(check_recorded, [None] if recorded else []),
                   pool.imap(check_batch, jobs)]
        for origin, count, counts, failures, examples in itertools.chain(*results):
            total.update(counts)
            tested += count
            for cause, text in examples.items():
                if cause not in causes and len(causes) < SHOWN:
                    print(f"--- {origin}: {cause}\n{text}", flush=True)
            causes.update(failures)

    for (kind, name), number in sorted(total.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"{number:10} {way(kind)} {name}")
    missing = [required for required in REQUIRED if not total[required]]
    for kind, name in missing:
        print(f"never occurred: {way(kind)} {name}")
    for cause, number in causes.most_common():
        print(f"{number:10} times {cause}")
    print(f"{tested - causes.total()} passed, {causes.total()} failed")
    return 1 if causes or missing else 0


if __name__ == "__main__":
    sys.exit(main())
