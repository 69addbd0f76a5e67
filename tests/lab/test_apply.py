# SPDX-License-Identifier: BSD-2-Clause
"""detour-apply on a real Postfix: the route is changed whole or not at all, and given back."""

import concurrent.futures
import os
import pathlib
import re
import secrets
import socket
import stat

import pytest

from lab import wait_until
from lab.apply import CONF, PASSWORD_FILE, Answer
from lab.product import program

RELAYHOST = "[relay.example]:587"
BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)


# A switch and its return.

@pytest.mark.lab(main_cf="smtp_tls_loglevel = 1")
def test_mail_leaves_by_the_relay_and_direct_again(lab, apply):
    before = apply.main_cf
    lab.block(25, "rst")
    assert apply("relay", "office", "587").result == "ok"
    assert lab.mailhost.postconf("relayhost") == RELAYHOST
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    log = lab.mailhost.log()
    assert "Verified TLS connection established to relay.example" in log
    assert re.search(r"sasl_method=(PLAIN|LOGIN), sasl_username=" + lab.relay.username,
                     lab.relay.host.log())
    assert not re.search("warning|fatal|panic", log), log
    lab.unblock()
    assert apply("direct").result == "ok"
    assert apply.main_cf == before
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")


@pytest.mark.parametrize("level, certificate, port", [
    ("verify", "good", "2525"), ("encrypt", "self-signed", "587"),
    ("secure", "wrong-name", "587")])
def test_tls_levels(lab, apply, level, certificate, port):
    """`encrypt` takes any certificate, the others do not, and then the password stays here."""
    lab.relay.certificate(certificate)
    apply.configure(postfix=f"tls_level = {level}")
    assert apply("relay", "office", port).result == "ok"
    ident, = lab.mail(1)
    if (level, certificate) == ("secure", "wrong-name"):
        lab.mailhost.wait_log("status=deferred .*certificate")
        assert "sasl_method" not in lab.relay.host.log()
    else:
        lab.wait_delivered([ident])
        lab.assert_exactly_once([ident], "relay")


def test_the_eavesdropper_hears_no_password(lab, apply):
    lab.eavesdropper.start("no-starttls")
    apply.configure(host="eavesdropper.example")
    assert apply("relay", "office", "587").result == "ok"
    lab.mail(1)
    lab.mailhost.wait_log("status=deferred .*TLS is required")
    assert lab.eavesdropper.heard()
    assert not lab.eavesdropper.has_heard(lab.relay.username, lab.relay.password)


def variants(text):
    """The owner's main.cf in many hands."""
    lines = text.decode().splitlines()
    continued = ["smtp_sasl_password_maps =", "# one", "  hash:/etc/aliases,", "",
                 "\thash:/etc/aliases"]
    yield "Debian's", text
    yield "tabs", re.sub(rb" = ?", b"\t=\t", text)
    yield "no spaces", text.replace(b" = ", b"=")
    yield "carriage returns", b"\r\n".join(text.split(b"\n"))
    yield "no newline at the end", text.rstrip(b"\n")
    yield "relayhost last, no newline", "\n".join(
        [line for line in lines if not line.startswith("relayhost")] + ["relayhost ="]).encode()
    yield "continued lines", "\n".join([*lines, *continued, ""]).encode()
    yield "continued to the end", "\n".join([*lines, *continued]).encode()
    yield "a name twice", text + b"relayhost =\n"
    yield "relayhost not there", re.sub(rb"(?m)^relayhost.*\n", b"", text)
    yield "other bytes", text + b"# caf\xe9 \xff\n"
    yield "white space at the end", text + b"  \n\t\n \n"


def test_main_cf_is_given_back_byte_for_byte(lab, apply):
    lab.mailhost.stop()     # Files alone: each reload would cost its seconds.
    for name, text in list(variants(apply.main_cf)):
        apply.main_cf = text
        warnings = lab.run("postconf", "-n").stderr
        answer = apply("relay", "office", "587")
        assert answer.result == "ok", (name, answer)
        assert lab.mailhost.postconf("relayhost") == RELAYHOST, name
        assert lab.run("postconf", "-n").stderr == warnings, name
        assert apply("direct").result == "ok", name
        assert apply.main_cf == text, name


@BARE
def test_from_relay_to_relay(lab, apply):
    """The second route begins with the owner's main.cf, not with the first route's."""
    before = apply.main_cf
    for port in ("587", "2525", "587"):
        assert apply("relay", "office", port).result == "ok"
        assert apply("relay", "office", port).result == "unchanged"
        assert lab.mailhost.postconf("relayhost") == f"[relay.example]:{port}"
        assert apply.main_cf.count(b"relay.example") == 1
        assert lab.mailhost.postconf("smtp_sasl_password_maps").count("hash:") == 1
    assert apply("direct").result == "ok"
    assert apply("direct").result == "unchanged"
    assert apply.main_cf == before
    assert not list(lab.mailhost.main_cf.parent.glob("main.cf.*"))
    assert not lab.mailhost.path("/etc/postfix/detourd/stage").exists()


