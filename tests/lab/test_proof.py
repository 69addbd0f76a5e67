# SPDX-License-Identifier: BSD-2-Clause
"""The proof of a relay's service by Postfix itself: what it finds, and that nothing of it stays."""

import contextlib

import pytest

from lab.service import AUTHORITY, SENDER, Service
from lab.wait import wait_until

SMALL = pytest.mark.lab(operators=1, domains=1)
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "trace", "bounce", "defer")


def left(host):
    """The files in Postfix's queues."""
    spool = host.path("/var/spool/postfix")
    return [str(path) for queue in QUEUES for path in (spool / queue).rglob("*")
            if len(path.name) > 1]


def assert_nothing_stays(lab):
    """No message in any queue, and not a byte in any mailbox."""
    host = lab.mailhost
    wait_until(lambda: not left(host), 20, lambda: f"the queues are empty: {left(host)}")
    assert not [box for box in host.mailboxes.iterdir() if box.stat().st_size]
    assert not list(lab.relay.delivered.iterdir())
    assert not lab.delivered()


@contextlib.contextmanager
def hidden(host, path):
    """An empty directory in the place of PATH."""
    host.run("mount", "-t", "tmpfs", "tmpfs", path, check=True)
    yield
    host.run("umount", path, check=True)


@SMALL
@pytest.mark.parametrize("chroot", ["y", "n"])
def test_what_would_stop_mail_stops_the_proof(lab, chroot):
    service = Service(lab, chroot=chroot)
    assert service.prove() == ("good", "")

    service.give_password("not the right one")
    service.change(chroot=chroot)
    proof = service.prove()
    assert proof.result == "failed" and "535" in proof.why
    service.give_password(lab.relay.password)

    service.change(chroot=chroot, smtp_tls_CAfile="/nonexistent")
    proof = service.prove()
    assert proof.result == "failed" and "TLS" in proof.why

    service.change(chroot=chroot, smtp_tls_CAfile="", smtp_tls_CApath="/etc/ssl/lab")
    lab.run("mkdir", "-p", "/etc/ssl/lab", check=True)
    lab.run("cp", AUTHORITY, "/etc/ssl/lab", check=True)
    lab.run("openssl", "rehash", "/etc/ssl/lab", check=True)
    assert service.prove().result == ("failed" if chroot == "y" else "good")

    sasl = lab.run("sh", "-c", "dirname $(find /usr/lib -name 'libplain.so*' | head -1)").stdout
    with hidden(lab.mailhost, sasl.strip()):
        service.change(chroot=chroot)
        proof = service.prove()
    assert proof.result == "failed" and "SASL" in proof.why
    service.change(chroot=chroot)
    assert service.prove() == ("good", "")
    assert_nothing_stays(lab)


@SMALL
def test_what_the_relay_does(lab):
    service = Service(lab)
    lab.relay.certificate("wrong-name")
    proof = service.prove()
    assert proof.result == "failed" and "certificate" in proof.why
    lab.relay.heal()

    lab.relay.auth_off()
    service.change()
    assert service.prove().result == "failed"
    lab.relay.heal()

    lab.relay.host.postconf("smtpd_delay_reject=no", "smtpd_sender_restrictions=check_sender_access "
                            f"inline:{{{{{SENDER} = 550 5.1.8 (in reply to EHLO command) no}}}}")
    lab.relay.stop()
    service.change()
    proof = service.prove()
    assert proof.result == "failed" and "refused" in proof.why
    lab.relay.start()
    service.change()
    proof = service.prove()
    assert proof.result == "refused" and "(in reply to EHLO command) no" in proof.why
    assert_nothing_stays(lab)


@pytest.mark.lab(operators=1, domains=1, main_cf="service_throttle_time = 5s\n")
def test_a_service_that_cannot_start_and_its_repair(lab):
    service = Service(lab, smtp_connect_timeout="bogus")
    proof = service.prove()
    assert proof.result == "failed" and "ends as soon as it is started" in proof.why
    assert_nothing_stays(lab)
    # master(8) waits before it starts it again, a minute where it is not told otherwise.
    service.change()
    assert service.prove() == ("good", "")


