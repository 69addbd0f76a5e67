# SPDX-License-Identifier: BSD-2-Clause
"""Process 1 of a lab's PID namespace.

When it ends, for whatever reason, the kernel kills every other process of the namespace, and with
the last process go its mounts and networks.  It ends when its standard input does: that pipe is
held by the process that made the lab, so even SIGKILL there leaves nothing behind.  It imports
nothing of the package: it starts with `python3 -IS`.

    holder.py DIRECTORY KEEP    DIRECTORY is removed at the end unless KEEP is "1"
"""

import os
import select
import shutil
import signal
import sys


def reap():
    """Collect whatever has ended; True as long as there are children left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_everything():
    # From process 1, -1 means the whole namespace and nothing outside it.
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def main():
    directory, keep = sys.argv[1:]
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([0, wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 4096)
            reap()
        if 0 in readable and not os.read(0, 4096):
            break
    end_everything()
    if keep != "1":
        shutil.rmtree(directory, ignore_errors=True)


main()
