#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The manual page, the alerting rules and the dashboard: well formed, and about this exporter."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import exporter
import host
import prometheus
import traffic

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "exporter/deploy"
PAGE = DEPLOY / "dnstt_exporter.8"
# Variables of Grafana, and what stands for them where PromQL has to be read
GIVEN = {"__rate_interval": "5m", "__range": "1h"}
DATABASES = ("-geoip.country-database", str(exporter.FIXTURES / "GeoLite2-Country-Test.mmdb"),
             "-geoip.asn-database", str(exporter.FIXTURES / "GeoLite2-ASN-Test.mmdb"))
SELECTOR = re.compile(r"\b((?:dnstt|process|promhttp)_[a-z_]+|up)\b(?:\{([^}]*)\})?")


def judge(*command):
    """What a checker says of a file, which is to be nothing."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.returncode, done.stdout


def flags():
    """The flags of -help and the names of their values."""
    said = host.run(exporter.program("exporter/dnstt_exporter"), "-help")
    found = dict(re.findall(r"^  -([a-z.-]+) ?(.*)$", said, re.M))
    assert len(found) > 15, said
    return found


class ManualPage(unittest.TestCase):
    def setUp(self):
        self.text = PAGE.read_text()

    def test_mandoc_has_nothing_to_say(self):
        host.must_have("mandoc")
        self.assertEqual(judge("mandoc", "-T", "lint", "-W", "all", PAGE), (0, ""))

    def test_groff_has_nothing_to_say(self):
        host.must_have("groff")
        self.assertEqual(judge("groff", "-ww", "-mandoc", "-Tutf8", "-z", PAGE), (0, ""))

    def test_it_has_the_sections_of_its_kind(self):
        sections = re.findall(r"^\.S[hs] (.*)$", self.text, re.M)
        self.assertEqual(sections, ["NAME", "SYNOPSIS", "DESCRIPTION", "HTTP", "Signals", "FILES",
                                    "EXIT STATUS", "EXAMPLES", "SECURITY CONSIDERATIONS"])

    def test_its_files_exist(self):
        named = {name for line in re.findall(r"^\.It Pa ([a-z].*)$", self.text, re.M)
                 for name in line.split(" , ")}
        self.assertEqual(named, {"dnstt_exporter.service", "dnstt_exporter.socket", "alerts.yml",
                                 "dashboard.json"})
        self.assertEqual({name for name in named if not (DEPLOY / name).is_file()}, set())


class Alerts(unittest.TestCase):
    def setUp(self):
        self.rules = (DEPLOY / "alerts.yml").read_text()
        self.tests = (DEPLOY / "alerts_test.yml").read_text()

    def test_promtool_takes_them(self):
        host.must_have("promtool")
        status, said = judge("promtool", "check", "rules", "--lint=all", "--lint-fatal",
                             DEPLOY / "alerts.yml")
        self.assertEqual(status, 0, said)

    def test_they_fire_when_they_should(self):
        host.must_have("promtool")
        status, said = judge("promtool", "test", "rules", DEPLOY / "alerts_test.yml")
        self.assertEqual(status, 0, said)

    def test_each_is_seen_to_fire_and_not_to_fire(self):
        names = re.findall(r"^      - alert: (\w+)$", self.rules, re.M)
        self.assertEqual(len(names), len(set(names)))
        for quiet, pattern in ((True, r" \[\]$"), (False, r"\n          - exp_labels:")):
            row = rf"alertname: (\w+)\n        exp_alerts:{pattern}"
            self.assertEqual(set(re.findall(row, self.tests, re.M)), set(names), quiet)

    def test_flags_they_advise_exist(self):
        # dnstt-server's own flag is the one without a dot
        named = set(re.findall(r" -([a-z]+\.[a-z.-]*[a-z])\b", self.rules))
        self.assertGreater(len(named), 2)
        self.assertEqual(named - set(flags()), set())


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.board = json.loads((DEPLOY / "dashboard.json").read_text())
        cls.panels = [panel for panel in cls.board["panels"] if panel["type"] != "row"]
        cls.targets = [(panel["title"], target["expr"])
                       for panel in cls.panels for target in panel["targets"]]

    def test_it_can_be_imported_anywhere(self):
        self.assertIsNone(self.board["id"])
        self.assertRegex(self.board["uid"], r"^[a-z-]{1,40}$")
        self.assertIn(self.board["schemaVersion"], range(36, 40))
        self.assertIs(self.board["editable"], False)
        self.assertEqual(len(self.panels), len({panel["title"] for panel in self.panels}))
        for panel in self.panels:
            for part in (panel, *panel["targets"]):
                self.assertEqual(part["datasource"],
                                 {"type": "prometheus", "uid": "${datasource}"}, panel["title"])

    def test_numbers_of_panels_are_unique(self):
        numbers = [panel["id"] for panel in self.board["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))
        for panel in self.panels:
            letters = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(letters), len(set(letters)), panel["title"])

    def test_no_panel_covers_another(self):
        taken = {}
        for panel in self.board["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken[x, y] = panel["title"]

    def test_each_panel_says_what_it_shows(self):
        for panel in self.panels:
            self.assertRegex(panel["description"], r"\.$", panel["title"])
            self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])

    def test_variables(self):
        variables = {one["name"]: one for one in self.board["templating"]["list"]}
        source = variables.pop("datasource")
        self.assertEqual((source["type"], source["query"], source["label"]),
                         ("datasource", "prometheus", "Data Source"))
        self.assertEqual(set(variables), {"job", "instance", "domain"})
        for one in variables.values():
            self.assertTrue(one["multi"] and one["includeAll"], one["name"])
            self.assertEqual((one["allValue"], one["refresh"]), (".+", 2), one["name"])
        used = set(re.findall(r"\$(\w+)", " ".join(expr for _, expr in self.targets)))
        self.assertEqual(used, {*variables, *GIVEN})

    def test_each_target_is_of_the_chosen_job_and_instance(self):
        for title, expr in self.targets:
            selectors = SELECTOR.findall(expr)
            self.assertGreater(len(selectors), 0, title)
            for metric, filters in selectors:
                for wanted in ('job=~"$job"', 'instance=~"$instance"'):
                    self.assertIn(wanted, filters.split(","), f"{title}: {metric}")

    def test_rates_fit_the_scrape_interval(self):
        for title, expr in self.targets:
            ranges = re.findall(r"(\w+)\((?:\w+\{[^}]*\})\[([^]]*)\]", expr)
            self.assertEqual({which for _, which in ranges} - {"$__rate_interval"}, set(), title)

    def test_rates_are_of_counters(self):
        for title, expr in self.targets:
            for metric in re.findall(r"(?:rate|increase)\((\w+)", expr):
                self.assertRegex(metric, "_(total|bucket|sum|count)$", title)

    def test_promtool_reads_each_expression(self):
        host.must_have("promtool")
        rules = []
        for number, (_, expr) in enumerate(self.targets):
            expr = re.sub(r"\$(\w+)", lambda name: GIVEN.get(name[1], name[1]), expr)
            rules.append({"record": f"dashboard:target:{number}", "expr": expr})
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            status, said = judge("promtool", "check", "rules", file.name)
        self.assertEqual(status, 0, said)
        self.assertIn(f"{len(rules)} rules found", said)

    def test_what_an_operator_asks_for_is_on_it(self):
        shown = {metric for _, expr in self.targets for metric, _ in SELECTOR.findall(expr)}
        for name in ("active_clients", "working_clients", "peak_clients", "queries_total",
                     "bytes_in_total", "bytes_out_total", "goodput_bytes_total",
                     "established_sessions_total", "unanswered_queries_total",
                     "kcp_rtt_seconds_bucket", "responses_total", "rejected_queries_total",
                     "capture_drops_total"):
            self.assertIn(f"dnstt_{name}", shown)
        sums = " ".join(re.findall(r"by \(([^)]*)\)", " ".join(expr for _, expr in self.targets)))
        self.assertLess({"country", "asn", "rcode", "reason"}, set(re.split(r"[, ]+", sums)))


class Shown(unittest.TestCase):
    """A real Prometheus answers each panel, with nothing left empty, once clients have been on."""

    def setUp(self):
        host.must_be_root()
        self.box = host.Host.make(self, "box")
        self.exporter = exporter.Exporter.start(self, self.box, *DATABASES)
        self.ask = prometheus.Prometheus(self, self.exporter).ask

    def empty(self):
        """Panels without an answer."""
        given = {"__rate_interval": "20s", "__range": "1m", "domain": exporter.DOMAIN,
                 "job": "dnstt", "instance": ".+"}
        panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
        # A step of a minute would have its first point only at the next full one
        targets = [(panel["title"], target["expr"].replace(":1m]", ":1s]"))
                   for panel in panels for target in panel.get("targets", ())]
        self.assertGreater(len(targets), 25)
        return [title for title, expr in targets
                if not self.ask(re.sub(r"\$(\w+)", lambda name: given[name[1]], expr))]

    def test_no_panel_is_empty(self):
        host.eventually(lambda: self.assertTrue(self.ask("up == 1")), 30)
        client = dnstt.Client()
        sent = [dnstt.kcp(client.conv, text=b"welcome", ts=1)]
        server = dnstt.Server(downstream=lambda ident: sent if ident == client.ident else [])
        traffic.serve(self, self.box.udp("127.0.0.1", 53), server=server)
        with self.box.udp("127.0.0.1") as resolver:
            traffic.talk(resolver, ("127.0.0.1", 53), clients=5, queries=3)
            # One round trip, which no rate sees before Prometheus knows of its network
            host.eventually(lambda: self.assertTrue(self.ask("sum(dnstt_queries_total) > 0")))
            for message in client.data(), client.carry(dnstt.kcp(client.conv, dnstt.ACK, ts=1)):
                resolver.sendto(message, ("127.0.0.1", 53))
                resolver.recv(65535)
        # Before the clients are no longer active, and the refused queries out of the rates
        host.eventually(lambda: self.assertEqual(self.empty(), []), 15)


class Names(unittest.TestCase):
    """Metrics and labels that rules and dashboard ask for are those of a running exporter."""

    def setUp(self):
        host.must_be_root()
        running = exporter.Exporter.start(self, host.Host.make(self), *DATABASES)
        self.labels = {"up": {"job", "instance"}}
        for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", running.get("/metrics").text,
                                       re.M):
            found = set(re.findall(r'(\w+)="', labels))
            self.labels.setdefault(name, {"job", "instance"}).update(found)

    def check(self, where, expr):
        selectors = SELECTOR.findall(expr)
        for metric, filters in selectors:
            self.assertIn(metric, self.labels, where)
            asked = set(re.findall(r"(\w+)=~?\"", filters))
            self.assertEqual(asked - self.labels[metric], set(), f"{where}: {metric}")
        known = set.union(*(self.labels[metric] for metric, _ in selectors))
        for sums in re.findall(r"by \(([^)]*)\)", expr):
            self.assertEqual(set(re.split(r", *", sums)) - known, set(), where)

    def test_dashboard(self):
        for panel in json.loads((DEPLOY / "dashboard.json").read_text())["panels"]:
            for target in panel.get("targets", ()):
                self.check(panel["title"], target["expr"])

    def test_alerts(self):
        rules = re.split(r"^      - alert: ", (DEPLOY / "alerts.yml").read_text(), flags=re.M)[1:]
        self.assertGreater(len(rules), 7)
        for rule in rules:
            name = rule.split("\n", 1)[0]
            expr = re.search(r"^        expr: (.*?)^        (?:for|labels):", rule, re.M | re.S)[1]
            self.check(name, expr)


if __name__ == "__main__":
    unittest.main()
