# SPDX-License-Identifier: BSD-2-Clause
"""A Postfix that is not as expected: stopped, absent, one of several, not to be written to, made by
another product, edited by the packages of Debian."""

import re

import pytest

from lab import wait_until
from lab.apply import CONF, Answer
from test_apply import replace_tool

RELAYHOST = "[relay.example]:587"
BARE = pytest.mark.lab(operators=1, mx_hosts=1, domains=1, relays=0)
MAIL = pytest.mark.lab(operators=1, mx_hosts=1, domains=2)


def run_cleanly(apply, *words):
    """A run that takes away again what it makes in /tmp."""
    done, trace = apply.traced(*words, options=("-e", "trace=mkdir,unlinkat"))
    made = set(re.findall(r'mkdir\("(/tmp/[^"]+)", 0\d+\) = 0', trace))
    assert made == set(re.findall(r'"(/tmp/[^"/]+)", AT_REMOVEDIR\) = 0', trace)), trace
    return Answer(done.stdout, done.returncode)


# Stopped.

@MAIL
def test_a_route_made_while_stopped_counts_from_the_start(lab, apply):
    before = apply.main_cf
    lab.block(25, "rst")
    lab.mailhost.stop()
    answer = apply("relay", "office", "587")
    assert (answer.result, answer.status) == ("ok", 0)
    assert "not running" in answer.reason
    assert answer.steps["reload"] | {"ms": 0} == {
        "step": "reload", "ok": True, "ms": 0, "detail": "Postfix is not running"}
    assert not {"settle", "flush", "undo"} & set(answer.steps)
    status = apply("status").last
    assert (status["running"], status["unfinished"]) == (False, False)
    assert status["route"] == {"name": "office", "port": 587}
    lab.mailhost.start()
    ids = lab.mail(2)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")

    lab.unblock()
    lab.mailhost.stop()
    answer = apply("direct")
    assert (answer.result, answer.status) == ("ok", 0) and "not running" in answer.reason
    assert apply.main_cf == before
    lab.mailhost.start()
    ids = lab.mail(2)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "direct")


@pytest.mark.lab(operators=2, mx_hosts=1, domains=2)
def test_detourd_says_that_postfix_is_stopped(lab):
    product = lab.product
    product.start()
    product.wait_status(lambda s: s["postfix"]["running"] is True)
    lab.mailhost.stop()
    assert product.detourctl("route", "office").stdout.startswith("ok")
    status = product.wait_status(lambda s: s["postfix"]["running"] is False)
    assert status["route"]["name"] == "office"
    assert "not running" in product.detourctl("status").stdout


@pytest.mark.parametrize("words", [("relay", "office", "587"), ("direct",)])
@pytest.mark.parametrize("moment", ["before the first reload", "after the first reload",
                                    "before the second reload", "after the second reload"])
@BARE
def test_stopped_during_the_run(lab, apply, words, moment):
    """Nothing has to be waited for any more, and the route stays."""
    direct = apply.main_cf
    if words == ("direct",):
        assert apply("relay", "office", "587").result == "ok"
    count = 1 if "first" in moment else 2
    stop = f'"$REAL" -c /etc/postfix stop >/dev/null 2>&1'
    script = ("case $* in *reload*) echo >>/run/reloads; "
              f"if [ $(wc -l </run/reloads) = {count} ]; then ")
    if moment.startswith("before"):
        script += f'{stop}; fi;; esac; exec "$REAL" "$@"'
    else:
        script += f'"$REAL" "$@"; {stop}; exit 0; fi;; esac; exec "$REAL" "$@"'
    replace_tool(lab, "/usr/sbin/postfix", script)
    answer = apply(*words)
    assert (answer.result, answer.status) == ("ok", 0), answer
    assert "not running" in answer.reason
    lab.run("umount", "/usr/sbin/postfix", check=True)
    status = apply("status").last
    assert (status["running"], status["unfinished"]) == (False, False)
    assert lab.mailhost.postconf("relayhost") == ("" if words == ("direct",) else RELAYHOST)
    assert (apply.main_cf == direct) == (words == ("direct",))
    lab.mailhost.start()


