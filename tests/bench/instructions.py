# SPDX-License-Identifier: MIT
"""Instructions per packet, which do not vary with what else the machine does."""

import json
import pathlib
import re
import subprocess
import tempfile

import report

# name, argument of decode_cost, clients, domains
CASES = (("queries", 10_000, 1), ("mixed", 10_000, 1), ("queries", 10_000, 64), ("queries", 120_000, 1))
FUNCTIONS = ("measured_decode", "measured_records")
BATCH = 512


def collected(program, function, batches, case):
    """Instructions that callgrind saw in a function and what it calls"""
    with tempfile.TemporaryDirectory() as folder:
        found = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={pathlib.Path(folder) / 'out'}",
             "--collect-atstart=no", f"--toggle-collect={function}", program, str(batches), *map(str, case)],
            text=True, capture_output=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", found)[1])


def run(lab, options):
    """Between two lengths of run lies only what one more packet costs: no start, no first touch"""
    del options
    report.title("Cost of a packet without the kernel")
    program = lab.tool("decode_cost")
    rows = []
    for case in CASES:
        short, long = 300, 500  # the first 300 batches have seen every client
        counts = [(collected(program, function, long, case) - collected(program, function, short, case))
                  / ((long - short) * BATCH) for function in FUNCTIONS]
        times = json.loads(subprocess.run(
            ["taskset", "-c", str(lab.host_core), program, "4000", *map(str, case)],
            text=True, capture_output=True, check=True).stdout)
        rows.append([*case, f"{counts[0]:.0f}", f"{counts[1]:.0f}", times["decode_ns"], times["record_ns"]])
    report.table(["traffic", "clients", "domains", "decode, instructions", "record, instructions",
                  "decode ns", "record ns"], rows)
