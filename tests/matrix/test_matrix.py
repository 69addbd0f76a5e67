# SPDX-License-Identifier: BSD-2-Clause
"""What has to be true of every Postfix: the story, no bounce, drift, nothing left behind.

Played by matrix.py on each release and with each method; the details are in tests/lab.
"""

import re
import threading

import pytest

from lab import wait_until
from lab.product import CONFIG, program

SOON = 60   # s: a wait that should end within seconds


@pytest.fixture
def product(lab, method):
    """The programs, configured for the method."""
    lab.product.configure(postfix=f"method = {method}")
    return lab.product


def owned(lab):
    """What is the owner's: main.cf, master.cf, and that there is nothing of ours beside them."""
    top = lab.mailhost.main_cf.parent
    return (lab.mailhost.main_cf.read_bytes(), lab.mailhost.master_cf.read_bytes(),
            sorted(str(path.relative_to(top)) for path in top.rglob("*")
                   if path.relative_to(top).parts[0] != "detourd"))


def ask(product, *words):
    """A request, which must be granted."""
    last = product.apply(*words, timeout=120)[-1]
    assert last["result"] in ("ok", "unchanged"), last


def leave(lab, method):
    """Direct again, and with the method transport nothing installed any more."""
    if method == "transport":
        ask(lab.product, "remove")
    private = lab.mailhost.main_cf.parent / "detourd/private"
    assert not private.exists() or not list(private.iterdir())
    assert "detourd" not in (lab.mailhost.main_cf.read_text() + lab.mailhost.master_cf.read_text())
    lab.run("postfix", "check", check=True)


def verdict(status):
    return (status["verdict"]["ipv4"] or {}).get("name")


# The story.

@pytest.mark.parametrize("block, patience", [("rst", 60), ("drop", 180)])
def test_a_hundred_messages_survive_a_block(lab, product, method, block, patience):
    before = owned(lab)
    product.start_applier()
    product.start_daemon()
    product.wait_status(lambda s: verdict(s) == "open" and s["postfix"]["running"] is not None
                        and all(r["state"] == "proven" for r in s["relays"]), SOON)
    lab.block(25, block, spare_established=True)
    ids = lab.mail(100, domains=50)
    status = product.wait_route("office")
    assert status["route"]["port"] == 587 and verdict(status) == "blocked"
    lab.wait_delivered(ids, timeout=patience)
    lab.assert_exactly_once(ids)
    assert "relay" in {place for sent in lab.delivered().values() for place, _ in sent}
    # What comes now goes through the relay at once.
    fresh = lab.mail(10, domains=10)
    lab.wait_delivered(fresh, timeout=SOON)
    lab.assert_exactly_once(fresh, "relay")
    lab.unblock()
    product.wait_route("direct")
    later = lab.mail(20, domains=20)
    lab.wait_delivered(later, timeout=SOON)
    lab.assert_exactly_once(later, "direct")
    product.daemon.stop()
    leave(lab, method)
    assert owned(lab) == before
    assert not lab.bounced()
    quiet(lab)


# What Debian 13's "postfix check" says of every symbolic link.
LINK_WRITABLE = "group or other writable: /etc/postfix/./detourd/routes/now"


def quiet(lab):
    """Postfix has complained of nothing that it has met through us."""
    log = lab.mailhost.log()
    complaints = re.findall(r"(?:fatal|panic|warning): (.*detour.*)", log)
    assert set(complaints) <= {LINK_WRITABLE}
    assert "panic:" not in log and "fatal:" not in log


# No bounce.

class Traffic:
    """Mail that does not stop while something else is done, and is never more than Postfix takes."""

    def __init__(self, lab):
        self.ids, self._lab, self._over = [], lab, threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self):
        while not self._over.is_set():
            self.ids += self._lab.mail(20, domains=20)
            wait_until(lambda: len(self.ids) - len(self._lab.delivered()) < 100
                       or self._over.is_set(), 120, "mail leaves")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def answered(lab, *words):
    """A request that is granted, as detourd waits for it: until the answer, not for the backlog."""
    asked = lab.mailhost.spawn(program("detour-apply"), "-c", CONFIG, "--json", *words)
    assert asked.wait_log(r'^\{"result":"(\w+)"', 120).group(1) == "ok", asked.output()


# A process of these serves twice and is replaced: there is always one that knows the newest file.
@pytest.mark.lab(main_cf="max_use = 2\nmax_idle = 1s\n")
def test_no_message_bounces_while_the_route_changes(lab, product, method):
    before = owned(lab)
    with Traffic(lab) as traffic:
        answered(lab, "relay", "office", "587")
        answered(lab, "relay", "office", "2525")
        answered(lab, "direct")
    assert len(traffic.ids) > 100
    lab.wait_delivered(traffic.ids, timeout=120)
    lab.assert_exactly_once(traffic.ids)
    assert not lab.bounced()
    assert "Access denied" not in lab.mailhost.log()
    leave(lab, method)
    assert owned(lab) == before


