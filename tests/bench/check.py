#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`detourctl check` beside nmap, check_smtp, swaks and nc, each on the same hosts in the same run.
Printed, never asserted.

    sudo ./bootstrap bench
    sudo DETOURD_BUILDDIR=build /usr/bin/python3 tests/bench/check.py [PART ...]

The parts are silent, open and many.  Runs alternate, so that a machine that slows down slows all of
them; the median counts.
"""

import json
import pathlib
import re
import shlex
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab                                                 # noqa: E402
from lab.product import program                                     # noqa: E402

RUNS = 5
MANY = 1000
PLUGIN = "/usr/lib/nagios/plugins/check_smtp"


def row(what, value, note=""):
    print(f"  {what:<56} {value:>10}  {note}".rstrip(), flush=True)


def seconds(value):
    return f"{value:.2f} s"


def timed(lab, *argv, timeout=200):
    """Wall time of a program on the mail host, without what entering the host costs, the largest
    memory of it in MiB, and what it printed."""
    script = ('from resource import getrusage, RUSAGE_CHILDREN; import subprocess, sys, time\n'
              't = time.monotonic(); r = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, '
              'stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)\n'
              'print(time.monotonic() - t, getrusage(RUSAGE_CHILDREN).ru_maxrss / 1024)\n'
              'sys.stdout.flush(); sys.stdout.buffer.write(r.stdout)')
    ran = lab.run(sys.executable, "-IS", "-c", script, *map(str, argv), timeout=timeout)
    figures, _, output = ran.stdout.partition("\n")
    took, memory = map(float, figures.split())
    return took, memory, output


def check(lab, targets, *arguments):
    took, memory, output = timed(lab, program("detourctl"), "check", "--json", "--targets",
                                 ",".join(targets), *arguments)
    return took, memory, json.loads(output)


def in_shell(command):
    return "sh", "-c", command


def each(hosts, command):
    """COMMAND for each of HOSTS at once, and the wait for all of them."""
    return in_shell("".join(f"{command.format(shlex.quote(host))} >/dev/null 2>&1 & "
                            for host in hosts) + "wait")


def compare(lab, ours, peers):
    """Median times; OURS and each of PEERS, name to a command line, by turns."""
    times = {name: [] for name in ("detourctl check", *peers)}
    documents = []
    for _ in range(RUNS):
        took, _, document = ours()
        times["detourctl check"].append(took)
        documents.append(document)
        for name, command in peers.items():
            times[name].append(timed(lab, *command)[0])
    medians = {name: statistics.median(those) for name, those in times.items()}
    verdicts = {family["name"] for document in documents
                for family in document["verdict"].values() if family}
    row("detourctl check", seconds(medians["detourctl check"]), "verdict " + ", ".join(verdicts))
    for name in peers:
        row(name, seconds(medians[name]),
            f"detourctl takes {medians['detourctl check'] / medians[name]:.2f} times that")
    return medians


def first_addresses(lab):
    return [operator.mx[0].addresses[0] for operator in lab.operators]


def silent():
    print("\nTen targets, all silent: the verdict, its cause, where it is blocked")
    with Lab(operators=10, postfix=False) as lab:
        lab.block(25, "drop")
        targets = [operator.domain for operator in lab.operators]
        hosts = first_addresses(lab)
        compare(lab, lambda: check(lab, targets, "--family", "4"), {
            "nmap -Pn -n -p25,587 (wanted: no later)":
                ("nmap", "-Pn", "-n", "-p25,587", *hosts),
            "nc -z -w 3, all at once": each(hosts, "nc -z -w 3 {} 25"),
            "check_smtp -t 3, all at once": each(hosts, PLUGIN + " -t 3 -H {}"),
            "swaks --timeout 3, all at once": each(
                hosts, "swaks --timeout 3 --quit-after EHLO --server {} --to a@example.com")})


# Banner, EHLO and QUIT with one host; prints the seconds.
EXCHANGE = """
import socket, sys, time
t = time.monotonic()
with socket.create_connection((sys.argv[1], 25), 30) as s:
    lines = s.makefile("rwb", buffering=0)
    def reply():
        while lines.readline()[3:4] == b"-":
            pass
    reply()
    for word in (b"EHLO mail.example.com", b"QUIT"):
        lines.write(word + b"\\r\\n")
        reply()
