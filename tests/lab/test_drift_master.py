# SPDX-License-Identifier: BSD-2-Clause
"""Other people's edits of master.cf while our services are in it: none is lost, none is overruled."""

import pytest

from lab.postfix import shipped_master_cf

BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)

OURS = "detour-office/unix"


def postconf(*arguments):
    """An edit by postconf itself."""
    def edit(lab, text):
        lab.mailhost.master_cf.write_text(text)
        lab.run("postconf", *arguments, check=True)
        return lab.mailhost.master_cf.read_text()
    return edit


def replace(old, new):
    """An edit by hand."""
    def edit(lab, text):
        assert text.count(old) == 1, text
        return text.replace(old, new)
    return edit


def write(new):
    """A template in place of the whole file."""
    return lambda lab, text: new


def nothing(lab, text):
    return text


TEMPLATE = "# Ansible managed\n" + shipped_master_cf()

# What is done | a word of `drift`, None where it is none | what becomes of the owner's master.cf.
# "last/unix" is the owner's last entry: postconf moves what it edits behind the lines of comment
# that follow it, and so into our block.
OTHER_HANDS = {
    "an entry of theirs": (postconf("-Me", "new/unix=new unix - - n - - smtp"), None,
                           postconf("-Me", "new/unix=new unix - - n - - smtp")),
    "the entry before our block": (postconf("-P", "last/unix/smtp_helo_timeout=9"), None,
                                   postconf("-P", "last/unix/smtp_helo_timeout=9")),
    "ours, to the same": (postconf("-F", f"{OURS}/chroot=y"), None, nothing),
    "ours, commented out": (postconf("-M#", OURS), "commented out", nothing),
    "ours, deleted": (postconf("-MX", OURS), "taken out", nothing),
    "our frame": (replace("# detourd: end ", "# the end "), "first or the last line", None),
    "the whole file": (write(TEMPLATE), "gone", write(TEMPLATE)),
}


@pytest.fixture
def installed(lab, apply):
    """Our services installed below a last entry of the owner's; the master.cf without them."""
    lab.mailhost.stop()     # Files alone: each reload would cost its seconds.
    apply.configure(postfix="method = transport")
    before = lab.mailhost.master_cf.read_text() + "last unix - - n - - smtp\n  -o a=b\n"
    lab.mailhost.master_cf.write_text(before)
    assert apply("install").result == "ok"
    return before


def kept(lab):
    """The generations that are left; where there is none, nothing at all is."""
    ours = lab.mailhost.master_cf.parent / "detourd"
    return list((ours / "private").iterdir()) if ours.exists() else []


@BARE
def test_the_other_hand(lab, apply, installed):
    written = lab.mailhost.master_cf.read_text()
    for name, (edit, word, _) in OTHER_HANDS.items():
        edited = edit(lab, written)
        lab.mailhost.master_cf.write_text(edited)
        drift = apply("status").last["drift"]
        if word is None:
            assert drift == [], name
        else:
            assert word in " ".join(drift), (name, drift)
    # Nothing is overruled.
    answer = apply("relay", "office", "587")
    assert answer.result == "refused" and "gone" in answer.reason, answer
    assert lab.mailhost.master_cf.read_text() == TEMPLATE


@BARE
@pytest.mark.parametrize("name", ["the entry before our block", "ours, commented out",
                                  "the whole file"])
def test_what_is_left(lab, apply, installed, name):
    edit, _, theirs = OTHER_HANDS[name]
    main_cf = apply.main_cf
    written = lab.mailhost.master_cf.read_text()
    expected = theirs(lab, installed)
    lab.mailhost.master_cf.write_text(edit(lab, written))
    answer = apply("remove")
    assert answer.result == "ok", answer
    assert lab.mailhost.master_cf.read_text() == expected
    assert apply.main_cf != main_cf and b"detourd" not in apply.main_cf
    assert apply("status").last["drift"] == []
    assert kept(lab) == []
    lab.run("postfix", "check", check=True)


@BARE
def test_a_service_made_their_own(lab, apply, installed):
    """It stays with its password; and as long as it has the name, none of ours is entered."""
    lab.run("postconf", "-P", f"{OURS}/smtp_helo_timeout=9", check=True)
    edited = lab.run("postconf", "-M", OURS, check=True).stdout
    assert "detour-office was edited" in " ".join(apply("status").last["drift"])
    assert apply("remove").result == "ok"
    text = lab.mailhost.master_cf.read_text()
    assert text.startswith(installed) and "detourd: " not in text
    assert lab.run("postconf", "-M", OURS, check=True).stdout == edited
    assert len(kept(lab)) == 1
    assert apply("status").last["drift"] == []
    answer = apply("install")
    assert answer.result == "refused" and "detour-office" in answer.reason, answer
    assert lab.mailhost.master_cf.read_text() == text
    lab.run("postconf", "-MX", OURS, check=True)
    assert apply("install").result == "ok"
    assert apply("remove").result == "ok"
    assert lab.mailhost.master_cf.read_text() == installed
    assert kept(lab) == []