@BARE
def test_owner_mode_and_links_stay(lab, apply):
    path = lab.mailhost.main_cf
    for mode, group in ((0o600, 0), (0o640, 4242), (0o444, 0)):
        os.chmod(path, mode)
        os.chown(path, 0, group)
        for words in (("relay", "office", "587"), ("direct",)):
            assert apply(*words).result == "ok"
            status = path.stat()
            assert (stat.S_IMODE(status.st_mode), status.st_gid) == (mode, group)
    before = apply.main_cf
    lab.run("sh", "-ec", "mkdir /etc/postfix/real; mv /etc/postfix/main.cf /etc/postfix/real/x.cf;"
            "ln -s real/x.cf /etc/postfix/main.cf", check=True)
    for words in (("relay", "office", "587"), ("direct",)):
        assert apply(*words).result == "ok"
        assert os.readlink(path) == "real/x.cf"
    assert apply.main_cf == before
    assert os.listdir(path.parent / "real") == ["x.cf"]


@BARE
def test_edits_by_others_survive_the_return(lab, apply):
    assert apply("relay", "office", "587").result == "ok"
    lab.mailhost.postconf("maximal_queue_lifetime = 3d", "mydestination = a.example")
    assert apply("direct").result == "ok"
    assert lab.mailhost.postconf("maximal_queue_lifetime") == "3d"
    assert lab.mailhost.postconf("mydestination") == "a.example"
    assert b"detourd" not in apply.main_cf


