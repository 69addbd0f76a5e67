# SPDX-License-Identifier: BSD-2-Clause
"""Every cause there is, made for real, and what `detourctl check` must make of it.

One row of CAUSES is one test: how the cause comes about, and then the verdicts over IPv4 and IPv6,
the exit status, the outcomes (of all targets, or of those that are named; the others are open) and
whose doing it is said to be.  None: whatever it is.
"""

import collections
import json

import pytest

from lab import mailhost
from lab.network import MAILHOST

pytestmark = pytest.mark.lab(postfix=False)

Cause = collections.namedtuple(
    "Cause", "name make ipv4 ipv6 exit outcomes cause arguments probe user",
    defaults=("open", None, (), {}, None))

OPERATORS = [f"op{i}" for i in range(1, 7)]


# What makes them.

def nothing(lab):
    pass


def block(method, **where):
    return lambda lab: lab.block(25, method, **where)


def local_rule(rule):
    """A rule in this host's own OUTPUT chain."""
    return lambda lab: lab.networks.mailhost.tool(
        "nft", "-f", "-", input="table inet own { chain out { type filter hook output priority "
        f"filter; {rule}; }}; }}\n")


def operators(*names, **behaviour):
    def make(lab):
        for name in names:
            lab.operator(name).fake(**behaviour)
    return make


def stop(*names):
    return lambda lab: [lab.operator(name).stop() for name in names]


def silence(*names):
    return lambda lab: [lab.operator(name).silence() for name in names]


def certificate(kind, *names):
    """These operators show certificates of that kind, by an authority that this host knows."""
    def make(lab):
        mailhost.trust(lab.mailhost, lab.authority)
        for mx in (mx for name in names for mx in lab.operator(name).mx):
            mx.fake(starttls=[str(path) for path in lab.authority.issue(mx.name, kind)])
    return make


def redirect(tls):
    return lambda lab: lab.redirect(25, starttls=tls and lab.authority.issue("proxy.example"))


def no_ipv6(lab):
    lab.networks.mailhost.sysctl(ipv6__conf__all__disable_ipv6=1)


def one_address_is_blocked(lab):
    """This host has two addresses; the provider blocks the first."""
    lab.networks.mailhost.tool("ip", "addr", "add", "198.51.100.11/24", "dev", "eth0")
    lab.networks.router.tool(
        "nft", "-f", "-", input="table inet source { chain forward { type filter hook forward "
        f"priority 10; ip saddr {MAILHOST[0]} tcp dport 25 drop; }}; }}\n")


def dns(*records):
    return lambda lab: lab.dns.add(*records)


def named(*names, outcome):
    return {f"{name}.example": outcome for name in names}


def policy(level, *names):
    pairs = ", ".join(f'"{name}.example" = "{level}"' for name in names)
    return {"tls_policy": f"{{ {pairs} }}"}


def targets(*names):
    return "--targets", ",".join(f"{name}.example" for name in names)


MASKED = {"greeting": "220 " + "*" * 60, "ehlo": ["XXXXXXXA", "SIZE 1000"]}
REJECTED = "554 5.7.1 Service unavailable; client host is listed"

