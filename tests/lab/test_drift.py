# SPDX-License-Identifier: BSD-2-Clause
"""Other people's edits of main.cf while a route is in force: none is lost, none is overruled."""

import re

import pytest

BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)

OURS = "relayhost = [relay.example]:587\n"
TEMPLATE = """# Ansible managed
compatibility_level = 3.6
mydestination = template.example
relayhost =
"""


def postconf(*arguments):
    """An edit by postconf itself."""
    def edit(lab, apply):
        lab.run("postconf", *arguments, check=True)
    return edit


def replace(old, new):
    """An edit by hand: OLD becomes NEW."""
    def edit(lab, apply):
        text = apply.main_cf.decode()
        assert text.count(old) == 1, text
        apply.main_cf = text.replace(old, new).encode()
    return edit


def cut(first, last):
    """The lines from FIRST to LAST are deleted."""
    def edit(lab, apply):
        lines = apply.main_cf.decode().splitlines(keepends=True)
        begin = next(i for i, line in enumerate(lines) if line.startswith(first))
        end = next(i for i, line in enumerate(lines) if line.startswith(last))
        apply.main_cf = "".join(lines[:begin] + lines[end + 1:]).encode()
    return edit


def write(text):
    """A template in place of the whole file."""
    def edit(lab, apply):
        apply.main_cf = text.encode()
    return edit


def lineinfile(regexp, line):
    """As Ansible does it: the last line that matches is replaced; without one, the line is added."""
    def edit(lab, apply):
        lines = apply.main_cf.decode().splitlines(keepends=True)
        hits = [i for i, text in enumerate(lines) if re.search(regexp, text)]
        if hits:
            lines[hits[-1]] = line + "\n"
        else:
            lines.append(line + "\n")
        apply.main_cf = "".join(lines).encode()
    return edit


def nothing_more(text):
    return text


def substitute(old, new):
    return lambda text: text.replace(old, new)


HOME = "relayhost = [home.example]\n"

# What is done | a word of `drift`, None where it is none | what becomes of the owner's main.cf, which
# sets relayhost itself (replace_relayhost is on).
OTHER_HANDS = {
    "another parameter": (postconf("-e", "maximal_queue_lifetime = 3d"), None,
                          lambda text: text + "maximal_queue_lifetime = 3d\n"),
    "another parameter, twice": (postconf("-e", "mydestination = a.example", "bounce_queue_lifetime=1d"),
                                 None, None),
    "another parameter deleted": (postconf("-X", "mynetworks"), None,
                                  lambda text: re.sub(r"mynetworks = .*\n", "", text)),
    "a comment above ours": (replace(OURS, "# by hand\n" + OURS), None,
                             lambda text: text + "# by hand\n"),
    "ours, with postconf -e": (postconf("-e", "relayhost = [other.example]"), "relayhost",
                               substitute(HOME, "relayhost = [other.example]\n")),
    "ours to the same value": (postconf("-e", "relayhost = [relay.example]:587"), None, nothing_more),
    "ours, with postconf -#": (postconf("-#", "relayhost"), "commented out",
                               substitute(HOME, "#" + HOME)),
    "ours, with postconf -X": (postconf("-X", "relayhost"), "taken out", substitute(HOME, "")),
    "ours emptied": (postconf("-e", "relayhost ="), "relayhost", substitute(HOME, "relayhost = \n")),
    "another of ours, with postconf -e": (
        postconf("-e", "smtp_sasl_auth_enable = no"), "smtp_sasl_auth_enable",
        lambda text: text + "smtp_sasl_auth_enable = no\n"),
    "another of ours, with postconf -X": (
        postconf("-X", "smtp_tls_policy_maps"), "smtp_tls_policy_maps", nothing_more),
    "a value edited by hand": (replace("smtp_sasl_auth_enable = yes", "smtp_sasl_auth_enable = Yes"),
                               "smtp_sasl_auth_enable",
                               lambda text: text + "smtp_sasl_auth_enable = Yes\n"),
    "our block deleted": (cut("# detourd: begin", "# detourd: end"), "gone", nothing_more),
    "our block and our marks deleted": (write("compatibility_level = 3.6\n"), "gone",
                                        lambda text: "compatibility_level = 3.6\n"),
    "the last line of our block deleted": (cut("# detourd: end", "# detourd: end"), "last line",
                                           nothing_more),
    "the whole file replaced": (write(TEMPLATE), "gone", lambda text: TEMPLATE),
    "lineinfile on relayhost": (lineinfile(r"^#?\s*relayhost\s*=", "relayhost = [ansible.example]"),
                                "relayhost",
                                substitute(HOME, "relayhost = [ansible.example]\n")),
    "lineinfile on a strict relayhost": (lineinfile(r"^relayhost =", "relayhost ="), "relayhost",
                                         substitute(HOME, "relayhost =\n")),
    "lineinfile of another name": (lineinfile(r"^smtpd_banner", "smtpd_banner = x"), None,
                                   lambda text: re.sub("smtpd_banner = .*", "smtpd_banner = x", text)),
    "lineinfile at the end": (lineinfile("nothing matches", "relayhost = [ansible.example]"),
                              "relayhost", lambda text: text.replace(HOME, "")
                              + "relayhost = [ansible.example]\n"),
    "what was put aside, uncommented": (replace("#detourd: " + HOME, HOME), "relayhost", nothing_more),
    "what was put aside, deleted": (replace("#detourd: " + HOME, ""), "taken out",
                                    substitute(HOME, "")),
    "what was put aside, edited": (replace("[home.example]", "[house.example]"), "edited",
                                   substitute("home.example", "house.example")),
    "their relayhost is our relay": (
        postconf("-e", "relayhost = [relay.example]:2525"), "relayhost", None),
}


