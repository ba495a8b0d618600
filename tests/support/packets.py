# SPDX-License-Identifier: MIT
"""Frames and packets built by hand, and the packets of a recording."""

import ipaddress
import struct

ETH_IPV4, ETH_IPV6, ETH_8021Q, ETH_8021AD = 0x0800, 0x86DD, 0x8100, 0x88A8
UDP, FRAGMENT = 17, 44
HOST, OUTGOING = 0, 4


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return ipaddress.ip_address(text).packed


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def udp(src, dst, message):
    """src and dst are (address, port); the checksum is right for both IP versions."""
    length = 8 + len(message)
    head = struct.pack(">HHHH", src[1], dst[1], length, 0)
    source, target = address(src[0]), address(dst[0])
    if len(source) == 4:
        pseudo = source + target + struct.pack(">BBH", 0, UDP, length)
    else:
        pseudo = source + target + struct.pack(">IHBB", length, 0, 0, UDP)
    return head[:6] + struct.pack(">H", checksum(pseudo + head + message) or 0xFFFF) + message


def ipv4(src, dst, payload, *, options=b"", ident=0, more=False, offset=0, proto=UDP):
    """offset counts octets, as the payload does."""
    words = 5 + len(options) // 4
    fragment = (0x2000 if more else 0) | offset // 8
    head = struct.pack(
        ">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, 64, proto, 0
    )
    head += address(src) + address(dst) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, payload, *, extensions=(), last=UDP):
    """extensions are (number, octets); the first two octets of each are filled in here."""
    numbers = [number for number, _ in extensions] + [last]
    chain = b""
    for (number, octets), following in zip(extensions, numbers[1:]):
        length = 0 if number == FRAGMENT else len(octets) // 8 - 1
        chain += bytes([following, length]) + octets[2:]
    head = struct.pack(">IHBB", 6 << 28, len(chain) + len(payload), numbers[0], 64)
    return head + address(src) + address(dst) + chain + payload


def packet(src, dst, message, **extra):
    """A whole UDP packet of either IP version and its ethertype."""
    datagram = udp(src, dst, message)
    if ":" in src[0]:
        return ETH_IPV6, ipv6(src[0], dst[0], datagram, **extra)
    return ETH_IPV4, ipv4(src[0], dst[0], datagram, **extra)


def frame(dst_mac, src_mac, ethertype, octets, tags=()):
    """An Ethernet frame; tags are (TPID, VLAN number), outermost first."""
    head = mac(dst_mac) + mac(src_mac)
    for tpid, number in tags:
        head += struct.pack(">HH", tpid, number)
    return head + struct.pack(">H", ethertype) + octets


def udp_message(ethertype, octets):
    """(source port, destination port, message) of a plain UDP packet, or None."""
    if ethertype == ETH_IPV4 and octets[9] == UDP:
        datagram = octets[(octets[0] & 15) * 4 : struct.unpack_from(">H", octets, 2)[0]]
    elif ethertype == ETH_IPV6 and octets[6] == UDP:
        datagram = octets[40 : 40 + struct.unpack_from(">H", octets, 4)[0]]
    else:
        return None
    source, target, length = struct.unpack_from(">HHH", datagram)
    return source, target, datagram[8:length]


def recording(path):
    """(packet type, ethertype, octets) of each packet of a LINUX_SLL2 recording."""
    with open(path, "rb") as file:
        header = file.read(24)
        order = "<" if header[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        if struct.unpack_from(order + "I", header, 20)[0] & 0xFFFF != 276:
            raise ValueError(f"{path}: not a LINUX_SLL2 recording")
        while record := file.read(16):
            captured = struct.unpack(order + "IIII", record)[2]
            octets = file.read(captured)
            yield octets[10], struct.unpack_from(">H", octets)[0], octets[20:]
