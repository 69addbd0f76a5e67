# SPDX-License-Identifier: BSD-2-Clause
"""What a plan says of a real Postfix: all that speaks against a switch, what it would change, and
which mail would not follow, or follow unexpectedly. And that what it says is so."""

import json

import pytest

from lab.product import program

BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)


def said(plan, member):
    return "\n".join(plan[member])


def use_tables(lab, **files):
    for name, text in files.items():
        lab.mailhost.write(f"/etc/postfix/{name}", text)


@BARE
def test_all_refusals_come_first_and_the_difference_all_the_same(lab, apply):
    lab.mailhost.postconf("relay_domains = other.example", "smtp_tls_wrappermode = yes",
                          "relayhost = [home.example]", "mail_name = Postcow")
    apply.give_password("hushhush", mode=0o644)
    before = apply.files()
    answer = apply("plan", "relay", "office", "587")
    assert (answer.result, answer.status) == ("refused", 1)
    refusals = said(answer.last, "refusals")
    for word in ("relay_domains = other.example", "smtp_tls_wrappermode", "replace_relayhost",
                 "mailcow", "office.password"):
        assert word in refusals, word
        assert word in answer.reason, word
    assert len(answer.last["refusals"]) == 5
    assert "+relayhost = [relay.example]:587\n" in answer.last["difference"]
    assert {p["name"]: p["after"] for p in answer.last["parameters"]}["relayhost"] == \
        "[relay.example]:587"
    assert "hushhush" not in answer.text
    assert apply.files() == before
    # What cannot be worked out at all is refused with its reason alone.
    answer = apply("plan", "relay", "nobody", "587")
    assert answer.result == "refused" and "nobody" in said(answer.last, "refusals")


@BARE
def test_more_reasons_than_fit_are_counted(lab, apply):
    """The answer line says as many as it can, the plan all."""
    domains = ", ".join(f"host{n:02}.example" for n in range(60))
    lab.mailhost.postconf(
        f"relay_domains = {domains}", "smtp_tls_wrappermode = yes", "relayhost = [home.example]",
        "smtp_sender_dependent_authentication = yes", "default_transport = lmtp",
        "smtp_tls_per_site = hash:/etc/aliases", "sender_dependent_relayhost_maps = hash:/etc/a",
        "sender_dependent_default_transport_maps = hash:/etc/b", "smtp_sasl_type = dovecot")
    refusals = apply("plan", "relay", "office", "587").last["refusals"]
    assert len(refusals) == 9 and all(len(refusal) < 400 for refusal in refusals)
    reason = apply("relay", "office", "587").reason
    said = [refusal for refusal in refusals if refusal in reason]
    assert said == refusals[:len(said)] and len(said) > 2
    assert reason.endswith(f"; and {9 - len(said)} more; detour-apply plan has all")


@BARE
def test_what_goes_its_own_way_is_named(lab, apply):
    use_tables(lab, transport="a.example smtp:\nb.example :\nc.example lmtp:unix:x\n"
                              "d.example smtp:[gw.example]:587\n",
               patterns="/^Subject: x/ FILTER smtp:[x]\n/y/ REDIRECT a@b.example\n",
               access="a.example FILTER smtp:[x]\n")
    lab.run("sh", "-ec", "cd /etc/postfix; postmap transport access; "
            "printf 'slow unix - - n - - smtp\n -o smtp_sasl_password_maps=static:u:hushhush\n' "
            ">>master.cf", check=True)
    lab.mailhost.postconf(
        "transport_maps = hash:/etc/postfix/transport, regexp:/etc/postfix/patterns, "
        "inline:{{e.example = smtp:[in.example]}}, mysql:/etc/postfix/m.cf",
        "content_filter = scan:[127.0.0.1]:10025", "header_checks = regexp:/etc/postfix/patterns",
        "smtpd_recipient_restrictions = reject_unverified_recipient, "
        "check_sender_access hash:/etc/postfix/access",
        "mynetworks = 127.0.0.0/8 10.0.0.0/8", "sender_bcc_maps = hash:/etc/postfix/access",
        "smtp_fallback_relay = [last.example]")
    start = len(lab.mailhost.log())
    answer = apply("plan", "relay", "office", "587")
    assert (answer.result, answer.status) == ("ok", 0), answer
    stays, comes = said(answer.last, "not_following"), said(answer.last, "following_unexpectedly")
    for words in ("hash:/etc/postfix/transport has 3 entries (a.example, c.example, d.example)",
                  "1 of them goes to port 25", "regexp:/etc/postfix/patterns is a table of patterns",
                  "inline:{{e.example = smtp:[in.example]}} has 1 entry (e.example)",
                  "mysql:/etc/postfix/m.cf cannot be looked into", "content_filter = scan",
                  "header_checks: regexp:/etc/postfix/patterns has FILTER",
                  "smtpd_recipient_restrictions: hash:/etc/postfix/access has FILTER",
                  "slow/unix runs smtp(8) too, with -o smtp_sasl_password_maps=...",
                  "smtp_fallback_relay = [last.example]", "without this Postfix"):
        assert words in stays, (words, stays)
    for words in ("header_checks: regexp:/etc/postfix/patterns has REDIRECT",
                  "addresses are verified by way of the relay", "other hosts (10.0.0.0/8)",
                  "sender_bcc_maps = hash:/etc/postfix/access", "bounces", "local network"):
        assert words in comes, (words, comes)
    assert "hushhush" not in answer.text
    assert "fatal" not in lab.mailhost.log()[start:], "nobody was asked in vain"


