# SPDX-License-Identifier: BSD-2-Clause
"""The main job: port 25 closes and mail leaves through a relay; it opens and mail leaves direct."""

import json
import re
import signal

import pytest

from lab import wait_until
from lab.product import CONFIG, RelayLike

SOON = 60   # s: a wait that should end within seconds


def verdict(status, family="ipv4"):
    return (status["verdict"][family] or {}).get("name")


def settled(lab, name="open", **configuration):
    """Start, and wait for the first verdict and for every relay's first proof."""
    lab.product.start(**configuration)
    return lab.product.wait_status(
        lambda s: verdict(s) == name and s["postfix"]["running"] is not None
        and all(r["state"] not in ("unchecked", "checking") for r in s["relays"]), SOON)


def rounds(lab, count, name, timeout=90):
    """Wait for COUNT further rounds with verdict NAME, one after the other."""
    seen = set()

    def another(status):
        if verdict(status) == name:
            seen.add(status["verdict"]["at"])
        return len(seen) > count

    return lab.product.wait_status(another, timeout, f"{count} rounds that say {name}")


def untouched(lab):
    return lab.mailhost.main_cf.read_bytes(), sorted(
        str(path) for path in lab.mailhost.main_cf.parent.rglob("*"))


def log_of(lab):
    return lab.product.daemon.output()


# The story.

@pytest.mark.parametrize("method, patience", [("rst", 60), ("icmp", 60), ("drop", 280)])
def test_five_hundred_messages_survive_a_block(lab, method, patience):
    before = lab.mailhost.main_cf.read_bytes()
    settled(lab)
    lab.block(25, method, spare_established=True)
    ids = lab.mail(500, domains=50)
    status = lab.product.wait_route("office")
    assert status["route"]["port"] == 587 and verdict(status) == "blocked"
    lab.wait_delivered(ids, timeout=patience)
    lab.assert_exactly_once(ids)
    assert not lab.bounced()
    lab.unblock()
    lab.product.wait_route("direct")
    assert lab.mailhost.main_cf.read_bytes() == before
    later = lab.mail(50, domains=50)
    lab.wait_delivered(later)
    lab.assert_exactly_once(later, "direct")


def test_the_story_with_the_method_transport(lab):
    """The same with services of the relay's own; the port that begins with TLS is the first."""
    host = lab.mailhost
    settled(lab, relays={"office": (lab.relay, {"ports": (465, 587)})},
            postfix="method = transport")
    lab.block(25, "drop", spare_established=True)
    ids = lab.mail(100, domains=50)
    status = lab.product.wait_route("office")
    assert status["route"]["port"] == 465 and verdict(status) == "blocked"
    lab.wait_delivered(ids, timeout=280)
    lab.assert_exactly_once(ids)
    assert not lab.bounced()
    installed = host.main_cf.read_bytes(), host.master_cf.read_bytes()
    lab.unblock()
    lab.product.wait_route("direct")
    assert (host.main_cf.read_bytes(), host.master_cf.read_bytes()) == installed
    later = lab.mail(50, domains=50)
    lab.wait_delivered(later)
    lab.assert_exactly_once(later, "direct")


def test_without_us_mail_would_wait(lab):
    """What the story is worth: the same block without detourd delivers nothing."""
    lab.block(25, "rst")
    ids = lab.mail(20, domains=10)
    wait_until(lambda: set(lab.queue().values()) == {"deferred"}, SOON, "everything is deferred")
    assert not lab.delivered()
    assert set(lab.queue()) == set(ids)


# What switches nothing.

def test_a_dead_network_switches_nothing(lab):
    settled(lab)
    before = untouched(lab)
    lab.cut()
    rounds(lab, 3, "offline", 180)
    assert lab.product.status()["route"]["name"] == "direct"
    assert untouched(lab) == before
    assert "switching" not in log_of(lab)


def test_a_dead_dns_switches_nothing(lab):
    settled(lab)
    before = untouched(lab)
    lab.dns.stop()
    rounds(lab, 3, "unknown", 180)
    assert lab.product.status()["route"]["name"] == "direct"
    assert untouched(lab) == before


