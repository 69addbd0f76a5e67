# SPDX-License-Identifier: BSD-2-Clause
"""The hop trace: where port 25 ends, for each way to block it and each place to do it."""

import re

import pytest

from lab import network
from lab.product import program
from lab.router import REJECTIONS

pytestmark = pytest.mark.lab(postfix=False)

FIRST, SECOND = network.GATEWAY, network.SECOND_ROUTER
FAMILIES = pytest.mark.parametrize("family", [4, 6])


class Trace:
    """One trace to op1.example, by a user without any privilege."""

    def __init__(self, lab, family, scope="all", port=587, source="-", control=None):
        self.target = lab.operator("op1").mx[0].addresses[family == 6]
        ran = lab.run(program("tests/lab/trace"), self.target, port, scope, source,
                      control or self.target, user="alice")
        assert ran.returncode == 0 and ran.stderr == "", ran.stderr
        self.text = ran.stdout
        words = {line.split()[0]: line.split()[1:] for line in self.text.splitlines()}
        self.hops = re.findall(r"^hop \d+ (\S+) (\S+) (\S+) (\S+)$", self.text, re.MULTILINE)
        self.where, self.how, self.early = words["where"]
        self.last, self.next, self.reporter = (words[name][1] for name in
                                               ("last", "next", "reporter"))
        self.kinds = words["last"][2], words["next"][2]
        self.ms = int(words["reached"][-1])
        self.reached = words["reached"][0] == "1"

    def port25(self):
        return [(end, at) for end, at, _, _ in self.hops]

    def control(self):
        return [(end, at) for _, _, end, at in self.hops]


def expect(trace, where, how, last, next_):
    assert (trace.where, trace.how, trace.last, trace.next) == (where, how, last, next_), trace.text
    return trace


def of(pair, family):
    return pair[family == 6]


def local_rule(lab, rule):
    lab.run("nft", "table inet t { chain o { type filter hook output priority 0; %s; }; }" % rule,
            check=True)


@FAMILIES
def test_open(lab, family):
    trace = expect(Trace(lab, family), "open", "silently", of(SECOND, family),
                   lab.operator("op1").mx[0].addresses[family == 6])
    way = [("passed", of(FIRST, family)), ("passed", of(SECOND, family))]
    assert trace.port25() == [*way, ("reached", "-")]
    assert trace.control() == [*way, ("reset", "-")]
    assert trace.reached


@FAMILIES
def test_dropped_by_the_first_router(lab, family):
    lab.block(25, "drop")
    trace = expect(Trace(lab, family), "provider", "silently", of(FIRST, family), of(SECOND, family))
    assert trace.port25()[1:] == [("silent", "-")] * 2
    if family == 4:
        assert trace.kinds == ("public", "shared")


@FAMILIES
@pytest.mark.parametrize("scope, where", [("all", "provider"), ("one", "far"), ("some", "unknown")])
def test_dropped_by_the_second_router(lab, family, scope, where):
    """On so short a way this hop is the provider's or the target's: the other operators tell."""
    lab.block(25, "drop", hop=2)
    trace = Trace(lab, family, scope)
    expect(trace, where, "silently", of(SECOND, family), trace.target)


@FAMILIES
def test_dropped_on_the_way_into_the_first_router(lab, family):
    """Before that one looks at the TTL: this host cannot know whose side of the cable it was."""
    lab.networks.router.tool("nft", "table inet t { chain c { type filter hook prerouting "
                             "priority raw; tcp dport 25 drop; }; }")
    expect(Trace(lab, family), "first-hop", "silently", "-", of(FIRST, family))


@FAMILIES
@pytest.mark.parametrize("hook", ["output", "postrouting"])
def test_dropped_by_this_host(lab, family, hook):
    lab.run("nft", "table inet t { chain o { type filter hook %s priority 0; tcp dport 25 drop; }; }"
            % hook, check=True)
    expect(Trace(lab, family), "host", "silently", "-", of(FIRST, family))


@FAMILIES
def test_rejected_by_this_host(lab, family):
    local_rule(lab, "tcp dport 25 reject with icmpx type admin-prohibited")
    trace = expect(Trace(lab, family), "host", "kernel", "-", of(FIRST, family))
    assert trace.port25()[0] == ("denied", of(network.MAILHOST, family))


