# SPDX-License-Identifier: BSD-2-Clause
"""A relay's service on the mail host, made by hand, and the proof of it."""

import collections

from .product import program

SENDER = "double-bounce@[127.0.0.1]"
PASSWORDS = "/etc/postfix/office.sasl"
AUTHORITY = "/etc/postfix/lab-root.pem"

Proof = collections.namedtuple("Proof", "result why")


class Service:
    """The service `detour-office` of the first relay's, and a route to it for the probe's sender.
    OPTIONS are "-o" of its own that come last."""

    def __init__(self, lab, chroot="y", sender=SENDER, **options):
        self.lab, self.host, self.relay = lab, lab.mailhost, lab.relay
        self.nexthop = f"[{self.relay.hostname}]:587"
        self._others = self.host.master_cf.read_text()
        self.host.write(AUTHORITY, lab.authority.certificate.read_text())
        self.host.write("/etc/postfix/senders", f"{sender} detour-office:{self.nexthop}\n")
        self.host.run("postmap", "hash:/etc/postfix/senders", check=True)
        self.give_password(self.relay.password)
        self.write(chroot, **options)
        self.host.postconf("sender_dependent_default_transport_maps=hash:/etc/postfix/senders")
        self.host.reload()

    def give_password(self, password):
        self.host.write(PASSWORDS, f"{self.nexthop} {self.relay.username}:{password}\n", mode=0o600)
        self.host.run("postmap", f"hash:{PASSWORDS}", check=True)

    def write(self, chroot="y", **options):
        """master.cf anew, without a reload."""
        options = {"smtp_tls_security_level": "secure", "smtp_tls_CAfile": AUTHORITY,
                   "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": f"hash:{PASSWORDS}",
                   "smtp_sasl_security_options": "noanonymous",
                   "smtp_sasl_tls_security_options": "noanonymous"} | options
        self.host.master_cf.write_text(
            f"{self._others}detour-office unix - - {chroot} - - smtp"
            + "".join(f"\n    -o {name}={value}" for name, value in options.items()) + "\n")

    def change(self, *settings, **options):
        """SETTINGS of main.cf, and the service anew, with OPTIONS."""
        self.write(**options)
        if settings:
            self.host.postconf(*settings)
        self.host.reload()

    def prove(self, timeout_ms=0, sender=None, host=None):
        words = [timeout_ms] + ([sender] if sender else [])
        done = self.host.run(program("tests/lab/prove"), "/etc/postfix", "detour-office",
                             host or self.relay.hostname, 587, *words, timeout=200, check=True)
        result, why = done.stdout.rstrip("\n").split("\n", 1) if "\n" in done.stdout.strip() \
            else (done.stdout.strip(), "")
        return Proof(result, why)
