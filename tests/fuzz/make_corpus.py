#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes seeds for the fuzz targets into folders of their names: make_corpus.py DIRECTORY

From the recordings, from the generator of the differential test, and from the cases of the judges.
What is committed under corpus/ is this, boiled down with -merge=1 after some minutes of fuzzing.
"""

import hashlib
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "reference"), str(HERE.parent / "integration")]

import contract
import generate
import pcap
import reference
import webconfig_judge

FIXTURES = HERE.parent / "fixtures"
OUTGOING, USE_ECS, SNAPPED = 1, 2, 4
TRAFFIC, HELLO, FAILURE = 3, 1, 2

# As fuzz_packet.c has it
FUZZED = contract.Config([
    contract.Tunnel(contract.domain(name), (16, 28)[:1 + i % 2], 512 if i % 2 else 1232,
                    8 if i == 0 else i + 1, i // 2 % 2, i % 4)
    for i, name in enumerate(("t.example.com", "s.example.com", "v.example.com", "x.example.com",
                              "k.t.example.com", "i"))], use_ecs=True)

COMMAND_LINES = [
    "-dnstt.domain\nt.example.com",
    "--dnstt.domain=t.example.com\n-dnstt.domain\nv.example.com,wire=vaydns,id-bytes=2",
    "-dnstt.domain=x.example.com,wire=dnsttex,record-type=txt,min-edns=700\n-dnstt.port=5300",
    "-dnstt.domain=a,wire=dnstt-aaaa\n-dnstt.domain=b,framing=off\n-geoip.use-ecs=T",
    "-dnstt.domain=a\n-capture.ring-size=64MiB\n-capture.latency=10ms\n-capture.interface=lo",
    "-dnstt.domain=a\n-web.listen-address=:9713\n-web.listen-address\n[::1]:80",
    "-dnstt.domain=a\n-web.listen-address=localhost:1\n-web.telemetry-path=/m\n-web.max-requests=0",
    "-dnstt.domain=a\n-log.level=debug\n-log.format=json\n-sessions.max=1",
    "-dnstt.domain=a\n-metrics.max-series=0x10",
    "-dnstt.domain=a\n-geoip.country-database=c.mmdb\n-geoip.asn-database=a.mmdb",
    "-dnstt.domain=a\n-web.config.file=w.yml\n-web.systemd-socket\n-web.disable-page",
    "-version", "-help", "-h", "--", "-", "-=x", "---x", "x", "-dnstt.domain", "-nonsense=1",
]

HEADERS = [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\ngzip",
    "text/plain;version=0.0.4\ndeflate, gzip;q=0.5, *;q=0\nBasic YWxpY2U6d29uZGVybGFuZA==",
    "text/*;q=0.3, text/plain; version=\"0.0.4\"; charset=utf-8\nidentity\nbasic Og==",
]


def write(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def sights():
    """Recorded packets, far between, and generated ones for the configuration of the target"""
    for path in sorted(FIXTURES.glob("*.pcap")):
        yield from pcap.sights(path)[::50]
    generator = generate.Generator("corpus")
    generator.config = FUZZED
    for _ in range(20000):
        yield generator.sight()


def batch(kind, sequence, body, count=0):
    return struct.pack("=IBBHQQQQ24x", 0, 1, kind, count, sequence, 0, 0, 0) + body


def main():
    target = pathlib.Path(sys.argv[1])
    records = []
    for sight in sights():
        control = OUTGOING * sight.outgoing | USE_ECS | SNAPPED * (len(sight.data) < sight.wire)
        write(target / "fuzz_packet", bytes([control]) + sight.data)
        record = reference.decode(sight, FUZZED)
        record.domain = record.domain if record.domain == contract.NO_DOMAIN else record.domain % 3
        records.append(record)

    hello = batch(HELLO, 0, struct.pack("=4I", 1 << 20, 7, 1, 0))
    write(target / "fuzz_batch", batch(FAILURE, 0, struct.pack("=2I", 4, 12)))
    for start in range(0, 2000, 40):
        message = b"".join(record.pack() for record in records[start:start + 4])
        twice = batch(TRAFFIC, 1, message, 4) + batch(TRAFFIC, 40, message, 4)
        write(target / "fuzz_batch", hello + twice + batch(TRAFFIC, 255, message[:64], 1))

    for line in COMMAND_LINES:
        write(target / "fuzz_flags", line.encode())
    for text in HEADERS:
        write(target / "fuzz_negotiate", text.encode())
    for _, text, *_ in webconfig_judge.CASES:
        write(target / "fuzz_webconfig", text.encode())
    for path in FIXTURES.glob("*.mmdb"):
        write(target / "fuzz_mmdb", path.read_bytes())


if __name__ == "__main__":
    main()
