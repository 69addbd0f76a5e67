# SPDX-License-Identifier: BSD-2-Clause
"""detourctl check.  Each cause with its verdict is in test_causes.py."""

import collections
import json
import os
import pathlib
import random
import threading
import time

import pytest

from lab.product import program

pytestmark = pytest.mark.lab(postfix=False)

TARGETS = ",".join(f"op{i}.example" for i in range(1, 7))


class Check:
    """One run of check --json."""

    def __init__(self, lab, *arguments, targets=TARGETS, **options):
        started = time.monotonic()
        ran = lab.detourctl("check", "--json", "--targets", targets, *arguments, **options)
        self.seconds = time.monotonic() - started
        self.exit = ran.returncode
        assert ran.stderr == "", ran.stderr
        self.document = json.loads(ran.stdout)

    def verdict(self, family):
        return self.document["verdict"][family]["name"]

    def outcomes(self, family="ipv4"):
        return {o["target"]: o["outcome"] for o in self.document["verdict"][family]["outcomes"]}


def expect(lab, v4, v6, code, *arguments, **options):
    check = Check(lab, *arguments, **options)
    assert (check.verdict("ipv4"), check.verdict("ipv6"), check.exit) == (v4, v6, code), \
        json.dumps(check.document, indent=1)
    assert check.document["schema"] == 1 and check.document["exit"] == code
    return check


def test_open(lab):
    check = expect(lab, "open", "open", 0)
    assert set(check.outcomes().values()) == {"open"}
    assert check.document["verdict"]["ipv4"]["confidence"] == 1
    # While all is well, nothing but port 25 is touched.
    for family in ("ipv4", "ipv6"):
        assert check.document["verdict"][family]["controls"] == {
            "sent": 0, "answered": 0, "accepted": 0, "loss": 0, "by": None,
            "counted_syns": 0}


@pytest.mark.parametrize("method, outcome", [("drop", "timeout"), ("rst", "refused"),
                                             ("icmp", "prohibited")])
def test_blocked_for_all(lab, method, outcome):
    lab.block(25, method)
    check = expect(lab, "blocked", "blocked", 2)
    assert set(check.outcomes().values()) == {outcome}
    assert set(check.outcomes("ipv6").values()) == {outcome}
    assert check.document["summary"].startswith("Outbound port 25 is blocked")
    for family in ("ipv4", "ipv6"):
        verdict = check.document["verdict"][family]
        assert verdict["confidence"] >= 0.999999
        assert verdict["controls"]["by"] and verdict["controls"]["counted_syns"] >= 20


def test_one_refuses(lab):
    lab.operator("op2").stop()
    check = expect(lab, "remote", "remote", 1)
    assert check.outcomes()["op2.example"] == "refused"
    assert "op2.example" in check.document["summary"]


def test_the_network_goes_down_behind_known_addresses(lab):
    literals = ",".join(f"[{address}]" for i in range(1, 7)
                        for address in lab.addresses(f"op{i}")[:1])
    lab.cut()
    check = Check(lab, "--family", "4", targets=literals)
    assert (check.verdict("ipv4"), check.exit) == ("offline", 3)
    assert set(check.outcomes().values()) == {"timeout"}


def test_dns_is_down(lab):
    lab.dns.stop()
    check = expect(lab, "unknown", "unknown", 3)
    assert set(check.outcomes().values()) == {"dns-failed"}
    assert "DNS" in check.document["summary"]


def test_one_family_is_asked_for(lab):
    lab.block(25, "drop", 6)
    check = Check(lab, "--family", "4")
    assert (check.verdict("ipv4"), check.document["verdict"]["ipv6"], check.exit) == \
        ("open", None, 0)
    assert Check(lab, "--family", "6").exit == 2


def test_loss_of_three_packets_in_ten(lab):
    lab.lose(3, 10)
    for _ in range(3):
        check = Check(lab)
        assert check.verdict("ipv4") in ("open", "remote"), json.dumps(check.document, indent=1)
        if check.verdict("ipv4") == "open":
            return
    pytest.fail("never open in three checks")


