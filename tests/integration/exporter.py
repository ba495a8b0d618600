# SPDX-License-Identifier: MIT
"""The exporter under test: starting it on a host, scraping it, ending it."""

import atexit
import functools
import http.client
import os
import pathlib
import shutil
import signal
import tempfile
import time

import exposition
import host

DOMAIN = "t.example.com"
ADDRESS, PORT = "127.0.0.1", 9713
FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"

# What counted() calls the series that carry nothing but a domain, and their metric names.
CORE = {
    "queries": "dnstt_queries_total",
    "bytes_in": "dnstt_bytes_in_total",
    "bytes_out": "dnstt_bytes_out_total",
    "sessions": "dnstt_sessions_total",
    "active": "dnstt_active_clients",
}


@functools.cache
def _public_folder():
    folder = tempfile.mkdtemp(prefix="dnstt-it-")
    atexit.register(shutil.rmtree, folder, True)
    os.chmod(folder, 0o755)
    return pathlib.Path(folder)


@functools.cache
def program(name):
    """Path of a program of the build, or the reason to skip. It is a copy in a folder that every
    user may enter: a checkout may be in a home folder that others may not.
    """
    build = os.environ.get("DNSTT_BUILD")
    host.must(build, "DNSTT_BUILD does not name the build directory")
    path = pathlib.Path(build).resolve() / name
    host.must(os.access(path, os.X_OK), f"{path} is not built")
    copy = _public_folder() / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, copy)
    return str(copy)


class Answer:
    """An HTTP response."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()


class Exporter:
    """The exporter's process and its HTTP address, as they are seen on its host."""

    def __init__(self, place, *flags, domains=(DOMAIN,), port=53, listen=f"{ADDRESS}:{PORT}",
                 binary=None, capture=None, before=()):
        self.place = place
        tail = (listen or "").rpartition(":")[2]
        self.listens_on = int(tail) if tail.isdigit() and tail != "0" else PORT
        self.command = [*before, binary or program("exporter/dnstt_exporter")]
        self.command += ["-capture.program", capture or program("capture/dnstt_capture")]
        for domain in domains:
            self.command += ["-dnstt.domain", domain]
        if port:
            self.command += ["-dnstt.port", str(port)]
        if listen:
            self.command += ["-web.listen-address", listen]
        self.command += flags
        # A regular file, as in "2>log": a capture that may not write to one would show.
        self._stderr = tempfile.TemporaryFile()
        self.process = place.spawn(self.command, stdin=-3, stdout=-3, stderr=self._stderr)

    @classmethod
    def start(cls, test, place, *flags, **options):
        """An exporter that answers and whose capture is confined; it ends with the test."""
        exporter = cls(place, *flags, **options)
        clean = test.addClassCleanup if isinstance(test, type) else test.addCleanup
        clean(exporter.kill)
        exporter.wait_ready()
        return exporter

    @classmethod
    def refuse(cls, place, *flags, timeout=10, **options):
        """Exit status and standard error of an exporter that ends by itself."""
        exporter = cls(place, *flags, **options)
        try:
            return exporter.wait(timeout), exporter.stderr()
        finally:
            exporter.kill()

    @property
    def pid(self):
        return self.process.pid

    def wait(self, timeout=10):
        """Exit status of an exporter that ends without being told to."""
        return host.end(self.process, 0, timeout)

    def stop(self, number=signal.SIGTERM):
        return host.end(self.process, number)

    def kill(self):
        host.kill(self.process)
        self._stderr.close()

    def stderr(self):
        return os.pread(self._stderr.fileno(), 1 << 20, 0).decode()

    def capture_pid(self):
        """Process number of capture, once it is confined."""
        for pid in host.children(self.pid):
            if host.status(pid).get("Seccomp") == "2":
                return pid
        raise AssertionError("no confined capture process")

    def wait_ready(self, timeout=15):
        def ready():
            if self.process.poll() is not None:
                message = f"ended with {self.process.returncode}: {self.stderr()}"
                raise RuntimeError(message)
            try:
                scraped = self.get("/metrics").status
            except OSError as error:
                raise AssertionError(f"/metrics: {error}; {self.stderr()}") from error
            if scraped != 200:
                raise AssertionError(f"/metrics: {scraped}")
            self.capture_pid()

        host.eventually(ready, timeout)

    def get(self, path, method="GET", headers=None, address=ADDRESS, port=None):
        port = port or self.listens_on
        connection = http.client.HTTPConnection(address, port)
        connection.sock = self.place.tcp(address, port)
        try:
            connection.request(method, path, headers=headers or {})
            return Answer(connection.getresponse())
        except http.client.HTTPException as error:
            raise OSError(f"no HTTP response: {error!r}") from error
        finally:
            connection.close()

    def scrape(self):
        answer = self.get("/metrics")
        if answer.status != 200:
            raise AssertionError(f"/metrics: {answer.status}")
        return exposition.Scrape(answer.text)

    def counted(self, domain=DOMAIN, **labels):
        """Everything that packets of one domain can move, as a dict to compare whole."""
        scrape = self.scrape()
        counts = {key: scrape.sum(name, domain=domain, **labels) for key, name in CORE.items()}
        counts["responses"] = scrape.by("dnstt_responses_total", "rcode", domain=domain)
        # A query that is refused before its name was looked at is under no domain.
        counts["rejected"] = {
            **scrape.by("dnstt_rejected_queries_total", "reason", domain=domain),
            **scrape.by("dnstt_rejected_queries_total", "reason", domain="none"),
        }
        counts["duplicates"] = scrape.sum("dnstt_duplicate_packets_total")
        counts["retransmitted"] = scrape.sum("dnstt_retransmitted_queries_total")
        counts["drops"] = scrape.by("dnstt_capture_drops_total", "place")
        return counts

    def expect(self, test, expected, timeout=5, **options):
        """The counts come to these and stay; keys that are not named have to be empty or 0."""
        blank = {"responses": {}, "rejected": {}, "drops": {}, "duplicates": 0, "retransmitted": 0}
        blank.update(dict.fromkeys(CORE, 0), **expected)

        def equal():
            test.assertEqual(self.counted(**options), blank)

        host.eventually(equal, timeout)
        time.sleep(0.25)  # several times the latency of the ring: nothing more may come
        equal()
