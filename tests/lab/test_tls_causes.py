# SPDX-License-Identifier: BSD-2-Clause
"""What a probe learns after EHLO: STARTTLS, certificates, and somebody who answers for others."""

import json

import pytest

from lab import mailhost
from lab.pki import Authority

pytestmark = pytest.mark.lab(postfix=False)

OPERATORS = [f"op{i}" for i in range(1, 7)]


def policy(level, *names):
    """tls_policy for these operators."""
    pairs = ", ".join(f'"{name}.example" = "{level}"' for name in names)
    return {"tls_policy": f"{{ {pairs} }}"} if names else {}


class Check:
    """One run of check --json, with the six operators and what is known of them."""

    def __init__(self, lab, *arguments, **probe):
        lab.product.configure(relays={}, mode="observe", **probe)
        ran = lab.product.detourctl("check", "--json", *arguments)
        assert ran.stderr == "", ran.stderr
        self.document = json.loads(ran.stdout)
        self.exit = ran.returncode

    def __str__(self):
        return json.dumps(self.document, indent=1)

    def family(self, family="ipv4"):
        return self.document["verdict"][family]

    def name(self, family="ipv4"):
        return self.family(family)["name"]

    def target(self, name, family="ipv4"):
        return next(o for o in self.family(family)["outcomes"] if o["target"] == f"{name}.example")

    def expect(self, name, outcome, detail=""):
        for family in ("ipv4", "ipv6"):
            target = self.target(name, family)
            assert target["outcome"] == outcome and detail in target["detail"], str(self)
        return self.target(name)["hosts"]


def offer_starttls(lab, name, kind="good", authority=None, **behaviour):
    """All MX hosts of an operator show a certificate for their own name, of that KIND."""
    for mx in lab.operator(name).mx:
        pair = (authority or lab.authority).issue(mx.name, kind)
        mx.fake(starttls=[str(path) for path in pair], **behaviour)


# STARTTLS

def test_a_good_certificate(lab):
    mailhost.trust(lab.mailhost, lab.authority)
    offer_starttls(lab, "op1")
    check = Check(lab, **policy("secure", "op1"))
    assert (check.name(), check.exit) == ("open", 0), str(check)
    for host in check.expect("op1", "open"):
        assert host["starttls"] is True and host["ehlo"] == host["host"]
        assert host["tls"].pop("days_left") in (29, 30)
        assert host["tls"] == {"protocol": "TLSv1.3", "verified": True, "why": None,
                               "certificate": host["host"]}
    for host in check.expect("op2", "open"):
        assert (host["starttls"], host["tls"]) == (False, None)
    assert not check.family()["false_certificate"]


def test_starttls_is_missing_where_it_is_known(lab):
    check = Check(lab, **policy("encrypt", "op1"))
    check.expect("op1", "no-starttls", "STARTTLS is not offered, which this operator is known to offer")
    check.expect("op2", "open")
    assert check.name() == "remote"


def test_starttls_is_offered_and_refused(lab):
    offer_starttls(lab, "op1", replies={"STARTTLS": "454 4.7.0 TLS not available"})
    lab.operator("op2").fake(ehlo=["STARTTLS"], replies={"STARTTLS": "220 2.0.0 Go ahead"})
    lab.operator("op3").fake(ehlo=["STARTTLS"], replies={
        "STARTTLS": {"raw": "220 2.0.0 Go ahead\r\n250 mx.op3.example\r\n"}})
    check = Check(lab, "--timeout", "3")
    check.expect("op1", "tls-failed")
    check.expect("op2", "tls-failed")
    check.expect("op3", "tls-failed", "plaintext behind the reply to STARTTLS")
    assert all(o["hosts"] for o in check.family()["outcomes"])


# Certificates

WORDS = {"expired": "certificate expired on ", "self-signed": "self-signed certificate",
         "wrong-name": "certificate is for not-mx"}


@pytest.mark.parametrize("kind", WORDS)
def test_a_bad_certificate(lab, kind):
    mailhost.trust(lab.mailhost, lab.authority)
    offer_starttls(lab, "op1", kind)
    offer_starttls(lab, "op2")
    # Postfix delivers there, so it is no reason for an alarm.
    check = Check(lab)
    assert (check.name(), check.exit) == ("open", 0), str(check)
    for host in check.expect("op1", "open", f"; {WORDS[kind]}"):
        assert host["tls"]["verified"] is False and WORDS[kind] in host["tls"]["why"]
        assert host["tls"]["days_left"] in ((-2, -1) if kind == "expired" else (29, 30))
    # Unless it is known to be good.
    check = Check(lab, **policy("secure", "op1", "op2"))
    assert check.expect("op1", "tls-failed", WORDS[kind])[0]["detail"].startswith(WORDS[kind])
    check.expect("op2", "open")
    assert check.name() == "remote"


# This host's own fault

def test_a_clock_that_is_wrong(lab):
    """Unrelated operators whose certificates are all out of their time: they are open."""
    mailhost.trust(lab.mailhost, lab.authority)
    for name in ("op1", "op2", "op3"):
        offer_starttls(lab, name, "expired")
    check = Check(lab, **policy("secure", "op1", "op2", "op3"))
    assert (check.name(), check.exit) == ("open", 0), str(check)
    assert check.family()["own_fault"] == check.family("ipv6")["own_fault"] == "clock"
    for name in ("op1", "op2", "op3"):
        assert check.expect(name, "open", "; certificate expired on ")[0]["detail"].startswith("220")
    assert "This host's clock is wrong, it seems" in lab.product.detourctl("check").stdout
    # Not where a single one is good: then it is their fault.
    offer_starttls(lab, "op4")
    check = Check(lab, **policy("secure", "op1", "op2", "op3", "op4"))
    assert check.family()["own_fault"] is None and check.exit != 0, str(check)
    check.expect("op1", "tls-failed", "certificate expired on ")