@pytest.mark.lab(postfix=False, operators=10)
def test_ten_silent_targets_end_in_under_five_seconds(lab):
    lab.block(25, "drop")
    check = expect(lab, "blocked", "blocked", 2,
                   targets=",".join(f"op{i}.example" for i in range(1, 11)))
    assert check.document["seconds"] < 5


def test_one_operator_under_many_names_is_one(lab):
    addresses = [f"[{address}]" for address in lab.addresses("op1")]
    lab.block(25, "drop", to="op1")
    check = Check(lab, targets=",".join(["op1.example", *addresses]))
    assert (check.verdict("ipv4"), check.exit) == ("unknown", 3)
    assert check.document["verdict"]["ipv4"]["operators"] == 1


def test_no_root_no_configuration(lab):
    ran = lab.detourctl("check", "--targets", TARGETS, user="alice")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Outbound port 25 is open: 6 of 6 mail operators")


def test_a_configuration_that_may_not_be_read_is_named(lab):
    """It may say much that the defaults do not."""
    error, = json.loads(lab.detourctl("check-config", "--json").stdout)["errors"]
    path = pathlib.Path(error.partition(": ")[0])
    lab.run("mount", "-t", "tmpfs", "tmpfs", str(path.parents[1]), check=True)
    lab.run("install", "-D", "-m", "600", "/dev/null", str(path), check=True)
    ran = lab.detourctl("check", "--targets", TARGETS, user="alice")
    assert ran.returncode == 0
    assert ran.stderr == f"detourctl: {path}: Permission denied; going on with the defaults\n"
    assert lab.detourctl("check", "--targets", TARGETS).stderr == ""


@pytest.mark.parametrize("arguments", [
    ["--targets", "mx:99999"], ["--targets", ""], ["--targets", "a.example,,b.example"],
    ["--timeout", "0"], ["--timeout", "soon"], ["--family", "5"], ["--helo", "a b"],
    ["--source-address", "::1"], ["--nonsense"], ["extra"],
])
def test_bad_usage_cannot_say(lab, arguments):
    ran = lab.detourctl("check", *arguments)
    assert ran.returncode == 3
    assert ran.stdout == "" and ran.stderr


