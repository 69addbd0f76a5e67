# SPDX-License-Identifier: BSD-2-Clause
"""How often, and whom, detourd probes while nothing is wrong."""

import pytest

pytestmark = pytest.mark.lab(postfix=False)

QUORUM = 3


def start(lab):
    """Until the first round, which asks everybody, is over."""
    lab.product.configure(relays={}, mode="observe", quorum=QUORUM)
    lab.product.start_daemon()
    return lab.product.wait_status(lambda s: (s["verdict"]["ipv4"] or {}).get("name") == "open")


def next_round(lab, status, wanted=lambda _: True):
    """The status after another round of which WANTED is true."""
    return lab.product.wait_status(
        lambda s: s["verdict"]["at"] != status["verdict"]["at"] and wanted(s["verdict"]["ipv4"]))


def connections(lab):
    """To port 25 of each operator so far, by the SYNs of first attempts that the internet got."""
    listing = lab.networks.internet.tool("nft", "list", "table", "inet", "heard")
    counts = [int(words[words.index("packets") + 1])
              for words in map(str.split, listing.splitlines()) if "packets" in words]
    return counts


def listen(lab):
    rules = "\n".join(
        f"ip daddr {{ {', '.join(a for a in lab.addresses(op.name) if ':' not in a)} }} "
        "tcp dport 25 tcp flags & (syn | ack) == syn counter"
        for op in lab.operators)
    lab.networks.internet.tool("nft", "-f", "-", input=(
        "table inet heard {\n chain input {\n type filter hook input priority 0;\n"
        f"{rules}\n }}\n}}\n"))


def test_a_few_are_asked_in_turn(lab):
    status = start(lab)
    assert status["verdict"]["ipv4"]["operators"] == 6
    listen(lab)
    for _ in range(4):
        status = next_round(lab, status)
        assert status["verdict"]["ipv4"]["operators"] == QUORUM + 1
        # The others are shown as they were last seen.
        assert {o["outcome"] for o in status["verdict"]["ipv4"]["outcomes"]} == {"open"}
    counts = connections(lab)
    # Nobody has a second turn before everybody has had one; and of each one host is asked.
    assert max(counts) - min(counts) <= 1 and sum(counts) < 4 * len(counts)


def test_a_surprise_is_looked_into_with_all(lab):
    status = next_round(lab, start(lab))
    lab.operator("op2").stop()
    status = next_round(lab, status, lambda v: v["name"] == "remote" and v["operators"] == 6)
    assert [o["target"] for o in status["verdict"]["ipv4"]["outcomes"]
            if o["outcome"] != "open"] == ["op2.example"]
    lab.operator("op2").start()
    status = next_round(lab, status, lambda v: v["name"] == "open" and v["operators"] == 6)
    next_round(lab, status, lambda v: v["operators"] == QUORUM + 1)