@BARE
def test_an_edit_at_the_same_time_is_not_lost(lab, apply):
    names = ["maximal_queue_lifetime", "bounce_queue_lifetime", "queue_run_delay",
             "minimal_backoff_time"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for i, name in enumerate(names):
            edit = pool.submit(lab.run, "postconf", "-e", f"{name} = 400{i}s", check=True)
            words = ("relay", "office", "587") if i % 2 == 0 else ("direct",)
            assert apply(*words).result == "ok"
            edit.result()
    for i, name in enumerate(names):
        assert lab.mailhost.postconf(name) == f"400{i}s"
    assert lab.mailhost.postconf("relayhost") == ""


def test_every_map_type_of_the_hosts(lab, apply):
    """Their files have different names: hash and btree .db, cdb .cdb, lmdb .lmdb."""
    types = set(lab.run("postconf", "-m", check=True).stdout.split())
    main_cf = apply.main_cf
    for kind in sorted(types & {"btree", "cdb", "lmdb"}):
        lab.mailhost.postconf(f"default_database_type = {kind}")
        assert apply("relay", "office", "587").result == "ok"
        assert lab.mailhost.postconf("smtp_sasl_password_maps").startswith(f"{kind}:/etc/postfix/")
        ident, = lab.mail(1)
        lab.wait_delivered([ident])
        lab.assert_exactly_once([ident], "relay")
        assert apply("direct").result == "ok"
        apply.main_cf = main_cf


# What is refused, and that nothing is touched then.

@BARE
def test_bad_requests_touch_nothing(lab, apply):
    before = apply.files()
    cases = {"1 relay nobody 587\\n": "no relay nobody", "1 relay office 25\\n": "port 25",
             "1 dance\\n": "unknown verb", "2 direct\\n": "version",
             "1 direct\\n1 direct\\n": "one line",
             "1 direct": "half a line", "": "no request", "1 dir\\0ect\\n": "bytes",
             "x" * 300: "longer", "1 relay ../../x 587\\n": "name", "\\n": "expected",
             "1 relay office 587 2525\\n": "expected", "1 direct now\\n": "argument"}
    for line, word in cases.items():
        answer = apply.ask(line)
        assert (answer.result, answer.status) == ("refused", 1), line
        assert word in answer.reason, (line, answer)
    for words in (("relay", "nobody", "587"), ("relay", "office", "25")):
        assert apply(*words).result == "refused"
    for words in (("dance",), ("relay", "office"), ("relay", "office", "x"), ("direct", "now")):
        done = lab.run(program("detour-apply"), "-c", CONF, *words)
        assert done.returncode == 2 and "usage" in done.stderr
    assert apply.files() == before


REFUSALS = {
    "relay_domains = other.example": "relay_domains = other.example",
    "sender_dependent_relayhost_maps = hash:/etc/aliases": "sender_dependent_relayhost_maps",
    "sender_dependent_default_transport_maps = hash:/etc/aliases": "default_transport_maps",
    "smtp_sender_dependent_authentication = yes": "smtp_sender_dependent_authentication = yes",
    "smtp_tls_wrappermode = yes": "smtp_tls_wrappermode = yes",
    "smtp_tls_per_site = hash:/etc/aliases": "smtp_tls_per_site",
    "smtp_cname_overrides_servername = yes": "smtp_cname_overrides_servername = yes",
    "relayhost = [home.example]": "replace_relayhost",
    "default_transport = smtp:[home.example]": "default_transport = smtp:[home.example]",
    "smtp_sasl_type = dovecot": "smtp_sasl_type = dovecot",
    "default_database_type = nosuchtype": "default_database_type = nosuchtype",
}
MASTER_REFUSALS = {
    ("-P", "smtp/unix/smtp_tls_policy_maps=hash:/etc/aliases"): "-o smtp_tls_policy_maps",
    ("-P", "smtp/unix/smtp_sasl_password_maps=static:a:hushhush"):
        "-o smtp_sasl_password_maps=...",
    ("-P", "smtp/unix/smtp_delivery_status_filter=static:5.0.0"): "-o smtp_delivery_status_filter",
    ("-P", "rewrite/unix/relayhost=[x.example]"): "-o relayhost",
    ("-MX", "smtp/unix"): "smtp unix",
    ("-F", "smtp/unix/command=lmtp"): "smtp unix",
}


@BARE
def test_what_cannot_be_done_safely_is_refused(lab, apply):
    main_cf, master_cf = apply.main_cf, lab.mailhost.master_cf.read_bytes()

    def check(word):
        before = apply.files()
        answer = apply("relay", "office", "587")
        assert (answer.result, answer.status) == ("refused", 1), word
        assert word in answer.reason, answer
        assert apply("plan", "relay", "office", "587").reason == answer.reason
        assert any(word in refusal for refusal in apply("facts").last["refusals"])
        assert "hushhush" not in answer.text
        after = apply.files()
        assert {name: after[name] for name in before if name != "detourd"} == {
            name: before[name] for name in before if name != "detourd"}

    for setting, word in REFUSALS.items():
        lab.mailhost.postconf(setting)
        check(word)
        apply.main_cf = main_cf
    for words, word in MASTER_REFUSALS.items():
        lab.run("postconf", *words, check=True)
        check(word)
        lab.mailhost.master_cf.write_bytes(master_cf)
    assert apply("relay", "office", "587").result == "ok"
    assert apply("facts").last["refusals"] == []


@BARE
def test_what_looks_like_a_refusal_and_is_none(lab, apply):
    main_cf = apply.main_cf
    for settings in (["relay_domains = $mydestination"],
                     ["relay_domains = localhost"],
                     ["compatibility_level = 1"],
                     ["smtp_tls_per_site = hash:/etc/aliases",
                      "smtp_tls_policy_maps = hash:/etc/aliases"],
                     ["home =", "relayhost = $home"]):
        lab.mailhost.postconf(*settings)
        before = apply.main_cf
        answer = apply("relay", "office", "587")
        assert answer.result == "ok", (settings, answer)
        assert apply("direct").result == "ok"
        assert apply.main_cf == before
        apply.main_cf = main_cf


@BARE
def test_the_owners_relayhost_is_replaced_only_when_told(lab, apply):
    lab.mailhost.postconf("relayhost = [home.example]:26")
    before = apply.main_cf
    apply.configure(postfix="replace_relayhost = yes")
    assert apply("relay", "office", "587").result == "ok"
    assert lab.mailhost.postconf("relayhost") == RELAYHOST
    assert b"#detourd: relayhost = [home.example]:26\n" in apply.main_cf
    assert apply("direct").result == "ok"
    assert apply.main_cf == before


@BARE
def test_notes_say_what_a_route_does_not_reach(lab, apply):
    lab.mailhost.postconf("transport_maps = hash:/etc/aliases",
            "smtp_fallback_relay = [last.example]", "smtp_sasl_mechanism_filter = login",
            "bounce_queue_lifetime = 0s", "mime_nesting_limit = 5",
            "smtp_delivery_status_filter = inline:{ {x = y} }")
    for answer in (apply("facts"), apply("plan", "relay", "office", "587"),
                   apply("relay", "office", "587")):
        notes = " ".join(answer.last["notes"] + answer.last.get("not_following", []))
        for name in ("transport_maps", "smtp_fallback_relay", "smtp_sasl_mechanism_filter",
                     "bounce_queue_lifetime = 0s", "mime_nesting_limit = 5",
                     "Server certificate not verified"):
            assert name in notes


@BARE
def test_what_others_could_have_written_is_refused(lab, apply):
    before = apply.files()
    apply.give_password("hushhush", mode=0o644)
    answer = apply("relay", "office", "587")
    assert answer.result == "refused" and PASSWORD_FILE in answer.reason
    apply.give_password("hushhush", mode=0o640, owner="root:alice")
    assert apply("relay", "office", "587").result == "refused"
    apply.give_password("hushhush", mode=0o640, owner="root:detourd")
    assert apply("plan", "relay", "office", "587").result == "ok"
    for path in (CONF, "/etc/detourd/catalogue/relays.conf", "/etc/detourd"):
        lab.run("chmod", "go+w", path, check=True)
        answer = apply("status")
        assert (answer.result, answer.status) == ("failed", 2)
        assert path in answer.reason
        lab.run("chmod", "go-w", path, check=True)
    lab.run("chmod", "g+w", "/etc/postfix", check=True)
    assert "can be written by others" in apply("direct").reason
    lab.run("chmod", "g-w", "/etc/postfix", check=True)
    after = apply.files()
    after.pop("detourd", None)
    after.pop("detourd/private", None)
    after.pop("detourd/lock", None)
    assert after == before


@BARE
def test_observe_changes_nothing(lab, apply):
    apply.configure(mode="observe")
    before = apply.files()
    answer = apply.ask("1 relay office 587\\n")
    assert answer.result == "refused" and "observe" in answer.reason
    assert apply.files() == before


# Secrets.

def test_every_password_reaches_the_relay_and_nobody_else(lab, apply):
    odd = "a:b#c $d ${e} \\ \"q\" 'r' pässwörd " + secrets.token_hex(500)
    for password in (odd, " :" + secrets.token_hex(4)):
        lab.relay._set_password(password)
        apply.give_password(password)
        done, trace = apply.traced("relay", "office", "587", options=(
            "-f", "-v", "-s", "9999", "-e", "trace=execve"))
        assert Answer(done.stdout).result == "ok", done.stdout
        assert "postmap" in trace and password not in trace
        ident, = lab.mail(1)
        lab.wait_delivered([ident])
        lab.assert_exactly_once([ident], "relay")
        said = [done.stdout, done.stderr, lab.mailhost.log()]
        said += [apply(*words).text for words in (("status",), ("facts",), ("plan", "direct"))]
        assert not any(password in text or password[:12] in text for text in said)
        assert apply("direct").result == "ok"


@BARE
def test_secrets_are_for_root_alone_and_go_with_the_route(lab, apply):
    apply("relay", "office", "587")
    top = lab.mailhost.main_cf.parent / "detourd"
    holding = [path for path in top.rglob("*")
               if path.is_file() and apply.password.encode() in path.read_bytes()]
    assert holding
    for path in holding:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_uid == 0
    assert stat.S_IMODE((top / "private").stat().st_mode) == 0o700
    assert lab.run("ls", "/etc/postfix/detourd/private", user="alice").returncode != 0
    assert apply.password.encode() not in apply.main_cf
    old = set(path.name for path in (top / "private").iterdir())
    apply("relay", "office", "2525")
    new = set(path.name for path in (top / "private").iterdir())
    assert len(new) == 1 and old != new
    apply("direct")
    assert not [path for path in top.rglob("*")
                if path.is_file() and apply.password.encode() in path.read_bytes()]


@BARE
def test_a_password_that_no_map_can_hold_is_refused(lab, apply):
    apply.give_password("hushhush ")
    answer = apply("relay", "office", "587")
    assert answer.result == "refused" and "white space" in answer.reason
    assert "hushhush" not in answer.text


@BARE
def test_a_new_password_is_a_change(lab, apply):
    assert apply("relay", "office", "587").result == "ok"
    assert apply("relay", "office", "587").result == "unchanged"
    apply.give_password("another")
    assert apply("relay", "office", "587").result == "ok"
    assert apply("relay", "office", "587").result == "unchanged"


@BARE
def test_the_owners_password_in_main_cf_is_not_shown(lab, apply):
    lab.mailhost.postconf("smtp_sasl_password_maps = static:me:hushhush")
    answer = apply("plan", "relay", "office", "587")
    assert answer.result == "ok" and "(hidden)" in answer.text
    assert "hushhush" not in answer.text
    assert "hushhush" not in apply("relay", "office", "587").text
    assert "hushhush" not in apply("plan", "direct").text


def test_authorities_of_the_owner_go_on_to_count(lab, apply):
    """The owner verifies one destination by an authority of their own."""
    lab.mailhost.write("/etc/postfix/mine.pem", pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
                       .read_text()[:20000].rpartition("-----BEGIN")[0])
    lab.mailhost.postconf("smtp_tls_CAfile = $config_directory/mine.pem")
    answer = apply("relay", "office", "587")
    assert answer.result == "ok" and "smtp_tls_CAfile" in " ".join(answer.last["notes"])
    merged = lab.mailhost.path(lab.mailhost.postconf("smtp_tls_CAfile")).read_text()
    assert merged.startswith(lab.mailhost.path("/etc/postfix/mine.pem").read_text())
    assert lab.authority.certificate.read_text() in merged
    ident, = lab.mail(1)
    lab.wait_delivered([ident])
    lab.assert_exactly_once([ident], "relay")


# A Postfix that is stopped, missing or broken.

@BARE
def test_a_stopped_postfix_is_changed_all_the_same(lab, apply):
    lab.mailhost.stop()
    assert apply("status").last["running"] is False
    answer = apply("relay", "office", "587")
    assert answer.result == "ok" and "not running" in answer.reason
    status = apply("status").last
    assert re.fullmatch("[0-9a-f]{16}", status.pop("fingerprint"))
    assert status.pop("shield")["held"] == 0
    assert status == {"result": "ok", "route": {"name": "office", "port": 587}, "drift": [],
                      "installed": False, "advice": [], "unfinished": False,
                      "running": False, "queue": 0, "outside": None}
    assert apply("direct").result == "ok"


@BARE
def test_no_postfix(lab, apply):
    lab.run("mv", "/etc/postfix/main.cf", "/etc/postfix/away", check=True)
    for words in (("status",), ("facts",), ("direct",), ("relay", "office", "587"),
                  ("plan", "direct")):
        answer = apply(*words)
        assert (answer.result, answer.status) == ("failed", 1)
        assert "/etc/postfix/main.cf" in answer.reason
    lab.run("sh", "-ec", "mkdir /run/none; mount --bind /run/none /usr/sbin", check=True)
    assert "Postfix is not installed" in apply("status").reason


def replace_tool(lab, path, script):
    """Put a shell SCRIPT in the place of a tool; "$REAL" in it is the tool itself."""
    real = "/run/real-" + pathlib.PurePath(path).name
    lab.run("cp", path, real, check=True)
    lab.mailhost.write("/run/fake", f"#!/bin/sh\nREAL={real}\n{script}\n", mode=0o755)
    lab.run("mount", "--bind", "/run/fake", path, check=True)


@pytest.mark.parametrize("tool, script", [
    ("postmap", "exit 1"),
    ("postmap", 'case $* in *-q*) echo other; exit 0;; esac; exec "$REAL" "$@"'),
    ("postmap", "kill -9 $$"),
    ("postfix", 'case $* in *check*) echo "bad thing" >&2; exit 1;; esac; exec "$REAL" "$@"'),
    ("postfix", 'case $* in *reload*) echo "bad thing" >&2; exit 1;; esac; exec "$REAL" "$@"'),
    ("postconf", 'case $* in *-n*) grep "^relayhost = .relay" $2/main.cf >&2;; esac; '
                 'exec "$REAL" "$@"'),
    ("postconf", 'case $* in *-n*) "$REAL" "$@" | sed "s/^relayhost = .relay.*/relayhost =/";; '
                 '*) exec "$REAL" "$@";; esac'),
    ("postconf", '"$REAL" "$@"; case $* in *-n*) '
                 'if grep -q "^relayhost = .relay" $2/main.cf; then echo "mydomain = x"; fi;; '
                 'esac'),
    ("postconf", 'case $* in "-c /etc/postfix -n") '
                 ': read back; '
                 '"$REAL" "$@" | sed "s/^\\(smtp_sasl_auth_enable\\) = yes/\\1 = no/";; '
                 '*) exec "$REAL" "$@";; esac'),
    ("postconf", 'case $* in "-c /etc/postfix -n") : read back; "$REAL" "$@"; '
                 'echo "mydomain = x.example";; *) exec "$REAL" "$@";; esac'),
    ("postconf", 'case $* in "-c /etc/postfix -n") : read back; "$REAL" "$@" | sed /^biff/d;; '
                 '*) exec "$REAL" "$@";; esac'),
    ("postconf", 'case $* in "-c /etc/postfix -n") : read back; '
                 'echo "postconf: warning: something new" >&2;; esac; exec "$REAL" "$@"'),
])
@BARE
def test_a_failing_tool_leaves_all_as_it_was(lab, apply, tool, script):
    before = apply.main_cf
    replace_tool(lab, f"/usr/sbin/{tool}", script)
    answer = apply("relay", "office", "587")
    assert (answer.result, answer.status) == ("failed", 1)
    assert apply.main_cf == before
    assert ("undo" in answer.steps) == ("reload" in script or "read back" in script)
    if "undo" in answer.steps:
        assert "put back" in answer.reason
    lab.run("umount", f"/usr/sbin/{tool}", check=True)
    assert not list((lab.mailhost.main_cf.parent / "detourd/private").iterdir())
    assert apply("relay", "office", "587").result == "ok"
    assert apply("direct").result == "ok"
    assert apply.main_cf == before


@pytest.mark.parametrize("change", [
    '"$REAL" "$@"; echo "mydomain = x.example"', '"$REAL" "$@" | sed /^biff/d',
    '"$REAL" "$@" | sed "s/^relayhost =.*/relayhost = [other.example]/"'])
@BARE
def test_a_return_that_changes_too_much_is_taken_back(lab, apply, change):
    """What Postfix reads after the commit must be just what it was to read; so too on the way back."""
    assert apply("relay", "office", "587").result == "ok"
    before = apply.main_cf
    replace_tool(lab, "/usr/sbin/postconf", 'case $* in "-c /etc/postfix -n") '
                 f'grep -q "^relayhost = .relay" $2/main.cf || {{ {change}; exit; }};; esac; '
                 'exec "$REAL" "$@"')
    answer = apply("direct")
    assert (answer.result, answer.status) == ("failed", 1)
    assert not answer.steps["verify"]["ok"] and answer.steps["undo"]["ok"], answer
    assert "put back" in answer.reason
    assert apply.main_cf == before
    assert lab.mailhost.postconf("relayhost") == RELAYHOST
    lab.run("umount", "/usr/sbin/postconf", check=True)
    assert apply("direct").result == "ok"


@BARE
def test_a_main_cf_that_is_swapped_under_us_is_not_overwritten(lab, apply):
    """Somebody else's file between our commit and our look: said, and left alone."""
    replace_tool(lab, "/usr/sbin/postfix", '"$REAL" "$@" || exit; case $* in *reload*) '
                 'grep -q "^relayhost = .relay" $2/main.cf && cp $2/theirs $2/main.cf;; esac; true')
    theirs = apply.main_cf + b"# a template\n"
    (lab.mailhost.main_cf.parent / "theirs").write_bytes(theirs)
    answer = apply("relay", "office", "587")
    assert (answer.result, answer.status) == ("failed", 1)
    assert "changed by somebody else" in answer.reason, answer
    assert apply.main_cf == theirs


@BARE
def test_an_edit_between_commit_and_look_is_no_failure(lab, apply):
    replace_tool(lab, "/usr/sbin/postfix", '"$REAL" "$@" || exit; case $* in *reload*) '
                 'grep -q "^relayhost = .relay" $2/main.cf && '
                 'postconf -e maximal_queue_lifetime=3d;; esac; true')
    before = apply.main_cf
    answer = apply("relay", "office", "587")
    assert answer.result == "ok" and "somebody else" in answer.steps["verify"]["detail"], answer
    lab.run("umount", "/usr/sbin/postfix", check=True)
    assert apply("direct").result == "ok"
    assert apply.main_cf == before + b"maximal_queue_lifetime = 3d\n"


# A run that is cut off; tests/faults does it at every call.

@BARE
def test_what_was_cut_off_after_the_rename_is_finished(lab, apply):
    """The next run finds the route in force and reloads nevertheless."""
    replace_tool(lab, "/usr/sbin/postfix", 'case $* in *reload*) '
                 'grep -q "^relayhost = .relay" $2/main.cf && { kill -9 $PPID; exit 1; };; esac; '
                 'exec "$REAL" "$@"')
    lab.run(program("detour-apply"), "-c", CONF, "relay", "office", "587")
    status = apply("status").last
    assert status["unfinished"] is True and status["route"] == {"name": "office", "port": 587}
    lab.run("umount", "/usr/sbin/postfix", check=True)
    start = len(lab.mailhost.log())
    answer = apply("relay", "office", "587")
    assert answer.result == "unchanged" and answer.steps["reload"]["ok"] and answer.steps["flush"]
    lab.mailhost.wait_log("reload -- version", start=start)
    assert apply("status").last["unfinished"] is False


@BARE
def test_files_half_replaced_go_even_when_nothing_changes(lab, apply):
    apply("direct")
    before = apply.files()
    for name in ("unfinished.new", "main.cf.before.new"):
        lab.mailhost.write(f"/etc/postfix/detourd/{name}", "half", mode=0o600)
    assert apply("direct").result == "unchanged"
    assert apply.files().keys() == before.keys()


@BARE
def test_a_caller_that_goes_away_stops_nothing(lab, apply):
    """Nor does one that does not read."""
    lab.run("sh", "-c", 'printf "1 relay office 587\\n" | "$0" -c "$1" | head -c 1',
            program("detour-apply"), CONF)
    wait_until(lambda: apply("status").last["route"]["name"] == "office", 10, "the switch is made")
    wait_until(lambda: not apply("status").last["unfinished"], 10, "the switch is finished")


@BARE
def test_two_at_once_wait_for_each_other(lab, apply):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ports = ["587", "2525"] * 2
        answers = list(pool.map(lambda port: apply("relay", "office", port), ports))
    assert all(answer.result in ("ok", "unchanged") for answer in answers), answers
    assert apply("direct").result == "ok"


@BARE
def test_busy_after_half_a_minute(lab, apply):
    """Who only looks waits for nobody."""
    apply("direct")
    lab.spawn("flock", "/etc/postfix/detourd/lock", "sh", "-c", "echo locked; exec sleep 600",
              log="lock.log").wait_log("locked")
    before = apply.files()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(apply, "relay", "office", "587", timeout=60)
        for words in (("status",), ("facts",), ("plan", "relay", "office", "587")):
            assert apply(*words).result == "ok"
        assert not waiting.done()
        assert waiting.result().result == "busy"
    assert apply.files() == before


# What is only looked at.

@BARE
def test_a_plan_shows_everything_and_changes_nothing(lab, apply):
    before = apply.files()
    answer = apply("relay", "office", "587", "--dry-run")
    assert answer.result == "ok" and apply.files() == before
    changed = {p["name"]: (p["before"], p["after"]) for p in answer.last["parameters"]}
    assert changed["relayhost"] == ("", RELAYHOST)
    assert changed["smtp_sasl_auth_enable"] == (None, "yes")
    assert "+relayhost = [relay.example]:587\n" in answer.last["difference"]
    assert "-relayhost =" in answer.last["difference"]
    assert apply.password not in answer.text
    assert apply("relay", "office", "587").result == "ok"
    new = lab.run("postconf", "-n", check=True).stdout
    for name, (_, after) in changed.items():
        assert f"{name} = {after}\n" in new
    before = apply.files()
    back = apply("plan", "direct")
    assert back.result == "ok" and apply.files() == before
    assert {p["name"]: (p["before"], p["after"]) for p in back.last["parameters"]} == {
        name: (after, before) for name, (before, after) in changed.items()}
    assert apply("plan", "relay", "office", "587").result == "unchanged"


@BARE
def test_looking_leaves_nothing_in_tmp(lab, apply):
    assert apply("relay", "office", "587").result == "ok"
    for words in (("facts",), ("plan", "direct"), ("plan", "relay", "office", "2525")):
        _, trace = apply.traced(*words, options=("-e", "trace=mkdir,unlinkat"))
        made = set(re.findall(r'mkdir\("(/tmp/[^"]+)"', trace))
        assert made and made == set(re.findall(r'"(/tmp/[^"/]+)", AT_REMOVEDIR', trace))


def test_facts(lab, apply):
    lab.cut()
    assert apply("facts").last["smtp_bind_address"] == ""
    lab.mailhost.postconf("inet_interfaces = 198.51.100.10", "smtp_helo_name = out.$mydomain",
            "smtp_bind_address6 = 2001:db8:100::10")
    lab.mailhost.run("postconf", "-P", "smtp/unix/smtp_helo_name=really.$mydomain", check=True)
    lab.run("sendmail", "-f", "alice@sender.example", "x@d000.example", "y@d001.example",
            input="Subject: x\n\nx\n", user="alice", check=True)
    facts = apply("facts").last
    assert facts["version"] == lab.mailhost.postconf("mail_version")
    assert facts["config_directory"] == "/etc/postfix"
    assert facts["myhostname"] == "mail.sender.example"
    assert facts["smtp_helo_name"] == "really.sender.example"
    assert facts["smtp_bind_address"] == "198.51.100.10"
    assert facts["smtp_bind_address6"] == "2001:db8:100::10"
    assert facts["inet_protocols"] == ["ipv4", "ipv6"]
    assert facts["mail_owner"] == "postfix"
    assert "127.0.0.0/8" in facts["mynetworks"]
    assert facts["route"] == {"name": "direct", "port": 0}
    assert facts["running"] is True
    wait_until(lambda: apply("status").last["queue"] == 1, 10, "one message is counted")
    apply("relay", "office", "587")
    again = apply("facts").last
    assert again["route"] == {"name": "office", "port": 587}
    assert again["refusals"] == [], "a route of ours in force refuses nothing"
    assert {key: again[key] for key in facts if key not in ("route", "queue", "fingerprint")} == {
        key: facts[key] for key in facts if key not in ("route", "queue", "fingerprint")}


# The listener.

class Listener:
    PATH = "/run/detour-apply/apply.sock"

    def __init__(self, lab, *before):
        self.lab = lab
        lab.run("mkdir", "-p", "/run/detour-apply", check=True)
        self.process = lab.spawn(*before, program("detour-apply"), "-c", CONF, "--listen",
                                 self.PATH)
        self.process.wait_log("listening on")

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(self.lab.mailhost.path(self.PATH)))
        return connection

    def ask(self, line):
        with self.connect() as connection:
            connection.sendall(line)
            return Answer(read_all(connection))

    def ask_as(self, *options):
        # Whoever is turned away may find that nobody listens any more, but has an answer.
        script = """import contextlib, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
with contextlib.suppress(BrokenPipeError):
    s.sendall(b"1 status\\n")
print(s.makefile().read(), end="")"""
        return self.lab.run("setpriv", *options, "--clear-groups", "/usr/bin/python3", "-c",
                            script, self.PATH)


