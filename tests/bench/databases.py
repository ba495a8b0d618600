# SPDX-License-Identifier: MIT
"""An ASN database in which every resolver of the generator has a number of its own."""

import contextlib
import pathlib
import subprocess
import tempfile

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


@contextlib.contextmanager
def asn_database(resolvers):
    """Path of a file that is there as long as the context; crowd_client() has the addresses"""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)
        path = pathlib.Path(folder) / "asn.mmdb"
        subprocess.run(["perl", "-e", WRITER, path, str(resolvers)], check=True)
        yield path
