# SPDX-License-Identifier: BSD-2-Clause
"""mode = fragment: configuration management applies what detour-apply writes, and says so."""

import json
import os
import re

import pytest

from lab import wait_until
from lab.config_management import CURRENT, ConfigManagement
from lab.product import program

BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)
RELAYHOST = "[relay.example]:587"

# What quoting may go wrong over, as far as main.cf takes it.
HOSTILE = r"""inline:{ {it's = "may"} }, regexp:/etc/{{ x }}/{% y %}/{# z #}/\n%s!*`id`$$(id); - # ü"""


@pytest.fixture
def manager(lab):
    return ConfigManagement(lab.mailhost)


@pytest.fixture
def fragments(apply):
    """detour-apply in mode fragment."""
    apply.configure(mode="fragment")
    return apply


def live(lab):
    return lab.mailhost.run("postconf", "-n", check=True).stdout


def standing(apply):
    return apply("status").last["fragment"]


def test_the_loop(lab, manager):
    """A block, a fragment, configuration management, mail by the relay, and all of it back."""
    before = lab.mailhost.main_cf.read_bytes(), live(lab)
    lab.product.start(mode="fragment", interval=1)
    lab.product.wait_status(lambda s: s["verdict"]["ipv4"], what="a verdict")
    lab.block(25, "drop")
    ids = lab.mail(20, domains=10)
    status = lab.product.wait_status(lambda s: s["next"].startswith("waiting for generation 1 "),
                                     what="the fragment is there")
    assert status["route"]["name"] == "direct" and status["fragment"]["state"] == "waiting"
    assert any("generation 1 (office:587) is not applied yet" in p for p in status["problems"])
    assert lab.mailhost.main_cf.read_bytes() == before[0]
    shown = lab.product.detourctl("fragment", "--format", "postconf", "office")
    assert shown.returncode == 0 and shown.stdout == manager.read("postconf.sh"), shown.stderr
    early = lab.product.detourctl("applied", "1")
    assert early.returncode == 1 and "not applied" in early.stdout, early
    manager.script()
    assert lab.product.detourctl("applied", "1").returncode == 0
    lab.product.wait_route("office", timeout=5)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    # Back; this time nobody says that it was applied.
    lab.unblock()
    status = lab.product.wait_status(lambda s: s["next"].startswith("waiting for generation 2 "),
                                     what="the way back is there")
    assert status["route"]["name"] == "office"
    manager.ansible()
    status = lab.product.wait_route("direct")
    wait_until(lambda: not any(lab.mailhost.path("/etc/postfix/detourd/private").iterdir()), 10,
               "what follows a switch is done, and the password is gone")
    assert live(lab) == before[1]


@BARE
def test_withdrawn_before_it_is_applied(lab, fragments):
    """What has been handed out may still be applied: its maps stay until the next one is."""
    assert fragments("relay", "office", "587").last["fragment"]["generation"] == 1
    assert fragments("direct").last["fragment"]["generation"] == 2
    assert lab.mailhost.path("/etc/postfix/detourd/private/1").exists()
    # As it is not applied, there is nothing to be done for it.
    answer = fragments("applied", "2")
    assert answer.result == "ok", answer
    assert not lab.mailhost.path("/etc/postfix/detourd/private/1").exists()


@BARE
def test_each_format_applies_and_gives_back(lab, fragments, manager):
    """Whichever of them is used after which."""
    host = lab.mailhost
    host.postconf(f"smtp_tls_policy_maps = {HOSTILE}", "smtp_sasl_auth_enable = no")
    host.reload()
    before = live(lab)
    assert HOSTILE in before
    first, second, back = ("relay", "office", "587"), ("relay", "office", "2525"), ("direct",)
    for number, (route, tool) in enumerate((
            (first, "ansible"), (second, "salt"), (back, "script"), (first, "script"),
            (second, "snippet"), (back, "ansible"), (first, "snippet"), (back, "salt"),
            (first, "salt"), (back, "snippet")), start=1):
        main_cf = fragments.main_cf
        answer = fragments(*route)
        assert answer.result == "ok" and answer.last["fragment"]["state"] == "waiting", answer
        assert fragments.main_cf == main_cf
        assert host.run("sh", "-c", f"cd {CURRENT} && sha256sum -c SHA256SUMS").returncode == 0
        getattr(manager, tool)()
        assert standing(fragments)["state"] == "applied", (number, tool)
        done = fragments("applied", str(number))
        assert done.result == "ok", done
        assert done.last["route"]["name"] == ("direct" if route == back else "office")
        assert host.run("postconf", "-n").stderr == ""
        # Once more changes nothing.
        once = live(lab)
        getattr(manager, tool)()
        assert live(lab) == once, tool
        assert fragments("applied", str(number)).result == "unchanged"
        assert fragments(*route).result == "unchanged"
        if route == back:
            assert live(lab) == before, tool
    assert not re.search("warning|fatal|panic", host.log()), host.log()


