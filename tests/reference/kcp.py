# SPDX-License-Identifier: MIT
# Generated KCP datagrams: segments of every command, right and not quite
"""What a client and a server put into their messages: see generate.py."""

from contract import ACK, PUSH, WASK, WINS
from reference import KCP

WRONG_COMMANDS = (0, 80, 85, 0xFF)
NUMBERS = (0, 0, 0, 1, 2, 0xFFFFFFFF)


def number(rng):
    return rng.choice(NUMBERS) if rng.random() < 0.6 else rng.getrandbits(32)


def carried_bytes(rng, room, most):
    """How much a segment carries where there is that much room"""
    if most == 255:
        return room if rng.random() < 0.4 else rng.randrange(room + 1)
    return min(room, rng.randrange(most + 1))


def datagram(rng, size):
    """Exactly size bytes; what is behind the last header may be anything"""
    if rng.random() < 0.1:
        return rng.randbytes(size)
    commands = (PUSH,) if rng.random() < 0.4 else (PUSH, PUSH, ACK, ACK, WASK, WINS)
    most = rng.choice((0, 0, 3, 255, 255))  # acknowledgements carry nothing
    fault_rate = 0.1 if rng.random() < 0.2 else 0
    conv, una = number(rng), number(rng)
    packet = bytearray()
    while size - len(packet) >= KCP.size:
        command = rng.choice(commands)
        room = size - len(packet) - KCP.size
        carried = carried_bytes(rng, room, most)
        if rng.random() < fault_rate:
            command = rng.choice(WRONG_COMMANDS)
        elif rng.random() < fault_rate:
            carried = room + rng.choice((1, KCP.size, 0x10000, 0x7FFF0000, 0xFFFF0000))
        packet += KCP.pack(conv, command, 0, rng.getrandbits(16), rng.getrandbits(32), number(rng),
                           una, carried)
        packet += rng.randbytes(min(carried, room))
    return bytes(packet + rng.randbytes(size - len(packet)))