@BARE
def test_a_table_that_others_can_write_is_not_opened(lab, apply):
    use_tables(lab, transport="a.example smtp:\n")
    lab.run("sh", "-ec", "cd /etc/postfix; postmap transport; chmod o+w transport.db", check=True)
    lab.mailhost.postconf("transport_maps = hash:/etc/postfix/transport")
    plan = apply("plan", "relay", "office", "587").last
    assert "hash:/etc/postfix/transport cannot be looked into" in said(plan, "not_following")


@pytest.mark.parametrize("value", ["hash:/etc/postfix/transport", "static:smtp:[x.example]",
                                   "inline:{{* = smtp:[x.example]}}"])
@BARE
def test_a_table_that_takes_all_mail_refuses(lab, apply, value):
    use_tables(lab, transport="a.example :\n* smtp:[x.example]\n")
    lab.run("postmap", "/etc/postfix/transport", check=True)
    lab.mailhost.postconf(f"transport_maps = {value}")
    for words in (("plan", "relay", "office", "587"), ("relay", "office", "587")):
        answer = apply(*words)
        assert answer.result == "refused" and "sends all mail to smtp:[x.example]" in answer.reason
    # One that says nothing takes nothing.
    use_tables(lab, transport="a.example smtp:\n* :\n")
    lab.run("postmap", "/etc/postfix/transport", check=True)
    lab.mailhost.postconf("transport_maps = hash:/etc/postfix/transport")
    assert apply("plan", "relay", "office", "587").result == "ok"


def own_ways(lab):
    """What the owner has that the method transport has to leave alone."""
    use_tables(lab, senders="apart@a.example lmtp:[in.example]\n@b.example DUNNO\n")
    lab.run("sh", "-ec", "cd /etc/postfix; postmap senders; "
            "printf 'slow unix - - n - - smtp\n -o smtp_sasl_password_maps=static:u:hushhush\n' "
            ">>master.cf", check=True)
    lab.mailhost.postconf("relay_domains = other.example",
                          "sender_dependent_default_transport_maps = hash:/etc/postfix/senders",
                          "smtpd_recipient_restrictions = reject_unverified_recipient",
                          "tls_append_default_CA = yes", "smtp_tls_mandatory_ciphers = low")


