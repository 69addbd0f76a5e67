# SPDX-License-Identifier: BSD-2-Clause
"""A backlog leaves at the relay's pace: little is refused, and fresh mail does not wait behind it."""

import json
import re

import pytest

from lab import wait_until
from lab.product import CONFIG, program

SOON = 60       # s: a wait that should end within seconds
PATIENT = 150   # s: for what the relay's own pace makes long

pytestmark = pytest.mark.lab(main_cf="minimal_backoff_time = 1000s\nmaximal_backoff_time = 4000s\n")


@pytest.fixture(autouse=True)
def nothing_bounces(lab):
    yield
    assert not lab.bounced()


def deferred(lab):
    return sum(1 for path in (lab.mailhost.path("/var/spool/postfix/deferred")).rglob("*")
               if path.is_file())


def backlog(lab, count, **options):
    """COUNT messages, deferred since port 25 is closed."""
    lab.block(25, "rst")
    before = deferred(lab)
    ids = lab.mail(count, **options)
    wait_until(lambda: deferred(lab) == before + count, SOON, "all are deferred")
    return ids


def start(lab, *verb):
    """detour-apply by hand: its process, and its lines as soon as the result is there."""
    process = lab.spawn(program("detour-apply"), "-c", CONFIG, "--json", *verb, log="apply.log")
    process.wait_log('^{"result":.*\n', SOON)
    lines = [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]
    assert lines[-1]["result"] == "ok", lines
    return process, lines


def flush_step(lines):
    return next(line["detail"] for line in lines if line.get("step") == "flush")


def refusals(lab):
    return len(re.findall(r"status=deferred.* said: 421 ", lab.mailhost.log()))


def test_little_is_refused_where_the_relay_has_a_limit(lab):
    """Also where the next attempt of all is due: the reload itself would send them."""
    lab.product.configure()
    lab.relay.meter(limit=[30, 3, "421 4.7.0 Too many messages"])
    ids = backlog(lab, 150)
    lab.run("find", "/var/spool/postfix/deferred", "-type", "f", "-exec", "touch", "-d",
            "1 hour ago", "{}", "+", check=True)
    process, lines = start(lab, "relay", "office", "587")
    # Some may have left already: on a slow machine more of them.
    assert re.search(r"of 1[0-5]\d messages, oldest first", flush_step(lines)), lines
    lab.wait_delivered(ids, PATIENT)
    lab.assert_exactly_once(ids, "relay")
    # Flushed at once, 120 would have been.
    assert refusals(lab) <= 50, process.output()
    assert process.wait(SOON) == 0


def hanging(lab, count):
    """COUNT messages in the hands of Postfix, of which as many hang as there may be smtp(8)."""
    lab.block(25, "drop")
    ids = lab.mail(count)
    wait_until(lambda: lab.run("ss", "-Htn", "state", "syn-sent").stdout.count(":25") >= 100, SOON,
               "deliveries hang")
    return ids


@pytest.mark.parametrize("waiting", [backlog, hanging])
def test_fresh_mail_does_not_wait_behind_the_backlog(lab, waiting):
    """Deferred, or active since port 25 is silent: a reload routes those at once."""
    lab.product.configure()
    lab.relay.meter(rate=20)
    ids = waiting(lab, 250)
    process, lines = start(lab, "relay", "office", "587")
    assert "oldest first" in flush_step(lines)
    passed = []
    while len(passed) < 3:
        before = len(lab.delivered())
        lab.wait_delivered(lab.mail(1), PATIENT)
        passed.append(len(lab.delivered()) - before)
    assert len(lab.delivered()) < 200, "the backlog had left before fresh mail came"
    # Behind the whole of it, some two hundred would have come before the first.
    assert max(passed) < 80, passed
    lab.wait_delivered(ids, PATIENT)
    lab.assert_exactly_once(ids, "relay")
    assert process.wait(SOON) == 0
    assert refusals(lab) == 0


def age(lab, ids, seconds):
    """As if they had come long ago: the time of arrival stands in the queue file."""
    lab.mailhost.write("/run/age.py", AGE)
    lab.run("python3", "/run/age.py", str(seconds), *ids, check=True)


