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
TRACES = "/var/spool/postfix/trace"
ROUTE = f"{DIRECTORY}/detourd/routes/now"       # the link to the map in force (transport)
SENDMAIL = "/usr/sbin/sendmail"
PATIENCE = 30                       # s: what tools, mail and reloads get

VERBS = {"relay": ("relay", "office", "587"), "direct": ("direct",), "install": ("install",),
         "remove": ("remove",)}
METHODS = {"relayhost": ("relay", "direct"), "transport": ("install", "relay", "direct", "remove")}

# What is swept: VERB on a host that came there by the verbs of WAY.  OTHERS come after it by turns:
# they lead elsewhere.
Request = collections.namedtuple("Request", "method verb way others")
REQUESTS = {
    "relay": Request("relayhost", "relay", (), ("direct",)),
    "direct": Request("relayhost", "direct", ("relay",), ("relay",)),
    "transport install": Request("transport", "install", (), ("relay", "remove")),
    "transport relay": Request("transport", "relay", (), ("direct", "remove")),
    "transport direct": Request("transport", "direct", ("relay",), ("relay", "remove")),
    "transport remove": Request("transport", "remove", ("relay",), ("relay",)),
    "transport flip": Request("transport", "relay", ("install",), ("direct",)),
}

# Requests that begin with what is installed already, and so may have to build it anew.
REBUILT = {"transport flip"}

# What Postfix reads.  ROUTE: of the map that main.cf's line leads to, source and description; None
# where main.cf has no such line, and nobody asks for the map.
State = collections.namedtuple("State", "main_cf master_cf route")
# How a verb leaves the host.
End = collections.namedtuple("End", "names explicit")

Run = collections.namedtuple("Run", "status stdout stderr calls killed injected")


LEARNING = ("-y", "-s", "10000000", "-e", "trace=all")      # strace's options
EDITED = ("main.cf", "master.cf")   # of the owner's files
COMMITS = (*(f"{DIRECTORY}/{name}" for name in EDITED), ROUTE)
# Of ours, below them; only `remove` takes that away, too.
ALWAYS_THERE = {"detourd", *(f"detourd/{name}" for name in (
    "lock", "private", "main.cf.before", "master.cf.before"))}
EMPTY = tree.Entry(0, 0, 0, 0, 0, b"", ())


def state_of(texts):
    main_cf, master_cf, route = (texts[path] for path in COMMITS)
    return State(main_cf, master_cf, route if f"{ROUTE}/".encode() in main_cf else None)


def route_of(now):
    """The texts that the link leads to, as they stand in a tree."""
    link = now.get("detourd/routes/now", EMPTY).content.decode()
    return tuple(now.get(f"detourd/routes/{link}/{name}", EMPTY).content
                 for name in calls.ROUTE_TEXTS)


class Broken(Exception):
    """A promise that was not kept; the text is the evidence."""


class Stand:
    """The mail host of a lab of its own.

    to_start(name) brings it to where a sweep of that request begins, return_to_start() back to it
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
            self.warnings = self.host.run("postconf", "-n", check=True).stderr
            self.start, self.name, self.request = None, None, None
            self.whole, self.messages = {}, []
            self.ends = {}              # (method, verb) to End
            self.answers = {}           # the name of a map to all it may hold
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
        # `postfix check` takes two thirds of a run's processor time, and is no call of
        # detour-apply's: where only those are looked at, it says yes to a staged copy at once.
        self._stand_in("/usr/sbin/postfix", f"""
case $* in "-c {DIRECTORY}/"*" check") [ ! -e {PLACE}/quick ] || exit 0; esac""")
        # So does a probe, which takes its time in many processes: Postfix's report is there at
        # once.  The one before goes only now, since nobody looks at it any more.
        self._stand_in(SENDMAIL, f"""
case $* in *" -bv "*)
    if [ -e {PLACE}/quick ]; then
        rm -f {TRACES}/FAULTS*
        exec cat {PLACE}/report >{TRACES}/FAULTS$$
    fi
