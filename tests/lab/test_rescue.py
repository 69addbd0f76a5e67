# SPDX-License-Identifier: BSD-2-Clause
"""The rescue: what hangs in a block is freed after a switch to a relay, and nothing else is."""

import json
import pathlib
import re

import pytest

from lab import wait_until
from lab.product import CONFIG, program

SOON = 60       # s: a wait that should end within seconds
PATIENT = "smtp_connect_timeout = 100s\n"   # nothing lets go by itself while a test looks
HASTY = "smtp_connect_timeout = 4s\n"
LAN_HOST = "198.51.100.77"                  # on the mail host's link; nobody is there


@pytest.fixture(autouse=True)
def nothing_bounces(lab):
    yield
    for host in (lab.mailhost, *(relay.host for relay in lab.relays)):
        assert host.log().count("status=bounced") == 0
    assert not lab.bounced()


def connections(lab, state="syn-sent"):
    """(Local port, peer) of what is half-open, or established, to port 25."""
    rows = lab.run("ss", "-Htn", "state", state, "dport", "= :25", check=True).stdout.splitlines()
    ends = [row.split()[2:4] for row in rows]
    return {(int(local.rpartition(":")[2]), peer.rpartition(":")[0].strip("[]"))
            for local, peer in ends}


def sent_again(lab, peer=None):
    """Those of the half-open whose SYN was sent again."""
    rows = lab.run("ss", "-Htno", "state", "syn-sent", "dport", "= :25", check=True).stdout
    found = {(int(local), who.strip("[]")) for local, who, times in re.findall(
        r":(\d+)\s+(\S+):25\s+timer:\(on,[^,]*,(\d+)\)", rows) if int(times) > 0}
    return {one for one in found if peer in (None, one[1])}


def hang(lab, count, domains=None):
    """COUNT messages of which as many hang as there may be smtp(8) processes."""
    lab.block(25, "drop")
    ids = lab.mail(count, domains=domains)
    wait_until(lambda: len(connections(lab)) >= min(count, 100), SOON, "deliveries hang")
    return ids


def start(lab, *verb, without=None, only=None):
    """detour-apply by hand; its process.  WITHOUT is a capability that it does not have, ONLY are
    those that it has."""
    limits = []
    if without or only:
        change = f"-{without}" if without else ",".join(["-all", *(f"+{name}" for name in only)])
        limits = ["setpriv", f"--bounding-set={change}", "--inh-caps=-all"]
    return lab.spawn(*limits, program("detour-apply"), "-c", CONFIG, "--json", *verb,
                     log="apply.log")


def answer(process):
    """Its lines, as soon as the result is there; it may go on to linger."""
    process.wait_log('^{"result":.*\n', SOON)
    return lines_of(process)


def lines_of(process):
    return [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]


def step(lines, name):
    return next((line for line in lines if line.get("step") == name), None)


def freed(lines):
    """Deliveries, connections, rounds of the rescue."""
    found = step(lines, "rescue")
    assert found and found["ok"], lines
    return [int(n) for n in re.match(
        r"(\d+) deliveries freed, (\d+) half-open connections ended in (\d+) rounds",
        found["detail"]).groups()]


def good(lines):
    assert lines[-1]["result"] == "ok", lines
    return lines


# What is freed.

def test_five_hundred_leave_with_the_one_flush(lab):
    lab.product.configure()
    ids = hang(lab, 500, domains=50)
    lines = good(lab.product.apply("relay", "office", "587", timeout=SOON))
    # 2 MX hosts with IPv4 and IPv6: smtp(8) has to be freed at each.
    deliveries, ended, rounds = freed(lines)
    assert deliveries >= 95 and rounds == 4 and ended > 3 * deliveries
    assert "slow" not in lines[-1]
    names = [line.get("step") for line in lines]
    assert names[-4:] == ["verify", "rescue", "flush", None]
    # detour-apply has ended, and a message that was passed over would wait for 300 s.
    lab.wait_delivered(ids, timeout=SOON)
    lab.assert_exactly_once(ids, "relay")


def test_ipv6_too(lab):
    """One address for each message: nothing would go on from IPv6 to IPv4."""
    lab.product.configure()
    v6 = lab.operators[0].mx[0].addresses[1]
    lab.mailhost.postconf("transport_maps=inline:{op1.example=smtp:[" + v6 + "]}")
    lab.mailhost.reload()
    lab.block(25, "drop")
    ids = mail_to(lab, "op1.example", 3)
    wait_until(lambda: len(connections(lab)) == 3, SOON, "deliveries hang")
    assert freed(lab.product.apply("relay", "office", "587", timeout=SOON)) == [3, 3, 1]
    lab.unblock()
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")      # by the owner's transport_maps, as before


