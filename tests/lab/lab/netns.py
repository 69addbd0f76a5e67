# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces, kept as open descriptors."""

import contextlib
import ctypes
import ipaddress
import os
import pathlib
import subprocess
import sys

from .wait import LabError

CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Network:
    """A network namespace."""

    def __init__(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.unshare(CLONE_NEWNET))
            try:
                self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            finally:
                _check(_libc.setns(home, CLONE_NEWNET))
        finally:
            os.close(home)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in this network: sockets it makes stay there, programs it starts
        begin there.  Names are still looked up by the files of the machine: use addresses."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.setns(self.fd, CLONE_NEWNET))
            try:
                yield
            finally:
                _check(_libc.setns(home, CLONE_NEWNET))
        finally:
            os.close(home)

    def tool(self, *argv, input=None, pass_fds=()):
        """Run ip(8), nft(8) or the like in this network and return its output."""
        with self.inside():
            done = subprocess.run(argv, input=input, text=True, capture_output=True, timeout=30,
                                  pass_fds=pass_fds)
        if done.returncode != 0:
            raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}\n{input or ''}")
        return done.stdout

    def sysctl(self, **settings):
        """Set net.* values; in the names `__` stands for the dot."""
        with self.inside():
            for name, value in settings.items():
                path = pathlib.Path("/proc/sys/net", *name.split("__"))
                path.write_text(f"{value}\n")

    def listening(self):
        """The (address, port) pairs on which somebody accepts TCP connections."""
        with self.inside():
            tables = [pathlib.Path("/proc/thread-self/net", name).read_text()
                      for name in ("tcp", "tcp6")]
        rows = [line.split() for table in tables for line in table.splitlines()[1:]]
        return {_endpoint(row[1]) for row in rows if row[3] == "0A"}  # TCP_LISTEN

    def close(self):
        os.close(self.fd)


def _endpoint(text):
    """One address of /proc/net/tcp: 32-bit words in the byte order of the machine."""
    address, port = text.split(":")
    words = [int(address[i:i + 8], 16).to_bytes(4, sys.byteorder)
             for i in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)
