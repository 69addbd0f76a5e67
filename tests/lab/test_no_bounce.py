# SPDX-License-Identifier: BSD-2-Clause
"""No message bounces because of a switch: nothing reaches the relay without its password.

A trivial-rewrite(8) that starts after main.cf was replaced routes by the new one, while an smtp(8)
that started before goes on by the old one. These tests stretch that moment, which lasts a tenth of
a second on an idle host, to one in which hundreds of messages fall.
"""

import json
import threading

import pytest

from lab.product import CONFIG, program

# A process of these serves twice and is replaced: there is always one that knows the newest file.
RESTLESS = "max_use = 2\nmax_idle = 1s\n"


def slow_reload(lab):
    """`postfix reload` takes its time, as it does on a busy host with a large queue."""
    lab.run("cp", "-a", "/usr/sbin/postfix", "/run/postfix.real", check=True)
    lab.mailhost.write("/run/postfix.slow", "#!/bin/sh\ncase \"$*\" in *reload*) sleep 2 ;; esac\n"
                       "exec /run/postfix.real \"$@\"\n", mode=0o755)
    lab.run("mount", "--bind", "/run/postfix.slow", "/usr/sbin/postfix", check=True)


class Traffic:
    """Mail that does not stop while something else is done."""

    def __init__(self, lab):
        self.ids, self._lab, self._over = [], lab, threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self):
        while not self._over.is_set():
            self.ids += self._lab.mail(20, domains=20)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def switch(lab, *verb):
    """Until the answer is there: while mail does not stop, what waits is released for longer."""
    process = lab.spawn(program("detour-apply"), "-c", CONFIG, "--json", *verb,
                        log=f"{'-'.join(verb)}.log")
    process.wait_log('^{"result":.*\n', 120)
    last = json.loads(process.output().splitlines()[-1])
    assert last["result"] == "ok", last


@pytest.mark.lab(main_cf=RESTLESS)
def test_nothing_reaches_the_relay_unauthenticated(lab):
    lab.product.configure()
    slow_reload(lab)
    before = lab.mailhost.main_cf.read_bytes()
    with Traffic(lab) as traffic:
        switch(lab, "relay", "office", "587")
        switch(lab, "direct")
    assert len(traffic.ids) > 50
    lab.wait_delivered(traffic.ids, timeout=120)
    lab.assert_exactly_once(traffic.ids)
    assert not lab.bounced()
    assert "Access denied" not in lab.mailhost.log()
    assert lab.mailhost.main_cf.read_bytes() == before


@pytest.mark.lab(main_cf=RESTLESS, relays=2)
def test_nor_the_other_relay(lab):
    first, second = lab.relays
    lab.product.configure(relays={"first": first, "second": second})
    slow_reload(lab)
    switch(lab, "relay", "first", "587")
    with Traffic(lab) as traffic:
        switch(lab, "relay", "second", "2525")
    lab.wait_delivered(traffic.ids, timeout=120)
    lab.assert_exactly_once(traffic.ids)
    assert "Access denied" not in lab.mailhost.log()


def test_a_switch_cut_off_between_its_steps_is_finished(lab):
    """Killed when the relay is prepared but not yet in force: still the owner's route, and whole."""
    lab.product.configure()
    before = lab.mailhost.main_cf.read_bytes()
    lab.mailhost.write("/run/postfix.dying", "#!/bin/sh\ncase \"$*\" in *reload*) "
                       "kill -9 $PPID; exit 1 ;; esac\nexec /run/postfix.real \"$@\"\n", mode=0o755)
    lab.run("cp", "-a", "/usr/sbin/postfix", "/run/postfix.real", check=True)
    lab.run("mount", "--bind", "/run/postfix.dying", "/usr/sbin/postfix", check=True)
    lab.product.run("detour-apply", "-c", CONFIG, "relay", "office", "587")
    lab.run("umount", "/usr/sbin/postfix", check=True)
    text = lab.mailhost.main_cf.read_text()
    assert "# detourd: begin prepared" in text and "[relay.example]" not in text
    status = lab.product.apply("status")[-1]
    assert status["route"]["name"] == "direct" and status["unfinished"] is True
    ids = lab.mail(20)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")
    assert lab.product.apply("direct")[-1]["result"] == "ok"
    assert lab.mailhost.main_cf.read_bytes() == before
    assert lab.product.apply("status")[-1]["unfinished"] is False
