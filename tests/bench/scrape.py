# SPDX-License-Identifier: MIT
"""A scraper that spends as little as it can: one connection, no library between."""

import re
import socket
import time

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9713\r\n\r\n"
SAMPLE = re.compile(r"^([a-z_:]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Connection:
    """Kept alive; opened anew when the exporter has closed it"""

    def __init__(self, lab):
        self.lab = lab
        self.socket = None

    def _connect(self):
        self.socket = self.lab.socket(self.lab.host, socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", 9713))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _exchange(self):
        if self.socket is None:
            self._connect()
        self.socket.sendall(REQUEST)
        found = b""
        while b"\r\n\r\n" not in found:
            part = self.socket.recv(1 << 20)
            if not part:
                raise ConnectionResetError("closed")
            found += part
        head, body = found.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode(errors="replace"))
        length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        parts = [body]
        left = length - len(body)
        while left > 0:
            parts.append(self.socket.recv(1 << 20))
            left -= len(parts[-1])
        return b"".join(parts)

    def scrape(self):
        """The page"""
        try:
            return self._exchange()
        except (ConnectionError, BrokenPipeError):
            self.close()
            return self._exchange()

    def timed(self):
        """(page, seconds)"""
        start = time.monotonic()
        page = self.scrape()
        return page, time.monotonic() - start

    def metrics(self):
        """{name: [(labels, value)]}"""
        found = {}
        for line in self.scrape().decode().splitlines():
            sample = SAMPLE.match(line)
            if sample:
                name, labels, value = sample.groups()
                found.setdefault(name, []).append((dict(LABEL.findall(labels or "")), float(value)))
        return found

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


def total(metrics, name, **labels):
    """Sum over all samples of a name that have these labels"""
    return sum(value for found, value in metrics.get(name, ())
               if all(found.get(key) == wanted for key, wanted in labels.items()))


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0
