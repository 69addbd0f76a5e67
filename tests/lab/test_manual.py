# SPDX-License-Identifier: BSD-2-Clause
"""What detourctl says in JSON, and what detourctl(1) says of it: every member is described."""

import json
import pathlib
import re

import pytest

from lab import mailhost, wait_until

MANUAL = pathlib.Path(__file__).resolve().parents[2] / "man/detourctl.1"

# Sections that speak for others too: "as check has them".
ALSO = {"advise": {"check", "providers"}, "status": {"check", "providers"}, "check": {"providers"},
        "providers": set(), "plan": set(), "check-config": set()}


def described():
    """The members that each section below JSON names, and those that it says are like theirs."""
    json_part = MANUAL.read_text(encoding="utf-8").partition(".Sh JSON")[2].partition("\n.Sh ")[0]
    words = {}
    for section in json_part.split("\n.Ss ")[1:]:
        name, _, text = section.partition("\n")
        words[name] = set()
        for line in text.splitlines():
            if re.match(r"\.(It |Pq )?Va ", line):
                words[name] |= set(re.findall(r"[a-z][a-z0-9_]*", line.partition("Va ")[2]))
    for name, others in ALSO.items():
        for other in others:
            words[name] |= words[other]
    return words


def members(value):
    """All names in a document, however deep."""
    if isinstance(value, list):
        return set().union(*map(members, value))
    if isinstance(value, dict):
        return set(value).union(*map(members, value.values()))
    return set()


def ask(lab, *words, **options):
    ran = lab.product.detourctl(*words, "--json", **options)
    assert ran.stderr == "", ran.stderr
    return json.loads(ran.stdout)


def expect_described(section, *documents):
    said = set().union(*map(members, documents))
    assert said and not said - described()[section], sorted(said - described()[section])


@pytest.mark.lab(postfix=False)
def test_of_check_and_advise(lab):
    lab.product.configure(relays={}, mode="observe")
    mailhost.trust(lab.mailhost, lab.authority)
    mx = lab.operator("op1").mx[0]
    mx.fake(starttls=[str(path) for path in lab.authority.issue(mx.name)])
    lab.relay_service("smtp-relay.brevo.com")
    documents = [ask(lab, "check")]
    advices = [ask(lab, "advise")]
    lab.block(25, "drop", hop=2)
    lab.networks.mailhost.tool("nft", "-f", "-", input="table inet own { chain out { type filter "
                               "hook output priority filter; tcp dport 25 accept; }; }\n")
    documents.append(ask(lab, "check"))
    advices.append(ask(lab, "advise"))
    lab.networks.mailhost.tool("nft", "-f", "-", input="table inet own { chain out { "
                               "tcp dport 25 drop; }; }\n")
    advices.append(ask(lab, "advise"))
    assert documents[1]["trace"]["ipv4"] and documents[1]["submission"]
    assert documents[1]["local_rules"] is not None and documents[1]["reputation"]["findings"]
    expect_described("check", *documents)
    expect_described("advise", *advices)


@pytest.mark.lab(postfix=False)
def test_of_providers_and_check_config(lab):
    lab.product.configure(relays={}, mode="observe")
    expect_described("providers", ask(lab, "providers"))
    expect_described("check-config", ask(lab, "check-config"))


def test_of_status_and_plan(lab):
    product = lab.product
    product.start()
    expect_described("plan", ask(lab, "plan"), ask(lab, "plan", "office"))
    lab.block(25, "drop")
    wait_until(lambda: (product.look() or {}).get("route", {}).get("name") == "office", 90,
               "the route leads to the relay")
    expect_described("status", product.status(), ask(lab, "relays"))
    expect_described("plan", ask(lab, "plan", "direct"))
