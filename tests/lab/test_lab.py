# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself: what it promises to the tests that use it."""

import concurrent.futures
import errno
import os
import pathlib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time

import pytest

from lab import Lab, LabError, wait_until
from lab import mail

BARE = pytest.mark.lab(postfix=False)


def refusal(lab, address, port=25, timeout=2):
    """How connect() to ADDRESS fails: an errno name, "timeout", or None if it succeeds."""
    try:
        lab.connect(address, port, timeout=timeout).close()
    except TimeoutError as error:
        return errno.errorcode.get(error.errno, "timeout")
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def refusals(lab, *addresses):
    """The same for several, all at once."""
    with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
        return tuple(pool.map(lambda address: refusal(lab, address), addresses))


def banner(lab, address, port=25, timeout=2):
    """What a server says first; "" if it says nothing in time."""
    with lab.connect(address, port, timeout=timeout) as connection:
        connection.settimeout(timeout)
        try:
            return connection.recv(512).decode()
        except TimeoutError:
            return ""


# Mail.

def test_mail_arrives_exactly_once(lab):
    ids = lab.mail(100, domains=50)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")
    assert not lab.bounced()
    hosts = {delivery.where for ident in ids for delivery in lab.delivered()[ident]}
    assert len(hosts) == 12, "every MX host has got its share"
    wait_until(lambda: not lab.queue(), 5, "the queue is empty")


def test_faults_are_counted(lab):
    """A ledger that could not find fault would prove nothing."""
    good, twice = lab.mail(2, size=200)
    mail.inject(lab.networks.mailhost, "127.0.0.1", [(twice, f"{twice}@{lab.domains[0]}")],
                "alice@sender.example", 200)
    mail.inject(lab.networks.mailhost, "127.0.0.1", [("m900001", "m900001@nowhere.example")],
                "alice@sender.example", 200)
    wait_until(lambda: len(lab.delivered().get(twice, ())) == 2, 10, "the double arrives")
    wait_until(lambda: lab.mailhost.mailboxes.joinpath("alice").exists(), 10, "a bounce is mailed")
    assert lab.bounced() == {"m900001"}
    lab.operator("op2").silence()
    held = lab.mail(2)[1]           # the second domain is with the second operator
    lab.assert_exactly_once([good], "direct")
    for ids, words in (([good, twice], "1 of 2 more than once: " + twice),
                       ([good, "m900001"], "1 of 2 bounced: m900001 (lost)"),
                       ([good, held], f"1 of 2 missing: {held} (mailhost: active)")):
        with pytest.raises(AssertionError) as failure:
            lab.assert_exactly_once(ids)
        assert words in str(failure.value)
    with pytest.raises(AssertionError, match="not by relay"):
        lab.assert_exactly_once([good], "relay")
    with pytest.raises(LabError, match="1 of 1 missing"):
        lab.wait_delivered([held], timeout=0.2)


def test_a_bounce_is_read_from_the_notice_too():
    """The log of a foreign relay is not ours to read."""
    notice = ("From MAILER-DAEMON Sun Nov 22 15:06:33 2026\nContent-Type: multipart/report; "
              "report-type=delivery-status; boundary=b\n\n--b\n"
              "Content-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
              "Final-Recipient: rfc822; m000007@d006.example\nAction: {}\n\n--b--\n")
    assert mail.returned(notice.format("failed")) == {"m000007"}
    assert mail.returned(notice.format("delayed")) == set()


def test_mail_host_is_as_debian_leaves_it(lab):
    check = lab.run("postfix", "check")
    assert (check.returncode, check.stdout + check.stderr) == (0, "")
    assert lab.run("postconf", "-n", check=True).stderr == ""
    assert lab.mailhost.postconf("relayhost") == ""
    assert lab.mailhost.postconf("config_directory") == "/etc/postfix"
    assert "smtp unix - - y - - smtp" in " ".join(
        lab.run("postconf", "-M", "smtp/unix", check=True).stdout.split())
    lab.run("sendmail", "-f", "alice@sender.example", "m000777@d000.example", user="alice",
            input=mail.message("m000777", "alice@sender.example", "m000777@d000.example", 300)
            .replace("\r", ""), check=True)
    lab.wait_delivered(["m000777"])
    lab.assert_exactly_once(["m000777"], "direct")


