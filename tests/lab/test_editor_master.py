# SPDX-License-Identifier: BSD-2-Clause
"""The file master.cf itself: what it is besides its bytes, what cannot be edited, who else edits it."""

import concurrent.futures
import os

import pytest

BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)
MASTER_CF = "/etc/postfix/master.cf"
EDITORS, EDITS = 3, 6


@pytest.fixture
def apply(apply):
    """With the method transport, and files alone: each reload would cost its seconds."""
    apply.lab.mailhost.stop()
    apply.configure(postfix="method = transport")
    return apply


@BARE
def test_what_master_cf_is_besides_its_bytes(lab, apply):
    """Links, lists, owner, mode and flags stay."""
    site = "/etc/site/services"
    lab.run("sh", "-ec", f"mkdir /etc/site; mv {MASTER_CF} {site};"
            f"ln -s ../site/services /etc/postfix/middle; ln -s /etc/postfix/middle {MASTER_CF};"
            f"chmod 640 {site}; setfacl -m u:alice:r,g:mail:rw {site}; chattr +d {site}", check=True)

    def seen():
        return [lab.run(*words, check=True).stdout
                for words in (("getfacl", "-p", site), ("lsattr", site), ("ls", "/etc/site"),
                              ("stat", "-c", "%A %u %g", site),
                              ("readlink", MASTER_CF, "/etc/postfix/middle"))]

    before, text = seen(), lab.run("cat", site).stdout
    assert apply("install").result == "ok"
    assert seen() == before
    assert "\ndetour-office " in lab.run("cat", site).stdout
    assert apply("remove").result == "ok"
    assert seen() == before
    assert lab.run("cat", site).stdout == text


def immutable(lab):
    lab.run("chattr", "+i", MASTER_CF, check=True)
    return lambda: lab.run("chattr", "-i", MASTER_CF, check=True)


def missing(lab):
    os.rename(lab.mailhost.master_cf, lab.mailhost.master_cf.with_name("away"))
    return lambda: os.rename(lab.mailhost.master_cf.with_name("away"), lab.mailhost.master_cf)


def content(change):
    def spoil(lab):
        before = lab.mailhost.master_cf.read_bytes()
        lab.mailhost.master_cf.write_bytes(change(before))
        return lambda: lab.mailhost.master_cf.write_bytes(before)
    return spoil


# What is wrong | a word of the reason.
WRONG = {
    "immutable": (immutable, "is immutable; \"chattr -i"),
    "missing": (missing, "master.cf"),
    "a NUL byte": (content(lambda text: text + b"a\0b unix - - n - - smtp\n"), "NUL"),
    "too long": (content(lambda text: text + b"#" * 5000000), "master.cf"),
    "half a block of ours": (content(lambda text: text + b"# detourd: end 0123456789abcdef\n"),
                             "by hand"),
    "a service of that name": (content(lambda text: text + b"detour-office unix - - n - - smtp\n"),
                               "detour-office"),
    "its socket": (content(lambda text: text + b"detour-office\n fifo - - n - - smtp\n"),
                   "detour-office"),
    "nothing that Postfix takes": (content(lambda text: text + b"half a line\n"),
                                    "bad field count"),
}


@BARE
def test_what_cannot_be_edited_is_left_alone(lab, apply):
    """Said, and nothing is done, not to main.cf either."""
    apply("direct")
    files = apply.files()
    for name, (spoil, word) in WRONG.items():
        repair = spoil(lab)
        spoiled = apply.files()
        answer = apply("install")
        assert answer.result in ("refused", "failed"), (name, answer)
        assert word in answer.reason, (name, answer)
        assert {path: seen[4] for path, seen in apply.files().items()} == \
            {path: seen[4] for path, seen in spoiled.items()}, name
        repair()
    assert {path: seen[4] for path, seen in apply.files().items()} == \
        {path: seen[4] for path, seen in files.items()}
    assert apply("install").result == "ok"


@BARE
def test_edits_by_many_at_the_same_time(lab, apply):
    """Installed and removed while others run postconf -M: nothing of either is lost."""
    before = lab.mailhost.master_cf.read_text()

    def edit(editor):
        for i in range(EDITS):
            name = f"edit-{editor}-{i}"
            lab.run("postconf", "-M", f"{name}/unix={name} unix - - n - - smtp", check=True)

    with concurrent.futures.ThreadPoolExecutor(EDITORS) as pool:
        editors = [pool.submit(edit, editor) for editor in range(EDITORS)]
        while not all(editor.done() for editor in editors):
            for word in ("install", "remove"):
                answer = apply(word, timeout=120)
                assert answer.result in ("ok", "unchanged") or "somebody else" in answer.reason
        for editor in editors:
            editor.result()
    assert apply("install").result == "ok"
    assert apply("remove").result == "ok"
    text = lab.mailhost.master_cf.read_text()
    assert text.startswith(before)
    names = sorted(line.split()[0] for line in text[len(before):].splitlines())
    assert names == sorted(f"edit-{editor}-{i}" for editor in range(EDITORS) for i in range(EDITS))