@BARE
def test_a_plan_of_the_method_transport(lab, apply):
    own_ways(lab)
    apply.configure(postfix="method = transport", relay='senders = { "@sender.example" }')
    before = apply.files()
    plan = apply("plan", "relay", "office", "587")
    assert plan.result == "ok", plan
    document = plan.last
    assert document["installed"] is False and document["services"] == ["detour-office"]
    entry = document["entries"][0]
    assert entry["name"] == "detour-office/unix"
    for option in ("smtp_tls_security_level=secure", "tls_append_default_CA=no"):
        assert f" -o {option}\n" in entry["text"], entry
    assert "smtp_tls_mandatory_ciphers = low" in said(document, "notes")
    assert document["senders"] == [{"name": "@sender.example",
                                    "way": "detour-office:[relay.example]:587"}]
    names = [parameter["name"] for parameter in document["parameters"]]
    assert names == ["sender_dependent_default_transport_maps",
                     "address_verify_sender_dependent_default_transport_maps"]
    for words in ("--- main.cf", "--- master.cf", "+detour-office", "slow"):
        assert words in document["difference"], words
    written = said(document, "files")
    for name in ("main.cf", "master.cf", "detourd/routes/now", "detourd/main.cf.before",
                 "detourd/master.cf.before", "detourd/private/1"):
        assert f"/etc/postfix/{name}" in written, name
    stays, comes = said(document, "not_following"), said(document, "following_unexpectedly")
    for words in ("other envelope senders than its senders (@sender.example)",
                  "from the null sender", "relay_domains = other.example",
                  "hash:/etc/postfix/senders has 2 entries (@b.example, apart@a.example)",
                  "slow/unix runs smtp(8) too", "address verification keep their way"):
        assert words in stays, (words, stays)
    assert "relay_domains = " not in comes and "bounces" not in comes
    assert "hushhush" not in plan.text
    # By the other words, and of what no socket may ask.
    assert apply("--dry-run", "relay", "office", "587").last == document
    install = apply("--dry-run", "install").last
    assert install["result"] == "ok" and install["route"] == {"name": "direct", "port": 0}
    assert install["entries"] == document["entries"] and "hushhush" not in str(install)
    assert apply("--dry-run", "remove").result == "unchanged"
    assert apply.files() == before
    # Without a scope.
    apply.configure(postfix="method = transport")
    plan = apply("plan", "relay", "office", "587").last
    assert plan["senders"][-1] == {"name": "*", "way": "detour-office:[relay.example]:587"}


@pytest.mark.parametrize("name, value", [
    ("default_transport", "smtp:[x.example]"), ("relayhost", "[x.example]"),
    ("sender_dependent_relayhost_maps", "hash:/etc/x"),
    ("sender_dependent_default_transport_maps", ""),
    ("empty_address_default_transport_maps_lookup_key", "nobody")])
@BARE
def test_routing_options_of_the_rewriting_service_refuse(lab, apply, name, value):
    apply.configure(postfix="method = transport")
    lab.run("postconf", "-P", f"rewrite/unix/{name}={value}", check=True)
    plan = apply("plan", "relay", "office", "587")
    assert plan.result == "refused" and f'rewrite/unix has "-o {name}={value}"' in plan.reason


@pytest.mark.lab(operators=1, mx_hosts=1, domains=3)
def test_mail_goes_where_the_plan_says(lab, apply):
    """Two domains of the three go their own way, by transport_maps and by relay_transport."""
    by_map, by_transport, by_relay = lab.domains
    host = lab.operators[0].mx[0].name
    use_tables(lab, transport=f"{by_map} smtp:[{host}]\n")
    lab.run("postmap", "/etc/postfix/transport", check=True)
    lab.mailhost.postconf("transport_maps = hash:/etc/postfix/transport",
                          f"relay_domains = {by_transport}", f"relay_transport = relay:[{host}]")
    plan = apply("plan", "relay", "office", "587")
    assert plan.result == "ok", plan
    stays = said(plan.last, "not_following")
    assert f"({by_map})" in stays and f"relay_domains = {by_transport}" in stays
    assert by_relay not in stays
    assert apply("relay", "office", "587").result == "ok"
    ids = lab.mail(3)
    lab.wait_delivered(ids)
    for ident, where in zip(ids, ("direct", "direct", "relay")):
        lab.assert_exactly_once([ident], where)


@BARE
def test_a_return_says_where_home_is(lab, apply):
    lab.mailhost.postconf("relayhost = [home.example]")
    apply.configure(postfix="replace_relayhost = yes")
    assert apply("relay", "office", "587").result == "ok"
    plan = apply("plan", "direct")
    assert plan.result == "ok" and plan.last["following_unexpectedly"] == []
    assert "relayhost = [home.example]" in said(plan.last, "not_following")


