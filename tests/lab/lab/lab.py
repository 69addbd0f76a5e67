# SPDX-License-Identifier: BSD-2-Clause
"""The lab as a whole: what a test says in one line."""

import ipaddress
import os
import pathlib
import socket

from . import mail, mailhost, network
from .dns import Dns
from .network import Networks
from .operators import FakeServer, Operator, mail_domains
from .pki import Authority
from .product import Product, RelayLike, shared_directories
from .relay import Eavesdropper, Relay
from .router import Router
from .sandbox import Host, Sandbox


class Lab:
    """A mail host, its provider's two routers and an internet with mail operators and relays.

    A context manager; close() ends it.  OPERATORS, each with MX_HOSTS, are op1.example and so
    on; DOMAINS is how many mail domains are with them, d000.example and so on; RELAYS are
    relay.example, relay2.example and so on.  MAIN_CF are lines for the mail host's main.cf.
    With POSTFIX false no Postfix runs, neither on the mail host nor as a relay: such a lab
    stands in a third of a second.  The environment variable DETOURD_LAB_KEEP=1 keeps the files.
    ROOT, or the variable DETOURD_LAB_ROOT, is a folder with another system for the mail host
    (see roots.py), in which the programs from DETOURD_BUILDDIR can run.
    """

    def __init__(self, operators=6, mx_hosts=2, domains=60, relays=1, main_cf="", postfix=True,
                 root=os.environ.get("DETOURD_LAB_ROOT")):
        self._open = []             # what has a close(), in the order in which it was made
        self.relays = []
        self._next_id = 1
        self._false_server = None
        self._services = []
        try:
            self.sandbox = self._own(Sandbox(keep=os.environ.get("DETOURD_LAB_KEEP") == "1"))
            self.directory = self.sandbox.directory
            self.networks = self._own(Networks())
            self.router = Router(self.networks.router)
            self.second_router = Router(self.networks.second_router)
            self.internet = self._own(Host(self.sandbox, "internet", self.networks.internet,
                                           "internet.example"))
            self.dns = Dns(self.internet, self.router)
            self.authority = Authority(self.directory / "pki")
            self._make_operators(operators, mx_hosts, domains)
            self._make_mailhost(main_cf, pathlib.Path(root) if root else None)
            self._make_relays(relays if postfix else 0)
            self._start(postfix)
        except BaseException:
            self.close()
            raise

    def _own(self, thing):
        self._open.append(thing)
        return thing

    def _make_operators(self, count, mx_hosts, domains):
        self.operators = [
            Operator(self.internet, self.router, f"op{i}", network.OPERATOR_NET + i, mx_hosts)
            for i in range(1, count + 1)]
        hosts = [mx for operator in self.operators for mx in operator.mx]
        self.networks.add_addresses([self.dns.addresses, *(mx.addresses for mx in hosts)])
        for mx in hosts:
            self.dns.host(mx.name, *mx.addresses)
        for operator in self.operators:
            for i, mx in enumerate(operator.mx):
                self.dns.mx(operator.domain, mx.name, 10 * (i + 1))
        self.domains = []
        for domain, exchangers in mail_domains(self.operators, domains):
            self.domains.append(domain)
            for name, preference in exchangers:
                self.dns.mx(domain, name, preference)

    def _make_mailhost(self, main_cf, root):
        self.dns.host(mailhost.HOSTNAME, *network.MAILHOST)
        self.dns.mx(mailhost.DOMAIN, mailhost.HOSTNAME, 10)
        self.mailhost = self._own(mailhost.make_mailhost(
            self.sandbox, self.networks.mailhost, network.MAILHOST, self.dns.addresses[0],
            main_cf, root, shared_directories() if root else ()))
        mailhost.give_certificate(self.mailhost, self.authority)
        self.product = Product(self)

    def _make_relays(self, count):
        for i in range(1, count + 1):
            relay = Relay(self.sandbox, self.internet, self.authority,
                          "relay" if i == 1 else f"relay{i}", network.RELAY_NET + i)
            self._own(relay.host)
            self.relays.append(relay)
        self.eavesdropper = Eavesdropper(self.internet, self.authority, "eavesdropper",
                                         network.RELAY_NET)
        for relay in (*self.relays, self.eavesdropper):
            self.networks.add_addresses([relay.addresses])
            self.dns.host(relay.hostname, *relay.addresses)

    def _start(self, postfix):
        """Everything at once, and then wait."""
        hosts = [mx for operator in self.operators for mx in operator.mx]
        if postfix:
            self.mailhost.launch()
        for relay in self.relays:
            relay.launch()
            relay.launch_sink()
        for mx in hosts:
            mx.launch()
        self.dns.start()
        self.internet.wait_listening(end for mx in hosts for end in mx.endpoints())
        for relay in self.relays:
            relay.wait_started()
        if postfix:
            self.mailhost.wait_started()
        self._ledger = mail.Ledger(
            [self.mailhost, *(relay.host for relay in self.relays)] if postfix else [],
            [*(mail.Dumps(f"direct:{mx.name}", mx.dumps) for mx in hosts),
             *(mail.Dumps(relay.name, relay.delivered) for relay in self.relays)])

    def close(self):
        """End every process, remove every namespace and file.  May be called twice."""
        while self._open:
            # The sandbox first: the others only let go of what it has ended.
            self._open.pop(0).close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # What the provider does.

    def block(self, port, method, family=None, to=None, spare_established=False, hop=1):
        """Block the mail host's connections to PORT, at the provider's first or second router.

        METHOD is "drop", "rst", "icmp" (admin-prohibited) or one of router.REJECTIONS; FAMILY is
        4 or 6; TO the name of an operator, an MX host or a relay, "dns", an address, or several
        of these.
        Blocks add up; unblock() takes back all of them.
        """
        router = self.router if hop == 1 else self.second_router
        router.block(port, method, family, None if to is None else self.addresses(to),
                     spare_established)

    def unblock(self):
        self.router.unblock()
        self.second_router.unblock()

    def lose(self, lost, of):
        """Lose LOST packets of every OF, on all paths."""
        self.router.lose(lost, of)

    def cut(self):
        """The network is down; mend() ends that, and lose()."""
        self.router.cut()

    def mend(self):
        self.router.mend()

    def redirect(self, port, starttls=None):
        """A transparent proxy: one server, proxy.provider.example, takes all connections to
        PORT; undo_redirect() ends that.  It offers STARTTLS with a certificate of its own when
        STARTTLS is one, with its key, as the authority's issue() returns them."""
        if self._false_server is None:
            pair = network.addresses(network.FALSE_SERVER_NET, 1)
            self.networks.add_addresses([pair])
            self._false_server = FakeServer(self.internet, "proxy", [
                {"address": address, "port": port, "name": "proxy.provider.example",
                 "starttls": starttls and [str(path) for path in starttls]}
                for address in pair])
        four, six = network.addresses(network.FALSE_SERVER_NET, 1)
        self.router.redirect(port, four, six)

    def undo_redirect(self):
        self.router.undo_redirects()
        if self._false_server:
            self._false_server.stop()
            self._false_server = None

    # Who is there.

    def operator(self, name):
        """An operator by its name, such as "op1"."""
        return next(operator for operator in self.operators if operator.name == name)

    @property
    def relay(self):
        """The first relay."""
        return self.relays[0]

    def addresses(self, who):
        """All addresses of WHO: see block()."""
        if not isinstance(who, str):
            return [address for one in who for address in self.addresses(one)]
        for party in (*self.operators, *self.relays, self.eavesdropper, self.dns):
            if who == party.name:
                return list(party.addresses)
        for mx in (mx for operator in self.operators for mx in operator.mx):
            if who == mx.name:
                return list(mx.addresses)
        return [str(ipaddress.ip_address(who))]

    def relay_service(self, hostname, closed=(), **behaviour):
        """A service of the catalogue, by its real name, on all submission ports but the CLOSED ones;
        the mail host trusts its certificate.  BEHAVIOUR as for fake_smtp.py."""
        pair = network.addresses(network.SERVICE_NET, 1 + len(self._services))
        self.networks.add_addresses([pair])
        self.dns.add(f"host-record={hostname},{','.join(pair)}")
        mailhost.trust(self.mailhost, self.authority)
        files = [str(path) for path in self.authority.issue(hostname)]
        common = {"name": hostname, "auth": "PLAIN LOGIN", **behaviour}
        self._services.append(FakeServer(self.internet, hostname, [
            {"tls" if port in (465, 2465) else "starttls": files, **common, "address": address,
             "port": port}
            for port in (465, 587, 2465, 2525, 2587) if port not in closed for address in pair]))

    # Programs and connections.

    def host(self, name="mailhost"):
        """A host by its name: "mailhost", "internet", or that of a relay."""
        hosts = [self.mailhost, self.internet, *(relay.host for relay in self.relays)]
        return next(host for host in hosts if host.name == name)

    def run(self, *argv, host="mailhost", **options):
        """Run a program to its end; see Host.run."""
        return self.host(host).run(*argv, **options)

    def spawn(self, *argv, host="mailhost", **options):
        """Start a program; see Host.spawn."""
        return self.host(host).spawn(*argv, **options)

    def detourctl(self, *arguments, **options):
        """Run detourctl on the mail host."""
        return self.product.run("detourctl", *arguments, **options)

    def connect(self, address, port, host="mailhost", timeout=10):
        """A TCP connection of the test's own from HOST; an error is the one connect(2) gives."""
        with self.host(host).network.inside():
            return socket.create_connection((address, port), timeout)

    # Mail.

    def mail(self, count, domains=None, size=1000, from_=f"{mailhost.USER}@{mailhost.DOMAIN}"):
        """Give COUNT messages to the mail host's Postfix, spread over the first DOMAINS mail
        domains; their ids."""
        domains = self.domains[:domains]
        first, self._next_id = self._next_id, self._next_id + count
        ids = [f"m{number:06d}" for number in range(first, first + count)]
        letters = [(ident, f"{ident}@{domains[i % len(domains)]}") for i, ident in enumerate(ids)]
        mail.inject(self.networks.mailhost, "127.0.0.1", letters, from_, size)
        return ids

    def delivered(self):
        """Id to the list of its deliveries, each with `where` ("direct:mx1.op3.example" or a
        relay's name) and `when` (seconds since the epoch)."""
        return self._ledger.delivered()

    def queue(self, host="mailhost"):
        """Id to the name of the Postfix queue that it is in."""
        return {recipient.partition("@")[0]: queue
                for recipient, queue in self.host(host).queue().items()}

    def bounced(self):
        """The ids that some server gave up or that somebody was told are undeliverable."""
        return self._ledger.bounced()

    def wait_delivered(self, ids, timeout=30):
        """Wait until all IDS have arrived somewhere, and return how many seconds that took."""
        return self._ledger.wait_delivered(ids, timeout)

    def assert_exactly_once(self, ids, where=None):
        """Each of IDS has arrived, once, none was bounced; WHERE is the beginning of the only
        places that are right, such as "direct" or "relay"."""
        account = self._ledger.account(ids, where)
        if account:
            raise AssertionError(account)

    # For whoever has to find out what went wrong.

    def report(self):
        """Title and text pairs: logs and rules as they are now."""
        if self.sandbox.keep:
            yield "the lab's files", str(self.directory)
        yield "nft ruleset", self.router.ruleset()
        yield "nft ruleset of the second router", self.second_router.ruleset()
        for host in (self.mailhost, *(relay.host for relay in self.relays)):
            log = host.log()
            if log:
                yield f"mail log of {host.name}", "\n".join(log.splitlines()[-40:])
        for process in self.mailhost.processes():
            if process.output():
                title = " ".join(" ".join(process.argv).split())[:70]
                yield title, "\n".join(process.output().splitlines()[-40:])
