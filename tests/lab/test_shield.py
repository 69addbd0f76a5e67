# SPDX-License-Identifier: BSD-2-Clause
"""What a relay refuses waits for another way; what no other way would deliver bounces as ever."""

import re
import time

import pytest

from lab import network, wait_until
from lab.operators import FakeServer

METHODS = pytest.mark.parametrize("method", ["relayhost", "transport"])
KEPT = "; kept by detourd"
LAN_NET, LAN_PORT = 240, 2500
SIZE = 20000
DAY = 24 * 3600

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


def switched(answer):
    assert answer.result == "ok", answer


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

    def expect_deferred(self, recipient):
        """Kept by us or by Postfix itself, as the owner's soft bounces have it."""
        status, reason = self.fate(recipient)
        assert status == "deferred", (recipient, status, reason)

    def expect_bounced(self, recipient):
        status, reason = self.fate(recipient)
        assert status == "bounced" and KEPT not in reason, (recipient, status, reason)

    def held(self, count, apply):
        """What is said of the shield, once COUNT messages are held back."""
        shield = apply("status").last["shield"]
        return shield if shield["held"] == count else None

    def in_queue(self):
        return set(self.host.queue())

    def remove(self, recipient):
        ident = self.host.wait_log(rf" (\w+): to=<{re.escape(recipient)}>").group(1)
        self.host.run("postsuper", "-d", ident, check=True)


def assert_detourd_says(product, shield):
    product.start_applier()
    product.start_daemon()
    status = product.wait_status(lambda s: s["postfix"]["shield"])
    assert status["postfix"]["shield"] == shield
    text = product.detourctl("status").stdout
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(shield["expires"]))
    assert f"{shield['held']} of them held back" in text
    assert re.search(rf"{shield['held']} messages that the relay refused are held back; "
                     rf"the first expires at {expires} \(in \d", text), text
    assert product.daemon.output().count("the relay refuses mail") == 1
    product.daemon.end_group()
    product.host.postconf("bounce_queue_lifetime = 0")
    product.start_daemon()
    product.wait_status(lambda s: any("the first has expired" in p for p in s["problems"]))
    product.host.postconf("bounce_queue_lifetime = 1d")


@METHODS
@pytest.mark.lab(operators=1, mx_hosts=1, domains=1,
                 main_cf="smtp_sasl_auth_soft_bounce = no\nbounce_queue_lifetime = 1d\n")
def test_refusals_of_a_relay(lab, apply, method):
    post, relay = Post(lab), lab.relay.host
    relay.postconf(f"smtpd_sender_restrictions = check_sender_access {inline(SENDERS)}",
                   f"smtpd_recipient_restrictions = check_recipient_access {inline(RECIPIENTS)}",
                   f"message_size_limit = {SIZE}", "smtputf8_enable = no")
    relay.reload()
    apply.configure(postfix=f"method = {method}")
    switched(apply("relay", "office", "587"))
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
    post.expect_deferred("wrong@d000.example")
    lab.relay.auth_off()
    post.send("gone@d000.example")
    lab.mailhost.flush()    # After a 535 Postfix leaves the relay alone for a while.
    waiting = {*kept, "big@d000.example", "wrong@d000.example", "gone@d000.example"}
    shield = wait_until(lambda: post.held(len(waiting) + 1, apply), 30,
                        lambda: f"all is kept: {apply('status')}")
    # The reports about what bounced are on their way to the sender for a moment.
    wait_until(lambda: set(post.host.queue()) == {*waiting, "ünter@d000.example"}, 30,
               lambda: f"only what the relay refuses is kept: {post.host.queue()}")
    assert shield["partial"] is False
    # The report's time is over first, though it is not the oldest.
    assert shield["oldest"] + DAY <= shield["expires"] < shield["oldest"] + 2 * DAY
    assert_detourd_says(lab.product, shield)
    # Another way delivers all of it, but for what no way would.
    post.remove("ünter@d000.example")
    switched(apply("direct"))
    wait_until(lambda: not waiting & post.in_queue(), 30, "what was kept leaves")
    for recipient in waiting:
        assert f"to=<{recipient}>, relay=mx1.op1.example" in lab.mailhost.log()
    assert apply("status").last["shield"]["held"] == 0