@pytest.mark.parametrize("tool, when", [("postmap", "-q"), ("postfix", "check"),
                                        ("postfix", "reload")])
@MAIL
def test_started_during_the_run(lab, apply, tool, when):
    lab.block(25, "rst")
    lab.mailhost.stop()
    replace_tool(lab, f"/usr/sbin/{tool}", f'''case $* in *{when}*)
        [ -e /run/started ] || {{ : >/run/started; {"$REAL" if tool == "postfix" else "postfix"} \\
            -c /etc/postfix start >/dev/null 2>&1; }};; esac; exec "$REAL" "$@"''')
    answer = apply("relay", "office", "587")
    assert (answer.result, answer.status) == ("ok", 0), answer
    lab.run("umount", f"/usr/sbin/{tool}", check=True)
    if when == "reload":
        # Stopped when it was asked whether to reload, so nobody did, and nobody had to.
        lab.mailhost.start()
    assert apply("status").last["running"] is True
    ids = lab.mail(2)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")


# Absent.

@pytest.mark.parametrize("missing", ["main.cf", "master.cf", "postconf", "directory",
                                     "main.cf is a directory"])
@BARE
def test_absent(lab, apply, missing):
    script = {"postconf": "mkdir /run/none; mount --bind /run/none /usr/sbin",
              "directory": "mkdir /run/none; mount --bind /run/none /etc/postfix; "
                           "umount /etc/postfix; umount /etc/postfix; rmdir /etc/postfix",
              "main.cf is a directory": "rm /etc/postfix/main.cf; mkdir /etc/postfix/main.cf",
              }.get(missing, f"rm /etc/postfix/{missing}")
    if missing == "directory":
        apply.configure(postfix="")
        config = lab.mailhost.path(CONF).read_text()
        lab.mailhost.write(CONF, config.replace('"/etc/postfix"', '"/etc/nowhere"'))
    else:
        lab.run("sh", "-ec", script, check=True)
    before = apply.files()
    for words in (("status",), ("facts",), ("direct",), ("relay", "office", "587"),
                  ("plan", "direct"), ("plan", "relay", "office", "587")):
        answer = run_cleanly(apply, *words)
        assert (answer.result, answer.status) == ("failed", 1), (words, answer)
        assert re.search("Postfix is not (installed|configured)", answer.reason), answer
    assert apply.files() == before
    assert not lab.mailhost.path("/etc/nowhere").exists()


# One of several instances.

OUT = "/etc/postfix-out"


class Second:
    """An instance beside the first, as postmulti(1) makes one; it listens on no port of its own
    but 2600."""

    def __init__(self, lab):
        self.host = lab.mailhost
        self.host.run("sh", "-ec", f"""
            cp /usr/share/postfix/main.cf.dist /etc/postfix/main.cf.proto
            cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf.proto
            postmulti -e init
            postmulti -I postfix-out -e create
            postconf -c {OUT} -e master_service_disable= authorized_submit_users=root \\
                inet_protocols=all inet_interfaces=all compatibility_level=3.6 \\
                maillog_file=/var/log/out.log mydestination= mynetworks=127.0.0.0/8 \\
                default_database_type=hash
            sed -i 's/^smtp  *inet/2600 inet/' {OUT}/master.cf
            postmulti -i postfix-out -e enable
            touch -d '10 seconds ago' {OUT}/main.cf /etc/postfix/main.cf
            """, check=True)

    def start(self):
        self.host.run("/usr/lib/postfix/configure-instance.sh", "postfix-out", check=True)
        self.host.run("postfix", "-c", OUT, "start", check=True)
        self.host.wait_listening([("127.0.0.1", 2600)])

    def path(self, name):
        return self.host.path(f"{OUT}/{name}")

    def log(self):
        path = self.host.path("/var/log/out.log")
        return path.read_text() if path.exists() else ""

    def everything(self):
        return {str(path): path.read_bytes()
                for path in sorted(self.path("").rglob("*")) if path.is_file()}

    def processes(self):
        return self.host.run("pgrep", "-P", self.master(), check=True).stdout.split()

    def master(self):
        return self.host.path("/var/spool/postfix-out/pid/master.pid").read_text().strip()


