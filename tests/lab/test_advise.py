# SPDX-License-Identifier: BSD-2-Clause
"""detourctl providers, and detourctl advise on hosts in trouble."""

import csv
import io
import json

import pytest

pytestmark = pytest.mark.lab(postfix=False)


def configured(lab, relays=None, **settings):
    lab.product.configure(relays=relays or {}, mode="observe", **settings)
    return lab.product


def advise(lab, code):
    ran = lab.product.detourctl("advise", "--json")
    assert (ran.returncode, ran.stderr) == (code, ""), ran.stderr
    advice = json.loads(ran.stdout)
    assert advice["schema"] == 1 and advice["exit"] == code
    return advice


def steps(advice):
    return [step["step"] for step in advice["steps"]]


def test_a_blocked_host_is_told_whom_to_ask_and_how_to_send_meanwhile(lab):
    product = configured(lab)
    lab.relay_service("smtp-relay.brevo.com", closed=(465, 2465))
    lab.block(25, "drop")
    advice = advise(lab, 2)
    assert (advice["verdict"], advice["cause"]) == ("blocked", "provider")
    assert steps(advice)[-1] == "add-relay"
    # Of all that the catalogue knows, what answers from here.
    assert [(c["relay"], c["ports"]) for c in advice["steps"][-1]["candidates"]] == \
        [("brevo", [587, 2525])]
    assert advice["unaffected"] == ["inbound", "submission", "private"]
    assert {t["outcome"] for t in advice["evidence"]["targets"]} == {"timeout"}
    assert advice["evidence"]["controls"]
    assert advice["evidence"]["controls"][0] in advice["request"]

    text = product.detourctl("advise")
    assert text.returncode == 2
    assert text.stdout.startswith("Outbound port 25 is blocked")
    assert "What to do:\n1. " in text.stdout and "What is not affected:\n" in text.stdout
    assert " on 2026-11-28)" in text.stdout


def test_the_section_that_is_advised_is_one_that_works(lab):
    product = configured(lab)
    lab.relay_service("smtp-relay.brevo.com")
    lab.block(25, "drop")
    relay = advise(lab, 2)["steps"][-1]
    snippet = relay["snippet"].replace('"..."', '"somebody"')
    name = relay["snippet_relay"]
    product.host.write(f"/etc/detourd/{name}.password", "secret\n", mode=0o640,
                       owner="root:detourd")
    product.host.write(product.config,
                       f'catalogue_directory = "{product.catalogue_directory}"\n{snippet}')
    ran = product.detourctl("check-config")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.lab(postfix=True)
def test_a_relay_that_is_there_is_the_way(lab):
    configured(lab, relays={"office": lab.relay})
    lab.block(25, "rst")
    assert steps(advise(lab, 2))[-1] == "use-relay"


def test_an_open_host_has_nothing_to_do(lab):
    configured(lab)
    assert steps(advise(lab, 0)) == ["nothing", "watch"]


def test_a_host_without_network_is_not_sent_to_a_relay(lab):
    configured(lab)
    lab.cut()
    advice = advise(lab, 3)
    assert advice["cause"] == "network" and "relays-fail-too" in steps(advice)
    assert advice["request"] is None


def test_a_wrong_argument_is_no_verdict(lab):
    assert lab.detourctl("advise", "--what").returncode == 3


def test_the_catalogue_for_people_machines_and_spreadsheets(lab):
    product = configured(lab)
    document = json.loads(product.detourctl("providers", "--json").stdout)
    names = [p["name"] for p in document["providers"]]
    assert {"aws", "azure", "gcp", "ovh", "hetzner", "digitalocean", "vultr", "akamai", "scaleway",
            "oracle", "orange", "free", "comcast"} <= set(names)
    for provider in document["providers"]:
        for group in ("policy", "lift", "machine", "address"):
            said = provider[group]
            assert said is None or said["source"].startswith("http") and said["date"]
    table = product.detourctl("providers").stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == names

    ran = product.detourctl("providers", "--csv").stdout
    records = list(csv.DictReader(io.StringIO(ran, newline=""), strict=True))
    assert [r["name"] for r in records] == names
    ported = {r["name"]: r["closed"] for r in records}
    assert ported["digitalocean"] == "25 465 587"
    for record, provider in zip(records, document["providers"]):
        assert record["how"] == ((provider["lift"] or {}).get("how") or "")


def test_one_provider_in_detail(lab):
    product = configured(lab)
    ran = product.detourctl("providers", "scaleway")
    assert ran.returncode == 0 and "takes effect at once" in ran.stdout
    ovh = product.detourctl("providers", "ovh").stdout
    assert "\n  reverse names in: ovh.net, ovh.ca, ovh.us\n" in ovh
    assert "opened: yes\n" in product.detourctl("providers", "sfr").stdout
    assert product.detourctl("providers", "nobody").returncode == 1
    assert product.detourctl("providers", "--json", "--csv").returncode == 2
    assert product.detourctl("providers", "aws", "gcp").returncode == 2
    assert product.detourctl("providers", "--what").returncode == 2
