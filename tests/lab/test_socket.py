# SPDX-License-Identifier: BSD-2-Clause
"""The control socket, with friendly and hostile clients."""

import json
import signal
import socket

import pytest

from lab import wait_until
from lab.product import SOCKET

pytestmark = pytest.mark.lab(postfix=False)


@pytest.fixture
def daemon(lab):
    """detourd alone: it serves status whatever else is missing."""
    lab.product.configure(relays={}, mode="observe")
    lab.product.start_daemon()
    lab.product.wait_status(lambda s: s["verdict"]["ipv4"], 30)
    return lab.product.daemon


def dial(lab):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(lab.mailhost.path(SOCKET)))
    return client


def ask(lab, data):
    """What comes back for DATA until the other side closes."""
    with dial(lab) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def test_socat_answers(lab, daemon):
    ran = lab.run("sh", "-c", f"echo status | socat - UNIX:{SOCKET}", check=True)
    assert ran.stdout.startswith("Route    ") and ran.stdout.endswith("\n\n")
    ran = lab.run("sh", "-c", f"echo status json | socat - UNIX:{SOCKET}", check=True)
    assert ran.stdout.count("\n") == 1 and json.loads(ran.stdout)["schema"] == 1


def test_status_has_its_members(lab, daemon):
    status = lab.product.status()
    assert set(status) == {"schema", "mode", "route", "verdict", "cause", "trace", "provider",
                           "reputation", "relays", "postfix", "next", "problems"}
    assert {"name", "port", "since"} <= set(status["route"])
    assert {"name", "confidence", "outcomes"} <= set(status["verdict"]["ipv4"])
    assert {"running", "queue", "drift"} <= set(status["postfix"])


def test_several_commands_on_one_connection(lab, daemon):
    answer = ask(lab, b"status json\r\nrelays json\nhelp").decode()
    first, second, rest = answer.split("\n", 2)
    assert "verdict" in json.loads(first) and json.loads(second)["relays"] == []
    assert rest.startswith("help") and rest.endswith("\n\n")


@pytest.mark.parametrize("data, words", [
    (b"stauts\n", b"unknown command"), (b"\n", b"unknown command"), (b"\0\n", b"holds no NUL"),
    (b"status\0json\n", b"holds no NUL"), (b"x" * 100000 + b"\n", b"at most 512 bytes"),
    (b"\xff\xfe\n", b"unknown command"), (b"route\n", b"usage: route"),
    (b"status a b c d e f g\n", b"usage: status"), (b"hold ses\n", b"usage: hold"),
    (b"relays jsn\n", b"usage: relays"), (b"plan nobody\n", b"no relay of that name"),
    (b"route direct\n", b"mode is observe"),
])
def test_odd_lines_get_an_answer(lab, daemon, data, words):
    try:
        assert words in ask(lab, data)
    except (BrokenPipeError, ConnectionResetError):
        assert len(data) > 512, "only an endless line is cut off"
    assert lab.product.status()


def test_help_lists_every_command(lab, daemon):
    text = ask(lab, b"help\n").decode()
    for command in ("help", "status", "relays", "plan", "route", "hold", "release"):
        assert f"\n{command}" in "\n" + text


def test_clients_that_never_read_or_write_cost_nothing(lab, daemon):
    silent = [dial(lab) for _ in range(20)]
    greedy = dial(lab)
    greedy.setblocking(False)
    try:
        for _ in range(100000):
            greedy.send(b"status json\n" * 50)
    except BlockingIOError:
        pass
    assert lab.product.status()["schema"] == 1
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as file:
        resident = int(next(l for l in file if l.startswith("VmRSS")).split()[1])
    assert resident < 64 * 1024
    for client in [*silent, greedy]:
        client.close()


def test_too_many_clients_are_turned_away(lab, daemon):
    clients = [dial(lab) for _ in range(64)]
    with dial(lab) as late:
        assert late.recv(1) == b""
    for client in clients:
        client.close()
    wait_until(lambda: lab.product.status() is not None, 10, "there is room again")


def test_reading_and_changing_are_told_apart(lab, daemon):
    lab.run("useradd", "--system", "--groups", "adm", "watcher", check=True)
    line = f"printf 'status\\nhold\\n' | socat - UNIX:{SOCKET}"
    assert "Permission denied" in lab.run("sh", "-c", line, user="alice").stderr
    # setpriv in the lab leaves a user without further groups: let the watcher's own be adm.
    admin = lab.run("setpriv", "--reuid=watcher", "--regid=adm", "--clear-groups", "sh", "-c", line)
    assert "Route" in admin.stdout and "ok: held" in admin.stdout
    further = lab.run("setpriv", "--reuid=watcher", "--regid=watcher", "--init-groups",
                      "sh", "-c", line)
    assert "ok: held" in further.stdout, "a supplementary group counts"
    config = lab.mailhost.path("/etc/detourd/detourd.conf").read_text()
    lab.mailhost.write("/etc/detourd/detourd.conf",
                       config.replace("admin_group = adm", "admin_group = root"))
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_log("configuration reloaded")
    reader = lab.run("setpriv", "--reuid=watcher", "--regid=adm", "--clear-groups", "sh", "-c", line)
    assert "Route" in reader.stdout and "denied" in reader.stdout
    assert "ok: held" in lab.run("sh", "-c", line).stdout, "root may always"
