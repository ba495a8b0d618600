#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The page at / as an operator's browser shows it: Chromium, behind the page's own policy.

Screenshots are kept in the folder that DNSTT_SCREENSHOTS names.
"""

import html.parser
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
import page_chromium
from exporter import ADDRESS, FIXTURES, PORT, Exporter

URL = f"http://{ADDRESS}:{PORT}/"
DOMAINS = ("t.example.com", "b.example.org")
DATABASES = (
    "-geoip.country-database", str(FIXTURES / "GeoLite2-Country-Test.mmdb"),
    "-geoip.asn-database", str(FIXTURES / "GeoLite2-ASN-Test.mmdb"),
)
RECORDINGS = ("dnstt-unbound-qmin-0x20", "dnstt-unbound-ipv6")
RESOLVERS = ("81.2.69.160", "89.160.20.112", "2001:218::53")
WONDERLAND = "$2b$04$7alcDigle8.hMAAS/L3PE.hPcvcELkXSkpTEVEUOoQZyUiI3XeNuu"  # as bcrypt writes it
LOOKS = {
    "light": {"scheme": "light"},
    "dark": {"scheme": "dark"},
    "tablet": {"scheme": "light", "width": 768, "height": 1024},
    "phone": {"scheme": "light", "width": 360, "height": 740, "mobile": True},
    "phone-dark": {"scheme": "dark", "width": 360, "height": 740, "mobile": True},
}

# WCAG 2.1's contrast of every text that is shown with what is behind it; that of lines and bars,
# which need 3 to 1 and not 4.5 to 1, half as much again.
CONTRAST = """
(() => {
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length == 3) return colour;
        }
        return [255, 255, 255];
    };
    const ratio = (one, other) => {
        const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    };
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || element.closest("svg")) continue;
        found.push([ratio(parse(getComputedStyle(element).color), behind(element)),
                    walk.currentNode.data.trim()]);
    }
    for (const element of document.querySelectorAll("path.line, rect")) {
        const style = getComputedStyle(element);
        const colour = element.tagName == "rect" ? style.fill : style.stroke;
        found.push([ratio(parse(colour), behind(element)) * 1.5, element.outerHTML.slice(0, 60)]);
    }
    return found;
})()
"""

WIDE = """
Array.from(document.querySelectorAll("body *"))
    .filter(element => !element.closest("svg *"))
    .filter(element => element.getBoundingClientRect().right > innerWidth)
    .map(element => element.outerHTML.slice(0, 80))
