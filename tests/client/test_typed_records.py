"""Type checkers know the records of plain nouns, without stubs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

CORRECT = """\
from typing import Optional

from checkmk_sync import Checkmk, Ensured, HostGroup, Password, TimePeriod


def use(cmk: Checkmk) -> None:
    group: HostGroup = cmk.host_groups.get("linux")
    title: str = group.alias
    customer: Optional[str] = HostGroup("linux", alias="Linux servers").customer
    done: Ensured[HostGroup] = cmk.host_groups.ensure(HostGroup("linux", alias=title))
    before: Optional[HostGroup] = done.before
    period: Optional[TimePeriod] = cmk.time_periods.find("workhours")
    keys: list[str] = [password.name for password in cmk.passwords.each()]
    cmk.passwords.create(Password("snmp", title="SNMP", password="example-secret"))
    cmk.aux_tags.bulk_delete(keys)
    print(customer, before, period)
"""

# Each wrong line, and the words of the error.
WRONG = {
    'HostGroup("linux", alais="Linux servers")': 'Unexpected keyword argument "alais"',
    'HostGroup("linux")': 'Missing positional argument "alias"',
    'HostGroup("linux", alias=5)': 'Argument "alias" to "HostGroup" has incompatible type "int"',
    'cmk.host_groups.get("linux").alais': '"HostGroup" has no attribute "alais"',
    'cmk.host_groups.get("linux").alias = "Linux"': 'Property "alias" defined in "HostGroup" is read-only',
    'cmk.host_groups.create(ServiceGroup("disks", alias="Disks"))': 'has incompatible type "ServiceGroup"',
    "cmk.hostgroups": '"Checkmk" has no attribute "hostgroups"',
}


def _errors(tmp_path: Path, script: str, version: str = "3.13") -> list[str]:
    pytest.importorskip("mypy")
    if sys.version_info < (3, 10):
        pytest.skip("the last mypy for Python 3.9 does not know the annotations of newer libraries")
    (tmp_path / "script.py").write_text(script, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", version]
    command += ["--cache-dir", str(ROOT / ".mypy_cache"), str(tmp_path / "script.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not done.stderr
    return [line for line in done.stdout.splitlines() if ": error: " in line]


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_strict_users_can_use_typed_records(tmp_path: Path, version: str) -> None:
    assert _errors(tmp_path, CORRECT, version) == []


def test_misspelled_missing_and_wrong_fields_are_errors(tmp_path: Path) -> None:
    head = ["from checkmk_sync import Checkmk, HostGroup, ServiceGroup", "", "", "def use(cmk: Checkmk) -> None:"]
    found = _errors(tmp_path, "\n".join([*head, *(f"    {line}" for line in WRONG), ""]))
    for number, (line, words) in enumerate(WRONG.items(), start=len(head) + 1):
        assert any(f"script.py:{number}: error" in error and words in error for error in found), f"{line}: {found}"
    assert len(found) == len(WRONG)
