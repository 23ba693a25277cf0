"""The simulated site answers as Checkmk's own tests expect, or the deviation is explained."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, shared_folder

FILES = ("hosts", "folders", "activation", "discovery", "status")


def _explained() -> set[str]:
    """The cases that docs/conformance.md lists with a reason."""
    text = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    return set(re.findall(r"^\| `([a-z]+-\d+)` \|", text, re.MULTILINE))


def _failing(folder: Path, version: str) -> set[str]:
    with SimulatedSite(version, control=True, password="case secret".replace(" ", "-")) as site:
        command = [sys.executable, str(folder / "run_cases.py"), site.api_url, site.site, site.username, site.password]
        command += ["--control", f"{site.url}/control", "-v", *(str(folder / f"{name}.jsonl") for name in FILES)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert " passed, " in done.stdout, done.stderr
    return {line.split()[0] for line in done.stdout.splitlines() if re.match(r"[a-z]+-\d+ ", line)}


def test_every_case_holds_or_is_explained() -> None:
    assert _failing(shared_folder("cases"), "2.4.0p18") == _explained()


def test_cases_of_a_later_version_hold_there() -> None:
    assert "host-048" not in _failing(shared_folder("cases"), "2.5.0p9")
    assert "host-048" in _explained()


def test_explanations_are_not_empty() -> None:
    for line in (ROOT / "docs" / "conformance.md").read_text("utf-8").splitlines():
        if re.match(r"\| `[a-z]+-\d+`", line):
            assert len(line.split("|")[2].strip()) > 20


@pytest.mark.parametrize("edition", ["cre", "cme"])
def test_editions_do_not_change_the_cases(edition: str) -> None:
    folder = shared_folder("cases")
    with SimulatedSite(edition=edition, control=True) as site:
        command = [sys.executable, str(folder / "run_cases.py"), site.api_url, site.site, site.username, site.password]
        command += ["--control", f"{site.url}/control", "--only", "host-0(6|7)", str(folder / "hosts.jsonl")]
        assert " 0 failed" in subprocess.run(command, capture_output=True, text=True, timeout=300).stdout