@BARE
def test_passwords_near_the_difference_are_hidden(lab, apply):
    lab.mailhost.postconf("mine = static:me:hushhush1", "smtp_sasl_password_maps = $mine",
                          "lmtp_sasl_password_maps = static:me:hushhush2",
                          "maillog_file = /var/log/mail.log")
    with lab.mailhost.main_cf.open("a") as stream:
        stream.write("#smtp_sasl_password_maps = static:me:hushhush3\nusers_password = hushhush4\n")
    lab.mailhost.backdate()
    plan = apply("plan", "relay", "office", "587")
    assert plan.result == "ok" and "(hidden)" in plan.last["difference"], plan
    assert "hushhush" not in plan.text


# detourctl.

@pytest.mark.lab(operators=2, mx_hosts=1, domains=2)
def test_detourctl_plan_with_and_without_detourd(lab):
    product = lab.product
    product.configure()
    lab.mailhost.postconf("transport_maps = inline:{{e.example = smtp:}}")
    before = lab.mailhost.main_cf.read_bytes()
    alone, alone_json = product.detourctl("plan", "office", "587"), \
        product.detourctl("plan", "office", "587", "--json")
    assert alone.returncode == alone_json.returncode == 0
    assert "detour-apply instead" in alone.stderr
    stranger = product.detourctl("plan", user="alice")
    assert stranger.returncode == 1
    assert "root can ask" in stranger.stderr and "plan relay office 587" in stranger.stderr
    for words in (("nobody",), ("office", "25"), ("direct", "587")):
        assert product.detourctl("plan", *words).returncode == 1
        answer = product.detourctl("plan", *words, "--json")
        assert answer.returncode == 1 and json.loads(answer.stdout)["result"] == "failed"
    for words in (("a", "b", "c"), ("--nonsense",)):
        assert product.detourctl("plan", *words).returncode == 2

    product.start_applier()
    product.start_daemon()
    asked, asked_json = product.detourctl("plan", "office", "587"), \
        product.detourctl("plan", "office", "587", "--json")
    assert asked.returncode == asked_json.returncode == 0
    assert asked.stdout == alone.stdout
    assert json.loads(asked_json.stdout) == json.loads(alone_json.stdout)
    document = json.loads(asked_json.stdout)
    assert document["schema"] == 1 and document["result"] == "ok"
    assert document["difference"] in asked.stdout
    for member in ("not_following", "following_unexpectedly", "files"):
        assert document[member] and all(f"  - {text}\n" in asked.stdout
                                        for text in document[member])
    assert product.detourctl("plan").stdout == asked.stdout

    lab.mailhost.postconf("relay_domains = other.example", "smtp_tls_wrappermode = yes")
    refused = product.detourctl("plan", "office")
    assert refused.returncode == 1 and refused.stdout.startswith("refused: ")
    lines = refused.stdout.splitlines()
    assert "relay_domains = other.example" in lines[1] and "wrappermode" in lines[2]
    assert "+relayhost = [relay.example]:587" in lines
    again = product.detourctl("plan", "office", "--json")
    assert again.returncode == 1 and len(json.loads(again.stdout)["refusals"]) == 2
    for words in (("nobody",), ("office", "25")):
        answer = product.detourctl("plan", *words, "--json")
        assert answer.returncode == 1 and json.loads(answer.stdout)["result"] == "failed"
    lab.mailhost.postconf("relay_domains =", "smtp_tls_wrappermode = no")
    assert before != lab.mailhost.main_cf.read_bytes()
    assert product.detourctl("plan", "direct").stdout == "nothing would change\n"


@BARE
def test_a_person_at_a_terminal_gets_headings(lab, apply):
    lab.mailhost.postconf("relay_domains = other.example")
    done = lab.run("script", "-qec", f"{program('detour-apply')} -c /etc/detourd/detourd.conf "
                   "plan relay office 587", "/dev/null")
    text = done.stdout.replace("\r", "")
    assert done.returncode == 1
    order = ["--- main.cf", "What speaks against it:\n  - relay_domains",
             "Mail that does not follow:\n  - ", "Mail that follows, though one may not expect it:"
             "\n  - ", "refused: for what is listed above"]
    found = [text.find(part) for part in order]
    assert -1 not in found and found == sorted(found), text
