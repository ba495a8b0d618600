# SPDX-License-Identifier: MIT
# Puts generated DNS messages into UDP, IP and VLAN tags, mostly right and often not quite
"""The network side of the generator: see generate.py."""

import struct

from contract import Sight
from network import FRAGMENT, IPV4, IPV6, UDP

OTHER_PROTOCOLS = (0, 1, 6, 50, 51, 59, 132, 255)
OTHER_ETHERTYPES = (0, 0x0806, 0x0801, 0x8863, 0x9100, 0x8100, 0x88A8, 0xFFFF)


def near(rng, value, top=0xFFFF):
    """A length that is not what it should be, rather near it or at an end"""
    pick = rng.choice((0, 7, 8, 9, 19, 20, 39, 40, value - 8, value - 1, value + 1, value + 8,
                       value * 2, top - 1, top, rng.randrange(top + 1)))
    return max(0, min(top, pick))


def udp_datagram(rng, message, outgoing, port):
    """(datagram, IP payload length it wants)"""
    peer = rng.choice((53, 1024, 65535, port, rng.randrange(65536)))
    server = port
    if rng.random() < 0.012:
        server = rng.choice((port ^ 1, port << 8 & 0xFFFF, 0, rng.randrange(65536)))
    length = 8 + len(message)
    if rng.random() < 0.015:
        length = near(rng, length)
    ports = (server, peer) if outgoing else (peer, server)
    return struct.pack("!HHHH", *ports, min(length, 65535), rng.getrandbits(16)) + message


def fragment_bits(rng):
    """(13 bits of offset, more fragments) of something that was fragmented"""
    return rng.choice(((0, 1), (0, 1), (0, 1), (0, 0), (1, 0), (1, 1), (185, 0), (0x1FFF, 1),
                       (0x1000, 0)))


def cut_fragment(rng, datagram):
    """What a first fragment holds of a datagram: all of it now and then"""
    if rng.random() < 0.3:
        return datagram
    return datagram[:rng.randrange(0, max(1, len(datagram) // 8) + 1) * 8]


def ipv4_packet(rng, datagram):
    options = bytes(4 * rng.randrange(1, 11)) if rng.random() < 0.08 else b""
    offset, more = 0, 0
    if rng.random() < 0.05:
        offset, more = fragment_bits(rng)
        datagram = cut_fragment(rng, datagram) if more else datagram
    words = 5 + len(options) // 4
    total = min(words * 4 + len(datagram), 65535)
    protocol, version = UDP, 4
    if rng.random() < 0.02:
        fault = rng.randrange(4)
        if fault == 0:
            words = rng.randrange(16)
        elif fault == 1:
            total = near(rng, total)
        elif fault == 2:
            protocol = rng.choice(OTHER_PROTOCOLS)
        else:
            version = rng.choice((0, 5, 6, 15))
    fragment = offset | more << 13 | rng.getrandbits(1) << 14 | (rng.random() < 0.02) << 15
    header = struct.pack("!BBHHHBBH", version << 4 | words, rng.getrandbits(8), total,
                         rng.getrandbits(16), fragment, 64, protocol, rng.getrandbits(16))
    return header + rng.randbytes(8) + options + datagram


def extension_chain(rng, datagram):
    """(first next header, extension headers and datagram)"""
    count = rng.choice((1, 1, 2, 3, 4, 5, 9))
    kinds = [rng.choice((0, 43, 60, 0, 43, 60, 44)) for _ in range(count)]
    last = UDP if rng.random() < 0.95 else rng.choice(OTHER_PROTOCOLS)
    if FRAGMENT in kinds and rng.random() < 0.5:
        datagram = cut_fragment(rng, datagram)
    packet = datagram
    for kind in reversed(kinds):
        if kind == FRAGMENT:
            offset, more = fragment_bits(rng)
            if rng.random() < 0.6:
                offset = 0
            body = struct.pack("!BHI", rng.getrandbits(8),
                               offset << 3 | rng.getrandbits(2) << 1 | more, rng.getrandbits(32))
        else:
            words = rng.choice((0, 0, 0, 1, 3))
            body = bytes([words]) + bytes(words * 8 + 6)
            if rng.random() < 0.03:
                body = bytes([rng.getrandbits(8)]) + body[1:]
        packet = bytes([last]) + body + packet
        last = kind
    return last, packet


def ipv6_packet(rng, datagram):
    following, payload = UDP, datagram
    if rng.random() < 0.2:
        following, payload = extension_chain(rng, datagram)
    length, version = min(len(payload), 65535), 6
    if rng.random() < 0.02:
        fault = rng.randrange(3)
        if fault == 0:
            length = near(rng, length)
        elif fault == 1:
            following = rng.choice(OTHER_PROTOCOLS)
        else:
            version = rng.choice((0, 4, 7))
    header = struct.pack("!IHBB", version << 28 | rng.getrandbits(28), length, following, 64)
    return header + rng.randbytes(32) + payload


def wrap(rng, message, outgoing, port):
    """A sight of a packet that carries message from or to the DNSTT port"""
    datagram = udp_datagram(rng, message, outgoing, port)
    if rng.random() < 0.03:  # inside the IP packet, behind the datagram
        datagram += rng.randbytes(rng.randrange(1, 20))
    if rng.random() < 0.6:
        data, protocol = ipv4_packet(rng, datagram), IPV4
    else:
        data, protocol = ipv6_packet(rng, datagram), IPV6
    if rng.random() < 0.06:  # behind the IP packet: link padding
        data += rng.randbytes(rng.randrange(1, 20))
    if rng.random() < 0.005:
        protocol = rng.choice(OTHER_ETHERTYPES)
    if rng.random() < 0.06:
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
            data = struct.pack("!HH", rng.getrandbits(16), protocol) + data
            protocol = rng.choice((0x8100, 0x88A8))
    wire = len(data)
    if rng.random() < 0.03:  # snapped
        data = data[:len(data) - rng.randrange(1, min(len(data), 80) + 1)]
    elif rng.random() < 0.01:  # cut on its way
        data = data[:rng.randrange(len(data) + 1)]
        wire = len(data)
    return Sight(data, protocol, outgoing, rng.choice((1, 2, 3, 0, 0xFFFFFFFF)), wire,
                 rng.getrandbits(32))


def scratch_sight(rng, sight):
    data = scratch(rng, sight.data)
    return sight._replace(data=data, wire=sight.wire + len(data) - len(sight.data))


def scratch(rng, data):
    """A few bytes changed, dropped or inserted"""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not changed:
            break
        at = rng.randrange(len(changed)) if rng.random() < 0.5 else rng.randrange(
            min(len(changed), 64))
        kind = rng.randrange(6)
        if kind == 0:
            changed[at] = rng.getrandbits(8)
        elif kind == 1:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            changed[at] = rng.choice((0, 1, 0x29, 0x3F, 0x40, 0x80, 0xC0, 0xFF))
        elif kind == 3:
            del changed[at:at + rng.choice((1, 1, 2, 16))]
        elif kind == 4:
            changed[at:at] = rng.randbytes(rng.choice((1, 1, 2, 16)))
        else:
            target = rng.randrange(len(changed) + 2)
            changed[at:at + 2] = struct.pack("!H", 0xC000 | target & 0x3FFF)
    return bytes(changed)