@BARE
def test_only_what_is_true_is_accepted(lab, fragments, manager):
    host = lab.mailhost
    assert "no fragment" in fragments("applied", "1").reason
    fragments("relay", "office", "587")
    assert "not applied" in fragments("applied", "1").reason
    assert "not the current one" in fragments("applied", "2").reason
    # In part: the route counts from when all of it is there.
    host.postconf(f"relayhost = {RELAYHOST}")
    status = fragments("status").last
    assert status["route"]["name"] == "direct"
    assert status["fragment"]["state"] == "partly applied"
    assert "smtp_sasl_auth_enable" in status["fragment"]["missing"]
    assert "relayhost" not in status["fragment"]["missing"]
    reason = fragments("applied", "1").reason
    assert "smtp_sasl_password_maps" in reason and "relayhost" not in reason
    # All of it, but Postfix does not know.
    lines = [f"{p['name']} = {p['value']}"
             for p in json.loads(manager.read("manifest.json"))["parameters"]]
    host.postconf(*lines)
    assert standing(fragments)["state"] == "not reloaded"
    assert "reloaded" in fragments("applied", "1").reason
    assert fragments("reload").result == "ok" and fragments("reload").result == "unchanged"
    # Maps that are not what the configuration asks for.
    fragments.give_password("another")
    assert "new generation" in fragments("applied", "1").reason
    fragments.give_password(fragments.password)
    assert fragments("applied", "1").result == "ok"
    # Somebody takes it out again.
    host.run("postconf", "-X", "relayhost", check=True)
    status = fragments("status").last
    assert status["route"]["name"] == "direct" and status["fragment"]["missing"] == ["relayhost"]
    # What is nobody's business any more is no obstacle to the next route.
    assert fragments("direct").last["fragment"]["generation"] == 2
    manager.script()
    assert fragments("applied", "1").result == "refused"
    assert fragments("applied", "2").result == "ok"


@BARE
def test_a_value_changed_by_the_owner_is_not_given_back(lab, fragments, manager):
    lab.mailhost.postconf("smtp_tls_CAfile = /etc/ssl/certs/lab-root.pem")
    fragments("relay", "office", "587")
    manager.script()
    lab.mailhost.postconf("smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt")
    assert fragments("direct").result == "ok"
    manager.script()
    assert lab.mailhost.postconf("smtp_tls_CAfile") == "/etc/ssl/certs/ca-certificates.crt"
    assert lab.mailhost.postconf("relayhost") == ""


@BARE
def test_killed_at_any_moment(lab, fragments):
    """The fragment that is to be applied is whole, or is the one before."""
    host = lab.mailhost
    fragments("relay", "office", "587")
    calls = "rename,symlink,fsync"
    done, trace = fragments.traced("relay", "office", "2525", options=["-e", f"trace={calls}"])
    assert done.returncode == 0, done
    names = re.findall(r"^(\w+)\(", trace, re.MULTILINE)
    route = {"2525": "587", "587": "2525"}
    port, ends = "2525", set()
    for name in sorted(set(names)):
        last = names.count(name)
        for k in (last,) if name == "fsync" else range(1, last + 1):
            port = route[port]
            before = os.readlink(host.path(CURRENT))
            fragments.traced("relay", "office", port,
                             options=["-e", f"trace={name}",
                                      "-e", f"inject={name}:signal=KILL:when={k}"])
            after = os.readlink(host.path(CURRENT))
            ends.add(after == before)
            checked = host.run("sh", "-c", f"cd {CURRENT} && sha256sum -c SHA256SUMS")
            assert checked.returncode == 0, (name, k, checked)
            manifest = json.loads(host.path(f"{CURRENT}/manifest.json").read_text())
            assert host.path(manifest["maps"]).is_dir(), (name, k)
            answer = fragments("relay", "office", port)
            assert answer.result in ("ok", "unchanged"), (name, k, answer)
            assert answer.last["fragment"]["route"]["port"] == int(port)
    assert ends == {True, False}, "killed before and after"
    left = {path.name for path in host.path("/etc/postfix/detourd/private").iterdir()}
    assert not any(name.endswith(".new") for name in left), left