def read_all(connection):
    return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@BARE
def test_the_listener_serves_root_and_the_daemon(lab, apply):
    listener = Listener(lab)
    status = lab.run("stat", "-c", "%A %U %G", listener.PATH, check=True).stdout
    assert status == "srw-rw---- root detourd\n"
    assert listener.ask(b"1 status\n").result == "ok"
    assert listener.ask(b"1 relay office 587\n").result == "ok"
    assert listener.ask(b"1 dance\n").result == "refused"
    # What is left unread must not cost the caller its answer.
    assert "longer" in listener.ask(b"x" * 5000).reason
    assert "one line" in listener.ask(b"1 status\n" * 20).reason
    assert listener.ask(b"1 direct\n").result == "ok"
    daemon = listener.ask_as("--reuid=detourd", "--regid=detourd")
    assert Answer(daemon.stdout).result == "ok"
    assert listener.ask_as("--reuid=alice", "--regid=alice").returncode != 0
    intruder = Answer(listener.ask_as("--reuid=alice", "--regid=detourd").stdout)
    assert intruder.result == "refused" and "only root" in intruder.reason


@BARE
def test_the_listener_bounds_its_callers(lab, apply):
    listener = Listener(lab)
    idle = [listener.connect() for _ in range(8)]
    wait_until(lambda: listener.ask(b"1 status\n").result == "busy", 10,
               "the ninth is turned away")
    for connection in idle:
        connection.shutdown(socket.SHUT_WR)
        assert Answer(read_all(connection)).result == "refused"
        connection.close()
    wait_until(lambda: listener.ask(b"1 status\n").result == "ok", 10, "there is room again")


