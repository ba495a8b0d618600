# SPDX-License-Identifier: MIT
# The independent judge: one packet in, the record that every decoder must make of it out
"""Written from the rule list alone, so that it can disagree with capture.

The rules are those of dnstt-server (dnstt-server/main.go recvLoop(), responseFor(), nextPacket();
dns/dns.go), in the order in which it applies them. Nothing here is fast. Whatever can be said
as a slice or as a loop over labels is.
"""

import struct

from contract import (ACK, BASE32, BASE32HEX, DNSTT, DNSTTEX, FLAG_ECS, FLAG_KCP, FLAG_RCODE,
                      FLAG_SN_0, FLAG_TC, PUSH, QUERY, RESPONSE, SEGMENTS_MAX, SERVER, VAYDNS,
                      WINS, Record, Verdict)
from network import V4_MAPPED, Refused, datagrams, require, u16

SERVER_BUFFER = 4096  # recvLoop() reads a query into this much and never sees the rest
POINTERS = 10  # dns.go compressionPointerLimit
NAME_BYTES = 255
TXT, OPT = 16, 41
ECS_OPTION = 8
KCP = struct.Struct("<IBBHIIII")  # conv, cmd, frg, wnd, ts, sn, una, len (kcp-go kcp.go encode())
PRINT_BYTES, PRINT_FACTOR = 32, 0x9E3779B97F4A7C15
PADDING = 0xE0
HINT, PING, PREFIX = 0xFE, 0xFF, 0xFD  # dnsttEx

DIGITS = {
    BASE32: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    BASE32HEX: b"0123456789ABCDEFGHIJKLMNOPQRSTUV",
}


# --- DNS


def wire_bytes(labels):
    """Of a name without pointers, with the root"""
    return sum(1 + len(label) for label in labels) + 1


def read_name(message, at):
    """(labels, where the name ends), as dns.go readName() and NewName()"""
    labels = []
    pointers = 0
    end = None
    while True:
        require(at < len(message), Verdict.MALFORMED)
        first = message[at]
        at += 1
        if first >= 0xC0:
            require(at < len(message), Verdict.MALFORMED)
            if end is None:
                end = at + 1
            pointers += 1
            require(pointers <= POINTERS, Verdict.MALFORMED)
            at = (first & 0x3F) << 8 | message[at]
        elif first >= 0x40:
            raise Refused(Verdict.MALFORMED)
        elif first > 0:
            require(at + first <= len(message), Verdict.MALFORMED)
            labels.append(message[at:at + first])
            at += first
        else:
            break
    require(wire_bytes(labels) <= NAME_BYTES, Verdict.MALFORMED)
    return labels, at if end is None else end


def read_question(message, at):
    """((labels, type), where it ends); nobody looks at the class"""
    labels, at = read_name(message, at)
    require(at + 4 <= len(message), Verdict.MALFORMED)
    return (labels, u16(message, at)), at + 4


def read_fixed(message, at):
    """(type, class, ttl, length of the rdata, where that begins) of a resource record"""
    _, at = read_name(message, at)
    require(at + 10 <= len(message), Verdict.MALFORMED)
    return *struct.unpack_from("!HHIH", message, at), at + 10


def read_header(record, message):
    """(flags, number of entries in each section); without it there is no ID either"""
    require(len(message) >= 12, Verdict.MALFORMED)
    record.dns_id, flags, *counts = struct.unpack_from("!6H", message)
    return flags, counts


def read_query(record, message):
    """(flags, questions, additional records as (type, class, ttl, rdata)); rule 1"""
    flags, (qdcount, ancount, nscount, arcount) = read_header(record, message)
    at = 12
    questions = []
    for _ in range(qdcount):
        question, at = read_question(message, at)
        questions.append(question)
    additional = []
    for index in range(ancount + nscount + arcount):
        rtype, rclass, ttl, size, at = read_fixed(message, at)
        require(at + size <= len(message), Verdict.MALFORMED)
        if index >= ancount + nscount:
            additional.append((rtype, rclass, ttl, message[at:at + size]))
        at += size
    require(at == len(message), Verdict.MALFORMED)
    return flags, questions, additional


def scan_opt(additional):
    """(EDNS size, rdata of the OPT record or None); rules 3 to 5"""
    size = 0
    options = None
    for rtype, rclass, ttl, rdata in additional:
        if rtype != OPT:
            continue
        require(options is None, Verdict.MULTIPLE_OPT)
        require(ttl >> 16 & 0xFF == 0, Verdict.EDNS_VERSION)
        size = rclass
        options = rdata
    return max(size, 512), options


