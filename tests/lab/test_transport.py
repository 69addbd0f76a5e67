# SPDX-License-Identifier: BSD-2-Clause
"""The method transport: services of the relays' own, and nothing else changes."""

import re

import pytest

from lab import wait_until
from lab.apply import CONF
from lab.product import program
from test_hosts import OUT, Second
from test_no_bounce import RESTLESS, Traffic, switch
from test_proof import hidden
from test_shield import Post

MAIL = pytest.mark.lab(operators=2, mx_hosts=1, domains=4)
ALICE, BOB, CAROL, DAVE, ERIN, FRANK, NOBODY = SENDERS = (
    "alice@sender.example", "bob@sender.example", "carol@other.example", "dave@own.example",
    "erin+tag@sender.example", "frank@other.example", "<>")


@pytest.fixture
def transport(apply):
    apply.configure(postfix="method = transport")
    return apply


def contents(apply):
    return {name: what[4] for name, what in apply.files().items()}


def unjail(lab):
    """No service runs in a chroot."""
    text = lab.mailhost.master_cf.read_text()
    lab.mailhost.master_cf.write_text(re.sub(r"^(\S+ +\S+ +\S+ +\S+ +)y ", r"\1n ", text,
                                             flags=re.MULTILINE))
    lab.mailhost.reload()


def switched(answer):
    assert answer.result == "ok", answer
    return answer


def fates(lab, senders):
    """Where mail goes: for each sender, a place for each of the lab's domains in turn."""
    sent = {sender: lab.mail(len(lab.domains), from_=sender) for sender in senders}
    ids = [ident for some in sent.values() for ident in some]
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids)
    arrived = lab.delivered()
    return {sender: [arrived[ident][0].where.partition(":")[0] if "relay" in arrived[ident][0].where
                     else arrived[ident][0].where for ident in some]
            for sender, some in sent.items()}


def usernames(relay):
    """Who has logged in at the relay."""
    return set(re.findall(r"sasl_username=([^,\s@]+)", relay.host.log()))


def arrange_other_routes(lab):
    """The first domain is relayed for, the second has a transport; of the senders some have a
    relay and a password of their own, some a transport."""
    host, other = lab.mailhost, lab.relays[1]
    host.write("/etc/postfix/relays", f"{BOB} [{other.hostname}]:587\n"
               f"@other.example [{other.hostname}]:587\n{FRANK} DUNNO\n"
               f"{NOBODY} [{other.hostname}]:587\n")
    host.write("/etc/postfix/transports", "@own.example smtp:[mx1.op2.example]\n"
               "erin@sender.example smtp:[mx1.op2.example]\n")
    host.write("/etc/postfix/passwords", f"{BOB} {other.username}:{other.password}\n"
               f"@other.example {other.username}:{other.password}\n"
               f"{other.hostname} {other.username}:{other.password}\n"
               f"{ALICE} alice:secret\n")
    for name in ("relays", "transports", "passwords"):
        host.run("postmap", f"hash:/etc/postfix/{name}", check=True)
    host.postconf("relay_domains = d000.example",
                  "transport_maps = inline:{d001.example=smtp:[mx1.op1.example]}",
                  "sender_dependent_relayhost_maps = hash:$config_directory/relays",
                  "sender_dependent_default_transport_maps = ${default_database_type}:/etc/postfix/transports",
                  "smtp_sender_dependent_authentication = yes", "smtp_sasl_auth_enable = yes",
                  "smtp_sasl_password_maps = hash:/etc/postfix/passwords",
                  "smtp_sasl_tls_security_options = noanonymous",
                  "smtp_tls_security_level = may")
    host.reload()


@pytest.mark.parametrize("chrooted", [True, False], ids=["chrooted", "unchrooted"])
@pytest.mark.lab(operators=2, mx_hosts=1, domains=4, relays=2)
def test_other_mail_goes_its_way(lab, transport, chrooted):
    ours, other = lab.relays
    if not chrooted:
        unjail(lab)
    arrange_other_routes(lab)
    files = contents(transport)
    before = fates(lab, SENDERS)
    assert all("relay" not in places for places in before.values()), before
    assert before[BOB][3] == "relay2", before
    switched(transport("relay", "office", "587"))
    during = fates(lab, SENDERS)
    assert during == before | {sender: before[sender][:2] + ["relay", "relay"]
                               for sender in (ALICE, FRANK)}
    assert usernames(ours) == {ours.username} and usernames(other) == {other.username}
    switched(transport("direct"))
    assert fates(lab, SENDERS) == before
    switched(transport("remove"))
    assert contents(transport) == files


