# SPDX-License-Identifier: MIT
"""The packets of test_reference.py and test_network.py; generated ones come from generate.py."""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import contract
import messages
import reference
import packets
from messages import message
from messages import record as rr
from names import wire_name

DOMAIN = contract.domain("t.example.com")
IPV4, IPV6 = ("192.0.2.1", "192.0.2.53"), ("2001:db8::1", "2001:db8::53")


def base32(decoded, hexdigits=False):
    encode = base64.b32hexencode if hexdigits else base64.b32encode
    return encode(decoded).rstrip(b"=").lower()


def labels_of(text, domain=DOMAIN):
    return [text[at:at + 63] for at in range(0, len(text), 63)] + list(domain)


def opt(size=1232, version=0, rdata=b""):
    return messages.opt_record(size, rdata, version)


def question(labels, qtype=16):
    return messages.question(wire_name(labels), qtype)


def query(labels, qtype=16, additional=opt(), **others):
    return message(question(labels, qtype) + additional, **others)


def response(labels, text, flags=0x8400, **others):
    answer = rr(16, 1, 60, messages.strings(text), b"\xc0\x0c")
    return message(question(labels) + answer + opt(), flags, (1, 1, 0, 1), **others)


def udp(payload, source=4000, destination=53):
    return packets.udp((IPV4[0], source), (IPV4[1], destination), payload)


def ipv4(payload, fragment=0, options=b""):
    """fragment is the field of that name: flags and offset."""
    return packets.ipv4(*IPV4, payload, options=options, more=bool(fragment & 0x2000),
                        offset=(fragment & 0x1FFF) * 8)


def ipv6(payload, following=17):
    return packets.ipv6(*IPV6, payload, last=following)


def incoming(data, protocol=0x0800, wire=None):
    return contract.Sight(data, protocol, False, 7, len(data) if wire is None else wire, 1234567)


def kcp(command=contract.PUSH, sn=0, carried=b"", *, ts=0, una=0, conv=0x01020304, size=None):
    """A segment; size is what its header says that it carries."""
    return reference.KCP.pack(conv, command, 0, 32, ts, sn, una,
                              len(carried) if size is None else size) + carried
