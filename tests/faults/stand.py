# SPDX-License-Identifier: BSD-2-Clause
"""A lab in which one detour-apply after the other is made to fail, and what has to be true then."""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab, wait_until                                     # noqa: E402
from lab.product import catalogues, program, relay_section          # noqa: E402

import calls                                                        # noqa: E402
import tree                                                         # noqa: E402

DIRECTORY = "/etc/postfix"
CONF = "/etc/detourd/detourd.conf"
PLACE = "/run/faults"               # on the host: programs, traces, the wrappers' plan
ROUTES = {"relay": ("relay", "office", "587"), "direct": ("direct",)}
OTHER = {"relay": "direct", "direct": "relay"}
PATIENCE = 30                       # s: what tools, mail and reloads get

Run = collections.namedtuple("Run", "status stdout stderr calls killed injected")


class Broken(Exception):
    """A promise that was not kept; the text is the evidence."""


class Stand:
    """The mail host of a lab of its own.

    to_start(request) brings it to where a sweep of REQUEST begins, return_to_start() back to it
    after a point; in between any number of runs.
    """

    def __init__(self):
        self.lab = Lab(operators=1, mx_hosts=1, domains=2, relays=1)
        try:
            self.host = self.lab.mailhost
            self.etc = self.host.main_cf.parent
            self.secret = self.lab.relay.password.encode()
            self._prepare()
            self.pristine = tree.take(self.etc)
            self.main_cf = self.pristine["main.cf"]
            self.warnings = self.host.run("postconf", "-n", check=True).stderr
            self.start, self.request, self.whole, self.messages = None, None, {}, []
            self.expected = {}          # request to what its end looks like
            self.explicit = {}          # request to `postconf -n` at its end
            self._resident = self._children()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.lab.close()

    def _prepare(self):
        host = self.host
        for name in ("relays.conf", "providers.conf"):
            host.write(f"/etc/detourd/catalogue/{name}", (catalogues() / name).read_text())
        host.write("/etc/detourd/root.pem", self.lab.authority.certificate.read_text())
        host.write("/etc/detourd/office.password", self.lab.relay.password + "\n", mode=0o600)
        host.write(CONF, "mode = switch\nuser = detourd\n"
                   'catalogue_directory = "/etc/detourd/catalogue"\n'
                   + relay_section(self.lab.relay, ca_file="/etc/detourd/root.pem"))
        # `postfix check` takes two thirds of a run's processor time, and is no call of
        # detour-apply's: where only those are looked at, it says yes to a staged copy at once.
        host.write("/run/postfix", f"""#!/bin/sh
case $* in "-c {DIRECTORY}/"*" check") [ ! -e {PLACE}/quick ] || exit 0; esac
exec {PLACE}/postfix "$@"
""", mode=0o755)
        # A /tmp of the host's own, to see what stays there; the program is out of sight then.
        host.run("sh", "-ec", f"mkdir {PLACE}; cp {program('detour-apply')} {PLACE}/detour-apply; "
                 f"cp -p /usr/sbin/postfix {PLACE}/postfix; "
                 "mount --bind /run/postfix /usr/sbin/postfix; "
                 "mount -t tmpfs -o mode=1777 tmpfs /tmp", check=True)

    # Runs.

    def apply(self, request, options=(), timeout=PATIENCE + 30, quick=False):
        """detour-apply with the words of REQUEST, under strace when there are OPTIONS.  QUICK:
        `postfix check` does not check the staged copy."""
        hurry = self.host.path(f"{PLACE}/quick")
        hurry.touch() if quick else hurry.unlink(missing_ok=True)
        trace = self.host.path(f"{PLACE}/trace")
        trace.unlink(missing_ok=True)
        strace = ("strace", *options, "-o", f"{PLACE}/trace") if options else ()
        done = self.host.run(*strace, f"{PLACE}/detour-apply", "-c", CONF, "--json",
                             *ROUTES[request], timeout=timeout)
        text = trace.read_text(errors="replace") if options else ""
        # strace is silent about the last call of a process that it saw killed.
        killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        return Run(done.returncode, done.stdout, done.stderr, calls.parse(text), killed,
                   "(INJECTED)" in text)

    def answer(self, run):
        """The last line, if there is one."""
        lines = run.stdout.splitlines()
        last = json.loads(lines[-1]) if lines else {}
        return last if "result" in last else None

    def must(self, request, what, quick=False):
        """A run without any fault."""
        run = self.apply(request, quick=quick)
        answer = self.answer(run)
        if run.status != 0 or not answer or answer["result"] not in ("ok", "unchanged"):
            raise Broken(f"{what}: `{' '.join(ROUTES[request])}` ended with status {run.status}:\n"
                         f"{run.stdout}{run.stderr}")
        return run

    def must_answer(self, run, on_answer=False):
        """The last line and the exit status fit, and a failure has its reason.  ON_ANSWER: the
        fault was on the answer itself, which may be lost then."""
        answer = self.answer(run)
        if answer is None:
            if not on_answer:
                raise Broken(f"no answer (exit status {run.status}):\n{run.stdout}{run.stderr}")
            return None
        good = answer["result"] in ("ok", "unchanged")
        if good != (run.status == 0):
            raise Broken(f"result {answer['result']}, exit status {run.status}")
        if not good and not answer.get("reason"):
            raise Broken(f"result {answer['result']} without a reason")
        return answer

    # Where a sweep begins.

    def to_start(self, request):
        """Relay begins with an untouched host, direct with the relay in force.  WHOLE becomes the
        main.cf contents that a run without faults passes through."""
        self.request = request
        if not self.expected:
            self._learn_ends()
        tree.put_back(self.etc, self.pristine)
        if request == "direct":
            self.must("relay", "the way to the start")
        self.host.reload()
        self.start = tree.take(self.etc)
        trace = self.apply(request, ("-y", "-s", "10000000", "-e", "trace=all"))
        self.whole = {self.start["main.cf"].content: "the start"}
        for text in calls.versions(trace.calls, f"{DIRECTORY}/main.cf"):
            self.whole.setdefault(text, f"step {len(self.whole)}")
        if self.main_cf_now() not in self.whole or len(self.whole) < 2:
            raise Broken("the trace does not show how main.cf came about")
        self.last_step = self.state_name()
        files = [f"{DIRECTORY}/{name}" for name in tree.take(self.etc)]
        lost = calls.lost_with_the_power(trace.calls, f"{DIRECTORY}/main.cf", files)
        if lost:
            raise Broken(f"{request}: a loss of power may take: " + "; ".join(lost))
        self.return_to_start(reload=True)

    def _learn_ends(self):
        """What two switches without any fault leave behind."""
        for request in ("relay", "direct"):
            self.must(request, "a switch without faults")
            now = tree.take(self.etc)
            self.expected[request] = tree.names(now)
            self.explicit[request] = self._explicit()
            if request == "relay":
                self.answers = self._maps()
        if now["main.cf"][:1] != self.main_cf[:1]:
            raise Broken("main.cf was not given back")
        strange = {name for name in now if not name.startswith("detourd")} - self.pristine.keys()
        if strange:
            raise Broken(f"left behind: {sorted(strange)}")

    def return_to_start(self, reload):
        tree.put_back(self.etc, self.start)
        self.host.run("sh", "-c", "rm -rf /tmp/* /tmp/.[!.]*")
        if reload:
            self.host.reload()

    # What must be true at any moment.

    def whole_state(self):
        """The fingerprint of the state that a fault has left, if it is whole; no tool is asked."""
        self.wait_for_tools()
        now = tree.take(self.etc)
        main_cf = now.get("main.cf")
        if main_cf is None or main_cf.content not in self.whole:
            raise Broken("main.cf is neither the old nor the new one nor a step between:\n"
                         + (main_cf.content.decode(errors="replace") if main_cf else "(gone)"))
        if main_cf[:4] != self.main_cf[:4] or main_cf.attributes != self.main_cf.attributes:
            raise Broken(f"owner or mode of main.cf: {main_cf[:4]}, was {self.main_cf[:4]}")
        for name, entry in self.pristine.items():
            if name != "main.cf" and now.get(name) != entry:
                raise Broken(f"{name} was changed")
        leaks = tree.readable_by_others(now, self.secret)
        if leaks:
            raise Broken("the password: " + "; ".join(leaks))
        self._nothing_in_tmp()
        return tree.fingerprint(now)

    def state_name(self):
        return self.whole.get(self.main_cf_now(), "none")

    def main_cf_now(self):
        return self.host.main_cf.read_bytes()

    def tools_agree(self):
        """Postfix's own tools read that state: no new warning, every map is there and whole."""
        warnings = self.host.run("postconf", "-n", check=True).stderr
        if warnings != self.warnings:
            raise Broken(f"postconf -n warns: {warnings}")
        for name, text in self._maps().items():
            if self.answers.get(name) != text:
                raise Broken(f"the map {name} does not answer as it should")

    def _explicit(self):
        return re.sub(r"/\d+/", "/N/", self.host.run("postconf", "-n", check=True).stdout)

    def _maps(self):
        """Each of our maps that main.cf refers to, and all it holds."""
        text = self.host.run("postconf", "-xn", check=True).stdout
        found = {}
        for kind, path in set(re.findall(rf"(\w+):({DIRECTORY}/detourd/[^\s,}}]+)", text)):
            listed = self.host.run("postmap", "-s", f"{kind}:{path}")
            if listed.returncode != 0 or not listed.stdout:
                raise Broken(f"the map {kind}:{path}, which main.cf refers to: {listed.stderr}")
            found[os.path.basename(path)] = "".join(sorted(listed.stdout.splitlines(True)))
        for path in set(re.findall(rf"(?<!:)({DIRECTORY}/detourd/[^\s,}}]+)", text)):
            if not self.host.path(path).exists():
                raise Broken(f"main.cf refers to {path}, which is not there")
        return found

    def _nothing_in_tmp(self):
        left = os.listdir(self.host.path("/tmp"))
        if left:
            raise Broken(f"left in /tmp: {left}")

    def at_end_of(self, request):
        """A run without faults has ended: nothing but what such a run leaves."""
        now = tree.take(self.etc)
        self._main_cf_after(request, now)
        strange = tree.names(now) - self.expected[request]
        if strange:
            raise Broken(f"after `{request}` there is still: "
                         + ", ".join(sorted(f"{name} ({mode:04o})" for name, _, mode, _, _ in strange)))
        if self._explicit() != self.explicit[request]:
            raise Broken(f"after `{request}` postconf -n says otherwise:\n{self._explicit()}")
        if request == "relay":
            self.tools_agree()
        leaks = tree.readable_by_others(now, self.secret)
        if leaks:
            raise Broken("the password: " + "; ".join(leaks))
        self._nothing_in_tmp()

    def _main_cf_after(self, request, now):
        other = [name for name in tree.Entry._fields if name != "mtime" and (
            getattr(now["main.cf"], name) != getattr(self.main_cf, name))]
        if request == "relay":
            other.remove("content")
        if other:
            raise Broken(f"after `{request}` main.cf has another {', '.join(other)}:\n"
                         + now["main.cf"].content.decode(errors="replace"))

    # Processes.

    def _children(self):
        """Of process 1 of the lab: its daemons, and whoever has lost its parent."""
        pid = self.lab.sandbox.holder_pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return set(text.split())

    def wait_for_tools(self):
        """A tool dies with detour-apply; what it had started itself ends by itself."""
        wait_until(lambda: self._children() <= self._resident, PATIENCE, lambda: (
            "tools end: " + ", ".join(self._describe(pid)
                                      for pid in self._children() - self._resident)))

    @staticmethod
    def _describe(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return pid

    # Mail.

    def mail_arrives(self, where):
        """Postfix likes its configuration, and a message gets out: WHERE is "direct", "relay" or
        "" for either."""
        check = self.host.run("postfix", "check")
        if check.returncode != 0 or check.stderr:
            raise Broken(f"postfix check: exit status {check.returncode}: {check.stderr}")
        ids = self.lab.mail(1)
        self.lab.wait_delivered(ids, PATIENCE)
        self.lab.assert_exactly_once(ids, where)
        self.messages += ids

    def all_mail_arrived(self):
        """No message of all of them came twice or back."""
        self.lab.assert_exactly_once(self.messages)


