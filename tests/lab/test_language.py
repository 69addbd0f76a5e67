# SPDX-License-Identifier: BSD-2-Clause
"""detourctl speaks the caller's language to people, and English to programs."""

import json
import pathlib
import re

import pytest

from lab.product import program

pytestmark = pytest.mark.lab(postfix=False)

TARGETS = ",".join(f"op{i}.example" for i in range(1, 7))


def locale_directory():
    """Where this build's detourctl looks for catalogues."""
    makefile = (program("detourctl").parent / "Makefile").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(prefix|datarootdir|localedir) = (.*)$", makefile, re.MULTILINE))
    path = values["localedir"]
    while match := re.search(r"\$\{(\w+)\}", path):
        path = path.replace(match[0], values[match[1]])
    return pathlib.PurePath(path)


@pytest.fixture(name="french")
def fixture_french(lab):
    """The environment of a caller who reads French, on a host where detourctl is installed."""
    lab.run("mount", "-t", "tmpfs", "tmpfs", "/usr/lib/locale", check=True)
    lab.run("localedef", "--no-archive", "-i", "fr_FR", "-f", "UTF-8", "fr_FR.UTF-8", check=True)
    wanted = locale_directory()
    lab.run("mount", "-t", "tmpfs", "tmpfs", wanted.parent, check=True)
    lab.run("mkdir", wanted, check=True)
    lab.run("mount", "--bind", program("po"), wanted, check=True)
    return {"LANG": "fr_FR.UTF-8"}


def test_people_read_french(lab, french):
    lab.block(25, "rst")
    ran = lab.detourctl("check", "--targets", TARGETS, env=french)
    assert (ran.returncode, ran.stderr) == (2, "")
    assert ran.stdout.startswith("Le port 25 sortant est bloqué\u00a0: aucun des 6 opérateurs")
    assert "refusé" in ran.stdout and "connection refused" not in ran.stdout
    ran = lab.detourctl("check", "--family", "5", env=french)
    assert ran.returncode == 3 and "attendu\u00a0: 4 ou 6" in ran.stderr


def test_programs_read_english(lab, french):
    """Also what the system says of an error: it stands in the document."""
    lab.run("ip", "-4", "route", "replace", "prohibit", "default", check=True)
    targets = ",".join(f"[{lab.addresses(f'op{i}')[0]}]" for i in range(1, 7))
    arguments = ["check", "--family", "4", "--targets", targets]
    document = json.loads(lab.detourctl(*arguments, "--json", env=french).stdout)
    assert document["summary"].startswith("Outbound port 25 is ")
    assert {row["detail"] for row in document["verdict"]["ipv4"]["outcomes"]} \
        == {"this host forbids it: Permission denied"}
    assert "Outbound port 25 is " in lab.detourctl(*arguments, "--nagios", env=french).stdout
    assert "cette machine l’interdit\u00a0: permission refusée" \
        in lab.detourctl(*arguments, env=french).stdout


def test_status_is_in_the_callers_language(lab, french):
    """detourd itself speaks English, whatever its own locale."""
    lab.product.configure(relays={}, mode="observe")
    lab.product.daemon = lab.mailhost.spawn(program("detourd"), "-c", lab.product.config,
                                            env=french, log="detourd.log")
    lab.product.wait_status(lambda s: s["verdict"]["ipv4"], 30)
    # Columns are as wide as the words of the language want them.
    text = re.sub(" +", " ", lab.detourctl("status", env=french).stdout)
    assert "\nPort 25 Le port 25 sortant est ouvert" in text and "\nRelais aucun" in text
    assert "\nEnsuite sondage" in text
    assert "\nPort 25  Outbound port 25 is open" in lab.detourctl("status").stdout
    by_socket = lab.run("sh", "-c", "echo status | socat - UNIX:/run/detourd/detourd.sock").stdout
    assert "\nNext     probe" in by_socket


def test_a_locale_that_the_host_does_not_have(lab, french):
    ran = lab.detourctl("check", "--targets", TARGETS, env=french | {"LANG": "fr_CH.UTF-8"})
    assert ran.stdout.startswith("Outbound port 25 is open")


@pytest.mark.parametrize("form, expected", [
    ("--nagios", "OK - Outbound port 25 is open: 6 of 6 mail operators answer as themselves "
                 "(IPv4 and IPv6 alike).|time="),
    ("--quiet", ""),
])
def test_forms(lab, form, expected):
    ran = lab.detourctl("check", form, "--targets", TARGETS)
    assert (ran.returncode, ran.stderr) == (0, "") and ran.stdout.startswith(expected)
    assert ran.stdout.count("\n") == (3 if form == "--nagios" else 0)
    assert (ran.stdout == "") == (form == "--quiet")
    ran = lab.detourctl("check", form, "--json")
    assert ran.returncode == 3 and ran.stdout == "" and "exclude" in ran.stderr


def test_help_of_a_command(lab):
    ran = lab.detourctl("check", "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: detourctl check [--json|--nagios|--quiet]")
