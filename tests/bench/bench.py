#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long, how much: printed, compared with a peer in the same run, never asserted.

    sudo DETOURD_BUILDDIR=build /usr/bin/python3 tests/bench/bench.py [PART ...]

The parts are recovery, rescue, backlog, steps, tools and size.
"""

import json
import os
import pathlib
import re
import shlex
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab, wait_until  # noqa: E402
from lab.product import CONFIG, program  # noqa: E402

MESSAGES, DOMAINS = 500, 50
RUNS = 3
ROUNDS_AN_HOUR = 12     # at the default interval
TURNS = 7


def row(what, value, note=""):
    print(f"  {what:<52} {value:>12}  {note}".rstrip(), flush=True)


def seconds(value):
    return f"{value:.2f} s"


def relay_from_the_start():
    """The peer: the same mail on a host whose relay was set before it came."""
    with Lab() as lab:
        lab.product.configure()
        lab.product.apply("relay", "office", "587")
        started = time.monotonic()
        lab.wait_delivered(lab.mail(MESSAGES, domains=DOMAINS), timeout=120)
        return time.monotonic() - started


def wait_switch(lab, timeout):
    """Until the relay is in main.cf; when that was."""
    wait_until(lambda: "\n# detourd: begin relay" in lab.mailhost.main_cf.read_text(), timeout,
               "the relay is in main.cf", interval=0.01)
    return time.monotonic()


def recovery_after(method):
    """From the block to the last message out: (whole, from the switch on)."""
    with Lab() as lab:
        lab.product.start(interval=300, fastinter=5)
        lab.product.wait_status(lambda s: s["verdict"]["ipv4"] and all(
            r["state"] == "proven" for r in s["relays"]), 30)
        lab.product.daemon.terminate()      # the next round is minutes away: begin one now
        lab.product.daemon.wait(5)
        lab.block(25, method, spare_established=True)
        started = time.monotonic()
        lab.product.start_daemon()
        ids = lab.mail(MESSAGES, domains=DOMAINS)
        switched = wait_switch(lab, 120)
        lab.wait_delivered(ids, timeout=400)
        ended = time.monotonic()
        lab.assert_exactly_once(ids)
        return ended - started, ended - switched


def recovery():
    print(f"\nRecovery: from a round after the block to the last of {MESSAGES} messages, "
          f"{DOMAINS} domains")
    peer = relay_from_the_start()
    row("peer: the relay set from the start", seconds(peer))
    for method in ("rst", "icmp", "drop"):
        whole, after = recovery_after(method)
        row(f"block by {method}", seconds(whole),
            f"{whole / peer:.1f} times the peer; {after:.2f} s from the switch on")


def wait_flip(lab, timeout):
    """The same for the method transport: until its map leads to the relay."""
    said = lab.mailhost.main_cf.with_name("detourd") / "routes/now/route"
    wait_until(lambda: said.exists() and "route office" in said.read_text(), timeout,
               "the map leads to the relay", interval=0.01)
    return time.monotonic()


def rescue_once(method):
    """As many deliveries hang as there may be, and the rest wait behind them: from the switch, and
    from the command for it, to the last one out."""
    with Lab() as lab:
        lab.product.configure(postfix=f"method = {method}")
        lab.block(25, "drop")
        ids = lab.mail(MESSAGES, domains=DOMAINS)
        wait_until(lambda: lab.run("ss", "-Htn", "state", "syn-sent").stdout.count(":25") >= 100,
                   60, "deliveries hang")
        asked = time.monotonic()
        process = lab.spawn(program("detour-apply"), "-c", CONFIG, "relay", "office", "587",
                            log="apply.log")
        switched = (wait_flip if method == "transport" else wait_switch)(lab, 60)
        lab.wait_delivered(ids, timeout=400)
        ended = time.monotonic()
        process.wait(320)
        lab.assert_exactly_once(ids, "relay")
        return ended - switched, ended - asked


def rescue():
    print(f"\nRescue: {MESSAGES} messages stuck in a drop, from the switch to the last one out "
          f"(medians of {RUNS})")
    peers, runs = [], {"relayhost": [], "transport": []}
    for _ in range(RUNS):
        peers.append(relay_from_the_start())
        for method, measured in runs.items():
            measured.append(rescue_once(method))
    peer = statistics.median(peers)
    row("peer: the relay set from the start", seconds(peer))
    for method, measured in runs.items():
        switched, asked = (statistics.median(times) for times in zip(*measured))
        row(f"stuck, method {method}", seconds(switched), f"{switched / peer:.1f} times the peer; "
            f"wanted: at most 3; {asked:.2f} s from the command on")


def waits_of_fresh_mail(lab, ids):
    """How long messages wait that come one after the other until all of IDS have left."""
    waits = []
    while not set(ids) <= lab.delivered().keys():
        waits.append(lab.wait_delivered(lab.mail(1), timeout=400))
    return waits


def backlog_once(paced, count, **meter):
    """COUNT messages are deferred when the switch comes: (seconds from the switch to the last one
    out, the longest wait of a fresh message, refusals).  Not PACED: the release is ended, and the
    queue flushed by hand."""
    with Lab() as lab:
        lab.product.configure()
        lab.relay.meter(**meter)
        lab.block(25, "rst")
        ids = lab.mail(count, domains=DOMAINS)
        deferred = lab.mailhost.path("/var/spool/postfix/deferred")
        wait_until(lambda: sum(path.is_file() for path in deferred.rglob("*")) == count, 120,
                   "all are deferred")
        process = lab.spawn(program("detour-apply"), "-c", CONFIG, "relay", "office", "587",
                            log="apply.log")
        switched = wait_switch(lab, 60)
        process.wait_log("^(ok|{\"result)", 60)
        if not paced:
            process.kill()
            lab.mailhost.flush()
        waits = [] if meter.get("limit") else waits_of_fresh_mail(lab, ids)
        if not meter.get("limit") or paced:
            lab.wait_delivered(ids, timeout=1200)
        else:
            wait_until(lambda: not lab.run("sh", "-c", "ls /var/spool/postfix/active").stdout, 120,
                       "all were tried")
        refused = len(re.findall(r"status=deferred.* (?:said|talk to me): 421 ",
                                 lab.mailhost.log()))
        return time.monotonic() - switched, max(waits, default=0), refused


def backlog():
    count, rate = 2000, 20
    print(f"\nA backlog of {count} at a relay of {rate} a second, and fresh mail, a message at a time")
    for paced, name in ((False, "peer: postqueue -f"), (True, "detour-apply")):
        out, waited, _ = backlog_once(paced, count, rate=rate)
        row(f"{name}: the longest wait of a fresh message", seconds(waited),
            "wanted: below 15 s" if paced else "")
        row(f"{name}: the last of the backlog out", seconds(out), f"{count / rate:.0f} s at best")
    count, limit = 1000, [100, 10, "421 4.7.0 Too many messages"]
    print(f"\nA backlog of {count} at a relay that takes {limit[0]} in {limit[1]} s")
    for paced, name in ((False, "peer: postqueue -f"), (True, "detour-apply")):
        out, _, refused = backlog_once(paced, count, limit=limit)
        row(f"{name}: refused for now", str(refused))
        if paced:
            row(f"{name}: the last one out", seconds(out),
                f"{count / limit[0] * limit[1]:.0f} s at best")


def steps():
    print("\nThe steps of a switch, and of the way back")
    with Lab() as lab:
        lab.product.configure()
        for verb in (("relay", "office", "587"), ("direct",)):
            lines = lab.product.apply(*verb)
            for line in lines[:-1]:
                row(f"{verb[0]}: {line['step']}", f"{line['ms']} ms")
            row(f"{verb[0]}: all of it", f"{sum(line['ms'] for line in lines[:-1])} ms")


def tools_of(trace):
    """The command lines that detour-apply itself ran, of a trace of execve and clone; what those
    ran in turn is theirs."""
    lines = trace.splitlines()
    own = lines[0].split()[0]
    children = {match[1] for line in lines if line.split()[0] == own
                for match in [re.search(r"(?:clone|fork).* = ([0-9]+)$", line)] if match}
    runs = {}
    for line in lines:
        match = re.match(r'([0-9]+) +execve\("([^"]+)", (\[.*?\]), \[', line)
        if match and match[1] in children and line.endswith(" = 0"):
            runs.setdefault(match[1], [match[2], *json.loads(match[3])[1:]])
    return list(runs.values())


def timed(commands):
    """A script that says in nanoseconds how long it took."""
    return f"start=$(date +%s%N)\n{commands}\necho $(($(date +%s%N) - start))\n"


def run_by_hand(lab, commands):
    """How long the same tools take, one after the other, in milliseconds.  What was staged then is
    a copy of the configuration now."""
    text = "\n".join(shlex.join(command) + " >/dev/null 2>&1" for command in commands)
    text = re.sub(r"/etc/postfix/detourd/stage/[a-z]+", "/run/hand", text)
    text = re.sub(r"/etc/postfix/detourd/private/[0-9]+(\.new)?", "/run/hand", text)
    lab.mailhost.write("/run/by-hand", timed(text))
    lab.run("sh", "-ec", """rm -rf /run/hand; mkdir -m 700 /run/hand; cd /run/hand; umask 077
        cp -p /etc/postfix/main.cf /etc/postfix/master.cf .
        echo "[relay.example]:587 user:password" | tee sasl >policy""", check=True)
    return int(lab.run("sh", "/run/by-hand", check=True).stdout) / 1e6


def run_apply(lab, words):
    """(all of it, the wait for Postfix's own processes), in milliseconds."""
    command = shlex.join([str(program("detour-apply")), "-c", CONFIG, "--json", *words])
    lab.mailhost.write("/run/apply", timed(command))
    *lines, took = lab.run("sh", "/run/apply", check=True).stdout.splitlines()
    lines = [json.loads(line) for line in lines]
    assert lines[-1]["result"] == "ok", lines
    return int(took) / 1e6, sum(line["ms"] for line in lines[:-1] if line["step"] == "settle")


def tools():
    """A change against the tools that it runs, run by hand: the same, as often."""
    print(f"\nA switch against its tools run by hand, as often as it runs them; Postfix running; "
          f"the best of {TURNS}")
    verbs = {"relay": ("relay", "office", "587"), "direct": ("direct",)}
    with Lab() as lab:
        lab.product.configure()
        commands, by_hand, apply, settle = {}, {}, {}, {}
        for name, words in verbs.items():
            lab.run("strace", "-f", "--seccomp-bpf", "-v", "-s", "10000", "-o", "/run/trace",
                    "-e", "trace=execve,clone,clone3,fork,vfork",
                    program("detour-apply"), "-c", CONFIG, *words, check=True,
                    timeout=300)
            commands[name] = tools_of(lab.mailhost.path("/run/trace").read_text())
        for _ in range(TURNS):
            for name, words in verbs.items():
                by_hand.setdefault(name, []).append(run_by_hand(lab, commands[name]))
                whole, waited = run_apply(lab, words)
                apply.setdefault(name, []).append(whole)
                settle.setdefault(name, []).append(waited)
    for name in verbs:
        names = [pathlib.PurePath(command[0]).name for command in commands[name]]
        hand, whole, waited = (min(times[name]) for times in (by_hand, apply, settle))
        row(f"{name}: " + ", ".join(f"{names.count(n)} {n}" for n in sorted(set(names))),
            f"{hand:.0f} ms", "by hand")
        row(f"{name}: detour-apply", f"{whole:.0f} ms",
            f"{whole / hand:.2f} times (wanted: at most 1.3); {waited:.0f} ms of it waits for "
            f"Postfix's own processes, {(whole - waited) / hand:.2f} without")


def cpu_ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def resident_kib(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def size():
    print(f"\nSize: detourd over {ROUNDS_AN_HOUR} rounds, an hour's worth at the default interval")
    with Lab() as lab:
        daemon = lab.product.start(interval=1)
        seen = set()

        def enough(status):
            if status["verdict"]["ipv4"]:
                seen.add(status["verdict"]["at"])
            return len(seen) > ROUNDS_AN_HOUR

        lab.product.wait_status(lambda s: s["verdict"]["ipv4"], 30)
        before = cpu_ticks(daemon.pid)
        lab.product.wait_status(enough, 120)
        used = (cpu_ticks(daemon.pid) - before) / os.sysconf("SC_CLK_TCK")
        row("CPU, status queries of this bench included", seconds(used))
        row("resident memory", f"{resident_kib(daemon.pid) / 1024:.1f} MiB", "wanted: below 12")


PARTS = {"recovery": recovery, "rescue": rescue, "backlog": backlog, "steps": steps, "tools": tools,
         "size": size}


def main():
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