# Which senders' mail is the relay's.

SCOPE = """
relay office {
  host          = "relay.example"
  ports         = { 465, 587 }
  username      = "%s"
  password_file = "/etc/detourd/office.password"
  ca_file       = "/etc/detourd/lab-root.pem"
  %s
}
"""


def scoped(apply, *lines):
    """The relay of the configuration with LINES more."""
    apply.configure(postfix="method = transport")
    text = apply.host.path(CONF).read_text()
    section = SCOPE % (apply.lab.relay.username, "\n  ".join(lines))
    apply.host.write(CONF, re.sub(r"relay office \{.*?\n\}\n", lambda _: section, text,
                                  flags=re.DOTALL))


def sent_by(host, recipient):
    """The service that has a recipient's mail in hand at last, and how it ended."""
    found = host.wait_log(rf"postfix/(\S+?)\[\d+\]: \w+: to=<{re.escape(recipient)}>,.* "
                          r"status=(\w+)", 30)
    return found.group(1), found.group(2)


def envelope_sender(dumps, recipient):
    """The MAIL FROM with which a message arrived."""
    for path in dumps.iterdir():
        text = path.read_text(errors="replace")
        if f"X-Rcpt-Args: <{recipient}>" in text:
            return re.search(r"^X-Mail-Args: <([^>]*)>", text, re.MULTILINE).group(1)
    raise AssertionError(f"nothing for {recipient}")


@MAIL
def test_a_scope(lab, apply):
    post, host = Post(lab), lab.mailhost
    scoped(apply, 'senders = { "@Example.com", "vip@sender.example" }', "null_sender = relay",
           'rewrite = { "root@sender.example" = "ops@example.com", "@cron.example" = "x@example.com" }')
    lab.block(25, "rst")
    switched(apply("relay", "office", "465"))
    senders = {"in0": "a@example.com", "in1": "VIP+x@sender.example", "in2": "<>", "in3": "root",
               "in4": "daily@cron.example", "out0": "alice@sender.example",
               "out1": "a@sub.example.com"}
    for name, sender in senders.items():
        post.send(f"{name}@d000.example", sender)
    for name in senders:
        wanted = ("detour-office_tls/smtp", "sent") if name[:2] == "in" else ("smtp", "deferred")
        assert sent_by(host, f"{name}@d000.example") == wanted, name
    dumps = lab.relay.delivered
    wait_until(lambda: len([*dumps.iterdir()]) == 5, 20, "all of it arrives")
    assert envelope_sender(dumps, "in3@d000.example") == "ops@example.com"
    assert envelope_sender(dumps, "in4@d000.example") == "x@example.com"
    assert envelope_sender(dumps, "in2@d000.example") == ""
    assert apply("status").last["outside"]["waiting"] == 2
    # By the other port, with reports direct, and everybody's mail.
    scoped(apply, "null_sender = direct")
    switched(apply("relay", "office", "587"))
    for name, sender in {"in5": "alice@sender.example", "out2": "<>"}.items():
        post.send(f"{name}@d000.example", sender)
    assert sent_by(host, "in5@d000.example") == ("detour-office/smtp", "sent")
    assert sent_by(host, "out2@d000.example") == ("smtp", "deferred")
    lab.unblock()
    switched(apply("direct"))
    wait_until(lambda: not host.queue(), 30, lambda: f"all is out: {host.queue()}")
    assert lab.bounced() == set()


@pytest.mark.parametrize("settings", [(), ("address_verify_sender_ttl = 600s",),
                                      ("address_verify_sender = probe",)],
                         ids=["", "ttl", "name"])
