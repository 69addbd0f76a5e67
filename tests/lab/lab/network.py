# SPDX-License-Identifier: BSD-2-Clause
"""The map: four networks in a row, and who has which address.

    mail host ---- router ---- second router ---- internet
    198.51.100.10  .1          100.64.0.1         everybody else

Both routers are the provider's.  The second has an address of those that carriers use behind
their network address translation (RFC 6598), as a second hop often does.

Each operator, relay and name server has a /24 of 198.18.0.0/15 (RFC 2544) and a /48 of
2001:db8::/32 (RFC 3849) of its own, so that nothing that must tell networks apart is blind here.
"""

from .netns import Network

MAILHOST = ("198.51.100.10", "2001:db8:100::10")
GATEWAY = ("198.51.100.1", "2001:db8:100::1")
SECOND_ROUTER = ("100.64.0.1", "2001:db8:fffe::1")

DNS_NET = 53
OPERATOR_NET = 100      # op1 is net 101
RELAY_NET = 200         # relay is net 201
SERVICE_NET = 240       # relay services by their real names
FALSE_SERVER_NET = 250

# F and K of the root name servers: hosts that everybody can name without a DNS.
ROOT_SERVERS = (("192.5.5.241", "2001:500:2f::f"), ("193.0.14.129", "2001:7fd::1"))


def addresses(net, host):
    """The IPv4 and the IPv6 address of HOST (1 to 254) in NET (1 to 255)."""
    return f"198.18.{net}.{host}", f"2001:db8:1{net:03d}::{host}"


class Networks:
    """The networks, wired."""

    def __init__(self):
        self.mailhost, self.router, self.second_router, self.internet = (
            Network() for _ in range(4))
        for network in self.all():
            # `nodad` is not enough: a router solicits its neighbours from its link-local address,
            # and so forwards nothing until that has been checked for a duplicate.
            network.sysctl(ipv6__conf__all__disable_ipv6=0, ipv6__conf__default__disable_ipv6=0,
                           ipv6__conf__default__accept_dad=0)
        self._wire()

    def all(self):
        return self.mailhost, self.router, self.second_router, self.internet

    def _wire(self):
        end = "/proc/self/fd"
        _ip(self.router, f"""
            link set lo up
            link add mail type veth peer name eth0 netns {end}/{self.mailhost.fd}
            link add net type veth peer name mail netns {end}/{self.second_router.fd}
            link set mail up
            link set net up
            addr add {GATEWAY[0]}/24 dev mail
            addr add {GATEWAY[1]}/64 dev mail nodad
            addr add 100.64.0.2/30 dev net
            addr add 2001:db8:fffe::2/64 dev net nodad
            """, pass_fds=(self.mailhost.fd, self.second_router.fd))
        _ip(self.mailhost, f"""
            link set lo up
            link set eth0 up
            addr add {MAILHOST[0]}/24 dev eth0
            addr add {MAILHOST[1]}/64 dev eth0 nodad
            route add default via {GATEWAY[0]}
            route add default via {GATEWAY[1]}
            """)
        _ip(self.second_router, f"""
            link set lo up
            link add net type veth peer name eth0 netns {end}/{self.internet.fd}
            link set mail up
            link set net up
            addr add {SECOND_ROUTER[0]}/30 dev mail
            addr add {SECOND_ROUTER[1]}/64 dev mail nodad
            addr add 203.0.113.1/30 dev net
            addr add 2001:db8:ffff::1/64 dev net nodad
            route add 198.51.100.0/24 via 100.64.0.2
            route add 2001:db8:100::/64 via 2001:db8:fffe::2
            """, pass_fds=(self.internet.fd,))
        # No default route here: what is nobody's address stays unanswered, as it often does.
        _ip(self.internet, """
            link set lo up
            link set eth0 up
            addr add 203.0.113.2/30 dev eth0
            addr add 2001:db8:ffff::2/64 dev eth0 nodad
            route add 198.51.100.0/24 via 203.0.113.1
            route add 100.64.0.0/30 via 203.0.113.1
            route add 2001:db8:100::/64 via 2001:db8:ffff::1
            route add 2001:db8:fffe::/64 via 2001:db8:ffff::1
            """)
        for router, four, six in ((self.router, *SECOND_ROUTER),
                                  (self.second_router, "203.0.113.2", "2001:db8:ffff::2")):
            ways = [f"route add 198.18.0.0/15 via {four}", f"route add 2001:db8::/32 via {six}"]
            for root_four, root_six in ROOT_SERVERS:
                ways += [f"route add {root_four} via {four}", f"route add {root_six} via {six}"]
            _ip(router, "\n".join(ways))
            # Linux sends an ICMP error a second to one host; a provider's router serves many.
            router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                          ipv4__icmp_ratelimit=0, ipv6__icmp__ratelimit=0)
        self.add_addresses(ROOT_SERVERS)

    def add_addresses(self, pairs):
        """Give the internet these (IPv4, IPv6) addresses."""
        lines = []
        for four, six in pairs:
            lines += [f"addr add {four}/32 dev lo", f"addr add {six}/128 dev lo nodad"]
        _ip(self.internet, "\n".join(lines))

    def close(self):
        for network in self.all():
            network.close()


def _ip(network, lines, pass_fds=()):
    network.tool("ip", "-batch", "-", input=lines, pass_fds=pass_fds)
