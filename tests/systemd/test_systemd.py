# SPDX-License-Identifier: BSD-2-Clause
"""The story under a real systemd: Debian's Postfix with its own units, ours with their sandboxes."""

import re

import pytest

from conftest import MachineLab
from installed import DAEMON, REQUEST, REQUESTS, SOCKET
from lab import mailhost, wait_until
from lab.apply import Answer
from lab.product import APPLY_SOCKET, SOCKET as CONTROL_SOCKET

SOON = 60       # s: a wait that should end within seconds
PATIENCE = 180  # s: for a switch while other tests run
METHODS = ("relayhost", "transport")
EXPOSURE = {DAEMON: 1.5, "detour-apply@test.service": 3.4}

# A call that the filter forbids fails with EPERM, which nobody might notice; so it kills.
STRICT = "[Service]\nSystemCallErrorNumber=\n"
# What a sandbox that is too narrow makes programs say.
DENIED = re.compile(r"Operation not permitted|Permission denied|Read-only file system|"
                    r"not supported by protocol|\bSIGSYS\b|31/SYS|signal 31\b|Bad system call")


def verdict(status):
    return (status["verdict"]["ipv4"] or {}).get("name")


def settled(lab, **configuration):
    """Start, and wait until every relay has proved itself."""
    lab.product.start(**configuration)
    return lab.product.wait_status(lambda s: verdict(s) == "open" and all(
        r["state"] == "proven" for r in s["relays"]), SOON)


def strict(lab):
    for unit in (DAEMON, REQUEST):
        lab.mailhost.drop_in(unit, STRICT)


def nothing_was_denied(lab):
    """No unit has failed, and nobody ran into a wall of its sandbox."""
    failed = lab.mailhost.systemctl("--failed", "--plain", "--no-legend").stdout
    assert failed == ""
    lines = (lab.mailhost.journal("-u", "detour*") + lab.mailhost.log()).splitlines()
    assert [line for line in lines if DENIED.search(line)] == []


def arrives(lab, count=20):
    """Mail that is sent now leaves through the relay, though nobody of ours may be there."""
    ids = lab.mail(count, domains=10)
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")


def route_of(host, method):
    """Whether the method's own settings lead to the relay."""
    if method == "relayhost":
        return host.postconf("relayhost") == "[relay.example]:587"
    return (re.search(r"^detour-office\s+unix\s", host.master_cf.read_text(), re.MULTILINE)
            and "/detourd/route" in host.postconf("sender_dependent_default_transport_maps"))


def files_of(host):
    return host.main_cf.read_bytes(), host.master_cf.read_bytes()


def removed(lab, method):
    """What the method leaves in place until it is told to go."""
    if method == "transport":
        assert lab.product.apply("remove")[-1]["result"] == "ok"


# Installation.

def test_as_installed_it_observes(lab, figure):
    """What was shipped, enabled and started, changes nothing, and is there again after a reboot."""
    host, product = lab.mailhost, lab.product
    assert re.match(r"detourd:x:\d+:\d+:", host.run("getent", "passwd", "detourd").stdout)
    product.start_applier()
    product.start_daemon()
    for again in (False, True):
        if again:
            host.reboot()
        # Started means that it answers: no wait here.
        assert product.status()["mode"] == "observe"
        product.wait_status(lambda s: s["postfix"]["running"] is True, SOON)
        assert [host.show(unit, "ActiveState") for unit in (DAEMON, SOCKET)] == ["active"] * 2
        modes = host.run("stat", "-c", "%U:%G %a", APPLY_SOCKET, CONTROL_SOCKET,
                         "/var/lib/detourd", check=True).stdout.splitlines()
        assert modes == ["root:detourd 660", "detourd:adm 660", "detourd:detourd 700"]
    assert not host.path("/etc/postfix/detourd").exists()
    nothing_was_denied(lab)
    for unit, limit in EXPOSURE.items():
        said = host.run("systemd-analyze", "security", "--no-pager", unit).stdout
        level = float(re.search(r"Overall exposure level .*: ([0-9.]+)", said)[1])
        figure(f"exposure of {unit.replace('test', '')}: {level}")
        assert level <= limit


