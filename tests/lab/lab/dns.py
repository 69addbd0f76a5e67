# SPDX-License-Identifier: BSD-2-Clause
"""The name server: dnsmasq(8) with the lab's records and nothing else."""

from . import network


class Dns:
    """Answers for every name; a name without a record does not exist."""

    name = "dns"

    def __init__(self, internet, router):
        self._internet = internet
        self._router = router
        self.addresses = network.addresses(network.DNS_NET, 53)
        self._records = []
        self._process = None

    def host(self, name, *addresses):
        """A, AAAA and PTR records."""
        self._records.append(f"host-record={name},{','.join(addresses)}")

    def mx(self, domain, host, preference):
        self._records.append(f"mx-host={domain},{host},{preference}")

    def add(self, *records):
        """Further records, as lines of dnsmasq.conf(5), taking effect at once."""
        self._records += records
        if self._process:
            self.stop()
            self.start()

    def forget(self, name):
        """There is no such host any more."""
        self._records = [r for r in self._records if not r.startswith(f"host-record={name},")]
        self.add()

    def start(self):
        if self._process:
            return
        config = self._internet.directory / "dnsmasq.conf"
        config.write_text("\n".join([
            "no-resolv", "no-hosts", "no-daemon", "bind-interfaces", "user=root", "group=root",
            "port=53", "local=/#/", "cache-size=0", "pid-file=", "log-queries",
            *(f"listen-address={address}" for address in self.addresses),
            *self._records, ""]))
        self._process = self._internet.spawn("dnsmasq", f"--conf-file={config}", log="dnsmasq.log")
        self._internet.wait_listening((address, 53) for address in self.addresses)

    def stop(self):
        """Port 53 is closed: a query is answered by ICMP port-unreachable."""
        if self._process:
            self._process.end_group()
            self._process = None

    def drop(self):
        """Queries get no answer at all."""
        self._router.silence("dns", self.addresses)

    def mend(self):
        """As at the beginning."""
        self._router.hear("dns")
        self.start()

    def queries(self):
        """The log of queries, for tests that ask what was looked up."""
        return (self._internet.directory / "dnsmasq.log").read_text()