@pytest.mark.lab(main_cf="relayhost = [relay.example]:2525\nsmtp_tls_security_level = none\n")
def test_main_cf_can_be_told(lab):
    assert lab.mailhost.postconf("relayhost") == "[relay.example]:2525"
    assert lab.mailhost.main_cf.read_text().count("\nrelayhost") == 1
    assert lab.run("postconf", "-n", check=True).stderr == ""


# The provider.

@BARE
def test_block_does_what_it_says(lab):
    """The errors are Linux's own for each kind of refusal."""
    four, six = lab.operator("op1").mx[0].addresses
    expected = {
        "drop": ("timeout", "timeout"),
        "rst": ("ECONNREFUSED", "ECONNREFUSED"),
        "icmp": ("EHOSTUNREACH", "EACCES"),
        "host-unreachable": ("EHOSTUNREACH", "EHOSTUNREACH"),
        "net-unreachable": ("ENETUNREACH", "ENETUNREACH"),
        "net-prohibited": ("ENETUNREACH", "EACCES"),
        "port-unreachable": ("ECONNREFUSED", "ECONNREFUSED"),
    }
    for method, errors in expected.items():
        lab.block(25, method)
        assert refusals(lab, four, six) == errors, method
        assert refusal(lab, four, 587) == "ECONNREFUSED", "another port"
        lab.unblock()
    assert refusals(lab, four, six) == (None, None)
    with pytest.raises(ValueError):
        lab.block(25, "tarpit")


@BARE
def test_block_by_family_and_place(lab):
    ours, theirs = lab.operator("op1"), lab.operator("op2")
    lab.block(25, "rst", family=6)
    assert refusal(lab, ours.mx[0].addresses[0]) is None
    assert refusal(lab, ours.mx[0].addresses[1]) == "ECONNREFUSED"
    lab.unblock()
    lab.block(25, "rst", to="op1")
    assert all(refusal(lab, address) == "ECONNREFUSED" for address in ours.addresses)
    assert all(refusal(lab, address) is None for address in theirs.addresses)
    lab.unblock()
    lab.block(25, "rst", to=ours.mx[1].addresses[0])
    assert [refusal(lab, address) for address in ours.addresses] == [
        None, None, "ECONNREFUSED", None]