def status_of(lab, pid):
    lines = lab.run("cat", f"/proc/{pid}/status", check=True).stdout.splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def mounts_of(lab, pid):
    """Mount point to its options, as the process sees them."""
    rows = lab.run("cat", f"/proc/{pid}/mountinfo", check=True).stdout.splitlines()
    return {row.split()[4]: row.split()[5].split(",") for row in rows}


def test_the_sandboxes_take_effect(lab):
    """The kernel does what the units ask for; what it ignores, systemd passes over in silence."""
    settled(lab)
    daemon = lab.product.pid()
    status = status_of(lab, daemon)
    assert status["Uid"].split()[0] != "0"
    assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == [0] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "ro" in mounts_of(lab, daemon)["/"]
    # Nobody else gets at the requests.
    refused = lab.run("socat", "-", f"UNIX-CONNECT:{APPLY_SOCKET}", user=mailhost.USER)
    assert "Permission denied" in refused.stderr
    # An instance that waits for its line.
    caller = lab.spawn("socat", f"UNIX-CONNECT:{APPLY_SOCKET}", "EXEC:sleep 60")
    ours = wait_until(lambda: waiting_instance(lab), SOON, "a request is waited for")
    status = status_of(lab, ours)
    assert status["Uid"].split()[0] == "0" and int(status["CapBnd"], 16) & (1 << 21) == 0  # SYS_ADMIN
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    mounts = mounts_of(lab, ours)
    assert "ro" in mounts["/"] and "rw" in mounts["/etc/postfix"]
    caller.end_group()


def waiting_instance(lab):
    """The process that reads a request's line, once it is past its sandbox's making."""
    for unit in lab.mailhost.systemctl("list-units", "--plain", "--no-legend",
                                       REQUESTS).stdout.splitlines():
        pid = lab.mailhost.show(unit.split()[0], "MainPID")
        if lab.run("cat", f"/proc/{pid}/comm").stdout == "detour-apply\n":
            return pid
    return None


# Requests, each in its sandbox.

def good(answer):
    """All that was done for it was done, too."""
    assert answer.result == "ok" and all(step["ok"] for step in answer.steps.values()), answer
    return answer


def half_open(lab):
    """How many SYNs to port 25 were sent again."""
    rows = lab.run("ss", "-Htno", "state", "syn-sent", "dport", "= :25").stdout
    return len(re.findall(r"timer:\(on,[^,]*,[1-9]", rows))


@pytest.mark.parametrize("method", METHODS)
def test_requests_in_their_sandbox(lab, method):
    """A switch with all that it does to a Postfix whose deliveries hang, and the way back."""
    strict(lab)
    before = files_of(lab.mailhost)
    lab.product.configure(postfix=f"method = {method}")
    lab.product.start_applier()
    good(lab.product.ask("1 facts"))
    good(lab.product.ask("1 plan relay office 587"))
    lab.block(25, "drop")
    ids = lab.mail(50, domains=50)
    wait_until(lambda: half_open(lab) >= 50, SOON, "deliveries hang")
    answer = good(lab.product.ask("1 relay office 587"))
    # Both capabilities of its own are there: NET_ADMIN ends connections, SYS_PTRACE finds them.
    freed = re.match(r"(\d+) deliveries freed", answer.steps["rescue"]["detail"])
    assert freed and int(freed[1]) >= 50, answer
    assert route_of(lab.mailhost, method)
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")
    lab.unblock()
    good(lab.product.ask("1 direct"))
    removed(lab, method)
    assert files_of(lab.mailhost) == before
    nothing_was_denied(lab)


def test_a_backlog_leaves_behind_the_answer(lab):
    """The caller is let go at once; the release goes on in its unit, which nothing ends early."""
    host = lab.mailhost
    strict(lab)
    lab.product.configure()
    lab.product.start_applier()
    lab.relay.meter(rate=20)
    lab.block(25, "rst")
    ids = lab.mail(150, domains=50)
    wait_until(lambda: list(lab.queue().values()) == ["deferred"] * 150, SOON, "all is deferred")
    answer = good(lab.product.ask("1 relay office 587"))
    assert re.search(r"\d+ of 150 messages, oldest first", answer.steps["flush"]["detail"]), answer
    unit = host.systemctl("list-units", "--plain", "--no-legend", REQUESTS).stdout.split()[0]
    assert host.show(unit, "ActiveState") == "active" and lab.queue()
    assert host.show(unit, "RuntimeMaxUSec") == "infinity"
    lab.wait_delivered(ids, PATIENCE)
    lab.assert_exactly_once(ids, "relay")
    wait_until(lambda: host.show(unit, "ActiveState") == "inactive", SOON, "the release is over")
    nothing_was_denied(lab)


