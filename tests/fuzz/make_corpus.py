#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes seeds for the fuzz targets into folders of their names: make_corpus.py DIRECTORY

From the recordings, from the generator of the differential test, and from the cases of the judges.
corpus/TARGET.tar.xz holds these, minimised together with what the long runs found (README.md).
"""

import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "reference"), str(HERE.parent / "integration")]

import batch_seeds
import contract
import generate
import pcap
import reference
import request_seeds
import webconfig_judge

FIXTURES = HERE.parent / "fixtures"
OUTGOING, USE_ECS, SNAPPED, OFFLOAD = 1, 2, 4, 8

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
    "-dnstt.domain=a,wire=dnstt-aaaa,record-type=null\n-capture.program=/x\n-capture.ring-size=1MB",
    "-dnstt.domain=A.Example.,min-edns=0x\n-capture.latency=0ms\n-sessions.max=4294967296",
    "-dnstt.domain=" + ".".join(["a" * 63] * 4) + "\n-dnstt.domain=a..b\n-dnstt.domain=\\046",
    "".join(f"-dnstt.domain=d{i}.example\n" for i in range(70)),
    "-dnstt.domain=a\n" + "".join(f"-web.listen-address=:{i}\n" for i in range(1, 20)),
    "-dnstt.domain=a\n-web.listen-address=[fe80::1%lo]:1\n-web.listen-address=1.2.3.4:65536",
    "-version", "-help", "-h", "--", "-", "-=x", "---x", "x", "-dnstt.domain", "-nonsense=1",
]

HEADERS = [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\ngzip",
    "text/plain;version=0.0.4\ndeflate, gzip;q=0.5, *;q=0\nBasic YWxpY2U6d29uZGVybGFuZA==",
    "text/*;q=0.3, text/plain; version=\"0.0.4\"; charset=utf-8\nidentity\nbasic Og==",
    request_seeds.ACCEPT_PROMETHEUS_2, request_seeds.ACCEPT_PROMETHEUS_3,
    request_seeds.ACCEPT_PROTOBUF, request_seeds.ACCEPT_FIREFOX, request_seeds.ACCEPT_CHROMIUM,
    "*/*", "*", "", ",", " , ,", "text/plain", "TEXT/PLAIN;VERSION=0.0.4;Q=1.000", "*/plain",
    "application/openmetrics-text", "application/openmetrics-text;version=2.0.0,*/*;q=0",
    "application/openmetrics-text ; version = 1.0.0 ; q = 1", "text/plain;q=0.5;ext=\"a,b\"",
    "application/openmetrics-text;q=0.5\ntext/plain;q=0.6\n*/*;q=0.7",
    *(f"application/openmetrics-text;version=1.0.0;q={q},text/plain;q=0.5\ngzip;q={q}" for q in (
        "0", "0.", "0.0001", "0.5", "0.50", "0.500", "1.", "1.0", "1.001", "1.1", "-1", "+1", ".5",
        "2", "NaN", "1e0", "", "\"0.5\"", "0,5", "0 .5", "0.5 ", "\t1", "00", "01", "0.5;q=1")),
    "gzip", "x-gzip", "GZIP", "gzip;q=0, *", "*;q=0, gzip", "identity;q=0", "br, *;q=0.1",
    "gzip\ngzip;q=0", "gzip;Q=0.001", "gzipped", "gzip;level=1", "deflate, , gzip", "\"gzip\"",
    "text/plain;version=\"0.0.\\4\"", "text/plain;version=\"0.0.4", "text/plain;a=\"\\", "text/",
    "/plain", "text/plain;;;q=0.1", "text/plain;q", "text/plain;=1", "te\x01xt/plain",
    "\n".join(["gzip;q=0.1"] * 20),
    "Basic YTpi", "Basic  YTpi ", "bAsIc YTpi", "Basic YTpi=", "Basic YTo=", "Basic OmI=",
    "Basic YQ==", "Basic", "Basic ", "Basic YTpiOmM6", "Basic YT-_", "Basic =",
    "Basic YTpi YTpi", "Bearer x",
    "Basic " + "YWFh" * 64 + "OmI=", "Basic YTpi" + "YWFh" * 400, "Basic AAAA", "Basic YTpiAA==",
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


def databases():
    """One of every schema, with few networks, in which the target's addresses are"""
    script = (FIXTURES / "make-databases.pl").read_text(encoding="utf-8")
    many = "networks(1500, 7)"
    few = ("[['0.0.0.0/1', 'DE', 64496], ['128.0.0.0/2', 'IR', 4200000000], ['::/40', 'US', 1],"
           " ['203.0.113.0/28', 'FR', 64500], ['2800::/6', 'JP', 64511]]")
    if script.count(many) != 1:
        raise SystemExit(f"make-databases.pl has no longer its one {many}")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["perl", "-", folder], input=script.replace(many, few).encode(), check=True)
        for path in sorted(pathlib.Path(folder).glob("*.mmdb")):
            yield path.read_bytes()


def main():
    target = pathlib.Path(sys.argv[1])
    records = []
    for sight in sights():
        control = OUTGOING * sight.outgoing | USE_ECS | SNAPPED * (len(sight.data) < sight.wire)
        write(target / "fuzz_packet",
              bytes([control | OFFLOAD]) + struct.pack("=H", sight.segment) + sight.data
              if sight.segment else bytes([control]) + sight.data)
        for record in reference.decode_all(sight, FUZZED):
            record.domain = (record.domain if record.domain == contract.NO_DOMAIN
                             else record.domain % 3)
            record.time_ms = 1000
            records.append(record)

    for story in batch_seeds.seeds():
        write(target / "fuzz_batch", story)
    for start in range(0, 2000, 40):
        few = records[start:start + 4]
        write(target / "fuzz_batch", batch_seeds.hello() + batch_seeds.traffic(10_000, few) +
              batch_seeds.traffic(400_000, few) + batch_seeds.traffic(2_500_000, few[:1]))

    for line in COMMAND_LINES:
        write(target / "fuzz_flags", line.encode())
    for text in HEADERS:
        write(target / "fuzz_negotiate", text.encode())
    for text in request_seeds.seeds():
        write(target / "fuzz_request", text)
    for _, text, *_ in webconfig_judge.CASES:
        write(target / "fuzz_webconfig", text.encode())
    for path in (FIXTURES / "webconfig").glob("*.yml"):
        write(target / "fuzz_webconfig", path.read_bytes())
    for path in FIXTURES.glob("*.mmdb"):
        write(target / "fuzz_mmdb", path.read_bytes())
    for data in databases():
        write(target / "fuzz_mmdb", data)


if __name__ == "__main__":
    main()