@MAIL
def test_verification_goes_direct(lab, transport, settings):
    """The relay would say yes to every address."""
    host = lab.mailhost
    for operator in lab.operators:
        operator.fake(refuse=[["RCPT", "unknown@", "550 5.1.1 no such user"]])
    host.postconf("smtpd_recipient_restrictions = reject_unverified_recipient, permit_mynetworks",
                  "unverified_recipient_reject_code = 550", *settings)
    host.reload()
    switched(transport("relay", "office", "587"))
    for name, wanted in (("unknown", "5.1.1"), ("known", "Service")):
        done = lab.run("swaks", "--server", "127.0.0.1", "--from", ALICE, "--to",
                       f"{name}@d000.example", "--quit-after", "RCPT")
        assert ("550 5.1.1" in done.stdout) == (name == "unknown"), done.stdout
    assert "relay=relay.example" not in host.log().split("status=deliverable", 1)[1]


# Ports and relays.

@pytest.mark.lab(operators=2, mx_hosts=1, domains=2, relays=2)
def test_ports_and_relays(lab):
    """TLS from the first byte, STARTTLS, the other relay; and a relay that the configuration knows
    no more."""
    product, host = lab.product, lab.mailhost
    first, second = lab.relays

    def configure(**relays):
        product.configure(relays=relays, postfix="method = transport")

    def change(*words, steps=()):
        lines = product.apply(*words, timeout=120)
        assert lines[-1]["result"] == "ok", lines
        assert {line["step"] for line in lines[:-1]} >= set(steps), lines
        return lines

    def deliver(where):
        ids = lab.mail(4)
        lab.wait_delivered(ids)
        lab.assert_exactly_once(ids, where)

    configure(a=(first, {"ports": (465, 587)}), b=(second, {"ports": (2525,)}))
    before = host.main_cf.read_bytes(), host.master_cf.read_bytes()
    change("install", steps=["proof"])
    deliver("direct")
    installed = host.main_cf.read_bytes(), host.master_cf.read_bytes()
    for words, where, log in ((("relay", "a", "465"), "relay", "postfix/465/smtpd"),
                              (("relay", "a", "587"), "relay", "postfix/587/smtpd"),
                              (("relay", "b", "2525"), "relay2", "postfix/2525/smtpd")):
        change(*words, steps=["proof"])
        relay = first if where == "relay" else second
        start = len(relay.host.log())
        deliver(where)
        assert log in relay.host.log()[start:]
        assert installed == (host.main_cf.read_bytes(), host.master_cf.read_bytes())
    # A password that has changed is installed anew; mail goes on.
    second.password_wrong()
    other = second.password = "another one"
    second._set_password(other)
    configure(a=(first, {"ports": (465, 587)}), b=(second, {"ports": (2525,)}))
    change("relay", "b", "2525", steps=["proof", "master.cf"])
    deliver("relay2")
    # The relay in force is gone from the configuration.
    configure(a=first)
    assert product.apply("status")[-1]["route"]["name"] == "b"
    change("direct")
    deliver("direct")
    change("relay", "a", "587", steps=["proof", "master.cf"])
    deliver("relay")
    configure(b=second)
    change("relay", "b", "587", steps=["proof", "master.cf"])
    deliver("relay2")
    configure(a=first)
    change("remove")
    deliver("direct")
    assert before == (host.main_cf.read_bytes(), host.master_cf.read_bytes())
    assert not host.main_cf.with_name("detourd").exists()


class CalmTraffic(Traffic):
    """As much as is delivered."""

    def _send(self):
        while not self._over.is_set():
            ids = self._lab.mail(20, domains=20)
            self.ids += ids
            self._lab.wait_delivered(ids, timeout=120)