@pytest.mark.parametrize("method", METHODS)
def test_a_change_that_has_begun_is_finished(lab, method):
    """Whoever stops the machine in the midst of it waits for the end of it."""
    host = lab.mailhost
    lab.product.configure(postfix=f"method = {method}")
    lab.product.start_applier()
    caller = lab.spawn("sh", "-c", f'echo "1 relay office 587" | socat -t 300 - UNIX:{APPLY_SOCKET}',
                       log="request.log")
    caller.wait_log('"step":"prepare')
    host.systemctl("stop", REQUESTS)
    good(Answer(caller.output()))
    assert route_of(host, method)
    arrives(lab)
    nothing_was_denied(lab)


# The story.

@pytest.mark.parametrize("method", METHODS)
def test_the_story(lab, method):
    """Port 25 closes and opens; mail goes out by the relay, and directly again."""
    host, product = lab.mailhost, lab.product
    strict(lab)
    before = files_of(host)
    settled(lab, postfix=f"method = {method}")
    lab.block(25, "drop", spare_established=True)
    ids = lab.mail(200, domains=50)
    # Whoever kills detourd in the midst of it has cut off nothing: systemd starts it again, and
    # the request is no process of its.
    wait_until(lambda: "switching to office" in product.daemon.output(), PATIENCE, "it switches")
    host.systemctl("kill", "-s", "KILL", DAEMON)
    product.wait_route("office", PATIENCE)
    assert host.show(DAEMON, "NRestarts") == "1"
    lab.wait_delivered(ids, PATIENCE)
    lab.assert_exactly_once(ids)
    lab.unblock()
    product.wait_route("direct", PATIENCE)
    later = lab.mail(20, domains=20)
    lab.wait_delivered(later, SOON)
    lab.assert_exactly_once(later, "direct")
    host.systemctl("stop", DAEMON)
    removed(lab, method)
    assert files_of(host) == before
    nothing_was_denied(lab)


# In mid-outage: each test finds the route in force and detourd running, and leaves it so.

@pytest.fixture(name="outage", scope="module", params=METHODS)
def fixture_outage(root, request):
    with MachineLab(root) as lab:
        settled(lab, postfix=f"method = {request.param}")
        lab.block(25, "rst")
        lab.product.wait_route("office", PATIENCE)
        assert route_of(lab.mailhost, request.param)
        yield lab


@pytest.fixture(autouse=True)
def stays_on_the_relay(request):
    """No switch may come of a restart."""
    if "outage" not in request.fixturenames:
        yield
        return
    lab = request.getfixturevalue("outage")
    before, since = files_of(lab.mailhost), lab.product.status()["route"]["since"]
    yield
    lab.product.wait_status(lambda s: verdict(s) == "blocked", SOON)
    route = lab.product.status()["route"]
    assert (route["name"], route["since"]) == ("office", since)
    assert files_of(lab.mailhost) == before
    assert lab.mailhost.show(DAEMON, "ActiveState") == "active"
    nothing_was_denied(lab)


def test_restart_in_mid_outage(outage):
    before = outage.product.pid()
    outage.mailhost.systemctl("restart", DAEMON)
    assert outage.product.pid() not in (0, before)
    assert outage.product.status() is not None
    arrives(outage)


def test_without_detourd_mail_goes_on(outage):
    host = outage.mailhost
    host.systemctl("stop", DAEMON)
    assert host.show(DAEMON, "Result") == "success"
    # Its own directory goes with it, and not the socket of requests.
    assert not host.path(CONTROL_SOCKET).exists() and host.path(APPLY_SOCKET).exists()
    good(outage.product.ask("1 status"))
    arrives(outage)
    host.systemctl("restart", "postfix")
    arrives(outage)
    host.systemctl("start", DAEMON)
    outage.product.wait_route("office", SOON)


