# SPDX-License-Identifier: BSD-2-Clause
"""What tells more than a verdict: where, whose doing, what works instead, how this host looks; in
`detourctl check` and in detourd."""

import json
import pathlib
import re

import pytest

from lab import wait_until
from lab.network import GATEWAY, MAILHOST, SECOND_ROUTER
from lab.product import program

pytestmark = pytest.mark.lab(postfix=False)


def check(lab, *arguments, **options):
    lab.product.configure(relays={}, mode="observe")
    ran = lab.product.detourctl("check", "--json", *arguments, **options)
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def machine(lab, cloud_id=None, **dmi):
    """What the mail host's firmware and cloud-init say of it: these, and nothing of this machine's."""
    lab.run("mount", "-t", "tmpfs", "tmpfs", "/sys/class", check=True)
    for name, text in dmi.items():
        lab.mailhost.write(f"/sys/class/dmi/id/{name}", text + "\n")
    if cloud_id:
        lab.mailhost.write("/run/cloud-init/cloud-id", cloud_id + "\n")


# While all is well

def test_an_open_port_needs_no_further_look(lab):
    lab.relay_service("smtp-relay.brevo.com")
    document = check(lab)
    assert document["trace"] == {"ipv4": None, "ipv6": None}
    assert document["cause"] == {"ipv4": None, "ipv6": None}
    assert (document["submission"], document["local_rules"]) == (None, None)
    assert "smtp-relay.brevo.com" not in lab.dns.queries()
    # What operators see of this host needs the DNS alone.
    assert document["reputation"]["address"] == {"ipv4": MAILHOST[0], "ipv6": MAILHOST[1]}


def test_where_everything_is_refused_other_ports_are_not_said_to_work(lab):
    lab.block(25, "drop")
    assert check(lab, "--family", "4")["verdict"]["ipv4"]["controls"]["accepted"] == 0
    lab.unblock()
    lab.networks.router.tool(
        "nft", "-f", "-", input="table inet refuse { chain forward { type filter hook forward priority "
        f"10; ip saddr {MAILHOST[0]} meta l4proto tcp reject with tcp reset; }}; }}\n")
    ran = lab.product.detourctl("check", "--family", "4")
    text = " ".join(ran.stdout.split())
    assert ran.returncode == 2 and " answers, by a refusal (IPv4 alone)" in text
    assert "The provider, or a firewall that lets nothing out." in text
    lab.relay_service("smtp-relay.brevo.com")
    lab.networks.router.tool("nft", "flush", "chain", "inet", "refuse", "forward")
    lab.block(25, "rst")
    text = lab.product.detourctl("check", "--family", "4").stdout
    assert "brevo:587" in text and "lets nothing out" not in text


# Where

def test_where_it_ends(lab):
    lab.block(25, "drop", hop=2)
    for family, hops in check(lab)["trace"].items():
        number = 0 if family == "ipv4" else 1
        first, second = GATEWAY[number], SECOND_ROUTER[number]
        assert (hops["port"], hops["last"], hops["reached"]) == (25, second, False), hops
        assert [hop["port25"] for hop in hops["hops"]] == [first, second, None], hops
        assert hops["next"] == hops["hops"][-1]["control"] is not None, hops


def test_nothing_is_looked_for_that_is_not_wanted(lab):
    lab.relay_service("smtp-relay.brevo.com")
    lab.block(25, "drop")
    document = check(lab, "--no-trace", "--no-submission", "--no-reputation")
    assert document["local_rules"] == []
    assert document["trace"] == {"ipv4": None, "ipv6": None}
    assert (document["submission"], document["reputation"]) == (None, None)
    assert document["cause"]["ipv4"] == "provider"
    assert document["verdict"]["ipv4"]["left_host"] is True


def test_even_without_a_trace_this_host_is_told_from_the_provider(lab):
    """As a plain user, who sees none of the rules: the connections themselves tell."""
    lab.networks.mailhost.tool(
        "nft", "-f", "-", input="table inet own { chain out { type filter hook output priority "
        "filter; tcp dport 25 drop; }; }\n")
    document = check(lab, "--no-trace", user="alice")
    assert document["local_rules"] is None and document["trace"] == {"ipv4": None, "ipv6": None}
    for family in ("ipv4", "ipv6"):
        verdict = document["verdict"][family]
        assert (verdict["name"], verdict["left_host"]) == ("blocked", False), document
        assert document["cause"][family] == "firewall", document
    text = lab.product.detourctl("check", "--no-trace", user="alice").stdout
    assert "A firewall on this host. Packets to port 25 do not leave it" in " ".join(text.split())


def test_a_rule_of_this_host(lab):
    rule = "table inet own { chain out { type filter hook output priority filter; %s }; }\n"
    lab.networks.mailhost.tool("nft", "-f", "-", input=rule % "meta skuid 0 tcp dport 25 drop;")
    document = check(lab)
    assert document["cause"] == {"ipv4": "local-rule", "ipv6": "local-rule"}, document
    found, = document["local_rules"]
    assert (found["tool"], found["family"], found["table"], found["chain"]) == \
        ("nft", "inet", "own", "out")
    assert "dport 25" in found["rule"]
    # Postfix is somebody else, so it may get through.
    assert (found["certain"], found["conditions"]) == (False, ["user"])
    # And somebody else does.
    assert check(lab, user="alice")["exit"] == 0


# Whose