def first_processes(lab):
    master = lab.mailhost.path("/var/spool/postfix/pid/master.pid").read_text().strip()
    return set(lab.run("pgrep", "-P", master, check=True).stdout.split())


@MAIL
def test_the_first_instance_alone_is_moved(lab, apply):
    second = Second(lab)
    second.start()
    before, log = second.everything(), second.log()
    facts = apply("facts").last
    assert facts["instances"] == [{"name": "postfix-out", "directory": OUT}]
    assert any("postfix-out" in note and "does not follow" in note for note in facts["notes"])
    plan = apply("plan", "relay", "office", "587").last
    assert any("postfix-out" in sentence for sentence in plan["not_following"])
    lab.block(25, "rst")
    answer = apply("relay", "office", "587")
    assert answer.result == "ok", answer
    assert any("postfix-out" in note for note in answer.last["notes"])
    ids = lab.mail(2)
    lab.wait_delivered(ids)
    lab.assert_exactly_once(ids, "relay")
    assert apply("direct").result == "ok"
    assert second.everything() == before
    assert "reload" not in second.log()[len(log):]


@MAIL
def test_the_second_instance_alone_is_moved(lab, apply):
    """Its queue, its processes and its flush are its own."""
    second = Second(lab)
    second.start()
    config = lab.mailhost.path(CONF).read_text()
    lab.mailhost.write(CONF, config.replace('"/etc/postfix"', f'"{OUT}"'))
    first, processes = apply.files(), first_processes(lab)
    log, main_cf = lab.mailhost.log(), second.path("main.cf").read_bytes()
    facts = apply("facts").last
    assert facts["config_directory"] == OUT
    assert facts["instances"] == [{"name": "/etc/postfix", "directory": "/etc/postfix"}]
    assert facts["queue"] == 0
    lab.block(25, "rst")
    stuck = [lab.domains[0], lab.domains[1]]
    for index, domain in enumerate(stuck):
        lab.run("sendmail", "-C", OUT, "-f", "alice@sender.example", f"s{index}@{domain}",
                input="Subject: x\n\nx\n", check=True)
    wait_until(lambda: len(re.findall("Connection refused", second.log())) >= 2, 20,
               "the mail of the second instance is stuck")
    assert apply("status").last["queue"] == 2
    answer = apply("relay", "office", "587")
    assert answer.result == "ok", answer
    assert answer.steps["settle"]["ok"] and answer.steps["flush"]["ok"]
    wait_until(lambda: len(re.findall(r"relay=relay\.example\[.*status=sent", second.log())) == 2,
               20, "it leaves by the relay")
    assert apply("status").last["queue"] == 0
    # The first instance has noticed nothing.
    assert lab.mailhost.postconf("relayhost") == ""
    assert apply.files() == first
    assert lab.mailhost.log() == log
    assert processes <= first_processes(lab) | processes
    assert apply("direct").result == "ok"
    assert second.path("main.cf").read_bytes() == main_cf
    lab.unblock()


@BARE
def test_an_instance_by_hand_is_named(lab, apply):
    lab.run("sh", "-ec", "mkdir /etc/postfix-x; cp /etc/postfix/*.cf /etc/postfix-x", check=True)
    lab.mailhost.postconf("alternate_config_directories = /etc/postfix-x")
    assert apply("facts").last["instances"] == [
        {"name": "/etc/postfix-x", "directory": "/etc/postfix-x"}]


# Not to be written to.

@pytest.mark.parametrize("what", ["directory", "main.cf", "immutable"])
@BARE
def test_what_cannot_be_written_is_said(lab, apply, what):
    before = theirs(apply)
    path = "/etc/postfix" if what == "directory" else "/etc/postfix/main.cf"
    if what == "immutable":
        done = lab.run("chattr", "+i", path)
        if done.returncode != 0:
            pytest.skip("this file system has no immutable attribute")
    else:
        lab.run("sh", "-ec", f"mount --bind {path} {path}; mount -o remount,bind,ro {path}",
                check=True)
    try:
        assert any(path in refusal for refusal in apply("facts").last["refusals"])
        plan = run_cleanly(apply, "plan", "relay", "office", "587")
        assert plan.result == "refused" and "+relayhost" in plan.last["difference"]
        for _ in range(2):
            answer = run_cleanly(apply, "relay", "office", "587")
            assert (answer.result, answer.status) in (("refused", 1), ("failed", 1))
            assert path in answer.reason, answer
            assert re.search("Read-only|immutable", answer.reason), answer
        assert apply("status").last["unfinished"] is False
    finally:
        if what == "immutable":
            lab.run("chattr", "-i", path, check=True)
        else:
            lab.run("umount", path, check=True)
    assert theirs(apply) == before
    assert apply("relay", "office", "587").result == "ok"