def client_subnet(options):
    """The address prefix of the first EDNS Client Subnet option (RFC 7871, 6), or None"""
    while options is not None and len(options) >= 4:
        code, size = u16(options, 0), u16(options, 2)
        option = options[4:4 + size]
        if len(option) < size:
            return None
        if code != ECS_OPTION:
            options = options[4 + size:]
            continue
        if len(option) < 4:
            return None
        family, prefix, address = u16(option, 0), option[2], option[4:]
        if family not in (1, 2) or not 1 <= prefix <= (32 if family == 1 else 128):
            return None
        if len(address) != (prefix + 7) // 8:
            return None
        width = 4 if family == 1 else 16
        bits = int.from_bytes(address.ljust(width, b"\0"), "big")
        bits &= -1 << (width * 8 - prefix)
        return (V4_MAPPED if family == 1 else b"") + bits.to_bytes(width, "big")
    return None


# --- dnstt


def lower(label):
    """bytes.ToLower() as far as it can give ASCII: U+212A and U+0130 besides A to Z"""
    return label.lower().replace(b"\xe2\x84\xaa", b"k").replace(b"\xc4\xb0", b"i")


def find_tunnel(labels, config):
    """(index, tunnel, labels before its domain), the longest domain first; rule 7"""
    lowered = tuple(lower(label) for label in labels)
    best = None
    for index, tunnel in enumerate(config.tunnels):
        count = len(tunnel.labels)
        if lowered[-count:] == tunnel.labels:
            if best is None or count > len(config.tunnels[best].labels):
                best = index
    require(best is not None, Verdict.DOMAIN)
    tunnel = config.tunnels[best]
    return best, tunnel, labels[:len(labels) - len(tunnel.labels)]


def decode_base32(labels, alphabet):
    """bytes.ToUpper() and encoding/base32 without padding, as Go 1.19 has them; rule 10

    dnsttEx decodes by itself (dns_encoding.go): as many whole bytes as there are bits for.
    """
    text = b"".join(labels).upper().replace(b"\xc5\xbf", b"S").replace(b"\xc4\xb1", b"I")
    text = text.replace(b"\r", b"").replace(b"\n", b"")
    digits = DIGITS[alphabet]
    decoded = b""
    for start in range(0, len(text), 8):
        group = text[start:start + 8]
        bits = 0
        for char in group:
            require(char in digits, Verdict.ENCODING)
            bits = bits << 5 | digits.index(char)
        bits <<= 5 * (8 - len(group))
        # Go: 1, 3 or 6 characters are no error and give nothing, bits that are left do not matter
        size = {8: 5, 7: 4, 5: 3, 4: 2, 2: 1}.get(len(group), 0)
        if alphabet == BASE32HEX:
            size = len(group) * 5 // 8
        decoded += bits.to_bytes(5, "big")[:size]
    return decoded


def deliver(body):
    """(packets as nextPacket() gives them, whether every byte was used up)"""
    packets = []
    at = 0
    while at < len(body):
        length = body[at]
        at += 1
        if length >= PADDING:
            at += length - PADDING
        elif at + length <= len(body):
            packets.append(body[at:at + length])
            at += length
        else:
            return packets, False
    return packets, at == len(body)


def dnstt_packets(body):
    """Padding first, and to the last byte"""
    packets, exact = deliver(body)
    require(len(body) >= 1 and body[0] >= PADDING and exact, Verdict.FRAMING)
    return packets


def vaydns_packets(body):
    """Four bytes of nonce, or one packet"""
    if len(body) == 4:
        return []
    require(len(body) >= 2 and len(body) == 1 + body[0], Verdict.FRAMING)
    return [body[1:]]


def dnsttex_packets(body):
    """A hint, a poll, one packet with anything behind it, or what dnstt writes

    A ping is answered without a look at any session (dnsttEx-server/main.go recvLoop()).
    """
    require(len(body) >= 1 and body[0] != PING, Verdict.FRAMING)
    if body[0] == HINT:
        return []
    if body[0] == PREFIX and len(body) > 3:
        body = body[3:]
    if body[0] >= PADDING:
        return dnstt_packets(body)
    packet = body[1:1 + body[0]]
    require(len(packet) == body[0], Verdict.FRAMING)
    return [packet]


def tunnel_packets(body, framing):
    """The tunnel packets in what follows the ClientID"""
    if framing == SERVER:
        return deliver(body)[0]
    return {DNSTT: dnstt_packets, VAYDNS: vaydns_packets, DNSTTEX: dnsttex_packets}[framing](body)


def fingerprint(body):
    """What stands for all that a client wrote behind its ClientID: its length and 32 bytes of it"""
    words = struct.unpack("=4Q", body[:PRINT_BYTES].ljust(PRINT_BYTES, b"\0"))
    value = len(body)
    for word in words:
        value = (value ^ word) * PRINT_FACTOR % 2**64
        value ^= value >> 32
    return struct.pack("=Q", value)


def keep_segments(record, packet):
    """The segments of a KCP datagram, up to the first that Input() of kcp-go's kcp.go refuses"""
    wanted = (PUSH, ACK) if record.kind == QUERY else (PUSH,)
    while len(packet) >= KCP.size:
        _, command, _, _, ts, sn, _, size = KCP.unpack_from(packet)
        carried = packet[KCP.size:KCP.size + size]
        if not PUSH <= command <= WINS:
            record.ends.add("with a wrong command")
            return
        if len(carried) < size:
            record.ends.add("with a segment cut short")
            return
        if len(record.segments) == SEGMENTS_MAX:
            record.ends.add("with more segments than are kept")
            return
        if command in wanted:
            record.segments.append((ts, sn, size, command))
        packet = packet[KCP.size + size:]