def test_one_refusing_operator_switches_nothing(lab):
    settled(lab)
    before = untouched(lab)
    lab.operator("op2").stop()
    status = rounds(lab, 3, "remote", 180)
    assert status["route"]["name"] == "direct" and untouched(lab) == before
    assert verdict(status) == "remote"


def test_observe_changes_nothing(lab):
    settled(lab, mode="observe")
    before = untouched(lab)
    lab.block(25, "rst")
    status = rounds(lab, 3, "blocked")
    assert untouched(lab) == before
    assert status["next"] == "would switch to a relay now, but mode is observe"
    assert any("mail is deferred" in problem for problem in status["problems"])
    assert "observe" in lab.product.detourctl("route", "office").stdout


def test_ipv6_blocked_alone_switches_nothing(lab):
    settled(lab)
    before = untouched(lab)
    lab.block(25, "rst", 6)
    status = lab.product.wait_status(lambda s: verdict(s, "ipv6") == "blocked", SOON)
    status = rounds(lab, 3, "open")
    assert status["route"]["name"] == "direct" and untouched(lab) == before
    assert any("smtp_address_preference" in problem for problem in status["problems"])


# Relays that must not be used.

@pytest.mark.parametrize("spoil, state", [
    (lambda relay: relay.password_wrong(), "auth-failed"),
    (lambda relay: relay.certificate("wrong-name"), "tls-failed"),
    (lambda relay: relay.certificate("self-signed"), "tls-failed"),
    (lambda relay: relay.certificate("expired"), "tls-failed"),
    (lambda relay: relay.starttls_off(), "no-starttls"),
    (lambda relay: relay.auth_off(), "no-auth"),
    (lambda relay: relay.stop(), "no-connect"),
], ids=["password", "wrong-name", "self-signed", "expired", "no-starttls", "no-auth", "stopped"])
def test_a_relay_that_cannot_prove_itself_is_never_used(lab, spoil, state):
    spoil(lab.relay)
    settled(lab)
    before = untouched(lab)
    lab.block(25, "rst")
    status = lab.product.wait_status(
        lambda s: any("no relay has proved itself; office" in p for p in s["problems"]), SOON)
    assert {relay["state"] for relay in status["relays"]} == {state}
    assert status["route"]["name"] == "direct" and untouched(lab) == before


def test_a_port_that_begins_with_tls_is_proven_as_such(lab):
    office = (lab.relay, {"ports": (465, 587)})
    status = settled(lab, relays={"office": office}, mode="observe", postfix="method = transport")
    assert [(r["port"], r["state"]) for r in status["relays"]] == [(465, "proven"), (587, "proven")]


@pytest.mark.parametrize("kind", ["no-starttls", "wrong-name", "self-signed", "expired"])
def test_an_eavesdropper_never_sees_the_password(lab, kind):
    thief, secret = lab.eavesdropper, "s3cret-of-the-relay"
    thief.start(kind)
    relay = RelayLike(thief, "user", secret, lab.relay.ca_file)
    settled(lab, relays={"thief": relay})
    lab.block(25, "rst")
    lab.product.wait_status(
        lambda s: any("no relay has proved itself; thief" in p for p in s["problems"]), SOON)
    if kind == "no-starttls":
        wait_until(lambda: b"EHLO" in thief.heard().upper(), SOON, "it was spoken to")
    assert not thief.has_heard("user", secret)
    assert lab.product.status()["route"]["name"] == "direct"


@pytest.mark.lab(relays=2)
def test_the_second_relay_takes_over(lab):
    first, second = lab.relays
    settled(lab, relays={"first": first, "second": second})
    first.password_wrong()
    lab.block(25, "rst")
    ids = lab.mail(30, domains=10)
    status = lab.product.wait_route("second")
    assert "auth-failed" in {r["state"] for r in status["relays"] if r["name"] == "first"}
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids)


