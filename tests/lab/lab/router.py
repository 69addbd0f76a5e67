# SPDX-License-Identifier: BSD-2-Clause
"""The provider: what the router lets through."""

import ipaddress

TABLE = "inet lab"

# How nft(8) says it for IPv4 and for IPv6.
REJECTIONS = {
    "admin-prohibited": ("icmp type admin-prohibited", "icmpv6 type admin-prohibited"),
    "host-prohibited": ("icmp type host-prohibited", "icmpv6 type policy-fail"),
    "net-prohibited": ("icmp type net-prohibited", "icmpv6 type policy-fail"),
    "host-unreachable": ("icmp type host-unreachable", "icmpv6 type addr-unreachable"),
    "net-unreachable": ("icmp type net-unreachable", "icmpv6 type no-route"),
    "port-unreachable": ("icmp type port-unreachable", "icmpv6 type port-unreachable"),
}
METHODS = ("drop", "rst", "icmp", *REJECTIONS)


def _verdict(method, family):
    if method == "drop":
        return "drop"
    if method == "rst":
        return "reject with tcp reset"
    kind = REJECTIONS["admin-prohibited" if method == "icmp" else method]
    return f"reject with {kind[0 if family == 4 else 1]}"


def _address(field, family, addresses):
    """A match on the addresses of one family, "" for every address, None if there are none."""
    kind = "ip" if family == 4 else "ip6"
    if addresses is None:
        return f"meta nfproto {'ipv4' if family == 4 else 'ipv6'}"
    own = sorted(a for a in addresses if ipaddress.ip_address(a).version == family)
    return f"{kind} {field} {{ {', '.join(own)} }}" if own else None


class Router:
    """Rules for what the mail host sends and gets.  Every change replaces all rules at once."""

    def __init__(self, network):
        self._network = network
        self._blocks, self._silences, self._redirects = [], {}, []
        self._loss, self._cut = None, False
        self._apply()

    def block(self, port, method, family=None, to=None, spare_established=False):
        """Refuse the mail host's connections to PORT (None: every packet of every protocol).

        TO is a collection of addresses, FAMILY 4 or 6; None means all.  Established connections
        suffer too, so a message in flight may end up delivered and kept in the queue, as in
        life; with SPARE_ESTABLISHED only new connections do.
        """
        if method not in METHODS:
            raise ValueError(f"{method!r} is none of {', '.join(METHODS)}")
        for version in (4, 6) if family is None else (family,):
            there, back = _address("daddr", version, to), _address("saddr", version, to)
            if there is None:
                continue
            if port is not None:
                there, back = f"{there} tcp dport {port}", f"{back} tcp sport {port}"
            if spare_established:
                there += " tcp flags & (syn | ack) == syn"
            self._blocks.append(f'iifname "mail" {there} {_verdict(method, version)}')
            if not spare_established:
                self._blocks.append(f'oifname "mail" {back} drop')
        self._apply()

    def unblock(self):
        """Take back every block()."""
        self._blocks = []
        self._apply()

    def silence(self, key, addresses):
        """Drop whatever goes to or from ADDRESSES until hear(KEY)."""
        self._silences[key] = [f"{_address(field, family, addresses)} drop"
                               for field in ("daddr", "saddr") for family in (4, 6)
                               if _address(field, family, addresses)]
        self._apply()

    def hear(self, key):
        if self._silences.pop(key, None) is not None:
            self._apply()

    def lose(self, lost, of):
        """Drop LOST packets of every OF, whatever they are and whither they go; 0 ends that."""
        self._loss = f"numgen inc mod {of} < {lost} drop" if lost else None
        self._apply()

    def cut(self):
        """Forward nothing."""
        self._cut = True
        self._apply()

    def mend(self):
        """The end of cut() and lose()."""
        self._cut, self._loss = False, None
        self._apply()

    def redirect(self, port, four, six):
        """Lead the mail host's connections to PORT to one server, like a transparent proxy."""
        self._redirects += [
            f'iifname "mail" meta nfproto ipv4 tcp dport {port} dnat ip to {four}',
            f'iifname "mail" meta nfproto ipv6 tcp dport {port} dnat ip6 to {six}']
        self._apply()

    def undo_redirects(self):
        self._redirects = []
        self._apply()

    def ruleset(self):
        return self._network.tool("nft", "list", "ruleset")

    def _apply(self):
        forward = ["drop"] if self._cut else []
        forward += [self._loss] if self._loss else []
        forward += [rule for rules in self._silences.values() for rule in rules] + self._blocks
        lines = [f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{",
                 "chain forward { type filter hook forward priority filter;", *forward, "}"]
        if self._redirects:
            lines += ["chain prerouting { type nat hook prerouting priority dstnat;",
                      *self._redirects, "}"]
        self._network.tool("nft", "-f", "-", input="\n".join([*lines, "}", ""]))
