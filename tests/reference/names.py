# SPDX-License-Identifier: MIT
# Generated configurations, and question names as clients of their tunnels write them
"""The tunnel side of the generator: see generate.py."""

import base64
import struct

import contract
import kcp
from contract import BASE32, DNSTT, DNSTTEX, SERVER, VAYDNS, Config, Tunnel

QTYPES = (1, 2, 5, 10, 15, 16, 28, 33, 41, 255, 257)
EDNS_MINIMA = (0, 1, 511, 512, 513, 1232, 1232, 1232, 4096, 65535)
LABELS = (b"t", b"a", b"k", b"i", b"kiss", b"ski-lift", b"example", b"com", b"net", b"_dns", b"0",
          b"mink", b"x.y", b"a b", b"q" * 63)
ILLEGAL = b"=-189w!\xff\x80\x00_.[`@"
BOUNDARY_SIZES = (0, 1, 2, 22, 23, 24, 25, 26, 37)
PACKET_SIZES = (0, 23, 24, 25, 48, 255)
KELVIN_SIGN, DOTTED_I = b"\xe2\x84\xaa", b"\xc4\xb0"
LONG_S, DOTLESS_I = b"\xc5\xbf", b"\xc4\xb1"


def wire_bytes(labels):
    return sum(1 + len(label) for label in labels) + 1


