# SPDX-License-Identifier: MIT
"""Scrapes per second, beside those of prometheus-node-exporter on the same core, and their sizes."""

import re
import subprocess
import time

import lab as laboratory
import report
from receivers import Exporter, Receiver

URL = "http://127.0.0.1:9713/metrics"
CONNECTIONS = 10


class NodeExporter(Receiver):
    name = label = "prometheus-node-exporter"

    def start(self):
        self.spawn(["prometheus-node-exporter", "--web.listen-address=127.0.0.1:9713", "--log.level=error"],
                   stderr=subprocess.DEVNULL)
        if not laboratory.wait_for(lambda: self.size() > 0, 10):
            raise RuntimeError("prometheus-node-exporter does not answer")

    def size(self):
        return int(self.lab.inside(self.lab.host, "sh", "-c", f"curl -s {URL} | wc -c"))

    def stop(self):
        self.lab.end(self.process)


class Ours(Exporter):
    size = NodeExporter.size


def load(lab, seconds, *headers):
    """Requests per second and mean latency in ms, of wrk on the other core"""
    words = [word for header in headers for word in ("-H", header)]
    output = lab.inside(lab.host, "taskset", "-c", str(lab.sender_core), "wrk", "-t1", f"-c{CONNECTIONS}",
                        f"-d{seconds:.0f}", *words, URL)
    if "Non-2xx" in output:
        raise RuntimeError(f"wrk got errors: {output}")
    mean, unit = re.search(r"Latency\s+([\d.]+)(us|ms|s)", output).groups()
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
            float(mean) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def run(lab, options):
    report.title("Serving /metrics")
    rows = []
    for name, make, headers in (
        ("dnstt_exporter, text", lambda: Ours(lab), ()),
        ("dnstt_exporter, gzip", lambda: Ours(lab), ("Accept-Encoding: gzip",)),
        ("dnstt_exporter, 64 domains", lambda: Ours(lab, [f"t{i}.example.com" for i in range(64)]), ()),
        ("prometheus-node-exporter", lambda: NodeExporter(lab), ()),
    ):
        receiver = make()
        receiver.start()
        time.sleep(0.5)
        size = receiver.size()
        rates = [load(lab, min(options.seconds, 4), *headers) for _ in range(options.runs)]
        resident = receiver.resident_bytes()
        receiver.stop()
        rows.append([name, size, f"{report.median([rate for rate, _ in rates]):.0f}",
                     f"{report.median([mean for _, mean in rates]):.2f}", report.mebibytes(resident)])
    report.table(["program", "bytes", "scrapes per second", "mean ms", "resident MiB"], rows)
