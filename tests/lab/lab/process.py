# SPDX-License-Identifier: BSD-2-Clause
"""Programs that run inside a lab, seen from outside, where nsenter(1) stands for them."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

from .wait import LabError, wait_until


class Process:
    """A running program.  `pid` is its id outside the lab, `log` the file with its output."""

    def __init__(self, full, fds, env, log, argv):
        self.argv = [str(argument) for argument in argv]
        self.log = log
        with open(log, "ab") as output:
            self._nsenter = subprocess.Popen(full, pass_fds=fds, env=env, stdin=subprocess.DEVNULL,
                                             stdout=output, stderr=output, start_new_session=True)
        self.pid = only_child(self._nsenter.pid)

    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_log(self, pattern, timeout=10, start=0):
        """Wait until the output, from character START on, matches PATTERN (^ and $ are ends of
        lines); the match is returned."""
        def found():
            # In this order: what a program wrote last must be seen even if it ends meanwhile.
            ended = self.poll() is not None
            match = re.search(pattern, self.output()[start:], re.MULTILINE)
            if ended and not match:
                raise LabError(f"{self.argv[0]} ended ({self.poll()}) before it said {pattern!r}:\n"
                               f"{self.output()}")
            return match
        return wait_until(found, timeout,
                          lambda: f"{self.argv[0]} says {pattern!r}; it said:\n{self.output()}")

    def poll(self):
        """The exit status (negative: the signal), or None as long as it runs."""
        return self._nsenter.poll()

    def wait(self, timeout=10):
        try:
            return self._nsenter.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.argv[0]} still runs after {timeout} s:\n"
                           f"{self.output()}") from None

    def send_signal(self, number):
        # Not to nsenter, which would die of it and hide how the program ends.
        if self.poll() is None and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def stop(self, timeout=10):
        """SIGTERM, and the exit status when it is gone."""
        self.terminate()
        return self.wait(timeout)

    def end_group(self):
        """SIGKILL to the program and all it started, unless they left its process group."""
        kill_entered(self._nsenter)

    def forget(self):
        """The sandbox is gone, and so is the program: collect what stood for it here."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._nsenter.wait(5)


def environment(extra=None):
    """What a program of the lab sees: nothing of the machine's, except what sanitizers read."""
    bare = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    bare |= {name: value for name, value in os.environ.items()
             if name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")}
    return bare | (extra or {})


def only_child(pid, timeout=10):
    """The one child of PID, which has just been started; None if PID is gone without one."""
    def look():
        try:
            text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return "gone"
        return text.split()[0] if text.strip() else ("gone" if state == "Z" else None)
    found = wait_until(look, timeout, f"process {pid} starts another", interval=0.001)
    return None if found == "gone" else int(found)


def kill_entered(nsenter):
    """SIGKILL to the process group of the program that nsenter(1) runs.

    Not to nsenter itself: the kernel would hand its orphan to process 1 of the machine, and the
    lab's PID namespace cannot end before that one cares to collect it.
    """
    while nsenter.poll() is None:
        pid = only_child(nsenter.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid and os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            nsenter.wait(0.01)
