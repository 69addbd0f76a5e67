# SPDX-License-Identifier: BSD-2-Clause
"""The sandbox of a lab and the hosts in it.

A sandbox is a PID namespace with a holder as its process 1 (see holder.py).  A host is a mount
and a UTS namespace of its own over a network: /etc and /var are overlays, /run is empty, so
whatever a program writes there is the host's alone.  Namespaces are kept as open descriptors,
never as process ids, which the kernel may give to somebody else.
"""

import os
import pathlib
import select
import subprocess
import sys
import tempfile

from .process import Process, environment, kill_entered, only_child
from .wait import LabError, wait_until


class Sandbox:
    """The PID namespace and the directory of one lab.  DIRECTORY is readable by every user, since
    the programs under test give up root; what is secret in it has modes of its own."""

    def __init__(self, keep=False):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="detourd-lab-"))
        self.directory.chmod(0o755)
        self.keep = keep
        self._holder = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc",
             "--propagation", "private", "--",
             sys.executable, "-IS", str(pathlib.Path(__file__).with_name("holder.py")),
             str(self.directory), "1" if keep else "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", start_new_session=True)
        self.fds = {}
        try:
            _read_line(self._holder, "the holder of the lab's PID namespace")
            self.holder_pid = only_child(self._holder.pid)
            # The holder's own "pid" link is the namespace it is in, not one for its children.
            self.fds["pid"] = os.open(f"/proc/{self.holder_pid}/ns/pid", os.O_RDONLY)
            self.fds["mount"] = os.open(f"/proc/{self.holder_pid}/ns/mnt", os.O_RDONLY)
        except BaseException:
            self.close()
            raise

    def close(self):
        """End every process and remove the directory.  May be called twice."""
        if self._holder.stdin:
            self._holder.stdin.close()
        try:
            self._holder.wait(10)
        except subprocess.TimeoutExpired:
            self._holder.kill()
            self._holder.wait()
        self._holder.stdout.close()
        for fd in self.fds.values():
            os.close(fd)
        self.fds = {}
        if not self.keep:
            subprocess.run(["rm", "-rf", str(self.directory)], check=True)