def in_force(apply):
    """A route in force over a main.cf that has a relayhost; returns that main.cf."""
    apply.configure(postfix="replace_relayhost = yes")
    before = re.sub(r"^relayhost = *\n", HOME, apply.main_cf.decode(), flags=re.MULTILINE)
    assert HOME in before
    apply.main_cf = before.encode()
    assert apply("relay", "office", "587").result == "ok"
    return before


@BARE
@pytest.mark.parametrize("case", OTHER_HANDS)
def test_the_other_hand(lab, apply, case):
    edit, word, expected = OTHER_HANDS[case]
    lab.mailhost.stop()     # Files alone: each reload would cost its seconds.
    before = in_force(apply)
    edit(lab, apply)
    edited = apply.main_cf
    status = apply("status").last
    if word is None:
        assert status["drift"] == []
        assert status["route"] == {"name": "office", "port": 587}
    else:
        assert word in " ".join(status["drift"]), status
        assert apply("facts").last["drift"] == status["drift"]
        # Nothing is overruled: another route is refused, and says how to go on.
        for words in (("relay", "office", "2525"), ("relay", "office", "587")):
            answer = apply(*words)
            assert (answer.result, answer.status) == ("refused", 1)
            assert word in answer.reason and "detourctl release" in answer.reason
        assert apply.main_cf == edited
    answer = apply("direct")
    assert answer.result == "ok", answer
    if expected:
        assert apply.main_cf.decode() == expected(before)
    if word is not None:
        notes = " ".join(answer.last.get("notes", [])) if edited != apply.main_cf else word
        assert word in notes
    assert "detourd:" not in apply.main_cf.decode()
    status = apply("status").last
    assert (status["drift"], status["unfinished"]) == ([], False)
    assert status["route"] == {"name": "direct", "port": 0}
    lab.run("postfix", "check", check=True)
    # What is left of ours is only what main.cf refers to.
    kept = list((lab.mailhost.main_cf.parent / "detourd/private").iterdir())
    assert bool(kept) == ("/detourd/private/" in apply.main_cf.decode())
    assert not any((directory / "main.cf").exists() for directory in kept)


@BARE
@pytest.mark.parametrize("case", ["ours, with postconf -e", "the whole file replaced",
                                  "another of ours, with postconf -X"])
def test_release_lets_a_route_be_taken_again(lab, apply, case):
    edit, word, expected = OTHER_HANDS[case]
    before = in_force(apply)
    assert apply("release").result == "unchanged"
    edit(lab, apply)
    assert apply("release").result == "ok"
    released = apply.main_cf.decode()
    assert released == expected(before)
    assert apply("status").last["drift"] == []
    assert apply("release").result == "unchanged"
    assert apply("relay", "office", "587").result == "ok"
    assert lab.mailhost.postconf("relayhost") == "[relay.example]:587"
    assert apply("direct").result == "ok"
    assert apply.main_cf.decode() == released


