# SPDX-License-Identifier: BSD-2-Clause
"""The file main.cf itself: what it is besides its bytes, and who else edits it."""

import concurrent.futures
import os

import pytest

BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)
MAIN_CF = "/etc/postfix/main.cf"
EDITORS, EDITS = 4, 8


def there_and_back(apply):
    for words in (("relay", "office", "587"), ("direct",)):
        answer = apply(*words)
        assert answer.result == "ok", answer
        yield


@BARE
def test_lists_attributes_and_flags_stay(lab, apply):
    lab.run("setfacl", "-m", "u:alice:r,g:mail:rw", MAIN_CF, check=True)
    lab.run("setfacl", "-d", "-m", "u:alice:rwx,o::r", "/etc/postfix", check=True)
    os.setxattr(lab.mailhost.main_cf, "user.note", b"mine\0\xff")
    lab.run("chattr", "+d", MAIN_CF, check=True)

    def seen():
        return [lab.run(*words, MAIN_CF, check=True).stdout
                for words in (("getfacl", "-p"), ("lsattr",), ("stat", "-c", "%A %u %g"))]

    before = seen()
    for _ in there_and_back(apply):
        assert seen() == before
        assert os.getxattr(lab.mailhost.main_cf, "user.note") == b"mine\0\xff"
    held = lab.run("getfacl", "-R", "-p", "/etc/postfix/detourd/private", check=True).stdout
    assert "alice" not in held or "#effective:---" in held


@BARE
def test_a_main_cf_that_chattr_protects(lab, apply):
    """Somebody wants no changes: said with the way out, and nothing is left behind."""
    apply("direct")
    names = sorted(os.listdir(lab.mailhost.main_cf.parent))
    before = apply.main_cf
    for path in (MAIN_CF, "/etc/postfix"):
        lab.run("chattr", "+i", path, check=True)
        answer = apply("relay", "office", "587")
        lab.run("chattr", "-i", path, check=True)
        assert (answer.result, answer.status) == ("refused", 1), answer
        assert f"{path} is immutable" in answer.reason and "chattr -i" in answer.reason, answer
        assert apply.main_cf == before
        assert sorted(os.listdir(lab.mailhost.main_cf.parent)) == names
        assert not list((lab.mailhost.main_cf.parent / "detourd/private").iterdir())
    assert apply("relay", "office", "587").result == "ok"


@BARE
def test_symbolic_links(lab, apply):
    """Absolute, and a chain of them to another directory; one that leads nowhere is refused."""
    before = apply.main_cf
    lab.run("sh", "-ec", "mkdir /etc/site; mv /etc/postfix/main.cf /etc/site/postfix.conf;"
            "ln -s ../site/postfix.conf /etc/postfix/middle; ln -s /etc/postfix/middle " + MAIN_CF,
            check=True)
    for _ in there_and_back(apply):
        links = lab.run("sh", "-c", "readlink /etc/postfix/main.cf /etc/postfix/middle")
        assert links.stdout == "/etc/postfix/middle\n../site/postfix.conf\n"
        assert lab.run("ls", "/etc/site").stdout == "postfix.conf\n"
    assert lab.run("cat", "/etc/site/postfix.conf").stdout.encode() == before
    lab.run("mv", "/etc/site/postfix.conf", "/etc/site/away", check=True)
    answer = apply("relay", "office", "587")
    assert answer.result == "failed" and MAIN_CF in answer.reason
    assert lab.run("ls", "/etc/site").stdout == "away\n"


@BARE
def test_a_second_name_keeps_the_old_file(lab, apply):
    """As with postconf -e: it may be somebody's copy."""
    lab.run("ln", MAIN_CF, "/etc/postfix/second", check=True)
    before = apply.main_cf
    for _ in there_and_back(apply):
        assert (lab.mailhost.main_cf.parent / "second").read_bytes() == before
    assert apply.main_cf == before


@BARE
def test_edits_by_many_at_the_same_time(lab, apply):
    """Routes and returns while others run postconf -e: nothing of either is lost."""
    lab.mailhost.stop()
    before = apply.main_cf

    def edit(editor):
        for i in range(EDITS):
            lab.run("postconf", "-e", f"edit_{editor}_{i} = {i}", check=True)

    with concurrent.futures.ThreadPoolExecutor(EDITORS) as pool:
        editors = [pool.submit(edit, editor) for editor in range(EDITORS)]
        while not all(editor.done() for editor in editors):
            for words in (("relay", "office", "587"), ("direct",)):
                answer = apply(*words, timeout=120)
                assert answer.result in ("ok", "unchanged") or "somebody else" in answer.reason
        for editor in editors:
            editor.result()
    lab.mailhost.backdate()
    assert apply("relay", "office", "587").result == "ok"
    assert apply("direct").result == "ok"
    lines = apply.main_cf.splitlines(keepends=True)
    ours = [line for line in lines if line.startswith(b"edit_")]
    assert sorted(ours) == sorted(f"edit_{editor}_{i} = {i}\n".encode()
                                  for editor in range(EDITORS) for i in range(EDITS))
    assert b"".join(line for line in lines if line not in ours) == before


@BARE
def test_a_long_main_cf(lab, apply):
    """Ten thousand lines, and Postfix has something to say about each."""
    apply.main_cf = apply.main_cf + b"".join(
        b"parameter_%d = a value, another value, and yet another value that nobody asks for, %s\n"
        % (i, b"x" * 60) for i in range(10000))
    before = apply.main_cf
    for _ in there_and_back(apply):
        pass
    assert apply.main_cf == before