def test_a_broken_configuration_cannot_say(lab):
    path = os.path.join(lab.directory, "broken.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("mode = maybe\nprobe {\n  interval = never\n}\n")
    ran = lab.detourctl("-c", path, "check")
    assert ran.returncode == 3
    assert f"{path}:1: mode = maybe" in ran.stderr and f"{path}:3: interval = never" in ran.stderr
    ran = lab.detourctl("-c", path, "advise")
    assert (ran.returncode, ran.stdout) == (3, "") and f"{path}:1: mode = maybe" in ran.stderr


def test_an_answer_that_cannot_be_written_is_none(lab):
    def run(command):
        return lab.run("bash", "-c", f"{program('detourctl')} {command}")
    for command in ("check", "check --json", "advise --json"):
        ran = run(f"{command} >/dev/full")
        assert ran.returncode == 3 and "could not be written" in ran.stderr
    assert run("providers --help >/dev/full").returncode == 1
    # Who needs no more may leave.
    ran = run("check --json | true; exit ${PIPESTATUS[0]}")
    assert (ran.returncode, ran.stderr) == (3, "")


def test_hostile_banners_have_a_name(lab):
    """Nothing that a server says first can be taken for a block or hang the round."""
    lab.operator("op1").greet("x" * 5000)
    lab.operator("op2").greet("220-" + "endless\r\n220-" * 500 + "\0")
    check = Check(lab, "--timeout", "3")
    assert check.outcomes()["op1.example"] == "no-banner"
    assert check.outcomes()["op2.example"] == "no-banner"
    assert check.document["seconds"] < 8


def flicker(lab, stop, rng):
    """The whole path goes down for 0.1 to 1.5 s again and again."""
    while not stop.wait(rng.uniform(0.2, 1.0)):
        lab.cut()
        stop.wait(rng.uniform(0.1, 1.5))
        lab.mend()


def test_short_outages_are_no_block(lab):
    """Port 25 is open all the time, and no outage makes it look blocked."""
    literals = ",".join(f"[{lab.addresses(f'op{i}')[0]}]" for i in range(1, 7))
    for seed in range(4):
        stop = threading.Event()
        lab.cut()      # the first SYNs are lost for certain
        thread = threading.Thread(target=flicker, args=(lab, stop, random.Random(seed)))
        thread.start()
        try:
            check = Check(lab, "--family", "4", targets=literals)
        finally:
            stop.set()
            thread.join()
            lab.mend()
        assert check.verdict("ipv4") != "blocked", json.dumps(check.document, indent=1)


def test_a_block_is_seen_through_loss(lab):
    literals = ",".join(f"[{address}]" for i in range(1, 7)
                        for address in lab.addresses(f"op{i}")[:1])
    lab.block(25, "drop")
    lab.lose(3, 10)
    verdicts = set()
    for _ in range(3):
        check = Check(lab, "--family", "4", targets=literals)
        verdicts.add(check.verdict("ipv4"))
        if "blocked" in verdicts:
            break
    assert "blocked" in verdicts and verdicts <= {"blocked", "unknown"}


MANY = [f"198.18.{i % 200 + 1}.{i // 200 + 11}" for i in range(1000)]


@pytest.fixture
def thousand(lab):
    """A thousand mail hosts in two hundred networks."""
    internet = lab.host("internet")
    lab.networks.internet.tool("ip", "route", "add", "local", "198.18.0.0/16", "dev", "lo")
    internet.spawn("smtp-sink", "-u", "nobody", "-h", "all.example", "inet:0.0.0.0:25", "1000")
    internet.wait_listening([("0.0.0.0", 25)])
    return ",".join(f"[{address}]" for address in MANY)


def most_memory(lab, targets):
    """A check of IPv4 alone: its document, and what it kept in memory at the most, in KiB."""
    ran = lab.run("python3", "-c",
                  "import resource, subprocess, sys\n"
                  "print(subprocess.run(sys.argv[1:], stdout=subprocess.PIPE).stdout.decode())\n"
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                  program("detourctl"), "check", "--json", "--family", "4", "--targets", targets)
    document, _, memory = ran.stdout.strip().rpartition("\n")
    return json.loads(document), int(memory)


def is_small(memory):
    """64 MiB do; the sanitizers keep much more."""
    return memory < 64 * 1024 or b"__asan_init" in program("detourctl").read_bytes()


def count_outcomes(document):
    return collections.Counter(
        o["outcome"] for o in document["verdict"]["ipv4"]["outcomes"])


@pytest.mark.lab(postfix=False, operators=1)
def test_a_thousand_targets(lab, thousand):
    document, memory = most_memory(lab, thousand)
    assert count_outcomes(document) == {"open": 1000}
    assert document["verdict"]["ipv4"]["operators"] == 200
    assert is_small(memory)
    # Those whose turn did not come are named, and nobody waits for them.
    lab.block(25, "drop")
    document, memory = most_memory(lab, thousand)
    outcomes = count_outcomes(document)
    assert document["verdict"]["ipv4"]["name"] == "blocked"
    assert outcomes["timeout"] >= 500 and outcomes["timeout"] + outcomes["untried"] == 1000
    assert is_small(memory)


@pytest.mark.lab(postfix=False, operators=1)
def test_a_thousand_targets_with_few_descriptors(lab, thousand):
    ran = lab.run("sh", "-c", 'ulimit -n 200 && exec "$@"', "sh", program("detourctl"), "check",
                  "--json", "--family", "4", "--targets", thousand)
    assert ran.returncode == 0, ran.stderr
    assert count_outcomes(json.loads(ran.stdout)) == {"open": 1000}