CAUSES = [
    Cause("open", nothing, "open", "open", 0),

    # A block, by whom and in which way.
    Cause("dropped by the provider", block("drop"), "blocked", "blocked", 2, "timeout", "provider"),
    Cause("dropped at the second hop", block("drop", hop=2), "blocked", "blocked", 2, "timeout",
          "provider"),
    Cause("dropped by this host, and root looks", local_rule("tcp dport 25 drop"),
          "blocked", "blocked", 2, "timeout", "local-rule"),
    Cause("dropped by this host, and nobody may look", local_rule("tcp dport { 25, 465 } drop"),
          "blocked", "blocked", 2, "timeout", "firewall", user="alice"),
    Cause("rejected by this host", local_rule("tcp dport 25 reject with icmpx type "
                                              "admin-prohibited"),
          "blocked", "blocked", 2, "prohibited", "local-rule"),
    Cause("reset by the provider", block("rst"), "blocked", "blocked", 2, "refused", "provider"),
    Cause("reset at the second hop", block("rst", hop=2), "blocked", "blocked", 2, "refused",
          "provider"),
    *(Cause(f"ICMP {kind}", block(kind), "blocked", "blocked", 2, outcome, "provider")
      for kind, outcome in (("admin-prohibited", "prohibited"), ("host-prohibited", "prohibited"),
                            ("net-prohibited", "prohibited"), ("host-unreachable", "unreachable"),
                            ("net-unreachable", "unreachable"), ("port-unreachable", "refused"))),
    Cause("IPv4 blocked alone", block("drop", family=4), "blocked", "open", 2, "timeout",
          "provider"),
    Cause("IPv6 blocked alone", block("drop", family=6), "open", "blocked", 1),
    Cause("no IPv6", no_ipv6, "open", "offline", 0),
    Cause("this source address is blocked", one_address_is_blocked, "blocked", None, 2, "timeout",
          "provider", ("--family", "4", "--source-address", MAILHOST[0])),
    Cause("the other source address is not", one_address_is_blocked, "open", None, 0,
          arguments=("--family", "4", "--source-address", "198.51.100.11")),

    # One operator's trouble.
    Cause("one refuses", stop("op2"), "remote", "remote", 1, named("op2", outcome="refused"),
          "recipient"),
    Cause("one is silent", silence("op3"), "remote", "remote", 1, named("op3", outcome="timeout"),
          "recipient"),
    Cause("no banner", operators("op5", greeting=None), "remote", "remote", 1,
          named("op5", outcome="no-banner"), "recipient", ("--timeout", "3")),
    Cause("a banner after six seconds", operators("op5", banner_delay=6), "open", "open", 0),
    Cause("a tarpit", operators("op1", byte_delay=1), "remote", "remote", 1,
          named("op1", outcome="no-banner"), "recipient", ("--timeout", "4")),
    *(Cause(f"a greeting {code}", operators("op4", greeting=f"{code} not now"), "remote", "remote",
            1, named("op4", outcome="rejected"), "recipient") for code in (421, 450, 554)),
    Cause("EHLO is refused", operators("op4", replies={"EHLO": "550 5.7.1 no",
                                                       "HELO": "550 5.7.1 no"}),
          "remote", "remote", 1, named("op4", outcome="rejected"), "recipient"),
    Cause("EHLO is not known", operators("op4", replies={"EHLO": "502 5.5.2 what?"}),
          "open", "open", 0),
    Cause("a mail server that hangs up", operators("op4", hang_up=True), "remote", "remote", 1,
          named("op4", outcome="no-banner"), "recipient"),

    # TLS.
    Cause("STARTTLS is missing where it is known", nothing, "remote", "remote", 1,
          named("op1", outcome="no-starttls"), "recipient", probe=policy("encrypt", "op1")),
    Cause("STARTTLS fails", operators("op2", ehlo=["STARTTLS"],
                                      replies={"STARTTLS": "220 2.0.0 Go ahead"}),
          "remote", "remote", 1, named("op2", outcome="tls-failed"), "recipient",
          ("--timeout", "3")),
    *(Cause(f"a certificate that is {kind}", certificate(kind, "op1"), "remote", "remote", 1,
            named("op1", outcome="tls-failed"), "recipient", probe=policy("secure", "op1"))
      for kind in ("expired", "self-signed", "wrong-name")),
    Cause("a bad certificate where nobody knows a better one", certificate("self-signed", "op1"),
          "open", "open", 0),

    # Somebody between.
    Cause("one false server", redirect(False), "intercepted", "intercepted", 2, "intercepted",
          "proxy"),
    Cause("one false server with TLS", redirect(True), "intercepted", "intercepted", 2,
          "intercepted", "proxy"),
    Cause("a firewall that masks SMTP", operators(*OPERATORS, **MASKED), "intercepted",
          "intercepted", 2, "intercepted", "proxy"),
    Cause("STARTTLS is stripped", nothing, "intercepted", "intercepted", 2, "intercepted", "proxy",
          probe=policy("encrypt", *OPERATORS)),

    # This host's name with others.
    Cause("most reject", operators(*OPERATORS[:5], greeting=REJECTED), "reputation", "reputation",
          1, named(*OPERATORS[:5], outcome="rejected"), "reputation"),

    # The path.
    Cause("half of the operators are silent", block("drop", to=OPERATORS[:3]), "unstable", "unstable", 1,
          named(*OPERATORS[:3], outcome="timeout"), "firewall"),
    Cause("three packets in ten are lost", lambda lab: lab.lose(3, 10), ("open", "remote"),
          ("open", "remote"), (0, 1), None),
    Cause("the network is down", lambda lab: lab.cut(), "offline", "offline", 3, None, "network"),

    # Names.
    Cause("the DNS is silent", lambda lab: lab.dns.drop(), "unknown", "unknown", 3, "dns-failed",
          "dns"),
    Cause("the DNS refuses", lambda lab: lab.dns.stop(), "unknown", "unknown", 3, "dns-failed",
          "dns"),
    Cause("the DNS lies", dns(*(f"host-record=mx{i}.{name}.liar.example,127.0.0.1,::1"
                                for name in OPERATORS for i in (1,)),
                              *(f"mx-host={name}.liar.example,mx1.{name}.liar.example,10"
                                for name in OPERATORS)),
          "unknown", "unknown", 3, "dns-failed", "dns",
          targets(*(f"{name}.liar" for name in OPERATORS))),
    Cause("no such domains", nothing, "unknown", "unknown", 3, "dns-failed", "dns",
          targets("nobody", "nothing", "nowhere")),
    Cause("one domain takes no mail", dns("mx-host=null.example,.,0"), "open", "open", 0,
          {"null.example": "dns-failed"}, None, targets(*OPERATORS, "null")),
]


