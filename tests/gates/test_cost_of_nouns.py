"""Few lines name a plain noun, because all code except its row is generic."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Iterator

import pytest

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from tests.conftest import PACKAGE, ROOT

MOST_LINES = {
    "tag_groups": 80,  # each group is an attribute of hosts, folders and conditions of rules
    "roles": 60,  # their permissions; the word also names a field of users
    "users": 100,  # their logins; User is also the user of a request to the simulated site
    "rules": 140,  # their values, conditions and order; the word also names other things
    "time_periods": 120,  # their times need a canonical form
}
GENERATED = {"docs/nouns.md", "docs/cli.md"}


def _files() -> Iterator[Path]:
    """Yield the files of the project, without tests and generated files."""
    for folder, patterns in ((PACKAGE, ("*.py",)), (ROOT / "tools", ("*.py",)), (ROOT / "docs", ("*.md", "*.rst"))):
        for pattern in patterns:
            yield from (path for path in folder.rglob(pattern) if str(path.relative_to(ROOT)) not in GENERATED)
    yield from (path for path in ROOT.glob("*.md"))


@functools.cache
def _texts() -> dict[Path, list[str]]:
    """Return the lines of the files."""
    return {path.relative_to(ROOT): path.read_text("utf-8").splitlines() for path in _files()}


def _names(noun: Noun) -> re.Pattern[str]:
    """Return the expression for the names of a noun: its attribute, its class and its domain type.

    A name that is also an English word, such as "passwords", counts only in quotes or as an attribute.
    """
    forms = [rf"\b{noun.record.__name__}\b", rf"(domain-types|objects)/{noun.domain}\b"]
    forms += [rf"\b{noun.domain}\b"] * ("_" in noun.domain)
    forms += [rf"\b{noun.name}\b" if "_" in noun.name else rf"[\"'`.]{noun.name}\b(?=[\"'`.:\[(])|^ *{noun.name}:"]
    return re.compile("|".join(forms))


def _lines(noun: Noun) -> list[str]:
    """Return the lines that name the noun."""
    names = _names(noun)
    return [
        f"{path}:{number}: {text}"
        for path, lines in _texts().items()
        for number, text in enumerate(lines, start=1)
        if names.search(text)
    ]


@pytest.mark.parametrize("name", sorted(NOUNS))
@pytest.mark.every_case
def test_few_lines_name_a_plain_noun(name: str) -> None:
    found = _lines(NOUNS[name])
    assert len(found) <= MOST_LINES.get(name, 40), "\n".join(found)


def test_the_lines_that_name_a_noun_are_found() -> None:
    found = "\n".join(_lines(NOUNS["passwords"]))
    for file in ("catalogue/nouns/passwords.py", "catalogue/nouns/__init__.py", "client/checkmk.py", "__init__.py"):
        assert f"checkmk_sync/{file}:" in found
    assert "docs/api/records.rst:" in found
    assert "A password must" not in found
