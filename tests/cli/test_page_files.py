"""``--html`` writes private files, and checks before a command changes anything that they can be written."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.csv").write_text("name,folder\nweb01,/linux\nweb02,/linux\n")


def _data(file: str) -> Any:
    (text,) = re.findall(r'type="application/json" id="data">(.*?)</script>', Path(file).read_text("utf-8"), re.S)
    return json.loads(text)


@pytest.mark.skipif(os.name != "posix", reason="modes of files exist on POSIX systems only")
def test_pages_are_private(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("plan", "hosts.csv", "--owner", "me", "--html", "plan.html").err == "The page is in plan.html\n"
    assert sync("apply", "hosts.csv", "--owner", "me", "--yes", "-q", "--html", "report.html").err == ""
    assert [stat.S_IMODE(os.stat(name).st_mode) for name in ("plan.html", "report.html")] == [0o600, 0o600]
    assert [entry["tag"] for entry in _data("plan.html")["entries"]] == ["create"] * 3
    assert [entry["tag"] for entry in _data("report.html")["entries"]] == ["applied"] * 3
    assert sorted(os.listdir()) == ["hosts.csv", "plan.html", "report.html"]


def test_the_command_on_the_page_applies_the_plan(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    (tmp_path / "more hosts.csv").write_text("name\nweb03\n")
    options = ("--owner", "me", "--allow-changes", "5", "--confirm-delete", "old", "--no-discover", "--adopt")
    sync("plan", "hosts.csv", "more hosts.csv", *options, "--html", "plan.html", "--detailed-exitcode", "--markdown")
    data = _data("plan.html")
    assert data["command"] == (
        "checkmk-sync apply hosts.csv 'more hosts.csv' --owner me --adopt --allow-changes 5 --confirm-delete old "
        "--no-discover"
    )
    words = shlex.split(data["command"])
    assert sync(*words[1:], "--checksum", data["plan"]["checksum"]).code == 0
    assert {"web01", "web03"} <= site_for_cli.state.configuration.hosts.keys()


@pytest.mark.parametrize("path", ["missing/page.html", "folder"])
def test_a_page_that_cannot_be_written_changes_nothing(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, path: str
) -> None:
    (tmp_path / "folder").mkdir()
    result = sync("apply", "hosts.csv", "--yes", "--html", path)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"Error: cannot write {path}: ")
    assert "web01" not in site_for_cli.state.configuration.hosts
    planned = sync("plan", "hosts.csv", "--html", path)
    assert (planned.code, planned.out, planned.err) == (2, "", result.err)


def test_a_refused_apply_keeps_the_page_of_an_earlier_one(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("earlier")
    assert sync("apply", "hosts.csv", "--checksum", "0" * 16, "--html", "page.html").code == 2
    assert (tmp_path / "page.html").read_text() == "earlier"
    assert sorted(os.listdir()) == ["hosts.csv", "page.html"]


def test_pages_can_be_combined_with_json(site_for_cli: SimulatedSite, sync: Run) -> None:
    planned = sync("plan", "hosts.csv", "--json", "--html", "plan.html")
    assert _data("plan.html")["plan"]["checksum"] == planned.data["checksum"]
