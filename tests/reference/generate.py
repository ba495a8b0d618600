# SPDX-License-Identifier: MIT
# Seeded generator of configurations and packets that meet both sides of every rule
"""A Generator makes one configuration and then any number of sights for it.

Everything comes from one seed. A message is built right for one of the tunnels, then each layer
gets, with a small chance of its own, one of the faults that its rule is about; some messages and
packets (also recorded ones) have bytes changed at random besides.
"""

import random
import struct

import kcp
import layers
from names import QTYPES, compress, make_config, make_qname, wire_name
from reference import OPT, SERVER_BUFFER, TXT

EMPTY_RECORD = 11  # bytes of a record of the root without rdata
ECS_PREFIXES = (24, 32, 56, 48, 0, 1, 7, 8, 9, 31, 33, 127, 128, 129, 255)
STRING_SIZES = (1, 2, 3, 23, 25, 100, 101, 253, 254, 255)
MANY_SEGMENTS = [24 * count for count in (169, 170, 171, 180, 340)]


def resource_record(name, rtype, rclass, ttl, rdata, size=None):
    return name + struct.pack("!HHIH", rtype, rclass, ttl,
                              len(rdata) if size is None else size) + rdata


class Generator:
    def __init__(self, seed, recorded=()):
        self.rng = random.Random(seed)
        self.recorded = recorded
        self.config = make_config(self.rng)

    def chance(self, probability):
        return self.rng.random() < probability

    # --- Parts of messages

    def question(self, tunnel, gap):
        """(question, a record with the rest of its name, or b"")

        @gap: bytes between the question and that record
        """
        rng = self.rng
        labels = make_qname(rng, tunnel)
        qtype = rng.choice(tunnel.qtypes) if self.chance(0.95) else rng.choice(QTYPES)
        fixed = struct.pack("!HH", qtype, 1 if self.chance(0.95) else rng.getrandbits(16))
        if not self.chance(0.2):
            return wire_name(labels) + fixed, b""
        name, pool = compress(rng, labels, len(fixed) + gap + EMPTY_RECORD)
        return name + fixed, resource_record(b"\0", TXT, 1, 0, pool)

    def subnet_option(self):
        """An EDNS Client Subnet option, good or bad"""
        rng = self.rng
        family = 1 + rng.getrandbits(1)
        prefix = rng.choice((24, 20, 32)) if family == 1 else rng.choice((56, 48, 128))
        if self.chance(0.4):
            prefix = rng.choice(ECS_PREFIXES)
        if self.chance(0.1):
            family = rng.choice((0, 1, 2, 3, 0x0100))
        size = (prefix + 7) // 8
        if self.chance(0.1):
            size = rng.choice((0, 4, 16, size + 1, max(0, size - 1)))
        option = struct.pack("!HBB", family, prefix, rng.choice((0, 0, 24))) + rng.randbytes(size)
        return option[:rng.randrange(5)] if self.chance(0.05) else option

    def options(self):
        """RDATA of an OPT record"""
        rng = self.rng
        rdata = b""
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            if self.chance(0.7):
                code, option = 8, self.subnet_option()
            else:
                code = rng.choice((3, 10, 12, 0, 65535, 0x0800))
                option = rng.randbytes(rng.choice((0, 8, 16, 1)))
            size = len(option) if self.chance(0.95) else layers.near(rng, len(option))
            rdata += struct.pack("!HH", code, size) + option
        return rdata + rng.randbytes(rng.randrange(5)) if self.chance(0.05) else rdata

    def record_name(self):
        kind = self.rng.randrange(6)
        if kind == 0:
            return b"\xc0\x0c"
        if kind == 1:
            return wire_name(self.rng.choice(self.config.tunnels).labels)
        if kind == 2 and self.chance(0.1):
            return struct.pack("!H", 0xC000 | self.rng.randrange(300))
        return b"\0"

    def opt(self, tunnel):
        rng = self.rng
        least = tunnel.edns_min
        size = 65535 if self.chance(0.5) else rng.choice(
            (1232, 1452, 4096, least, least, least, min(least + 1, 65535), max(least - 1, 0), 0,
             511, 512, 513))
        ttl = rng.choice((0, 0, 0x8000, 0xFF000000, 0xFFFF))
        if self.chance(0.02):
            ttl |= rng.choice((1, 0x80, 0xFF)) << 16
        rdata = self.options() if self.chance(0.6 if self.config.use_ecs else 0.1) else b""
        name = b"\0" if self.chance(0.97) else self.record_name()
        return resource_record(name, OPT, size, ttl, rdata)

    def other_record(self):
        rng = self.rng
        return resource_record(self.record_name(), rng.choice((1, 2, 6, 16, 28, 46, 250)), 1,
                               rng.getrandbits(32), rng.randbytes(rng.choice((0, 4, 16, 100))))

    def query_flags(self):
        rng = self.rng
        flags = rng.choice((0x0100, 0x0100, 0x0110, 0x0000, 0x0120, 0x07B0))
        flags |= 0x8000 if self.chance(0.015) else 0
        flags |= rng.randrange(16) << 11 if self.chance(0.025) else 0
        flags |= rng.randrange(16) if self.chance(0.05) else 0
        return flags

    def downstream(self):
        """RDATA of a TXT answer: tunnel packets behind their lengths, cut into strings"""
        rng = self.rng
        text = b""
        for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
            size = rng.choice((24, 24, 0, 1, 23, 25, 48, 100, 500, 1000))
            size = rng.choice((4094, 4095, 2047, *MANY_SEGMENTS)) if self.chance(0.05) else size
            text += struct.pack("!H", size) + kcp.datagram(rng, size)
        if self.chance(0.1):
            text = text[:rng.randrange(len(text) + 1)]
        steps = rng.choices(STRING_SIZES, k=7) if self.chance(0.2) else [255]
        pieces = []
        while text:
            step = steps[len(pieces) % len(steps)]
            pieces.append(bytes([len(text[:step])]) + text[:step])
            text = text[step:]
        rdata = b"".join(pieces) or b"\0"
        if self.chance(0.05):
            rdata = rng.choice((rdata[:-1], rdata + b"\0", rdata + b"\xff", b"", b"\0" + rdata))
        return rdata

    # --- Messages

    def query(self, tunnel):
        rng = self.rng
        question, pool = self.question(tunnel, 0)
        questions = [question]
        sections = [[pool] if pool else [], [], []]
        if self.chance(0.015):
            questions *= rng.choice((0, 2, 3))
        if self.chance(0.95):
            sections[2].append(self.opt(tunnel))
        if self.chance(0.02):
            sections[2] += [self.opt(tunnel) for _ in range(rng.choice((1, 1, 2)))]
        if self.chance(0.06):
            sections[2].insert(0, self.other_record())
        if self.chance(0.06):
            rng.choice(sections).append(self.other_record())
        if self.chance(0.01):  # no OPT at all, because it is not under Additional
            rng.choice(sections[:2]).append(self.opt(tunnel))
        counts = [len(questions)] + [len(section) for section in sections]
        message = b"".join(questions) + b"".join(b"".join(section) for section in sections)
        if self.chance(0.01):
            wanted = SERVER_BUFFER + rng.choice((-1, 0, 0, 0, 1, 2000))
            filler = bytes(wanted - 12 - len(message) - EMPTY_RECORD)
            message += resource_record(b"\0", 250, 255, 0, filler)
            counts[3] += 1
            if self.chance(0.5):
                message += rng.randbytes(rng.choice((1, 100, 3000)))
        elif self.chance(0.01):
            message += rng.randbytes(rng.choice((1, 1, 2, 40)))
        if self.chance(0.01):
            counts[rng.randrange(4)] = rng.choice((0, 1, 2, 65535))
        return struct.pack("!6H", rng.getrandbits(16), self.query_flags(), *counts) + message

    def response(self, tunnel):
        rng = self.rng
        flags = rng.choice((0x8400, 0x8400, 0x8400, 0x8400, 0x8600, 0x8580))
        flags |= rng.randrange(16) if self.chance(0.15) else 0
        flags |= rng.randrange(16) << 11 if self.chance(0.03) else 0
        flags &= 0x7FFF if self.chance(0.03) else 0xFFFF
        rdata = self.downstream()
        answer = resource_record(b"\xc0\x0c" if self.chance(0.9) else self.record_name(),
                                 TXT if self.chance(0.93) else rng.choice(QTYPES), 1, 60, rdata,
                                 None if self.chance(0.96) else layers.near(rng, len(rdata)))
        answers = 1 if self.chance(0.92) else rng.choice((0, 0, 2, 65535))
        question, pool = self.question(tunnel, len(answer))
        message = question + answer + pool
        if self.chance(0.9):
            message += self.opt(tunnel)
        questions = 1 if self.chance(0.97) else rng.choice((0, 2, 65535))
        header = struct.pack("!6H", rng.getrandbits(16), flags, questions, answers, bool(pool), 1)
        message = header + message
        return message[:rng.randrange(len(message) + 1)] if self.chance(0.1) else message

    # --- Packets

    def recorded_sight(self):
        rng = self.rng
        sight = rng.choice(self.recorded)
        return sight if self.chance(0.1) else layers.scratch_sight(rng, sight)

    def super_packet(self, message, tunnel, outgoing):
        """Several datagrams that UDP offload has joined, rather often not quite"""
        rng = self.rng
        size = max(len(message), 1)
        count = min(rng.choice((1, 2, 3, 3, 8, 64)), 65000 // size)
        pieces = [rng.randbytes(2) + message[2:] for _ in range(count)]
        if self.chance(0.1):
            pieces[-1:] = [layers.scratch(rng, message)]
        elif self.chance(0.5):
            last = self.response(tunnel) if outgoing else self.query(tunnel)
            pieces.append(last if len(last) <= size else last[:rng.randrange(size + 1)])
        joined = b"".join(pieces)[:65400]
        if self.chance(0.1):  # glued by the sender, nothing left, or a header that lies
            size = rng.choice((2 * size, len(joined), len(joined) + 1, size + 1, max(size - 1, 1),
                               0, 65535))
        sight = layers.wrap(rng, joined, outgoing, self.config.port)._replace(segment=size)
        return layers.scratch_sight(rng, sight) if self.chance(0.03) else sight

    def sight(self):
        """The next packet"""
        rng = self.rng
        if self.recorded and self.chance(0.05):
            return self.recorded_sight()
        outgoing = self.chance(0.35)
        tunnel = rng.choice(self.config.tunnels)
        message = self.response(tunnel) if outgoing else self.query(tunnel)
        if self.chance(0.04):
            return self.super_packet(message, tunnel, outgoing)
        if self.chance(0.004):
            outgoing = not outgoing
        if self.chance(0.06):
            message = layers.scratch(rng, message)
        elif self.chance(0.01):
            message = message[:rng.randrange(len(message) + 1)]
        sight = layers.wrap(rng, message, outgoing, self.config.port)
        return layers.scratch_sight(rng, sight) if self.chance(0.03) else sight
