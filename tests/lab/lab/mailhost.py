# SPDX-License-Identifier: BSD-2-Clause
"""The mail host: Debian's Postfix as its installer leaves it on an Internet site."""

import re
import subprocess

from .postfix import MACHINE, PostfixHost, main_cf, shipped_master_cf

HOSTNAME = "mail.sender.example"
DOMAIN = "sender.example"
USER = "alice"                  # has a mailbox; bounces to her are counted
PRODUCT_USER = "detourd"

# What the installer of an "Internet Site" adds.  There is no syslog here.
MAIN_CF = f"""
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = {HOSTNAME}
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
myorigin = /etc/mailname
mydestination = $myhostname, {DOMAIN}, {HOSTNAME}, localhost.{DOMAIN}, localhost
relayhost = 
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = all

maillog_file = /var/log/mail.log
"""


def make_mailhost(sandbox, network, addresses, name_server, settings="", root=None, shared=()):
    """The host; its Postfix is not started yet.  SETTINGS are lines of main.cf; they override.
    ROOT and SHARED: see Host."""
    system = root or MACHINE
    host = PostfixHost(
        sandbox, "mailhost", network, HOSTNAME,
        main_cf(_for_system(system, MAIN_CF), settings, root=system), shipped_master_cf(system),
        files={
            "/etc/resolv.conf": f"nameserver {name_server}\n",
            "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
            "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n"
                          f"{addresses[0]} {HOSTNAME} mail\n",
            "/etc/mailname": f"{DOMAIN}\n",
            "/etc/aliases": f"postmaster: root\nroot: {USER}\n",
        }, root=root, shared=shared)
    for user in (USER, PRODUCT_USER):
        host.run("sh", "-ec", 'id -u "$0" >/dev/null 2>&1 || useradd --system --user-group '
                 '--no-create-home --shell /usr/sbin/nologin "$0"', user, check=True)
    return host


def _for_system(root, text):
    """Newer releases do without Berkeley DB; their installer takes another kind of table."""
    kind = subprocess.run(["chroot", root, "postconf", "-dh", "default_database_type"],
                          capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    return text.replace("hash:", f"{kind}:")


def give_certificate(host, authority):
    """What smtpd(8) shows to clients, where Debian's main.cf has it."""
    certificate, key = authority.issue(HOSTNAME)
    host.write("/etc/ssl/certs/ssl-cert-snakeoil.pem", certificate.read_text())
    host.write("/etc/ssl/private/ssl-cert-snakeoil.key", key.read_text(), mode=0o600)


def trust(host, authority):
    """Add the authority to the certificates of the system, for the programs that start later."""
    text = authority.certificate.read_text()
    bundle = host.path("/etc/ssl/certs/ca-certificates.crt")
    host.write("/etc/ssl/certs/ca-certificates.crt", bundle.read_text() + text)
    host.write("/etc/ssl/certs/lab-root.pem", text)
    host.run("openssl", "rehash", "/etc/ssl/certs", check=True)