@pytest.mark.lab(relays=2)
def test_a_relay_that_fails_in_use_is_left(lab):
    first, second = lab.relays
    settled(lab, relays={"first": first, "second": second})
    lab.block(25, "rst")
    lab.product.wait_route("first")
    first.stop()
    lab.product.wait_route("second")
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids)


def test_another_port_is_taken_where_one_is_closed(lab):
    settled(lab)
    lab.block(587, "drop")
    lab.block(25, "rst")
    status = lab.product.wait_route("office")
    assert status["route"]["port"] == 2525
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")


# Life and death of detourd.

def test_a_restart_in_mid_outage_keeps_the_route(lab):
    settled(lab)
    lab.block(25, "rst")
    since = lab.product.wait_route("office")["route"]["since"]
    written = lab.mailhost.main_cf.read_bytes()
    lab.product.daemon.terminate()
    assert lab.product.daemon.wait(5) == 0
    earlier = log_of(lab)
    lab.product.start_daemon()
    status = lab.product.wait_status(lambda s: verdict(s) == "blocked", SOON)
    assert status["route"]["name"] == "office" and status["route"]["since"] == since
    assert lab.mailhost.main_cf.read_bytes() == written
    assert log_of(lab).startswith(earlier) and "switching" not in log_of(lab)[len(earlier):]
    lab.unblock()
    lab.product.wait_route("direct")


def test_killed_it_leaves_mail_flowing(lab):
    settled(lab)
    lab.block(25, "rst")
    lab.product.wait_route("office")
    lab.product.daemon.kill()
    lab.product.daemon.wait(5)
    lab.product.applier.kill()
    ids = lab.mail(50, domains=20)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    lab.product.start_daemon()      # what a SIGKILL leaves behind is no obstacle


def test_sigterm_ends_it_at_once(lab):
    settled(lab)
    lab.cut()
    lab.product.wait_status(lambda s: s["next"] == "probing now", SOON)
    lab.product.daemon.terminate()
    assert lab.product.daemon.wait(1) == 0, "in the middle of a round"
    assert not lab.mailhost.path("/run/detourd/detourd.sock").exists()


def test_a_second_one_says_so_and_exits(lab):
    settled(lab)
    second = lab.product.run("detourd", "-c", CONFIG, timeout=10)
    assert second.returncode == 1
    assert "another detourd works in /var/lib/detourd already" in second.stderr
    assert lab.product.status()["route"]["name"] == "direct"


def test_root_is_given_up(lab):
    settled(lab)
    pid = lab.product.daemon.pid
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    uid = lab.run("id", "-u", "detourd", check=True).stdout.strip()
    assert set(fields["Uid"].split()) == {uid}
    assert "0" not in fields["Gid"].split() + fields["Groups"].split()
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        assert re.search(r"Max core file size +0 +0 ", file.read())


@pytest.mark.parametrize("user, words", [("root", "is root"), ("nobody-at-all", "does not exist")])
def test_it_wants_somebody_to_give_up_to(lab, user, words):
    lab.product.configure()
    text = lab.mailhost.path(CONFIG).read_text()
    lab.mailhost.write(CONFIG, text.replace("user = detourd", f"user = {user}"))
    ran = lab.product.run("detourd", "-c", CONFIG, timeout=10)
    assert ran.returncode != 0 and words in ran.stderr


def test_a_password_that_others_can_read_is_refused(lab):
    lab.product.configure()
    lab.run("chmod", "0644", "/etc/detourd/office.password", check=True)
    for program, arguments in (("detourd", ["-c", CONFIG]),
                               ("detourctl", ["check-config", CONFIG])):
        ran = lab.product.run(program, *arguments, timeout=10)
        assert ran.returncode != 0
        assert "relay office: /etc/detourd/office.password can be read by everybody" in ran.stderr


