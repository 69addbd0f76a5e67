# SPDX-License-Identifier: BSD-2-Clause
"""No room, no inodes, no descriptors, no memory: a reason on the answer line, Postfix as it was.

How much is left grows in small steps from nothing, so that each allocation is the one that fails.
"""

import itertools
import json
import os
import re
import stat

import pytest

from lab.product import catalogues, program, relay_section

CONF = "/etc/detourd/detourd.conf"
REQUESTS = {"relay": ("relay", "office", "587"), "direct": ("direct",)}
OTHER = {"relay": "direct", "direct": "relay"}

pytestmark = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=1)


class Host:
    """The mail host, its configuration directory on a small file system of its own."""

    def __init__(self, lab, options):
        self.lab, self.host = lab, lab.mailhost
        for name in ("relays.conf", "providers.conf"):
            self.host.write(f"/etc/detourd/catalogue/{name}", (catalogues() / name).read_text())
        self.host.write("/etc/detourd/root.pem", lab.authority.certificate.read_text())
        self.host.write("/etc/detourd/office.password", lab.relay.password + "\n", mode=0o600)
        self.host.write(CONF, "mode = switch\nuser = detourd\n"
                        'catalogue_directory = "/etc/detourd/catalogue"\n'
                        + relay_section(lab.relay, ca_file="/etc/detourd/root.pem"))
        self.host.run("sh", "-ec", f"""
            mkdir /run/small; mount -t tmpfs -o mode=755,{options} tmpfs /run/small
            cp -a /etc/postfix/. /run/small; mount --bind /run/small /etc/postfix
            """, check=True)
        self.top = self.host.path("/etc/postfix")
        self.main_cf = self.read("main.cf")

    def read(self, name):
        return (self.top / name).read_bytes()

    def apply(self, request, limit=""):
        """The last line, or None where not even the program could be loaded."""
        # To look for leaks takes descriptors of its own.
        env = {"ASAN_OPTIONS": "detect_leaks=0"} if limit else None
        done = self.host.run("sh", "-c", f'{limit}\nexec "$@"', "sh", program("detour-apply"),
                             "-c", CONF, "--json", *REQUESTS[request], timeout=120, env=env)
        if limit and done.returncode == 127 and "shared libraries" in done.stderr:
            return None
        lines = done.stdout.splitlines()
        assert lines, done
        answer = json.loads(lines[-1])
        assert (done.returncode == 0) == (answer["result"] in ("ok", "unchanged")), done
        if done.returncode != 0:
            assert answer["result"] == "failed" and answer["reason"], done
        return answer

    def seen(self):
        """All that must not change: names, modes, contents (a map that is there stays the same)."""
        found = {}
        for path in self.top.rglob("*"):
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found[str(path.relative_to(self.top))] = status.st_mode, status.st_uid, content
        # What is made once and stays.
        for name in ("detourd", "detourd/lock", "detourd/private", "fill"):
            found.pop(name, None)
        return {name: entry for name, entry in found.items() if not name.startswith("fill")}


def until_it_works(host, request, amounts, run):
    """RUN(amount) fails, with less, and leaves all as it was, until it works with more; the reasons
    that were given."""
    reasons = []
    for amount in amounts:
        before = host.seen()
        answer = run(amount)
        if answer is None:
            continue
        if answer["result"] == "ok":
            return reasons
        assert host.seen() == before, (amount, answer)
        reasons.append(answer["reason"])
    raise AssertionError(f"{request} never worked: {reasons}")


def both_ways(host, amounts, run, reason):
    """A switch and its return, with less and less to do without."""
    for request in ("relay", "direct"):
        reasons = until_it_works(host, request, amounts, lambda n, r=request: run(r, n))
        assert reasons and all(re.search(reason, text) for text in reasons), reasons
    assert host.read("main.cf") == host.main_cf
    assert host.apply("direct")["result"] == "unchanged"
    assert host.lab.run("postfix", "check").stderr == ""
    ident, = host.lab.mail(1)
    host.lab.wait_delivered([ident])
    host.lab.assert_exactly_once([ident], "direct")


def test_a_full_disk(lab):
    host = Host(lab, "size=640k")

    def run(request, pages):
        (host.top / "fill").unlink(missing_ok=True)
        space = os.statvfs(host.top)
        free = space.f_bavail * space.f_frsize
        with open(host.top / "fill", "wb") as fill:
            fill.write(b"x" * (free - pages * space.f_frsize))
        try:
            return host.apply(request)
        finally:
            (host.top / "fill").unlink()
    both_ways(host, range(0, 100, 2), run, "No space left|write error|Disk|space|postmap|postfix")


def test_no_inodes(lab):
    host = Host(lab, "nr_inodes=80")

    def run(request, inodes):
        made = []
        for i in range(os.statvfs(host.top).f_favail - inodes):
            made.append(host.top / f"fill{i}")
            made[-1].touch()
        try:
            return host.apply(request)
        finally:
            for path in made:
                path.unlink()
    both_ways(host, range(30), run, "No space left")


def test_no_descriptors(lab):
    host = Host(lab, "size=4m")
    both_ways(host, range(3, 40), lambda request, n: host.apply(request, f"ulimit -n {n}"),
              "Too many open files|exited with status|descriptors")


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="a sanitizer needs terabytes of addresses")
def test_no_memory(lab):
    host = Host(lab, "size=4m")
    amounts = itertools.chain(range(2000, 40000, 2000), (80000, 160000))
    both_ways(host, list(amounts), lambda request, n: host.apply(request, f"ulimit -v {n}"),
              "memory|exited with status|shared")
