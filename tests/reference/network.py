# SPDX-License-Identifier: MIT
# The part of the reference that finds the DNS message in a packet
"""VLAN tags, IPv4, IPv6 and UDP. Any inconsistency makes the packet one that nobody counts."""

import struct

from contract import IPV6_EXTENSIONS, VLAN_TAGS, Verdict

IPV4 = 0x0800
IPV6 = 0x86DD

UDP = 17
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60

V4_MAPPED = bytes(10) + b"\xff\xff"


class Refused(Exception):
    """A rule does not hold; its argument is the verdict."""


def u16(data, at):
    return data[at] << 8 | data[at + 1]


def require(condition, verdict):
    if not condition:
        raise Refused(verdict)


def ipv4(data, wire):
    """(source, destination, payload as far as it is there, its real length)"""
    require(len(data) >= 20, Verdict.PACKET)
    require(data[0] >> 4 == 4, Verdict.PACKET)
    header = (data[0] & 15) * 4
    total = u16(data, 2)
    require(20 <= header <= len(data), Verdict.PACKET)
    require(total >= header, Verdict.PACKET)
    require(total <= wire, Verdict.PACKET)
    require(u16(data, 6) & 0x1FFF == 0, Verdict.PACKET)  # a later fragment has no UDP header
    require(data[9] == UDP, Verdict.PACKET)
    return V4_MAPPED + data[12:16], V4_MAPPED + data[16:20], data[header:total], total - header


def ipv6(data, wire):
    """As ipv4(); the payload begins after the extension headers."""
    require(len(data) >= 40, Verdict.PACKET)
    require(data[0] >> 4 == 6, Verdict.PACKET)
    length = u16(data, 4)
    require(40 + length <= wire, Verdict.PACKET)
    payload = data[40:40 + length]
    following = data[6]
    headers = 0
    while following in (HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT):
        headers += 1
        require(headers <= IPV6_EXTENSIONS, Verdict.PACKET)
        require(len(payload) >= 8, Verdict.PACKET)
        size = 8
        if following == FRAGMENT:
            require(u16(payload, 2) & 0xFFF8 == 0, Verdict.PACKET)
        else:
            size = (payload[1] + 1) * 8
        require(len(payload) >= size, Verdict.PACKET)
        following = payload[0]
        payload = payload[size:]
        length -= size
    require(following == UDP, Verdict.PACKET)
    return data[8:24], data[24:40], payload, length


def addresses(sight):
    """(is it IPv4, and what ipv4() or ipv6() say) of the IP packet, which begins at once or behind one or two VLAN tags: two bytes of TCI, then the ethertype of what follows. What the kernel calls the
    ethertype is not looked at, since its versions differ in that.
    """
    for at in range(0, 4 * VLAN_TAGS + 1, 4):
        data = sight.data[at:]
        if not data:
            break
        is_v4 = data[0] >> 4 == 4
        if at > 0 and u16(sight.data, at - 2) != (IPV4 if is_v4 else IPV6):
            continue
        try:
            return is_v4, *(ipv4 if is_v4 else ipv6)(data, sight.wire - at)
        except Refused:
            continue
    raise Refused(Verdict.PACKET)


def datagrams(sight, config):
    """(resolver, its port, message as far as it is there, its real length) of each in the packet"""
    is_v4, source, destination, payload, length = addresses(sight)

    require(len(payload) >= 8, Verdict.PACKET)
    source_port, destination_port, udp_length = struct.unpack_from("!HHH", payload)
    if udp_length == 0 and not is_v4:  # Linux takes it for a jumbogram
        udp_length = length
    require(udp_length >= 8, Verdict.PACKET)
    if sight.outgoing:
        require(source_port == config.port, Verdict.PACKET)
        resolver, port = destination, destination_port
    else:
        require(destination_port == config.port, Verdict.PACKET)
        resolver, port = source, source_port
    joined, size = payload[8:udp_length], udp_length - 8
    if not sight.segment:
        return [(resolver, port, joined, size)]
    require(udp_length <= length, Verdict.PACKET)
    return [(resolver, port, joined[at:at + sight.segment], min(sight.segment, size - at))
            for at in range(0, max(size, 1), sight.segment)]