print(time.monotonic() - t)
"""


def slowest_exchange(lab, hosts):
    """The best of three with each; the longest of those."""
    def exchange(host):
        return float(lab.run(sys.executable, "-IS", "-c", EXCHANGE, host, check=True).stdout)
    return max(min(exchange(host) for _ in range(3)) for host in hosts)


def opened():
    print("\nTen targets, all open; one of them holds its banner back for a second")
    with Lab(operators=10, postfix=False) as lab:
        lab.operators[3].banner_delay(1)
        targets = [operator.domain for operator in lab.operators]
        hosts = first_addresses(lab)
        medians = compare(lab, lambda: check(lab, targets, "--family", "4"), {
            "check_smtp, all at once": each(hosts, PLUGIN + " -H {}"),
            "check_smtp, one after the other":
                in_shell("; ".join(f"{PLUGIN} -H {host}" for host in hosts)),
            "swaks, all at once": each(
                hosts, "swaks --timeout 9 --quit-after EHLO --server {} --to a@example.com"),
            "nmap -Pn -n -p25,587, no banner read": ("nmap", "-Pn", "-n", "-p25,587", *hosts)})
        slowest = slowest_exchange(lab, hosts)
        row("the slowest target's own exchange", seconds(slowest),
            f"detourctl takes {medians['detourctl check'] / slowest:.2f} times that "
            "(wanted: at most 1.5)")


# One server for a whole network, under a name of its own at each address, which takes as long to
# greet as its argument says.
EVERYWHERE = """
import asyncio, sys
pause = float(sys.argv[1])
async def serve(reader, writer):
    name = "mx." + writer.get_extra_info("sockname")[0].replace(".", "-") + ".example"
    try:
        await asyncio.sleep(pause)
        writer.write(f"220 {name} ESMTP\\r\\n".encode())
        while line := await reader.readline():
            quits = line.upper().startswith(b"QUIT")
            writer.write(b"221 bye\\r\\n" if quits else f"250 {name}\\r\\n".encode())
            await writer.drain()
            if quits:
                break
    except OSError:
        pass
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[2]), backlog=4096)
    await server.serve_forever()
asyncio.run(main())
"""

# Mail operators are some milliseconds away and look at whom they greet; with servers that answer
# at once, what is measured is the kernel's time for a connection.
GREETINGS = {"open": 0, "open, greeting after 0.1 s": 0.1}
PORTS = dict(zip(GREETINGS, (2525, 2526)))


def many_hosts(lab):
    """1,000 addresses in as many /24 as there are; somebody listens at each."""
    internet = lab.networks.internet
    internet.tool("ip", "route", "add", "local", "198.19.0.0/16", "dev", "lo")
    internet.sysctl(core__somaxconn=8192)
    for state, pause in GREETINGS.items():
        lab.spawn(sys.executable, "-IS", "-c", EVERYWHERE, pause, PORTS[state], host="internet",
                  log=f"everywhere{PORTS[state]}.log")
    lab.internet.wait_listening([("0.0.0.0", port) for port in PORTS.values()])
    return [f"198.19.{i % 250 + 1}.{i // 250 + 1}" for i in range(MANY)]


def lead_to(lab, port):
    lab.networks.internet.tool(
        "nft", "-f", "-", input="table ip many; delete table ip many; table ip many { chain pre { "
        "type nat hook prerouting priority dstnat; ip daddr 198.19.0.0/16 tcp dport 25 redirect to "
        f":{port}; }}; }}\n")


def many():
    print(f"\n{MANY} targets in one check, beside ten of them")
    with Lab(operators=1, postfix=False) as lab:
        hosts = many_hosts(lab)
        for state in (*GREETINGS, "silent"):
            if state == "silent":
                lab.block(25, "drop")
            else:
                lead_to(lab, PORTS[state])
            figures = {count: [] for count in (10, MANY)}
            for _ in range(3):
                for count, found in figures.items():
                    found.append(check(lab, [f"[{host}]" for host in hosts[:count]], "--family",
                                       "4", "--no-trace"))
            ten, thousand = (statistics.median(took for took, _, _ in figures[count])
                             for count in (10, MANY))
            verdict = figures[MANY][-1][2]["verdict"]["ipv4"]["name"]
            memory = max(size for _, size, _ in figures[MANY])
            row(f"{state}, 10 targets", seconds(ten))
            row(f"{state}, {MANY} targets", seconds(thousand), f"{thousand / ten:.1f} times that "
                f"(wanted: at most 3); verdict {verdict}; {memory:.0f} MiB (wanted: under 64)")


PARTS = {"silent": silent, "open": opened, "many": many}


def main():
    versions = in_shell("nmap --version | head -1; swaks --version | head -1")
    with Lab(operators=1, postfix=False) as lab:
        found = lab.run(*versions).stdout
    print("; ".join(re.sub(r"\s*\(.*", "", line) for line in found.splitlines()))
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
