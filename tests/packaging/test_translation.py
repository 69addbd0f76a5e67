# SPDX-License-Identifier: BSD-2-Clause
"""The translations: complete, of the same shape as the English, and installed where they are found."""

import os
import pathlib
import re
import subprocess

import pytest

SOURCES = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["DETOURD_BUILDDIR"]).resolve()
LANGUAGES = (SOURCES / "po/LINGUAS").read_text(encoding="ascii").split()


def run(*argv):
    return subprocess.run([str(argument) for argument in argv], text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=os.environ | {"LC_ALL": "C.UTF-8"})


@pytest.fixture(name="template", scope="module")
def fixture_template(tmp_path_factory):
    """What the sources say now."""
    path = tmp_path_factory.mktemp("po") / "detourd.pot"
    done = run("bash", SOURCES / "po/update.sh", SOURCES, path)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    return path


def entries(path):
    """Message to its translations, as msgcat writes them: each on a line."""
    text = run("msgcat", "--no-wrap", path).stdout
    found = {}
    for block in text.split("\n\n"):
        message = re.search(r'^msgid "(.*)"$', block, re.MULTILINE)
        if message and message[1]:
            found[message[1]] = re.findall(r'^msgstr(?:\[\d\])? "(.*)"$', block, re.MULTILINE)
    return found


def test_there_is_a_language():
    assert "fr" in LANGUAGES
    assert {path.stem for path in (SOURCES / "po").glob("*.po")} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_complete(template, language):
    """No message is missing, fuzzy, or left over."""
    done = run("msgcmp", SOURCES / f"po/{language}.po", template)
    assert done.returncode == 0 and "warning" not in done.stdout, \
        f"{done.stdout}\nmake update-po, and translate"
    assert "#, fuzzy" not in (SOURCES / f"po/{language}.po").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_conversions_are_the_same(tmp_path, language):
    done = run("msgfmt", "-c", "-o", tmp_path / "out.mo", SOURCES / f"po/{language}.po")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_a_wrong_conversion_would_be_found(tmp_path):
    """Messages with conversions are marked as such, or msgfmt would not look at them."""
    text = (SOURCES / "po/fr.po").read_text(encoding="utf-8")
    for line in re.findall(r'^msgstr(?:\[0\])? ".*%(?:s|lld|d|zu).*"$', text, re.MULTILINE):
        broken = tmp_path / "broken.po"
        broken.write_text(text.replace(line, re.sub(r"%(?:\d\$)?(?:s|lld|d|zu)", "%f", line, count=1)),
                          encoding="utf-8")
        assert run("msgfmt", "-c", "-o", "/dev/null", broken).returncode != 0, line


def test_french_typography():
    """A no-break space before double signs and within guillemets, and the curved apostrophe."""
    for message, translations in entries(SOURCES / "po/fr.po").items():
        for quoted in translations:
            text = re.sub("«\u00a0[^»]*\u00a0»", "", quoted)  # what is quoted is written as it is
            assert not re.search(r"(?<![\u00a0\w/%])[;?!»]|\w[;?!»]|\w:(?:[ \u00a0]|$)", text), text
            assert "'" not in text and not re.search(r"« | [:;?!»]", text), (message, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_installed(tmp_path, language):
    done = run("make", "-C", BUILD, "install", f"DESTDIR={tmp_path}")
    assert done.returncode == 0, done.stdout
    assert list(tmp_path.rglob(f"share/locale/{language}/LC_MESSAGES/detourd.mo"))