@BARE
def test_the_listener_and_its_socket(lab, apply):
    listener = Listener(lab)
    second = lab.run(program("detour-apply"), "-c", CONF, "--listen", listener.PATH)
    assert second.returncode == 1 and "another listener" in second.stderr
    listener.process.kill()
    listener.process.wait()
    assert lab.mailhost.path(listener.PATH).exists()
    again = Listener(lab)
    assert again.ask(b"1 status\n").result == "ok"
    assert again.process.stop() == 0
    assert not lab.mailhost.path(listener.PATH).exists()
    lab.run("chmod", "o+w", "/run/detour-apply", check=True)
    unsafe = lab.run(program("detour-apply"), "-c", CONF, "--listen", listener.PATH)
    assert unsafe.returncode == 1 and "written by others" in unsafe.stderr


# Afterwards, where the stuck cannot be freed (see test_rescue.py).

UNABLE = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")


@pytest.mark.lab(main_cf="smtp_connect_timeout = 2s\nsmtp_mx_address_limit = 2")
def test_the_stuck_are_flushed_when_they_have_let_go(lab, apply):
    """The next attempt without it would be minutes away."""
    lab.block(25, "drop")
    address = lab.operator("op1").mx[0].addresses[0]
    lab.spawn("/usr/bin/python3", "-c", "import socket, sys\nwhile True:\n"
              " socket.socket().connect_ex((sys.argv[1], 25))", address, user="alice")
    ids = lab.mail(30, domains=10)
    listener = Listener(lab, *UNABLE)
    wait_until(lambda: half_open(lab) > 5, 10, "deliveries hang")
    answer = listener.ask(b"1 relay office 587\n")
    assert answer.result == "ok" and half_open(lab) > 1, "the answer does not wait for them"
    assert working(lab)
    lab.wait_delivered(ids, timeout=40)
    lab.assert_exactly_once(ids, "relay")
    wait_until(lambda: not working(lab), 10, "it ends, though somebody else's connection hangs")
    assert half_open(lab) == 1


@pytest.mark.lab(main_cf="smtp_connect_timeout = 600s")
def test_waiting_for_the_stuck_ends_with_the_route(lab, apply):
    lab.block(25, "drop")
    lab.mail(5)
    listener = Listener(lab, *UNABLE)
    wait_until(lambda: half_open(lab) > 0, 10, "deliveries hang")
    assert listener.ask(b"1 relay office 587\n").result == "ok"
    assert working(lab)
    assert listener.ask(b"1 direct\n").result == "ok"
    wait_until(lambda: not working(lab), 10, "it ends")
    assert half_open(lab) > 0


def working(lab):
    """Whether a request is still being served."""
    return lab.run("pgrep", "-fx", f"detour-apply -c {CONF}").returncode == 0


def half_open(lab):
    return lab.run("ss", "-Htn", "state", "syn-sent", "dport = :25").stdout.count("\n")


def test_it_links_none_of_the_network_libraries():
    done = os.popen(f"ldd {program('detour-apply')}").read()
    assert "libc.so" in done
    assert not re.search("ssl|crypto|sasl|cares|event", done), done
