#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Looks up a thousand addresses in each vendor's schema and demands what mmdblookup says.

geoip_lookup is linked with the code under test. mmdblookup is told here, for each file, where in
a record the country and the AS number are; geoip_lookup has to find that out.
"""

import argparse
import concurrent.futures
import ipaddress
import os
import random
import re
import subprocess
import sys
import tempfile

COUNTRY = ("country", "iso_code")
ASN = ("autonomous_system_number",)
# File, path of the country, path of the AS number
SCHEMAS = (
    ("geolite2-country", COUNTRY, None),
    ("geolite2-city", COUNTRY, None),
    ("geoip2-enterprise", COUNTRY, ("traits", *ASN)),
    ("geolite2-asn", None, ASN),
    ("geoip2-isp", None, ASN),
    ("dbip-country", COUNTRY, None),
    ("dbip-isp", COUNTRY, ("traits", *ASN)),
    ("ipinfo-lite", ("country_code",), ("asn",)),
    ("ipinfo-country-asn", ("country",), ("asn",)),
    ("sapics-country", ("country_code",), None),
    ("sapics-asn", None, ASN),
    ("ip66", COUNTRY, ASN),
    ("geo-open", COUNTRY, ("country", "AutonomousSystemNumber")),
    ("iplocate-asn", ("country_code",), ("asn",)),
    ("ipv4-only", COUNTRY, None),
)
FOUND, NO_ADDRESS, NO_IPV6 = 0, 6, 4  # exit status of mmdblookup
SHOWN = 10


def addresses(count, seed):
    """Half IPv4, half IPv6 with some of what is reserved or holds an IPv4 address."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        if number % 2 == 0:
            found.append(ipaddress.IPv4Address(rng.getrandbits(32)))
            continue
        value = rng.getrandbits(128)
        if number % 20 == 1:
            value = 0x2002 << 112 | value >> 16
        elif number % 20 != 3:
            value = rng.randrange(0x2400, 0x3000) << 112 | value >> 16
        found.append(ipaddress.IPv6Address(value))
    return found


def leaves(text):
    """Values of a record as mmdblookup prints it, by the keys that lead to them."""
    values, above, key = {}, [], None
    for line in map(str.strip, text.splitlines()):
        if line in ("{", "["):
            above.append(key)
        elif line in ("}", "]"):
            above.pop()
        elif match := re.fullmatch(r'"(.*)":', line):
            key = match[1]
        elif match := re.fullmatch(r'(?:"(.*)"|(\S+)) <(utf8_string|uint32)>', line):
            # The outermost map is under no key
            values[(*above[1:], key)] = match[1] if match[3] == "utf8_string" else match[2]
    return values


def judged(path, asked):
    """What mmdblookup finds for each address: values by the keys that lead to them."""
    ask = 'while read -r ip; do mmdblookup --file "$0" --ip "$ip" 2>&1; echo "exit $?"; done'
    done = subprocess.run(["sh", "-c", ask, path], input="".join(f"{address}\n" for address in asked),
                          stdout=subprocess.PIPE, text=True, check=True)
    answers = re.findall(r"(.*?)^exit (\d+)$\n", done.stdout, re.DOTALL | re.MULTILINE)
    if len(answers) != len(asked):
        sys.exit(f"mmdblookup {path}: {len(answers)} answers to {len(asked)} questions")
    for address, (text, status) in zip(asked, answers):
        if int(status) not in (FOUND, NO_ADDRESS, NO_IPV6):
            sys.exit(f"mmdblookup {path} {address}: {status}: {text}")
    return [leaves(text) if int(status) == FOUND else {} for text, status in answers]


def found(program, path, country, asn, asked):
    """Countries and AS numbers as the code under test finds them."""
    done = subprocess.run([program, path if country else "-", path if asn else "-"],
                          input="".join(f"{address}\n" for address in asked),
                          stdout=subprocess.PIPE, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def compare(program, folder, name, country, asn, asked):
    """Number of differences in one file."""
    path = os.path.join(folder, f"{name}.mmdb")
    wrong = 0
    known = 0
    answers = found(program, path, country, asn, asked)
    if len(answers) != len(asked):
        sys.exit(f"{name}: {len(answers)} answers to {len(asked)} questions")
    for address, answer, record in zip(asked, answers, judged(path, asked)):
        expected = ["-", "-"]
        if country:
            expected[0] = record.get(country) or "ZZ"
        if asn:
            expected[1] = (record.get(asn) or "0").removeprefix("AS")
        known += expected[0] not in ("-", "ZZ") or expected[1] not in ("-", "0")
        if expected != answer:
            wrong += 1
            if wrong <= SHOWN:
                print(f"{name}: {address}: {answer} and not {expected}")
    print(f"{name}: {len(asked)} addresses, {known} known, {wrong} wrong", flush=True)
    # Where nothing is known everything is right
    return wrong + (known < len(asked) / 10)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="geoip_lookup")
    parser.add_argument("--databases", help="folder that make-databases.pl wrote; else one is made")
    parser.add_argument("--count", type=int, default=int(os.environ.get("GEOIP_COUNT", 1000)))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as own:
        folder = options.databases or own
        if not options.databases:
            make = os.path.join(here, "..", "fixtures", "make-databases.pl")
            subprocess.run(["perl", make, own], check=True)
        asked = addresses(options.count, options.seed)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as several:
            wrong = sum(several.map(
                lambda schema: compare(options.program, folder, *schema, asked), SCHEMAS))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