def change(service, *settings):
    """With SETTINGS, and what they prove; a name alone is put back to nothing."""
    service.change(*settings)
    proof = service.prove()
    service.change(*(setting.partition("=")[0] + "=" for setting in settings))
    return proof


@SMALL
def test_the_owners_tables_that_lead_it_elsewhere(lab):
    service = Service(lab)
    proof = change(service, "canonical_maps=static:alice@sender.example")
    assert proof.result == "failed" and "canonical_maps leads" in proof.why
    proof = change(service, "virtual_alias_maps=regexp:{{/./ alice}}")
    assert proof.result == "failed" and "virtual_alias_maps leads" in proof.why
    proof = change(service, "virtual_alias_maps=regexp:{{/^postmaster@/ alice}}")
    assert proof.result == "failed" and "did not go by the service" in proof.why
    proof = change(service, "transport_maps=inline:{relay.example=smtp:[mx1.op1.example]}")
    assert proof.result == "failed" and "mx1.op1.example" in proof.why
    # An entry in front that leaves the probe alone.
    alone = f"inline:{{{{{SENDER} = {SENDER}}}}}"
    assert change(service, f"virtual_alias_maps={alone}, regexp:{{{{/^double-bounce/ alice}}}}",
                  f"canonical_maps={alone}, regexp:{{{{/^double-bounce/ alice}}}}").result == "good"
    assert_nothing_stays(lab)


@SMALL
def test_what_postfix_does_to_it(lab):
    service = Service(lab)
    proof = change(service, "defer_transports=detour-office")
    assert proof.result == "failed" and "deferred transport" in proof.why
    proof = change(service, "header_checks=regexp:{{/^Subject:/ HOLD}}")
    assert proof.result == "unknown" and "on hold" in proof.why
    proof = change(service, "header_checks=regexp:{{/^Subject:/ DISCARD}}")
    assert proof.result == "unknown" and "threw it away" in proof.why
    service.change("authorized_submit_users=!root")
    proof = service.prove()
    assert proof.result == "unknown" and "not allowed to submit" in proof.why
    service.change("authorized_submit_users=static:anyone")
    assert_nothing_stays(lab)


@SMALL
def test_no_report_in_any_mailbox(lab):
    service = Service(lab)
    for settings in (["luser_relay=alice"],
                     ["mailbox_transport=lmtp:unix:/nonexistent", "fallback_transport=error:no"],
                     ["always_bcc=alice@sender.example"],
                     ["notify_classes=bounce,2bounce,delay,resource,software,policy,protocol"],
                     ["mydestination=", "local_transport=error:no local mail"]):
        was = {name: lab.mailhost.run("postconf", "-h", name, check=True).stdout.strip()
               for name in (setting.partition("=")[0] for setting in settings)}
        service.change(*settings)
        assert service.prove() == ("good", ""), settings
        assert_nothing_stays(lab)
        service.change(*(f"{name}={value}" for name, value in was.items()))


@SMALL
def test_a_hashed_queue(lab):
    service = Service(lab)
    service.change("hash_queue_names=trace,active,incoming,deferred,defer", "hash_queue_depth=2")
    for _ in range(2):
        assert service.prove() == ("good", "")
    service.change("enable_long_queue_ids=yes")
    assert service.prove() == ("good", "")
    assert_nothing_stays(lab)


@SMALL
def test_a_relay_that_hangs(lab):
    """A probe that smtp(8) is still busy with is left to it, and ends with that."""
    service = Service(lab)
    lab.block(587, "drop")
    proof = service.prove(timeout_ms=3000)
    assert proof.result == "failed" and "does not get on" in proof.why
    lab.unblock()
    assert service.prove() == ("good", "")
    assert_nothing_stays(lab)


@SMALL
def test_somebody_elses_probes(lab):
    service = Service(lab)
    lab.mailhost.spawn("sh", "-c", "while sendmail -bv -f '<>' postmaster@relay.example; "
                       "do sleep 0.05; done")
    for _ in range(5):
        assert service.prove() == ("good", "")
