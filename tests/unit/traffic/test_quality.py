#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is said of a tunnel's quality is what dnstt-server and kcp-go themselves counted.

Recordings of a live lab with the truth beside each: `server` is the server's log and kcp-go's own
counters, `wire` what another program counted in the recording, and which clients worked each five
seconds. README.md of the folder says what each is.
"""

import json
import os
import pathlib
import subprocess
import unittest

FOLDER = pathlib.Path(os.environ["TEST_FIXTURES"], "quality")
DOMAIN = "t.example.com"

# What the truth of these counts in another way than the metric is defined:
#   NAME: {key of `wire`: what is right, and why}
OTHERWISE = {
    # A PUSH equal in sn and ts is the same datagram, sent again by a resolver, and no repetition
    "gone": {"push_up_repeated": 30 - 7},
    "stalled": {"push_up_repeated": 258 - 60,
                "unanswered": 22},  # of these, 12 were answered after the five seconds
}


def replay(name, domain=DOMAIN):
    """({metric with its labels but the domain: value}, [(second, working, active)])"""
    said = subprocess.run([os.environ["TEST_REPLAY"], f"quality/{name}", domain], check=True,
                          capture_output=True, text=True).stdout
    metrics, clients = {}, []
    for line in said.splitlines():
        if line.startswith("clients "):
            clients.append(tuple(map(int, line.split()[1:])))
        elif not line.startswith("#"):
            metric, value = line.rsplit(" ", 1)
            metrics[metric.replace(f'domain="{DOMAIN}"', "").replace("{,", "{").replace("{}", "")
                    ] = float(value)
    return metrics, clients


def bounds(metrics, family, quantile):
    """(lower, upper) bound of the buckets that the samples at a quantile lie in, in seconds"""
    start = f'{family}_bucket{{le="'
    rank = quantile * metrics[f"{family}_count"]
    buckets = [(float(metric[len(start):-2]), value) for metric, value in metrics.items()
               if metric.startswith(start)]
    lower = max([le for le, count in buckets if count <= rank - 1], default=0.0)
    return lower, min(le for le, count in buckets if count >= rank + 1)


class Quality(unittest.TestCase):
    maxDiff = None

    def names(self):
        names = sorted(path.name[:-len(".truth.json")] for path in FOLDER.glob("*.truth.json"))
        self.assertGreater(len(names), 10)
        for name in names:
            yield name, json.loads((FOLDER / f"{name}.truth.json").read_text())

    def test_counters_equal_the_truth(self):
        for name, truth in self.names():
            if name == "mtu512_unconfigured":
                continue  # below
            wire = truth["wire"] | OTHERWISE.get(name, {})
            if name == "restart":  # has the same datagrams counted apart already
                self.assertEqual(wire["push_up_same_datagram"], 4)
            wanted = {
                "dnstt_queries_total": wire["queries"],
                "dnstt_poll_queries_total": wire["polls"],
                'dnstt_responses_total{rcode="NOERROR"}': wire["responses_noerror"],
                "dnstt_empty_responses_total": wire["empty_responses"],
                "dnstt_unanswered_queries_total": wire["unanswered"],
                "dnstt_kcp_sessions_total": truth["server"]["begin_session_lines"],
                "dnstt_established_sessions_total": truth["server"]["noise_handshakes"],
                'dnstt_kcp_segments_total{direction="in"}': wire["push_up"],
                'dnstt_kcp_segments_total{direction="out"}': wire["push_down"],
                'dnstt_kcp_retransmitted_segments_total{direction="in"}':
                    wire["push_up_repeated"],
                'dnstt_kcp_retransmitted_segments_total{direction="out"}':
                    wire["push_down_repeated"],
                "dnstt_kcp_refilled_segments_total": wire["push_up_refilled"],
                'dnstt_goodput_bytes_total{direction="in"}': wire["goodput_up"],
                'dnstt_goodput_bytes_total{direction="out"}': wire["goodput_down"],
                "dnstt_downstream_wait_seconds_count": wire["push_down"],
                "dnstt_query_name_bytes_count": wire["queries"],
                "dnstt_query_edns_bytes_count": wire["queries"],
                "dnstt_implausible_samples_total": 0,
                "dnstt_pending_overflow_total": 0,
            }
            metrics, _ = replay(name)
            samples = metrics["dnstt_kcp_rtt_seconds_count"]
            with self.subTest(name):
                self.assertEqual({key: metrics[key] for key in wanted}, wanted)
                self.assertEqual(samples, metrics["dnstt_network_rtt_seconds_count"])
                self.assertEqual(samples, wire["rtt_samples"])

    def test_working_clients_are_those_of_the_truth(self):
        for name, truth in self.names():
            wanted = [(line["second"], line["working"], line["active"])
                      for line in truth["working_clients"]]
            with self.subTest(name):
                self.assertEqual(replay(name)[1], wanted)

    def test_after_a_restart_no_client_works_and_all_are_active(self):
        _, clients = replay("restart")
        self.assertEqual([line[1:] for line in clients if line[0] == 20], [(3, 3)])
        self.assertEqual(clients[-1][1:], (0, 3))

    def test_quantiles_are_in_the_bucket_of_the_truth(self):
        families = {"dnstt_kcp_rtt_seconds": "rtt_ms",
                    "dnstt_downstream_wait_seconds": "downstream_wait_ms",
                    "dnstt_response_delay_seconds": "response_delay_ms"}
        tested = 0
        for name, truth in self.names():
            metrics, _ = replay(name)
            for family, key in families.items():
                if metrics[f"{family}_count"] < 20:
                    continue
                for quantile in (50, 90):
                    value = truth["wire"][key].get(f"p{quantile}")
                    if value is None:
                        continue
                    lower, upper = bounds(metrics, family, quantile / 100)
                    tested += 1
                    # The clock has milliseconds
                    with self.subTest(name=name, family=family, quantile=quantile):
                        self.assertGreaterEqual(value / 1000, lower - 0.002)
                        self.assertLessEqual(value / 1000, upper + 0.002)
        self.assertGreater(tested, 30)

    def test_a_wrong_min_edns_shows_in_answers_without_queries(self):
        truth = json.loads((FOLDER / "mtu512_unconfigured.truth.json").read_text())
        metrics, _ = replay("mtu512_unconfigured")
        self.assertEqual(metrics["dnstt_queries_total"], 0)
        self.assertEqual(metrics['dnstt_responses_total{rcode="NOERROR"}'],
                         truth["wire"]["responses_noerror"])
        metrics, _ = replay("mtu512_unconfigured", f"{DOMAIN},min-edns=512")
        self.assertEqual(metrics["dnstt_queries_total"], truth["wire"]["responses_noerror"])
        self.assertEqual(metrics["dnstt_kcp_sessions_total"],
                         truth["server"]["begin_session_lines"])
        self.assertEqual(metrics["dnstt_unanswered_queries_total"], 0)

    def test_vaydns_carries_the_same_kcp(self):
        metrics, _ = replay("vay_pause", f"{DOMAIN},wire=vaydns")
        self.assertEqual({key: metrics[f"dnstt_{key}"] for key in (
            "queries_total", "poll_queries_total", "kcp_sessions_total",
            'kcp_segments_total{direction="in"}', 'kcp_segments_total{direction="out"}')},
            # Two clients; for one the server began again after its pause, with una back at 0
            {"queries_total": 337, "poll_queries_total": 162, "kcp_sessions_total": 3,
             'kcp_segments_total{direction="in"}': 43,
             'kcp_segments_total{direction="out"}': 255})


if __name__ == "__main__":
    unittest.main()
