# SPDX-License-Identifier: BSD-2-Clause
"""detour-apply on the lab's mail host."""

import hashlib
import json
import pathlib
import stat

from .product import program

CONF = "/etc/detourd/detourd.conf"
PASSWORD_FILE = "/etc/detourd/office.password"
CATALOGUES = pathlib.Path(__file__).resolve().parents[3] / "conf"


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
        if status is not None:
            assert (status == 0) == (self.result in ("ok", "unchanged")), (status, text)

    def __repr__(self):
        return self.text


class Apply:
    """detour-apply, its configuration and the Postfix of the mail host."""

    def __init__(self, lab):
        self.lab = lab
        self.host = lab.mailhost
        self.password = lab.relays[0].password if lab.relays else "not: a #secret"
        # All that detour-apply wants of the catalogues.
        self.host.write("/etc/detourd/catalogue/relays.conf",
                        (CATALOGUES / "relays.conf").read_text())
        authority = lab.authority.certificate.read_text()
        self.host.write("/etc/detourd/lab-root.pem", authority)
        self.give_password(self.password)
        self.configure()

    def give_password(self, password, **options):
        self.host.write(PASSWORD_FILE, password + "\n", **{"mode": 0o600, **options})

    def configure(self, mode="switch", host="relay.example", postfix="", relay=""):
        username = self.lab.relays[0].username if self.lab.relays else "user"
        self.host.write(CONF, f"""
mode = {mode}
user = detourd
catalogue_directory = "/etc/detourd/catalogue"
relay office {{
  host          = "{host}"
  ports         = {{ 587, 2525 }}
  username      = "{username}"
  password_file = "{PASSWORD_FILE}"
  ca_file       = "/etc/detourd/lab-root.pem"
  {relay}
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

    def traced(self, *words, options):
        """By hand under strace(1): how it ended, and the trace."""
        # LeakSanitizer cannot work where another one traces; reports elsewhere would be traced too.
        sanitizers = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"}
        done = self.host.run("strace", *options, "-o", "/run/trace", program("detour-apply"), "-c",
                             CONF, *words, env=sanitizers)
        return done, self.host.path("/run/trace").read_text()

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