# Other hands.

SMALL = pytest.mark.lab(operators=2, mx_hosts=1, domains=2)
OURS = {"relayhost": "relayhost", "transport": "sender_dependent_default_transport_maps"}


@SMALL
def test_an_edit_of_ours_is_named_and_stays(lab, product, method):
    ask(product, "relay", "office", "587")
    assert lab.mailhost.postconf(OURS[method])
    lab.run("postconf", "-e", f"{OURS[method]} = static:DUNNO" if method == "transport"
            else "relayhost = [other.example]", check=True)
    assert OURS[method] in " ".join(product.apply("status")[-1]["drift"])
    refused = product.apply("relay", "office", "2525")[-1]
    assert refused["result"] == "refused" and "detourctl release" in refused["reason"]
    ask(product, "direct")
    edited = lab.mailhost.main_cf.read_text()
    leave(lab, method)
    assert edited.count("static:DUNNO" if method == "transport" else "[other.example]") == 1
    assert product.apply("status")[-1]["drift"] == []


@SMALL
def test_edits_of_theirs_outlast_the_route(lab, product, method):
    before = lab.mailhost.main_cf.read_text()
    ask(product, "relay", "office", "587")
    lab.run("postconf", "-e", "maximal_queue_lifetime = 3d", check=True)
    assert product.apply("status")[-1]["drift"] == []
    ask(product, "direct")
    leave(lab, method)
    assert lab.mailhost.main_cf.read_text() == before + "maximal_queue_lifetime = 3d\n"


# Files.

@SMALL
def test_passwords_are_roots_alone_in_this_releases_kind_of_table(lab, product, method):
    kind = lab.mailhost.postconf("default_database_type")
    ask(product, "relay", "office", "587")
    top = lab.mailhost.main_cf.parent / "detourd"
    tables = [path for path in top.rglob("*.*") if path.suffix in (".db", ".cdb", ".lmdb")]
    assert {path.suffix for path in tables} == {{"hash": ".db"}.get(kind, f".{kind}")}
    holders = [path for path in top.rglob("*")
               if path.is_file() and lab.relay.password.encode() in path.read_bytes()]
    assert holders and all(path.stat().st_mode & 0o077 == 0 for path in holders)
    ids = lab.mail(5)
    lab.wait_delivered(ids, timeout=SOON)
    lab.assert_exactly_once(ids, "relay")
    ask(product, "direct")
    leave(lab, method)
    quiet(lab)


@SMALL
def test_a_stopped_postfix_starts_with_the_route(lab, product, method):
    lab.mailhost.stop()
    ask(product, "relay", "office", "587")
    lab.mailhost.start()
    ids = lab.mail(5)
    lab.wait_delivered(ids, timeout=SOON)
    lab.assert_exactly_once(ids, "relay")
    lab.mailhost.stop()
    ask(product, "direct")
    lab.mailhost.start()
    ids = lab.mail(5)
    lab.wait_delivered(ids, timeout=SOON)
    lab.assert_exactly_once(ids, "direct")
    leave(lab, method)


@SMALL
def test_an_owners_berkeley_db_stays_and_is_asked(lab, product, method):
    """Newer releases warn of such tables at every turn; that is no reason against a switch."""
    lab.mailhost.write("/etc/postfix/transport", "d001.example  smtp:[mx1.op1.example]\n")
    lab.run("postmap", "hash:/etc/postfix/transport", check=True)
    lab.mailhost.postconf("transport_maps = hash:/etc/postfix/transport")
    lab.mailhost.reload()
    before = owned(lab)
    ask(product, "relay", "office", "587")
    ids = lab.mail(4)   # to both domains by turns
    lab.wait_delivered(ids, timeout=SOON)
    lab.assert_exactly_once(ids[::2], "relay")
    lab.assert_exactly_once(ids[1::2], "direct")
    ask(product, "direct")
    leave(lab, method)
    assert owned(lab) == before


@SMALL
def test_an_owners_parameter_that_is_on_its_way_out(lab, product, method):
    """Postfix 3.11 warns of it; also where a service of ours has to overrule it."""
    lab.mailhost.postconf("smtp_cname_overrides_servername = yes")
    lab.mailhost.reload()
    before = owned(lab)
    if method == "relayhost":
        last = product.apply("relay", "office", "587")[-1]
        assert last["result"] == "refused" and "CNAME" in last["reason"], last
    else:
        ask(product, "relay", "office", "587")
        ids = lab.mail(2)
        lab.wait_delivered(ids, timeout=SOON)
        lab.assert_exactly_once(ids, "relay")
        ask(product, "direct")
        leave(lab, method)
    assert owned(lab) == before
