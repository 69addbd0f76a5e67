# SPDX-License-Identifier: BSD-2-Clause
"""The story on each Postfix there is to meet: `make check-matrix`, as root.

Each release of Debian is made once by mmdebstrap (see roots.py).  The programs are built in it from
what `make dist` packs, so with its compiler and its libraries, and test_matrix.py and what the lab
has about refusals are played on a lab whose mail host is that release.

    matrix.py TARBALL DIRECTORY [--suite SUITE ...] [--method METHOD ...] [pytest's arguments]

DIRECTORY is where it builds and leaves its logs.  Exit status 1 when anything failed.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as tree

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "lab"))

from lab import LabError, roots                     # noqa: E402
from lab.netns import Network                       # noqa: E402
from lab.sandbox import Host, Sandbox               # noqa: E402

SUITES = ("bullseye", "bookworm", "trixie", "sid")  # Postfix 3.5, 3.7, 3.10, 3.11 and later
METHODS = ("relayhost", "transport")
MAIL_HOST = ("postfix", "libsasl2-modules", "ca-certificates", "openssl", "iproute2", "procps",
             "passwd", "hostname", "mount", "socat", "strace", "acl")
PLAYS = (str(HERE), str(HERE.parent / "lab/test_shield.py"))    # each test names its method
BUILD_LIMIT = 900   # s
TEST_LIMIT = 1500   # s

# Too old for detourd; there, the programs are those of another release, and so are their libraries.
BUILT_ON = {"bullseye": "bookworm"}

Row = collections.namedtuple("Row", "suite postfix tables method result seconds")


def build_packages():
    """What bootstrap installs for building."""
    text = (SOURCES / "bootstrap").read_text(encoding="utf-8")
    return re.search(r"^ +# building\n(.*?)^ +#", text, re.MULTILINE | re.DOTALL)[1].split()


def folder(suite):
    return roots.make(f"matrix-{suite}", suite, [*build_packages(), *MAIL_HOST])


def inside(root, *command):
    """What COMMAND prints in the system ROOT."""
    return subprocess.run(["chroot", root, *command], check=True, text=True, timeout=30,
                          capture_output=True).stdout.strip()


def takes_along(root):
    """What makes a program find its loader and its libraries in ROOT, wherever it runs."""
    libraries = root / "usr/lib" / inside(root, "gcc", "-print-multiarch")
    loader = next(libraries.glob("ld-linux*.so.*"))
    return (f"LDFLAGS=-Wl,--dynamic-linker={loader} -Wl,--disable-new-dtags "
            f"-Wl,-rpath,{libraries}")


class Release:
    """A release of Debian, with a directory for what is built in it."""

    def __init__(self, suite, directory):
        self.suite = suite
        self.directory = directory / suite
        self.root = folder(suite)
        self.postfix = inside(self.root, "postconf", "-dh", "mail_version")
        self.tables = inside(self.root, "postconf", "-dh", "default_database_type")
        self._shared = []       # what its lab needs besides what was built

    def build(self, sources):
        """The programs, out of SOURCES, for this release; a LabError says where the log is."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        root, options = self.root, []
        if self.suite in BUILT_ON:
            root = folder(BUILT_ON[self.suite])
            self._shared, options = [root], [takes_along(root)]
        sandbox, network = Sandbox(), Network()
        try:
            host = Host(sandbox, "builder", network, "builder.example", root=root,
                        shared=[sources, self.directory, *self._shared])
            self._make(host, [sources / "configure", "--enable-werror", *options])
            self._make(host, ["make", f"-j{os.cpu_count()}"])
        finally:
            sandbox.close()
            network.close()

    def _make(self, host, command):
        done = host.run(*command, cwd=self.directory, timeout=BUILD_LIMIT)
        log = self.directory / "build.log"
        with open(log, "a", encoding="utf-8") as stream:
            stream.write(done.stdout + done.stderr)
        if done.returncode != 0:
            raise LabError(f"it does not build; see {log}\n{done.stderr[-3000:]}")

    def play(self, method, arguments):
        """The story with METHOD: how many passed, how many there were."""
        report = self.directory / f"{method}.xml"
        report.unlink(missing_ok=True)
        environment = os.environ | {
            "DETOURD_LAB_ROOT": str(self.root), "DETOURD_BUILDDIR": str(self.directory),
            "DETOURD_LAB_SHARED": ":".join(map(str, self._shared))}
        with open(self.directory / f"{method}.log", "wb") as log:
            try:
                subprocess.run(
                    [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--durations=5",
                     "-n", str(os.cpu_count()), f"--basetemp={self.directory / 'tmp'}",
                     f"--junitxml={report}", "-k", method, *arguments, *PLAYS],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, check=False,
                    timeout=TEST_LIMIT)
            except subprocess.TimeoutExpired:
                return 0, 0
        return counted(report)


def counted(report):
    """Of pytest's REPORT: how many tests passed, how many there were."""
    try:
        cases = list(tree.parse(report).iter("testcase"))
    except (OSError, tree.ParseError):
        return 0, 0
    bad = ("failure", "error", "skipped")
    return sum(not any(case.find(word) is not None for word in bad) for case in cases), len(cases)


def unpack(tarball, directory):
    """The sources in TARBALL, in DIRECTORY."""
    sources = directory / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir()
    subprocess.run(["tar", "-xf", tarball, "-C", sources, "--strip-components=1",
                    "--no-same-owner"], check=True)
    return sources


def rows(suite, sources, directory, methods, arguments):
    """What became of SUITE, a row a method."""
    postfix = tables = "?"
    try:
        release = Release(suite, directory)
        postfix, tables = release.postfix, release.tables
        release.build(sources)
    except (LabError, subprocess.SubprocessError, OSError) as error:
        print(f"{suite}: {error}", file=sys.stderr)
        yield from (Row(suite, postfix, tables, method, "not run", 0) for method in methods)
        return
    for method in methods:
        begun = time.monotonic()
        good, every = release.play(method, arguments)
        passed = good == every and every > 0
        if not passed:
            log = release.directory / f"{method}.log"
            print(f"see {log}\n", *log.read_text(errors="replace").splitlines(True)[-60:],
                  file=sys.stderr)
        yield Row(suite, postfix, tables, method,
                  "passed" if passed else f"{good} of {every}", round(time.monotonic() - begun))


def show(row):
    print("{:10} {:9} {:7} {:10} {:10} {:>7}".format(*row), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tarball", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--suite", action="append", choices=SUITES)
    parser.add_argument("--method", action="append", choices=METHODS)
    known, arguments = parser.parse_known_args()
    if os.geteuid() != 0:
        sys.exit("check-matrix makes root folders and namespaces, which needs root")
    directory = known.directory.resolve()
    directory.mkdir(exist_ok=True)
    sources = unpack(known.tarball, directory)
    show(Row("suite", "Postfix", "tables", "method", "result", "seconds"))
    done = [show(row) for suite in known.suite or SUITES
            for row in rows(suite, sources, directory, known.method or METHODS, arguments)]
    sys.exit(any(row.result != "passed" for row in done))


main()
