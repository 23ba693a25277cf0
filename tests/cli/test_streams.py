"""Commands finish without a usable stdout or stderr: no reader, a full disk, closed, or the wrong encoding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.testing import SimulatedSite

pytestmark = pytest.mark.slow  # each test starts processes

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.csv"
    path.write_text("name,alias\n" + "".join(f"new{n:04d},Größe {n} {'x' * 80}\n" for n in range(150)), "utf-8")
    return str(path)


def _shell(script: str, site: SimulatedSite, **environment: str) -> Any:
    """Run a shell command in which ``$sync`` is the command line."""
    command = f"{sys.executable} -m checkmk_sync"
    known = {**os.environ, "CHECKMK_SERVER_URL": site.url, "sync": command, **environment}
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], env=known, capture_output=True)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def test_apply_finishes_when_the_reader_leaves(site_for_cli: SimulatedSite, inventory: str) -> None:
    done = _shell(f"$sync apply {inventory} --yes -q | true", site_for_cli)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(site_for_cli.state.configuration.hosts) == 153
    assert site_for_cli.state.configuration.changes == [], "the changes are also active"


@pytest.mark.parametrize("streams", ["2>&1 | true", "2>&1 > /dev/null | true", "2> /dev/full", "2>&-"])
def test_apply_finishes_without_a_usable_stderr(site_for_cli: SimulatedSite, inventory: str, streams: str) -> None:
    """stderr receives a note for each stage."""
    _shell(f"$sync apply {inventory} --yes {streams}", site_for_cli)
    assert len(site_for_cli.state.configuration.hosts) == 153
    assert site_for_cli.state.configuration.changes == [], "the changes are also active"


@pytest.mark.parametrize("command", ["hosts list --json", "plan {}", "plan {} --markdown"])
def test_a_reader_that_leaves_does_not_change_the_exit_code(
    site_for_cli: SimulatedSite, inventory: str, command: str
) -> None:
    done = _shell(f"$sync {command.format(inventory)} | true", site_for_cli)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_exit_code_of_a_plan_is_the_same_without_a_reader(site_for_cli: SimulatedSite, inventory: str) -> None:
    assert _shell(f"$sync plan {inventory} --detailed-exitcode | true", site_for_cli).returncode == 4


@pytest.mark.parametrize("command", ["hosts list", "version --json", "plan {}", "apply {} --yes -q", "--help"])
def test_a_full_disk_is_reported(site_for_cli: SimulatedSite, inventory: str, command: str) -> None:
    done = _shell(f"$sync {command.format(inventory)} > /dev/full", site_for_cli)
    assert done.returncode == 1
    assert done.stderr.decode() == "Error: cannot write to standard output: No space left on device\n"
    assert len(site_for_cli.state.configuration.hosts) == (153 if command.startswith("apply") else 3)


@pytest.mark.parametrize("command", ["hosts list", "version --json", "apply {} --yes -q"])
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_not_a_failure(
    site_for_cli: SimulatedSite, inventory: str, command: str, closed: str
) -> None:
    done = _shell(f"$sync {command.format(inventory)} {closed}", site_for_cli)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(site_for_cli.state.configuration.hosts) == (153 if command.startswith("apply") else 3)


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "latin-1"}, ASCII],
    ids=lambda environment: "-".join(environment.values()),
)
def test_characters_the_encoding_lacks_are_escaped(
    site_for_cli: SimulatedSite, tmp_path: Path, environment: dict[str, str]
) -> None:
    inventory = tmp_path / "hosts.csv"
    inventory.write_text(f"name,alias\nweb01,Größe → {'ł' * 80}\n", "utf-8")
    for command in (f"apply {inventory} --yes -q", "hosts list"):
        done = _shell(f"$sync {command}", site_for_cli, **environment)
        assert (done.returncode, done.stderr) == (0, b""), command
    shown = _shell("$sync hosts get web01", site_for_cli, **environment).stdout
    assert b"Gr\xf6\xdfe -> \\u0142" in shown or b"Gr\\xf6\\xdfe -> \\u0142" in shown
    assert json.loads(_shell("$sync hosts get web01 --json", site_for_cli, **environment).stdout)["name"] == "web01"


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_a_simulated_site_prints_its_address_at_once(how: list[str]) -> None:
    command = [sys.executable, "-m", "checkmk_sync", "simulate", "--port", "0", *how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = "".join(process.stdout.readline() for _ in range(3))
        process.terminate()
    assert "http://127.0.0.1:" in output
