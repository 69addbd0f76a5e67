# SPDX-License-Identifier: BSD-2-Clause
"""Which local rule blocks port 25, by the tools of this machine."""

import pytest

from lab.product import program

pytestmark = pytest.mark.lab(postfix=False)

CHAIN = "table inet t { chain o { type filter hook output priority 0; %s; }; %s }"


class Look:
    def __init__(self, lab, *arguments, **options):
        ran = lab.run(program("tests/lab/rules"), *arguments, **options)
        assert ran.returncode == 0 and ran.stderr == "", ran.stderr
        first, *rest = ran.stdout.splitlines()
        self.state, self.detail, self.more = first.split("|")
        self.rules = [tuple(line.split("|")) for line in rest]


def nft(lab, ruleset):
    lab.run("nft", ruleset, check=True)


def test_nothing_there(lab):
    look = Look(lab)
    assert (look.state, look.rules) == ("seen", [])


def test_only_root_may_look(lab):
    nft(lab, CHAIN % ("tcp dport 25 drop", ""))
    look = Look(lab, user="alice")
    assert (look.state, look.rules) == ("not-root", [])
    assert "only root" in look.detail


@pytest.mark.parametrize("rule, how", [
    ("tcp dport 25 drop", "drops certain"),
    ("tcp dport 25 reject with icmpx admin-prohibited", "rejects certain"),
    ("tcp dport 25 reject with tcp reset", "rejects certain"),
    ("tcp dport { 25, 465 } drop", "drops certain"),
])
def test_nft(lab, rule, how):
    nft(lab, CHAIN % (rule, ""))
    assert Look(lab).rules == [("nft", "inet", "t", "o", rule, "46", how, "0")]


def test_nft_in_a_chain_that_is_jumped_to(lab):
    nft(lab, "table inet t { chain mail { meta skuid != postfix drop; }; chain o { "
        "type filter hook output priority 0; tcp dport 25 jump mail; }; }")
    (found,) = Look(lab).rules
    assert found[:4] == ("nft", "inet", "t", "mail") and found[5:] == ("46", "drops", "1")


def test_a_policy(lab):
    nft(lab, "table ip6 t { chain o { type filter hook output priority 0; policy drop; "
        "ct state established accept; tcp dport 443 accept; }; }")
    assert Look(lab).rules == [("nft", "ip6", "t", "o", "policy drop", "6", "policy certain", "0")]
    nft(lab, "add rule ip6 t o tcp dport 25 accept")
    assert Look(lab).rules == []


def test_what_is_forwarded_where_asked_for(lab):
    nft(lab, "table inet t { chain f { type filter hook forward priority 0; tcp dport 25 drop; }; }")
    assert Look(lab).rules == []
    assert Look(lab, "forward").rules[0][3] == "f"


@pytest.mark.parametrize("tool, family, number, name", [
    ("iptables-nft", "ip", "4", "iptables"), ("ip6tables-nft", "ip6", "6", "ip6tables"),
    ("iptables-legacy", "ip", "4", "iptables-legacy"),
    ("ip6tables-legacy", "ip6", "6", "ip6tables-legacy"),
])
def test_iptables(lab, tool, family, number, name):
    rule = "-A OUTPUT -p tcp -m multiport --dports 25,465 -m owner ! --uid-owner 0 -j REJECT"
    if lab.run(tool, *rule.split()).returncode != 0:
        pytest.skip(f"this kernel has no {tool}")
    (found,) = Look(lab).rules
    assert found[:4] == (name, family, "filter", "OUTPUT") and found[4].startswith("-A OUTPUT -p tcp")
    assert found[5:] == (number, "rejects", "1")


def test_a_tool_that_hangs_costs_its_time_and_no_more(lab):
    lab.mailhost.write("/var/hang", "#!/bin/sh\nexec sleep 1000\n", mode=0o755)
    lab.run("mount", "--bind", "/var/hang", "/usr/sbin/nft", check=True)
    look = Look(lab)
    assert (look.state, look.detail) == ("incomplete", "nft did not end in time")


def test_a_tool_that_prints_nonsense(lab):
    lab.mailhost.write("/var/babble", "#!/bin/sh\necho '{'\n", mode=0o755)
    lab.run("mount", "--bind", "/var/babble", "/usr/sbin/nft", check=True)
    look = Look(lab)
    assert (look.state, look.detail) == ("incomplete", "nft printed nonsense")
