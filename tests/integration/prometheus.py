# SPDX-License-Identifier: MIT
"""A real Prometheus on the exporter's host: it scrapes once a second and answers queries."""

import json
import pathlib
import tempfile
import urllib.parse

import host
from exporter import ADDRESS, PORT

LISTEN = 9090
JOB = f"""
  - job_name: dnstt
    static_configs: [{{targets: ["{ADDRESS}:{PORT}"]}}]
"""


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
