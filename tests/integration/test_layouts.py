#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How operators run dnstt-server: in every layout each query and response counts exactly once."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstt
import host
import packets
import traffic
from exporter import Exporter

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"
SERVER6, CLIENT6 = "2001:db8::1", "2001:db8::2"


class TunResolver:
    """The socket that talk() wants, at the far end of a tun device."""

    def __init__(self, tun, address):
        self.tun, self.address = tun, (address, 33333)

    def sendto(self, message, server):
        os.write(self.tun, packets.packet(self.address, server, message)[1])

    def recv(self, limit):
        while True:
            octets = os.read(self.tun, limit)
            ethertype = packets.ETH_IPV4 if octets[0] >> 4 == 4 else packets.ETH_IPV6
            found = packets.udp_message(ethertype, octets)
            if found and found[1] == self.address[1]:
                return found[2]


class Layout(unittest.TestCase):
    def setUp(self):
        host.must_be_root()
        self.server, self.client = host.Host.make(self, "server"), host.Host.make(self, "client")

    def wire(self, mtu=1500, server_device="eth0", versions="46"):
        """A link; the server's addresses go to a device that may be another one than its eth0."""
        host.link(self.server, "eth0", self.client, "eth0", mtu)
        self.addresses(server_device, versions)

    def addresses(self, server_device="eth0", versions="46"):
        for place, device, v4, v6 in ((self.server, server_device, SERVER, SERVER6),
                                      (self.client, "eth0", CLIENT, CLIENT6)):
            if "4" in versions:
                place.ip(f"address add {v4}/24 dev {device}")
            if "6" in versions:
                place.ip(f"address add {v6}/64 dev {device} nodad")

    def serve(self, place, port, *addresses, server=None):
        sockets = [place.udp(address, port) for address in addresses]
        traffic.serve(self, *sockets, server=server)

    def talk(self, *servers, tally=None, **options):
        """One resolver per server address; the tally of all of them."""
        tally = tally or traffic.Tally()
        for server in servers or (SERVER, SERVER6):
            with self.client.udp(CLIENT6 if ":" in server else CLIENT) as resolver:
                traffic.talk(resolver, (server, 53), tally=tally, **options)
        return tally