@pytest.mark.lab(operators=2, mx_hosts=1, domains=20, main_cf=RESTLESS)
def test_the_method_changes_under_way(lab):
    product = lab.product
    before = lab.mailhost.main_cf.read_bytes(), lab.mailhost.master_cf.read_bytes()
    product.configure()
    with CalmTraffic(lab) as traffic:
        switch(lab, "relay", "office", "587")
        product.configure(postfix="method = transport")
        switch(lab, "relay", "office", "587")
        product.configure()
        switch(lab, "relay", "office", "587")
        assert before[1] == lab.mailhost.master_cf.read_bytes()
        product.configure(postfix="method = transport")
        switch(lab, "relay", "office", "587")
        product.configure()
        switch(lab, "direct")
    assert len(traffic.ids) > 50
    lab.wait_delivered(traffic.ids, timeout=120)
    lab.assert_exactly_once(traffic.ids)
    assert not lab.bounced() and "Access denied" not in lab.mailhost.log()
    assert before == (lab.mailhost.main_cf.read_bytes(), lab.mailhost.master_cf.read_bytes())


# What must not be installed.

def refused(apply, words=("relay", "office", "587"), result="failed"):
    """A switch that comes to nothing, and leaves nothing."""
    before = contents(apply)
    answer = apply(*words)
    assert answer.result == result, answer
    after = contents(apply)
    ours = {name for name in after if name.startswith("detourd")}
    assert ours <= {"detourd", "detourd/lock", "detourd/private", "detourd/main.cf.before",
                    "detourd/master.cf.before"}, ours
    assert all(after.get(name) == what for name, what in before.items() if name not in ours)
    assert after.keys() - ours <= before.keys()
    return answer.reason


@pytest.mark.parametrize("chrooted", [True, False], ids=["chrooted", "unchrooted"])
@MAIL
def test_what_fails_its_proof_is_taken_back(lab, transport, chrooted):
    host = lab.mailhost
    if not chrooted:
        unjail(lab)
    files = contents(transport)
    with CalmTraffic(lab) as traffic:
        transport.give_password("wrong")
        assert "535" in refused(transport)
        transport.give_password(lab.relay.password)
        lab.relay.certificate("wrong-name")
        assert "certificate" in refused(transport)
        lab.relay.heal()
        sasl = lab.run("sh", "-c", "dirname $(find /usr/lib -name 'libplain.so*' | head -1)").stdout
        with hidden(host, sasl.strip()):
            assert "SASL" in refused(transport, ("install",))
    assert {name: what for name, what in contents(transport).items() if name in files} == files
    lab.wait_delivered(traffic.ids, timeout=120)
    lab.assert_exactly_once(traffic.ids, "direct")
    switched(transport("relay", "office", "587"))
    ids = lab.mail(4)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    # A route in force stays when the one that is to replace it fails.
    transport.give_password("wrong")
    before = contents(transport)
    assert transport("relay", "office", "2525").result == "failed"
    assert contents(transport) | {"detourd/main.cf.before": "", "detourd/master.cf.before": ""} \
        == before | {"detourd/main.cf.before": "", "detourd/master.cf.before": ""}
    ids = lab.mail(4)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")


@pytest.mark.lab(operators=1, mx_hosts=1, domains=1)
def test_what_is_refused(lab, transport):
    host = lab.mailhost
    owners = host.master_cf.read_text()
    host.master_cf.write_text(owners + "detour-office unix - - n - - smtp\n")
    assert "detour-office/unix of your own" in refused(transport, result="refused")
    host.master_cf.write_text(owners)
    host.write("/etc/postfix/bare", "root smtp:[other.example]\n")
    host.run("postmap", "hash:/etc/postfix/bare", check=True)
    for setting, why in (
            ("sender_dependent_default_transport_maps = tcp:127.0.0.1:1", "cannot be listed"),
            ("sender_dependent_relayhost_maps = hash:/etc/postfix/bare", "without a domain"),
            ("relayhost = [other.example]", "replace_relayhost"),
            ("default_transport = uucp", "replace_relayhost"),
            ("transport_maps = inline:{*=smtp:[other.example]}", "all mail"),
            ("smtp_header_checks = pcre:{{/a}/ DUNNO}}", "smtp_header_checks")):
        name = setting.partition(" =")[0]
        kept = host.main_cf.read_bytes()
        transport.main_cf = re.sub(rb"(?m)^relayhost = *\n", b"", kept) + f"{setting}\n".encode()
        reason = refused(transport, result="refused")
        assert why in reason and name in reason, reason
        transport.main_cf = kept