@BARE
def test_a_preview_in_any_mode_writes_nothing(lab, apply):
    for mode in ("observe", "fragment", "switch"):
        apply.configure(mode=mode)
        before = apply.files()
        shown = lab.mailhost.run(program("detourctl"), "-c", "/etc/detourd/detourd.conf", "fragment",
                                 "--format", "main.cf", "office", "2525")
        assert shown.returncode == 0 and "relayhost = [relay.example]:2525\n" in shown.stdout
        assert "a preview" in shown.stderr
        assert apply.files() == before
    apply.configure(mode="observe")
    assert "mode = observe" in apply.ask("1 relay office 587\\n").reason
    assert "mode = observe" in apply("applied", "1").reason


@BARE
def test_passwords_stay_out(lab, fragments):
    lab.mailhost.postconf("smtp_sasl_password_maps = static:owner:hushhush")
    answer = fragments("relay", "office", "587")
    assert answer.result == "refused" and "smtp_sasl_password_maps" in answer.reason
    assert "hushhush" not in answer.text
    lab.mailhost.run("postconf", "-X", "smtp_sasl_password_maps", check=True)
    assert fragments("relay", "office", "587").result == "ok"
    for path in lab.mailhost.path(CURRENT).iterdir():
        assert fragments.password not in path.read_text()


@BARE
def test_what_mode_switch_has_put_in_goes_first(lab, apply):
    before = apply.main_cf
    assert apply("relay", "office", "587").result == "ok"
    apply.configure(mode="fragment")
    assert apply("status").last["route"]["name"] == "office"
    assert "mode = switch" in apply("relay", "office", "2525").reason
    assert apply("direct").result == "ok"
    assert apply.main_cf == before
    assert apply("relay", "office", "2525").last["fragment"]["generation"] == 1


@pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=1)
def test_the_method_transport_is_installed_once(lab, apply, manager):
    """Then the map alone changes with the route, and that is detour-apply's."""
    host = lab.mailhost

    def files():
        return host.main_cf.read_bytes(), host.master_cf.read_bytes()

    def read():
        return live(lab), host.run("postconf", "-M", check=True).stdout

    apply.configure(mode="fragment", postfix="method = transport")
    original, before = files(), read()
    assert apply("install").result == "refused"
    assert apply("relay", "office", "587").last["fragment"]["state"] == "waiting"
    assert files() == original
    manager.script()
    # Until it is proved, the map leads nobody.
    assert apply("status").last["route"]["name"] == "direct"
    done = apply("applied", "1")
    assert done.last["route"] == {"name": "office", "port": 587} and done.steps["proof"]["ok"], done
    assert apply("status").last["route"] == done.last["route"]
    installed = files()
    ids = lab.mail(3)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    for route in (("relay", "office", "2525"), ("direct",)):
        answer = apply(*route)
        assert answer.result == "ok" and answer.last["route"]["name"] in route, answer
        assert ("proof" in answer.steps) == (route[0] == "relay"), answer
        assert apply("status").last["route"]["name"] in route
        assert apply(*route).result == "unchanged"
        assert files() == installed
    ids = lab.mail(3)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")
    # Another password is another generation; the route follows when its services are there.
    apply.give_password(apply.password + "x")
    assert apply("relay", "office", "587").last["fragment"]["generation"] == 2
    assert apply("status").last["route"]["name"] == "direct"
    manager.ansible()
    lab.relay.password = apply.password + "x"
    lab.relay.heal()
    assert apply("applied", "2").last["route"]["name"] == "office"
    assert apply("remove").last["fragment"]["generation"] == 3
    manager.salt()
    assert apply("applied", "3").last["route"]["name"] == "direct"
    assert read() == before
    assert not host.path("/etc/postfix/detourd/routes/now").is_symlink()
    assert not any(host.path("/etc/postfix/detourd/private").iterdir())


@pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=1)
def test_what_is_put_in_place_proves_itself_before_mail_goes_there(lab, apply, manager):
    apply.configure(mode="fragment", postfix="method = transport")
    lab.relay.password_wrong()
    assert apply("relay", "office", "587").result == "ok"
    manager.script()
    refused = apply("applied", "1")
    assert refused.result == "refused" and "535" in refused.reason, refused
    assert not refused.steps["proof"]["ok"]
    status = apply("status").last
    assert status["route"]["name"] == "direct" and not status["fragment"]["confirmed"], status
    ids = lab.mail(2)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")
    lab.relay.heal()
    assert apply("applied", "1").last["route"] == {"name": "office", "port": 587}
    # So does a port that mail has not gone by; until then it goes on by the one before.
    lab.block(2525, "rst")
    refused = apply("relay", "office", "2525")
    assert refused.result == "refused" and "2525" in refused.reason, refused
    assert apply("status").last["route"] == {"name": "office", "port": 587}
    ids = lab.mail(2)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    lab.unblock()
    assert apply("relay", "office", "2525").last["route"] == {"name": "office", "port": 2525}