class Direct(Layout):
    def test_server_on_port_53(self):
        self.wire()
        self.serve(self.server, 53, SERVER, SERVER6)
        exporter = Exporter.start(self, self.server)
        exporter.expect(self, self.talk().counts())

    def test_ipv6_only(self):
        self.wire(versions="6")
        self.server.sysctl("ipv6/conf/lo/disable_ipv6", 0)
        self.serve(self.server, 53, "::")
        exporter = Exporter.start(self, self.server)
        exporter.expect(self, self.talk(SERVER6).counts())

    def test_everything_on_loopback(self):
        self.serve(self.server, 53, "127.0.0.1", "::1")
        exporter = Exporter.start(self, self.server)
        tally = traffic.Tally()
        for address in ("127.0.0.1", "::1"):
            with self.server.udp(address) as resolver:
                traffic.talk(resolver, (address, 53), tally=tally)
        exporter.expect(self, tally.counts())

    def test_on_its_own_address_from_the_host_itself(self):
        # Such packets take the loopback interface, with the outer addresses.
        self.wire()
        self.serve(self.server, 53, SERVER)
        exporter = Exporter.start(self, self.server)
        with self.server.udp(SERVER) as resolver:
            tally = traffic.talk(resolver, (SERVER, 53))
        exporter.expect(self, tally.counts())

    def test_0x20_and_upper_case(self):
        self.wire()
        self.serve(self.server, 53, SERVER)
        exporter = Exporter.start(self, self.server)
        tally = self.talk(SERVER, mixed_case=True, domain="T.eXample.COM")
        exporter.expect(self, tally.counts())

    def test_tun(self):
        tun = self.server.tun("tun0", f"{SERVER}/24", f"{SERVER6}/64 nodad")
        self.addCleanup(os.close, tun)
        self.serve(self.server, 53, SERVER, SERVER6)
        exporter = Exporter.start(self, self.server)
        tally = traffic.talk(TunResolver(tun, CLIENT), (SERVER, 53))
        traffic.talk(TunResolver(tun, CLIENT6), (SERVER6, 53), tally=tally)
        exporter.expect(self, tally.counts())

    def fragments(self, mtu, address, size):
        """Responses of about size bytes on a link that takes less."""
        self.wire(mtu=mtu, versions="6" if ":" in address else "4")
        packet = os.urandom(size // 2 - 40)
        server = dnstt.Server(mtu=4096, downstream=lambda client_id: [packet, packet])
        self.serve(self.server, 53, address, server=server)
        exporter = Exporter.start(self, self.server)
        tally = self.talk(address, tally=traffic.Tally(server), edns=4096)
        self.assertGreater(tally.bytes_out // tally.queries, mtu)
        exporter.expect(self, tally.counts())

    def test_responses_in_ipv4_fragments(self):
        self.fragments(600, SERVER, 1232)

    def test_responses_in_ipv6_fragments(self):
        self.fragments(1280, SERVER6, 3000)


class Redirected(Layout):
    def translate(self, rule, family="ip"):
        """A rule for what arrives at the server."""
        host.must_have("nft")
        chain = f"{family} nat prerouting"
        self.server.nft(f"""add table {family} nat
            add chain {chain} {{ type nat hook prerouting priority -100; }}
            add rule {chain} {rule}""")

    def test_redirect_53_to_5300(self):
        self.wire()
        for family in ("ip", "ip6"):
            self.translate('iifname "eth0" udp dport 53 redirect to :5300', family)
        self.serve(self.server, 5300, "0.0.0.0", SERVER6)
        exporter = Exporter.start(self, self.server)
        exporter.expect(self, self.talk().counts())

    def test_dnat_to_loopback(self):
        self.wire()
        self.server.sysctl("ipv4/conf/eth0/route_localnet", 1)
        self.translate('iifname "eth0" udp dport 53 dnat to 127.0.0.1:5300')
        self.serve(self.server, 5300, "127.0.0.1")
        exporter = Exporter.start(self, self.server)
        exporter.expect(self, self.talk(SERVER).counts())

    def router(self, watched):
        """A router in user space on 53, dnstt-server behind it on 127.0.0.1:5310."""
        self.wire()
        self.serve(self.server, 5310, "127.0.0.1")
        outer, inner = self.server.udp(SERVER, 53), self.server.udp("127.0.0.1")
        traffic.route(self, outer, inner, ("127.0.0.1", 5310))
        exporter = Exporter.start(self, self.server, port=watched)
        exporter.expect(self, self.talk(SERVER).counts())

    def test_router_seen_from_outside(self):
        self.router(53)

    def test_router_seen_from_behind(self):
        self.router(5310)

    def container(self, inner_port):
        """As Docker does it: a bridge, a veth into the container, DNAT to its address."""
        self.wire()
        box = host.Host.make(self, "container")
        self.server.ip("link add docker0 type bridge", "address add 172.17.0.1/16 dev docker0",
                       "link set docker0 up")
        host.link(self.server, "veth1234", box, "eth0")
        self.server.ip("link set veth1234 master docker0")
        box.ip("address add 172.17.0.2/16 dev eth0", "route add default via 172.17.0.1")
        self.server.sysctl("ipv4/ip_forward", 1)
        self.translate(f'iifname != "docker0" udp dport 53 dnat to 172.17.0.2:{inner_port}')
        self.serve(box, inner_port, "172.17.0.2")
        exporter = Exporter.start(self, self.server)
        exporter.expect(self, self.talk(SERVER).counts())

    def test_container_behind_dnat_to_another_port(self):
        self.container(5353)

    def test_container_behind_dnat_to_the_same_port(self):
        self.container(53)


class Stacked(Layout):
    def stacked(self, *commands, device, duplicates):
        """eth0 below another device: what both see counts once, and as so many duplicates."""
        host.link(self.server, "eth0", self.client, "eth0")
        self.server.ip(*commands, f"link set {device} up")
        self.addresses(device)
        self.serve(self.server, 53, SERVER, SERVER6)
        exporter = Exporter.start(self, self.server)
        tally = self.talk()
        arrived = tally.queries + sum(tally.rejected.values())
        left = sum(tally.responses.values())
        self.assertEqual(arrived, left)
        exporter.expect(self, tally.counts(duplicates=duplicates(arrived, left)))

    def test_port_of_a_bridge_that_holds_the_address(self):
        self.stacked("link add br0 type bridge", "link set eth0 master br0", device="br0",
                     duplicates=lambda arrived, left: arrived + left)

    def test_port_of_a_bridge_with_a_mac_of_its_own(self):
        # A query is for another host's MAC on eth0, so only responses show twice.
        self.stacked("link add br0 address 02:00:00:00:00:01 type bridge",
                     "link set eth0 master br0", device="br0",
                     duplicates=lambda arrived, left: left)

    def test_macvlan(self):
        self.stacked("link add mv0 link eth0 type macvlan mode bridge", device="mv0",
                     duplicates=lambda arrived, left: left)

    def test_one_named_interface_of_a_stack_has_no_duplicates(self):
        host.link(self.server, "eth0", self.client, "eth0")
        self.server.ip("link add br0 type bridge", "link set eth0 master br0", "link set br0 up")
        self.addresses("br0")
        self.serve(self.server, 53, SERVER)
        exporter = Exporter.start(self, self.server, "-capture.interface", "br0")
        exporter.expect(self, self.talk(SERVER).counts())


if __name__ == "__main__":
    unittest.main()