@pytest.mark.parametrize("what", ["directory", "main.cf"])
@BARE
def test_a_return_that_cannot_be_written_is_said(lab, apply, what):
    direct = apply.main_cf
    assert apply("relay", "office", "587").result == "ok"
    route = apply.main_cf
    path = "/etc/postfix" if what == "directory" else "/etc/postfix/main.cf"
    lab.run("sh", "-ec", f"mount --bind {path} {path}; mount -o remount,bind,ro {path}",
            check=True)
    for _ in range(2):
        answer = run_cleanly(apply, "direct")
        assert (answer.result, answer.status) == ("failed", 1), answer
        assert "/etc/postfix" in answer.reason
    assert apply("status").last["route"] == {"name": "office", "port": 587}
    lab.run("umount", path, check=True)
    assert apply.main_cf == route
    assert apply("direct").result == "ok"
    assert apply.main_cf == direct


# Made by another product.

# What their own templates and installers write, as far as it gives them away.
PRODUCTS = {
    "mailcow": "# -----\n# Please create a file \"extra.cf\" for persistent overrides to main.cf\n",
    "mailcow by its tables": "tls_server_sni_maps = hash:/opt/postfix/conf/sni.map\n",
    "Zimbra": "virtual_alias_maps = proxy:ldap:/opt/zimbra/conf/ldap-vam.cf\n",
    "iRedMail": "virtual_mailbox_maps = proxy:mysql:/etc/postfix/mysql/virtual_mailbox_maps.cf\n",
    "Mail-in-a-Box":
        "smtpd_banner = $myhostname ESMTP Hi, I'm a Mail-in-a-Box (Ubuntu/Postfix)\n",
    "Proxmox": "# auto-generated by proxmox\n",
    "Univention": "# Warning: This file is auto-generated and might be overwritten by\n"
                  "#          univention-config-registry.\n",
    "Plesk": "virtual_transport = plesk_virtual\n",
}
PRODUCT_FILES = {"iRedMail": "/etc/iredmail-release", "Mail-in-a-Box": "/etc/mailinabox.conf"}


@BARE
def test_a_configuration_of_another_product_is_refused(lab, apply):
    lab.mailhost.stop()     # Files alone: each reload would cost its seconds.
    original = apply.main_cf
    for product, text in PRODUCTS.items():
        apply.main_cf = text.encode() + original
        check_product(apply, product.split()[0])
        apply.main_cf = original
    for product, path in PRODUCT_FILES.items():
        lab.mailhost.write(path, "1\n")
        check_product(apply, product)
        lab.run("rm", path, check=True)
    # A word in passing is none.
    apply.main_cf = original + b"# we came from Zimbra and mailcow\nmyorigin = iredmail.example\n"
    assert apply("relay", "office", "587").result == "ok"
    assert apply("direct").result == "ok"


def check_product(apply, product):
    before = theirs(apply)
    answer = apply("relay", "office", "587")
    assert (answer.result, answer.status) == ("refused", 1), product
    assert product in answer.reason and "force = yes" in answer.reason, answer
    assert any(product in refusal for refusal in apply("facts").last["refusals"])
    assert theirs(apply) == before
    apply.configure(postfix="force = yes")
    forced = apply("relay", "office", "587")
    assert forced.result == "ok", forced
    assert any(product in note for note in forced.last["notes"])
    # A mark that shows up later never holds up a return.
    apply.configure()
    assert apply("direct").result == "ok"
    assert {name: seen[-1] for name, seen in theirs(apply).items()} == {
        name: seen[-1] for name, seen in before.items()}


def theirs(apply):
    """All files but ours."""
    return {name: seen for name, seen in apply.files().items() if name.split("/")[0] != "detourd"}