def mail_to(lab, domain, count):
    """Like lab.mail(), to one domain of the test's choice."""
    known, lab.domains = lab.domains, [domain]
    try:
        return lab.mail(count)
    finally:
        lab.domains = known


@pytest.mark.lab(main_cf=PATIENT)
def test_what_begins_during_the_reload_is_freed_too(lab):
    """On a busy host `postfix reload` takes a while, and until its end deliveries begin as before."""
    host = lab.mailhost
    lab.product.configure()
    lab.block(25, "drop")
    lab.run("cp", "-a", "/usr/sbin/postfix", "/run/postfix.real", check=True)
    host.write("/run/postfix.slow", """#!/bin/sh
go_on() { until [ -e /run/go$1 ]; do sleep 0.05; done; }
case "$*" in *reload*) echo >>/run/reloads ;; *) exec /run/postfix.real "$@" ;; esac
[ $(wc -l </run/reloads) = 1 ] || { go_on 2; exec /run/postfix.real "$@"; }
/run/postfix.real "$@" && go_on 1
""", mode=0o755)
    lab.run("mount", "--bind", "/run/postfix.slow", "/usr/sbin/postfix", check=True)
    process = start(lab, "relay", "office", "587")
    # The relay has been prepared: a trivial-rewrite(8) starts that goes on to route directly.
    host.wait_log("reload -- version", SOON)
    lab.run("sendmail", "alice", input="Subject: hello\n\nhello\n", check=True)
    host.wait_log("to=<alice@.* status=sent", SOON)
    host.write("/run/go1", "")
    wait_until(lambda: host.path("/run/reloads").read_text() == "\n\n", SOON, "it reloads again")
    ids = lab.mail(5, domains=5)
    wait_until(lambda: len(sent_again(lab)) == 5, SOON, "deliveries hang")
    host.write("/run/go2", "")
    assert freed(good(answer(process)))[0] == 5
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")


def test_where_nothing_hangs_nothing_is_said(lab):
    lab.product.configure()
    lines = good(lab.product.apply("relay", "office", "587"))
    assert step(lines, "rescue") is None and "slow" not in lines[-1]


def test_the_units_capabilities_are_enough(lab):
    unit = pathlib.Path(__file__).parents[2] / "systemd/detour-apply@.service.in"
    names = re.findall(r"CAP_(\w+)", " ".join(
        re.findall(r"^CapabilityBoundingSet=(.*)$", unit.read_text(), re.MULTILINE)))
    lab.product.configure()
    ids = hang(lab, 20, domains=20)
    process = start(lab, "relay", "office", "587", only=[name.lower() for name in names])
    assert freed(good(answer(process)))[0] >= 15
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")


# What is left alone.

def test_sessions_are_left_alone(lab):
    lab.product.configure()
    slow = lab.operator("op1")
    slow.banner_delay(20)
    lab.block(25, "drop", to=[op.name for op in lab.operators[1:]])
    ids = lab.mail(60, domains=60)
    wait_until(lambda: len(connections(lab, "established")) >= 5, SOON, "sessions with op1")
    wait_until(lambda: len(connections(lab)) >= 30, SOON, "the others hang")
    sessions = connections(lab, "established")
    process = start(lab, "relay", "office", "587")
    assert freed(good(answer(process)))[0] >= 30
    assert sessions <= connections(lab, "established")
    process.wait(SOON)
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids)
    assert {where for mail in lab.delivered().values() for where, _ in mail if
            where.startswith("direct")} == {"direct:mx1.op1.example", "direct:mx2.op1.example"}


@pytest.mark.lab(main_cf=PATIENT + "mynetworks = 127.0.0.0/8 [::1]/128 198.18.101.0/24 "
                 "[2001:db8:1101::]/48\n"
                 "transport_maps = inline:{lan.example=smtp:[" + LAN_HOST + "]}\n")
def test_local_hosts_are_left_alone(lab):
    lab.product.configure()
    lab.run("ip", "neigh", "add", LAN_HOST, "lladdr", "02:00:00:00:00:77", "dev", "eth0",
            "nud", "permanent", check=True)
    lab.block(25, "drop")
    mail_to(lab, "lan.example", 2)
    mail_to(lab, "op1.example", 2)
    ids = mail_to(lab, "op2.example", 5)
    own = set(lab.operator("op1").addresses) | {LAN_HOST}

    def local():
        return {one for one in sent_again(lab) if one[1] in own}

    wait_until(lambda: len(local()) == 4 and len(sent_again(lab)) == 9, SOON, "all of them hang")
    before = local()
    process = start(lab, "relay", "office", "587")
    lines = good(answer(process))
    assert freed(lines)[0] == 5 and "slow" not in lines[-1]
    assert connections(lab) == before
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")
    assert process.poll() is None, "it waits until they have let go"
    process.terminate()


