# SPDX-License-Identifier: MIT
"""Instructions per packet, which do not vary with what else the machine does."""

import json
import pathlib
import re
import subprocess
import tempfile

import report

# what it shows, options of decode_cost
CASES = (
    ("queries", ()),
    ("mixed", ("--mixed",)),
    ("64 domains", ("--domains", "64")),
    ("120,000 clients", ("--clients", "120000")),
    ("512 clients", ("--clients", "512", "--sessions", "4096")),
    ("512 that collide without the key", ("--colliding",)),
    ("the same, if the key were known", ("--key-known",)),
)
BATCH, BATCHES = 512, 200
COLLIDING_MOST = 1.05  # of what as many other ClientIDs cost


def cost(lab, path, *options):
    """Instructions of a packet in measured_decode() or measured_records(), once all clients are known"""
    with tempfile.TemporaryDirectory() as folder:
        found = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={pathlib.Path(folder) / 'out'}",
             "--collect-atstart=no", f"--toggle-collect={path}", lab.tool("decode_cost"),
             "--batches", str(BATCHES), *map(str, options)],
            text=True, capture_output=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", found)[1]) / (BATCH * BATCHES)


def run(lab, options):
    del options
    report.title("Cost of a packet without the kernel")
    report.targets(6)
    rows = []
    for name, words in CASES:
        decode, record = (cost(lab, path, *words) for path in ("measured_decode", "measured_records"))
        times = json.loads(subprocess.run(
            ["taskset", "-c", str(lab.host_core), lab.tool("decode_cost"), "--batches", "4000", *words],
            text=True, capture_output=True, check=True).stdout)
        rows.append([name, f"{decode:.0f}", f"{record:.0f}", times["decode_ns"], times["record_ns"]])
    report.table(["traffic", "decode, instructions", "record, instructions", "decode ns", "record ns"], rows)
    print()
    ratio = float(rows[5][2]) / float(rows[4][2])
    report.verdict(ratio <= COLLIDING_MOST, "ClientIDs that collide without the key cost"
                   f" {ratio:.2f} times the instructions of others ({float(rows[6][2]) / float(rows[4][2]):.1f} times"
                   " for who knows the key)", 6)
