# SPDX-License-Identifier: BSD-2-Clause
"""detour-apply on a real Postfix: the route is changed whole or not at all, and given back."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import stat

import pytest

from lab import wait_until
from lab.product import program

CONF = "/etc/detourd/detourd.conf"
PASSWORD_FILE = "/etc/detourd/office.password"
CATALOGUES = pathlib.Path(__file__).resolve().parents[2] / "conf"
RELAYHOST = "[relay.example]:587"
BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)


class Answer:
    """What detour-apply said: its steps by name, and the last line."""

    def __init__(self, text, status=None):
        lines = [json.loads(line) for line in text.splitlines()]
        assert lines and "result" in lines[-1], text
        self.text = text
        self.steps = {line["step"]: line for line in lines[:-1]}
        self.last = lines[-1]
        self.result = self.last["result"]
        self.reason = self.last.get("reason", "")
        self.status = status

    def __repr__(self):
        return self.text


class Apply:
    """detour-apply, its configuration and the Postfix of the mail host."""

    def __init__(self, lab):
        self.lab = lab
        self.host = lab.mailhost
        self.password = lab.relays[0].password if lab.relays else "not: a #secret"
        for name in ("relays.conf", "providers.conf"):
            self.host.write(f"/etc/detourd/catalogue/{name}", (CATALOGUES / name).read_text())
        authority = lab.authority.certificate.read_text()
        self.host.write("/etc/detourd/lab-root.pem", authority)
        self.give_password(self.password)
        self.configure()

    def give_password(self, password, **options):
        self.host.write(PASSWORD_FILE, password + "\n", **{"mode": 0o600, **options})

    def configure(self, mode="switch", host="relay.example", username=None, postfix="", ports=None):
        username = username or (self.lab.relays[0].username if self.lab.relays else "user")
        self.host.write(CONF, f"""
mode = {mode}
user = detourd
catalogue_directory = "/etc/detourd/catalogue"
relay office {{
  host          = "{host}"
  ports         = {{ {ports or "587, 2525"} }}
  username      = "{username}"
  password_file = "{PASSWORD_FILE}"
  ca_file       = "/etc/detourd/lab-root.pem"
}}
postfix {{ config_directory = "/etc/postfix"  {postfix} }}
""")

    def __call__(self, *words, **options):
        """By hand."""
        done = self.host.run(program("detour-apply"), "-c", CONF, *words, **options)
        return Answer(done.stdout, done.returncode)

    def ask(self, line):
        """By a line on standard input."""
        done = self.host.run("sh", "-c", 'printf "%b" "$0" | "$@"', line,
                             program("detour-apply"), "-c", CONF)
        return Answer(done.stdout, done.returncode)

    @property
    def main_cf(self):
        return self.host.main_cf.read_bytes()

    @main_cf.setter
    def main_cf(self, content):
        self.host.main_cf.write_bytes(content)
        self.host.backdate()

    def files(self):
        """Every file below the configuration directory with what may be seen of it."""
        found = {}
        top = self.host.main_cf.parent
        for path in sorted(top.rglob("*")):
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path.relative_to(top))] = (
                stat.filemode(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns,
                hashlib.sha256(content).hexdigest())
        return found

    def temporary_files(self):
        return list(pathlib.Path("/tmp").glob("detour-apply.*"))


@pytest.fixture
def apply(lab):
    return Apply(lab)


# A switch and its return.

def test_mail_leaves_by_the_relay_and_direct_again(lab, apply):
    before = apply.main_cf
    lab.block(25, "rst")
    assert apply("relay", "office", "587").result == "ok"
    assert lab.mailhost.postconf("relayhost") == RELAYHOST
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    log = lab.mailhost.log()
    assert re.search(r"Verified TLS connection established to relay\.example", log)
    assert re.search(r"sasl_method=(PLAIN|LOGIN), sasl_username=" + lab.relay.username,
                     lab.relay.host.log())
    assert not re.search("warning|fatal|panic", log), log
    lab.unblock()
    assert apply("direct").result == "ok"
    assert apply.main_cf == before
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")
