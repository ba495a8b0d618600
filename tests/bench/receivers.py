# SPDX-License-Identifier: MIT
"""The programs that are compared: how each is started, what it says that it saw."""

import json
import re
import signal
import subprocess
import tempfile
import time

import lab as laboratory
from scrape import Connection, total

DOMAIN = "t.example.com"
RING_BYTES = 32 << 20  # for each that has a ring


class Receiver:
    """One run of one program"""

    name = ""
    label = ""
    settle = 0.3  # seconds until all that was sent has reached it: a ring's block is closed after 50 ms

    def __init__(self, lab):
        self.lab = lab
        self.process = None

    def start(self):
        raise NotImplementedError

    def stop(self):
        """{"counted": ..., "drops": ..., "stalls": ...}, None for what it does not say"""
        raise NotImplementedError

    def spawn(self, argv, **options):
        self.process = self.lab.start(self.lab.host, self.lab.host_core, argv, **options)
        return self.process

    def cpu_seconds(self):
        return laboratory.cpu_seconds(self.process.pid)

    def resident_bytes(self):
        return sum(map(laboratory.resident_bytes, laboratory.descendants(self.process.pid)))


class OurTap(Receiver):
    """One of the small programs of this folder"""

    more = ()  # arguments

    def start(self):
        process = self.spawn([self.lab.tool(self.name), "vb", 53, *self.more], stdout=subprocess.PIPE)
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{self.name} does not start")

    def stop(self):
        output, _ = self.lab.end(self.process)
        found = json.loads(output)
        return {"counted": found["packets"], "drops": found["drops"], "stalls": None,
                "latency": found["latency_p99_ms"]}


class CountingRing(OurTap):
    name = "counting_ring"
    label = "counting ring"


class EmptyPair(CountingRing):
    label = "two empty processes"
    more = ("two",)


class RecvfromDecoder(OurTap):
    name = "recvfrom_decoder"
    label = "recvfrom + decode"


class Tcpdump(Receiver):
    name = label = "tcpdump"
    settle = 1.3  # it gives libpcap a second

    def start(self):
        process = self.spawn(["tcpdump", "-i", "vb", "-n", "-B", RING_BYTES >> 10, "-w", "/dev/null",
                              "udp port 53"], stderr=subprocess.PIPE)
        process.stderr.readline()  # "listening on"

    def stop(self):
        _, output = self.lab.end(self.process, signal.SIGINT)
        captured = int(re.search(r"(\d+) packets captured", output)[1])
        return {"counted": captured, "drops": int(re.search(r"(\d+) packets dropped", output)[1]),
                "stalls": None, "latency": None}


class Dnscap(Receiver):
    name = label = "dnscap"

    def start(self):
        self.output = tempfile.TemporaryFile("w+")
        # -S writes the counts of libpcap where the output file ends
        self.spawn(["dnscap", "-N", "-S", "-i", "vb", "-o", f"pcap_buffer_size={RING_BYTES}", "-w", "-"],
                   stdout=subprocess.DEVNULL, stderr=self.output)
        time.sleep(0.7)  # it says nothing when it is ready

    def stop(self):
        self.lab.end(self.process, signal.SIGINT)
        self.output.seek(0)
        found = re.findall(r"(\d+) recv (\d+) drop", self.output.read())
        counted = sum(int(received) for received, _ in found) if found else None
        return {"counted": counted, "drops": sum(int(drop) for _, drop in found) if found else None,
                "stalls": None, "latency": None}


class Exporter(Receiver):
    """dnstt_exporter and dnstt_capture, as shipped"""

    name = label = "dnstt_exporter"

    def __init__(self, lab, domains=(DOMAIN,), flags=()):
        super().__init__(lab)
        self.domains = domains
        self.flags = flags
        self.connection = None

    def start(self):
        argv = [self.lab.build / "exporter" / "dnstt_exporter",
                "-capture.program", self.lab.build / "capture" / "dnstt_capture",
                "-web.listen-address", "127.0.0.1:9713", "-dnstt.port", "53", *self.flags]
        for domain in self.domains:
            argv += ["-dnstt.domain", domain]
        self.log = tempfile.TemporaryFile("w+")
        self.spawn(argv, stderr=self.log)
        if not laboratory.wait_for(self._running, 10):
            self.log.seek(0)
            raise RuntimeError(f"dnstt_exporter does not start: {self.log.read()}")
        self.connection = Connection(self.lab)

    def _running(self):
        self.log.seek(0)
        if "capture is confined" in self.log.read():
            return True
        if self.process.poll() is not None:
            self.log.seek(0)
            raise RuntimeError(f"dnstt_exporter ended: {self.log.read()}")
        return False

    @property
    def capture_pid(self):
        return laboratory.descendants(self.process.pid)[1]

    def metrics(self):
        return self.connection.metrics()

    def counts(self):
        """What must add up to all that was sent"""
        metrics = self.metrics()
        queries = total(metrics, "dnstt_queries_total")
        other = (total(metrics, "dnstt_rejected_queries_total")
                 + total(metrics, "dnstt_duplicate_packets_total"))
        return {"counted": queries + total(metrics, "dnstt_responses_total"),
                "queries": queries, "other": other,
                "captured": total(metrics, "dnstt_capture_packets_total"),
                "bytes_in": total(metrics, "dnstt_bytes_in_total"),
                "bytes_out": total(metrics, "dnstt_bytes_out_total"),
                "drops": total(metrics, "dnstt_capture_drops_total"),
                "stalls": total(metrics, "dnstt_capture_stalls_total"),
                "latency": None}

    def settled(self, sent, seconds=3):
        """Counts, once all that was sent is counted or lost; a quiet ring is read out within 50 ms"""
        def done():
            found.update(self.counts())
            return sum(found[key] for key in ("counted", "other", "drops")) >= sent
        found = {}
        laboratory.wait_for(done, seconds, 0.1)
        return found

    def stop(self):
        if self.connection:
            self.connection.close()
        self.lab.end(self.process)
        if self.process.returncode:
            self.log.seek(0)
            raise RuntimeError(f"dnstt_exporter ended with {self.process.returncode}: {self.log.read()}")


PAIRED = (CountingRing, Exporter, EmptyPair)  # set against each other, turn by turn
ALL = PAIRED + (RecvfromDecoder, Tcpdump, Dnscap)