# Debian's own packages.

# What postfix.postinst does on "dpkg-reconfigure postfix", in its order; an upgrade alone does none
# of it.  RELAYHOST is what debconf was answered.
RECONFIGURE = """
    set_postconf() { postconf -e "$@"; }
    echo new.example >/etc/mailname
    set_postconf "myorigin=/etc/mailname"
    set_postconf "mydestination=$myhostname, new.example, localhost"
    set_postconf "relayhost=$1"
    postconf -e 'mynetworks=127.0.0.0/8'
    sed -i -e '/^mynetworks\\s*=/d' main.cf
    if grep -q ^mailbox_command main.cf; then set_postconf "mailbox_command="; fi
    set_postconf "mailbox_size_limit=51200000"
    set_postconf "recipient_delimiter=-"
    set_postconf "inet_interfaces=all"
    set_postconf "inet_protocols=ipv4"
"""
THEIRS = {"mydestination": ", new.example, localhost", "mailbox_size_limit": "51200000",
          "recipient_delimiter": "-", "inet_protocols": "ipv4"}


def reconfigure(lab, relayhost):
    lab.run("sh", "-ec", RECONFIGURE, "postinst", relayhost, cwd="/etc/postfix", check=True)
    lab.mailhost.backdate()


def check_theirs(lab, apply):
    for name, value in THEIRS.items():
        assert lab.mailhost.postconf(name) == value
    assert not re.search(rb"(?m)^mynetworks", apply.main_cf)


@BARE
def test_a_reconfiguration_that_keeps_the_relayhost(lab, apply):
    """debconf is shown what main.cf says, our relayhost, and takes it over."""
    assert apply("relay", "office", "587").result == "ok"
    reconfigure(lab, RELAYHOST)
    assert apply("status").last["drift"] == []
    assert apply("relay", "office", "587").result == "unchanged"
    assert apply("direct").result == "ok"
    check_theirs(lab, apply)
    assert lab.mailhost.postconf("relayhost") == ""
    assert b"detourd" not in apply.main_cf
    assert lab.run("postfix", "check").returncode == 0


@BARE
def test_an_upgrade_repairs_master_cf(lab, apply):
    """fix_master of the same script puts back the services that an old master.cf has not."""
    old = lab.mailhost.master_cf.read_text()
    lab.mailhost.master_cf.write_text(re.sub(r"(?m)^(scache|retry) .*\n", "", old))
    assert apply("relay", "office", "587").result == "ok"
    with lab.mailhost.master_cf.open("a") as stream:
        stream.write("scache    unix  -       -       y       -       1       scache\n"
                     "retry     unix  -       -       y       -       -       error\n")
    upgraded = lab.mailhost.master_cf.read_text()
    lab.mailhost.stop()
    lab.mailhost.start()
    assert apply("status").last["route"] == {"name": "office", "port": 587}
    assert apply("direct").result == "ok"
    assert lab.mailhost.master_cf.read_text() == upgraded


@MAIL
def test_a_reconfiguration_that_sets_another_relayhost(lab, apply):
    """Theirs stands, and is named; after a release it counts as the owner's own."""
    original = apply.main_cf
    assert apply("relay", "office", "587").result == "ok"
    reconfigure(lab, "[theirs.example]:26")
    drift = " ".join(apply("status").last["drift"])
    assert "relayhost" in drift
    refused = apply("relay", "office", "2525")
    assert refused.result == "refused" and "relayhost" in refused.reason
    plan = apply("plan", "relay", "office", "2525")
    assert plan.result == "refused" and any("relayhost" in text for text in plan.last["refusals"])
    assert apply("direct").result == "ok"
    check_theirs(lab, apply)
    assert lab.mailhost.postconf("relayhost") == "[theirs.example]:26"
    assert b"detourd" not in apply.main_cf
    assert apply("status").last["drift"] == []
    assert "replace_relayhost" in apply("relay", "office", "587").reason
    # And back to none: port 25 alone is left.
    reconfigure(lab, "")
    assert apply("relay", "office", "587").result == "ok"
    assert apply("direct").result == "ok"
    assert apply.main_cf != original
    check_theirs(lab, apply)