def keep_packets(record, packets, framing):
    """Their bytes; of KCP, the header of the first that has any, and the segments of all

    dnsttEx has a KCP of its own, with headers of 12 bytes (internal/kcp/kcp.go).
    """
    packets = [packet for packet in packets if packet]
    record.payload_bytes = sum(len(packet) for packet in packets)
    if not packets or len(packets[0]) < KCP.size or framing == DNSTTEX:
        return
    record.flags |= FLAG_KCP
    record.conv, _, _, _, _, sn, record.una, _ = KCP.unpack_from(packets[0])
    if sn == 0:
        record.flags |= FLAG_SN_0
    for packet in packets:
        keep_segments(record, packet)


def judge_question(record, config, question, opcode, edns_size):
    """(ClientID, what follows it, tunnel packets, framing); rules 7 to 13, 11 if there is a size"""
    labels, qtype = question
    record.domain, tunnel, prefix = find_tunnel(labels, config)
    require(opcode == 0, Verdict.OPCODE)
    require(qtype in tunnel.qtypes, Verdict.QTYPE)
    decoded = decode_base32(prefix, tunnel.alphabet)
    require(edns_size is None or edns_size >= tunnel.edns_min, Verdict.EDNS_SIZE)
    require(len(decoded) >= tunnel.id_bytes, Verdict.SHORT)
    body = decoded[tunnel.id_bytes:]
    packets = tunnel_packets(body, tunnel.framing)
    return decoded[:tunnel.id_bytes], body, packets, tunnel.framing


def judge_query(record, config, message):
    flags, questions, additional = read_query(record, message)
    require(flags & 0x8000 == 0, Verdict.NOT_QUERY)
    edns_size, options = scan_opt(additional)
    require(len(questions) == 1, Verdict.QDCOUNT)
    client_id, body, packets, framing = judge_question(record, config, questions[0],
                                                       flags >> 11 & 15, edns_size)
    record.client_id = client_id
    record.content = fingerprint(body)
    record.edns_size = edns_size
    record.qname_bytes = wire_bytes(questions[0][0])
    keep_packets(record, packets, framing)
    prefix = client_subnet(options) if config.use_ecs else None
    if prefix is not None:
        record.resolver = prefix
        record.flags |= FLAG_ECS


def txt_packets(message, at):
    """The whole packets in a first answer, if it is a TXT record that can be read so far"""
    try:
        rtype, _, _, size, at = read_fixed(message, at)
    except Refused:
        return []
    if rtype != TXT:
        return []
    rdata = message[at:at + size]
    text = b""
    while rdata:
        text += rdata[1:1 + rdata[0]]
        rdata = rdata[1 + rdata[0]:]

    packets = []
    while len(text) >= 2 and len(text) >= 2 + u16(text, 0):
        packets.append(text[2:2 + u16(text, 0)])
        text = text[2 + u16(text, 0):]
    return packets


def judge_response(record, config, message):
    flags, (qdcount, ancount, *_) = read_header(record, message)
    record.flags = flags & FLAG_RCODE | (FLAG_TC if flags & 0x0200 else 0)
    question, at = read_question(message, 12) if qdcount > 0 else (None, 12)
    require(flags & 0x8000 != 0, Verdict.NOT_QUERY)
    require(qdcount == 1, Verdict.QDCOUNT)
    record.client_id, _, _, framing = judge_question(record, config, question, flags >> 11 & 15,
                                                     None)
    if flags & FLAG_RCODE == 0 and ancount >= 1:
        keep_packets(record, txt_packets(message, at), framing)


def decode_datagram(sight, config, found):
    record = new_record(sight)
    record.resolver, record.port, message, record.message_bytes = found
    try:
        if sight.outgoing:
            judge_response(record, config, message)
        else:
            require(len(message) >= min(record.message_bytes, SERVER_BUFFER), Verdict.FRAGMENT)
            judge_query(record, config, message[:SERVER_BUFFER])
        record.verdict = Verdict.ACCEPTED
    except Refused as refused:
        record.verdict = refused.args[0]
    return record


def new_record(sight):
    return Record(interface=sight.interface, time_ms=sight.time_ms,
                  kind=RESPONSE if sight.outgoing else QUERY)


def decode_all(sight, config):
    """A record for each datagram of a packet, and one for a packet that has none"""
    try:
        found = datagrams(sight, config)
    except Refused:
        return [new_record(sight)]
    return [decode_datagram(sight, config, one) for one in found]


def decode(sight, config):
    """The record of a packet with one datagram"""
    (record,) = decode_all(sight, config)
    return record
