# SPDX-License-Identifier: MIT
"""Messages of capture that tell stories of sessions, as fuzz_batch.c reads them

What a story is about is in its name. Time is in milliseconds since it begins.
"""

import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))

import reference
from contract import (ACK, FLAG_ECS, FLAG_KCP, FLAG_SN_0, FLAG_TC, NO_DOMAIN, PUSH, QUERY, RESPONSE,
                      Record, Verdict)

HELLO, FAILURE, TRAFFIC = 1, 2, 3
V4_MAPPED = bytes(10) + b"\xff\xff"
SERVER_CLOCK = 5_000_000  # what it shows when a story begins


def batch(kind, waited, body, count=0):
    """waited: since the batch before, in tenths; it stands where fuzz_batch.c looks for it."""
    seconds = min(waited // 10_000, 255)
    sequence = seconds | waited - seconds * 10_000 << 8
    return struct.pack("=IBBHQQQQ24x", 0, 2, kind, count, sequence, 0, 0, 0) + body


def hello():
    return batch(HELLO, 0, struct.pack("=4I", 1 << 20, 7, 1, 0))


def failure():
    return batch(FAILURE, 0, struct.pack("=2I", 4, 12))


def traffic(waited, records=()):
    packed = b"".join(record.pack() for record in records)
    return batch(TRAFFIC, waited, packed, len(packed) // 64)


class Story:
    """One session and what is seen of it; each batch has the records since the one before."""

    def __init__(self, client=b"CLIENTID", domain=0, conv=7):
        self.client, self.domain, self.conv = client, domain, conv
        self.resolver = V4_MAPPED + bytes((192, 0, 2, 9))
        self.tenths = self.sent = self.queries = 0
        self.waiting, self.batches = [], [hello()]

    @property
    def now(self):
        return self.tenths // 10

    def wait(self, milliseconds, tenths=0):
        self.tenths += milliseconds * 10 + tenths
        return self

    def record(self, kind, segments, una, others):
        record = Record(client_id=self.client, resolver=self.resolver, interface=1,
                        time_ms=self.now, port=4000, dns_id=self.queries,
                        domain=self.domain, kind=kind, verdict=Verdict.ACCEPTED, una=una or 0,
                        segments=list(segments), message_bytes=sum(one[2] for one in segments))
        record.payload_bytes = 24 * len(segments) + record.message_bytes
        record.message_bytes += 24 * len(segments) + 100
        if una is not None:
            record.conv, record.flags = self.conv, FLAG_KCP
        for name, value in others.items():
            setattr(record, name, value)
        self.waiting.append(record)
        return self

    def ask(self, *segments, una=None, **others):
        """Without an una, what is asked holds no KCP."""
        self.queries += 1
        kept = {"content": reference.fingerprint(struct.pack("=Q", self.queries)),
                "edns_size": 1232, "qname_bytes": 120, **others}
        self.record(QUERY, segments, una, kept)
        if segments and segments[0][1] == 0 and una is not None:
            self.waiting[-1].flags |= FLAG_SN_0
        return self

    def answer(self, *segments, una=None, **others):
        return self.record(RESPONSE, segments, una, others)

    def send(self):
        self.batches.append(traffic(self.tenths - self.sent, self.waiting))
        self.sent, self.waiting = self.tenths, []
        return self

    def push(self, sn, size=100, waited=0):
        """A segment that was stamped some time ago"""
        return (SERVER_CLOCK + self.now - waited, sn, size, PUSH)

    def ack(self, sn, waited=100):
        return (SERVER_CLOCK + self.now - waited, sn, 0, ACK)

    def handshake(self):
        self.ask(self.push(0), una=0).wait(20).answer(self.push(0), una=1).wait(80)
        self.ask(self.ack(0, 80), self.push(1), una=1).wait(20).answer(self.push(1), una=2)
        return self.wait(80).ask(self.ack(1, 80), una=2).send()

    def end(self, odd=False):
        """Silence, until nothing is remembered; with an odd size EDNS Client Subnet is in use."""
        for _ in range(2):
            self.wait(125_000).send()
        return b"".join(self.batches) + (b"\0" if odd else b"")


def story_of_a_session():
    story = Story().handshake()
    for sn in range(2, 7):
        story.wait(300).ask(story.push(sn), una=sn)
        story.wait(30).answer(story.push(sn, 900, 10), una=sn + 1)
        story.wait(70).ask(story.ack(sn), una=sn + 1).answer()
        story.send()
    return story.wait(29_999).send().wait(2).send().end()


def story_of_parts_of_a_millisecond():
    """A session is active to the tenth of one."""
    story = Story().handshake().wait(1, 2)
    story.ask(una=2).answer(story.push(2), una=2).ask(story.ack(2), una=3).send()
    for tenths in (299_990, 5, 5, 3, 3, 3, 10):
        story.wait(0, tenths).send()
    return story.end()


def story_of_a_restart():
    story = Story().handshake().wait(1000)
    story.ask(story.push(2), una=2).answer(story.push(2), una=3).send().wait(2000)
    story.ask(story.push(3), una=3).answer(una=0).send()  # the server forgot what it had
    story.conv = 8
    story.wait(1000)
    return story.handshake().wait(31_000).send().end()


def story_of_one_that_was_there_before():
    story = Story().ask((9, 40, 100, PUSH), una=30).answer((SERVER_CLOCK, 30, 50, PUSH), una=41)
    story.send().wait(1000).ask(story.ack(30, 1000), una=31).send()
    story.wait(242_000).send()
    return story.ask((9, 41, 100, PUSH), una=31).send().end()


def story_of_claims_beyond_what_was_sent():
    story = Story().handshake()
    story.ask(story.ack(70), una=2).ask(una=90).ask(story.push(2), una=3, conv=99).send()
    return story.answer(story.push(2), una=2, conv=99).end()


def story_of_gaps_and_copies():
    story = Story().handshake().wait(50)
    story.ask(story.push(5), una=2).wait(200).ask(story.push(4), una=2).ask(story.push(4), una=2)
    story.ask(story.push(200), una=2).ask(story.push(90), una=2).ask(story.push(199), una=2)
    story.answer(story.push(2), una=2).answer(story.push(2), una=2).send()
    twice = story.ask(story.push(300), una=2).waiting[-1]
    story.waiting.append(twice)
    story.ask(story.push(300), una=2, content=twice.content)
    return story.send().end()


def story_of_unanswered_queries():
    story = Story()
    for _ in range(20):  # more with one port and ID than find room
        story.ask(dns_id=1)
    story.ask().answer().ask().answer(flags=3).ask().send()
    story.wait(4000).answer(dns_id=1).send().wait(1500).answer(dns_id=1).send()
    return story.wait(61_000).send().end()


def story_of_a_server_clock():
    story = Story().handshake().wait(1000)
    story.ask(una=2).answer(story.push(2, waited=400_000), una=2).send()  # can't be
    story.ask(una=2).answer(story.push(3, waited=-30), una=2).send()
    for _ in range(5):
        story.wait(200_000).ask(una=2).answer(story.push(4, waited=5), una=2).send()
    other = Story(conv=9)
    other.tenths, other.sent, other.batches = story.tenths, story.sent, story.batches
    other.ask(other.push(0), una=0).answer(other.push(0, waited=25_000), una=1).send()
    return other.end()


def story_of_times_of_no_use():
    story = Story().wait(100_000)
    for time_ms in (0, 30_000, 100_000, 100_900, 102_000, 2**31):
        story.ask(story.push(story.queries), una=0, time_ms=time_ms)
        story.answer(story.push(story.queries), una=0, time_ms=time_ms)
    return story.send().end()


def story_of_full_messages():
    story = Story().handshake()
    story.answer(*[story.push(2 + sn, 1) for sn in range(170)], una=2)
    story.ask(*[story.ack(2 + sn) for sn in range(6)], una=172).send()
    return story.ask(*[story.ack(2 + sn) for sn in range(170)], una=172).send().end()


def story_of_a_crowd():
    story = Story()
    for round_ in range(3):
        for client in range(12 if round_ < 2 else 4):
            story.client, story.domain = bytes([65 + client] * 8), client % 3
            story.ask(story.push(round_), una=round_).answer(story.push(round_), una=round_ + 1)
            if client == 5:
                story.send().wait(5100)
        story.send().wait(6000)
    return story.wait(20_000).send().end()


def story_of_a_full_table():
    """A ninth client, while all eight work"""
    story = Story()
    for client in range(8):
        story.client = bytes([97 + client] * 8)
        story.handshake()
    story.client = b"CLIENTID"
    return story.ask(story.push(0), una=0).send().wait(1000).ask(una=0).send().end()


def story_of_many_networks():
    """Strangers from everywhere, one that stays, and clients that shake hands"""
    story = Story()
    for network in range(16):
        story.client, story.resolver = bytes([97 + network] * 8), bytes([network << 4] + [0] * 15)
        story.ask(una=50 if network % 2 else None)
    story.send()
    for network in range(12, 16):
        story.client, story.resolver = bytes([65 + network] * 8), bytes([network << 4] + [0] * 15)
        story.ask().send().wait(5000).ask().send() if network == 12 else story.handshake()
    return story.ask(resolver=bytes(16)).send().end()


def story_of_client_subnets():
    story = Story()
    story.ask(story.push(0), una=0, flags=FLAG_KCP | FLAG_ECS).answer(story.push(0), una=1)
    story.ask(una=1, resolver=bytes(16)).answer(story.push(1), una=1, client_id=b"UNKNOWN")
    return story.send().end(odd=True)


def story_of_refusals():
    story = Story()
    for verdict in list(Verdict)[1:]:
        for kind in (QUERY, RESPONSE):
            story.waiting.append(Record(kind=kind, verdict=verdict, dns_id=verdict,
                                        domain=1 if verdict > Verdict.DOMAIN else NO_DOMAIN,
                                        flags=FLAG_TC | 3 if kind == RESPONSE else 0))
    return story.answer(flags=FLAG_TC).send().end()


def broken():
    """A message with six segments, one byte of its three records changed"""
    story = Story()
    story.ask(*[story.ack(sn) for sn in range(6)], una=1)
    packed = story.waiting[0].pack()
    for at in range(len(packed)):
        changed = packed[:at] + bytes([packed[at] ^ 0x81]) + packed[at + 1:]
        yield hello() + batch(TRAFFIC, 0, changed, len(packed) // 64)


def seeds():
    stories = [tell() for name, tell in globals().items() if name.startswith("story_")]
    return [failure(), *stories, *broken()]
