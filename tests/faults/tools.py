# SPDX-License-Identifier: BSD-2-Clause
"""Wrappers in the place of the tools that detour-apply runs: they count its runs, and let the one
that is meant fail, be killed or hang.  Whoever else runs a tool gets the tool."""

import pathlib

from stand import PLACE

HOW = {
    "fail": "echo 'it does not work' >&2; exit 1",
    "fail in silence": "exit 1",
    "kill": "kill -9 $$",
    "hang": "exec sleep 100000",
}

_WRAPPER = """#!/bin/sh
# The name of the process that runs us, without a process of our own.
{{ read -r parent </proc/$PPID/comm; }} 2>/dev/null
if [ "$parent" = detour-apply ]; then
    n=0
    read -r n <{place}/count
    n=$((n + 1))
    echo $n >{place}/count
    echo "$n {name} $*" >>{place}/tools
    read -r which <{place}/plan
    case $which in $n | {name})
        . {place}/how
    esac
fi
exec {place}/real/{name} "$@"
"""


class Tools:
    """The wrapped tools of a Stand."""

    def __init__(self, stand, paths):
        self._host = stand.host
        self._host.run("mkdir", f"{PLACE}/real", check=True)
        self.clear()
        for path in paths:
            name = pathlib.PurePath(path).name
            self._host.write(f"{PLACE}/wrap-{name}", _WRAPPER.format(place=PLACE, name=name))
            # `postfix check` looks at owner and mode.
            self._host.run("sh", "-ec", f"cp -p {path} {PLACE}/real/{name}; cd {PLACE}; "
                           f"chown --reference {path} wrap-{name}; "
                           f"chmod --reference {path} wrap-{name}; "
                           f"mount --bind wrap-{name} {path}", check=True)

        self._paths = paths

    def remove(self):
        """The tools are back in their places."""
        for path in self._paths:
            self._host.run("umount", path, check=True)
        self._host.run("rm", "-r", f"{PLACE}/real", check=True)

    def clear(self):
        """Every tool works, and none has run."""
        self.spoil("-", "fail")

    def clear_plan(self):
        """Every tool works; what has run is still known."""
        self._host.write(f"{PLACE}/plan", "-\n")

    def spoil(self, which, how):
        """WHICH is the number of a run, or the name of a tool: all of its runs."""
        for name, text in (("count", "0"), ("plan", which), ("how", HOW[how]), ("tools", "")):
            self._host.write(f"{PLACE}/{name}", text + "\n" if text else "")

    def runs(self):
        """What was run since: (number, name and arguments)."""
        lines = self._host.path(f"{PLACE}/tools").read_text().splitlines()
        return [(int(line.split()[0]), line.partition(" ")[2]) for line in lines]

    def has_run(self, which):
        return any(which in (str(number), words.split()[0]) for number, words in self.runs())
