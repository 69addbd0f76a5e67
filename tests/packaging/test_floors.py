# SPDX-License-Identifier: BSD-2-Clause
"""A file includes only what lies on its own floor or below, as ARCHITECTURE.md has it, and nothing
that leads back to it."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^#include "(.+/.+)"', re.M)

# What each floor may include, besides itself.
FLOORS = {
    "lib": set(),
    "daemon/decide": {"lib"},
    "daemon/probe": {"lib"},
    "daemon/round": {"lib", "daemon/decide", "daemon/probe"},
    "daemon/diagnosis": {"lib", "daemon/decide", "daemon/probe", "daemon/round"},
    "daemon/engine": {"lib", "daemon/decide", "daemon/probe", "daemon/round", "daemon/diagnosis"},
    "daemon/report": {"lib", "daemon/decide", "daemon/probe", "daemon/round", "daemon/diagnosis",
                      "daemon/engine"},
    "daemon/serve": {"lib", "daemon/report", "daemon/engine", "daemon/probe"},
    "daemon/ctl": {"lib", "daemon/decide", "daemon/probe", "daemon/round", "daemon/diagnosis",
                   "daemon/report"},
    "daemon": {"lib", "daemon/engine", "daemon/serve"},
    "postfix/base": {"lib"},
    "postfix/request": {"lib", "postfix/base"},
    "postfix/cf": {"lib", "postfix/base"},
    "postfix/host": {"lib", "postfix/base", "postfix/cf"},
    "postfix/running": {"lib", "postfix/base", "postfix/host"},
    "postfix/method": {"lib", "postfix/base", "postfix/cf", "postfix/host"},
    "postfix/queue": {"lib", "postfix/base", "postfix/host", "postfix/running", "postfix/method"},
    "postfix/proof": {"lib", "postfix/base", "postfix/host", "postfix/running", "postfix/method",
                      "postfix/queue"},
    "postfix/change": {"lib", "postfix/base", "postfix/request", "postfix/cf", "postfix/host",
                       "postfix/running", "postfix/method", "postfix/queue", "postfix/proof"},
    "postfix/fragment": {"lib", "postfix/base", "postfix/request", "postfix/cf", "postfix/host",
                         "postfix/running", "postfix/method", "postfix/queue", "postfix/proof",
                         "postfix/change"},
    "postfix": {"lib", "postfix/base", "postfix/request", "postfix/cf", "postfix/host",
                "postfix/running", "postfix/method", "postfix/queue", "postfix/change",
                "postfix/fragment"},
}

# Of decisions, a probe knows how one ends and what a hop is, and no more.
EXCEPTIONS = {"daemon/probe": {"daemon/decide/outcome.h", "daemon/decide/hop.h"}}


def floor_of(path):
    folder = path.rpartition("/")[0].replace("daemon/act", "daemon/engine")
    assert folder in FLOORS, f"{path} is on no floor"
    return folder


def sources():
    return [path for folder in ("lib", "daemon", "postfix")
            for path in sorted((ROOT / folder).rglob("*.[ch]"))]


def test_each_file_knows_what_lies_below_it():
    wrong = []
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        floor = floor_of(name)
        for included in INCLUDE.findall(path.read_text()):
            if (floor_of(included) not in FLOORS[floor] | {floor}
                    and included not in EXCEPTIONS.get(floor, ())):
                wrong.append(f"{name} includes {included}")
    assert not wrong, "\n".join(wrong)
    assert len(sources()) > 200


def modules():
    """Each module, header and source together, and those that it includes."""
    found = {}
    for path in sources():
        name = path.relative_to(ROOT).as_posix().rpartition(".")[0]
        included = {header.rpartition(".")[0] for header in INCLUDE.findall(path.read_text())}
        found[name] = found.get(name, set()) | included - {name}
    return found


def test_no_two_files_lead_to_each_other():
    """Whatever is left when those are taken away that include nothing that is left."""
    left = modules()
    while leaves := [name for name, included in left.items() if not included & left.keys()]:
        for name in leaves:
            del left[name]
    assert not left, "in a circle, or above one: " + ", ".join(sorted(left))
