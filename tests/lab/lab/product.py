# SPDX-License-Identifier: BSD-2-Clause
"""The programs under test."""

import json
import os
import pathlib
import socket

from .wait import LabError, wait_until

CONFIG = "/etc/detourd/detourd.conf"
SOCKET = "/run/detourd/detourd.sock"
APPLY_SOCKET = "/run/detour-apply/apply.sock"


def program(name):
    """The path of one of our programs in the build directory, DETOURD_BUILDDIR."""
    directory = os.environ.get("DETOURD_BUILDDIR")
    if not directory:
        raise LabError("DETOURD_BUILDDIR does not say where the programs were built")
    path = pathlib.Path(directory).resolve() / name
    if not path.exists():
        raise LabError(f"there is no {path}: build it first")
    return path


def catalogues():
    """The folder of the catalogues in the source tree."""
    return pathlib.Path(__file__).resolve().parents[3] / "conf"


def shared_directories():
    """What a host with a system of its own needs of this machine's to run our programs: what they
    were built in and what DETOURD_LAB_SHARED names, separated by colons."""
    names = [os.environ.get("DETOURD_BUILDDIR", ""),
             *os.environ.get("DETOURD_LAB_SHARED", "").split(":")]
    return [catalogues(), *(pathlib.Path(name).resolve() for name in names if name)]


def relay_section(relay, name="office", ports=(587, 2525), **settings):
    """A relay section for one of the lab's relays or an eavesdropper."""
    values = {
        "host": relay.hostname,
        "ports": "{ " + ", ".join(map(str, ports)) + " }",
        "username": relay.username,
        "password_file": f"/etc/detourd/{name}.password",
        "ca_file": relay.ca_file,
    } | settings
    lines = (f"    {key} = {value}" if value.startswith("{") else f'    {key} = "{value}"'
             for key, value in ((key, str(value)) for key, value in values.items()))
    return f"relay {name} {{\n" + "\n".join(lines) + "\n}\n"


class RelayLike:
    """What configure() wants to know of a relay, for a server that is none of the lab's."""

    def __init__(self, server, username, password, ca_file):
        self.hostname = server.hostname
        self.username, self.password, self.ca_file = username, password, ca_file


class Product:
    """Our programs on the mail host."""

    config = CONFIG
    catalogue_directory = catalogues()

    def __init__(self, lab):
        self._lab = lab
        self.host = lab.mailhost
        self.applier = self.daemon = None

    def run(self, name, *arguments, **options):
        """Run a program to its end; options as for Host.run."""
        return self.host.run(program(name), *arguments, **options)

    def configure(self, relays=None, mode="switch", targets=None, text="", postfix="", **probe):
        """Write detourd.conf and the password files.

        RELAYS maps a name to a relay of the lab's, or to (relay, {setting: value}).  The rounds
        are quick unless PROBE says otherwise: tests wait for what they lead to.
        """
        relays = {"office": self._lab.relay} if relays is None else relays
        targets = targets or [operator.domain for operator in self._lab.operators]
        probe = {"interval": 2, "fastinter": 1, "stay": 5, "timeout": 8} | probe
        lines = [f"mode = {mode}", "user = detourd", f'catalogue_directory = "{self.catalogue_directory}"',
                 "probe {", "    targets = { " + ", ".join(f'"{t}"' for t in targets) + " }",
                 *(f"    {key} = {value}" for key, value in probe.items()), "}"]
        for name, relay in relays.items():
            relay, settings = relay if isinstance(relay, tuple) else (relay, {})
            lines.append(relay_section(relay, name, **settings))
            self.host.write(f"/etc/detourd/{name}.password", relay.password + "\n", mode=0o640,
                            owner="root:detourd")
        lines += [f"postfix {{ {postfix} }}", "status { group = adm admin_group = adm }", text, ""]
        self.host.write(self.config, "\n".join(lines))

    def start_applier(self):
        """detour-apply as it runs where there is no systemd."""
        self.host.run("mkdir", "-p", "/run/detour-apply", check=True)
        self.applier = self.host.spawn(program("detour-apply"), "-c", self.config, "--listen",
                                       APPLY_SOCKET, log="detour-apply.log")
        wait_until(lambda: self.host.path(APPLY_SOCKET).exists(), 5, "detour-apply listens")

    def start_daemon(self, *arguments, wait=True):
        """detourd itself; returns when its socket answers."""
        self.daemon = self.host.spawn(program("detourd"), "-c", self.config, *arguments,
                                      log="detourd.log")
        if wait:
            wait_until(self._listens_or_died, 10, "detourd listens")
        return self.daemon

    def _listens_or_died(self):
        if self.daemon.poll() is not None:
            raise LabError("detourd ended:\n" + self.daemon.output())
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.host.path(SOCKET)))
        except OSError:
            return False
        return True

    def start(self, **configuration):
        """Configure and start both."""
        self.configure(**configuration)
        self.start_applier()
        return self.start_daemon()

    def detourctl(self, *arguments, **options):
        return self.run("detourctl", "-c", self.config, *arguments, **options)

    def apply(self, *arguments, **options):
        """detour-apply by hand; its lines, parsed."""
        ran = self.run("detour-apply", "-c", self.config, "--json", *arguments, **options)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def status(self):
        """The status document, or None while nobody answers."""
        ran = self.detourctl("status", "--json")
        return json.loads(ran.stdout) if ran.returncode == 0 else None

    def look(self):
        """status() as a wait asks for it, again and again: without a program a time."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(30)
                client.connect(str(self.host.path(SOCKET)))
                client.sendall(b"status json\n")
                client.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: client.recv(65536), b""))
        except OSError:
            return None
        return json.loads(answer) if answer.endswith(b"\n") else None

    def wait_status(self, wanted, timeout=60, what="the status"):
        """Wait until WANTED(status) is true; returns that status."""
        seen = {}

        def met():
            seen["status"] = self.look()
            return seen["status"] is not None and wanted(seen["status"])

        try:
            wait_until(met, timeout, what)
        except LabError as error:
            raise LabError(f"{error}\n{json.dumps(seen['status'], indent=1)}\n"
                           + (self.daemon.output() if self.daemon else "")) from None
        return seen["status"]

    def wait_route(self, name, timeout=60):
        return self.wait_status(lambda s: s["route"]["name"] == name, timeout,
                                f"the route becomes {name}")
