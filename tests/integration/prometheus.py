# SPDX-License-Identifier: MIT
"""A real Prometheus on the exporter's host: it scrapes once a second and answers queries. A relay
between the two."""

import contextlib
import json
import pathlib
import re
import socket
import tempfile
import threading
import urllib.parse

import host
from exporter import ADDRESS, PORT

LISTEN = 9090
JOB = f"""
  - job_name: dnstt
    static_configs: [{{targets: ["{ADDRESS}:{PORT}"]}}]
"""


class Relay:
    """Ends the TLS of a scraper, asks the exporter for one format in its place, over TLS of its own.

    Prometheus 2 always prefers OpenMetrics, so this is how it comes to read the text format.
    """

    def __init__(self, test, place, port, server, client, accept):
        """server and client are SSL contexts."""
        self._place, self._server, self._client, self._accept = place, server, client, accept
        self.asked, self.answered = set(), set()  # Accept, and the Content-Type of what came
        with place.inside():
            self._listener = socket.create_server((ADDRESS, port))
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        # shutdown() wakes accept(), which close() alone does not
        test.addCleanup(thread.join)
        test.addCleanup(self._listener.close)
        test.addCleanup(self._listener.shutdown, socket.SHUT_RDWR)

    def _serve(self):
        while True:
            try:
                tcp, _ = self._listener.accept()
            except OSError:
                return
            # A scraper that gives up is not our concern, nor is one that we don't know
            with tcp, contextlib.suppress(OSError):
                tcp.settimeout(5)
                with self._server.wrap_socket(tcp, server_side=True) as near:
                    self._relay(near)

    def _relay(self, near):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = near.recv(65536)
            if not more:
                return
            head += more
        lines = head.decode().split("\r\n")[:-2]
        self.asked |= {line.split(": ", 1)[1] for line in lines if line.startswith("Accept: ")}
        kept = [line for line in lines if not line.startswith(("Accept: ", "Connection: "))]
        kept += [f"Accept: {self._accept}", "Connection: close", "", ""]
        with self._client.wrap_socket(self._place.tcp(ADDRESS, PORT), server_hostname=ADDRESS) as far:
            far.sendall("\r\n".join(kept).encode())
            answer = b"".join(iter(lambda: far.recv(65536), b""))
        found = re.search(rb"(?i)\r\nContent-Type: ([^\r]*)", answer)
        self.answered.add(found[1].decode() if found else None)
        near.sendall(answer)


class Prometheus:
    """It ends with the test that started it."""

    def __init__(self, test, exporter, job=JOB, folder=None):
        """What a job names, like a certificate, is looked for in the folder."""
        host.must_have("prometheus")
        self.exporter = exporter
        if folder is None:
            made = tempfile.TemporaryDirectory(prefix="dnstt-it-")
            test.addCleanup(made.cleanup)
            folder = made.name
        config = pathlib.Path(folder, "prometheus.yml")
        config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                          f"scrape_configs:{job}")
        with open(config.with_name("log"), "wb") as log:
            server = exporter.place.spawn(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{LISTEN}", "--log.level=warn"],
                stdout=log, stderr=log,
            )
        test.addCleanup(host.end, server)

    def ask(self, expression):
        """What it answers to PromQL: [{"metric": labels, "value": [time, text]}, ...]."""
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            answer = self.exporter.get(path, port=LISTEN)
        except OSError as error:
            raise AssertionError(f"prometheus: {error}") from error
        if answer.status != 200:
            raise AssertionError(f"prometheus: {answer.status}: {answer.text}")
        return json.loads(answer.text)["data"]["result"]
