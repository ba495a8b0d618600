# SPDX-License-Identifier: MIT
# The shapes of common/record.h, common/config.h and capture/decode.h, for the reference
"""What goes into a decoder and what comes out of it, and nothing about how.

Numbers and sizes are those of the headers. Integers are in host byte order, as both processes of
dnstt_exporter have them.
"""

import enum
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

QUERY = 1
RESPONSE = 2
MORE = 3  # segments of the message before it


class Verdict(enum.IntEnum):
    ACCEPTED = 0
    PACKET = 1
    FRAGMENT = 2
    MALFORMED = 3
    NOT_QUERY = 4
    MULTIPLE_OPT = 5
    EDNS_VERSION = 6
    QDCOUNT = 7
    DOMAIN = 8
    OPCODE = 9
    QTYPE = 10
    ENCODING = 11
    EDNS_SIZE = 12
    SHORT = 13
    FRAMING = 14


NO_DOMAIN = 255

# Limits of the product and no rule of a server's: the kernel filter, which can't loop, passes no
# packet with more of them (capture/filter.c), so there is nothing to read behind them.
VLAN_TAGS = 2
IPV6_EXTENSIONS = 4

FLAG_RCODE = 0x0F
FLAG_TC = 0x10
FLAG_KCP = 0x20
FLAG_ECS = 0x40
FLAG_SN_0 = 0x80

PUSH, ACK, WASK, WINS = 81, 82, 83, 84  # kcp-go kcp.go IKCP_CMD_...
SEGMENTS = 5  # in a record
SEGMENTS_MAX = 170  # of a message

BASE32 = 0
BASE32HEX = 1

DNSTT = 0
SERVER = 1
VAYDNS = 2
DNSTTEX = 3

RECORD = struct.Struct("=8s16s8sIIIIHHHHHBBBBBB")
SEGMENT = struct.Struct("=IIHBx")
MORE_HEADER = struct.pack("=BBBB", 0, MORE, 0, 0)
TUNNEL = struct.Struct("=256s8HHBBBBBB")
CONFIG = struct.Struct("=IHHIIHBB")
DOMAINS = 64

assert RECORD.size == SEGMENTS * SEGMENT.size + len(MORE_HEADER) == 64
assert TUNNEL.size == 280


class Sight(NamedTuple):
    """One packet from its network header on, as the packet ring shows it."""

    data: bytes
    protocol: int
    outgoing: bool
    interface: int
    wire: int  # its length on the wire, at least that of data
    time_ms: int = 0
    segment: int = 0  # bytes of each datagram that UDP offload has joined, 0 if it has not


@dataclass(slots=True)
class Record:
    """What stands for one datagram: 64 bytes, and 64 more for every five segments begun."""

    client_id: bytes = b""
    resolver: bytes = b""
    content: bytes = b""
    conv: int = 0
    una: int = 0
    interface: int = 0
    time_ms: int = 0
    port: int = 0
    dns_id: int = 0
    message_bytes: int = 0
    payload_bytes: int = 0
    edns_size: int = 0
    qname_bytes: int = 0
    segments: list = field(default_factory=list)  # of (ts, sn, bytes, command)
    domain: int = NO_DOMAIN
    kind: int = QUERY
    verdict: int = Verdict.PACKET
    flags: int = 0
    ends: set = field(default_factory=set, compare=False)  # why a walk over segments did; not sent

    def pack(self):
        packed = RECORD.pack(self.client_id, self.resolver, self.content, self.conv, self.una,
                             self.interface, self.time_ms, self.port, self.dns_id,
                             self.message_bytes, self.payload_bytes, self.edns_size,
                             self.qname_bytes, len(self.segments), self.domain, self.kind,
                             self.verdict, self.flags)
        for at in range(0, len(self.segments), SEGMENTS):
            five = b"".join(SEGMENT.pack(*segment) for segment in self.segments[at:at + SEGMENTS])
            packed += five.ljust(SEGMENTS * SEGMENT.size, b"\0") + MORE_HEADER
        return packed

    @classmethod
    def unpack(cls, packed):
        """Of more than is sent, and of less, as much as there is."""
        fields = list(RECORD.unpack_from(packed))
        behind = [SEGMENT.unpack_from(packed, at + place * SEGMENT.size)
                  for at in range(RECORD.size, len(packed), RECORD.size)
                  for place in range(SEGMENTS)]
        at = SENT.index("segments")
        fields[at] = behind[:fields[at]]
        return cls(*fields)


SENT = tuple(name for name in Record.__slots__ if name != "ends")


@dataclass(slots=True)
class Tunnel:
    """One tunnel domain and how its clients write to it; the defaults are those of dnstt."""

    labels: tuple  # of bytes, lower case, without the root
    qtypes: tuple = (16,)
    edns_min: int = 1232
    id_bytes: int = 8
    alphabet: int = BASE32
    framing: int = DNSTT

    def pack(self):
        name = b"".join(bytes([len(label)]) + label for label in self.labels) + b"\0"
        qtypes = self.qtypes + (0,) * (8 - len(self.qtypes))
        return TUNNEL.pack(name, *qtypes, self.edns_min, len(name), len(self.labels),
                           self.id_bytes, self.alphabet, self.framing, len(self.qtypes))


@dataclass(slots=True)
class Config:
    """Everything that a decoder knows besides the packet."""

    tunnels: list = field(default_factory=list)
    port: int = 53
    use_ecs: bool = False

    def pack(self):
        tunnels = b"".join(tunnel.pack() for tunnel in self.tunnels)
        return (CONFIG.pack(0x44545343, 1, self.port, 1 << 17, 64, 10, len(self.tunnels),
                            self.use_ecs)
                + tunnels.ljust(DOMAINS * TUNNEL.size, b"\0"))


def domain(text):
    """Labels of a domain given with dots."""
    return tuple(label.encode() for label in text.split("."))


def dnstt(name, **others):
    return Tunnel(domain(name), **others)


def vaydns(name, id_bytes=2, **others):
    return Tunnel(domain(name), id_bytes=id_bytes, framing=VAYDNS, **others)


def dnsttex(name, **others):
    return Tunnel(domain(name), alphabet=BASE32HEX, framing=DNSTTEX, **others)