def fits(found, wanted):
    return wanted is None or found == wanted or (isinstance(wanted, tuple) and found in wanted)


@pytest.mark.parametrize("row", CAUSES, ids=[row.name.replace(" ", "-") for row in CAUSES])
def test_cause(lab, row):
    lab.product.configure(relays={}, mode="observe", **row.probe)
    row.make(lab)
    ran = lab.product.detourctl("check", "--json", *row.arguments, user=row.user)
    assert ran.stderr == ""
    document = json.loads(ran.stdout)
    shown = json.dumps(document, indent=1)
    verdict = {family: what and what["name"] for family, what in document["verdict"].items()}
    assert fits(verdict["ipv4"], row.ipv4) and fits(verdict["ipv6"], row.ipv6), shown
    assert fits(ran.returncode, row.exit) and document["exit"] == ran.returncode, shown
    assert fits(document["cause"]["ipv4"], row.cause) or row.cause is None, shown
    outcomes = {o["target"]: o["outcome"] for o in document["verdict"]["ipv4"]["outcomes"]}
    if isinstance(row.outcomes, dict):
        assert outcomes == {name: row.outcomes.get(name, "open") for name in outcomes}, shown
        assert set(row.outcomes) <= set(outcomes), shown
    elif row.outcomes is not None:
        assert set(outcomes.values()) == {row.outcomes}, shown


def test_each_outcome_and_each_verdict_has_its_cause():
    """The table is whole."""
    verdicts = {name for row in CAUSES for names in (row.ipv4, row.ipv6)
                for name in (names if isinstance(names, tuple) else (names,))}
    assert verdicts - {None} == {"unknown", "intercepted", "unstable", "remote", "open",
                                 "reputation", "blocked", "offline"}
    outcomes = {outcome for row in CAUSES if row.outcomes
                for outcome in (row.outcomes.values() if isinstance(row.outcomes, dict)
                                else [row.outcomes])}
    assert outcomes == {"open", "timeout", "refused", "unreachable", "prohibited", "no-banner",
                        "rejected", "no-starttls", "tls-failed", "intercepted", "dns-failed"}
