# SPDX-License-Identifier: BSD-2-Clause
"""Relays: a Postfix that takes mail for anywhere from whoever logs in, and a false one."""

import base64
import pathlib
import secrets
import smtplib
import ssl

from . import network
from .operators import FakeServer, make_dump_directory, sink_command
from .postfix import PostfixHost, main_cf, shipped_master_cf
from .wait import wait_until

PORTS = (587, 2525)     # STARTTLS
TLS_PORT = 465          # TLS from the first byte
SINK_PORT = 10025


class Relay:
    """A relay in a network of its own.

    `username` and `password` are what it accepts at the beginning; `delivered` is the directory
    in which the mail arrives that it has passed on.  Each method that spoils something takes
    effect before it returns; heal() undoes them all.
    """

    def __init__(self, sandbox, internet, authority, name, net):
        self.name = name
        self.hostname = f"{name}.example"
        self.addresses = network.addresses(net, 25)
        self.username = f"user-{secrets.token_hex(4)}"
        self.password = secrets.token_urlsafe(18)
        self.ca_file = authority.certificate
        self._authority = authority
        self._internet = internet
        self._sink_address = f"127.0.0.{net}"
        self.delivered = make_dump_directory(internet.directory / "mail" / name)
        self.host = PostfixHost(sandbox, name, internet.network, self.hostname,
                                self._main_cf(), _master_cf(),
                                files={"/etc/mailname": f"{self.hostname}\n", "/etc/aliases": ""})
        self._metered = None
        self._configure_sasl()

    def _main_cf(self):
        certificate, key = self._authority.issue(self.hostname)
        return main_cf(f"""
myhostname = {self.hostname}
mydestination =
mynetworks_style = host
inet_interfaces = {', '.join(self.addresses)}
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
maillog_file = /var/log/mail.log

smtpd_peername_lookup = no
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = {self.hostname}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0

smtp_dns_support_level = disabled
default_transport = smtp:[{self._sink_address}]:{SINK_PORT}
""")

    def _configure_sasl(self):
        self.host.write("/etc/postfix/sasl/smtpd.conf", "pwcheck_method: auxprop\n"
                        "auxprop_plugin: sasldb\nsasldb_path: /etc/postfix/sasl/sasldb2\n"
                        "mech_list: PLAIN LOGIN\n")
        self._set_password(self.password)
        self.host.run("sh", "-ec", "chown root:postfix /etc/postfix/sasl/sasldb2; "
                      "chmod 640 /etc/postfix/sasl/sasldb2", check=True)

    def _set_password(self, password):
        self.host.run("saslpasswd2", "-c", "-p", "-f", "/etc/postfix/sasl/sasldb2",
                      "-u", self.hostname, self.username, input=password, check=True)

    def endpoints(self):
        return [(address, port) for address in self.addresses for port in (*PORTS, TLS_PORT)]

    def launch(self):
        """start() without the wait."""
        self.host.launch()

    def launch_sink(self):
        self._internet.spawn(*sink_command(f"sink.{self.hostname}", self._sink_address, SINK_PORT,
                                           self.delivered), log=f"{self.name}-sink.log")

    def wait_started(self):
        self.host.wait_started([*self.endpoints()])

    def start(self):
        self.launch()
        self.wait_started()

    def stop(self):
        """Connections are refused, also by an smtpd(8) that outlives master(8) for a moment."""
        self.host.stop()
        wait_until(lambda: not self._internet.network.listening() & set(self.endpoints()), 10,
                   f"{self.name} listens no more")

    def meter(self, limit=None, rate=None):
        """In place of its Postfix, a server that takes any password: no more than LIMIT, [messages,
        seconds, reply beyond that], and RATE messages a second."""
        if self._metered:
            self._metered.stop()
        else:
            self.stop()
        certificate = [str(path) for path in self._authority.issue(self.hostname)]
        self._metered = FakeServer(self._internet, f"{self.name}-metered", [
            {"address": address, "port": port, "name": self.hostname, "limit": limit,
             "rate": rate, "starttls": certificate, "auth": "PLAIN LOGIN",
             "dump": str(self.delivered)} for address in self.addresses for port in PORTS])

    def password_wrong(self):
        """Another password is the right one from now on."""
        self._set_password(secrets.token_urlsafe(18))

    def certificate(self, kind):
        """Show a certificate that is `good`, `wrong-name`, `self-signed` or `expired`."""
        certificate, key = self._authority.issue(self.hostname, kind)
        self._change(f"smtpd_tls_cert_file={certificate}", f"smtpd_tls_key_file={key}")

    def starttls_off(self):
        """Offer no STARTTLS, and so no AUTH either."""
        self._change("smtpd_tls_security_level=none")

    def auth_off(self):
        """Offer no AUTH."""
        self._change("smtpd_sasl_auth_enable=no")

    def heal(self):
        self._set_password(self.password)
        certificate, key = self._authority.issue(self.hostname)
        self._change(f"smtpd_tls_cert_file={certificate}", f"smtpd_tls_key_file={key}",
                     "smtpd_tls_security_level=may", "smtpd_sasl_auth_enable=yes")

    def _change(self, *settings):
        """An idle smtpd(8) may take one more client after the reload, so look at what is offered
        until it is what it should be."""
        self.host.postconf(*settings)
        self.host.reload()
        wanted = self._configured()
        for address in self.addresses:
            for port in PORTS:
                wait_until(lambda a=address, p=port: self.offer(a, p) == wanted, 10,
                           f"{self.name} offers what it is told on [{address}]:{port}")

    def _configured(self):
        starttls = self.host.postconf("smtpd_tls_security_level") != "none"
        auth = starttls and self.host.postconf("smtpd_sasl_auth_enable") == "yes"
        shown = pathlib.Path(self.host.postconf("smtpd_tls_cert_file")).read_text()
        return starttls, auth, ssl.PEM_cert_to_DER_cert(shown) if starttls else None

    def offer(self, address, port):
        """What a client sees: STARTTLS or not, AUTH or not, the certificate."""
        with self._internet.network.inside():
            client = smtplib.SMTP(address, port, local_hostname="probe.example", timeout=10)
        with client:
            client.ehlo()
            if not client.has_extn("starttls"):
                return False, client.has_extn("auth"), None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.starttls(context=context)
            client.ehlo()
            return True, client.has_extn("auth"), client.sock.getpeercert(binary_form=True)


