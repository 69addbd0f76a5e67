# SPDX-License-Identifier: BSD-2-Clause
"""The mail host as a machine with a systemd of its own: systemd-nspawn(1) boots a root folder of
Debian's in the lab's network.

The root is an overlay over a folder that is kept (see lab/roots.py), so the machine writes where it
likes.  Everything runs inside the lab's PID namespace and ends with it.  What the kernel leaves is
an empty control group, which close() removes, or else the next machine.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from lab import LabError, mailhost, network, wait_until
from lab.postfix import PostfixHost
from lab.process import Process, environment, only_child

BOOT_LIMIT = 60     # s
REBOOTED = 133      # the exit status
# As /proc/PID/ns names them, and nsenter(1).
NAMESPACES = {"pid": "pid", "mnt": "mount", "uts": "uts", "ipc": "ipc", "cgroup": "cgroup",
              "net": "net"}


class Machine(PostfixHost):
    """Debian with Postfix under Debian's own units.  ROOT is the folder, WIRE the network."""

    def __init__(self, sandbox, wire, hostname, root, name_server):
        # Without the constructor of a host of the lab's, which makes other namespaces.
        self.name = "mailhost"
        self.network = wire
        self.directory = sandbox.directory / self.name
        self.directory.mkdir()
        self._hostname = hostname
        self._sandbox = sandbox
        self._processes = []
        self._fds = {}
        self._nspawn = None
        self._group = sandbox.directory.name
        if not shutil.which("systemd-nspawn"):
            raise LabError("there is no systemd-nspawn; ./bootstrap deps installs it")
        self._mount(root)
        self._prepare(name_server)

    # Making it.

    def _mount(self, root):
        """A mount namespace with the overlay, and with the second version of control groups where
        systemd-nspawn looks for it, whatever this machine uses."""
        place = self.directory / "machine"
        place.mkdir()
        # /run too: systemd-nspawn leaves things there.
        lines = [f"mount -t tmpfs -o mode=755 tmpfs {place}",
                 "mount -t tmpfs -o mode=755 tmpfs /run",
                 f"mkdir {place}/upper {place}/work {place}/root",
                 f"mount -t overlay overlay -o lowerdir={root},upperdir={place}/upper,"
                 f"workdir={place}/work {place}/root",
                 "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
                 "echo ready", "read _ || :"]
        fds = self._sandbox.fds
        with subprocess.Popen(
                ["nsenter", f"--pid=/proc/self/fd/{fds['pid']}",
                 f"--mount=/proc/self/fd/{fds['mount']}", "unshare", "--mount", "--propagation",
                 "private", "sh", "-ec", "\n".join(lines)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                pass_fds=fds.values()) as anchor:
            if anchor.stdout.readline() != b"ready\n":
                raise LabError("the root of the machine cannot be mounted")
            inside = f"/proc/{only_child(anchor.pid)}"
            self._fds["outside"] = os.open(f"{inside}/ns/mnt", os.O_RDONLY)
            self._fds["root"] = os.open(f"{inside}/root{place}/root", os.O_PATH | os.O_DIRECTORY)
            self._fds["groups"] = os.open(f"{inside}/root/sys/fs/cgroup",
                                          os.O_RDONLY | os.O_DIRECTORY)
            anchor.stdin.close()

    def _prepare(self, name_server):
        """What the installer of Debian would ask for."""
        for path, text in {
                "/etc/hostname": f"{self._hostname}\n",
                "/etc/resolv.conf": f"nameserver {name_server}\n",
                "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n"
                              f"{network.MAILHOST[0]} {self._hostname} mail\n",
                "/etc/mailname": f"{mailhost.DOMAIN}\n",
                "/etc/aliases": f"postmaster: root\nroot: {mailhost.USER}\n"}.items():
            place = self.path(path)
            place.unlink(missing_ok=True)
            place.write_text(text, encoding="utf-8")
            place.chmod(0o644)
        answers = {"myhostname": self._hostname, "inet_interfaces": "all", "inet_protocols": "all",
                   "mydestination": f"$myhostname, {mailhost.DOMAIN}, localhost"}
        lines = [line for line in self.main_cf.read_text(encoding="utf-8").splitlines()
                 if line.partition("=")[0].strip() not in answers]
        lines += [f"{name} = {value}" for name, value in answers.items()]
        self.main_cf.write_text("\n".join([*lines, ""]), encoding="utf-8")
        self.backdate()

    def launch(self):
        """Boot, without the wait."""
        _remove_stale_groups(self._fds["groups"])
        fds = {"pid": self._sandbox.fds["pid"], "mount": self._fds["outside"],
               "net": self.network.fd}
        # systemd-nspawn takes the control group that it is started in, which is not to be ours.
        join = (f"group=/sys/fs/cgroup/{self._group}; mkdir -p $group; echo $$ >$group/cgroup.procs; "
                'exec "$@"')
        argv = ["systemd-nspawn", "--quiet", "--boot",
                f"--directory={self.directory}/machine/root", "--register=no", "--keep-unit",
                "--console=pipe", "--capability=all", "--resolv-conf=off", "--timezone=off",
                "--link-journal=no", f"--hostname={self._hostname}",
                f"--network-namespace-path=/proc/self/fd/{fds['net']}"]
        full = ["nsenter", f"--pid=/proc/self/fd/{fds['pid']}",
                f"--mount=/proc/self/fd/{fds['mount']}", "--", "sh", "-ec", join, "sh", *argv]
        self._nspawn = Process(full, tuple(fds.values()), environment(),
                               self.directory / "boot.log", argv)
        self._processes.append(self._nspawn)

    def wait_started(self, endpoints=(("127.0.0.1", 25),)):
        """The machine is up, and Postfix takes mail."""
        self._wait_up(endpoints)
        self.run("useradd", "--system", "--user-group", "--no-create-home", mailhost.USER,
                 check=True)

    def _wait_up(self, endpoints):
        self._enter(wait_until(self._find_init, BOOT_LIMIT, self._boots))
        if wait_until(self._state, BOOT_LIMIT, self._boots) != "running":
            raise LabError("units have failed:\n" + self.systemctl("--failed").stdout
                           + self.journal())
        self.wait_listening(endpoints)

    def _boots(self):
        return f"the machine boots; it said:\n{self._nspawn.output()}"

    def _find_init(self):
        """The machine's process 1, by its number outside."""
        if self._nspawn.poll() is not None:
            raise LabError(self._boots())
        # The one that forked it has ended, and so it is its helper's or the holder's child.
        for parent in (self._nspawn.pid, self._sandbox.holder_pid):
            for pid in _children(parent):
                if _is_init(pid):
                    return pid
        return None

    def _state(self):
        said = self.run("systemctl", "is-system-running").stdout.strip()
        return said if said in ("running", "degraded", "maintenance") else None

    def _enter(self, init):
        """Keep what nsenter(1) needs, also for a second time."""
        links = {kind: f"ns/{kind}" for kind in NAMESPACES} | {"root": "root"}
        for kind, link in links.items():
            flags = os.O_PATH | os.O_DIRECTORY if kind == "root" else os.O_RDONLY
            if kind in self._fds:
                os.close(self._fds.pop(kind))
            self._fds[kind] = os.open(f"/proc/{init}/{link}", flags)

    def reboot(self):
        """As an operator does it; returns when all is up again."""
        self.systemctl("reboot", check=False)
        # With --keep-unit systemd-nspawn leaves it to a service manager to boot again.
        if self._nspawn.wait(BOOT_LIMIT) != REBOOTED:
            raise LabError(self._boots())
        self.launch()
        self._wait_up([("127.0.0.1", 25)])

    # What a host of the lab's can.

    def command(self, argv, user=None, cwd=None):
        fds = {kind: self._fds[kind] for kind in NAMESPACES}
        full = ["nsenter", *(f"--{NAMESPACES[kind]}=/proc/self/fd/{fd}"
                             for kind, fd in fds.items()), "--", "setsid", "--"]
        if user:
            full += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        if cwd:
            full += ["env", "-C", str(cwd), "--"]
        return full + [str(argument) for argument in argv], tuple(fds.values())

    @property
    def main_cf(self):
        return self.path("/etc/postfix/main.cf")

    @property
    def master_cf(self):
        return self.path("/etc/postfix/master.cf")

    @property
    def mailboxes(self):
        return self.path("/var/mail")

    def log(self):
        """The mail log, which is in the journal."""
        return self.run("journalctl", "-q", "--facility=mail", "-o", "short").stdout

    def close(self):
        for process in self._processes:
            process.forget()
        if "groups" in self._fds:
            _remove_group(self._fds["groups"], self._group)
        self._processes = []
        super().close()

    # systemd.

    def systemctl(self, *words, check=True, timeout=150):
        return self.run("systemctl", "--no-pager", *words, check=check, timeout=timeout)

    def show(self, unit, name):
        """One property of a unit."""
        return self.systemctl("show", "--value", "-p", name, unit).stdout.strip()

    def journal(self, *matches):
        """The journal as text."""
        return self.run("journalctl", "-q", "-o", "short-monotonic", *matches).stdout

    def entries(self, *matches):
        """The journal as documents."""
        done = self.run("journalctl", "-q", "-o", "json", *matches, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def drop_in(self, unit, text):
        """Override settings of a unit, for whatever is started from now on."""
        self.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self.systemctl("daemon-reload")

    def remove_drop_in(self, unit):
        self.path(f"/etc/systemd/system/{unit}.d/test.conf").unlink()
        self.systemctl("daemon-reload")


def _children(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []


def _is_init(pid):
    """Whether the process is number 1 of its own PID namespace, and systemd already."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields.get("NSpid", "").split()[-1:] == ["1"] and fields["Name"] == "systemd"


def _remove_group(groups, name):
    """Remove the control group NAME in the hierarchy that is open as GROUPS."""
    with contextlib.suppress(FileNotFoundError):
        for _, directories, _, here in os.fwalk(name, topdown=False, dir_fd=groups):
            for directory in directories:
                os.rmdir(directory, dir_fd=here)
        # Until the last process has been collected, it is busy.
        wait_until(lambda: _rmdir(groups, name), 10, f"the control group {name} is empty")


def _rmdir(groups, name):
    try:
        os.rmdir(name, dir_fd=groups)
    except OSError:
        return False
    return True


def _remove_stale_groups(groups):
    """What machines have left whose tests were killed."""
    for name in os.listdir(groups):
        if name.startswith("detourd-lab-") and not os.path.exists(
                os.path.join(tempfile.gettempdir(), name)):
            with contextlib.suppress(OSError, LabError):
                _remove_group(groups, name)
