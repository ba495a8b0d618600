# SPDX-License-Identifier: MIT
"""How the cost grows with sessions, label sets and domains."""

import pathlib
import subprocess
import tempfile

import receivers
import report

SESSIONS = (1_000, 10_000, 100_000, 1_000_000)
LABEL_SETS = (1, 16, 256, 4096)
DOMAINS = (1, 8, 64)
RATE = 200_000

# An AS number for every address that the generator's resolvers have
WRITER = r"""
use MaxMind::DB::Writer::Tree;
my ($path, $count) = @ARGV;
my $tree = MaxMind::DB::Writer::Tree->new(ip_version => 6, record_size => 24,
    database_type => 'GeoLite2-ASN', languages => ['en'], description => { en => 'bench' },
    alias_ipv6_to_ipv4 => 0, remove_reserved_networks => 0,
    map_key_type_callback => sub { $_[0] =~ /number/ ? 'uint32' : 'utf8_string' });
for my $i (1 .. $count) {
    my $asn = { autonomous_system_number => 64512 + $i, autonomous_system_organization => "AS $i" };
    $tree->insert_network(sprintf('198.18.%d.%d/32', $i >> 8, $i & 255), $asn);
    $tree->insert_network(sprintf('2001:2::%x:%x/128', $i >> 16, $i & 65535), $asn);
}
open my $file, '>:raw', $path or die;
$tree->write_tree($file);
"""


def asn_flag(exporter):
    """The flag that takes an ASN database, by the help text"""
    words = subprocess.run([exporter, "-help"], text=True, capture_output=True, check=False)
    for word in (words.stdout + words.stderr).split():
        if word.startswith("-geoip.asn"):
            return word
    return None


def cell(lab, seconds, domains=1, flags=(), **options):
    """[CPU s/M, lost, MiB, scrape ms, bytes of a page]"""
    names = [receivers.DOMAIN] + [f"t{index}.example.com" for index in range(1, domains)]
    exporter = receivers.Exporter(lab, names, flags)
    exporter.start()
    cpu = exporter.cpu_seconds()
    sent = lab.offer(RATE, seconds, domains=domains, **options)
    cpu = exporter.cpu_seconds() - cpu
    found = exporter.settled(sent["queries"])
    pages = [exporter.connection.timed() for _ in range(5)]
    resident = exporter.resident_bytes()
    exporter.stop()
    return [report.figure(cpu / sent["queries"] * 1e6), f"{sent['queries'] - found['counted']:.0f}",
            f"{resident / (1 << 20):.0f}", f"{min(took for _, took in pages) * 1e3:.2f}", len(pages[0][0])]


def run(lab, options):
    report.title(f"Scaling at {report.rate_name(RATE)}/s")
    seconds = 2 if options.quick else 5
    rows = []
    for clients in SESSIONS[:3] if options.quick else SESSIONS:
        # long enough that each comes back, into a table with room for all
        wanted = max(seconds, 2.5 * clients / RATE)
        rows.append(["sessions", f"{clients:,}", *cell(lab, wanted, clients=clients, seed=3,
                                                       flags=("-sessions.max", str(max(131072, 2 * clients))))])
    flag = asn_flag(lab.build / "exporter" / "dnstt_exporter")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)
        for count in LABEL_SETS if flag else ():
            database = pathlib.Path(folder) / f"asn-{count}.mmdb"
            subprocess.run(["perl", "-e", WRITER, database, str(count)], check=True)
            rows.append(["label sets", count, *cell(lab, seconds, resolvers=count,
                                                    flags=(flag, str(database), "-metrics.max-series", "8192"))])
    for count in DOMAINS:
        rows.append(["domains", count, *cell(lab, seconds, domains=count)])
    report.table(["", "", "CPU s/M", "lost", "MiB", "scrape ms", "page bytes"], rows)
    print()
    report.verdict(all(row[3] == "0" for row in rows), "scaling: nothing lost")