AGE = r"""
import os, pathlib, re, sys
# The queue file begins with records of a type, a length and text; T is the time of arrival.
seconds, wanted = int(sys.argv[1]), set(sys.argv[2:])
for path in pathlib.Path("/var/spool/postfix/deferred").rglob("*"):
    data = path.read_bytes() if path.is_file() else b""
    if wanted & set(re.findall(r"m[0-9]{6}", data.decode("latin-1"))):
        old = re.search(rb"T.([0-9]{10}) [0-9]+", data)
        new = b"%d" % (int(old.group(1)) - seconds)
        stamp = path.stat().st_mtime_ns
        with open(path, "r+b") as file:
            file.seek(old.start(1))
            file.write(new)
        os.utime(path, ns=(stamp, stamp))
"""


def test_the_oldest_first(lab):
    lab.product.configure()
    lab.relay.meter(rate=30)
    young = backlog(lab, 60)
    old = backlog(lab, 60)
    age(lab, old, 7200)
    process, _ = start(lab, "relay", "office", "587")
    lab.wait_delivered(young + old, PATIENT)
    arrived = sorted(young + old, key=lambda one: lab.delivered()[one][0].when)
    # Several sessions at once: the order is not exact where the old ones end.
    late = [one for one in arrived[70:] if one in old]
    assert not late, late
    assert process.wait(SOON) == 0


def test_a_message_has_its_last_try_when_the_relay_takes_others(lab):
    """Older than maximal_queue_lifetime: the first 421 would return it to its sender."""
    lab.product.configure()
    ids = backlog(lab, 30)
    aged = ids[:5]
    age(lab, aged, 6 * 86400)
    lab.relay.meter(limit=[0, 1, "421 4.7.0 Not now"])
    process, lines = start(lab, "relay", "office", "587")
    assert "5 are older than maximal_queue_lifetime" in flush_step(lines)
    assert "5 deferred messages are older than maximal_queue_lifetime" in process.output()
    wait_until(lambda: refusals(lab) >= 15, SOON, "the relay refuses")
    lab.relay.meter()
    lab.wait_delivered(ids, PATIENT)
    lab.assert_exactly_once(ids, "relay")
    assert process.wait(SOON) == 0


def test_another_change_ends_the_release(lab):
    lab.product.configure()
    lab.relay.meter(rate=5)
    backlog(lab, 200)
    first, _ = start(lab, "relay", "office", "587")
    second, lines = start(lab, "rescue")
    assert first.wait(SOON) == 0, "the later one goes on alone"
    assert "at the relay's pace" in flush_step(lines) and second.poll() is None
    start(lab, "direct")[0].wait(SOON)
    assert second.wait(SOON) == 0
    assert len(lab.delivered()) < 200


def test_a_killed_release_loses_nothing(lab):
    lab.product.configure()
    lab.relay.meter(rate=10)
    ids = backlog(lab, 100)
    process, _ = start(lab, "relay", "office", "587")
    process.kill()
    process.wait()
    assert lab.product.apply("status")[-1]["unfinished"] is False
    lab.relay.meter()
    lines = lab.product.apply("rescue", timeout=PATIENT)
    assert lines[-1]["result"] == "ok"
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")


def test_a_stopped_postfix_ends_the_release(lab):
    lab.product.configure()
    lab.relay.meter(rate=5)
    backlog(lab, 100)
    process, _ = start(lab, "relay", "office", "587")
    lab.mailhost.stop()
    assert process.wait(SOON) == 0


def test_a_terminal_is_not_held(lab):
    """What is left is seen to by a process that outlives the terminal."""
    lab.product.configure()
    lab.relay.meter(rate=20)
    ids = backlog(lab, 100)
    command = f"{program('detour-apply')} -c {CONFIG} relay office 587"
    done = lab.run("script", "-qec", command, "/dev/null", timeout=SOON, check=True)
    left = re.search(r"(\d+) messages more leave at the relay's pace \(process (\d+), in the "
                     "background", done.stdout)
    assert left and 0 < int(left[1]) < 100, done.stdout
    assert len(lab.delivered()) < 100
    lab.wait_delivered(ids, SOON)
    lab.assert_exactly_once(ids, "relay")
    wait_until(lambda: lab.run("test", "-e", f"/proc/{left[2]}").returncode, SOON, "it ends")