@pytest.mark.parametrize("says, name, by", [
    ({"sys_vendor": "Hetzner"}, "hetzner", "dmi"),
    ({"sys_vendor": "Microsoft Corporation",
      "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}, "azure", "dmi"),
    ({"sys_vendor": "QEMU", "cloud_id": "aws"}, "aws", "cloud-init"),
])
def test_a_provider_is_recognised_by_what_the_machine_says(lab, says, name, by):
    machine(lab, **says)
    provider = check(lab)["provider"]
    assert (provider["name"], provider["by"]) == (name, by), provider
    assert provider["policy"]["source"] and provider["policy"]["date"]


def test_a_provider_is_recognised_by_the_reverse_name(lab):
    machine(lab)
    lab.dns.forget("mail.sender.example")
    assert check(lab)["provider"] is None
    lab.dns.host("ec2-198-51-100-10.compute-1.amazonaws.com", MAILHOST[0])
    lab.dns.add()
    provider = check(lab)["provider"]
    assert (provider["name"], provider["by"]) == ("aws", "reverse-name"), provider


# What works instead

def test_submission_ports_in_their_order(lab):
    lab.relay_service("smtp-relay.brevo.com")
    lab.block(587, "drop")
    lab.block(25, "drop")
    entries = [e for e in check(lab)["submission"] if e["relay"] == "brevo"]
    assert [(e["port"], e["state"]) for e in entries] == \
        [(465, "usable"), (587, "no-connect"), (2525, "usable")], entries
    assert entries[0]["tls"] == "TLSv1.3" and entries[0]["verified"] is True
    assert entries[0]["days_left"] in (29, 30) and entries[0]["auth"] == ["PLAIN", "LOGIN"]


def test_a_stripped_starttls_is_an_attack(lab):
    lab.relay_service("smtp-relay.brevo.com", closed=(587,))
    lab.relay_service("smtp.postmarkapp.com", replies={
        "EHLO": "250-smtp.postmarkapp.com\r\n250 AUTH PLAIN"})
    lab.redirect(25)
    entries = {(e["relay"], e["port"]): e for e in check(lab)["submission"]}
    stripped = entries["postmark", 587]
    assert (stripped["state"], stripped["attack"]) == ("no-starttls", True), stripped
    assert "STARTTLS" in stripped["detail"] and "strip" in stripped["detail"]
    assert entries["brevo", 465]["attack"] is False


# In the daemon

def test_the_daemon_knows_it_too(lab):
    machine(lab, sys_vendor="Hetzner")
    lab.product.configure(relays={}, mode="observe")
    lab.product.start_daemon()
    seen = lab.product.wait_status(lambda s: s.get("reputation"), 30, "the reputation is known")
    assert seen["reputation"]["address"]["ipv4"] == MAILHOST[0]
    assert seen["cause"] == {"ipv4": None, "ipv6": None}
    lab.block(25, "drop")
    seen = lab.product.wait_status(
        lambda s: s["cause"]["ipv4"] == "provider" and s["trace"]["ipv4"], 60, "the trace is made")
    assert seen["trace"]["ipv4"]["last"] == GATEWAY[0]
    assert seen["provider"]["name"] == "hetzner"
    text = lab.product.detourctl("status").stdout
    assert "Cause    The provider." in text
    assert "Provider Hetzner" in text and "detourctl providers hetzner" in text
    lab.unblock()
    lab.product.wait_status(
        lambda s: s["cause"]["ipv4"] is None and s["trace"]["ipv4"] is None, 60,
        "what is over is forgotten")


def test_what_is_unstable_is_looked_at_soon_again_but_not_for_ever(lab):
    lab.product.configure(relays={}, mode="observe", interval=900, fastinter=1, timeout=1)
    for name in ("op1", "op2", "op3"):
        lab.block(25, "drop", to=name)
    lab.product.start_daemon()
    seen = set()

    def long_pause(status):
        verdict = status["verdict"]
        if (verdict["ipv4"] or {}).get("name") == "unstable":
            seen.add(verdict["at"])
        found = re.search(r"probe in (\d+) s", status["next"])
        return found and int(found[1]) > 60 and seen

    lab.product.wait_status(long_pause, 120, "the next round is a long way off")
    assert len(seen) > 4, seen


def test_what_comes_and_goes_is_no_block(lab):
    """A filter that is there every other round: reported as unstable, and nobody switches for it."""
    lab.product.configure(relays={}, mode="observe", interval=1, fastinter=1)
    lab.product.start_daemon()

    def becomes(*names):
        return lab.product.wait_status(
            lambda s: (s["verdict"]["ipv4"] or {}).get("name") in names, 60,
            f"the verdict is {' or '.join(names)}")["verdict"]["ipv4"]["name"]

    becomes("open")
    for _ in range(4):
        lab.block(25, "drop")
        if becomes("blocked", "unstable") == "unstable":
            break
        lab.unblock()
        becomes("open")
    status = lab.product.status()
    assert (status["verdict"]["ipv4"]["name"], status["cause"]["ipv4"]) == ("unstable", "firewall")
    assert status["verdict"]["ipv4"]["connected"] == 0
    assert "open and silent by turns" in lab.product.detourctl("status").stdout
    # When it stays, it is one after all.
    becomes("blocked")


def test_the_daemon_takes_the_descriptors_that_it_may_have(lab):
    lab.product.configure(relays={}, mode="observe")
    daemon = lab.spawn("sh", "-c", 'ulimit -Sn 100 && exec "$@"', "sh", program("detourd"), "-c",
                       lab.product.config, log="detourd.log")
    limits = pathlib.Path(f"/proc/{daemon.pid}/limits")
    wait_until(lambda: int(limits.read_text().partition("Max open files")[2].split()[0]) > 500,
               10, "the limit is raised")
