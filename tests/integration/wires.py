# SPDX-License-Identifier: MIT
"""What the clients of dnstt's descendants send, each from its own source's description.

A Message is a query, and how many bytes of it are the tunnel packet.
"""

import base64
import random
import struct
from typing import NamedTuple

import dnstt

NULL, CNAME, MX, AAAA, SRV, CAA = 10, 5, 15, 28, 33, 257


class Message(NamedTuple):
    query: bytes
    payload: int = 0


class Client:
    """dnstt: 8 bytes of ClientID; 8 bytes of padding, or 3 and a packet. All of it is random but
    follows from the seed.
    """

    id_bytes = 8
    qtype = dnstt.TXT
    edns = 1232

    def __init__(self, domain, seed, ident=None):
        self.domain = domain
        self.rng = random.Random(seed)
        self.ident = ident or self.rng.randbytes(self.id_bytes)
        self.conv = self.rng.getrandbits(32)
        self.sent = 0

    def encode(self, payload):
        return base64.b32encode(payload).decode().rstrip("=").lower()

    def cut(self, text):
        return [text[at : at + 63] for at in range(0, len(text), 63)]

    def query(self, body, qtype=None):
        labels = self.cut(self.encode(self.ident + body))
        name = dnstt.wire_name(".".join([*labels, self.domain]))
        return dnstt.query(name, qtype or self.qtype, edns=self.edns)

    def packet(self, text):
        self.sent += 1
        return dnstt.kcp(self.conv, dnstt.PUSH, self.sent - 1, text)

    def frame(self, packet):
        return b"\xe3" + self.rng.randbytes(3) + bytes([len(packet)]) + packet

    def idle(self):
        return b"\xe8" + self.rng.randbytes(8)

    def poll(self):
        return Message(self.query(self.idle()))

    def data(self, text=b""):
        packet = self.packet(text)
        return Message(self.query(self.frame(packet)), len(packet))


class Noizdns(Client):
    """Labels of 25 to 40, no padding before a packet (client/stealth.go)"""

    def cut(self, text):
        labels = []
        while text:
            size = self.rng.randint(25, 40)
            labels.append(text[:size])
            text = text[size:]
        return labels

    def frame(self, packet):
        return bytes([0xE0, len(packet)]) + packet


class Aaaa(Noizdns):
    """Polls by AAAA (IvanTopGaming/dnstt)"""

    def poll(self):
        return Message(self.query(self.idle(), AAAA))


class Vaydns(Client):
    """A nonce of 4 bytes, or a length and a packet; record types and lengths of ID as set"""

    id_bytes = 2

    def __init__(self, domain, seed, ident=None, id_bytes=2, qtype=dnstt.TXT):
        self.id_bytes, self.qtype = id_bytes, qtype
        super().__init__(domain, seed, ident)

    def frame(self, packet):
        return bytes([len(packet)]) + packet

    def idle(self):
        return self.rng.randbytes(4)


class Dnsttex(Client):
    """base32hex; the response size that it wants before all; a KCP header of 12 bytes; its
    resolvers may take small responses
    """

    edns = 512

    def encode(self, payload):
        return base64.b32hexencode(payload).decode().rstrip("=").lower()

    def packet(self, text):
        self.sent += 1
        return struct.pack("<HBBHIH", self.conv & 0xFFFF, dnstt.PUSH, 0, 128, self.sent - 1,
                           len(text)) + text

    def frame(self, packet):
        return b"\xfd\x02\0" + bytes([len(packet)]) + packet + self.rng.randbytes(6)

    def idle(self):
        return b"\xfd\x02\0\0" + self.rng.randbytes(6)

    def hint(self):
        return Message(self.query(b"\xfe\x02\0" + self.rng.randbytes(6)))

    def ping(self):
        """A resolver is looked at: an ID of its own, and no session (dns_probe.go)"""
        self.ident = self.rng.randbytes(8)
        return self.query(b"\xff" + self.rng.randbytes(6))


def answer(query, packets=()):
    """NOERROR with packets behind their lengths in a record of the question's type; only where
    that is TXT can anybody read them without VayDNS's own rules.
    """
    name, qtype = dnstt.question(query)
    text = b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)
    if qtype == dnstt.TXT:
        text = dnstt.strings(text)
    record = dnstt.record(qtype, 1, 60, text, b"\xc0\x0c")
    head = query[:2] + struct.pack(">H", dnstt.QR | dnstt.AA) + struct.pack(">HHHH", 1, 1, 0, 1)
    return head + name + struct.pack(">HH", qtype, 1) + record + dnstt.opt_record(4096)
