# SPDX-License-Identifier: MIT
# Reads classic pcap files as the packet ring would have shown them
"""Link types: 276 LINUX_SLL2 (the recordings), 113 LINUX_SLL, 1 Ethernet, 101 raw IP.

Only the cooked ones say in which direction a packet went. For the others, a packet from the
DNSTT port goes out and every other one comes in.
"""

import struct

from contract import Sight

ETHERNET, RAW, SLL, SLL2 = 1, 101, 113, 276
OUTGOING = 4  # PACKET_OUTGOING of linux/if_packet.h
FORMATS = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\x4d\x3c\xb2\xa1": ("<", 1_000_000),
           b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xa1\xb2\x3c\x4d": (">", 1_000_000)}


def from_port(data, protocol):
    """Source port of an IP packet without options, VLAN tags or extension headers"""
    header = {0x0800: 20, 0x86DD: 40}.get(protocol, len(data))
    return int.from_bytes(data[header:header + 2], "big")


def strip_link(linktype, frame, port):
    """(network packet, ethertype, outgoing, interface index)"""
    if linktype == SLL2:
        protocol, _, interface, _, direction = struct.unpack_from("!HHIHB", frame)
        return frame[20:], protocol, direction == OUTGOING, interface
    if linktype == SLL:
        direction, protocol = struct.unpack_from("!H12xH", frame)
        return frame[16:], protocol, direction == OUTGOING, 1
    if linktype == ETHERNET:
        data, protocol = frame[14:], int.from_bytes(frame[12:14], "big")
    elif linktype == RAW:
        data, protocol = frame, 0x86DD if frame[:1] and frame[0] >> 4 == 6 else 0x0800
    else:
        raise ValueError(f"link type {linktype} is not supported")
    return data, protocol, from_port(data, protocol) == port, 1


def sights(path, port=53):
    """Every packet of a file, in its order"""
    with open(path, "rb") as file:
        recording = file.read()
    order, per_ms = FORMATS.get(recording[:4], (None, 0))
    if order is None or len(recording) < 24:
        raise ValueError(f"{path} is no pcap file")
    linktype, = struct.unpack_from(order + "I", recording, 20)
    linktype &= 0x0FFFFFFF  # above: length of the frame check sequence
    found = []
    at = 24
    while at < len(recording):
        if at + 16 > len(recording):
            raise ValueError(f"{path} ends in a packet header")
        seconds, parts, captured, wire = struct.unpack_from(order + "4I", recording, at)
        frame = recording[at + 16:at + 16 + captured]
        if len(frame) < captured:
            raise ValueError(f"{path} ends in a packet")
        data, protocol, outgoing, interface = strip_link(linktype, frame, port)
        found.append(Sight(data, protocol, outgoing, interface,
                           wire - (len(frame) - len(data)),
                           (seconds * 1000 + parts // per_ms) % 2**32))
        at += 16 + captured
    return found