@BARE
def test_block_and_established_connections(lab):
    address = lab.operator("op1").mx[0].addresses[0]
    with lab.connect(address, 25, timeout=1) as connection:
        connection.recv(512)
        lab.block(25, "drop", spare_established=True)
        assert refusal(lab, address, timeout=0.5) == "timeout"
        connection.sendall(b"NOOP\r\n")
        assert connection.recv(512).startswith(b"250")
        lab.block(25, "drop")
        connection.sendall(b"NOOP\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(512)


@BARE
def test_loss_cut_and_mend(lab):
    address = lab.operator("op1").addresses[0]
    with lab.networks.internet.inside():
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with lab.networks.mailhost.inside():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((address, 9999))
        receiver.setblocking(False)
        lab.lose(3, 10)
        for number in range(100):
            sender.sendto(b"%d" % number, (address, 9999))
        arrived = []

        def last_has_come():
            while True:
                try:
                    arrived.append(int(receiver.recv(16)))
                except BlockingIOError:
                    return arrived[-1:] == [99]
        wait_until(last_has_come, 5, "the last datagram arrives")
        assert len(arrived) == 70
    lab.mend()
    lab.cut()
    assert refusal(lab, address, timeout=0.5) == "timeout"
    assert refusal(lab, address, 587, timeout=0.5) == "timeout"
    lab.mend()
    assert refusal(lab, address) is None


@BARE
def test_redirect_is_one_server_for_all(lab):
    hosts = [lab.operator("op1").mx[0], lab.operator("op2").mx[1]]
    lab.redirect(25)
    said = {banner(lab, address) for mx in hosts for address in mx.addresses}
    assert said == {"220 proxy.provider.example ESMTP\r\n"}
    lab.undo_redirect()
    assert mail_name(banner(lab, hosts[0].addresses[0])) == hosts[0].name


def mail_name(line):
    return line.split()[1] if line else None


@BARE
def test_silent_addresses_are_silent(lab):
    """An address that nobody has gets no answer, least of all from the lab."""
    assert refusal(lab, "198.18.101.77", timeout=0.5) == "timeout"
    assert refusal(lab, "2001:db8:1101::77", timeout=0.5) == "timeout"


# Names.

def ask(lab, name="op1.example", timeout=0.5):
    """An MX query: "answer", "refused" (nobody listens) or "timeout"."""
    query = (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
             + b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
             + b"\x00\x00\x0f\x00\x01")
    with lab.networks.mailhost.inside():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.settimeout(timeout)
        client.connect((lab.dns.addresses[0], 53))
        client.send(query)
        try:
            answer = client.recv(4096)
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "timeout"
    return "answer" if int.from_bytes(answer[6:8], "big") else f"code {answer[3] & 15}"


@BARE
def test_names(lab):
    found = lab.run("getent", "ahosts", "mx2.op6.example", check=True).stdout.split()
    assert set(lab.operator("op6").mx[1].addresses) <= set(found)
    assert ask(lab) == ask(lab, "d059.example") == "answer"
    assert ask(lab, "nowhere.example") == "code 3"
    lab.dns.stop()
    assert ask(lab) == "refused"
    lab.dns.mend()
    lab.dns.drop()
    assert ask(lab) == "timeout"
    lab.dns.mend()
    lab.dns.add("mx-host=more.example,mx1.op1.example,10")
    assert ask(lab) == ask(lab, "more.example") == "answer"
    assert "query[MX] more.example" in lab.dns.queries()


# Mail operators.

@BARE
def test_operators_misbehave_as_told(lab):
    first, other = lab.operator("op1"), lab.operator("op2")
    four, six = first.mx[0].addresses
    assert banner(lab, four) == banner(lab, six) == "220 mx1.op1.example ESMTP\r\n"
    first.stop()
    assert refusal(lab, four) == refusal(lab, six) == "ECONNREFUSED"
    first.greet("554 5.7.1 go away")
    assert banner(lab, four) == banner(lab, six) == "554 5.7.1 go away\r\n"
    first.no_banner()
    assert banner(lab, four, timeout=0.5) == ""
    first.banner_delay(1)
    assert banner(lab, four, timeout=0.5) == ""
    assert banner(lab, four, timeout=5) == "220 mx1.op1.example ESMTP\r\n"
    first.tarpit(0.3)
    crumb = banner(lab, four)
    assert crumb and len(crumb) < 5 and "220 mx1.op1.example".startswith(crumb)
    first.silence()
    assert refusal(lab, four, timeout=0.5) == refusal(lab, six, timeout=0.5) == "timeout"
    assert refusal(lab, four, 587, timeout=0.5) == "timeout"
    assert banner(lab, other.addresses[0]) == "220 mx1.op2.example ESMTP\r\n"
    first.start()
    assert banner(lab, four) == banner(lab, six) == "220 mx1.op1.example ESMTP\r\n"


@BARE
def test_fake_server_speaks_smtp(lab):
    operator = lab.operator("op1")
    operator.fake(starttls=[str(path) for path in lab.authority.issue("mx1.op1.example")],
                  replies={"RCPT": "450 4.2.0 later"})
    with lab.connect(operator.addresses[0], 25) as connection:
        client = smtplib.SMTP()
        client.sock, client.file = connection, None
        client._host = "mx1.op1.example"
        assert client.getreply()[0] == 220
        context = ssl.create_default_context(cafile=lab.authority.certificate)
        assert client.starttls(context=context)[0] == 220
        assert client.ehlo()[0] == 250
        assert not client.has_extn("starttls") and client.has_extn("8bitmime")
        assert client.mail("a@sender.example")[0] == 250
        assert client.rcpt("b@d000.example") == (450, b"4.2.0 later")
        assert client.quit()[0] == 221


@BARE
def test_fake_server_can_babble(lab):
    operator = lab.operator("op1")
    operator.fake(greeting={"raw": "22\0\n", "endless": True})
    with lab.connect(operator.addresses[1], 25) as connection, connection.makefile("rb") as lines:
        assert [lines.readline() for _ in range(50000)] == [b"22\0\n"] * 50000


def test_fake_server_takes_mail(lab):
    lab.operator("op1").banner_delay(0.1)
    lab.operator("op2").fake(replies={".": "450 4.2.0 not now"})
    taken, held = lab.mail(2)
    lab.wait_delivered([taken])
    lab.assert_exactly_once([taken], "direct:mx1.op1.example")
    wait_until(lambda: lab.queue() == {held: "deferred"}, 10, "the other is deferred")
    lab.operator("op2").start()
    lab.mailhost.flush()
    lab.wait_delivered([held])
    lab.mailhost.stop()
    assert lab.queue() == {}
    lab.assert_exactly_once([taken, held], "direct")


# Relays.

def use_relay(lab, relay, port=587):
    """What an administrator does by hand."""
    host = lab.mailhost
    host.write("/etc/postfix/sasl_passwd",
               f"[{relay.hostname}]:{port} {relay.username}:{relay.password}\n", mode=0o600)
    host.run("postmap", "/etc/postfix/sasl_passwd", check=True)
    host.postconf(f"relayhost=[{relay.hostname}]:{port}", "smtp_sasl_auth_enable=yes",
                  "smtp_sasl_password_maps=hash:/etc/postfix/sasl_passwd",
                  "smtp_sasl_tls_security_options=noanonymous",
                  "smtp_tls_security_level=secure", f"smtp_tls_CAfile={relay.ca_file}")
    host.reload()


def test_mail_by_relay(lab):
    lab.block(25, "drop")
    use_relay(lab, lab.relay)
    ids = lab.mail(50)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    assert f"sasl_username={lab.relay.username}" in lab.relay.host.log()

    lab.relay.password_wrong()
    start = len(lab.mailhost.log())
    held = lab.mail(3)
    lab.mailhost.wait_log(r"SASL authentication failed; server relay\.example.* said: 535",
                          start=start)
    wait_until(lambda: sorted(lab.queue()) == held
               and set(lab.queue().values()) == {"deferred"}, 10, "the mail is deferred")
    lab.relay.heal()
    lab.mailhost.flush()
    lab.wait_delivered(held)
    lab.assert_exactly_once(ids + held, "relay")


@pytest.mark.lab(relays=2)
def test_two_relays(lab):
    use_relay(lab, lab.relays[1], 2525)
    ids = lab.mail(5)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay2")


def submit(lab, relay, port=587, address=None, password=None):
    """Log in as a careful client does and offer a recipient; the reply code."""
    context = ssl.create_default_context(cafile=relay.ca_file)
    address = address or relay.addresses[0]

    class Client(smtplib.SMTP):
        def _get_socket(self, host, port, timeout):
            connection = lab.connect(address, port, timeout=timeout)
            return context.wrap_socket(connection, server_hostname=host) if port == 465 \
                else connection

    with Client(relay.hostname, port, "mail.sender.example", timeout=5) as client:
        if port != 465:
            client.starttls(context=context)
        if password:
            client.login(relay.username, password)
        client.mail("alice@sender.example")
        return client.rcpt("someone@d000.example")[0]


def test_relay_works_and_fails_as_told(lab):
    relay = lab.relay
    for port in (587, 2525, 465):
        for address in relay.addresses:
            assert submit(lab, relay, port, address, relay.password) == 250, (port, address)
        assert submit(lab, relay, port) == 554, "no open relay"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            submit(lab, relay, port, password="no" + relay.password)

    for kind, words in (("wrong-name", "Hostname mismatch"), ("self-signed", "self-signed"),
                        ("expired", "expired")):
        relay.certificate(kind)
        for port in (587, 465):
            with pytest.raises(ssl.SSLCertVerificationError, match=words):
                submit(lab, relay, port, password=relay.password)
    relay.heal()
    relay.starttls_off()
    with pytest.raises(smtplib.SMTPNotSupportedError, match="STARTTLS"):
        submit(lab, relay, password=relay.password)
    relay.heal()
    relay.auth_off()
    with pytest.raises(smtplib.SMTPNotSupportedError, match="AUTH"):
        submit(lab, relay, password=relay.password)
    relay.heal()
    assert submit(lab, relay, password=relay.password) == 250
    relay.stop()
    assert refusal(lab, relay.addresses[0], 587) == "ECONNREFUSED"
    relay.start()
    lab.block(587, "rst", to="relay")
    assert refusal(lab, relay.addresses[0], 587) == "ECONNREFUSED"
    assert refusal(lab, relay.addresses[0], 2525) is None


@BARE
@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_eavesdropper_hears_a_careless_client(lab, mechanism):
    spy = lab.eavesdropper
    spy.start("no-starttls")
    with lab.connect(spy.addresses[0], 587) as connection:
        client = smtplib.SMTP(local_hostname="mail.sender.example")
        client.sock, client.file = connection, None
        assert client.getreply()[0] == 220
        client.ehlo()
        assert not client.has_extn("starttls")
        assert not spy.has_heard("me", "secret")
        client.user, client.password = "me", "secret"
        assert client.auth(mechanism.upper(), getattr(client, f"auth_{mechanism}"))[0] == 235
    assert spy.has_heard("me", "secret") and b"ehlo mail.sender.example" in spy.heard()


def test_eavesdropper_hears_no_careful_client(lab):
    spy = lab.eavesdropper
    spy.username, spy.password = "me", "secret"     # what Relay has
    spy.ca_file = lab.authority.certificate
    for kind, error in (("no-starttls", smtplib.SMTPNotSupportedError),
                        ("self-signed", ssl.SSLCertVerificationError),
                        ("wrong-name", ssl.SSLCertVerificationError),
                        ("expired", ssl.SSLCertVerificationError)):
        spy.start(kind)
        with pytest.raises(error):
            submit(lab, spy, password="secret")
    assert b"ehlo" in spy.heard() and not spy.has_heard("me", "secret")


# Programs on hosts.

@BARE
def test_programs(lab, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    shown = lab.run("sh", "-c", "hostname; id -un; env", user="detourd", env={"A": "b"})
    assert shown.stdout.splitlines()[:2] == ["mail.sender.example", "detourd"]
    assert "A=b" in shown.stdout and "SSL_CERT_FILE" not in shown.stdout
    assert lab.run("cat", input="text").stdout == "text"
    assert lab.run("sh", "-c", "exit 3").returncode == 3
    with pytest.raises(LabError, match="exit 3"):
        lab.run("sh", "-c", "exit 3", check=True)
    with pytest.raises(subprocess.TimeoutExpired):
        lab.run("sh", "-c", "sleep 777 & sleep 777", timeout=0.3)
    wait_until(lambda: lab.run("pgrep", "-x", "sleep").returncode == 1, 5,
               "what was too slow is gone")


@BARE
def test_programs_left_running(lab):
    program = lab.spawn("sh", "-c", "trap 'echo bye; exit 5' TERM; echo here; "
                        "while :; do read -t 1 x; done")
    assert program.wait_log("^here$").group() == "here"
    assert program.poll() is None
    assert program.stop() == 5
    program.wait_log("^bye$")
    with pytest.raises(LabError, match="ended"):
        program.wait_log("^never$")
    killed = lab.spawn("sleep", "777")
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert lab.spawn("true").wait() == 0


@BARE
def test_files_of_a_host_are_its_own(lab):
    lab.mailhost.write("/etc/detourd/relay.password", "x", mode=0o640, owner="root:detourd")
    assert lab.run("stat", "-c", "%a %U:%G", "/etc/detourd/relay.password").stdout \
        == "640 root:detourd\n"
    lab.run("sh", "-c", "echo y >/etc/lab-was-here; echo y >/var/lab-was-here; "
            "echo y >/run/lab-was-here", check=True)
    for directory in ("/etc", "/var", "/run"):
        assert lab.mailhost.path(f"{directory}/lab-was-here").read_text() == "y\n"
        assert not pathlib.Path(directory, "lab-was-here").exists()
        assert lab.run("ls", f"{directory}/lab-was-here", host="internet").returncode != 0


# A lab and the world.

def test_two_labs_side_by_side(lab):
    with Lab() as other:
        lab.block(25, "rst")
        address = lab.operator("op1").addresses[0]
        assert refusal(lab, address) == "ECONNREFUSED"
        assert refusal(other, address) is None
        theirs = other.mail(20)
        other.wait_delivered(theirs)
        other.assert_exactly_once(theirs, "direct")
        assert not lab.delivered()
        lab.unblock()
    ours = lab.mail(20)
    lab.wait_delivered(ours)
    lab.assert_exactly_once(ours, "direct")


def machine():
    """What a lab must leave as it is."""
    def listing(path):
        return sorted((entry.name, entry.lstat().st_mtime_ns)
                      for entry in pathlib.Path(path).iterdir())

    places = [path for path in ("/etc", "/etc/postfix", "/var/spool/postfix", "/var/lib/postfix",
                                "/var/mail", "/run/netns") if os.path.isdir(path)]
    return {
        "files": {path: listing(path) for path in places},
        "mounts": pathlib.Path("/proc/self/mountinfo").read_text(),
        "links": subprocess.run(["ip", "-br", "link"], capture_output=True, text=True,
                                check=True).stdout,
        "rules": subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True,
                                check=True).stdout,
        "name": socket.gethostname(),
    }


def test_the_machine_is_untouched():
    before = machine()
    with Lab() as lab:
        lab.block(26, "rst")
        lab.wait_delivered(lab.mail(5))
        lab.mailhost.stop()
        assert machine() == before
        directory = lab.directory
    assert machine() == before
    assert not directory.exists()


# Prints what identifies a lab, and waits.
MAKE_A_LAB = """
import os, sys
sys.path.insert(0, sys.argv[1])
from lab import Lab
with Lab() as lab:
    lab.mail(10)
    lab.spawn("sleep", "777")
    print(lab.directory, lab.sandbox.holder_pid, flush=True)
    sys.stdin.read()
"""


def namespaces(pid):
    """The namespaces of a process as far as they are not ours."""
    links = set()
    for kind in ("pid", "net", "mnt", "uts"):
        try:
            links.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            pass                    # it has ended
    return links - {os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "net", "mnt", "uts")}


