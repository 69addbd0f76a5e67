# SPDX-License-Identifier: BSD-2-Clause
"""Root folders of other Debian releases, made by mmdebstrap(1) and kept for the next run.

They are kept in DETOURD_ROOTS, /var/cache/detourd-tests where that is not set, and made anew when
other packages are asked for.  To have newer packages in them, remove the folder.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess

from .wait import LabError

DEFAULT_MIRROR = "http://deb.debian.org/debian"
LIMIT = 1800    # s: to download and unpack a release


def cache():
    return pathlib.Path(os.environ.get("DETOURD_ROOTS", "/var/cache/detourd-tests"))


def mirror():
    """Where this machine has its Debian packages from."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        lines = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"],
            capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
        for origin, label, uri in (line.split("|", 2) for line in lines if line.count("|") == 2):
            if (origin, label) == ("Debian", "Debian"):
                return uri.rstrip("/")
    return DEFAULT_MIRROR


def _proxies():
    """The proxies of this machine's apt, as options for mmdebstrap, which does not ask for them."""
    try:
        text = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True,
                              timeout=60).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [f"--aptopt={line}" for line in text.splitlines()
            if line.startswith(("Acquire::http::Proxy ", "Acquire::https::Proxy ",
                                "Acquire::http::Proxy::", "Acquire::https::Proxy::"))]


def make(name, suite, packages):
    """The folder NAME with the release SUITE and PACKAGES in it: its path.

    What could not be made is a LabError, and leaves nothing behind.
    """
    if not shutil.which("mmdebstrap"):
        raise LabError("there is no mmdebstrap; ./bootstrap deps installs it")
    folder = cache() / name
    wanted = "\n".join([suite, *sorted(packages), ""])
    record = folder.with_suffix(".packages")
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    # Two runs at a time make one folder.
    with open(folder.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder.exists() and record.exists() and record.read_text() == wanted):
            record.unlink(missing_ok=True)
            _remove(folder)
            _debootstrap(folder, suite, packages)
            record.write_text(wanted)
    return folder


def _debootstrap(folder, suite, packages):
    made = folder.with_suffix(".new")
    _remove(made)
    log = folder.with_suffix(".log")
    try:
        with open(log, "wb") as output:
            done = subprocess.run(
                ["mmdebstrap", "--variant=apt", "--mode=root", *_proxies(),
                 # A mirror that lags is good enough to test on; signatures are checked all the same.
                 "--aptopt=Acquire::Check-Valid-Until \"false\"",
                 "--include=" + ",".join(packages), suite, str(made), mirror()],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=LIMIT, check=False)
        if done.returncode != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise LabError(f"mmdebstrap cannot make {suite} from {mirror()} (see {log}):\n{tail}")
        made.rename(folder)
    except subprocess.TimeoutExpired:
        raise LabError(f"mmdebstrap did not make {suite} in {LIMIT} s; see {log}") from None
    finally:
        _remove(made)


def _remove(folder):
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)
