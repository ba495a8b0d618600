# SPDX-License-Identifier: MIT
"""DNSTT messages as the original client sends them and the original server answers them."""

import base64
import os
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from messages import A, AA, NS, OPT, QR, RD, TC, TXT, opt_record, query, record, strings, wire_name

NOERROR, FORMERR, NXDOMAIN, NOTIMP = 0, 1, 3, 4
PUSH, ACK = 81, 82
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def tunnel_name(payload, domain):
    """Name that carries payload: base32 in lower case, labels of 63 octets, the domain."""
    text = base64.b32encode(payload).decode().rstrip("=").lower()
    labels = [text[i : i + 63] for i in range(0, len(text), 63)]
    name = wire_name(".".join(labels + [domain]))
    if len(name) > 255:
        raise ValueError(f"a name of {len(name)} octets")
    return name


def random_case(name, rng=random):
    """0x20: a random case for every letter; lengths of labels stay below the letters."""
    letters = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    return bytes(c ^ 0x20 if c in letters and rng.random() < 0.5 else c for c in name)


def minimised(name, domain):
    """Shorter names that a resolver with QNAME minimisation asks for first, then the name."""
    zone, labels = wire_name(domain), split_name(name)
    zone_labels = len(split_name(zone))
    for count in range(zone_labels + 1, len(labels) + 1):
        kept = labels[len(labels) - count :]
        yield b"".join(bytes([len(label)]) + label for label in kept) + b"\0"


def split_name(name):
    """Labels of an uncompressed name in wire form."""
    labels, at = [], 0
    while name[at]:
        labels.append(name[at + 1 : at + 1 + name[at]])
        at += 1 + name[at]
    return labels


def kcp(conv, cmd=PUSH, sn=0, text=b"", una=0, ts=0):
    """One KCP segment, kcp-go's header; ts in milliseconds."""
    head = struct.pack("<IBBHIIII", conv, cmd, 0, 128, ts & 0xFFFFFFFF, sn, una, len(text))
    return head + text


class Client:
    """One tunnel session; its methods give whole query messages."""

    def __init__(self, domain="t.example.com", ident=None, mixed_case=False, edns=1232):
        self.domain = domain
        self.ident = ident or os.urandom(8)
        self.conv = random.getrandbits(32)
        self.mixed_case = mixed_case
        self.edns = edns
        self.sent = 0

    def _name(self, payload):
        name = tunnel_name(self.ident + payload, self.domain)
        return random_case(name) if self.mixed_case else name

    def poll(self):
        """What an idle client sends: eight bytes of padding and nothing else."""
        return query(self._name(b"\xe8" + os.urandom(8)), edns=self.edns)

    def data(self, text=b""):
        """A KCP datagram behind three bytes of padding."""
        self.sent += 1
        return self.carry(kcp(self.conv, PUSH, self.sent - 1, text))

    def carry(self, packet):
        """A packet of the caller's."""
        payload = b"\xe3" + os.urandom(3) + bytes([len(packet)]) + packet
        return query(self._name(payload), edns=self.edns)

    def minimised_data(self, text=b""):
        """The A queries a minimising resolver sends first, and then the query itself."""
        return self.minimise(self.data(text))

    def minimise(self, message):
        """What such a resolver makes of a query."""
        name = question(message)[0]
        return [query(part, A, edns=self.edns) for part in minimised(name, self.domain)] + [message]


def read_name(message, at):
    """Labels and the offset after the name; pointers are followed, at most ten of them."""
    labels, octets, after, pointers = [], 1, None, 0
    while True:
        length = message[at]
        if length >= 0xC0:
            pointers += 1
            if pointers > 10:
                raise ValueError("too many pointers")
            after = at + 2 if after is None else after
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length > 63:
            raise ValueError("reserved label type")
        elif length:
            if at + 1 + length > len(message):
                raise ValueError("a label is cut")
            labels.append(message[at + 1 : at + 1 + length])
            octets += 1 + length
            if octets > 255:
                raise ValueError("name is too long")
            at += 1 + length
        else:
            return labels, at + 1 if after is None else after


def question(message):
    """The first question: its name in wire form and its type."""
    labels, at = read_name(message, 12)
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return name, struct.unpack_from(">H", message, at)[0]


def rcode(message):
    return struct.unpack_from(">H", message, 2)[0] & 15


def parse(message):
    """ID, flags, questions, OPT records (size, version); ValueError if it isn't a whole message."""
    try:
        ident, flags, *counts = struct.unpack_from(">HHHHHH", message)
        at, questions, opts = 12, [], []
        for _ in range(counts[0]):
            labels, at = read_name(message, at)
            questions.append((labels, *struct.unpack_from(">HH", message, at)))
            at += 4
        for section, count in enumerate(counts[1:]):
            for _ in range(count):
                _, at = read_name(message, at)
                rtype, rclass, ttl, length = struct.unpack_from(">HHIH", message, at)
                at += 10 + length
                if section == 2 and rtype == OPT:
                    opts.append((rclass, ttl >> 16 & 255))
    except (struct.error, IndexError) as error:
        raise ValueError("cut short") from error
    if at != len(message):
        raise ValueError("cut short, or bytes after the last record")
    return ident, flags, questions, opts