def test_without_detour_apply_it_says_so(outage):
    host, product = outage.mailhost, outage.product
    host.systemctl("stop", SOCKET)
    assert not host.path(APPLY_SOCKET).exists()
    product.wait_status(lambda s: any(APPLY_SOCKET in p for p in s["problems"]), SOON)
    arrives(outage)
    host.systemctl("start", SOCKET)
    product.wait_status(lambda s: not any(APPLY_SOCKET in p for p in s["problems"]), SOON)


def restarts(lab):
    return int(lab.mailhost.show(DAEMON, "NRestarts"))


def test_killed_it_is_started_again(outage):
    count = restarts(outage)
    outage.mailhost.systemctl("kill", "-s", "KILL", DAEMON)
    arrives(outage)
    wait_until(lambda: restarts(outage) == count + 1, SOON, "systemd starts detourd again")
    outage.product.wait_route("office", SOON)


def test_the_watchdog_ends_a_hanging_one(outage, request):
    host = outage.mailhost
    assert host.show(DAEMON, "WatchdogUSec") == "1min"
    request.addfinalizer(lambda: (host.remove_drop_in(DAEMON), host.systemctl("restart", DAEMON)))
    host.drop_in(DAEMON, "[Service]\nWatchdogSec=2\nRestartSec=100ms\n")
    host.systemctl("restart", DAEMON)
    count, beats = restarts(outage), {host.show(DAEMON, "WatchdogTimestampMonotonic")}
    # Longer than the limit: a healthy one keeps it.
    wait_until(lambda: beats.add(host.show(DAEMON, "WatchdogTimestampMonotonic"))
               or len(beats) > 3, SOON, "detourd tells the watchdog that it lives")
    assert restarts(outage) == count
    host.systemctl("kill", "-s", "STOP", DAEMON)
    arrives(outage)
    wait_until(lambda: restarts(outage) > count, SOON, "the watchdog ends detourd")
    assert "Watchdog timeout" in outage.product.daemon.output()
    outage.product.wait_route("office", SOON)



def test_reload(outage):
    """A configuration with an error is refused where the operator sees it, and the old one stays."""
    host, product = outage.mailhost, outage.product
    good, pid = host.path(product.config).read_text(), product.pid()
    try:
        host.write(product.config, good.replace("mode = switch", "mode = swich"))
        assert host.systemctl("reload", DAEMON, check=False).returncode != 0
        assert "mode = swich; expected one of" in product.daemon.output()
        # By a signal the daemon itself has to say so.
        host.systemctl("kill", "-s", "HUP", DAEMON)
        wait_until(lambda: [e for e in host.entries("-t", "detourd", "-p", "err")
                            if "the one in use stays" in e["MESSAGE"]], SOON, "an error is logged")
        assert product.status()["mode"] == "switch"
        host.write(product.config, good.replace("mode = switch", "mode = observe"))
        host.systemctl("reload", DAEMON)
        product.wait_status(lambda s: s["mode"] == "observe", SOON)
    finally:
        host.write(product.config, good)
        host.systemctl("reload", DAEMON)
    product.wait_status(lambda s: s["mode"] == "switch", SOON)
    assert product.pid() == pid
    arrives(outage)


def test_the_journal_has_levels_and_no_secrets(outage):
    host = outage.mailhost
    ours = [e for e in host.entries("-t", "detourd") if e["_SYSTEMD_UNIT"] == DAEMON]
    levels = {e["MESSAGE"]: int(e["PRIORITY"]) for e in ours}
    assert {level for text, level in levels.items() if text.startswith("switching to ")} == {5}
    assert {level for text, level in levels.items() if text.startswith("route in force")} == {6}
    assert not [text for text in levels if re.match(r"<\d>|detourd:", text)]
    # Rounds and requests that find all as it was say nothing, also at the level of debug.
    before = host.journal("-u", "detour*")
    seen = set()
    outage.product.wait_status(lambda s: seen.add(s["verdict"]["at"]) or len(seen) > 3, SOON)
    assert host.journal("-u", "detour*").removeprefix(before) == ""
    everything = host.run("journalctl", "-q", "-o", "export").stdout
    shown = host.systemctl("show", DAEMON, REQUESTS).stdout
    assert outage.relay.password not in everything + shown


def test_reboot_in_mid_outage(outage):
    outage.mailhost.reboot()
    arrives(outage)
    outage.product.wait_route("office", SOON)