def test_reload_takes_the_new_and_keeps_the_old(lab):
    settled(lab)
    good = lab.mailhost.path(CONFIG).read_text()
    lab.mailhost.write(CONFIG, good.replace("mode = switch", "mode = swich\nnonsense = 1"))
    lab.product.daemon.send_signal(signal.SIGHUP)
    lab.product.daemon.wait_log("the one in use stays")
    assert f"{CONFIG}:1: mode = swich" in log_of(lab)
    assert f"{CONFIG}:2: unknown name nonsense" in log_of(lab)
    assert lab.product.status()["mode"] == "switch"
    lab.mailhost.write(CONFIG, good.replace("mode = switch", "mode = observe"))
    lab.product.daemon.send_signal(signal.SIGHUP)
    lab.product.wait_status(lambda s: s["mode"] == "observe", SOON)


def test_state_that_is_not_ours_is_left_behind(lab):
    lab.product.configure()
    lab.run("install", "-d", "-o", "detourd", "-g", "detourd", "/var/lib/detourd", check=True)
    lab.mailhost.write("/var/lib/detourd/state.json", '{"schema": 1, "route": 7', owner="detourd")
    lab.product.start_applier()
    lab.product.start_daemon()
    lab.product.wait_status(lambda s: verdict(s) == "open", SOON)
    assert "it starts afresh" in log_of(lab)


# Operators.

