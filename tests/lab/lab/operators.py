# SPDX-License-Identifier: BSD-2-Clause
"""Mail operators: MX hosts that take mail, each message into a file of its own, or misbehave."""

import json
import pathlib
import shlex
import sys

from . import network

FAKE_SMTP = pathlib.Path(__file__).with_name("fake_smtp.py")


class FakeServer:
    """Runs fake_smtp.py for a list of listeners; see BEHAVIOUR there."""

    def __init__(self, host, name, listeners):
        self._host = host
        config = host.directory / f"{name}.json"
        config.write_text(json.dumps(listeners))
        self._process = host.spawn(sys.executable, "-I", FAKE_SMTP, config, log=f"{name}.log")
        try:
            host.wait_listening((listener["address"], listener["port"]) for listener in listeners)
        except BaseException:
            print(self._process.output(), file=sys.stderr)
            raise

    def stop(self):
        self._process.end_group()


def sink_command(name, address, port, directory):
    """A smtp-sink(1) that writes into DIRECTORY and announces nothing that an MX host does not."""
    target = f"inet:[{address}]:{port}" if ":" in address else f"inet:{address}:{port}"
    return ["smtp-sink", "-u", "nobody", "-a", "-C", "-F", "-h", name, "-d", f"{directory}/",
            target, "200"]


def make_dump_directory(path):
    """For smtp-sink as nobody.  Nothing in it is a secret."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o777)
    return path


class MxHost:
    """One MX host: a name, an IPv4 and an IPv6 address."""

    def __init__(self, internet, name, addresses):
        self._internet = internet
        self.name = name
        self.addresses = addresses
        self.dumps = make_dump_directory(internet.directory / "mail" / name)
        self._process = None
        self._fake = None

    def launch(self):
        """start() without the wait."""
        self.stop()
        commands = [shlex.join(sink_command(self.name, address, 25, self.dumps)) + " &"
                    for address in self.addresses]
        self._process = self._internet.spawn("sh", "-c", "\n".join([*commands, "wait"]),
                                             log=f"{self.name}.log")

    def endpoints(self):
        return [(address, 25) for address in self.addresses]

    def start(self):
        """Take mail, as at the beginning."""
        self.launch()
        self._internet.wait_listening(self.endpoints())

    def stop(self):
        """Nobody listens: a connection is refused."""
        if self._process:
            self._process.end_group()
        if self._fake:
            self._fake.stop()
        self._process = self._fake = None

    def fake(self, **behaviour):
        """A server that behaves as told in fake_smtp.py takes its place.  The mail that it accepts
        counts as delivered."""
        self.stop()
        self._fake = FakeServer(self._internet, f"fake-{self.name}", [
            {"address": address, "port": 25, "name": self.name, "dump": str(self.dumps),
             **behaviour}
            for address in self.addresses])


class Operator:
    """A mail operator with a few MX hosts, in a network of its own."""

    def __init__(self, internet, router, name, net, mx_hosts):
        self._router = router
        self._internet = internet
        self.name = name
        self.domain = f"{name}.example"
        self.mx = [MxHost(internet, f"mx{i}.{self.domain}", network.addresses(net, i))
                   for i in range(1, mx_hosts + 1)]

    @property
    def addresses(self):
        return [address for mx in self.mx for address in mx.addresses]

    def start(self):
        """Behave, as at the beginning."""
        self._router.hear(self.name)
        for mx in self.mx:
            mx.launch()
        self._internet.wait_listening(e for mx in self.mx for e in mx.endpoints())

    def stop(self):
        """Connections are refused."""
        for mx in self.mx:
            mx.stop()

    def silence(self):
        """No packet gets through, to whatever port."""
        self._router.silence(self.name, self.addresses)

    def fake(self, **behaviour):
        """All its MX hosts behave as told in fake_smtp.py."""
        for mx in self.mx:
            mx.fake(**behaviour)

    def greet(self, greeting):
        """Greet every client with this line, such as `554 5.7.1 no`."""
        self.fake(greeting=greeting)

    def no_banner(self):
        """Connect and never say a word."""
        self.fake(greeting=None)

    def banner_delay(self, seconds):
        """As postscreen(8) does it to clients that it does not know."""
        self.fake(banner_delay=seconds)

    def tarpit(self, seconds):
        """Wait before each byte."""
        self.fake(byte_delay=seconds)


def mail_domains(operators, count):
    """The domains that mail goes to: (domain, [(MX host name, preference), …]).  Each is with one
    operator; which of its MX hosts comes first changes from domain to domain."""
    for i in range(count):
        operator = operators[i % len(operators)]
        first = (i // len(operators)) % len(operator.mx)
        order = operator.mx[first:] + operator.mx[:first]
        yield f"d{i:03d}.example", [(mx.name, 10 * (n + 1)) for n, mx in enumerate(order)]
