# SPDX-License-Identifier: BSD-2-Clause
"""A relay's sender scope: what is outside stays direct, waits, and is counted."""

import pytest


@pytest.mark.lab(operators=2, mx_hosts=1, domains=2)
def test_what_is_outside_waits_and_is_counted(lab):
    product, host = lab.product, lab.mailhost
    host.postconf("recipient_delimiter = +")
    scope = {"senders": '{ "alice@sender.example", "@other.example" }'}
    product.configure({"office": (lab.relay, scope)}, postfix="method = transport")
    assert product.apply("status")[-1]["outside"] is None
    lab.block(25, "drop")
    assert product.apply("relay", "office", "587")[-1]["result"] == "ok"
    assert product.apply("status")[-1]["outside"] == \
        {"waiting": 0, "oldest": None, "partial": False}
    # The extension is taken off, by Postfix and in the count.
    inside = lab.mail(1, from_="alice+x@sender.example") + lab.mail(1, from_="x@other.example")
    outside = lab.mail(1, from_="bob@sender.example") + lab.mail(1, from_="")
    lab.wait_delivered(inside)
    lab.assert_exactly_once(inside, "relay")
    said = product.apply("status")[-1]["outside"]
    assert said["waiting"] == 2 and said["oldest"] > 0

    product.start_applier()
    product.start_daemon()
    status = product.wait_status(lambda s: s["postfix"]["outside"])
    assert status["postfix"]["outside"]["waiting"] == 2
    assert any("2 messages from senders that the relay is not for wait" in problem
               for problem in status["problems"]), status
    assert "2 of them not for the relay" in product.detourctl("status").stdout
    product.daemon.stop()
    lab.unblock()
    assert product.apply("direct")[-1]["result"] == "ok"
    lab.wait_delivered(outside, 90)
    lab.assert_exactly_once(outside, "direct")
    assert product.apply("status")[-1]["outside"] is None
