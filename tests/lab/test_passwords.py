# SPDX-License-Identifier: BSD-2-Clause
"""Passwords as people have them: each gets to a relay that asks for it as it is, or is refused."""

import pytest

from lab.apply import PASSWORD_FILE

LONG = b"x" + b"0123456789" * 99 + b":#$ y"

GOOD = {
    "colons": b":a::b:", "hash first": b"#no comment", "hash alone": b"#", "spaces": b"two  spaces here",
    "space first": b"  two in front", "tab first": b"\ttab", "tab inside": b"a\tb",
    "dollars": b"$mydomain ${x?y} $$ $(z) $", "backslashes": b"\\n \\0 \\ \\\\",
    "quotes": b"\"double\" 'single' `back`", "equals": b"= a = b", "brackets": b"[a]:{ b } <c>",
    "UTF-8": "pässwörd €🔑 e\u0301".encode(), "control characters": b"\x01\x1b[31m\x7f\x08x",
    "form feed inside": b"a\x0cb\x0bc", "1000 characters": LONG[:1000],
    "percent": b"%s%n%%41 %", "comma": b"a,b,,c", "a key's look": b"[relay.example]:587 user:other",
}
REFUSED = {
    "more than one line": b"hushhush\nmore\n", "carriage return": b"hushhush\r\n",
    "NUL": b"hush\0hush\n", "white space": b"hushhush \n", "ends with white": b"hushhush\t\n",
    "which Postfix's password": b"   \n", "is empty": b"\n", "must hold the password": b"",
    "not UTF-8": b"hushhush\xe9\n", "longer than": b"hushhush" * 513,
}


def give(host, path, content):
    host.write(path, "", mode=0o600)
    host.path(path).write_bytes(content)


def expect_delivery(lab, apply, password):
    """The relay takes the password and nothing else; a message goes through it."""
    assert len(password) <= 1000
    give(lab.relay.host, "/run/password", password)
    lab.run("sh", "-ec", 'saslpasswd2 -c -p -f /etc/postfix/sasl/sasldb2 -u "$0" "$1" </run/password',
            lab.relay.hostname, lab.relay.username, host=lab.relay.name, check=True)
    give(lab.mailhost, PASSWORD_FILE, password + b"\n")
    answer = apply("relay", "office", "587")
    assert answer.result == "ok", answer
    ident, = lab.mail(1)
    lab.wait_delivered([ident])
    lab.assert_exactly_once([ident], "relay")


def test_passwords_that_work(lab, apply):
    before = apply.main_cf
    for name, password in GOOD.items():
        try:
            expect_delivery(lab, apply, password)
        except AssertionError as error:
            raise AssertionError(name) from error
    assert apply("direct").result == "ok"
    assert apply.main_cf == before


def test_latin1_where_the_owner_has_no_smtputf8(lab, apply):
    lab.mailhost.postconf("smtputf8_enable = no")
    expect_delivery(lab, apply, b"caf\xe9 \xff\xfe\x80")


def files(apply):
    """All but the time of the directory in which the copy to be checked was made and removed."""
    found = apply.files()
    found.pop("detourd", None)
    return found


@pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)
def test_passwords_that_are_refused(lab, apply):
    """With the reason, and before anything is touched."""
    apply("direct")
    before = files(apply)
    for word, content in REFUSED.items():
        give(lab.mailhost, PASSWORD_FILE, content)
        answer = apply("relay", "office", "587")
        assert (answer.result, answer.status) == ("refused", 1), (word, answer)
        assert word in answer.reason, answer
        assert "hush" not in answer.text
        assert files(apply) == before, word