SECOND_MAIN_CF = """
compatibility_level = 3.6
queue_directory = /run/second/spool
data_directory = /run/second/data
myhostname = second.example
mydestination =
inet_interfaces = loopback-only
smtp_bind_address = 0.0.0.0
maillog_file = /var/log/second.log
import_environment = MAIL_CONFIG
smtp_connect_timeout = 100s
"""


def second_postfix(lab):
    """Another instance, which sends one message to op2."""
    master = "\n".join(line for line in lab.mailhost.master_cf.read_text().splitlines()
                       if not line.startswith("#") and line.split()[1:2] != ["inet"])
    lab.mailhost.write("/etc/postfix-second/main.cf", SECOND_MAIN_CF)
    lab.mailhost.write("/etc/postfix-second/master.cf", master.replace(" y ", " n ") + "\n")
    lab.run("sh", "-ec", "cp /etc/postfix/dynamicmaps.cf /etc/postfix/postfix-files "
            "/etc/postfix-second; cp -r /etc/postfix/dynamicmaps.cf.d /etc/postfix/postfix-files.d "
            "/etc/postfix-second; mkdir -p /run/second/spool /run/second/data; "
            "chown postfix /run/second/data; touch -d '1 hour ago' /etc/postfix-second/*.cf; "
            "postfix -c /etc/postfix-second start", check=True)
    lab.run("sendmail", "-C", "/etc/postfix-second", "-f", "bob@second.example",
            "someone@op2.example", input="Subject: second\n\nhello\n", check=True)


def test_strangers_are_left_alone(lab):
    """Another program of Postfix's own user, and another instance."""
    lab.product.configure()
    lab.block(25, "drop")
    second_postfix(lab)
    stranger = lab.spawn("setpriv", "--reuid=postfix", "--regid=postfix", "--clear-groups",
                         "python3", "-c", "import socket; socket.create_connection(('"
                         + lab.operators[2].mx[0].addresses[0] + "', 25))", log="stranger.log")
    wait_until(lambda: len(sent_again(lab)) == 2, SOON,
               lambda: f"both hang: {lab.mailhost.path('/var/log/second.log').read_text()}")
    strangers = connections(lab)
    ids = lab.mail(30, domains=30)
    wait_until(lambda: len(connections(lab)) == 32, SOON, "ours hang too")
    lines = good(lab.product.apply("relay", "office", "587", timeout=SOON))
    assert freed(lines)[0] == 30
    assert strangers == connections(lab) and stranger.poll() is None
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")
    lab.run("postfix", "-c", "/etc/postfix-second", "stop", check=True)


@pytest.mark.lab(main_cf=PATIENT)
def test_the_relays_own_port_25_is_left_alone(lab):
    """Deliveries by the new route may hang too, and a second rescue passes over them."""
    lab.product.configure(relays={"office": (lab.relay, {"ports": (587, 25)})})
    lab.block(25, "drop")
    good(lab.product.apply("relay", "office", "25", timeout=SOON))
    lab.mail(3)
    wait_until(lambda: len(sent_again(lab)) == 3, SOON, "they hang at the relay")
    before = connections(lab)
    lines = good(lab.product.apply("rescue", timeout=SOON))
    assert step(lines, "rescue") is None
    assert connections(lab) == before


@pytest.mark.lab(main_cf=PATIENT + "transport_maps = inline:{partner.example=smtp:[198.18.102.1]}\n")
def test_a_return_frees_nothing(lab):
    lab.product.configure()
    good(lab.product.apply("relay", "office", "587"))
    lab.block(25, "drop")
    mail_to(lab, "partner.example", 2)
    wait_until(lambda: len(sent_again(lab)) == 2, SOON, "they hang")
    before = connections(lab)
    lines = good(lab.product.apply("direct", timeout=SOON))
    assert step(lines, "rescue") is None
    assert connections(lab) == before


# Where it cannot be done.

