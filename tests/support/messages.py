# SPDX-License-Identifier: MIT
"""DNS messages built by hand, right unless asked otherwise."""

import random
import struct

A, NS, TXT, OPT = 1, 2, 16, 41
QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100


def wire_name(text):
    """Wire form of a name in dotted form."""
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(rtype, rclass, ttl, rdata, name=b"\0"):
    return name + struct.pack(">HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def opt_record(size, options=b"", version=0):
    return record(OPT, size, version << 16, options)


def question(name, qtype=TXT, qclass=1):
    return name + struct.pack(">HH", qtype, qclass)


def message(body, flags=RD, counts=(1, 0, 0, 1), ident=0x1234):
    """counts are those of questions, answers, authority and additional records."""
    return struct.pack(">HH4H", ident, flags, *counts) + body


def query(name, qtype=TXT, *, ident=None, flags=RD, edns=1232, options=b"", qclass=1):
    """A query message; ident None is a random one, edns None leaves the OPT record out."""
    ident = random.getrandbits(16) if ident is None else ident
    counts = (1, 0, 0, 0 if edns is None else 1)
    tail = b"" if edns is None else opt_record(edns, options)
    return message(question(name, qtype, qclass) + tail, flags, counts, ident)


def strings(text):
    """RDATA of a TXT record: text in strings of up to 255 octets, at least one."""
    return b"".join(bytes([len(text[at:at + 255])]) + text[at:at + 255]
                    for at in range(0, len(text), 255)) or b"\0"
