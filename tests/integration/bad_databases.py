# SPDX-License-Identifier: MIT
"""GeoIP databases that no program should trust: hostile ones, cut ones, ones with flipped bits."""

import random

import mmdb

DEEP = 500_000  # arrays in arrays: libmaxminddb before 1.13.0 recurses as often
GERMANY = mmdb.country("DE")


def nested(depth):
    return mmdb.control(mmdb.ARRAY, 1) * depth + mmdb.value("end")


def with_first(odd):
    """A record whose country stands behind an odd value."""
    return mmdb.one_record(mmdb.value({"a": odd, **GERMANY}))


def crafted():
    """Name, content, and words of the reason for which it has to be refused (None: it is taken)."""
    record = mmdb.value(GERMANY)
    deep = "nested too deep, or in a circle"
    many = "more entries than there are bytes left"
    across = "values overlap"
    past = "reaches past the end of its section"
    nowhere = "leads to no place in its data"
    country = mmdb.value("country")
    wide = mmdb.file([(1, 1), (mmdb.place(2, 0),) * 2], record)
    yield "nested", with_first(nested(DEEP)), deep
    yield "nested-maps", mmdb.one_record((mmdb.control(mmdb.MAP, 1) + mmdb.value("a")) * DEEP
                                         + mmdb.value("end")), deep
    yield "nested-metadata", mmdb.one_record(record, extra=nested(40_000)), deep
    yield "nested-languages", mmdb.one_record(record, languages=nested(40_000)), "are not strings"
    yield "own-pointer", mmdb.one_record(mmdb.pointer(0)), "pointer"
    yield "circle-of-two", mmdb.one_record(mmdb.pointer(5) + mmdb.pointer(0)), "pointer"
    yield "circle-by-array", mmdb.one_record(
        mmdb.control(mmdb.ARRAY, 1) + mmdb.pointer(0)), across
    yield "circle-by-country", mmdb.one_record(
        mmdb.control(mmdb.MAP, 1) + country + mmdb.pointer(0)), deep
    # Each of its lists has the next one twice: 2**40 values
    yield "doubling", mmdb.one_record(b"".join(
        mmdb.control(mmdb.ARRAY, 2) + 2 * mmdb.pointer(12 * (n + 1)) for n in range(40))
        + mmdb.value("end")), deep
    # Whoever followed the pointers of what he skips had 30**7 values before the country: this one is
    # sound, and to be read in no time
    fan = [mmdb.control(mmdb.ARRAY, 30) + 30 * mmdb.pointer(153 * (n + 1)) for n in range(7)]
    yield "fanning-out", mmdb.one_record(
        b"".join(fan) + mmdb.value("end") + mmdb.value({"a": mmdb.pointer(0), **GERMANY}),
        at=153 * 7 + 4), None
    yield "pointer-past-end", with_first(mmdb.pointer(1 << 20)), past
    yield "record-past-end", mmdb.one_record(record, at=len(record)), nowhere
    yield "record-far-away", mmdb.one_record(record, at=0xF0000000), nowhere
    yield "record-in-separator", mmdb.one_record(record, at=-8), nowhere
    yield "array-of-millions", with_first(mmdb.control(mmdb.ARRAY, 16_000_000)), many
    yield "map-of-millions", with_first(mmdb.control(mmdb.MAP, 16_000_000)), many
    yield "string-of-millions", with_first(mmdb.control(mmdb.STRING, 16_000_000)), past
    yield "wide-number", with_first(mmdb.control(mmdb.UINT32, 200) + bytes(200)), "a number"
    yield "unknown-type", with_first(b"\x01\xf0x"), "no known type"
    yield "key-no-string", mmdb.one_record(mmdb.control(mmdb.MAP, 1) + 2 * mmdb.value(7)), "a key"
    yield "tree-in-a-circle", mmdb.file([(1, 1), (0, 0)], record), "runs in a circle"
    yield "tree-too-deep", mmdb.file(
        [(n + 1, n + 1) for n in range(200)] + [(mmdb.place(201, 0),) * 2], record), "is deeper"
    yield "tree-of-nothing", mmdb.one_record(
        record, node_count=mmdb.uint(mmdb.UINT32, 0, 4)), "search tree"
    yield "tree-of-billions", mmdb.one_record(
        record, node_count=mmdb.uint(mmdb.UINT32, 0xFFFFFFFF, 4)), "does not fit"
    # 32 bits are too few for nodes times bytes: the library up to 1.8 took it for a small tree
    yield "tree-that-overflows", mmdb.one_record(
        record, node_count=mmdb.uint(mmdb.UINT32, (1 << 29) + 1, 4)), "does not fit"
    yield "records-of-31-bits", mmdb.one_record(
        record, record_size=mmdb.uint(mmdb.UINT16, 31, 2)), "24, 28 or 32"
    yield "ip-version-5", mmdb.one_record(
        record, ip_version=mmdb.uint(mmdb.UINT16, 5, 2)), "neither for IPv4"
    yield "count-as-text", mmdb.one_record(record, node_count=mmdb.value("1")), "cannot have"
    for name, epoch in (("no-calendar", (1 << 64) - 1), ("of-the-year-10000", 253402300800)):
        yield f"epoch-{name}", mmdb.one_record(
            record, build_epoch=mmdb.uint(mmdb.UINT64, epoch, 8)), "beyond the year 9999"
    yield "epoch-of-the-year-9999", mmdb.one_record(
        record, build_epoch=mmdb.uint(mmdb.UINT64, 253402300799, 8)), None
    yield "languages-of-numbers", mmdb.one_record(record, languages=[1, 2]), "are not strings"
    yield "metadata-no-map", wide[: wide.index(mmdb.MARKER)] + mmdb.MARKER + mmdb.value([1]), "map"
    yield "metadata-of-a-byte", wide[: wide.index(mmdb.MARKER)] + mmdb.MARKER + b"\xe9", ""
    yield "metadata-alone", mmdb.metadata(1), "does not fit"
    yield "marker-alone", mmdb.MARKER, ""
    yield "empty", b"", "it is empty"
    yield "text", b"GeoLite2" * 4096, "does not end in the metadata"
    yield "zeros", bytes(1 << 20), "does not end in the metadata"
    yield "packed", b"\x1f\x8b" + bytes(4096), "it is packed; unpack it first"
    yield "no-country", mmdb.one_record(mmdb.value({"autonomous_system_number": 64496})), (
        "no record in it has a known country")
    yield "noise", random.Random(1).randbytes(1 << 16), "does not end in the metadata"


def spoiled(name, content, count=50, seed=1):
    """Name and content: cut somewhere, and with some bits flipped; some may be good all the same."""
    rng = random.Random(seed)
    for at in sorted(rng.sample(range(len(content)), count)):
        yield f"{name}-cut-at-{at}", content[:at]
    for number in range(count):
        flipped = bytearray(content)
        # Half of them where the layout stands
        first = content.rindex(mmdb.MARKER) if number % 2 else 0
        for _ in range(rng.choice((1, 1, 8, 64))):
            flipped[rng.randrange(first, len(content))] ^= 1 << rng.randrange(8)
        yield f"{name}-flipped-{number}", bytes(flipped)