esac""")
        relay = self.lab.relay
        host.write(f"{PLACE}/report", "<postmaster>: reached\n"
                   f"recipient=postmaster@{relay.hostname}\naction=deliverable\n"
                   f"reason=delivery via {relay.hostname}[192.0.2.1]:587: 250 2.1.5 Ok\n\n")
        # A /tmp of the host's own, to see what stays there; the program is out of sight then.
        host.run("sh", "-ec", f"cp {program('detour-apply')} {PLACE}/detour-apply; "
                 "mount -t tmpfs -o mode=1777 tmpfs /tmp", check=True)

    def _stand_in(self, path, script):
        """SCRIPT comes before what PATH does."""
        name = os.path.basename(path)
        self.host.write(f"/run/{name}", f"#!/bin/sh{script}\nexec {PLACE}/{name} \"$@\"\n",
                        mode=0o755)
        self.host.run("sh", "-ec", f"mkdir -p {PLACE}; cp -p {path} {PLACE}/{name}; "
                      f"mount --bind /run/{name} {path}", check=True)

    def _configure(self, method):
        self.host.write(CONF, "mode = switch\nuser = detourd\n"
                        'catalogue_directory = "/etc/detourd/catalogue"\n'
                        f"postfix {{ method = {method} }}\n"
                        + relay_section(self.lab.relay, ca_file="/etc/detourd/root.pem"))

    # Runs.

    def apply(self, verb, options=(), timeout=PATIENCE + 30, quick=False):
        """detour-apply with the words of VERB, under strace when there are OPTIONS.  QUICK:
        `postfix check` does not check the staged copy, and no probe is sent."""
        hurry = self.host.path(f"{PLACE}/quick")
        hurry.touch() if quick else hurry.unlink(missing_ok=True)
        trace = self.host.path(f"{PLACE}/trace")
        trace.unlink(missing_ok=True)
        strace = ("strace", *options, "-o", f"{PLACE}/trace") if options else ()
        done = self.host.run(*strace, f"{PLACE}/detour-apply", "-c", CONF, "--json",
                             *VERBS[verb], timeout=timeout)
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

    def must(self, verb, what, quick=False):
        """A run without any fault."""
        run = self.apply(verb, quick=quick)
        answer = self.answer(run)
        if run.status != 0 or not answer or answer["result"] not in ("ok", "unchanged"):
            raise Broken(f"{what}: `{' '.join(VERBS[verb])}` ended with status {run.status}:\n"
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

    def to_start(self, name):
        """WHOLE becomes what a run without faults lets Postfix read, one state after the other."""
        self.name, self.request = name, REQUESTS[name]
        self._configure(self.request.method)
        tree.put_back(self.etc, self.pristine)
        if (self.request.method, "relay") not in self.ends:
            self._learn_ends(self.request.method)
            tree.put_back(self.etc, self.pristine)
        for verb in self.request.way:
            self.must(verb, "the way to the start")
        self.host.reload()
        self.start = tree.take(self.etc)
        trace = self.apply(self.request.verb, LEARNING)
        self._learn_states(trace.calls)
        files = [f"{DIRECTORY}/{name}" for name in tree.take(self.etc)]
        lost = calls.lost_with_the_power(trace.calls, COMMITS, files)
        if lost:
            raise Broken(f"{name}: a loss of power may take: " + "; ".join(lost))
        self.return_to_start(reload=True)
        if name in REBUILT:
            self._learn_rebuilt_states()

    def _learn_states(self, traced):
        """From what a run has written and renamed."""
        self.whole, self.last_steps = {}, set()
        self._add_states(traced)

    def _add_states(self, traced):
        texts = {f"{DIRECTORY}/{name}": self.start[name].content for name in EDITED}
        texts[ROUTE] = route_of(self.start)
        self.whole.setdefault(state_of(texts), "the start")
        before = len(self.whole)
        for path, text in calls.versions(traced, COMMITS):
            texts[path] = text
            self.whole.setdefault(state_of(texts), f"step {len(self.whole)}")
        if self.state() not in self.whole or len(self.whole) == before:
            raise Broken("the trace does not show how Postfix's files came about")
        self.last_steps.add(self.state_name())

    def _learn_rebuilt_states(self):
        """Another way to the same end: what cannot be read is not known to be what is wanted, and
        is built anew."""
        self.host.run("sh", "-ec", f"for file in {DIRECTORY}/detourd/private/*/shield; do "
                      "echo '# another' >>$file; done", check=True)
        self._add_states(self.apply(self.request.verb, LEARNING).calls)
        self.return_to_start(reload=True)

    def _learn_ends(self, method):
        """What requests without any fault leave behind."""
        for verb in METHODS[method]:
            self.must(verb, "a request without faults")
            now = tree.take(self.etc)
            self.ends[method, verb] = End(tree.names(now), self._explicit())
            for name, text in self._maps().items():
                self.answers.setdefault(name, set()).add(text)
        for name in EDITED:
            if now[name][:1] != self.pristine[name][:1]:
                raise Broken(f"{name} was not given back")
        strange = {name for name in now if not name.startswith("detourd")} - self.pristine.keys()
        strange |= {name for name in now if re.match("detourd/(private/|route)", name)}
        if strange:
            raise Broken(f"left behind: {sorted(strange)}")

    def return_to_start(self, reload):
        tree.put_back(self.etc, self.start)
        self.host.run("sh", "-c", "rm -rf /tmp/* /tmp/.[!.]*" f" {TRACES}/FAULTS*")
        if reload:
            self.host.reload()

    # What must be true at any moment.

    def whole_state(self):
        """The fingerprint of the state that a fault has left, if it is whole; no tool is asked."""
        self.wait_for_tools()
        now = tree.take(self.etc)
        state = self.state(now)
        if state not in self.whole:
            raise Broken("what Postfix reads is neither the old nor the new nor a step between:\n"
                         + "\n".join(str(part) for part in state))
        for name, entry in self.pristine.items():
            if name not in EDITED and now.get(name) != entry:
                raise Broken(f"{name} was changed")
        for name in EDITED:
            was = self.pristine[name]
            if now[name][:4] != was[:4] or now[name].attributes != was.attributes:
                raise Broken(f"owner or mode of {name}: {now[name][:4]}, was {was[:4]}")
        self._nothing_is_missing(state, now)
        self._nobody_reads_secrets(now)
        self._nothing_in_tmp()
        return tree.fingerprint(now)

    def _nothing_is_missing(self, state, now):
        """Each file and service that Postfix is told of is there."""
        if state.route is not None and b"\ndetour-office " not in state.master_cf:
            raise Broken("the senders' map leads to a service that master.cf does not have")
        target = now.get("detourd/routes/now", EMPTY).content.decode()
        text = (state.main_cf + state.master_cf).decode()
        for name in re.findall(rf"^[^#\n]*?{DIRECTORY}/(detourd/[^\s,}}]+)", text, re.MULTILINE):
            real = re.sub("^detourd/routes/now/", f"detourd/routes/{target}/", name)
            if not any(now.get(real + end, EMPTY).content for end in ("", ".db")):
                raise Broken(f"Postfix is told of {name}, which is not there")

    def _nobody_reads_secrets(self, now):
        leaks = tree.readable_by_others(now, self.secret)
        if leaks:
            raise Broken("the password: " + "; ".join(leaks))

    def state(self, now=None):
        """What Postfix reads; NOW is the tree as it is."""
        now = now or tree.take(self.etc)
        missing = [name for name in EDITED if name not in now]
        if missing:
            raise Broken(f"{missing[0]} is gone")
        texts = {f"{DIRECTORY}/{name}": now[name].content for name in EDITED}
        return state_of(texts | {ROUTE: route_of(now)})

    def state_name(self):
        return self.whole.get(self.state(), "none")

    def tools_agree(self):
        """Postfix's own tools read that state: no new warning, every map is there and whole."""
        warnings = self.host.run("postconf", "-n", check=True).stderr
        if warnings != self.warnings:
            raise Broken(f"postconf -n warns: {warnings}")
        for name, text in self._maps().items():
            if text not in self.answers.get(name, ()):
                raise Broken(f"the map {name} does not answer as it should")

    def _asked(self, *options):
        """What main.cf sets, and what the services of master.cf are told."""
        return "".join(self.host.run("postconf", *words, check=True).stdout
                       for words in (("-n", *options), ("-M", *options), ("-P", *options)))

    def _explicit(self):
        return re.sub(r"/\d+/", "/N/", self._asked())

    def _maps(self):
        """Each of our maps that Postfix is told of, and all it holds."""
        text = self._asked("-x")
        found = {}
        for kind, path in set(re.findall(rf"(\w+):({DIRECTORY}/detourd/[^\s,}}]+)", text)):
            found[os.path.basename(path)] = self._all_of(kind, path)
        for path in set(re.findall(rf"(?<!:)({DIRECTORY}/detourd/[^\s,}}]+)", text)):
            if not self.host.path(path).exists():
                raise Broken(f"Postfix is told of {path}, which is not there")
        return found

    def _all_of(self, kind, path):
        if kind in ("regexp", "pcre"):      # cannot be listed
            return self.host.run("cat", path, check=True).stdout
        listed = self.host.run("postmap", "-s", f"{kind}:{path}")
        if listed.returncode != 0 or not listed.stdout:
            raise Broken(f"the map {kind}:{path}, which Postfix is told of: {listed.stderr}")
        return "".join(sorted(listed.stdout.splitlines(True)))

    def _nothing_in_tmp(self):
        left = os.listdir(self.host.path("/tmp"))
        if left:
            raise Broken(f"left in /tmp: {left}")

    def leaves_ours(self, verb):
        """Whether VERB, asked for now, leaves something of ours in Postfix's files: with the
        method transport direct leaves what is installed."""
        installed = b"detourd: begin" in self.state().main_cf
        return verb in ("relay", "install") or (
            verb == "direct" and self.request.method == "transport" and installed)

    def at_end_of(self, verb, leaves_ours):
        """A run without faults has ended: nothing but what such a run leaves."""
        method = self.request.method
        end = self.ends[method, verb if leaves_ours else METHODS[method][-1]]
        now = tree.take(self.etc)
        self._files_after(verb, now, leaves_ours)
        strange = tree.names(now) - end.names
        if verb == "direct":
            strange = {what for what in strange if what[0] not in ALWAYS_THERE}
        if strange:
            raise Broken(f"after `{verb}` there is still: "
                         + ", ".join(sorted(f"{name} ({mode:04o})"
                                            for name, _, mode, _, _ in strange)))
        explicit = self._explicit()
        if explicit != end.explicit:
            raise Broken(f"after `{verb}` postconf says otherwise:\n{explicit}")
        if leaves_ours:
            self.tools_agree()
            self._nothing_is_missing(self.state(now), now)
        self._nobody_reads_secrets(now)
        self._nothing_in_tmp()

    def _files_after(self, verb, now, leaves_ours):
        for file in EDITED:
            other = [name for name in tree.Entry._fields if name != "mtime" and (
                getattr(now[file], name) != getattr(self.pristine[file], name))]
            if leaves_ours and "content" in other:
                other.remove("content")
            if other:
                raise Broken(f"after `{verb}` {file} has another {', '.join(other)}:\n"
                             + now[file].content.decode(errors="replace"))

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

    def mail_arrives(self, verb=None):
        """Postfix likes its configuration, and a message gets out, by the route that VERB leads to;
        None for any."""
        where = {None: "", "relay": "relay"}.get(verb, "direct")
        check = self.host.run("postfix", "check")
        if check.returncode != 0 or check.stderr:
            raise Broken(f"postfix check: exit status {check.returncode}: {check.stderr}")
        ids = self.lab.mail(1)
        self.lab.wait_delivered(ids, PATIENCE)
        self.lab.assert_exactly_once(ids, where)
        self.messages += ids

    def all_mail_arrived(self):
        """No message of all of them came twice or back, and no probe is left."""
        self.lab.assert_exactly_once(self.messages)
        wait_until(lambda: not self.lab.queue(), PATIENCE,
                   lambda: f"left in the queue: {self.lab.queue()}")