# What no Postfix says as a relay: at each step of the conversation, by a text in the envelope.
AT_EACH_STEP = [
    ("MAIL", "mail1@", "550 5.1.1 sender unknown"),
    ("MAIL", "mail2@", "552-5.3.4 too big\r\n552 5.3.4 really"),
    ("RCPT", "rcpt1@", "550 no such user"),
    ("RCPT", "rcpt2@", "550 5.1.0 sender"),
    ("RCPT", "rcpt3@", "354 what"),
    ("DATA", "data1@", "554 5.1.1 no"),
    ("DATA", "data2@", "250 what"),
    (".", "dot1@", "554 Message rejected: Email address is not verified."),
    (".", "dot2@", "552 5.2.2 your quota is exceeded"),
    (".", "dot3@", "650 what"),
]
EARLY = {
    "greeting": {"greeting": "554 5.1.1 go away"},
    "helo": {"replies": {"EHLO": "501 no", "HELO": "501 no"}},
    "starttls": {"replies": {"STARTTLS": "501 5.7.0 no"}},
    "auth": {"replies": {"AUTH": "535-5.7.8 wrong\r\n535 5.7.8 really"}},
    "no-auth": {"auth": None, "replies": {"MAIL": "530 5.7.0 Authentication required"}},
}
VERDICTS = [
    ("RCPT", "gone1@", "550-5.1.1 nobody [here]\r\n550 5.1.1 of that name"),
    ("RCPT", "gone2@", "556 5.1.10 null MX"),
    ("RCPT", "gone3@", "550 5.1.2 no such domain"),
    ("RCPT", "gone4@", "550 5.2.1 disabled"),
]
OWNERS_FILTER = """
/^4(\\.7\\.7 .*)$/ 5${1}
/^4\\.7\\.6 / 5.7.6 the owner gives up
/^5(\\.7\\.9 .*)$/ 4${1}, says the owner
"""


def fake_relay(lab, **behaviour):
    """A server in the place of the eavesdropper, with a good certificate."""
    relay = lab.eavesdropper
    files = [str(path) for path in lab.authority.issue(relay.hostname)]
    return FakeServer(lab.internet, "fake-relay", [
        {"name": relay.hostname, "address": address, "port": 587, "starttls": files,
         "ehlo": ["8BITMIME"], "auth": "PLAIN", **behaviour} for address in relay.addresses])


def lan_host(lab, **behaviour):
    """A host without TLS that transport_maps leads to, as lan.example."""
    addresses = network.addresses(LAN_NET, 1)
    lab.networks.add_addresses([addresses])
    FakeServer(lab.internet, "lan", [{"name": "lan.example", "address": addresses[0],
                                      "port": LAN_PORT, "ehlo": ["8BITMIME"], **behaviour}])
    return f"smtp:[{addresses[0]}]:{LAN_PORT}"


def addressees(refusals):
    return [f"{text}d000.example" for _, text, _ in refusals]


@METHODS
@pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0,
                 main_cf="smtp_skip_5xx_greeting = no\nsmtp_sasl_auth_soft_bounce = no\n")
def test_refusals_at_each_step(lab, apply, method):
    post, host = Post(lab), lab.mailhost
    lan = lan_host(lab, refuse=[
        ("RCPT", "one@", "554 5.7.1 as host eavesdropper.example[1.2.3.4] said: 554 5.7.1 no"),
        ("RCPT", "two@", "450 4.7.7 the owner gives up"), ("RCPT", "three@", "554 5.7.9 no"),
        ("RCPT", "four@", "450 4.7.6 no")])
    host.write("/etc/postfix/filter", OWNERS_FILTER)
    host.postconf(f"transport_maps = inline:{{lan.example={lan}}}",
                  "smtp_delivery_status_filter = regexp:/etc/postfix/filter")
    temporary = [("RCPT", "wait@", "450 4.7.7 greylisted"), ("RCPT", "later@", "450 4.7.6 later")]
    server = fake_relay(lab, refuse=[*AT_EACH_STEP, *VERDICTS, *temporary])
    apply.configure(host=lab.eavesdropper.hostname, postfix=f"method = {method}")
    switched(apply("relay", "office", "587"))
    for recipient in (*addressees(AT_EACH_STEP), *addressees(VERDICTS), *addressees(temporary),
                      *(f"{name}@lan.example" for name in ("one", "two", "three", "four"))):
        post.send(recipient, sender=recipient.partition("@")[0] + "@sender.example")
    for recipient in addressees([*AT_EACH_STEP, *temporary]):
        post.expect_kept(recipient)
    for recipient in (*addressees(VERDICTS), "one@lan.example", "two@lan.example",
                      "four@lan.example"):
        post.expect_bounced(recipient)
    status, reason = post.fate("three@lan.example")
    assert status == "deferred" and reason.endswith("says the owner")
    # Before there is any mail, and each in its turn: Postfix then leaves the relay alone a while.
    for name, behaviour in EARLY.items():
        server.stop()
        server = fake_relay(lab, **behaviour)
        host.reload()
        recipient = f"{name}@d000.example"
        post.send(recipient)
        (post.expect_deferred if name == "auth" else post.expect_kept)(recipient)
    server.stop()
    lab.dns.forget(lab.eavesdropper.hostname)
    post.send("nowhere@d000.example")
    assert post.fate("nowhere@d000.example")[0] == "deferred"