def test_route_hold_and_release(lab):
    settled(lab)
    ran = lab.product.detourctl("route", "office")
    assert (ran.returncode, ran.stdout) == (0, "ok: route is office:587\n")
    status = lab.product.status()
    assert status["route"]["name"] == "office" and status["route"]["hold"] is True
    ids = lab.mail(10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    # The port is open, and yet the hold keeps the relay.
    status = lab.product.wait_status(
        lambda s: s["next"] == "would return to direct now, but an operator said hold", SOON)
    assert lab.product.detourctl("release").returncode == 0
    lab.product.wait_route("direct")
    assert lab.product.detourctl("route", "nobody").returncode == 1
    assert lab.product.detourctl("route").returncode == 2


def test_an_order_that_fails_holds_nothing(lab):
    lab.relay.password_wrong()
    settled(lab)
    ran = lab.product.detourctl("route", "office")
    assert ran.returncode == 1 and "no relay has proved itself; office:587" in ran.stdout
    assert lab.product.status()["route"]["hold"] is False


def test_hold_outlives_a_restart_and_an_outage(lab):
    settled(lab)
    assert lab.product.detourctl("hold").stdout == "ok: held: the route stays direct until release\n"
    lab.product.daemon.terminate()
    lab.product.daemon.wait(5)
    lab.product.start_daemon()
    lab.block(25, "rst")
    lab.product.wait_status(
        lambda s: s["next"] == "would switch to a relay now, but an operator said hold", SOON)
    assert lab.product.detourctl("route", "auto").returncode == 0
    lab.product.wait_route("office")


def test_plan_shows_the_difference_and_changes_nothing(lab):
    settled(lab)
    before = untouched(lab)
    ran = lab.product.detourctl("plan")
    assert ran.returncode == 0 and "+relayhost = [relay.example]:587" in ran.stdout
    assert lab.relay.password not in ran.stdout
    document = json.loads(lab.product.detourctl("plan", "office", "2525", "--json").stdout)
    assert document["result"] == "ok" and "[relay.example]:2525" in document["difference"]
    assert "nothing would change" in lab.product.detourctl("plan", "direct").stdout
    assert lab.product.detourctl("plan", "office", "26").returncode == 1
    assert untouched(lab)[0] == before[0]


# Postfix and detour-apply not as expected.

def test_postfix_stopped_is_said_and_retried(lab):
    settled(lab)
    lab.mailhost.stop()
    lab.product.wait_status(lambda s: "Postfix is not running" in s["problems"], SOON)
    lab.mailhost.start()
    lab.product.wait_status(lambda s: "Postfix is not running" not in s["problems"], SOON)


def test_postfix_absent_is_said(lab):
    lab.product.configure(postfix='config_directory = "/etc/nowhere"')
    lab.product.start_applier()
    lab.product.start_daemon()
    lab.product.wait_status(lambda s: verdict(s) == "open" and any(
        "/etc/nowhere" in problem for problem in s["problems"]), SOON)


def test_detour_apply_absent_is_said_and_retried(lab):
    lab.product.configure()
    lab.product.start_daemon()
    status = lab.product.wait_status(lambda s: verdict(s) == "open" and s["problems"], SOON)
    assert "detour-apply cannot be reached" in status["problems"][0]
    assert status["route"]["name"] == "unknown"
    lab.block(25, "rst")
    rounds(lab, 2, "blocked")
    lab.product.start_applier()
    lab.product.wait_route("office")


FAKE_APPLIER = r"""
import os, socket, sys
path, behaviour = sys.argv[1:]
os.makedirs(os.path.dirname(path), exist_ok=True)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o666)
server.listen()
kept = []
while True:
    client = server.accept()[0]
    line = client.makefile("rb").readline()
    if not line:
        client.close()
        continue
    print(line.decode().strip(), flush=True)
    if line in (b"1 facts\n", b"1 status\n"):
        client.sendall(b'{"result":"ok","route":{"name":"direct","port":0},"drift":[],'
                       b'"running":true,"queue":0}\n')
    elif behaviour == "dies":
        client.sendall(b'{"step":"stage","ok":true,"ms":1}\n')
    elif behaviour == "babbles":
        client.sendall(b"\0\xff" * 1000 + b"\n")
    elif behaviour == "hangs":
        kept.append(client)
        continue
    client.close()
"""


@pytest.mark.parametrize("behaviour, words", [("dies", "ended without a result"),
                                              ("babbles", "no JSON")])
def test_detour_apply_that_dies_leaves_no_wrong_belief(lab, behaviour, words):
    lab.product.configure()
    lab.mailhost.write("/tmp/fake.py", FAKE_APPLIER)
    fake = lab.spawn("/usr/bin/python3", "/tmp/fake.py", "/run/detour-apply/apply.sock", behaviour)
    wait_until(lambda: lab.mailhost.path("/run/detour-apply/apply.sock").exists(), 10, "it listens")
    lab.product.start_daemon()
    lab.product.wait_status(lambda s: verdict(s) == "open", SOON)
    lab.block(25, "rst")
    fake.wait_log("1 relay office 587", SOON)
    # Asked again what is true, and said.
    fake.wait_log("(?s)1 relay office 587.*1 (facts|status)", SOON)
    status = lab.product.wait_status(lambda s: any(words in p for p in s["problems"]), SOON)
    assert status["route"]["name"] == "direct"


def test_a_hanging_detour_apply_holds_up_nothing_else(lab):
    lab.product.configure()
    lab.mailhost.write("/tmp/fake.py", FAKE_APPLIER)
    fake = lab.spawn("/usr/bin/python3", "/tmp/fake.py", "/run/detour-apply/apply.sock", "hangs")
    wait_until(lambda: lab.mailhost.path("/run/detour-apply/apply.sock").exists(), 10, "it listens")
    lab.product.start_daemon()
    lab.product.wait_status(lambda s: verdict(s) == "open", SOON)
    lab.block(25, "rst")
    fake.wait_log("1 relay office 587", SOON)
    status = rounds(lab, 2, "blocked")
    assert status["next"] == "switching to office:587" and status["route"]["name"] == "direct"
    lab.product.daemon.terminate()
    assert lab.product.daemon.wait(1) == 0


# Secrets.

def test_the_password_is_nowhere_to_be_seen(lab):
    settled(lab)
    lab.block(25, "rst")
    status = lab.product.wait_route("office")
    password, pid = lab.relay.password, lab.product.daemon.pid
    shown = [json.dumps(status), log_of(lab), lab.product.applier.output(),
             lab.product.detourctl("status").stdout, lab.product.detourctl("relays").stdout,
             lab.product.detourctl("plan").stdout, lab.mailhost.log()]
    for name in ("cmdline", "environ"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            shown.append(file.read().decode(errors="replace"))
    assert not any(password in text for text in shown)
    readable = lab.run("grep", "-rlF", password, "/etc", "/run", "/var/lib", user="alice")
    assert readable.stdout == ""
