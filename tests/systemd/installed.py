# SPDX-License-Identifier: BSD-2-Clause
"""The product as `make install` and an administrator put it on a machine, run by its units."""

import os
import pathlib
import re
import subprocess
import tempfile

from lab import LabError
from lab.apply import Answer
from lab.product import APPLY_SOCKET, Product

PROGRAMS = ("detourd", "detourctl", "detour-apply")
DAEMON, SOCKET = "detourd.service", "detour-apply.socket"
REQUEST = "detour-apply@.service"
REQUESTS = "detour-apply@*.service"     # its instances
CA_FILE = "/etc/detourd/lab-root.pem"


def build_directory():
    if not os.environ.get("DETOURD_BUILDDIR"):
        raise LabError("DETOURD_BUILDDIR does not say where the programs were built")
    return pathlib.Path(os.environ["DETOURD_BUILDDIR"]).resolve()


def libraries():
    """The packages of this machine's that hold the libraries of our programs."""
    said = _output("ldd", *(build_directory() / name for name in PROGRAMS))
    paths = {os.path.realpath(path) for path in re.findall(r"=> (/\S+)", said)}
    # Packages made before /lib was a link to /usr/lib know their files by the shorter name.
    paths |= {path.removeprefix("/usr") for path in paths}
    found = subprocess.run(["dpkg-query", "-S", *paths], text=True, capture_output=True, timeout=60,
                           check=False).stdout
    return {line.partition(":")[0] for line in found.splitlines()}


def _output(*argv):
    return subprocess.run([str(argument) for argument in argv], check=True, text=True,
                          capture_output=True, timeout=60).stdout


def _make_install(destination, log):
    with open(log, "ab") as output:
        done = subprocess.run(
            ["make", "-C", str(build_directory()), "install", f"DESTDIR={destination}"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=300, umask=0o022,
            check=False)
    if done.returncode != 0:
        raise LabError("make install:\n" + log.read_text(errors="replace")[-2000:])


class Journal:
    """What the unit of the daemon has said, as a Process would tell it."""

    def __init__(self, host):
        self._host = host

    def output(self):
        return self._host.journal("-u", DAEMON)


class Installed(Product):
    """Our programs on a machine of its own."""

    def __init__(self, lab):
        super().__init__(lab)
        self._places = {}
        self.daemon = Journal(self.host)

    def install(self):
        """What README.md tells to do, up to the configuration."""
        log = self.host.directory / "install.log"
        with tempfile.TemporaryDirectory(prefix="detourd-install-") as trial:
            _make_install(trial, log)
            self._find(pathlib.Path(trial))
        _make_install(self.host.path("/"), log)
        self.host.run("systemd-sysusers", check=True)
        self.host.run("systemd-tmpfiles", "--create", check=True)
        self.host.systemctl("daemon-reload")

    def _find(self, trial):
        """Where this build puts its programs, its configuration and its catalogues."""
        def place(pattern):
            found, = trial.rglob(pattern)
            return f"/{found.relative_to(trial)}"
        self._places = {name: place(f"*bin/{name}") for name in PROGRAMS[:2]}
        self._places["detour-apply"] = place("libexec/**/detour-apply")
        self.config = place("etc/detourd/detourd.conf")
        self.catalogue_directory = os.path.dirname(place("relays.conf"))

    def run(self, name, *arguments, **options):
        return self.host.run(self._places[name], *arguments, **options)

    def configure(self, relays=None, **options):
        """As Product does it, with files that are on the machine."""
        authority = self._lab.authority.certificate.read_text()
        self.host.write(CA_FILE, authority)
        relays = {"office": self._lab.relay} if relays is None else relays
        pairs = {name: relay if isinstance(relay, tuple) else (relay, {})
                 for name, relay in relays.items()}
        super().configure(relays={name: (relay, {"ca_file": CA_FILE} | settings)
                                  for name, (relay, settings) in pairs.items()}, **options)

    def start_applier(self):
        self.host.systemctl("enable", "--now", SOCKET)

    def start_daemon(self, *arguments, wait=True):
        """Returns when systemd calls it started: that is what Type=notify is for."""
        self.host.systemctl("enable", "--now", DAEMON)
        return self.daemon

    def look(self):
        return self.status()

    def ask(self, line, timeout=300):
        """A request as detourd makes it: an instance of detour-apply's own unit answers."""
        done = self.host.run("socat", "-t", str(timeout), "-", f"UNIX-CONNECT:{APPLY_SOCKET}",
                             input=line + "\n", timeout=timeout, check=True)
        return Answer(done.stdout)

    def pid(self):
        """The daemon's, on the machine; 0 while there is none."""
        return int(self.host.show(DAEMON, "MainPID"))