@pytest.mark.lab(main_cf=HASTY)
@pytest.mark.parametrize("without", ["net_admin", "sys_ptrace"])
def test_without_the_capability_mail_leaves_later(lab, without):
    lab.product.configure()
    ids = hang(lab, 120)
    process = start(lab, "relay", "office", "587", without=without)
    lines = good(answer(process))
    said = step(lines, "rescue")
    assert not said["ok"] and f"CAP_{without.upper()}" in said["detail"]
    assert lines[-1]["slow"] == said["detail"]
    assert len(connections(lab)) > 50
    lab.wait_delivered(ids, 2 * SOON)
    lab.assert_exactly_once(ids, "relay")
    assert process.wait(SOON) == 0


@pytest.mark.lab(main_cf=HASTY)
def test_without_sock_diag_mail_leaves_later(lab):
    lab.product.configure()
    ids = hang(lab, 120)
    process = lab.spawn("strace", "-qq", "-o", "/dev/null", "-e", "trace=socket", "-e",
                        "inject=socket:error=EPROTONOSUPPORT", program("detour-apply"), "-c",
                        CONFIG, "--json", "relay", "office", "587", log="apply.log",
                        env={"ASAN_OPTIONS": "detect_leaks=0"})  # which traces, too
    lines = good(answer(process))
    assert "CONFIG_INET_DIAG" in lines[-1]["slow"]
    assert len(connections(lab)) > 50
    lab.wait_delivered(ids, 2 * SOON)
    lab.assert_exactly_once(ids, "relay")
    assert process.wait(SOON) == 0


@pytest.mark.lab(main_cf=HASTY)
def test_status_says_why_it_was_slow(lab):
    product = lab.product
    product.configure()
    lab.run("mkdir", "-p", "/run/detour-apply", check=True)
    socket = "/run/detour-apply/apply.sock"
    lab.spawn("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin",
              program("detour-apply"), "-c", CONFIG, "--listen", socket, log="detour-apply.log")
    wait_until(lambda: lab.mailhost.path(socket).exists(), SOON, "detour-apply listens")
    ids = hang(lab, 120)
    product.start_daemon()
    status = product.wait_route("office")
    said, = (problem for problem in status["problems"] if "hung" in problem)
    assert "still hang" in said and "CAP_NET_ADMIN" in said
    assert "CAP_NET_ADMIN" in product.detourctl("status").stdout
    lab.wait_delivered(ids, 2 * SOON)
    lab.assert_exactly_once(ids, "relay")


# Later, and by hand.

@pytest.mark.lab(main_cf=PATIENT)
def test_by_hand(lab):
    lab.product.configure()
    refused = lab.product.apply("rescue")[-1]
    assert refused["result"] == "refused" and "direct" in refused["reason"]
    ids = hang(lab, 60)
    first = start(lab, "relay", "office", "587", without="net_admin")
    assert "slow" in good(answer(first))[-1]
    first.kill()
    first.wait()
    hung = connections(lab)
    lines = good(lab.product.apply("rescue", timeout=SOON))
    assert freed(lines)[0] == len(hung)
    assert lines[-1]["route"] == {"name": "office", "port": 587}
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")


@pytest.mark.lab(main_cf=PATIENT)
def test_a_stopped_postfix_has_nothing_to_free(lab):
    lab.product.configure()
    good(lab.product.apply("relay", "office", "587"))
    lab.mailhost.stop()
    refused = lab.product.apply("rescue")[-1]
    assert refused["result"] == "refused" and "not running" in refused["reason"]


@pytest.mark.lab(main_cf=PATIENT)
def test_the_next_run_frees_what_a_killed_one_did_not(lab):
    """Killed at the last reload: the relay is in main.cf, and Postfix does not know yet."""
    lab.product.configure()
    ids = hang(lab, 60)
    lab.run("cp", "-a", "/usr/sbin/postfix", "/run/postfix.real", check=True)
    lab.mailhost.write("/run/postfix.dying", "#!/bin/sh\ncase \"$*\" in *reload*)\n"
                       "    ! grep -q '^relayhost = .relay' /etc/postfix/main.cf ||"
                       " { kill -9 $PPID; exit 1; } ;;\nesac\n"
                       "exec /run/postfix.real \"$@\"\n", mode=0o755)
    lab.run("mount", "--bind", "/run/postfix.dying", "/usr/sbin/postfix", check=True)
    start(lab, "relay", "office", "587").wait(SOON)
    lab.run("umount", "/usr/sbin/postfix", check=True)
    assert lab.product.apply("status")[-1]["unfinished"] is True
    lines = lab.product.apply("relay", "office", "587", timeout=SOON)
    assert lines[-1]["result"] == "unchanged" and freed(lines)[0] >= 55, lines
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")
