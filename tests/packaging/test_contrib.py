# SPDX-License-Identifier: BSD-2-Clause
"""What stands in contrib/ can be used as it stands there."""

import os
import pathlib
import re
import subprocess

import pytest
import yaml

SOURCES = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["DETOURD_BUILDDIR"]).resolve()
CONTRIB = SOURCES / "contrib"
FILES = sorted(path for path in CONTRIB.rglob("*") if path.is_file())


def run(*argv, text="", **options):
    return subprocess.run([str(argument) for argument in argv], text=True, timeout=60, check=False,
                          input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def load(name):
    return yaml.safe_load((CONTRIB / name).read_text(encoding="utf-8"))


def with_stand_in(tmp_path, status, stdout='{"summary": "Outbound port 25 is so and so."}'):
    """An environment in which detourctl and what else is run are stand-ins."""
    programs = {"detourctl": f"echo '{stdout}'; exit {status}",
                "logger": "exit 0", "sleep": "exit 0", "jq": "cat $3",
                "systemctl": f'echo "$@" >>{tmp_path}/stopped', "ssh": 'shift 3; exec "$@"'}
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MAIL_HOST": "mail.example"}


def options_of(text):
    """Each option that is given to `detourctl check` in TEXT."""
    return {option for line in re.findall(r"detourctl check((?: --[a-z0-9-]+)+)", text)
            for option in line.split()}


def test_all_is_packed():
    packed = (SOURCES / "Makefile.am").read_text(encoding="utf-8")
    assert [path.name for path in FILES
            if str(path.relative_to(SOURCES)) not in packed] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONTRIB)))
def test_options_are_there(path):
    known = run(BUILD / "detourctl", "check", "--help").stdout
    text = path.read_text(encoding="utf-8").replace("[detourctl, check, ", "detourctl check ")
    for option in options_of(text):
        assert option in known


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix in (".yml", ".yaml")],
                         ids=lambda path: path.name)
def test_yaml(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


# What is done with the exit status

@pytest.mark.parametrize("status, expected, stopped", [
    (0, 0, False), (1, 0, False), (2, 2, True), (3, 3, True)])
def test_cloud_init(tmp_path, status, expected, stopped):
    data = load("cloud-init/detourd-check.yaml")
    assert (CONTRIB / "cloud-init/detourd-check.yaml").read_text().startswith("#cloud-config\n")
    script, = (file for file in data["write_files"] if [file["path"]] in data["runcmd"])
    text = script["content"].replace("/var/log", str(tmp_path)).replace("/etc", str(tmp_path))
    assert run("sh", "-n", text=text).returncode == 0
    done = run("sh", text=text, env=with_stand_in(tmp_path, status))
    assert done.returncode == expected, done.stdout
    assert (tmp_path / "stopped").exists() == stopped
    assert (tmp_path / "motd").exists() == (status != 0)


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_gitlab(tmp_path, status):
    job = load("ci/gitlab-ci.yml")["outbound-port-25"]
    done = run("bash", "-e", text="\n".join(job["script"]) + "\n", cwd=tmp_path,
               env=with_stand_in(tmp_path, status))
    assert done.returncode == status and "so and so" in done.stdout
    assert job["allow_failure"] == {"exit_codes": 1}


@pytest.mark.parametrize("status, word", [(0, "notice"), (1, "warning"), (2, "error"), (3, "error")])
def test_github(tmp_path, status, word):
    steps = load("ci/github-actions.yml")["jobs"]["outbound-port-25"]["steps"]
    done = run("bash", "-e", text=steps[0]["run"], cwd=tmp_path, env=with_stand_in(tmp_path, status))
    assert done.returncode == (status if status > 1 else 0)
    assert f"::{word}::" in done.stdout and "so and so" in done.stdout


def test_ansible():
    tasks = load("ansible/check.yml")
    assert all(len([key for key in task if key.startswith("ansible.builtin.")]) == 1
               for task in tasks)
    conditions = [task["when"] for task in tasks if task.get("ansible.builtin.fail")]
    assert conditions == ['detourd_check_ran.stdout == ""', "detourd_check_ran.rc >= 2"]


def test_nagios():
    text = re.sub(r"#.*", "", (CONTRIB / "nagios/detourd.cfg").read_text(encoding="ascii"))
    defined = re.findall(r"define (\w+) \{\n((?:    \w+ +\S.*\n)+)\}", text)
    assert [kind for kind, _ in defined] == ["command", "service"]
    assert re.sub(r"define \w+ \{\n(?:    \w+ +\S.*\n)+\}", "", text).strip() == ""


# Completion

def complete(*words):
    """What bash offers for the last of WORDS."""
    script = f"""
        PATH={BUILD}:$PATH
        . {CONTRIB}/bash-completion/detourctl
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _detourctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(run("bash", "-c", script, "bash", *words).stdout.split())


def test_completion_is_bash():
    assert run("bash", "-n", CONTRIB / "bash-completion/detourctl").stdout == ""


def test_completion():
    assert {"check", "check-config", "status", "plan", "-c"} <= complete("detourctl", "")
    assert complete("detourctl", "che") == {"check", "check-config"}
    assert complete("detourctl", "check", "--na") == {"--nagios"}
    assert complete("detourctl", "-c", "/etc/detourd/detourd.conf", "check", "--fa") == {"--family"}
    assert complete("detourctl", "check", "--family", "") == {"4", "6"}
    assert complete("detourctl", "route", "a") == {"auto"}
    assert complete("detourctl", "fragment", "--format", "m") == {"main.cf", "master.cf"}
