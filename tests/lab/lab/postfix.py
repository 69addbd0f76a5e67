# SPDX-License-Identifier: BSD-2-Clause
"""A host with a Postfix in the places where Debian has it, none of them the machine's own."""

import json
import os
import pathlib
import re
import shutil
import time

from .sandbox import Host
from .wait import LabError, wait_until

MACHINE = pathlib.Path("/")
SHIPPED = "usr/share/postfix"
CERTIFICATES = "/etc/ssl/certs"

# What `postfix check` would make, without its third of a second.
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
          "private", "saved", "trace")


class PostfixHost(Host):
    """A host whose Postfix has the given main.cf and master.cf (texts).

    Its files are in `directory`: etc (/etc/postfix), spool, data, log (/var/log), mail (/var/mail),
    certs.
    ROOT and SHARED: see Host.
    """

    def __init__(self, sandbox, name, network, hostname, main_cf, master_cf, files=None, root=None,
                 shared=()):
        directory = sandbox.directory / name
        for part in ("etc", "spool", "data", "log", "mail"):
            (directory / part).mkdir(parents=True)
        _copy_programs(root or MACHINE, directory / "etc")
        _copy_bundle(root or MACHINE, directory / "certs")
        (directory / "etc/main.cf").write_text(main_cf)
        (directory / "etc/master.cf").write_text(master_cf)
        super().__init__(sandbox, name, network, hostname, files=files, root=root, shared=shared, binds={
            "/etc/postfix": directory / "etc", "/var/spool/postfix": directory / "spool",
            "/var/lib/postfix": directory / "data", "/var/log": directory / "log",
            "/var/mail": directory / "mail", CERTIFICATES: directory / "certs"})
        self.main_cf = directory / "etc/main.cf"
        self.master_cf = directory / "etc/master.cf"
        self.mailboxes = directory / "mail"
        self._log = directory / "log/mail.log"
        self._starting = None
        self._make_queue()
        self.backdate()

    def _make_queue(self):
        self.run("sh", "-ec", f"""
            chown postfix /var/lib/postfix; chmod 700 /var/lib/postfix
            chgrp mail /var/mail; chmod 2775 /var/mail
            cd /var/spool/postfix
            mkdir -m 700 {' '.join(QUEUES)}; chown postfix {' '.join(QUEUES)}
            mkdir pid maildrop public
            chown postfix:postdrop maildrop public; chmod 1730 maildrop; chmod 2710 public
            """, check=True)

    def backdate(self):
        """Postfix's programs sleep until main.cf is two seconds old, lest it be half-written."""
        then = time.time() - 10
        os.utime(self.main_cf, (then, then))

    def launch(self):
        """start() without the wait."""
        self._starting = self.spawn("sh", "-ec", """
            newaliases
            # Newer releases do this themselves; it is about chroots.
            ! grep -q '^[a-z0-9][^ ]* *[^ ]* *[^ ]* *[^ ]* *y ' /etc/postfix/master.cf ||
                grep -qs configure-instance /usr/lib/postfix/sbin/post-install ||
                /usr/lib/postfix/configure-instance.sh -
            # `postfix check` has its own tests: it is most of what a start takes.
            : >/var/spool/postfix/quick-start
            postfix start
            """, log="postfix-start.log")

    def wait_started(self, endpoints=(("127.0.0.1", 25),)):
        """The second half of start(): ENDPOINTS are to be listened on."""
        if self._starting.wait(30) != 0:
            raise LabError(f"{self.name}: postfix start:\n{self._starting.output()}{self.log()}")
        self.wait_listening(endpoints)

    def start(self):
        """As the service manager does it on Debian."""
        self.launch()
        self.wait_started()

    def stop(self):
        self.run("postfix", "stop", check=True)

    def is_running(self):
        return self.run("postfix", "status").returncode == 0

    def reload(self):
        """Return when master(8) has done it."""
        before = len(self.log())
        # postsuper(1), which this runs, gives up where the queue changes under it.
        wait_until(lambda: self.run("postfix", "reload").returncode == 0, 10,
                   f"{self.name}: postfix reload")
        wait_until(lambda: "reload -- version" in self.log()[before:], 10,
                   f"{self.name}: Postfix reloads")

    def postconf(self, *settings):
        """Without a `=`: the value.  Else change main.cf, which takes effect with a reload()."""
        if len(settings) == 1 and "=" not in settings[0]:
            return self.run("postconf", "-xh", settings[0], check=True).stdout.rstrip("\n")
        self.run("postconf", "-e", *settings, check=True)
        self.backdate()
        return None

    def flush(self):
        self.run("postqueue", "-f", check=True)

    def log(self):
        """The mail log so far."""
        try:
            return self._log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, timeout=10, start=0):
        """Wait until the mail log, from character START on, matches PATTERN; return the match."""
        return wait_until(lambda: re.search(pattern, self.log()[start:], re.MULTILINE), timeout,
                          lambda: f"the mail log of {self.name} says {pattern!r}:\n"
                                  f"{self.log()[-3000:]}")

    def queue(self):
        """The queue: recipient to the name of the queue that the message is in."""
        done = self.run("postqueue", "-j", check=True)
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        return {recipient["address"]: entry["queue_name"]
                for entry in entries for recipient in entry["recipients"]}


def _copy_programs(root, etc):
    """What Debian keeps in /etc/postfix though nobody edits it; newer releases keep less there.
    The machine's own main.cf and master.cf are none of the lab's business."""
    own = root / "etc/postfix"
    for name in ("postfix-files", "postfix-script", "post-install", "makedefs.out",
                 "dynamicmaps.cf"):
        if os.path.lexists(own / name):
            shutil.copy2(own / name, etc / name, follow_symlinks=False)
    for name in ("postfix-files.d", "dynamicmaps.cf.d", "sasl"):
        (etc / name).mkdir()


def _copy_bundle(root, certificates):
    """The authorities of the system in one file alone: Debian copies those in files of their own
    into the chroot, and `postfix check` compares each with a process of its own."""
    certificates.mkdir()
    bundle = f"{CERTIFICATES}/ca-certificates.crt".lstrip("/")
    if (root / bundle).exists():
        shutil.copy2(root / bundle, certificates)


def main_cf(*texts, root=MACHINE):
    """The main.cf that a new Debian host begins with, and TEXTS added to its end.  A parameter
    that comes again loses its first line, since Postfix warns of a second one."""
    lines = "".join((root / SHIPPED / name).read_text()
                    for name in ("main.cf.debian", "main.cf.tls")).splitlines()
    for text in texts:
        names = set(re.findall(r"^(\w+) *=", text, re.MULTILINE))
        lines = [line for line in lines if line.partition("=")[0].strip() not in names]
        lines += text.splitlines()
    return "\n".join([*lines, ""])


def shipped_master_cf(root=MACHINE):
    return (root / SHIPPED / "master.cf.dist").read_text()