def test_their_route_to_our_relay_keeps_its_password(lab, apply):
    """Without the password the relay would refuse their mail for good."""
    lab.block(25, "rst")
    assert apply("relay", "office", "587").result == "ok"
    lab.run("postconf", "-e", "relayhost = [Relay.Example]:587", check=True)
    assert apply("direct").result == "ok"
    ids = lab.mail(5)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    assert lab.mailhost.postconf("relayhost") == "[Relay.Example]:587"


@BARE
def test_an_old_copy_brought_back(lab, apply):
    """A main.cf of an earlier route, whose maps are gone, from somebody's backup."""
    before = apply.main_cf
    assert apply("relay", "office", "587").result == "ok"
    backup = apply.main_cf
    assert apply("direct").result == "ok"
    apply.main_cf = backup
    status = apply("status").last
    assert status["unfinished"] is True
    assert apply("relay", "office", "587").result == "ok"
    status = apply("status").last
    assert (status["unfinished"], status["drift"]) == (False, [])
    lab.run("postmap", "-q", "[relay.example]:587",
            lab.mailhost.postconf("smtp_sasl_password_maps").split(",")[0], check=True)
    assert apply("direct").result == "ok"
    assert apply.main_cf == before


@BARE
def test_who_reverts_again_and_again_is_named(lab, apply):
    template = "# Ansible managed: do not edit\n" + apply.main_cf.decode()
    apply.main_cf = template.encode()
    for count in (1, 2, 3):
        assert apply("relay", "office", "587").result == "ok"
        assert len(apply("status").last["advice"]) == (1 if count > 2 else 0)
        apply.main_cf = template.encode()
        advice = apply("status").last["advice"]
        assert len(advice) == (1 if count > 1 else 0)
        if advice:
            assert f"{count} times" in advice[0]
            assert "Ansible" in advice[0] and "fragment" in advice[0]
        assert apply("release").result == "ok"
        assert apply.main_cf.decode() == template


# The daemon.

QUICK = {"stay": 1, "rise": 1, "fall": 1}


def test_detourd_stands_down_until_release(lab):
    lab.block(25, "rst")
    lab.product.start(**QUICK)
    lab.product.wait_route("office")
    lab.run("postconf", "-e", "smtp_sasl_auth_enable = no", check=True)
    lab.product.wait_status(lambda s: s["postfix"]["drift"], 30, "the edit is noticed")
    status = lab.product.status()
    said = " ".join(status["problems"])
    assert "smtp_sasl_auth_enable" in said and "detourctl release" in said
    lab.unblock()
    lab.product.wait_status(
        lambda s: s["verdict"]["ipv4"]["name"] == "open" and "stands down" in s["next"], 60,
        "it would return, and does not")
    assert lab.product.status()["route"]["name"] == "office"
    assert lab.mailhost.postconf("smtp_sasl_auth_enable") == "no"
    assert lab.product.detourctl("release").returncode == 0
    status = lab.product.wait_status(lambda s: s["route"]["name"] == "direct"
                                     and not s["postfix"]["drift"], 30, "the return")
    assert not any("edited" in problem for problem in status["problems"])
    assert lab.mailhost.postconf("smtp_sasl_auth_enable") == "no"
    assert lab.mailhost.postconf("relayhost") == ""


def test_detourd_takes_the_route_again_after_release(lab):
    before = lab.mailhost.main_cf.read_bytes()
    lab.block(25, "rst")
    lab.product.start(**QUICK)
    lab.product.wait_route("office")
    lab.mailhost.main_cf.write_bytes(before)
    lab.mailhost.backdate()
    lab.product.wait_status(lambda s: s["postfix"]["drift"] and s["route"]["name"] == "direct", 30,
                            "the edit is noticed")
    assert lab.product.detourctl("release").returncode == 0
    lab.product.wait_status(lambda s: s["route"]["name"] == "office" and not s["postfix"]["drift"],
                            60, "the route is taken again")
    assert lab.mailhost.postconf("relayhost") == "[relay.example]:587"


def test_an_edit_while_direct_is_noticed(lab):
    """What would refuse a switch is said within a round, long before it is needed."""
    lab.product.start()
    lab.product.wait_status(lambda s: s["verdict"]["ipv4"], 30, "a verdict")
    lab.run("postconf", "-e", "relay_domains = inside.example", check=True)
    lab.product.wait_status(lambda s: any("inside.example" in p for p in s["problems"]), 30,
                            "the edit is noticed")
    lab.run("postconf", "-X", "relay_domains", check=True)
    lab.product.wait_status(lambda s: not any("inside.example" in p for p in s["problems"]), 30,
                            "that it is gone")
