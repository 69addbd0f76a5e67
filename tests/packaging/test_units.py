# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts on a machine: units, configuration and manual, against the programs.

Programs are taken from DETOURD_BUILDDIR, as in tests/lab.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

SOURCES = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["DETOURD_BUILDDIR"]).resolve()
UNITS = ("detourd.service", "detour-apply@.service", "detour-apply.socket")
MANUAL = {"detourctl.1", "detourd.conf.5", "detour-apply.8", "detourd.8"}


def run(*argv, **options):
    return subprocess.run([str(argument) for argument in argv], text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)


def install(root):
    done = run("make", "-C", BUILD, "install", f"DESTDIR={root}")
    assert done.returncode == 0, done.stdout


@pytest.fixture(name="root", scope="session")
def fixture_root(tmp_path_factory):
    """A machine's root directory with nothing in it but what was installed."""
    root = tmp_path_factory.mktemp("root")
    install(root)
    return root


def find(root, name):
    found = [path for path in root.rglob(name) if "doc" not in path.parts]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def unit_values(path, key):
    return re.findall(rf"^{key}=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)


# Installation

def test_all_is_installed(root):
    names = {path.name for path in root.rglob("*") if path.is_file()}
    assert names == {"detourd", "detourctl", "detour-apply", "detourd.conf", "operators.conf",
                     "providers.conf", "relays.conf", "README.md", "NEWS", "detourd.mo", *UNITS,
                     *MANUAL}
    assert {path.parent.name for path in root.rglob("detourd.conf")} \
        == {"detourd", "sysusers.d", "tmpfiles.d"}


def test_the_owners_configuration_stays(tmp_path):
    install(tmp_path)
    conf, = (p for p in tmp_path.rglob("detourd/detourd.conf") if "doc" not in p.parts)
    conf.write_text("mode = observe # mine\n", encoding="utf-8")
    install(tmp_path)
    run("make", "-C", BUILD, "uninstall", f"DESTDIR={tmp_path}")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [conf]
    assert conf.read_text(encoding="utf-8") == "mode = observe # mine\n"


def test_uninstall_leaves_nothing(tmp_path):
    install(tmp_path)
    run("make", "-C", BUILD, "uninstall", f"DESTDIR={tmp_path}")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


# Units

def test_units_are_correct(root, tmp_path):
    """systemd-analyze finds no fault with them on a machine that has the rest of systemd."""
    machine = tmp_path / "machine"
    shutil.copytree(root, machine)
    shutil.copytree("/lib/systemd/system", machine / "usr/lib/systemd/system", symlinks=True,
                    dirs_exist_ok=True)
    (machine / "bin").mkdir()
    shutil.copy("/bin/kill", machine / "bin/kill")
    units = [find(root, name).relative_to(root) for name in UNITS]
    done = run("systemd-analyze", "verify", "--man=no", f"--root={machine}",
               *(machine / unit for unit in units))
    ours = [line for line in done.stdout.splitlines() if "detour" in line]
    assert (done.returncode, ours) == (0, []), done.stdout


@pytest.mark.parametrize("unit, tenths", [("detourd.service", 15), ("detour-apply@.service", 34)])
def test_exposure(root, unit, tenths):
    done = run("systemd-analyze", "security", "--no-pager", "--offline=yes",
               f"--threshold={tenths}", find(root, unit))
    level = re.search(r"Overall exposure level .*: ([0-9.]+)", done.stdout)
    assert level and 0 < float(level[1]) <= tenths / 10, done.stdout
    assert done.returncode == 0, done.stdout


def test_the_daemon_has_descriptors_and_knows_how_many(root):
    """getrlimit(3) is prlimit64(2), which is one of @resources."""
    daemon = find(root, "detourd.service")
    assert int(unit_values(daemon, "LimitNOFILE")[0]) >= 2048
    allowed = [calls for calls in unit_values(daemon, "SystemCallFilter") if calls[0] not in "~@"]
    assert "prlimit64" in " ".join(allowed).split()


def test_no_placeholder_is_left(root):
    for path in [find(root, name) for name in UNITS] + list(root.rglob("tmpfiles.d/*")):
        assert not re.search(r"@[A-Z]+@", path.read_text(encoding="utf-8")), path


def test_documentation_is_there(root):
    pages = {page for name in UNITS for line in unit_values(find(root, name), "Documentation")
             for page in re.findall(r"man:(\S+)\((\d)\)", line)}
    assert pages
    for page, section in pages:
        assert (find(root, f"{page}.{section}").parent.name) == f"man{section}"


def test_units_use_the_defaults(root):
    """Where units and configuration speak of the same thing, they say the same."""
    conf = statements(SOURCES / "conf/detourd.conf")
    daemon, request, socket = (find(root, name) for name in UNITS)
    user = conf[""]["user"]
    assert unit_values(daemon, "User") == unit_values(daemon, "Group") == [user]
    assert unit_values(socket, "SocketGroup") == [user]
    assert unit_values(daemon, "SupplementaryGroups") == [conf["status"]["group"]]
    assert ["/var/lib/" + name for name in unit_values(daemon, "StateDirectory")] \
        == [conf[""]["state_directory"]]
    assert ["/run/" + name for name in unit_values(daemon, "RuntimeDirectory")] \
        == [os.path.dirname(conf["status"]["socket"])]
    assert unit_values(socket, "ListenStream") == [conf["apply"]["socket"]]
    writable = unit_values(request, "ReadWritePaths")[0].split()
    assert "-" + conf["postfix"]["config_directory"] in writable
    assert unit_values(socket, "SocketMode") == ["0660"]
    assert unit_values(request, "User") == unit_values(socket, "SocketUser") == ["root"]


def as_root():
    if os.geteuid() != 0:
        pytest.skip("only root can make users and root's directories")


def test_user(root, tmp_path):
    as_root()
    (tmp_path / "etc").mkdir()
    users = find(root, "sysusers.d") / "detourd.conf"
    done = run("systemd-sysusers", f"--root={tmp_path}", users)
    assert done.returncode == 0, done.stdout
    fields = (tmp_path / "etc/passwd").read_text(encoding="utf-8").strip().split(":")
    assert fields[0] == "detourd" and int(fields[2]) > 0 and fields[6] == "/usr/sbin/nologin"


def test_directories(root, tmp_path):
    as_root()
    rules = find(root, "tmpfiles.d") / "detourd.conf"
    done = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", rules)
    assert done.returncode == 0, done.stdout
    made = [find(tmp_path / "run", "detour-apply"), find(tmp_path, "detourd")]
    for path in made:
        status = path.stat()
        assert (status.st_uid, status.st_gid, oct(status.st_mode & 0o7777)) == (0, 0, "0o755")


# Configuration

def statements(path):
    """Section ("" outside) to key to value, of all that stands in a configuration file or is
    commented out there."""
    found, section = {"": {}}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        line = uncommented(line)
        if opening := re.fullmatch(r"\s*(\w+)( \w+)? \{", line):
            section = opening[1]
        elif line.strip() == "}":
            section = ""
        elif statement := re.fullmatch(r"\s*(\w+) = (.*)", line):
            found.setdefault(section, {})[statement[1]] = statement[2].strip('"')
    return found


def uncommented(line):
    """The line, without its "#" when it is a statement that was commented out."""
    bare = re.fullmatch(r"(\s*)# ((relay \w+ \{)|( *\w+ = .*)|\})", line)
    return bare[1] + bare[2] if bare else re.sub(r"#.*", "", line)


def check_config(path):
    done = run(BUILD / "detourctl", "check-config", path)
    return done.returncode, done.stdout


def known_names(tmp_path):
    """Section to names, as the program knows them."""
    path = tmp_path / "wrong.conf"
    path.write_text('zzz = 1\nrelay a { zzz = 1 }\n' + "".join(
        f"{section} {{ zzz = 1 }}\n" for section in ("probe", "reputation", "postfix", "status", "apply")),
        encoding="utf-8")
    code, said = check_config(path)
    assert code == 1
    known = {section: set(names.split(", ")) for section, names in
             re.findall(r"unknown name zzz(?: in (\w+))?; known here: (.*)", said)}
    sections = set(known) - {""}
    assert sections == {name for name in known[""] if name in sections}, said
    known[""] -= sections
    return known


def manual_entries():
    """Section to key to its text, of detourd.conf(5)."""
    page = (SOURCES / "man/detourd.conf.5").read_text(encoding="utf-8")
    found = {}
    for part in re.split(r"^\.Ss ", page, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        body = body.partition("\n.Sh ")[0]
        section = "" if title.startswith("Outside") else title.split()[0]
        for entry in re.split(r"^\.It Ic ", body, flags=re.MULTILINE)[1:]:
            found.setdefault(section, {})[entry.split()[0]] = " ".join(entry.split())
    return found


def names_of(entries):
    return {section: set(keys) for section, keys in entries.items()}


def test_shipped_configuration_is_good():
    code, said = check_config(SOURCES / "conf/detourd.conf")
    assert code == 0 and said.endswith(": good\n"), said


def test_shipped_configuration_changes_nothing():
    text = re.sub(r"#.*", "", (SOURCES / "conf/detourd.conf").read_text(encoding="utf-8"))
    assert re.findall(r"(\w+) = (.*)", text) == [("mode", "observe")]
    assert "relay" not in text


def test_what_is_commented_out_is_good_too(tmp_path):
    as_root()
    lines = (SOURCES / "conf/detourd.conf").read_text(encoding="utf-8").splitlines()
    text = "\n".join(uncommented(line) for line in lines) + "\n"
    for name in re.findall(r'"/etc/detourd/(\w+\.password)"', text):
        (tmp_path / name).write_text("secret\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    text = text.replace("/etc/detourd/", f"{tmp_path}/")
    text = text.replace("/usr/share/detourd", f"{SOURCES}/conf")
    text = text.replace("method = relayhost", "method = transport")  # a scope needs it
    conf = tmp_path / "all.conf"
    conf.write_text(text, encoding="utf-8")
    code, said = check_config(conf)
    said = [line for line in said.splitlines() if "user detourd does not exist" not in line]
    assert (code, said) == (0, [f"{conf}: good"])


def test_every_name_is_shipped_and_documented(tmp_path):
    known = known_names(tmp_path)
    assert set(known) == {"", "probe", "reputation", "relay", "postfix", "status", "apply"}
    assert names_of(statements(SOURCES / "conf/detourd.conf")) == known
    assert names_of(manual_entries()) == known


def test_documented_bounds_and_defaults(tmp_path):
    """The manual's bounds are the program's, and its defaults those of the shipped file."""
    numbers = {(section, key): (bounds, default) for section, keys in manual_entries().items()
               for key, text in keys.items()
               for bounds, default in re.findall(r"from (\d+ to \d+), (\d+) by default", text)}
    assert len(numbers) >= 7
    shipped = statements(SOURCES / "conf/detourd.conf")
    for (section, key), (bounds, default) in numbers.items():
        wrong = tmp_path / "wrong.conf"
        line = f"{key} = x"
        wrong.write_text(f"{section} {{ {line} }}\n" if section else f"{line}\n", encoding="utf-8")
        assert f"expected a whole number from {bounds}\n" in check_config(wrong)[1], key
        assert shipped[section][key] == default, key


def test_defaults_are_the_programs():
    """The file shows the defaults of the source, in so many words."""
    source = (SOURCES / "lib/config_load.c").read_text(encoding="utf-8")
    shipped = {key: value for keys in statements(SOURCES / "conf/detourd.conf").values()
               for key, value in keys.items()}
    numbers = re.findall(r'conf_file_int\(\s*\w+,\s*\w+,\s*"(\w+)",[^;]*?,\s*(\d+)\);', source)
    texts = re.findall(r'(?:path_copy|name_or)\(\s*\w+,\s*\w+,\s*"(\w+)",\s*"([^"]+)"\)', source)
    assert len(numbers) >= 7 and len(texts) >= 4
    for key, default in numbers + texts:
        assert shipped[key] == default, key
    targets = re.search(r'default_targets\[\] =\s*"(.*)";', source)[1].replace('\\"', '"')
    assert shipped["targets"] == targets
    assert f".Ql {targets} .".replace('"', r"\(dq") in manual_entries()["probe"]["targets"]
    assert re.findall(r'socket_or\(\s*file,\s*\w+,\s*"([^"]+)"', source) == [
        statements(SOURCES / "conf/detourd.conf")[section]["socket"]
        for section in ("status", "apply")]


def test_known_services_are_documented():
    catalogue = (SOURCES / "conf/relays.conf").read_text(encoding="utf-8")
    names = re.findall(r"^relay (\S+) \{", catalogue, re.MULTILINE)
    assert names
    provider = manual_entries()["relay"]["provider"]
    assert [name for name in names if f".Cm {name}" not in provider] == []


# Manual

@pytest.mark.parametrize("page", sorted(MANUAL))
def test_manual_page_is_clean(root, page):
    done = run("mandoc", "-Tlint", "-W", "warning", find(root, page))
    assert (done.returncode, done.stdout) == (0, "")


def test_every_command_and_option_is_documented(root):
    page = find(root, "detourctl.1").read_text(encoding="utf-8")
    help_text = run(BUILD / "detourctl", "--help").stdout
    commands = re.findall(r"^  ([a-z-]+) ", help_text, re.MULTILINE)
    options = {option for command in commands for option in re.findall(
        r"--([a-z0-9-]+)", run(BUILD / "detourctl", command, "--help").stdout)}
    assert "check" in commands and "json" in options
    assert [name for name in commands if not re.search(rf"^\.It Cm {name}\b", page, re.MULTILINE)
            and not re.search(rf"^\.Cm .*\b{name}\b", page, re.MULTILINE)] == []
    assert [name for name in options if f"Fl Fl {name}" not in page] == []


@pytest.mark.parametrize("page, source, count", [
    ("detourd.8", "daemon/decide/outcome.c", 11),
    ("detourd.8", "daemon/decide/verdict.c", 8),
    ("detourctl.1", "daemon/decide/cause.c", 9),
    ("detourctl.1", "daemon/probe/relay_check.c", 11),
])
def test_every_word_is_documented(root, page, source, count):
    """The words of outcomes, verdicts and proofs, which stand in status, logs and JSON."""
    text = (SOURCES / source).read_text(encoding="utf-8")
    table = re.search(r"(?:names|outcomes)\[\w*\] = \{(.*?)\n\};", text, re.DOTALL)[1]
    words = re.findall(r'"([a-z-]+)"', table)
    assert len(words) == count
    page = find(root, page).read_text(encoding="utf-8")
    assert [word for word in words
            if not re.search(rf"^\.(It Sy|Qq)\b.* {word}\b", page, re.MULTILINE)] == []
