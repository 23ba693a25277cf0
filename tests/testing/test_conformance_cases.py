"""The simulated site passes the cases from Checkmk's own tests, or the documentation explains the deviation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, shared_folder

FAMILIES = (
    "acknowledgements",
    "activation",
    "auth",
    "clusters",
    "comments",
    "discovery",
    "discovery_more",
    "downtimes",
    "fields",
    "folders",
    "folders_more",
    "generic",
    "groups",
    "host_internal",
    "host_move",
    "hosts",
    "jobs",
    "notification_rules",
    "parent_scan",
    "passwords",
    "rename",
    "roles",
    "rules",
    "status",
    "status_more",
    "tags",
    "time_periods",
    "users",
)
OTHER_VERSIONS = {
    "2.3.0p41": {"disc2-004", "disc2-006", "disc2-008", "downtime-014", "rename-003"},
    "2.5.0p9": {"host-048", "role-005", "user-120", "user-122", "user-125", "auth-010", "auth-011"},
}
PAGE = (ROOT / "docs" / "conformance.md").read_text("utf-8")


def _explained() -> set[str]:
    """Return the cases that docs/conformance.md lists with a reason."""
    lists = re.findall(r"^\| ((?:`[a-z0-9]+-\d+`,? )+)\|", PAGE, re.MULTILINE)
    return {case for row in lists for case in re.findall(r"`([^`]+)`", row)}


def _run(folder: Path, version: str, edition: str, *options: str) -> tuple[set[str], int]:
    """Return the cases that fail, and the number of cases that pass."""
    with SimulatedSite(
        version, edition, control=True, password="case-secret", activation_time=0, discovery_time=0
    ) as site:
        command = [sys.executable, str(folder / "run_cases.py"), site.api_url, site.site, site.username, site.password]
        command += ["--control", f"{site.url}/control", "-v", *options]
        command += [str(folder / f"{name}.jsonl") for name in FAMILIES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    passed = re.search(r"(\d+) passed, ", done.stdout)
    assert passed, done.stderr
    failed = {line.split()[0] for line in done.stdout.splitlines() if re.match(r"[a-z0-9]+-\d+ ", line)}
    return failed, int(passed[1])


def test_every_case_passes_or_has_an_explanation() -> None:
    failed, passed = _run(shared_folder("cases"), "2.4.0p18", "managed")
    assert failed == _explained()
    assert passed > 240


@pytest.mark.parametrize("version", OTHER_VERSIONS)
def test_cases_of_other_versions_pass_on_those_versions(version: str) -> None:
    cases = OTHER_VERSIONS[version]
    failed, passed = _run(shared_folder("cases"), version, "managed", "--only", f"^({'|'.join(cases)})$")
    assert (failed, passed) == (set(), len(cases))
    assert cases <= _explained()


def test_explanations_are_not_empty() -> None:
    for line in PAGE.splitlines():
        if re.match(r"\| `[a-z0-9]+-\d+`", line):
            assert len(line.split("|")[2].strip()) > 20


@pytest.mark.parametrize("edition", ["cre", "cme"])
def test_cases_pass_in_every_edition(edition: str) -> None:
    failed, passed = _run(shared_folder("cases"), "2.4.0p18", edition, "--only", "host-0(6|7)")
    assert passed
    assert not failed
