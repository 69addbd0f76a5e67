# SPDX-License-Identifier: BSD-2-Clause
"""The method transport: services of the relays' own, and nothing else changes."""

import pytest


@pytest.fixture
def transport(apply):
    apply.configure(postfix="method = transport")
    return apply


def contents(apply):
    return {name: what[4] for name, what in apply.files().items()}


def test_a_switch_and_back(lab, transport):
    before = contents(transport)
    answer = transport("relay", "office", "587")
    assert answer.result == "ok" and answer.steps["proof"]["ok"], answer
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    status = transport("status").last
    assert status["installed"] and status["route"] == {"name": "office", "port": 587}
    installed = transport.main_cf, lab.mailhost.master_cf.read_bytes()
    answer = transport("direct")
    assert answer.result == "ok" and "install" not in answer.steps, answer
    assert installed == (transport.main_cf, lab.mailhost.master_cf.read_bytes())
    ids = lab.mail(20, domains=10)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")
    assert transport("direct").result == "unchanged"
    assert transport("remove").result == "ok"
    after = contents(transport)
    assert before == {name: what for name, what in after.items() if name in before}