# Other states of the host.

@MAIL
def test_while_postfix_is_stopped(lab, transport):
    host, files = lab.mailhost, contents(transport)
    host.stop()
    answer = switched(transport("install"))
    assert "not running" in answer.reason and "proof" not in answer.steps
    installed = transport.main_cf, host.master_cf.read_bytes()
    lab.block(25, "rst")
    switched(transport("relay", "office", "587"))
    assert installed == (transport.main_cf, host.master_cf.read_bytes())
    host.start()
    ids = lab.mail(4)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    lab.unblock()
    host.stop()
    switched(transport("remove"))
    assert contents(transport) == files
    host.start()
    ids = lab.mail(4)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")


@MAIL
def test_of_two_instances_one_is_moved(lab, transport):
    second = Second(lab)
    second.start()
    config = lab.mailhost.path(CONF).read_text()
    lab.mailhost.write(CONF, config.replace('"/etc/postfix"', f'"{OUT}"'))
    first, theirs = transport.files(), second.everything()
    answer = switched(transport("relay", "office", "587"))
    assert answer.steps["proof"]["ok"]
    lab.run("sendmail", "-C", OUT, "-f", ALICE, "x@d000.example", input="Subject: x\n\nx\n",
            check=True)
    wait_until(lambda: re.search(r"to=<x@d000.example>, relay=relay\.example.*status=sent",
                                 second.log()), 20, "it leaves by the relay")
    switched(transport("remove"))
    assert second.everything() == theirs and transport.files() == first


UNUSUAL = {
    "no smtp": lambda text: re.sub(r"(?m)^smtp +unix .*\n", "", text),
    "limits": lambda text: re.sub(
        r"(?m)^(smtp +unix +- +- +)\S( +- +)-( +smtp)$",
        r"\1n\g<2>5 \3\n  -o syslog_name=postfix/out\n# a word\n    -o\n     smtp_helo_name=other.example"
        r"\n -o { smtp_bind_address6 = }", text),
    "no newline": lambda text: text.rstrip("\n"),
}


@pytest.mark.parametrize("what", UNUSUAL)
@pytest.mark.lab(operators=1, mx_hosts=1, domains=2)
def test_an_unusual_master_cf(lab, transport, what):
    host = lab.mailhost
    text = UNUSUAL[what](host.master_cf.read_text())
    assert text != host.master_cf.read_text()
    host.master_cf.write_text(text)
    host.main_cf.write_text(host.main_cf.read_text() + "".join(
        f"# line {i}\nlong_{i} = {'x' * 200}\n" for i in range(2000)) + "smtp_quit_timeout = 7s")
    host.backdate()
    host.reload()
    files = contents(transport)
    switched(transport("relay", "office", "587"))
    ids = lab.mail(4)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    service = host.run("postconf", "-M", "detour-office/unix", check=True).stdout.split()
    assert service[4] == ("n" if what != "no newline" else "y")
    assert service[6] == ("5" if what == "limits" else "-")
    if what == "limits":
        helo = host.run("postconf", "-P", "detour-office/unix/smtp_helo_name", check=True).stdout
        assert helo.endswith("= other.example\n")
    switched(transport("remove"))
    assert contents(transport) == files


@pytest.mark.lab(operators=1, mx_hosts=1, domains=1)
def test_who_waits_while_all_is_removed(lab, transport):
    """The lock goes with everything else; whoever has waited for it takes the new one."""
    ours = lab.mailhost.main_cf.with_name("detourd")
    switched(transport("install"))
    command = (program("detour-apply"), "-c", CONF, "--json")
    removing = lab.spawn(*command, "remove", log="remove.log")
    wait_until(lambda: (ours / "unfinished").exists(), 20, "it is being removed")
    waiting = lab.spawn(*command, "relay", "office", "587", log="relay.log")
    assert removing.wait(60) == 0, removing.output()
    assert waiting.wait(60) == 0, waiting.output()
    assert (ours / "lock").exists()
    assert transport("status").last["route"]["name"] == "office"
    switched(transport("remove"))
    assert not ours.exists()
    assert transport("remove").result == "unchanged" and not ours.exists()