def test_authorities_that_this_host_does_not_know(lab, tmp_path):
    mailhost.trust(lab.mailhost, lab.authority)
    for name in ("op1", "op2"):
        offer_starttls(lab, name, authority=Authority(tmp_path / name, f"Root of {name}"))
    check = Check(lab, **policy("secure", "op1", "op2"))
    assert (check.name(), check.exit) == ("open", 0), str(check)
    assert check.family()["own_fault"] == "authorities"
    check.expect("op1", "open", "; certificate from an unknown authority, Root of op1")
    assert "does not know the authorities" in lab.product.detourctl("check").stdout


# Somebody else

def expect_interception(check, detail):
    assert (check.name(), check.name("ipv6"), check.exit) == ("intercepted", "intercepted", 2), \
        str(check)
    for name in OPERATORS:
        check.expect(name, "intercepted", detail)


def test_one_server_for_all(lab):
    lab.redirect(25)
    check = Check(lab)
    expect_interception(check, "proxy.provider.example answers here as for op")
    assert check.target("op2")["detail"].endswith("as for op1.example, op3.example and others")
    assert not check.family()["false_certificate"]
    lab.undo_redirect()
    assert Check(lab).name() == "open"


def test_one_server_for_all_under_tls(lab):
    mailhost.trust(lab.mailhost, lab.authority)
    lab.redirect(25, starttls=lab.authority.issue("proxy.provider.example"))
    check = Check(lab)
    expect_interception(check, "proxy.provider.example answers here as for op")
    assert check.family()["false_certificate"] and check.family("ipv6")["false_certificate"]
    host = check.target("op1")["hosts"][0]
    assert host["tls"]["why"] == \
        f"certificate is for proxy.provider.example, not for {host['host']}"


def test_one_certificate_for_all(lab):
    """A proxy that gives itself everybody's name, and has only one certificate."""
    pair = [str(path) for path in lab.authority.issue("proxy.provider.example")]
    for name in OPERATORS:
        lab.operator(name).fake(starttls=pair)
    check = Check(lab)
    expect_interception(check, "the certificate of proxy.provider.example is shown here as for op")
    assert check.family()["false_certificate"]


def test_an_authority_of_its_own(lab, tmp_path):
    """A proxy that makes a certificate for each name, by an authority that nobody knows."""
    mailhost.trust(lab.mailhost, lab.authority)
    proxy = Authority(tmp_path / "pki")
    for name in OPERATORS:
        offer_starttls(lab, name, authority=proxy)
    # Of nobody is it known that this would be wrong.
    check = Check(lab)
    assert check.name() == "open", str(check)
    check.expect("op1", "open", "certificate from an unknown authority, Lab Root")
    check = Check(lab, **policy("secure", *OPERATORS))
    expect_interception(check, "the certificate is of the same unknown authority here as for op")
    assert check.family()["false_certificate"]


def test_starttls_is_stripped(lab):
    check = Check(lab, **policy("encrypt", *OPERATORS))
    expect_interception(check,
                        "STARTTLS is missing here and at 5 other operators known to offer it")
    for name in OPERATORS[:3]:
        offer_starttls(lab, name)
    check = Check(lab, **policy("encrypt", *OPERATORS))
    check.expect("op1", "open")
    check.expect("op6", "no-starttls")


def test_a_firewall_that_masks(lab):
    lab.operator("op1").fake(greeting="220 *****2****2002*******0*00",
                             replies={"EHLO": "500 5.5.1 Command unrecognized"})
    lab.operator("op2").fake(ehlo=["XXXXXXXA", "8BITMIME"])
    check = Check(lab)
    for name in ("op1", "op2"):
        check.expect(name, "intercepted", "something between masks what the server says and offers")
    check.expect("op3", "open")
    for name in OPERATORS:
        lab.operator(name).fake(greeting="220 ****************", ehlo=["XXXXXXXA"])
    expect_interception(Check(lab), "masks what the server says")


def test_many_domains_at_one_operator_are_no_interception(lab):
    """Targets that are customers of one operator's hosts, which have names of their own."""
    for name in ("op1", "op2"):
        lab.operator(name).fake(greeting="220 mx.google.com ESMTP", replies={
            "EHLO": "250-mx.google.com at your service, [198.51.100.10]\r\n250 8BITMIME"})
    check = Check(lab)
    assert check.name() == "open", str(check)
    host = check.target("op1")["hosts"][0]
    assert (host["ehlo"], host["public_address"]) == ("mx.google.com", "198.51.100.10")
    assert "public_address" not in check.target("op1", "ipv6")["hosts"][0]


# Slow

def test_a_tarpit_says_how_far_it_came(lab):
    lab.operator("op1").tarpit(1)
    check = Check(lab, "--timeout", "3")
    check.expect("op1", "no-banner", "of it came")
    assert check.name() == "remote"


def test_a_banner_that_is_held_back(lab):
    lab.operator("op1").banner_delay(2)
    check = Check(lab, "--timeout", "6")
    check.expect("op1", "open")
    assert check.name() == "open"


# The daemon

def test_the_daemon_sees_it_too(lab):
    lab.redirect(25, starttls=lab.authority.issue("proxy.provider.example"))
    lab.product.configure(relays={}, mode="observe", **policy("secure", *OPERATORS))
    lab.product.start_daemon()
    seen = lab.product.wait_status(lambda s: (s["verdict"] or {}).get("ipv4", None) is not None, 30)
    family = seen["verdict"]["ipv4"]
    assert family["name"] == "intercepted" and family["false_certificate"], family
