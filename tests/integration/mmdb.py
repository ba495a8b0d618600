# SPDX-License-Identifier: MIT
"""MaxMind DB files put together byte by byte: large ones, and ones that no writer would make."""

import struct

MARKER = b"\xab\xcd\xefMaxMind.com"
POINTER, STRING, UINT16, UINT32, MAP, UINT64, ARRAY, BOOLEAN = 1, 2, 5, 6, 7, 9, 11, 14
BITS = 32  # of a record of the tree
SEPARATOR = 16


def control(kind, size):
    """The head of a value; what follows is the caller's, so that a size may lie."""
    low, extra = size, b""
    if size >= 65821:
        low, extra = 31, (size - 65821).to_bytes(3, "big")
    elif size >= 285:
        low, extra = 30, (size - 285).to_bytes(2, "big")
    elif size >= 29:
        low, extra = 29, bytes([size - 29])
    head = bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])
    return head + extra


def pointer(target):
    """A pointer to an offset in the data section."""
    return bytes([POINTER << 5 | 3 << 3]) + target.to_bytes(4, "big")


def value(python):
    """A value as a writer encodes it; bytes are taken as they are."""
    if isinstance(python, bytes):
        return python
    if isinstance(python, str):
        text = python.encode()
        return control(STRING, len(text)) + text
    if isinstance(python, int):
        octets = python.to_bytes((python.bit_length() + 7) // 8, "big")
        return control(UINT32, len(octets)) + octets
    if isinstance(python, list):
        return control(ARRAY, len(python)) + b"".join(map(value, python))
    return control(MAP, len(python)) + b"".join(
        value(key) + value(below) for key, below in python.items())


def uint(kind, number, width):
    return control(kind, width) + number.to_bytes(width, "big")


def metadata(nodes, kind="GeoLite2-Country", **other):
    entries = {
        "binary_format_major_version": uint(UINT16, 2, 2),
        "binary_format_minor_version": uint(UINT16, 0, 2),
        "build_epoch": uint(UINT64, 1750000000, 8),
        "database_type": kind,
        "description": {"en": "crafted"},
        "ip_version": uint(UINT16, 6, 2),
        "languages": ["en"],
        "node_count": uint(UINT32, nodes, 4),
        "record_size": uint(UINT16, BITS, 2),
    }
    return MARKER + value({**entries, **other})


def country(code):
    return {"country": {"iso_code": code}}


def file(tree, data, **other):
    """A file of nodes, pairs of records, and a data section.

    A record below the number of nodes is a node; that number itself is nothing; place() is data.
    """
    packed = b"".join(struct.pack(">II", *node) for node in tree)
    return packed + bytes(SEPARATOR) + data + metadata(len(tree), **other)


def place(nodes, offset):
    """What a record of the tree has for an offset in the data section."""
    return nodes + SEPARATOR + offset


def one_record(data, at=0, **other):
    """Every address has the one record that starts at an offset of the data."""
    return file([(place(1, at), place(1, at))], data, **other)


def large(code, depth=18, padding=40):
    """One of 2**depth networks of the same country, each with a record of its own: 18 megabytes."""
    nodes, leaves = 2**depth - 1, 2**depth
    record = value({**country(code), "n": uint(UINT32, 0, 4), "x": "-" * padding})
    at = record.index(value("n")) + len(value("n")) + 1
    records = (record[:at] + struct.pack(">I", n) + record[at + 4 :] for n in range(leaves))
    first = place(nodes, 0)
    below = (n if n < nodes else first + (n - nodes) * len(record)
             for n in range(1, 2 * nodes + 1))
    tree = struct.pack(f">{2 * nodes}I", *below)
    return tree + bytes(SEPARATOR) + b"".join(records) + metadata(nodes)
