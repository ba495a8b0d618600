# SPDX-License-Identifier: MIT
# DNS messages and packets built by hand, right unless asked otherwise
"""For test_reference.py; generated ones come from generate.py."""

import base64
import ipaddress
import struct

import contract
from names import wire_name

DOMAIN = contract.domain("t.example.com")


def base32(decoded, hexdigits=False):
    encode = base64.b32hexencode if hexdigits else base64.b32encode
    return encode(decoded).rstrip(b"=").lower()


def labels_of(text, domain=DOMAIN):
    return [text[at:at + 63] for at in range(0, len(text), 63)] + list(domain)


def rr(rtype, rclass, ttl, rdata, name=b"\0"):
    return name + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def opt(size=1232, version=0, rdata=b""):
    return rr(41, size, version << 16, rdata)


def question(labels, qtype=16):
    return wire_name(labels) + struct.pack("!HH", qtype, 1)


def message(body, flags=0x0100, counts=(1, 0, 0, 1)):
    return struct.pack("!HH4H", 0x1234, flags, *counts) + body


def query(labels, qtype=16, additional=opt(), **others):
    return message(question(labels, qtype) + additional, **others)


def response(labels, text, flags=0x8400, **others):
    rdata = b"".join(bytes([len(text[at:at + 255])]) + text[at:at + 255]
                     for at in range(0, len(text), 255)) or b"\0"
    return message(question(labels) + rr(16, 1, 60, rdata, b"\xc0\x0c") + opt(), flags,
                   (1, 1, 0, 1), **others)


def udp(payload, source=4000, destination=53):
    return struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload


def ipv4(payload, fragment=0, options=b""):
    length = 20 + len(options) + len(payload)
    return struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, length, 0, fragment, 64, 17, 0,
                       bytes([192, 0, 2, 1]), bytes([192, 0, 2, 53])) + options + payload


def ipv6(payload, following=17):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), following, 64,
                       ipaddress.ip_address("2001:db8::1").packed,
                       ipaddress.ip_address("2001:db8::53").packed) + payload


def incoming(data, protocol=0x0800, wire=None):
    return contract.Sight(data, protocol, False, 7, len(data) if wire is None else wire)
