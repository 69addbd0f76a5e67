# SPDX-License-Identifier: BSD-2-Clause
"""What a relay refuses waits for another way; what no other way would deliver bounces as ever."""

import re

import pytest

from lab import network, wait_until
from lab.operators import FakeServer

METHODS = pytest.mark.parametrize("method", ["relayhost"])
KEPT = "; kept by detourd"
LAN_NET, LAN_PORT = 240, 2500
SIZE = 20000

# Sender, recipient, and what the relay says of them.
SENDERS = {
    "unverified@sender.example": "554 5.7.1 Email address is not verified",
    "suspended@sender.example": "550 5.7.1 Account suspended",
    "quota@sender.example": "552 5.2.2 Sending quota exceeded",
    "refused@sender.example": "554 no",
    "<>": "501 5.5.4 null sender refused",
}
RECIPIENTS = {
    "unknown@d000.example": "550 5.1.1 User unknown",
    "full@d000.example": "552 5.2.2 Mailbox full",
}


def inline(entries):
    return "inline:{" + ", ".join(f"{{ {key} = {value} }}" for key, value in entries.items()) + "}"


class Post:
    """Mail by sendmail(1), a recipient each, and what became of it."""

    def __init__(self, lab):
        self.host = lab.mailhost

    def send(self, recipient, sender="alice@sender.example", size=0):
        body = f"Subject: x\n\n{'x' * 70}\n" + ("x" * 70 + "\n") * (size // 70)
        self.host.run("sendmail", "-i", "-f", sender, recipient, input=body, check=True)

    def fate(self, recipient, timeout=30):
        """How the latest attempt ended: the word of the log and its reason."""
        found = self.host.wait_log(
            rf"to=<{re.escape(recipient)}>,.* status=(\w+) \((.*)\)$", timeout)
        return found.group(1), found.group(2)

    def expect_kept(self, recipient):
        status, reason = self.fate(recipient)
        assert status == "deferred" and reason.endswith(KEPT), (recipient, status, reason)

    def expect_bounced(self, recipient):
        status, reason = self.fate(recipient)
        assert status == "bounced" and KEPT not in reason, (recipient, status, reason)

    def in_queue(self):
        return set(self.host.queue())

    def remove(self, recipient):
        ident = self.host.wait_log(rf" (\w+): to=<{re.escape(recipient)}>").group(1)
        self.host.run("postsuper", "-d", ident, check=True)


@METHODS
@pytest.mark.lab(operators=1, mx_hosts=1, domains=1,
                 main_cf="smtp_sasl_auth_soft_bounce = no\n")
def test_refusals_of_a_relay(lab, apply, method):
    post, relay = Post(lab), lab.relay.host
    relay.postconf(f"smtpd_sender_restrictions = check_sender_access {inline(SENDERS)}",
                   f"smtpd_recipient_restrictions = check_recipient_access {inline(RECIPIENTS)}",
                   f"message_size_limit = {SIZE}", "smtputf8_enable = no")
    relay.reload()
    apply.configure(postfix=f"method = {method}")
    assert apply("relay", "office", "587").result == "ok"
    kept = [f"s{i}@d000.example" for i in range(len(SENDERS))]
    for sender, recipient in zip(SENDERS, kept):
        post.send(recipient, sender)
    post.send("big@d000.example", size=SIZE)
    post.send("ünter@d000.example")
    for recipient in RECIPIENTS:
        post.send(recipient)
    post.send("good@d000.example")
    for recipient in (*kept, "big@d000.example", "ünter@d000.example"):
        post.expect_kept(recipient)
    for recipient in RECIPIENTS:
        post.expect_bounced(recipient)
    assert post.fate("good@d000.example")[0] == "sent"
    lab.relay.password_wrong()
    post.send("wrong@d000.example")
    post.expect_kept("wrong@d000.example")
    lab.relay.auth_off()
    assert apply("relay", "office", "2525").result == "ok"
    post.send("gone@d000.example")
    post.expect_kept("gone@d000.example")
    # Another way delivers all of it, but for what no way would.
    waiting = {*kept, "big@d000.example", "wrong@d000.example", "gone@d000.example"}
    assert post.in_queue() == {*waiting, "ünter@d000.example"}
    post.remove("ünter@d000.example")
    assert apply("direct").result == "ok"
    wait_until(lambda: not waiting & post.in_queue(), 30, "what was kept leaves")
    for recipient in waiting:
        assert f"to=<{recipient}>, relay=mx1.op1.example" in lab.mailhost.log()