def _master_cf():
    """Nothing chrooted, and the submission ports in place of port 25."""
    lines = [line for line in shipped_master_cf().splitlines()
             if line and not line.startswith("#") and line.split()[:2] != ["smtp", "inet"]]
    unjailed = []
    for line in lines:
        fields = line.split()
        if not line[0].isspace() and fields[4] in ("y", "-"):
            fields[4] = "n"
            line = " ".join(fields)
        unjailed.append(line)
    return "\n".join([
        *unjailed,
        *(f"{port} inet n - n - - smtpd -o syslog_name=postfix/{port}" for port in PORTS),
        f"{TLS_PORT} inet n - n - - smtpd -o syslog_name=postfix/{TLS_PORT}"
        " -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt", ""])


class Eavesdropper:
    """A server that takes any password and keeps every byte it is told."""

    KINDS = ("no-starttls", "wrong-name", "self-signed", "expired")

    def __init__(self, internet, authority, name, net):
        self.name = name
        self.hostname = f"{name}.example"
        self.addresses = network.addresses(net, 25)
        self._internet = internet
        self._authority = authority
        self._record = internet.directory / f"{name}.heard"
        self._server = None

    def start(self, kind="no-starttls"):
        """Listen on the ports of a relay.  Without STARTTLS it asks for AUTH in the clear; else
        its certificate is of the given KIND."""
        if kind not in self.KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(self.KINDS)}")
        self.stop()
        files = None if kind == "no-starttls" else [
            str(path) for path in self._authority.issue(self.hostname, kind)]
        common = {"name": self.hostname, "auth": "PLAIN LOGIN", "record": str(self._record)}
        listeners = [{"port": port, "starttls": files} for port in PORTS]
        listeners += [{"port": TLS_PORT, "tls": files}] if files else []
        self._server = FakeServer(self._internet, self.name, [
            {**common, **listener, "address": address}
            for listener in listeners for address in self.addresses])

    def stop(self):
        if self._server:
            self._server.stop()
            self._server = None

    def heard(self):
        """All that clients have said, in the clear and after decryption."""
        return self._record.read_bytes() if self._record.exists() else b""

    def has_heard(self, username, password):
        """Whether the password came, in any of the forms in which AUTH sends it."""
        forms = [password, _base64(password), _base64(f"\0{username}\0{password}")]
        return any(form.encode() in self.heard() for form in forms)


def _base64(text):
    return base64.b64encode(text.encode()).decode()