def residents(spaces):
    """The processes that are in one of these namespaces."""
    return {int(entry.name) for entry in pathlib.Path("/proc").iterdir()
            if entry.name.isdigit() and namespaces(entry.name) & spaces}


def everything_of(holder):
    """All processes in any of the namespaces of a lab, and those namespaces."""
    spaces = set().union(*(namespaces(pid) for pid in residents(namespaces(holder))))
    return residents(spaces), spaces


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_a_killed_test(end):
    before = machine()
    test = subprocess.Popen([sys.executable, "-c", MAKE_A_LAB, str(pathlib.Path(__file__).parent)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.DEVNULL)
    directory, holder = test.stdout.readline().split()
    processes, spaces = everything_of(holder)
    assert len(processes) > 20
    assert len([space for space in spaces if space.startswith("net:")]) == 2, \
        "the mail host and the internet are populated"
    test.send_signal(end)
    test.wait(10)
    test.stdin.close()
    test.stdout.close()
    # A namespace lives as long as a process is in it or a mount of the machine's refers to it.
    wait_until(lambda: not processes & residents(spaces), 5,
               lambda: f"{processes & residents(spaces)} end")
    wait_until(lambda: not os.path.exists(directory), 5, f"{directory} goes")
    assert machine() == before


def test_nothing_is_left_of_a_killed_holder():
    before = machine()
    with Lab() as lab:
        lab.spawn("sleep", "777")
        processes, spaces = everything_of(lab.sandbox.holder_pid)
        assert len(processes) > 20
        os.kill(lab.sandbox.holder_pid, signal.SIGKILL)
        wait_until(lambda: not processes & residents(spaces), 5,
                   lambda: f"{processes & residents(spaces)} end")
        with pytest.raises(LabError):
            lab.run("true", check=True)
    assert not lab.directory.exists()
    assert machine() == before


def test_a_lab_that_cannot_be_made_leaves_nothing(monkeypatch):
    before = machine()
    made = []
    monkeypatch.setattr(Lab, "_start", lambda self, postfix: made.append(self) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Lab()
    assert not made[0].directory.exists()
    assert machine() == before


def test_labs_are_quick():
    """Later tests make one each."""
    begun = time.monotonic()
    with Lab(postfix=False):
        pass
    assert time.monotonic() - begun < 5