def decode(labels):
    """Bytes of the labels before the domain as Go's base32 reads them, or None."""
    text = b"".join(labels).upper().replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")
    if any(c not in ALPHABET for c in text):
        return None
    bits = "".join(f"{ALPHABET.index(c):05b}" for c in text)
    whole = 5 * (len(text) // 8) + (0, 0, 1, 0, 2, 3, 0, 4)[len(text) % 8]
    return bytes(int(bits[8 * i : 8 * i + 8], 2) for i in range(whole))


def refused(domain="t.example.com"):
    """One query for each rule by which one is refused, by the rule's name. All rules but the last
    are dnstt-server's own.
    """
    poll = Client(domain).poll()
    name = question(poll)[0]
    asked = poll[12 : 12 + len(name) + 4]
    zone = wire_name(domain)
    head = struct.pack(">HH", 4711, RD)
    return {
        "malformed": poll + b"\0",
        "not_query": query(name, flags=QR),
        "multiple_opt": head + struct.pack(">HHHH", 1, 0, 0, 2) + asked + 2 * opt_record(4096),
        "edns_version": head
        + struct.pack(">HHHH", 1, 0, 0, 1)
        + asked
        + opt_record(4096, version=1),
        "qdcount": head + struct.pack(">HHHH", 2, 0, 0, 1) + 2 * asked + opt_record(4096),
        "domain": query(wire_name("www.example.org")),
        "opcode": query(name, flags=0x1000),
        "qtype": query(name, A),
        "encoding": query(b"\x0eabcdefgh01890a" + zone),
        "edns_size": query(name, edns=512),
        "short": query(b"\x08abcdefgh" + zone),
        "framing": probe(bytes(range(32)), domain),
    }


def probe(octets, domain="t.example.com"):
    """What SlipGate's verifier asks: a nonce and its HMAC, 16 bytes each, and no packet.

    dnstt-server takes it for a client; the exporter knows by what stands behind the ClientID.
    """
    return query(tunnel_name(octets, domain))


class Server:
    """dnstt-server's answers: its rules in its order, its flags, its packing of packets.

    downstream(client_id) gives the packets that wait for a client.
    """

    def __init__(self, *domains, mtu=1232, downstream=lambda client_id: []):
        self.domains = [split_name(wire_name(d.lower())) for d in domains or ["t.example.com"]]
        self.mtu = mtu
        self.downstream = downstream

    def _prefix(self, labels):
        """Labels before the longest domain that the name is under, or None."""
        folded = [label.lower() for label in labels]
        fits = [d for d in self.domains if folded[len(folded) - len(d) :] == d]
        return labels[: len(labels) - max(map(len, fits))] if fits else None

    def judge(self, message):
        """What dnstt-server makes of a query: the name of the rule that refuses it or "accepted",
        the flags of its answer (None: no answer), the ClientID of an accepted one.
        """
        try:
            _, flags, questions, opts = parse(message)
        except ValueError:
            return "malformed", None, None
        if flags & QR:
            return "not_query", None, None
        if opts and opts[0][1] != 0:
            return "edns_version", QR | NXDOMAIN, None
        if len(opts) > 1:
            return "multiple_opt", QR | FORMERR, None
        if len(questions) != 1:
            return "qdcount", QR | FORMERR, None
        labels, qtype, _ = questions[0]
        prefix = self._prefix(labels)
        if prefix is None:
            return "domain", QR | NXDOMAIN, None
        if flags >> 11 & 15:
            return "opcode", QR | AA | NOTIMP, None
        if qtype != TXT:
            return "qtype", QR | AA | NXDOMAIN, None
        payload = decode(prefix)
        if payload is None:
            return "encoding", QR | AA | NXDOMAIN, None
        if (max(512, opts[0][0]) if opts else 512) < self.mtu:
            return "edns_size", QR | AA | FORMERR, None
        if len(payload) < 8:
            return "short", QR | AA | NXDOMAIN, None
        return "accepted", QR | AA, payload[:8]

    def answer(self, message):
        """The response message, or None where dnstt-server stays silent."""
        _, flags, client_id = self.judge(message)
        if flags is None:
            return None
        questions, asked = struct.unpack_from(">H", message, 4)[0], 12
        for _ in range(questions):
            asked = read_name(message, asked)[1] + 4
        opt = opt_record(4096) if parse(message)[3] else b""
        head = message[:2] + struct.pack(">H", flags)
        if client_id is None:
            counts = struct.pack(">HHHH", questions, 0, 0, 1 if opt else 0)
            return head + counts + message[12:asked] + opt
        packed = b"".join(struct.pack(">H", len(p)) + p for p in self.downstream(client_id))
        answer = record(TXT, 1, 60, strings(packed), b"\xc0\x0c")
        counts = struct.pack(">HHHH", 1, 1, 0, 1 if opt else 0)
        response = head + counts + message[12:asked] + answer + opt
        if len(response) > self.mtu:
            cut = bytearray(response[: self.mtu])
            cut[2] |= TC >> 8
            response = bytes(cut)
        return response