def wire_name(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def some_case(rng, text):
    """As typed, all upper case, or upper case in places"""
    kind = rng.randrange(4)
    if kind == 0:
        return text
    if kind == 1:
        return text.upper()
    first, last = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return text[:first] + text[first:last].upper() + text[last:].swapcase()


# --- Configurations


def make_domain(rng, taken):
    for _ in range(1000):
        kind = rng.random()
        if taken and kind < 0.6:  # nested: the longest has to win
            labels = (rng.choice(LABELS),) + rng.choice(sorted(taken))
        elif kind < 0.65:
            labels = (b"abc",) * rng.randrange(20, 63) + (b"l" * rng.randrange(1, 8),)
        elif kind < 0.7:
            labels = (b"m",) * rng.randrange(1, 127)
        else:
            labels = tuple(rng.choice(LABELS) for _ in range(rng.randrange(1, 5)))
        if labels not in taken and wire_bytes(labels) <= 255:
            return labels
    raise AssertionError("no domain left")


def make_tunnel(rng, labels):
    preset = rng.randrange(5)
    if preset == 0:
        return Tunnel(labels)
    if preset == 1:
        return Tunnel(labels, edns_min=512, id_bytes=rng.choice((2, 2, 1, 8)), framing=VAYDNS)
    if preset == 2:
        return Tunnel(labels, edns_min=0, alphabet=contract.BASE32HEX, framing=DNSTTEX)
    qtypes = tuple(rng.sample(QTYPES, rng.randrange(1, 9)))
    return Tunnel(labels, qtypes, rng.choice(EDNS_MINIMA), rng.randrange(1, 9), rng.randrange(2),
                  rng.choice((DNSTT, SERVER, VAYDNS, DNSTTEX)))


def make_config(rng):
    """1 to 64 tunnels; most times the recorded one is among them"""
    tunnels = {}
    if rng.random() < 0.7:
        labels = contract.domain("t.example.com")
        tunnels[labels] = Tunnel(labels)
    if rng.random() < 0.5:  # room for more than five segments
        tunnels[b"k",] = Tunnel((b"k",), framing=rng.choice((DNSTT, SERVER, VAYDNS)))
    count = rng.choice((1, 1, 2, 3, 4, 8, 16, 64))
    while len(tunnels) < count:
        labels = make_domain(rng, tunnels)
        tunnels[labels] = make_tunnel(rng, labels)
    listed = list(tunnels.values())
    rng.shuffle(listed)
    port = 53 if rng.random() < 0.8 else rng.choice((5300, 1, 65535))
    return Config(listed, port, rng.random() < 0.5)


# --- What a client writes


def dnstt_body(rng, size):
    """Padding first, then packets, together exactly size bytes"""
    if size == 0:
        return b""
    padding = min(size - 1, rng.choice((0, 3, 8, rng.randrange(32))))
    body = bytes([0xE0 + padding]) + rng.randbytes(padding)
    while len(body) < size:
        left = size - len(body) - 1
        length = left
        if left > 0xDF or rng.random() < 0.2:
            length = rng.randrange(min(left, 0xDF) + 1)
            length = min(length, rng.choice(PACKET_SIZES))
        body += bytes([length]) + kcp.datagram(rng, length)
    return body


def dnsttex_body(rng, size):
    """A hint, a ping, which is no session, a poll, one packet or what dnstt writes; size bytes"""
    kind = rng.randrange(8)
    if kind == 0:
        return rng.choice((b"\xfe", b"\xff")) + rng.randbytes(size - 1)
    prefix = b"\xfd" + rng.randbytes(2) if rng.random() < 0.5 and size > 3 else b""
    left = size - len(prefix)
    if kind == 1:
        body = b"\0" + rng.randbytes(left - 1)
    elif kind == 2:
        body = dnstt_body(rng, left)
    else:
        length = left - 1
        if kind == 3:  # what follows the packet does not matter
            length = rng.randrange(left)
        elif kind == 4:
            length = rng.choice((left, 1, left - 2 if left > 2 else 0, 0xDF, 0xE0))
        body = bytes([length]) + kcp.datagram(rng, left - 1)
    return prefix + body


def make_body(rng, framing, size):
    """What follows a ClientID, size bytes of it where the framing lets it"""
    if rng.random() < 0.04:
        return rng.randbytes(size)
    if rng.random() < 0.02:
        framing = rng.choice((DNSTT, VAYDNS, DNSTTEX))
    if framing == VAYDNS:
        if rng.random() < 0.3:
            return rng.choice((rng.randbytes(4), b"\x03" + rng.randbytes(3)))
        body = bytes([max(size - 1, 0)]) + kcp.datagram(rng, size - 1) if size else b""
    elif framing == DNSTTEX:
        body = dnsttex_body(rng, size) if size else b""
    else:
        body = dnstt_body(rng, size)
    if rng.random() < 0.05:
        body = rng.choice((body[:-1], body + b"\0", body + b"\x05", body[1:], b"\0" + body))
    return body


def spoil_text(rng, text):
    """Lengths, characters and folds that base32 decoders disagree about"""
    at = rng.randrange(len(text) + 1)
    kind = rng.randrange(7)
    if kind == 0:
        return text[:rng.randrange(25)]
    if kind == 1:
        return text[:len(text) - rng.randrange(8)]
    if kind == 2:
        return text + bytes(rng.choice(b"abcdefgijklmno234567") for _ in range(rng.randrange(8)))
    if kind == 3:
        return text[:at] + bytes([rng.choice(ILLEGAL)]) + text[at:]
    if kind == 4:
        for _ in range(rng.choice((1, 2, 8))):
            text = text[:at] + rng.choice((b"\r", b"\n", b"\r\n")) + text[at:]
            at = rng.randrange(len(text) + 1)
        return text
    if kind == 5:
        folded = text.replace(b"s", LONG_S, rng.randrange(3))
        return folded.replace(b"i", DOTLESS_I, rng.randrange(3))
    near_folds = (b"\xc5\r\xbf", b"\xc5\xbe", DOTTED_I, KELVIN_SIGN, b"\xc5", b"\xbf")
    return text[:at] + rng.choice(near_folds) + text[at:]


def make_suffix(rng, tunnel):
    """The tunnel's domain as a resolver may write it, or something like it"""
    labels = list(tunnel.labels)
    if rng.random() < 0.3:
        labels = [some_case(rng, label) for label in labels]
    if rng.random() < 0.04:
        labels = [label.replace(b"k", KELVIN_SIGN).replace(b"i", DOTTED_I) for label in labels]
    if rng.random() < 0.04:
        kind = rng.randrange(5)
        at = rng.randrange(len(labels))
        if kind == 0:
            del labels[at]
        elif kind == 1:
            labels[at] = labels[at][:-1] + b"z"
        elif kind == 2 and len(labels) > 1:
            labels[:2] = [labels[0] + b"." + labels[1]]
        elif kind == 3:
            labels[at] = b"x" + labels[at]
        else:
            labels[at] = DOTLESS_I + labels[at][1:]
    return labels


def body_size(rng, room):
    kind = rng.randrange(8)
    if kind < 2:
        return min(room, rng.choice((9, 4, 5)))
    if kind == 2:
        return min(room, rng.choice(BOUNDARY_SIZES))
    if kind == 3:
        return room
    return rng.randrange(room + 1)


def make_qname(rng, tunnel):
    """Labels of a question for a tunnel"""
    if rng.random() < 0.004:
        return []
    limit = 255 if rng.random() < 0.9 else rng.randrange(253, 258)
    chars = max(0, limit - wire_bytes(tunnel.labels)) * 63 // 64
    room = max(0, chars * 5 // 8 - tunnel.id_bytes)
    decoded = rng.randbytes(tunnel.id_bytes)
    decoded += make_body(rng, tunnel.framing, body_size(rng, room) if limit == 255 else room)
    if rng.random() < 0.03:
        decoded = decoded[:rng.randrange(tunnel.id_bytes + 1)]
    encode = base64.b32encode if tunnel.alphabet == BASE32 else base64.b32hexencode
    text = encode(decoded).rstrip(b"=").lower()
    if limit != 255:  # up to the last octet, with characters that decode to nothing
        text += b"a" * max(0, chars - len(text))
    if rng.random() < 0.3:
        text = some_case(rng, text)
    if rng.random() < 0.1:
        text = spoil_text(rng, text)
    size = 63 if rng.random() < 0.75 else rng.choice((1, 2, 25, 57, 62, rng.randrange(1, 64)))
    labels = [text[at:at + size] for at in range(0, len(text), size)] + make_suffix(rng, tunnel)
    return [label[:63] for label in labels if label]


def compress(rng, labels, gap):
    """(a name that goes on behind a pointer, what must stand there for that)

    @gap: bytes between the end of the name and that place; the name stands at offset 12.
    """
    kept = rng.randrange(len(labels) + 1)
    start = b"".join(bytes([len(label)]) + label for label in labels[:kept])
    base = 12 + len(start) + 2 + gap
    pool = b""
    for _ in range(rng.choice((0, 0, 1, 2, 8, 9, 10, 11))):
        pool += struct.pack("!H", 0xC000 | base + len(pool) + 2 & 0x3FFF)
    return start + struct.pack("!H", 0xC000 | base & 0x3FFF), pool + wire_name(labels[kept:])
