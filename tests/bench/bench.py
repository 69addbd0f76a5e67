#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long, how much: printed, compared with a peer in the same run, never asserted.

    sudo DETOURD_BUILDDIR=build /usr/bin/python3 tests/bench/bench.py [recovery|rescue|steps|size ...]
"""

import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab, wait_until  # noqa: E402
from lab.product import CONFIG, program  # noqa: E402

MESSAGES, DOMAINS = 500, 50
RUNS = 3
ROUNDS_AN_HOUR = 12     # at the default interval


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


def rescue_once():
    """As many deliveries hang as there may be, and the rest wait behind them: from the switch to
    the last one out."""
    with Lab() as lab:
        lab.product.configure()
        lab.block(25, "drop")
        ids = lab.mail(MESSAGES, domains=DOMAINS)
        wait_until(lambda: lab.run("ss", "-Htn", "state", "syn-sent").stdout.count(":25") >= 100,
                   60, "deliveries hang")
        process = lab.spawn(program("detour-apply"), "-c", CONFIG, "relay", "office", "587",
                            log="apply.log")
        switched = wait_switch(lab, 60)
        lab.wait_delivered(ids, timeout=400)
        ended = time.monotonic()
        process.wait(320)
        lab.assert_exactly_once(ids, "relay")
        return ended - switched


def rescue():
    print(f"\nRescue: {MESSAGES} messages stuck in a drop, from the switch to the last one out "
          f"(medians of {RUNS})")
    peers, ours = zip(*((relay_from_the_start(), rescue_once()) for _ in range(RUNS)))
    peer, our = statistics.median(peers), statistics.median(ours)
    row("peer: the relay set from the start", seconds(peer))
    row("stuck", seconds(our), f"{our / peer:.1f} times the peer; wanted: at most 3")


def steps():
    print("\nThe steps of a switch, and of the way back")
    with Lab() as lab:
        lab.product.configure()
        for verb in (("relay", "office", "587"), ("direct",)):
            lines = lab.product.apply(*verb)
            for line in lines[:-1]:
                row(f"{verb[0]}: {line['step']}", f"{line['ms']} ms")
            row(f"{verb[0]}: all of it", f"{sum(line['ms'] for line in lines[:-1])} ms")


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


PARTS = {"recovery": recovery, "rescue": rescue, "steps": steps, "size": size}


def main():
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