"""


class Outline(html.parser.HTMLParser):
    """Whether elements nest as they should."""

    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.faults = [], []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is left open" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"line {self.getpos()[0]}: /{tag}")


class Shown(unittest.TestCase):
    """One exporter with traffic and one browser for all of them."""

    @classmethod
    def setUpClass(cls):
        host.must_be_root()
        host.must_have("chromium")
        cls.near, cls.far = host.Host.make(cls, "near"), host.Host.make(cls, "far")
        host.link(cls.near, "eth0", cls.far, "peer")
        cls.wire = host.Wire(cls.near, "eth0", cls.far, "peer")
        cls.addClassCleanup(cls.wire.close)
        cls.exporter = Exporter.start(cls, cls.near, *DATABASES, domains=DOMAINS)
        cls.total = {}
        for name in RECORDINGS:
            cls.wire.replay(FIXTURES / f"{name}.pcap")
            expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())
            for key, value in expected["total"].items():
                cls.total[key] = cls.total.get(key, 0) + value
        folder = tempfile.mkdtemp(prefix="dnstt-it-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.chromium = page_chromium.Chromium(cls.near, folder)
        cls.addClassCleanup(cls.chromium.close)
        cls.shots = pathlib.Path(os.environ.get("DNSTT_SCREENSHOTS", folder))

        def counted():
            queries = cls.exporter.scrape().sum("dnstt_queries_total")
            if queries != cls.total["queries"]:
                raise AssertionError(f"{queries} queries")

        host.eventually(counted)

    def setUp(self):
        self.chromium.events.clear()

    def open(self, look="light"):
        self.chromium.look(**LOOKS[look])
        self.chromium.open(URL)

    def figure(self, name):
        """The value beneath a name."""
        return self.chromium.evaluate(
            f"""Array.from(document.querySelectorAll("dt"))
                .find(dt => dt.textContent == {json.dumps(name)}).nextElementSibling.textContent"""
        )

    def rows(self, heading):
        """Name, clients, sessions and round trip of a table's rows."""
        return self.chromium.evaluate(
            f"""Array.from(Array.from(document.querySelectorAll("section"))
                .find(section => section.querySelector("h2")?.textContent == {json.dumps(heading)})
                .querySelectorAll("tbody tr")).map(row => Array.from(row.children)
                .filter(cell => cell.className != "bar").map(cell => cell.textContent))"""
        )

    def test_it_shows_what_the_metrics_say(self):
        self.open()
        scrape = self.exporter.scrape()
        self.assertEqual(self.figure("Sessions"), f"{self.total['sessions']} since start")
        self.assertEqual(self.figure("Peak, last hour"), str(self.total["sessions"]))
        refused = int(scrape.sum("dnstt_rejected_queries_total"))
        self.assertEqual(self.figure("Refused queries"), f"{refused} since start")
        self.assertEqual(self.figure("Country database").split(",")[0], "GeoLite2-Country")
        text = self.chromium.evaluate("document.body.innerText")
        self.assertIn(f"{self.total['queries']:,} since start", text)
        self.assertIn(f"{self.total['bytes_in'] / 1024:.0f} KiB since start", text)
        for heading, label, prefix in (("country", "country", ""), ("network", "asn", "AS")):
            sessions = {
                "unmapped" if name in ("ZZ", "0") else prefix + name: int(count)
                for name, count in scrape.by("dnstt_sessions_total", label).items()
                if count
            }
            rows = self.rows(f"Clients by {heading}")
            self.assertEqual({name: int(count) for name, _, count, _ in rows}, sessions)
        self.assertIn("GB", [name for name, *_ in self.rows("Clients by country")])

    def test_every_domain_has_its_line(self):
        self.open()
        domains = self.chromium.evaluate(
            """Array.from(document.querySelectorAll(".domains li")).map(domain =>
                [domain.querySelector("h3").textContent, domain.querySelector("strong").textContent,
                 domain.querySelectorAll("path.line").length])"""
        )
        self.assertEqual([name for name, _, _ in domains], list(DOMAINS))
        scrape = self.exporter.scrape()
        for name, clients, lines in domains:
            active = scrape.sum("dnstt_active_clients", domain=name)
            self.assertAlmostEqual(int(clients), active, delta=2)
            self.assertEqual(lines, 1)

    def test_the_browser_finds_nothing_wrong_and_asks_for_nothing_else(self):
        for look in LOOKS:
            self.open(look)
            self.chromium.screenshot(self.shots / f"page-{look}.png")
        time.sleep(0.5)  # for what comes late, such as an icon
        self.chromium.evaluate("0")
        self.assertEqual(self.chromium.complaints(), [])
        self.assertEqual(set(self.chromium.requests()), {URL})

    def test_the_policy_is_in_force(self):
        """That there were no complaints means something: whatever gets in is refused, and told."""
        for change in (
            "document.body.setAttribute('style', 'display: none')",
            "document.head.append(Object.assign(document.createElement('style'),"
            " {textContent: 'body {display: none}'}))",
            "document.body.append(Object.assign(document.createElement('script'),"
            " {textContent: 'document.body.remove()'}))",
            "document.body.append(Object.assign(new Image(), {src: '/-/healthy'}))",
        ):
            self.open()
            self.chromium.events.clear()
            self.chromium.evaluate(f"{change}; 0")
            shown = "getComputedStyle(document.body).display"
            self.assertEqual(self.chromium.evaluate(shown), "block", change)
            time.sleep(0.2)
            self.chromium.evaluate("0")
            self.assertIn("Content Security Policy", str(self.chromium.complaints()), change)

    def test_light_and_dark_are_those_of_the_user_and_readable(self):
        grounds = {}
        for look in ("light", "dark"):
            self.open(look)
            ground = self.chromium.evaluate("getComputedStyle(document.body).backgroundColor")
            grounds[look] = sum(map(int, re.findall(r"\d+", ground)))
            found = self.chromium.evaluate(CONTRAST)
            self.assertGreater(len(found), 80)
            self.assertEqual([entry for entry in found if entry[0] < 4.5], [], look)
        self.assertGreater(grounds["light"], 600)
        self.assertLess(grounds["dark"], 150)

    def test_nothing_is_wider_than_a_phone(self):
        for width in (320, 360, 412, 700, 1024, 2560):
            self.chromium.look(width=width, height=740, mobile=True)
            self.chromium.open(URL)
            self.assertEqual(self.chromium.evaluate(WIDE), [], width)
            scrolled = self.chromium.evaluate("document.documentElement.scrollWidth")
            self.assertLessEqual(scrolled, width)

    def test_every_drawing_and_table_has_a_name(self):
        self.open()
        self.chromium.call("Accessibility.enable")
        named = {}
        for node in self.chromium.call("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            named.setdefault(role, []).append(node.get("name", {}).get("value", ""))
        self.assertIn("Clients in the last hour", named["image"])
        self.assertEqual(len(named["image"]), 3 + len(DOMAINS))
        self.assertNotIn("", named["image"])
        self.assertEqual(len(named["main"]), 1)
        self.assertIn("Clients by country", named["heading"])
        self.assertGreaterEqual(len(named["rowheader"]), 4)

    def test_it_comes_anew_by_itself(self):
        self.open()
        before = int(self.figure("Sessions").split()[0])
        query = dnstt.Client(DOMAINS[1]).poll()
        self.wire.arrive(*packets.packet((RESOLVERS[0], 4000), ("192.0.2.1", 53), query))
        for key, more in (("sessions", 1), ("queries", 1), ("bytes_in", len(query))):
            self.total[key] += more
        start = time.monotonic()
        self.chromium.wait("Page.loadEventFired", 30)
        self.assertAlmostEqual(time.monotonic() - start, 15, delta=3)
        self.assertEqual(int(self.figure("Sessions").split()[0]), before + 1)
        self.assertEqual(self.chromium.complaints(), [])


class Served(unittest.TestCase):
    """What a browser is not needed for."""

    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")

    def folder(self):
        """One that the exporter can look into when it is nobody."""
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        return pathlib.Path(folder.name)

    def begin(self, *flags, **options):
        """An exporter that may take its time."""
        exporter = Exporter(self.box, *flags, **options)
        self.addCleanup(exporter.kill)
        return exporter

    def eventually(self, exporter, check):
        def answered():
            try:
                answer = exporter.get("/")
            except OSError as error:
                raise AssertionError(f"{error}; {exporter.stderr()}") from error
            check(answer)

        host.eventually(answered, 8)

    def test_it_is_whole_private_and_kept_by_nobody(self):
        exporter = Exporter.start(self, self.box, domains=DOMAINS)
        client = dnstt.Client(DOMAINS[0])
        with self.box.udp("127.0.0.1") as resolver:
            resolver.sendto(client.poll(), ("127.0.0.1", 53))
        host.eventually(
            lambda: self.assertEqual(exporter.scrape().sum("dnstt_queries_total"), 1)
        )
        answer = exporter.get("/")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        policy = answer.headers["Content-Security-Policy"]
        self.assertTrue(policy.startswith("default-src 'none'; style-src 'sha256-"), policy)
        self.assertEqual(Outline(answer.text).faults, [])
        self.assertIn("<title>1 client - dnstt_exporter</title>", answer.text)
        for secret in ("127.0.0.1", client.ident.hex(), client.ident.hex().upper()):
            self.assertNotIn(secret, answer.text)
        head = exporter.get("/", method="HEAD")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_it_says_so_until_capture_runs(self):
        slow = self.folder() / "slow"
        slow.write_text("#!/bin/sh\nexec sleep 60\n")
        slow.chmod(0o755)

        def told(answer):
            self.assertIn("Capture is not running.", answer.text)
            self.assertIn(">1 problem<", answer.text)

        self.eventually(self.begin(capture=str(slow)), told)

    def test_it_is_behind_the_same_passwords(self):
        config = self.folder() / "web.yml"
        config.write_text(f"basic_auth_users:\n  alice: {WONDERLAND}\n")
        config.chmod(0o644)
        exporter = self.begin("-web.config.file", str(config))

        def refused(answer):
            self.assertEqual(answer.status, 401)
            self.assertNotIn("Clients", answer.text)

        self.eventually(exporter, refused)
        # "alice:wonderland"
        allowed = exporter.get("/", headers={"Authorization": "Basic YWxpY2U6d29uZGVybGFuZA=="})
        self.assertEqual(allowed.status, 200)
        self.assertIn("Clients now", allowed.text)

    def test_headers_of_the_configuration_do_not_come_twice(self):
        """Browsers take every policy that comes, and one from elsewhere forbids the page's style."""
        config = self.folder() / "web.yml"
        config.write_text("http_server_config:\n  headers:\n"
                          "    Content-Security-Policy: default-src 'none'\n"
                          "    X-Content-Type-Options: nosniff\n    X-Frame-Options: deny\n")
        config.chmod(0o644)
        exporter = Exporter.start(self, self.box, "-web.config.file", str(config))
        page, metrics = exporter.get("/").headers, exporter.get("/metrics").headers
        (policy,) = page.get_all("Content-Security-Policy")
        self.assertIn("style-src 'sha256-", policy)
        self.assertEqual(metrics.get_all("Content-Security-Policy"), ["default-src 'none'"])
        for headers in (page, metrics):
            self.assertEqual(headers.get_all("X-Content-Type-Options"), ["nosniff"])
            self.assertEqual(headers.get_all("X-Frame-Options"), ["deny"])

    def test_disable_page_leaves_a_plain_link(self):
        exporter = Exporter.start(self, self.box, "-web.disable-page")
        answer = exporter.get("/")
        self.assertEqual(answer.status, 200)
        self.assertIn('<a href="/metrics">', answer.text)
        self.assertNotIn("Clients", answer.text)


if __name__ == "__main__":
    unittest.main()