class Host:
    """A machine of the lab.

    NETWORK is where it is connected; several hosts may share one.  BINDS maps a path on the host
    to the directory of the lab that is mounted there.  FILES maps paths on the host to texts.
    With ROOT, a folder with a whole system in it (see roots.py), the host is a copy of that
    system, in which only the lab's directory and those in SHARED are the machine's.
    """

    def __init__(self, sandbox, name, network, hostname, binds=None, files=None, root=None,
                 shared=()):
        self.name = name
        self.network = network
        self.directory = sandbox.directory / name
        self.directory.mkdir(exist_ok=True)
        self._processes = []
        self._sandbox = sandbox
        self._fds = {}
        private = self.directory / "private"
        private.mkdir()
        lines = [f"mount -t tmpfs tmpfs {private}"]
        if root:
            lines += _another_system(private, root, [sandbox.directory, *shared])
        else:
            lines += _this_system(private)
        anchor = self._build(hostname, lines, binds or {})
        try:
            pid = only_child(anchor.pid)
            for key, link in (("mount", "ns/mnt"), ("uts", "ns/uts"), ("root", "root")):
                flags = os.O_PATH | os.O_DIRECTORY if key == "root" else os.O_RDONLY
                self._fds[key] = os.open(f"/proc/{pid}/{link}", flags | os.O_CLOEXEC)
        finally:
            anchor.stdin.close()
            anchor.wait(10)
            anchor.stdout.close()
        for path, text in (files or {}).items():
            self.write(path, text)

    def _build(self, hostname, lines, binds):
        """Start the process that makes the namespaces and waits until they have been opened.
        LINES are commands that make the host's own files."""
        lines = ["set -e", *lines, "mount -t tmpfs -o mode=755 tmpfs /run"]
        for path, source in binds.items():
            lines += [f"mkdir -p {path}", f"mount --bind {source} {path}"]
        lines += [f"hostname {hostname}", "echo ready", "read _ || :"]
        sandbox = self._sandbox.fds
        anchor = subprocess.Popen(
            ["nsenter", f"--pid=/proc/self/fd/{sandbox['pid']}",
             f"--mount=/proc/self/fd/{sandbox['mount']}",
             "unshare", "--mount", "--uts", "--propagation", "private",
             "sh", "-c", "\n".join(lines)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            pass_fds=sandbox.values())
        _read_line(anchor, f"the namespaces of {self.name}")
        return anchor

    def path(self, path):
        """Where the test finds the host's PATH.  Absolute symbolic links in it lead astray."""
        return pathlib.Path(f"/proc/{os.getpid()}/fd/{self._fds['root']}", str(path).lstrip("/"))

    def write(self, path, text, mode=0o644, owner=None):
        """Put a file on the host; OWNER as chown(1) takes it, in the names the host knows."""
        target = self.path(path)
        if not target.parent.exists():
            self.run("mkdir", "-p", str(pathlib.PurePath(path).parent), check=True)
        target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        target.chmod(mode)
        if owner:
            self.run("chown", owner, path, check=True)
        return target

    def command(self, argv, user=None, cwd=None):
        """The command line that runs ARGV on this host, and the descriptors it needs."""
        fds = {"pid": self._sandbox.fds["pid"], "mount": self._fds["mount"],
               "uts": self._fds["uts"], "net": self.network.fd}
        full = ["nsenter"] + [f"--{kind}=/proc/self/fd/{fd}" for kind, fd in fds.items()]
        # A process group of its own, apart from nsenter: see kill_entered().
        full += ["--", "setsid", "--"]
        if user:
            full += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        if cwd:
            full += ["env", "-C", str(cwd), "--"]
        return full + [str(argument) for argument in argv], tuple(fds.values())

    def run(self, *argv, user=None, env=None, input=None, timeout=30, cwd=None, check=False):
        """Run a program to its end: a CompletedProcess with texts for stdout and stderr.

        USER is a login name that the host knows (its group must bear the same name).  The
        environment is bare apart from ENV.  With CHECK a failure is a LabError.
        """
        full, fds = self.command(argv, user, cwd)
        process = subprocess.Popen(
            full, pass_fds=fds, env=environment(env), text=True, start_new_session=True,
            stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            kill_entered(process)
            raise
        done = subprocess.CompletedProcess(list(argv), process.returncode, out, err)
        if check and done.returncode != 0:
            raise LabError(f"{self.name}: {' '.join(map(str, argv))}: exit {done.returncode}\n"
                           f"{out}{err}")
        return done

    def spawn(self, *argv, user=None, env=None, cwd=None, log=None):
        """Start a program and leave it running; see Process.  Its output goes to a file, LOG in
        the host's directory or one named after the program."""
        name = log or f"{pathlib.PurePath(str(argv[0])).name}-{len(self._processes)}.log"
        full, fds = self.command(argv, user, cwd)
        process = Process(full, fds, environment(env), self.directory / name, argv)
        self._processes.append(process)
        return process

    def processes(self):
        """Every program that was spawned here."""
        return list(self._processes)

    def wait_listening(self, endpoints, timeout=10):
        """Wait until all (address, port) pairs in ENDPOINTS accept connections."""
        wanted = set(endpoints)

        def missing():
            there = self.network.listening()
            return {(address, port) for address, port in wanted - there
                    if (":" in address and ("::", port) or ("0.0.0.0", port)) not in there}
        wait_until(lambda: not missing(), timeout,
                   lambda: f"{self.name} listens on {sorted(missing())}")

    def close(self):
        for process in self._processes:
            process.forget()
        for fd in self._fds.values():
            os.close(fd)
        self._fds = {}


def _overlay(private, name, lower, place):
    upper, work = f"{private}/{name}", f"{private}/{name}.work"
    return [f"mkdir {upper} {work}",
            f"mount -t overlay overlay -o lowerdir={lower},upperdir={upper},workdir={work} {place}"]


def _this_system(private):
    """Commands that make /etc and /var the host's own."""
    return [line for top in ("etc", "var") for line in _overlay(private, top, f"/{top}", f"/{top}")]


def _another_system(private, root, shared):
    """Commands that make a copy of the system in ROOT the host's, with SHARED at the same paths."""
    new = f"{private}/new"
    lines = [f"mkdir {new}", *_overlay(private, "root", root, new)]
    lines += [f"mount --rbind {path} {new}{path}" for path in ("/proc", "/sys", "/dev")]
    for path in shared:
        lines += [f"mkdir -p {new}{path}", f"mount --bind {path} {new}{path}"]
    # In its own mount namespace, which nsenter(1) enters at the top.
    return [*lines, f"cd {new}", "mkdir -p .machine", "pivot_root . .machine", "cd /",
            "umount -l /.machine", "rmdir /.machine"]


def _read_line(process, what, timeout=10):
    """Wait for the one line that PROCESS prints when it is ready."""
    readable, _, _ = select.select([process.stdout], [], [], timeout)
    if not readable or not process.stdout.readline():
        process.kill()
        process.wait()
        raise LabError(f"{what}: not made (exit {process.returncode})")