@FAMILIES
def test_reset_by_this_host_may_be_the_first_hop_too(lab, family):
    local_rule(lab, "tcp dport 25 reject with tcp reset")
    expect(Trace(lab, family), "first-hop", "reset", "-", of(FIRST, family))


def test_prohibited_by_a_route_of_this_host(lab):
    control = lab.operator("op2").mx[0].addresses[0]
    lab.run("ip", "route", "add", "prohibit", lab.operator("op1").mx[0].addresses[0], check=True)
    expect(Trace(lab, 4, control=control), "host", "kernel", "-", FIRST[0])


@FAMILIES
@pytest.mark.parametrize("hop", [1, 2])
def test_reset_on_the_way(lab, family, hop):
    lab.block(25, "rst", hop=hop)
    trace = Trace(lab, family)
    expect(trace, "provider", "reset", of((FIRST, SECOND)[hop - 1], family),
           of(SECOND, family) if hop == 1 else trace.target)
    assert trace.early == ("1" if hop == 1 else "0")


@FAMILIES
@pytest.mark.parametrize("kind", REJECTIONS)
@pytest.mark.parametrize("hop", [1, 2])
def test_icmp_names_its_sender(lab, family, kind, hop):
    lab.block(25, kind, hop=hop)
    trace = Trace(lab, family)
    sender = of((FIRST, SECOND)[hop - 1], family)
    assert (trace.where, trace.how, trace.last, trace.reporter) == \
        ("provider", "icmp", sender, sender), trace.text
    end = "refused" if kind == "port-unreachable" else \
        "prohibited" if "prohibited" in kind else "unreachable"
    assert trace.port25()[hop] == (end, sender)


@FAMILIES
def test_the_target_refuses_itself(lab, family):
    lab.operator("op1").stop()
    trace = Trace(lab, family, "one")
    expect(trace, "far", "reset", of(SECOND, family), trace.target)


@FAMILIES
def test_routers_that_never_answer_tell_nothing(lab, family):
    for router in (lab.networks.router, lab.networks.second_router):
        router.tool("nft", "table inet t { chain c { type filter hook output priority 0; "
                    "icmp type time-exceeded drop; icmpv6 type time-exceeded drop; }; }")
    lab.block(25, "drop")
    trace = Trace(lab, family)
    expect(trace, "unknown", "silently", "-", trace.target)
    assert trace.hops[:2] == [("silent", "-", "silent", "-")] * 2
    lab.unblock()
    assert Trace(lab, family).where == "open"


@FAMILIES
def test_one_silent_router_leaves_a_gap(lab, family):
    """The dropper is this host, that router or the second's entrance: no place holds them all."""
    lab.networks.router.tool("nft", "table inet t { chain c { type filter hook output priority 0; "
                             "icmp type time-exceeded drop; icmpv6 type time-exceeded drop; }; }")
    lab.block(25, "drop")
    expect(Trace(lab, family), "unknown", "silently", "-", of(SECOND, family))


@FAMILIES
def test_no_network_no_claim(lab, family):
    lab.cut()
    trace = expect(Trace(lab, family), "unknown", "silently", of(FIRST, family), "-")
    assert trace.hops[0] == ("passed", of(FIRST, family)) * 2
    assert set(trace.hops[1:]) == {("silent", "-", "silent", "-")}


@FAMILIES
def test_loss_is_no_silence(lab, family):
    """Each hop is tried three times; one packet of three is lost, in turn."""
    lab.block(25, "drop", hop=2)
    lab.lose(1, 3)
    trace = Trace(lab, family)
    assert trace.last == of(SECOND, family), trace.text


def test_from_a_chosen_address(lab):
    """A block of one source address does not hold for another."""
    other = "198.51.100.11"
    lab.run("ip", "addr", "add", f"{other}/24", "dev", "eth0", check=True)
    lab.networks.router.tool("nft", "table inet t { chain c { type filter hook forward priority 0; "
                             f"ip saddr {other} tcp dport 25 drop; }}; }}")
    assert Trace(lab, 4).where == "open"
    expect(Trace(lab, 4, source=other), "provider", "silently", FIRST[0], SECOND[0])


def test_a_control_at_another_address(lab):
    lab.block(25, "drop")
    control = lab.operator("op2").mx[0].addresses[0]
    trace = expect(Trace(lab, 4, control=control), "provider", "silently", FIRST[0], SECOND[0])
    assert trace.control()[2][0] == "reset"
