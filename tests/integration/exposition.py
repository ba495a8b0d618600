# SPDX-License-Identifier: MIT
"""A strict reader of the Prometheus text format 0.0.4: what it takes, every scraper takes."""

import dataclasses
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HEAD = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


@dataclasses.dataclass
class Family:
    """A metric family: its type, its help, and its samples by name and labels."""

    kind: str
    help: str
    samples: dict


def read(text):
    """Families by name; ValueError names the line that breaks a rule."""
    families, current, awaited = {}, None, None
    if not text.endswith("\n"):
        raise ValueError("no newline at the end")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            if head := HEAD.fullmatch(line):
                word, name, rest = head.groups()
                if word == "HELP":
                    if name in families or awaited:
                        raise ValueError(f"a second HELP, or no TYPE after one: {name}")
                    awaited = (name, rest)
                else:
                    if not awaited or awaited[0] != name or rest not in TYPES:
                        raise ValueError(f"TYPE without its HELP before it, or unknown: {name}")
                    if (rest == "counter") != name.endswith("_total"):
                        raise ValueError(f"only counters end in _total: {name}")
                    current = name
                    families[name] = Family(rest, awaited[1], {})
                    awaited = None
            else:
                _read_sample(line, families, current, awaited)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}: {line!r}") from error
    if awaited:
        raise ValueError(f"HELP of {awaited[0]} without TYPE")
    return families


def _read_sample(line, families, current, awaited):
    sample = SAMPLE.fullmatch(line)
    if not sample or awaited or current is None:
        raise ValueError("neither HELP, TYPE nor a sample of the family above")
    name, inside, value = sample.groups()
    family = families[current]
    if name not in [current + suffix for suffix in SUFFIXES.get(family.kind, ("",))]:
        raise ValueError(f"not a sample of {current}")
    if not NUMBER.fullmatch(value):
        raise ValueError(f"not a number: {value}")
    labels, at = {}, 0
    while inside and at < len(inside):
        pair = LABEL.match(inside, at)
        if not pair or pair[1] in labels or not pair[2]:
            raise ValueError("a label is malformed, empty or given twice")
        labels[pair[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), pair[2])
        at = pair.end()
    key = (name, frozenset(labels.items()))
    if key in family.samples:
        raise ValueError("the same series twice")
    family.samples[key] = float(value) if not value.isdigit() else int(value)


class Scrape:
    """The answer of /metrics."""

    def __init__(self, text):
        self.text = text
        self.families = read(text)

    def series(self, name):
        """Values by labels (frozenset of pairs) of all series of this name."""
        for family in self.families.values():
            found = {labels: v for (n, labels), v in family.samples.items() if n == name}
            if found:
                return found
        return {}

    def value(self, name, **labels):
        """Value of the one series with exactly these labels, or None."""
        return self.series(name).get(frozenset(labels.items()))

    def sum(self, name, **labels):
        """Sum over all series that have these labels among theirs."""
        wanted = labels.items()
        return sum(v for have, v in self.series(name).items() if wanted <= set(have))

    def by(self, name, label, **labels):
        """Sums by the value of one label, without those that are 0."""
        sums = {}
        for have, value in self.series(name).items():
            if value and labels.items() <= set(have):
                key = dict(have)[label]
                sums[key] = sums.get(key, 0) + value
        return sums
