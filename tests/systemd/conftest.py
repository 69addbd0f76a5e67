# SPDX-License-Identifier: BSD-2-Clause
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab, mailhost, network, roots  # noqa: E402

from installed import Installed, libraries  # noqa: E402
from machine import Machine  # noqa: E402

# What a mail host of Debian's has, beside what our programs are linked with.
PACKAGES = ("systemd-sysv", "dbus", "iproute2", "procps", "postfix", "libsasl2-modules",
            "ca-certificates", "socat")


def pytest_configure(config):
    if os.geteuid() != 0:
        # 77 is what automake takes for a skipped test.
        pytest.exit("a machine is booted in network namespaces, which needs root", returncode=77)


def release():
    """This machine's release of Debian: in another, what was built here might not run."""
    words = dict(line.split("=", 1) for line in
                 pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if words.get("ID", "").strip('"') != "debian" or "VERSION_CODENAME" not in words:
        pytest.exit("this machine is none of Debian's releases, and so has no like", returncode=1)
    return words["VERSION_CODENAME"].strip('"')


class MachineLab(Lab):
    """A lab whose mail host is a machine with a systemd, and our programs installed there."""

    def __init__(self, root, **options):
        self._root = root
        super().__init__(**options)

    def _make_mailhost(self, main_cf, root):
        self.dns.host(mailhost.HOSTNAME, *network.MAILHOST)
        self.dns.mx(mailhost.DOMAIN, mailhost.HOSTNAME, 10)
        self.mailhost = self._own(Machine(self.sandbox, self.networks.mailhost, mailhost.HOSTNAME,
                                          self._root, self.dns.addresses[0]))
        self.product = Installed(self)

    def _start(self, postfix):
        super()._start(postfix)
        self.product.install()

    def report(self):
        yield from super().report()
        for title, words in (("journal of our units", ("-u", "detour*")),
                             ("journal, warnings and worse", ("-p", "warning"))):
            yield title, "\n".join(self.mailhost.journal(*words).splitlines()[-60:])


@pytest.fixture(scope="session")
def root():
    """The root folder, made when the first test wants it."""
    suite = release()
    return roots.make(f"systemd-{suite}", suite, sorted({*PACKAGES, *libraries()}))


@pytest.fixture
def lab(root):
    """A machine of the test's own, with our programs installed and not started."""
    with MachineLab(root) as made:
        yield made


FIGURES = pytest.StashKey()


@pytest.fixture
def figure(request):
    """A line for the end of the run."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the state of its lab."""
    outcome = yield
    report = outcome.get_result()
    made = next((thing for thing in getattr(item, "funcargs", {}).values()
                 if isinstance(thing, Lab)), None)
    if report.failed and report.when == "call" and made:
        report.sections += list(made.report())
